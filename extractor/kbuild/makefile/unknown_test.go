package makefile

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func read(t *testing.T, text string, outer map[string]string) *Makefile {
	t.Helper()
	dir := t.TempDir()
	write(t, dir, map[string]string{"Makefile": text})
	set := Setting{Dirs: []string{dir}, Outer: map[string]Variable{}, Name: filepath.Base}
	for k, v := range outer {
		set.Outer[k] = Variable{Text: v, Simple: true}
	}
	m, err := Read(filepath.Join(dir, "Makefile"), set)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// What a command would tell goes where its output would go, and no further.
func TestUnknown(t *testing.T) {
	for _, c := range []struct {
		name, text  string
		known, says string // of a; says is empty when nothing is unknown
	}{
		{"in a list", "a := x $(shell ls) y\n", "x  y", "Makefile:2: takes the output of a command: $(shell ls)"},
		{"through functions", "a := $(addprefix p/,$(sort z $(shell ls)))\n", "p/z p/", "$(shell ls)"},
		{"not into what it does not touch", "b := $(shell ls)\na := x\n", "x", ""},
		{"in the name that is read", "a := $(x-$(shell ls))\n", "", "cannot be told"},
		{"an undecided conditional", "ifeq ($(shell uname),Linux)\na += x.o\nelse\na += y.o\nendif\na += z.o\n", "  z.o", "$(shell uname)"},
		{"its plain else is undecided too", "ifneq ($(shell uname),)\nelse\na := y.o\nendif\n", "", "$(shell uname)"},
		{"a certain branch within it", "ifdef U\nifdef nothing\na := 1\nendif\nendif\n", "", ""},
		{"a branch behind it that is certain not to be taken", "ifeq ($(U),1)\nelse ifeq (1,2)\na := 1\nendif\n", "", ""},
		{"a branch behind one that is certain", "ifeq (1,1)\nelse ifeq ($(U),)\na := 1\nelse\na := 2\nendif\n", "", ""},
		{"ifdef of it", "ifdef U\na := 1\nendif\n", "", "$(shell u)"},
		{"text beside it is not empty", "ifneq ($(U)x,)\na := 1\nendif\nifeq ($(U)x,)\na := 2\nendif\n", "1", ""},
		{"an if", "a := $(if $(U),yes,no)\n", "", "$(shell u)"},
		{"an or", "a := $(or $(U),y)\n", "", "$(shell u)"},
		{"an and that cannot hold", "a := $(and $(U),$(nothing))\n", "", ""},
		{"a filter for it", "a := $(filter $(U),x) $(filter-out x $(U),x y)\n", " ", "$(shell u)"},
		{"counting it", "a := $(words $(U) x)\n", "", "cannot be told"},
		{"a command's output", "a != ls\n", "", "takes the output of a command: ls"},
		{"a function that is defined elsewhere", "a := $(call nobody-knows,x)\n", "", "$(call nobody-knows)"},
		{"a reference to itself", "a = $(b)\nb = $(a)\n", "", "refers to itself"},
		{"a reference without end", "a := $(b\n", "", "without end"},
		{"an option of the compiler", "a := $(call cc-option,-Wx) -I y\n", " -I y", "$(call cc-option,-Wx) asks a tool"},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := read(t, "U := $(shell u)\n"+c.text, nil)
			value := m.Value("a")
			if got := Known(value); got != c.known {
				t.Errorf("known is %q, want %q", got, c.known)
			}
			var says []string
			for _, u := range m.Unknowns(value) {
				says = append(says, u.Reason)
			}
			switch got := strings.Join(says, "; "); {
			case c.says == "" && got != "":
				t.Errorf("unknown: %s", got)
			case !strings.Contains(got, c.says):
				t.Errorf("unknown says %q, want %q", got, c.says)
			}
		})
	}
}

// What an unknown may hold is kept, to tell whether it matters.
func TestUnknownText(t *testing.T) {
	m := read(t, "a := $(call cc-option,-Wx,-Wy)\nifeq ($(shell u),)\nb := -Iz\nendif\n", nil)
	for name, want := range map[string]string{"a": "-Wx -Wy", "b": "-Iz"} {
		if u := m.Unknowns(m.Value(name)); len(u) != 1 || u[0].Text != want {
			t.Errorf("%s: %+v, want one of %q", name, u, want)
		}
	}
}

func TestMissingInclude(t *testing.T) {
	m := read(t, "include nothing.mk\n-include neither.mk\na := 1\ninclude $(shell u)/x\n", nil)
	u := m.Unknowns(m.Value(Whole))
	if len(u) != 2 || u[0].Reason != "Makefile:1: nothing.mk, which it includes, is not there" ||
		u[1].Reason != "Makefile:4: what is included cannot be told: include $(shell u)/x" {
		t.Errorf("%+v", u)
	}
	if m.Value("a") != "1" {
		t.Errorf("a is %q", m.Value("a"))
	}
}

