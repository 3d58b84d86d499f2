package runner

import (
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// shellsOwn are commands that a shell does itself, and that there may be no
// program for: the special and the intrinsic utilities of POSIX (XCU 2.15, 1.7),
// and what the shells that are /bin/sh somewhere (dash, bash, busybox) have more.
var shellsOwn = words(`
	. : break continue eval exec exit export readonly return set shift times trap unset
	alias bg cd command fc fg getopts hash jobs read type ulimit umask unalias wait
	[[ builtin caller declare dirs disown enable history let local logout mapfile
	popd pushd readarray shopt source suspend typeset`)

func words(text string) map[string]bool {
	set := map[string]bool{}
	for _, w := range strings.Fields(text) {
		set[w] = true
	}
	return set
}

// CommandLine makes a program and its arguments of the text of -c, for
// Options.Command; nothing of a text that has none. As with SystemTap the process
// is the command's own: words, quoted or not, need no shell. A simple command with
// something that only a shell understands, such as a variable, a pattern or a
// redirection, goes to one that gives its process to it. For anything more, a
// list, a pipeline, a loop or a command of the shell's own, the process is the
// shell's.
func CommandLine(command string) []string {
	file, err := syntax.NewParser(syntax.Variant(syntax.LangPOSIX)).Parse(strings.NewReader(command), "")
	switch {
	case err != nil:
		return shell(command) // which says what is wrong with it
	case len(file.Stmts) == 0:
		return nil
	case len(file.Stmts) > 1:
		return shell(command)
	}
	stmt := file.Stmts[0]
	call, simple := stmt.Cmd.(*syntax.CallExpr)
	if !simple || stmt.Negated || stmt.Background || len(call.Args) == 0 {
		return shell(command)
	}
	var argv []string
	for i, word := range call.Args {
		text, literal := unquote(word)
		if i == 0 && literal && shellsOwn[text] {
			return shell(command)
		}
		if !literal || len(stmt.Redirs)+len(call.Assigns) > 0 {
			at := call.Args[0].Pos().Offset()
			return shell(command[:at] + "exec " + command[at:])
		}
		argv = append(argv, text)
	}
	return argv
}

func shell(command string) []string { return []string{"/bin/sh", "-c", command} }

// unquote makes the text of a word that stands for itself, once its quotes are
// taken away; others are left to a shell.
func unquote(word *syntax.Word) (text string, literal bool) {
	var b strings.Builder
	for i, part := range word.Parts {
		switch part := part.(type) {
		case *syntax.Lit:
			if i == 0 && strings.HasPrefix(part.Value, "~") || !unescape(&b, part.Value, "", "*?[") {
				return "", false
			}
		case *syntax.SglQuoted:
			if part.Dollar {
				return "", false
			}
			b.WriteString(part.Value)
		case *syntax.DblQuoted:
			if part.Dollar {
				return "", false
			}
			for _, inside := range part.Parts {
				lit, is := inside.(*syntax.Lit)
				if !is || !unescape(&b, lit.Value, "$`\"\\", "") {
					return "", false
				}
			}
		default:
			return "", false
		}
	}
	return b.String(), true
}

// unescape writes a text without the backslashes that quote the character behind
// them, one of those given or any; an end of the line so quoted is no part of the
// text. It reports whether no other character is one of the special.
func unescape(b *strings.Builder, text, quotable, special string) bool {
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case c == '\\' && i+1 < len(text) && text[i+1] == '\n':
			i++
			continue
		case c == '\\' && i+1 < len(text) && (quotable == "" || strings.IndexByte(quotable, text[i+1]) >= 0):
			i++
			c = text[i]
		case strings.IndexByte(special, c) >= 0:
			return false
		}
		b.WriteByte(c)
	}
	return true
}
