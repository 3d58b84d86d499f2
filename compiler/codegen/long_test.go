package codegen

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/compiler/diag"
	"github.com/tpinfo/tpinfo/fixtures/tier"
)

// longScript has a statement many times, over 12 variables.
func longScript(statement string, times int) string {
	var text strings.Builder
	text.WriteString("global n = 1, m[1000], c[1000]\nprobe kernel.trace(\"e\") {\n s = \"\";\n")
	for i := range 12 {
		fmt.Fprintf(&text, " v%d = n + %d;\n", i, i)
	}
	for i := range times {
		text.WriteString(strings.NewReplacer("V", fmt.Sprint("v", i%12), "W", fmt.Sprint("v", (i+5)%12), "#", fmt.Sprint(i)).Replace(" " + statement + ";\n"))
	}
	text.WriteString(` c["", ""] = v0 + v1 + v2; m[1] = v3; println(s, v11) }` + "\n")
	return text.String()
}

func longScripts() map[string]string {
	texts := &strings.Builder{}
	for i := range 30 {
		fmt.Fprintf(texts, " s%d = sprint(n, \" \", %d) . (n > %d ? \"a\" : \"b\");\n", i, i, i)
	}
	texts.WriteString(" println(")
	for i := range 30 {
		fmt.Fprintf(texts, "s%d, ", i)
	}
	deep := "n"
	for i := range 80 {
		deep = fmt.Sprintf("(%s %s (%d + v%d / (n + 1)))", deep, []string{"+", "-", "*", "^"}[i%4], i, i%12)
	}
	var wide func(depth int) string
	wide = func(depth int) string {
		if depth == 0 {
			return "n"
		}
		return fmt.Sprintf("(%s * 3 + %d - %s)", wide(depth-1), depth, wide(depth-1))
	}
	return map[string]string{
		"quotients":    longScript("V += W / (V + 3) - V % (W + 1)", 200),
		"sums":         longScript("V = (V + W) * # ^ n", 200),
		"conditions":   longScript("if (V > #) W += V; else n--", 200),
		"texts":        longScript(`s = sprint(V) . "x" . substr(s, 0, 20)`, 100),
		"formats":      longScript(`s = sprintf("%5d %x %s", V, W, s)`, 60),
		"elements":     longScript(`m[V]++; if (V in m) c[s, "x"] = m[W]`, 60),
		"errors":       longScript(`try { V = W / (n - 1) } catch { V++ }`, 60),
		"prints":       longScript(`printf("%d %d %s\n", V, W, s)`, 100),
		"deep":         longScript("V = "+deep, 1),
		"wide":         longScript("V = "+wide(7), 1),
		"many strings": "global n = 1\nprobe kernel.trace(\"e\") {\n" + texts.String() + "n) }\n",
		"many keys": `global n = 1, a[100]
probe kernel.trace("e") {
 t = substr("text" . sprint(n), 0, 15)
 a[t, t, n, t, t . "y", "z", n + 1, t, t . t]++
 if ([t, t, n, t, t . "y", "z", n + 1, t, t . t] in a) println(a[t, t, n, t, t . "y", "z", 2, t, t . t])
 delete a[t, t, n, t, t . "y", "z", n + 1, t, t . t]
}
`,
	}
}

// The kernel takes handlers that are long, and they do what they do in user
// space.
func TestLongHandlers(t *testing.T) {
	tier.Need(t, tier.Machine)
	unlock(t)
	for name, text := range longScripts() {
		t.Run(name, func(t *testing.T) {
			src := &diag.Source{Name: "t.stp", Text: text}
			p, err := typedForm(src, thisKernel(), 128)
			if err != nil {
				t.Fatal(err)
			}
			o, err := Generate(p, src)
			if err != nil {
				t.Fatal(err)
			}
			got := inKernel(t, src, o)
			if got == nil {
				t.Fatalf("%d instructions are too many for the verifier", len(o.Programs[0].Insns))
			}
			if want := inUser(t, p); got.String() != want.String() {
				t.Errorf("in the kernel: %v\n\nin user space: %v", got, want)
			}
		})
	}
}

