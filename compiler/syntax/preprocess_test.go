package syntax

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tpinfo/tpinfo/compiler/diag"
	"github.com/tpinfo/tpinfo/fixtures/tier"
)

var forKernel = Options{Args: []string{"5", "comm"}, Release: "6.1.0-56-cloud-amd64", Arch: "x86"}

func preprocessed(text string, opt Options) (string, error) {
	errs := &diag.List{Source: &diag.Source{Name: "t", Text: text}}
	var words []string
	for _, t := range preprocess((&scanner{text: text}).scan(), opt, errs) {
		switch t.Kind {
		case EndToken:
		case StringToken:
			words = append(words, quote(t.Text))
		default:
			words = append(words, t.Text)
		}
	}
	return strings.Join(words, " "), errs.Err()
}

// conditions are what stands between "%(" and "%?", with what SystemTap 4.8
// says of them for a kernel 6.1.0-56-cloud-amd64.
var conditions = []struct {
	text  string
	holds bool
}{
	{`kernel_v >= "6.1"`, true},
	{`kernel_v == "6.1"`, false},
	{`kernel_v == "6.1.0"`, true},
	{`kernel_v == "6.1*"`, true},
	{`kernel_v != "6.[0-2].?"`, false},
	{`kernel_v < "6.10"`, true},
	{`kernel_v < "6.9.12"`, true},
	{`kernel_v > "5.10.200"`, true},
	{`kernel_v < "10.0"`, true},
	{`kernel_vr == "6.1.0-56-cloud-amd64"`, true},
	{`kernel_vr >= "6.1.0-6"`, true},
	{`kernel_v >= "6.1.0-6"`, false},
	{`arch == "x86_64"`, true},
	{`arch != "x86*"`, false},
	{`arch == "arm64"`, false},
	{`systemtap_v >= "4.8"`, true},
	{`systemtap_v < "4.10"`, true},
	{`systemtap_privilege == "stapdev"`, true},
	{`guru_mode == 0`, true},
	{`"a" == "a"`, true},
	{`"ab" == "a*"`, false},
	{`"a" < "b"`, true},
	{`1 != 1`, false},
	{`10 > 9`, true},
	{`1 == 2 && 1 == 1 || 2 == 2`, true},
	{`1 == 1 || 2 == 2 && 1 == 2`, true},
	{`$1 == 5`, true},
	{`@1 == "5"`, true},
	{`@2 == "comm"`, true},
	{`$# == 2`, true},
	{`$# > 2`, false},
}

func TestConditions(t *testing.T) {
	for _, test := range conditions {
		got, err := preprocessed("%( "+test.text+" %? yes %: no %)", forKernel)
		if want := map[bool]string{true: "yes", false: "no"}[test.holds]; err != nil || got != want {
			t.Errorf("%s: %s (%v), want %s", test.text, got, err, want)
		}
	}
	// What is ours.
	for text, want := range map[string]string{
		`runtime == "bpf"`:                "yes",
		`runtime != "kernel"`:             "yes",
		`(1 == 2 || 1 == 1) && 1 == 2`:    "no",
		`defined(@2)`:                     "yes",
		`defined(@3)`:                     "no",
		`defined($1) && (defined(@2))`:    "yes",
		`-1 < $1`:                         "yes",
		`%( 1 == 1 %? 2 %: 3 %) == 2`:     "yes",
		`kernel_v >= @2 || kernel_v < @2`: "yes",
	} {
		if got, err := preprocessed("%( "+text+" %? yes %: no %)", forKernel); err != nil || got != want {
			t.Errorf("%s: %s (%v), want %s", text, got, err, want)
		}
	}
	arm := Options{Release: "7.3.1", Arch: "arm64"}
	if got, err := preprocessed(`%( arch == "arm64" && kernel_vr == "7.3.1" && kernel_v >= "7" %? yes %)`, arm); err != nil || got != "yes" {
		t.Errorf("arm64: %q, %v", got, err)
	}
}

