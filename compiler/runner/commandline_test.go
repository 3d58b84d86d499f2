package runner_test

import (
	"math/rand/v2"
	"os/exec"
	"slices"
	"testing"

	"github.com/tpinfo/tpinfo/compiler/runner"
)

func TestCommandLine(t *testing.T) {
	sh := func(command string) []string { return []string{"/bin/sh", "-c", command} }
	for command, want := range map[string][]string{
		// Words need no shell, whatever is in their quotes.
		" ls  -l /tmp ":                    {"ls", "-l", "/tmp"},
		"echo 'a b'":                       {"echo", "a b"},
		"dd if=x":                          {"dd", "if=x"},
		`python3 -c "f(); [x for x in y]"`: {"python3", "-c", "f(); [x for x in y]"},
		`awk '{ print $1 | "sort" }' x`:    {"awk", `{ print $1 | "sort" }`, "x"},
		`echo a\ b \* "\$x \y \"q\"" ''`:   {"echo", "a b", "*", `$x \y "q"`, ""},
		`"echo" a'b'"c"\d`:                 {"echo", "abcd"},
		"ls;":                              {"ls"},
		"ls # all; of & it":                {"ls"},
		"find . -name '*.c' {} +":          {"find", ".", "-name", "*.c", "{}", "+"},
		"echo {a,b} x~ a=~":                {"echo", "{a,b}", "x~", "a=~"},
		"echo a \\\n b":                    {"echo", "a", "b"},
		// A simple command that needs one takes its place.
		"ls > /tmp/x":      sh("exec ls > /tmp/x"),
		"</tmp/x cat":      sh("</tmp/x exec cat"),
		"ls *.c":           sh("exec ls *.c"),
		"echo $x":          sh("exec echo $x"),
		`echo "$x"`:        sh(`exec echo "$x"`),
		"echo `date`":      sh("exec echo `date`"),
		"kill -0 $$":       sh("exec kill -0 $$"),
		"ls ~":             sh("exec ls ~"),
		"A=1 b":            sh("A=1 exec b"),
		"# a\n\nls *":      sh("# a\n\nexec ls *"),
		"cat <<x\n$y\nx\n": sh("exec cat <<x\n$y\nx\n"),
		"$SHELL -c 'a; b'": sh("exec $SHELL -c 'a; b'"),
		// Anything more is a shell's.
		"a; b":                   sh("a; b"),
		"a\nb":                   sh("a\nb"),
		"a | b":                  sh("a | b"),
		"a && b":                 sh("a && b"),
		"a &":                    sh("a &"),
		"! a":                    sh("! a"),
		"(a)":                    sh("(a)"),
		"{ a; }":                 sh("{ a; }"),
		"if a; then b; fi":       sh("if a; then b; fi"),
		"for i in 1; do a; done": sh("for i in 1; do a; done"),
		"f() { a; }":             sh("f() { a; }"),
		"A=1":                    sh("A=1"),
		"> x":                    sh("> x"),
		// And so is what it does itself.
		"exec true":  sh("exec true"),
		"exit 7":     sh("exit 7"),
		":":          sh(":"),
		"ulimit -n":  sh("ulimit -n"),
		"type ls":    sh("type ls"),
		". ./x":      sh(". ./x"),
		"cd $x":      sh("cd $x"),
		"read x < y": sh("read x < y"),
		// What no shell understands is for the shell to say so.
		"echo 'a": sh("echo 'a"),
		"a )":     sh("a )"),
		"\t":      nil,
		"":        nil,
		"# a":     nil,
	} {
		if got := runner.CommandLine(command); !slices.Equal(got, want) {
			t.Errorf("%q: %q, want %q", command, got, want)
		}
	}
}

// The words that need no shell are those that the shell makes of them.
func TestWordsAsTheShell(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	parts := []string{"a", "b", " ", " ", "'", "'", `"`, `"`, `\`, `\`, "$x", "*", "?", "[", "]", "~", "{", "}", ",", "#", "=", "!", "\n", "\t", "é"}
	compared := 0
	for range 1000 {
		text := ""
		for range 1 + random.IntN(12) {
			text += parts[random.IntN(len(parts))]
		}
		argv := runner.CommandLine("words " + text)
		if len(argv) == 0 || argv[0] != "words" {
			continue
		}
		want, err := exec.Command("/bin/sh", "-c", `words() { for w; do printf '<%s>' "$w"; done; }; words `+text).CombinedOutput()
		if err != nil {
			t.Fatalf("%q: %v\n%s", text, err, want)
		}
		got := ""
		for _, w := range argv[1:] {
			got += "<" + w + ">"
		}
		if got != string(want) {
			t.Errorf("%q: %q; the shell says %q", text, got, want)
		}
		compared++
	}
	if compared < 100 {
		t.Errorf("%d texts need no shell", compared)
	}
	t.Logf("%d compared", compared)
}