func TestCompilerVersions(t *testing.T) {
	m := read(t, "a := $(call gcc-min-version, 110000) $(call clang-min-version, 1)\n"+
		"b := $(call cc-ifversion,-lt,1200,old,new) $(call cc-ifversion,-ge,1202,yes) $(call cc-ifversion, -lt, 0701, y)\n",
		map[string]string{"CONFIG_GCC_VERSION": "120200", "CONFIG_CLANG_VERSION": "0"})
	if a, b := strings.TrimSpace(m.Value("a")), strings.TrimSpace(m.Value("b")); a != "y" || b != "new yes" {
		t.Errorf("a is %q, b is %q", a, b)
	}
}

// Every line that asks is told, with what keeps it from counting.
func TestAsked(t *testing.T) {
	m := read(t, `obj-$(CONFIG_A) += a.o
ifdef CONFIG_B
obj-y += b.o
else
obj-y += c.o
endif
obj-$(CONFIG_C) += $(late)
ifeq ($(shell u),)
obj-y += d.o
endif
late = e.o f.o
`, map[string]string{"CONFIG_A": "m"})
	var got []string
	for i := range m.Asked() {
		a := &m.Asked()[i]
		line := a.Written + " " + a.Name + " " + strings.Join(m.Words(a), ",")
		if k := a.Kept; k != nil {
			line += " kept by " + k.Text
			if k.Else {
				line += " (else)"
			}
			if k.Unsure != nil {
				line += " unsure"
			}
		}
		got = append(got, line)
	}
	want := []string{
		"obj-$(CONFIG_A) obj-m a.o",
		"obj-y obj-y b.o kept by ifdef CONFIG_B",
		"obj-y obj-y c.o",
		"obj-$(CONFIG_C) obj- e.o,f.o",
		"obj-y obj-y d.o kept by ifeq ($(shell u),) unsure",
		"late late e.o,f.o",
	}
	if g, w := strings.Join(got, "\n"), strings.Join(want, "\n"); g != w {
		t.Errorf("got\n%s\nwant\n%s", g, w)
	}
}

// A Makefile that grows without end is an error, not a dead process.
func TestBounds(t *testing.T) {
	dir := t.TempDir()
	doubling := "a0 := xxxxxxxxxxxxxxxx\n"
	for i := range 40 {
		n, next := string(rune('a'+i%26))+strings.Repeat("_", i/26), string(rune('a'+(i+1)%26))+strings.Repeat("_", (i+1)/26)
		if i == 0 {
			n = "a0"
		}
		doubling += next + " = $(" + n + ")$(" + n + ")\n"
	}
	write(t, dir, map[string]string{
		"self.mk":  "include self.mk\n",
		"large.mk": doubling + "x := $(o_)\n",
		"mark.mk":  "a := \U000F0001\n",
		"bytes.mk": "a := \xff\n",
	})
	for file, want := range map[string]error{"self.mk": ErrTooMuch, "large.mk": ErrTooMuch, "mark.mk": nil, "bytes.mk": nil, "none.mk": os.ErrNotExist} {
		_, err := Read(filepath.Join(dir, file), Setting{Dirs: []string{dir}})
		if err == nil || want != nil && !errors.Is(err, want) {
			t.Errorf("%s: error %v, want %v", file, err, want)
		}
	}
}

// FuzzRead holds that any text is read or refused within bounds, the same way
// each time, and that what an unknown touches never passes for known.
func FuzzRead(f *testing.F) {
	for _, text := range programs {
		f.Add(text)
	}
	f.Add("ifeq ($(shell x),)\nobj-$(shell y) += a.o\nelse\nifdef z\nendif\n")
	f.Add("define x\n$(eval $(call x))\nendef\n$(call x)\n")
	dir := f.TempDir()
	path := filepath.Join(dir, "Makefile")
	f.Fuzz(func(t *testing.T, text string) {
		if strings.Contains(text, "/") {
			return // it could name files of this machine
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		m, err := Read(path, Setting{Dirs: []string{dir}})
		if err != nil {
			return
		}
		again, err := Read(path, Setting{Dirs: []string{dir}})
		if err != nil {
			t.Fatalf("read once, not twice: %v", err)
		}
		for i := range m.Asked() {
			a := &m.Asked()[i]
			if a.Line < 1 && !strings.Contains(text, "eval") {
				t.Fatalf("an assignment at line %d", a.Line)
			}
			v := m.Value(a.Name)
			if v != again.Value(a.Name) && len(m.unknowns) == len(again.unknowns) {
				t.Fatalf("%s is %q, then %q", a.Name, v, again.Value(a.Name))
			}
			if hasMark(v) != (len(m.Unknowns(v)) > 0) {
				t.Fatalf("%s is %q, unknown %v", a.Name, v, m.Unknowns(v))
			}
			if hasMark(Known(v)) {
				t.Fatalf("%s is not known: %q", a.Name, Known(v))
			}
		}
	})
}