func TestChoices(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{`a %( 1 == 1 %? b %) c`, "a b c"},
		{`a %( 1 == 2 %? b %) c`, "a c"},
		{`%( 1 == 1 %? %)`, ""},
		{`%( 1 == 2 %? a %: %( 1 == 1 %? b %: c %) d %)`, "b d"},
		{`%( 1 == 1 %? %( 1 == 2 %? a %: b %) %: c %)`, "b"},
		// What is left out may be anything.
		{"%( 1 == 2 %? **ERROR** ` 12ab \"x\n $9 %( CONFIG_X == 1 %? %) %{ %) %} %: a %)", "a"},
		{`%( 1 == 2 %? @define f %( 1 %) %: @define f %( 2 %) %) @f`, "2"},
		{`"a" %( 1 == 1 %? "b" %) "c"`, `"abc"`},
		{`kernel.trace(%( kernel_v >= "6.15" %? "hrtimer_setup" %: "hrtimer_init" %))`, `kernel . trace ( "hrtimer_init" )`},
	} {
		if got, err := preprocessed(test.text, forKernel); err != nil || got != test.want {
			t.Errorf("%s\n got  %s (%v)\n want %s", test.text, got, err, test.want)
		}
	}
}

func TestMacros(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{`@define foo %( x %) @foo = @foo`, "x = x"},
		{`@define add(a,b) %( ((@a)+(@b)) %) @add(2,3)`, "( ( 2 ) + ( 3 ) )"},
		{`@define add(a,b) %( (@a+@b) %) @add(@add(1, 2), f(3, [4, 5]))`, "( ( 1 + 2 ) + f ( 3 , [ 4 , 5 ] ) )"},
		{`@define x %( @y %) @define y %( 3 %) @x`, "3"},
		{`@define f(a) %( <@a> %) @f() @f( )`, "< > < >"},
		{`@define a %( outer %) @define f(a) %( @a @g %) @define g %( @a %) @f(1)`, "1 outer"},
		{`@define v %( %( kernel_v >= "6" %? new %: old %) %) @v`, "new"},
		{`@define n %( 7 %) %( @n == 7 %? yes %)`, "yes"},
		{`@define f(x) %( %( @x == 1 %? one %: more %) %) @f(1) @f(2)`, "one more"},
		{`@count(x) @hist_log(y)`, "@count ( x ) @hist_log ( y )"},
		{`@define count %( 3 %) @count`, "3"},
		{`@define s(x) %( "<" @x ">" %) @s("a") "b"`, `"<a>b"`},
		{`@define probe %( $1 @2 %) @probe`, `5 "comm"`},
	} {
		if got, err := preprocessed(test.text, forKernel); err != nil || got != test.want {
			t.Errorf("%s\n got  %s (%v)\n want %s", test.text, got, err, test.want)
		}
	}
}

func TestArguments(t *testing.T) {
	opt := Options{Args: []string{`a + "b"`, `q"u\x`, `kernel.trace("x")`, "", "/* "}}
	for _, test := range []struct{ text, want string }{
		{`$1 @1`, `a + "ba + \"b\""`},
		{`x = @2`, `x = "q\"u\\x"`},
		{`probe $3 { }`, `probe kernel . trace ( "x" ) { }`},
		{`f($4)`, `f ( )`},
		{`$# @#`, `5 "5"`},
	} {
		if got, err := preprocessed(test.text, opt); err != nil || got != test.want {
			t.Errorf("%s\n got  %s (%v)\n want %s", test.text, got, err, test.want)
		}
	}
	if _, err := preprocessed(" $5", opt); err == nil || !strings.HasPrefix(err.Error(), "t:1:2: error: a comment without an end") {
		t.Errorf("half a comment: %v", err)
	}
	if _, err := preprocessed("$1", Options{Args: []string{"$1"}}); err == nil || !strings.HasPrefix(err.Error(), `t:1:1: error: an argument that refers to an argument: "$1"`) {
		t.Errorf("an argument of itself: %v", err)
	}
}

