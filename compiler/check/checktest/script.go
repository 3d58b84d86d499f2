package checktest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/tpinfo/tpinfo/compiler/check"
	"github.com/tpinfo/tpinfo/compiler/diag"
	"github.com/tpinfo/tpinfo/compiler/ir"
	"github.com/tpinfo/tpinfo/compiler/syntax"
)

// On puts statements into a probe of sched_switch.
func On(body string) string { return `probe kernel.trace("sched_switch") { ` + body + ` }` }

// Check gives a text its meaning for a kernel. A program that is not valid is an
// error, as it is of an object.
func Check(k check.Metadata, text string, opt check.Options) (*ir.Program, error) {
	src := &diag.Source{Name: "t.stp", Text: text}
	f, err := syntax.Parse(src, syntax.Options{})
	if err != nil {
		return nil, err
	}
	p, err := check.Check(context.Background(), f, src, k, opt)
	if err != nil {
		return nil, err
	}
	return p, p.Validate()
}

// Dump is what a text compiles to.
func Dump(t testing.TB, text string) string {
	t.Helper()
	p, err := Check(New(), text, check.Options{})
	if err != nil {
		t.Fatalf("%s\n%v", text, err)
	}
	return ir.Dump(p)
}

// WantLines looks for lines of a dump, in their order.
func WantLines(t *testing.T, text string, want ...string) {
	t.Helper()
	got := Dump(t, text)
	rest := strings.Split(got, "\n")
	for _, w := range want {
		i := slices.IndexFunc(rest, func(line string) bool { return strings.TrimSpace(line) == w })
		if i < 0 {
			t.Errorf("%s\nlacks, or lacks in this order: %s\n%s", text, w, got)
			return
		}
		rest = rest[i+1:]
	}
}

// WantErrors looks for the messages, each once and no others; a message may
// have its hint behind " ~ ".
func WantErrors(t *testing.T, text string, want ...string) {
	t.Helper()
	_, err := Check(New(), text, check.Options{})
	var list *diag.List
	if !errors.As(err, &list) {
		t.Errorf("%s\nno errors, want %q (%v)", text, want, err)
		return
	}
	var got []string
	for _, e := range list.Errors {
		line, column := list.Source.Place(e.Span.Start)
		s := fmt.Sprintf("%d:%d: %s", line, column, e.Message)
		if e.Hint != "" {
			s += " ~ " + e.Hint
		}
		got = append(got, s)
	}
	if !slices.Equal(got, want) {
		t.Errorf("%s\ngot  %s\nwant %s", text, strings.Join(got, "\n     "), strings.Join(want, "\n     "))
	}
}
