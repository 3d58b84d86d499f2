package compiler_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/tpinfo/tpinfo/compiler"
	"github.com/tpinfo/tpinfo/compiler/check"
	"github.com/tpinfo/tpinfo/compiler/diag"
)

// expected begins the lines of a refused script that say what is wrong with
// the line before: "//^ COLUMN: message", and " ~ hint" behind it.
const expected = "//^ "

// What is outside of the language is refused, with the place, the reason and
// what to do, all errors of a phase at once. testdata/refused has a file for
// each phase or subject; -update writes the messages anew.
func TestRefused(t *testing.T) {
	files, err := filepath.Glob("testdata/refused/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files: %v", len(files), err)
	}
	meta := keptKernel(t)
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		archive := txtar.Parse(text)
		if strings.TrimSpace(string(archive.Comment)) == "" {
			t.Errorf("%s does not say what it is about", file)
		}
		for i := range archive.Files {
			f := &archive.Files[i]
			t.Run(strings.TrimSuffix(filepath.Base(file), ".txt")+"/"+f.Name, func(t *testing.T) {
				got := string(f.Data)
				// Lines that are added move the lines that messages name.
				for range 3 {
					got = annotated(t, meta, f.Name, got)
				}
				if *update {
					f.Data = []byte(got)
				} else if diff := cmp.Diff(string(f.Data), got); diff != "" {
					t.Errorf("-want +got\n%s", diff)
				}
			})
		}
		if *update && !t.Failed() {
			if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// annotated is a script with what is wrong with it behind each line, in place
// of what was there.
func annotated(t *testing.T, meta check.Metadata, name, text string) string {
	t.Helper()
	src := &diag.Source{Name: name, Text: text}
	_, err := compiler.Compile(t.Context(), src, meta, compiler.Options{})
	var list *diag.List
	if !errors.As(err, &list) {
		t.Fatalf("it is not refused: %v\n%s", err, text)
	}
	wrong := map[int][]string{}
	last := strings.Count(text, "\n")
	for _, e := range list.Errors {
		line, column := src.Place(e.Span.Start)
		line = min(line, last) // at the very end, behind the last newline
		message := fmt.Sprintf("%s%d: %s", expected, column, e.Message)
		if e.Hint != "" {
			message += " ~ " + e.Hint
		}
		wrong[line] = append(wrong[line], message)
	}
	var out []string
	for i, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		if !strings.HasPrefix(line, expected) {
			out = append(out, line)
		}
		out = append(out, wrong[i+1]...)
	}
	return strings.Join(out, "\n") + "\n"
}
