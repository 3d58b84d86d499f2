package makefile

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tpinfo/tpinfo/fixtures/tier"
)

// programs set variables a, b and c. What they come to is what GNU make says.
var programs = map[string]string{
	"flavours":      "x := 1\na = $(x)\nb := $(x)\nx := 2\nc ?= $(x)\nb ?= no\nd := 4\nd += $(x)\nx := 3\nc += $(d)\n",
	"append":        "a += one\na += $(late)\nb := one\nb += $(late)\nlate := two\nc = $(a)-$(b)\n",
	"computed name": "CONFIG_X := m\nobj-$(CONFIG_X) += x.o\nobj-$(CONFIG_Y) += y.o\na = $(obj-m)\nb = $(obj-)\nc = $(obj-$(CONFIG_X):.o=.ko)\n",
	"continuation":  "a := one \\\n\ttwo \\\n   three\\\nfour\nb = x\\\\\nc := end \\\n",
	"comments":      "a := one # two\n# a := three\nb := hash\\#tag\nc := $(a) \\\n  more # \\\n  gone\n",
	"ifdef":         "x :=\ny = $(x)\nifdef x\na := 1\nelse\na := 2\nendif\nifdef y\nb := 1\nendif\nifndef z\nc := 3\nendif\n",
	"ifeq": "x := y\nifeq ($(x),y)\na += 1\nendif\nifneq (\"$(x)\",\"y\")\na += 2\nelse ifeq '$(x)' 'y'\na += 3\nelse\na += 4\nendif\n" +
		"ifeq ( $(x) , y )\nb := spaces\nendif\nifneq ($(filter y m,$(x)),)\nc := filtered\nendif\n",
	"nested": "ifdef nothing\nifeq (1,1)\na := no\nelse\na := no\nendif\nelse\nifneq (1,1)\na := no\nelse ifdef MAKE\na := yes\nelse\na := no\nendif\nb := here\nendif\n",
	"words": "l := foo.c bar.o baz.c foo.c\na := $(filter %.c,$(l)) $(filter-out foo% ,$(l)) $(sort $(l)) $(words $(l))\n" +
		"b := $(word 2,$(l)) $(wordlist 2,9,$(l)) $(firstword $(l)) $(lastword $(l)) $(findstring bar,$(l)) $(strip   x   y )\n" +
		"c := $(patsubst %.c,%.o,$(l)) $(l:.c=.s) $(l:b%.o=<%>) $(subst o,0,$(l))\n",
	"files":       "l := a/b/c.o d.tar.gz e\na := $(dir $(l)) $(notdir $(l)) $(suffix $(l)) $(basename $(l))\nb := $(addprefix ../,$(l)) $(addsuffix .x,$(l))\nc := $(join 1 2 3,a b)\n",
	"if or and":   "x := 1\na := $(if $(x),yes,no) $(if $(z),yes,no) $(if $(z),yes)\nb := $(or $(z),$(x),last) [$(or $(z),)]\nc := $(and $(x),2) [$(and $(x),$(z))]\n",
	"call":        "rev = $(2) $(1)\na := $(call rev,x,y)\ntwice = $(call rev,$(1),$(call rev,$(1),$(1)))\nb := $(call twice,z)\nc := [$(1)] $(call subst,a,b,aaa)\n",
	"foreach":     "a := $(foreach v,1 2 3,<$(v)>)\nv := kept\nb := $(foreach v,$(a),$(subst <,,$(v))) $(v)\n",
	"eval":        "$(foreach f,x y,$(eval FLAGS_$(f).o := -D$(f)))\na := $(FLAGS_x.o) $(FLAGS_y.o)\ndefine body\nb := from\nc := $(1)\nendef\n$(eval $(call body,eval))\n",
	"define":      "define two\none $(x)\nother\nendef\nx := y\na := $(subst $(nl),|,$(two))\ndefine nl :=\n\n\nendef\nb := $(words $(two))\n",
	"rules":       "x := 1\nall: $(x)\n\ta := no\n\tb := no\n$(x): x := 2\na := $(x)\n%.o: %.c ; echo\n\tifdef x\nb := back\n",
	"tabs":        "ifndef zzz\n\ta := tab\n\tifeq (1,1)\n\t\tb := deep\n\tendif\nendif\n",
	"override":    "override a := 1\nexport b := 2\nexport c\nc = 3\nunexport c\n",
	"brackets":    "x := y\na := ${x} $x ${if ${x},(b),c} $$x\nb := $(subst [,<,a[b](c))\nc := $(if $(x),a$(comma)b)\ncomma := ,\n",
	"undefine":    "a := 1\nundefine a\nb := [$(a)]\n",
	"wildcard":    "a := $(sort $(wildcard *.frag))\nb := $(wildcard nothing.frag) $(wildcard one.frag)\nc := $(wildcard $(wildcard o*.frag))\n",
	"include":     "x := 7\ninclude one.frag\n-include nothing.frag\nsinclude nothing.frag\na := $(one)\ninclude $(wildcard t*.frag)\nb := $(two)\n",
	"origin":      "x = 1\na := $(origin nothing) $(origin x) $(value v)\nv = $(x) $$\nb := $(value v)\n",
	"info":        "a := $(warning gone) 1\nb := 2 $(info gone)\n",
	"self assign": "a := 1\na := $(a) 2\na += $(a)\n",
}

func write(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// GNU make itself is the oracle.
func TestAgainstMake(t *testing.T) {
	tier.NeedTool(t, "make", "make")
	for name, text := range programs {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			const probe = "\n$(info @<$(strip $(a))><$(strip $(b))><$(strip $(c))>)\n.PHONY: nop\nnop: ; @:\n"
			write(t, dir, map[string]string{
				"Makefile": text, "one.frag": "one := from one $(x)\n", "two.frag": "two := from two\n", "probe.mk": probe,
			})
			cmd := exec.Command("make", "-rR", "--no-print-directory", "-f", "Makefile", "-f", "probe.mk", "nop")
			cmd.Dir, cmd.Env = dir, []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C"}
			out, err := cmd.CombinedOutput()
			if err != nil {
				t.Fatalf("make: %v\n%s", err, out)
			}
			_, want, _ := strings.Cut("\n"+string(out), "\n@")
			m, err := Read(filepath.Join(dir, "Makefile"), Setting{Dirs: []string{dir}, Outer: map[string]Variable{"MAKE": {Text: "make", Simple: true}}})
			if err != nil {
				t.Fatal(err)
			}
			strip := func(name string) string { return strings.Join(strings.Fields(m.Value(name)), " ") }
			got := fmt.Sprintf("<%s><%s><%s>", strip("a"), strip("b"), strip("c"))
			want = strings.Join(strings.Fields(strings.ReplaceAll(strings.TrimSuffix(want, "\n"), "\n", " ")), " ")
			if got != want {
				t.Errorf("got  %s\nmake %s", got, want)
			}
		})
	}
}