func TestPreprocessorErrors(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{`a %( 1 == 1 %? b`, `t:1:3: error: a condition without an end`},
		{`a %( 1 == 1 %)`, `t:1:3: error: a condition without "%?"`},
		{`a %)`, `t:1:3: error: "%)" without a "%(" before it`},
		{`%( 1 == 1 %? a %: b %: c %)`, `t:1:21: error: a second "%:"`},
		{`%( CONFIG_SMP == "y" %? a %)`, `t:1:4: error: CONFIG_SMP is not known: of a kernel's configuration nothing is kept`},
		{`%( kernel_v >= 5 %? a %)`, `t:1:16: error: kernel_v is compared with a string`},
		{`%( kernel_v %? a %)`, `t:1:1: error: expected one of == != < <= > >= behind kernel_v`},
		{`%( arch < "x" %? a %)`, `t:1:9: error: expected one of == != behind arch`},
		{`%( arch == "[" %? a %)`, `t:1:12: error: "[" is not a pattern`},
		{`%( kernel == "6" %? a %)`, `t:1:4: error: expected what a condition can compare`},
		{`%( %? a %)`, `t:1:1: error: expected what a condition can compare`},
		{`%( 1 == "a" %? a %)`, `t:1:4: error: a number is compared with a string`},
		{`%( 1 == 1 2 %? a %)`, `t:1:11: error: expected "%?" behind the condition`},
		{`%( (1 == 1 %? a %)`, `t:1:1: error: expected ")" behind the condition in parentheses`},
		{`%( $3 == 1 %? a %)`, `t:1:4: error: there is no argument 3: the script was given 2`},
		{`%( defined(x) %? a %)`, `t:1:12: error: expected defined(@1)`},
		{`%( guru_mode == "1" %? a %)`, `t:1:17: error: guru_mode is compared with 0 or 1`},
		{`%( 1 == 1 %? "x` + "\n%)", `t:1:14: error: a string without an end`},
		{`@define`, `t:1:1: error: expected the macro's name`},
		{`@define f`, `t:1:9: error: expected "%(" before the body of @f`},
		{`@define f() %( 3 %)`, `t:1:11: error: expected the name of a parameter of @f`},
		{`@define f(a b) %( 3 %)`, `t:1:13: error: expected ")" behind the parameters of @f`},
		{`@define f %( 3`, `t:1:11: error: the body of @f has no end`},
		{`@define f %( 3 %) @define f %( 4 %)`, `t:1:27: error: macro @f is defined twice`},
		{`@define f %( @define g %( 3 %) %) @f`, `t:1:14: error: a macro defined by another`},
		{`@define f(a) %( 3 %) @f`, `t:1:22: error: expected "(" behind @f, a macro that takes 1`},
		{`@define f(a) %( 3 %) @f(1, 2)`, `t:1:22: error: macro @f takes 1, not 2`},
		{`@define f(a) %( 3 %) @f(1`, `t:1:22: error: the call of macro @f has no end`},
		{`@define f %( @g %) @define g %( @f %) @f`, `t:1:39: error: macro @f uses itself`},
		{`@define f(a) %( @a %) @f("x` + "\n)", `t:1:23: error: a string without an end`},
	} {
		_, err := preprocessed(test.text, forKernel)
		if err == nil || !strings.HasPrefix(err.Error(), test.want) {
			t.Errorf("%s\n got  %v\n want %s", test.text, err, test.want)
		}
	}
	for word, text := range map[string]string{
		"kernel_v": `%( kernel_v > "5" %? a %)`, "kernel_vr": `%( kernel_vr > "5" %? a %)`, "arch": `%( arch == "x86_64" %? a %)`,
	} {
		_, err := preprocessed(text, Options{})
		if want := "t:1:4: error: " + word + " is not known: no kernel was chosen"; err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// Neither macros nor nesting make more of a script than can be read.
func TestPreprocessorBounds(t *testing.T) {
	var doubling strings.Builder
	for c := 'a'; c < 'z'; c++ {
		doubling.WriteString("@define " + string(c) + " %( @" + string(c+1) + " @" + string(c+1) + " %) ")
	}
	for _, last := range []string{"", "x"} {
		_, err := preprocessed(doubling.String()+"@define z %( "+last+" %) @a", Options{})
		if err == nil || strings.Count(err.Error(), "error: macros make more than 131072 words") != 1 {
			t.Errorf("macros that double %q: %v", last, err)
		}
	}
	calls := "@define d(x) %( @x @x %) " + strings.Repeat("@d(", 40) + "1" + strings.Repeat(")", 40)
	if _, err := preprocessed(calls, Options{}); err == nil || !strings.Contains(err.Error(), "macros make more than") {
		t.Errorf("calls that double: %v", err)
	}
	for _, deep := range []string{
		strings.Repeat("%( 1 == 1 %? ", 1000) + "a" + strings.Repeat(" %)", 1000),
		strings.Repeat("%( ", 1000) + strings.Repeat("1 == 1 %? a %)", 1000),
		"@define d(x) %( @x %) " + strings.Repeat("@d(", 1000) + "1" + strings.Repeat(")", 1000),
		"%( " + strings.Repeat("(", 1000) + "1 == 1" + strings.Repeat(")", 1000) + " %? a %)",
	} {
		if _, err := preprocessed(deep, Options{}); err == nil || !strings.Contains(err.Error(), "nested more than 200 deep") {
			t.Errorf("%.30s…: %v", deep, err)
		}
	}
}

// The places that glibc's strverscmp gives; the list is of its manual page and
// of kernels.
func TestCompareVersions(t *testing.T) {
	ordered := []string{"000", "00", "01", "010", "09", "0", "1", "9", "10"}
	kernels := []string{"5.9", "5.10", "5.10.0", "5.10.9", "5.10.137", "6.1", "6.1.0", "6.1.0-6", "6.1.0-56-amd64", "6.1.1", "6.12", "7.0"}
	for _, list := range [][]string{ordered, kernels} {
		for i, a := range list {
			for j, b := range list {
				if got, want := compareVersions(a, b), compareInts(i, j); got != want {
					t.Errorf("compareVersions(%s, %s) = %d, want %d", a, b, got, want)
				}
			}
		}
	}
}

func compareInts(a, b int) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

func TestEmbeddedC(t *testing.T) {
	for _, text := range []string{"%{ #include <x.h> %}", "function f() %{ return; %}", "probe begin { %{ x %} }", "probe begin { x = %{ 1 %} }"} {
		_, err := Parse(&diag.Source{Name: "t", Text: text}, Options{})
		if err == nil || strings.Count(err.Error(), "error: ") != 1 || !strings.Contains(err.Error(), "error: embedded C cannot become eBPF") {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestFirstLine(t *testing.T) {
	f := parse(t, "#!/usr/bin/env -S tpinfo run\nprobe begin { exit() }\n")
	if len(f.Probes) != 1 {
		t.Errorf("%d probes, want 1", len(f.Probes))
	}
}

// SystemTap's own preprocessor says the same of every condition.
func TestConditionsAsStap(t *testing.T) {
	tier.Need(t, tier.Trees)
	tier.NeedTool(t, "stap", "systemtap")
	builds, err := filepath.Glob("/lib/modules/*-cloud-amd64/build")
	if err != nil || len(builds) == 0 {
		tier.Skip(t, "no installed kernel headers: apt-get install linux-headers-cloud-amd64")
	}
	opt := forKernel
	opt.Release = filepath.Base(filepath.Dir(builds[0]))
	var text strings.Builder
	text.WriteString("probe begin {\n")
	for _, test := range conditions {
		text.WriteString("%( " + test.text + " %? yes %: no %)\n")
	}
	text.WriteString("@define f(a,b) %( @b @a %) @f(one, two) @define x %( @y %) @define y %( %( 1 == 1 %? three %) %) @x }\n")
	script := filepath.Join(t.TempDir(), "p.stp")
	if err := os.WriteFile(script, []byte(text.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("stap", append([]string{"-r", opt.Release, "-p1", script}, opt.Args...)...).Output()
	if err != nil {
		t.Fatal(err)
	}
	_, body, _ := strings.Cut(string(out), "probe begin{\n")
	stap := strings.Fields(strings.NewReplacer(";", " ", "}", " ").Replace(body))
	got, err := preprocessed(text.String(), opt)
	if err != nil {
		t.Fatal(err)
	}
	ours := strings.Fields(strings.TrimSuffix(strings.TrimPrefix(got, "probe begin {"), "}"))
	if len(ours) != len(conditions)+3 {
		t.Fatalf("%d words: %v", len(ours), ours)
	}
	for i := range max(len(ours), len(stap)) {
		if i >= len(stap) || i >= len(ours) || ours[i] != stap[i] {
			t.Fatalf("word %d:\nstap   %v\ntpinfo %v", i, stap, ours)
		}
	}
}