// Before 5.11 the keys of an array take no more than a program's stack.
func TestLongKeys(t *testing.T) {
	src := &diag.Source{Name: "t.stp", Text: "global n\nglobal a[10]\nprobe kernel.trace(\"e\") { s = sprint(n++); a[s, s, s, s, s] = n }\n"}
	for release, want := range map[string]string{
		"5.10.0": `t.stp:2:1: error: the keys of a take 640 bytes, and kernels before 5.11 have 512 for them`,
		"6.1.0":  "",
	} {
		p, err := typedForm(src, tpinfo.Kernel{Release: release, Arch: "x86", ByteOrder: tpinfo.LittleEndian, WordSize: 8}, 128)
		if err != nil {
			t.Fatal(err)
		}
		_, err = Generate(p, src)
		if (err != nil) != (want != "") || err != nil && !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: %v, want %q", release, err, want)
		}
	}
}

// Places are those of the script behind a byte order mark.
func TestMarkedScript(t *testing.T) {
	src := &diag.Source{Name: "t.stp", Text: "\ufeffprobe kernel.trace(\"e\") { s = sprintf(\"%-5d\", cpu()); println(s) }\n"}
	p, err := typedForm(src, thisKernel(), 128)
	if err != nil {
		t.Fatal(err)
	}
	if _, err = Generate(p, src); err == nil || !strings.HasPrefix(err.Error(), "t.stp:1:31: error: sprintf in the kernel") {
		t.Errorf("error %v", err)
	}
	src.Text = strings.Replace(src.Text, "-5", "5", 1)
	if p, err = typedForm(src, thisKernel(), 128); err != nil {
		t.Fatal(err)
	}
	o, err := Generate(p, src)
	if err != nil {
		t.Fatal(err)
	}
	if l := o.Programs[0].Lines[0]; !strings.HasPrefix(l.Text, "probe") {
		t.Errorf("line %q", l.Text)
	}
}

// Before 5.12 a variance is not kept where a probe in the kernel reads it, which
// is told once, there.
func TestSharedVariance(t *testing.T) {
	src := &diag.Source{Name: "t.stp", Text: `global n, s
probe kernel.trace("e") { s <<< 1; s <<< n
 if (n) n = @variance(s)
 delete s; s <<< 2 }
`}
	for release, want := range map[string]string{
		"5.10.0": "3:13: the variance of s cannot be kept where a probe in the kernel reads or deletes it",
		"5.12.0": "",
	} {
		p, err := typedForm(src, tpinfo.Kernel{Release: release, Arch: "x86", ByteOrder: tpinfo.LittleEndian, WordSize: 8}, 128)
		if err != nil {
			t.Fatal(err)
		}
		_, err = Generate(p, src)
		var list *diag.List
		if !errors.As(err, &list) {
			list = &diag.List{}
		}
		got := ""
		for _, e := range list.Errors {
			line, column := src.Place(e.Span.Start)
			message, _, _ := strings.Cut(e.Message, ": ")
			got += fmt.Sprintf("%d:%d: %s", line, column, message)
		}
		if got != want {
			t.Errorf("%s: %q, want %q", release, got, want)
		}
	}
}

// Functions that call the one before them twice are more than anything can hold
// when they are expanded. That is said, in no more than a moment.
func TestExpandedWithoutEnd(t *testing.T) {
	text := "global n\nfunction f0:long(x:long) { return x + 1 }\n"
	for i := range 60 {
		text += fmt.Sprintf("function f%d:long(x:long) { return f%d(x) + f%d(x) }\n", i+1, i, i)
	}
	src := &diag.Source{Name: "t.stp", Text: text + "probe kernel.trace(\"e\") { n = f60(n) }\n"}
	p, err := typedForm(src, thisKernel(), 128)
	if err != nil {
		t.Fatal(err)
	}
	_, err = Generate(p, src)
	if err == nil || !strings.Contains(err.Error(), "this probe is too large for the kernel: more than 65536 instructions") {
		t.Errorf("error %v", err)
	}
}
