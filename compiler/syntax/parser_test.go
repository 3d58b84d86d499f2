package syntax

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/tpinfo/tpinfo/compiler/diag"
	"github.com/tpinfo/tpinfo/fixtures/tier"
)

// noPlaces compares trees by what they say.
var noPlaces = cmp.Options{cmpopts.IgnoreTypes(diag.Span{}), cmpopts.EquateEmpty()}

func parse(t testing.TB, text string) *File {
	t.Helper()
	f, err := Parse(&diag.Source{Name: "t.stp", Text: text}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// scripts are whole ones; what Print makes of each must parse to its like.
var scripts = []string{
	"",
	`global faults[250]
global max = -1
probe kernel.trace("mm_filemap_add_to_page_cache") {
  faults[pid()]++
  if (max == -1 || faults[pid()] > faults[max])
    max = pid()
}
probe timer.s(30) {
  if (max != -1)
    printf("Pid %d added %d pages\n", max, faults[max])
  else
    printf("No page cache adds detected\n")
  exit()
}`,
	`probe kernel.trace("hrtimer_init") {
  state = @cast($hrtimer, "hrtimer", "kernel<linux/hrtimer.h>")->state
  printf("hrtimer state: %d\n", state)
}`,
	`global a, b[10], c%[5], d%, e = "x" private global f
private function g:long(x:string, y) { return strlen(x) + y }
function h() { return }
probe begin(-5), end, never { next }
probe mine = kernel.trace("sched:*")?, kernel.trace("irq_*")! { x = 1 }
probe yours += mine { delete a; delete b[1, "x"] }
probe perf.type(0).config(1).sample(100), timer.jiffies(5).randomize(2) { }`,
	`probe end {
  foreach ([i+, j] in a limit 5) print(i)
  foreach (k in a-) { continue }
  foreach (v = [x, y-] in a[*, 1]) if (v) break; else next
  foreach (s in st @count -) ;
  for (i = 0; i < 3; i++) for (;;) break
  while (1) { try { error("x") } catch (m) { log(m) } try { } catch { } }
}`,
	`probe begin {
  x = -y - - -z + ++w-- * ~!v
  a <<< b ? c : d = e
  $p->q->r[1]->s$ ; $$vars; $t$$; &$u->v; @count(a[1]) @defined($z)
  y = ([1, 2] in a) && 3 in b && (x in c) == 1
  s .= "a" . "b\t\"\\" . sprintf("%d", 1 << 2 + 3)
  z = (x = 3) + (1 ? 2 : 3)
}`,
	`@define add(a, b) %( ((@a) + (@b)) %)
probe begin {
  print(@hist_log(x), @hist_linear(y[1], -5, 100, 10))
  println($$name, $$system . $$parms$ . $x$$)
  printf("%d%%\n", @add(1, %( "a" != "b" %? 2 %: 3 %)))
  x = ! ~a & -(-b); y = (a ? b : c) in d; foreach (v- = k in a) break
  x = $# ; y = @#; a =~ "x\\.y" && b !~ "z"
}`,
}

func TestPrintParses(t *testing.T) {
	for _, text := range scripts {
		first := parse(t, text)
		printed := Print(first)
		second, err := Parse(&diag.Source{Name: "printed", Text: printed}, Options{})
		if err != nil {
			t.Errorf("%v\nin\n%s", err, printed)
			continue
		}
		if diff := cmp.Diff(first, second, noPlaces); diff != "" {
			t.Errorf("%s\n(-parsed +printed and parsed):\n%s", printed, diff)
		}
		if again := Print(second); again != printed {
			t.Errorf("printed twice, two texts:\n%s\n%s", printed, again)
		}
	}
}

// All that is wrong with a script is said at once, with its place.
func TestErrors(t *testing.T) {
	for _, test := range []struct {
		text string
		want []string
	}{
		{"probe begin { x = ; y = 1 + }", []string{`t.stp:1:19: error: expected a value, found ";"`, `t.stp:1:29: error: expected a value, found "}"`}},
		{"probe { }", []string{`t.stp:1:7: error: expected a probe point, found "{"`}},
		{"probe begin {", []string{`t.stp:1:14: error: expected "}" at the end of the handler of the probe, found the end of the script`}},
		{"hello\nprobe begin { }\nglobal 5\nfunction f(", []string{
			`t.stp:1:1: error: expected probe, global or function, found "hello"`, `t.stp:3:8: error: expected a global's name, found 5`, `t.stp:4:12: error: expected a parameter's name, found the end of the script`,
		}},
		{"global if", []string{`t.stp:1:8: error: expected a global's name, found "if"`}},
		{"function f:int() { }", []string{`t.stp:1:12: error: "int" is not a type`}},
		{"probe begin { 1 = 2 }", []string{`t.stp:1:17: error: what is before "=" cannot be assigned to`}},
		{"probe begin { foreach ([a+, b-] in c) ; }", []string{`t.stp:1:30: error: a second order`}},
		{"probe begin { if x }", []string{`t.stp:1:18: error: expected "(" behind if, found "x"`}},
		{"probe kernel.{a, } { }", []string{`t.stp:1:18: error: expected a probe point, found "}"`}},
		{"probe kernel.{a b } { }", []string{`t.stp:1:17: error: expected "}" behind the alternatives, found "b"`}},
		{"probe begin if (x) { }", []string{`t.stp:1:13: error: a condition of a probe point is not supported`}},
		{"function f(a):1 { }", []string{`t.stp:1:14: error: functions of one name with priorities are not supported`}},
		{"probe timer.s(x) { }", []string{`t.stp:1:15: error: expected a number or a string, found "x"`}},
	} {
		_, err := Parse(&diag.Source{Name: "t.stp", Text: test.text}, Options{})
		if err == nil {
			t.Errorf("%s: nothing is wrong", test.text)
			continue
		}
		if got := strings.Count(err.Error(), ": error: "); got != len(test.want) {
			t.Errorf("%s: %d errors, want %d:\n%v", test.text, got, len(test.want), err)
		}
		for _, want := range test.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: got\n%v\nwant %s", test.text, err, want)
			}
		}
	}
	deep := "probe begin { x = " + strings.Repeat("(", 5000)
	if _, err := Parse(&diag.Source{Text: deep}, Options{}); err == nil || !strings.Contains(err.Error(), "nested more than 200 deep") {
		t.Error("nesting has no bound")
	}
}

