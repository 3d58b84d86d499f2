package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the manual page anew")

var optionLine = regexp.MustCompile(`^  (-\S.*?)  +(\S.*)$`)

// manPage makes the manual page of the usage text.
func manPage(usage string) string {
	escape := strings.NewReplacer(`\`, `\e`, `-`, `\-`).Replace
	head, rest, _ := strings.Cut(strings.TrimPrefix(usage, "Usage: "), "\n\n")
	about, rest, _ := strings.Cut(rest, "\n\n")
	options, status, _ := strings.Cut(rest, "\n\n")
	var b strings.Builder
	fmt.Fprintf(&b, ".TH \"TPRUN\" \"1\" \"Jan 1970\" \"tpinfo\" \"tpinfo manual\"\n.SH NAME\ntprun \\- run a probe object\n")
	b.WriteString(".SH SYNOPSIS\n.nf\n")
	for _, line := range strings.Split(head, "\n") {
		b.WriteString(escape(strings.TrimSpace(line)) + "\n")
	}
	b.WriteString(".fi\n.SH DESCRIPTION\n" + escape(about) + "\n.SH OPTIONS\n")
	for _, line := range strings.Split(options, "\n") {
		if m := optionLine.FindStringSubmatch(line); m != nil {
			fmt.Fprintf(&b, ".TP\n\\fB%s\\fP\n%s\n", escape(m[1]), escape(m[2]))
		} else {
			b.WriteString(escape(strings.TrimSpace(line)) + "\n")
		}
	}
	b.WriteString(".SH EXIT STATUS\n" + escape(strings.TrimPrefix(strings.TrimSpace(status), "Exit status: ")) + "\n")
	b.WriteString(".SH SEE ALSO\n\\fBtpinfo\\-compile(1)\\fP, \\fBtpinfo\\-run(1)\\fP\n")
	return b.String()
}

// The manual page under docs/man is made from the usage text.
func TestManPage(t *testing.T) {
	path := filepath.Join("..", "..", "docs", "man", "tprun.1")
	page := manPage(usage)
	if *update {
		if err := os.WriteFile(path, []byte(page), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v; go test ./cmd/tprun -run ManPage -update makes it", err)
	}
	if diff := cmp.Diff(string(have), page); diff != "" {
		t.Errorf("%s is stale; go test ./cmd/tprun -run ManPage -update writes it anew:\n%s", path, diff)
	}
	if n, want := strings.Count(page, ".TP\n"), strings.Count(usage, "\n  -"); n != want {
		t.Errorf("%d options in the page, %d in the usage:\n%s", n, want, page)
	}
}
