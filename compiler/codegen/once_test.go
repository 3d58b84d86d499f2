package codegen

import (
	"slices"
	"testing"

	"github.com/tpinfo/tpinfo/compiler/diag"
	"github.com/tpinfo/tpinfo/fixtures/tier"
)

// Scripts that were not the same on both sides once, and their like.
var once = []struct{ name, body string }{
	{"the keys of an element that is assigned are evaluated once", `n1 = a[n0++] = 7; s1 = (d[n0++] = "x") . "y"; println(n0, " ", n1, s1)`},
	{"an operand changes the variable", `n1 = 7; l = 20; l /= (l = 2); m = 20; m %= (m = 6); k = 2; k <<= (k = 3); j = 9; j -= (j = 4); println(l, " ", m, " ", k, " ", j)`},
	{"what a text is made of changes later", `t = "abcdefgh"; println(substr(t, strlen(t = "xyz"), 3), stringat(t, strlen(t = "k") - 1), t)`},
	{"a text that is full is made to its end", `t = "0123456789abcde"; t = (t . t) . (s0 = "made") . sprint(n0++); println(t, s0, n0)`},
	{"a format that is full is evaluated to its end", `t = sprintf("%s%s%d%s", "0123456789abcde", s0, n0++, s1 = "x"); println(t, n0, s1)`},
	{"a NUL ends what is made", `println(sprintf("%c%s", n1, "x"), ".", sprintf("a%cb", n1))`},
	{"a function's result stays when it fails", `println(f(0), f(6))`},
	{"digits", `s1 = "0x9aFg"; println(strtol(s1, 16), " ", strtol("-" . s1, 0), " ", strtol(s0 . "@", 16), " ", strtol("1@" . s1, 16), " ", strtol("f\x601" . s1, 16), " ", strtol("0x:" . s1, 16), " ", strtol("0\x101" . s1, 16))
		printf("%s\n", sprintf("%x %X %p %o %d", n2, n2 + 171, n0, n2, n2))`},
	{"a search", `s1 = "abcdefghijklm"; println(s1 =~ "bcdefgh", s1 =~ "efghijklm", s1 =~ "bcdefgj", s1 =~ "lm$", s1 =~ "l$", s1 =~ "ijklm$", isinstr(s1, "m"), isinstr(s1, "abcdefghijklmn"))`},
	{"the verifier sees an end", `t = ""; if (n0) { d[n0] = s0; for (k = 0; k < 3; k++) if (strtol(t, 0) + strtol(s0, 16)) n1++ } t = "a text that is so long that it lies not among small ones"; println(t, n1)`},
}

// Of those that read the kernel's memory.
var onceReading = []struct{ name, body string }{
	{"a text stays what it was when it cannot be read", `t = "before"; try { t = kernel_string(0) } catch { } try { t = n0 ? kernel_string(0) : "x" } catch { } println(t); try { t = kernel_string(0, sprint(1 / n1)) } catch { } println(t)`},
	{"a text that stands for itself", `t = "before"; t = kernel_string(0, t); println(t); t = kernel_string(0, t . t); println(t)`},
	{"members are read in their turn", `q = 0; try { printf("%d %d %d\n", 1 / n1, @cast(q, "s")->a, @cast(q, "s")->b) } catch (e) { println(e) } try { printf("%d %d\n", @cast(q, "s")->b, @cast(q, "s")->a) } catch (e) { println(e) }`},
	{"a member in what stands for a text that could be read", `q = 0xffff888000001000; printf("%s %d\n", kernel_string(q + 24, sprint(@cast(q, "s")->a)), @cast(q, "s")->b)`},
	{"members are read once their address is known", `q = 0xffff888000001000; printf("%d %d %d %d %d\n", @cast(q, "s")->a, @cast(q, "s")->next->a, @cast(q, "s")->next->b, @cast(q = @cast(q, "s")->next, "s")->a, @cast(q, "s")->b)`},
}

func onceScript(body string) *diag.Source {
	return &diag.Source{Name: "t.stp", Text: declarations + `function f:long(x:long) { try { return randint(6 / x) } catch { } }
probe kernel.trace("e") {
` + body + "\n" + givesTypes + "}\n"}
}

func TestSidesAgreeOn(t *testing.T) {
	for _, c := range append(slices.Clone(once), onceReading...) {
		t.Run(c.name, func(t *testing.T) {
			src := onceScript(c.body)
			for _, size := range []int{128, 16} {
				for _, k := range orderKernels() {
					p, err := typedForm(src, k, size)
					if err != nil {
						t.Fatal(err)
					}
					agree(t, src, string(k.ByteOrder)+" "+k.Release, inMachine(t, generate(t, p)), inUser(t, p))
				}
			}
		})
	}
}

func TestSidesAgreeOnInKernel(t *testing.T) {
	tier.Need(t, tier.Machine)
	unlock(t)
	for _, c := range once {
		t.Run(c.name, func(t *testing.T) {
			src := onceScript(c.body)
			p, err := typedForm(src, thisKernel(), 128)
			if err != nil {
				t.Fatal(err)
			}
			agree(t, src, "in the kernel", inKernel(t, src, generate(t, p)), inUser(t, p))
		})
	}
}