// explicit writes an expression as SystemTap's first pass does: all operands in
// parentheses.
func explicit(x Expr) string {
	paren := func(x Expr) string { return "(" + explicit(x) + ")" }
	switch x := x.(type) {
	case *Binary:
		return paren(x.X) + " " + x.Op + " " + paren(x.Y)
	case *Unary:
		return x.Op + paren(x.X)
	case *Step:
		if x.Before {
			return x.Op + paren(x.X)
		}
		return paren(x.X) + x.Op
	case *Cond:
		return paren(x.If) + "?" + paren(x.Then) + ":" + paren(x.Else)
	case *Assign:
		return paren(x.X) + " " + x.Op + " " + paren(x.Y)
	case *In:
		return "[" + printList(x.Keys) + "] in " + explicit(x.Array)
	}
	return printExpr(x, lowest)
}

// SystemTap's own parser has the last word on what binds closer.
func TestPrecedence(t *testing.T) {
	tier.Need(t, tier.Trees)
	tier.NeedTool(t, "stap", "systemtap")
	builds, err := filepath.Glob("/lib/modules/*-cloud-amd64/build")
	if err != nil || len(builds) == 0 {
		tier.Skip(t, "no installed kernel headers: apt-get install linux-headers-cloud-amd64")
	}
	var text strings.Builder
	text.WriteString("global a, b\nprobe begin {\n")
	ops := []string{"||", "&&", "|", "^", "&", "==", "<", ">=", "<<", ">>", ".", "+", "-", "*", "/", "%"}
	var want []string
	add := func(stmt string) {
		text.WriteString(stmt + "\n")
		f := parse(t, "probe begin { "+stmt+" }")
		want = append(want, explicit(f.Probes[0].Body.List[0].(*ExprStmt).X))
	}
	for _, one := range ops {
		for _, two := range ops {
			add("x = p " + one + " q " + two + " r;")
		}
	}
	for _, stmt := range []string{
		"x = !p == q;", "x = -p - -q;", "x = p ? q : r ? s : t;", "x = p || q ? r : s;", "x = y = z;", "x += p ? q : r;", "x = p++ + ++q;", "x = ~p & q;", "a[1] <<< p + q;", "x = p in a && q;", "x = p == q in a;", "x = p & q in a;",
	} {
		add(stmt)
	}
	text.WriteString("}\n")
	script := filepath.Join(t.TempDir(), "p.stp")
	if err := os.WriteFile(script, []byte(text.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("stap", "-r", filepath.Base(filepath.Dir(builds[0])), "-p1", script).Output()
	if err != nil {
		t.Fatal(err)
	}
	_, body, _ := strings.Cut(string(out), "probe begin{\n")
	lines := strings.Split(body, "\n")
	for i, w := range want {
		got := strings.TrimSuffix(lines[i], ";")
		// SystemTap closes more parentheses around what needs none.
		if strip(got) != strip(w) {
			t.Errorf("stap:   %s\ntpinfo: %s", got, w)
		}
	}
}

// strip takes parentheses off single words, which say nothing.
func strip(s string) string {
	s = strings.ReplaceAll(s, " ", "")
	for _, word := range []string{"x", "y", "z", "p", "q", "r", "s", "t", "a[1]"} {
		s = strings.ReplaceAll(s, "("+word+")", word)
		s = strings.ReplaceAll(s, "["+word+"]", word)
	}
	return s
}

func FuzzParse(f *testing.F) {
	for _, s := range scripts {
		f.Add(s)
	}
	for _, test := range conditions {
		f.Add("probe begin { %( " + test.text + " %? x=1 %: y=@2 %) } @define m(a,b) %( [@a] in @b %) probe end { @m($1,z) } %{ %}")
	}
	f.Fuzz(func(t *testing.T, text string) {
		first, err := Parse(&diag.Source{Name: "t", Text: text}, forKernel)
		if err != nil {
			if err.Error() == "" {
				t.Fatal("an error without words")
			}
			return
		}
		printed := Print(first)
		second, err := Parse(&diag.Source{Name: "printed", Text: printed}, Options{})
		if err != nil {
			t.Fatalf("%v\n%s", err, printed)
		}
		if diff := cmp.Diff(first, second, noPlaces); diff != "" {
			t.Fatalf("%s\n%s", printed, diff)
		}
	})
}

// Alternatives in braces are the points that they stand for.
func TestAlternatives(t *testing.T) {
	for short, long := range map[string]string{
		`probe k.{trace("a")!, trace("b")} {}`:   `probe k.trace("a")!, k.trace("b") {}`,
		`probe k.{t("a"), t("b")!}?, begin {}`:   `probe k.t("a")?, k.t("b")!, begin {}`,
		`probe a.{b.{c, d}?, e}.f = x.{y, z} {}`: `probe a.b.c.f?, a.b.d.f?, a.e.f = x.y, x.z {}`,
	} {
		if diff := cmp.Diff(parse(t, long), parse(t, short), noPlaces); diff != "" {
			t.Errorf("%s:\n%s", short, diff)
		}
	}
	deep := "probe " + strings.Repeat("a.{b, c.", 150) + "d" + strings.Repeat("}", 150) + " {}"
	if _, err := Parse(&diag.Source{Name: "t", Text: deep}, Options{}); err != nil && !strings.Contains(err.Error(), "more than") {
		t.Error(err)
	}
}

// A byte order mark at the very start is no part of the script; columns count
// from behind it.
func TestByteOrderMark(t *testing.T) {
	if _, err := Parse(&diag.Source{Name: "t", Text: "\ufeffprobe begin { x = 1 }"}, Options{}); err != nil {
		t.Error(err)
	}
	for text, want := range map[string]string{
		"\ufeffprobe begin { x = ` }": "t:1:19: error: \"`\" has no meaning here\n  1 | probe begin { x = ` }\n    |                   ^",
		"\ufeff\nx":                   "t:2:1: ",
		" \ufeffprobe begin { }":      "t:1:2: error: ",
		"\ufeff\ufeff":                "t:1:1: error: ",
	} {
		if _, err := Parse(&diag.Source{Name: "t", Text: text}, Options{}); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}
