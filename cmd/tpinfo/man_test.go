package main

import (
	"bytes"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"

	"github.com/tpinfo/tpinfo/cmd/tpinfo/cli"
)

var update = flag.Bool("update", false, "write the manual pages anew")

// The manual pages under docs/man are made from the commands' own help.
func TestManPages(t *testing.T) {
	root := newRoot(&cli.App{Streams: cli.Streams{In: strings.NewReader(""), Out: io.Discard, Err: io.Discard}})
	root.DisableAutoGenTag = true
	root.InitDefaultCompletionCmd()
	dir := filepath.Join("..", "..", "docs", "man")
	if *update {
		stale, err := filepath.Glob(filepath.Join(dir, "tpinfo*.1"))
		if err != nil {
			t.Fatal(err)
		}
		for _, page := range stale {
			if err := os.Remove(page); err != nil {
				t.Fatal(err)
			}
		}
	}
	wanted := map[string]bool{"tprun.1": true} // cmd/tprun's own test makes it
	var each func(c *cobra.Command)
	each = func(c *cobra.Command) {
		if !c.IsAvailableCommand() && c.HasParent() {
			return
		}
		name := strings.ReplaceAll(c.CommandPath(), " ", "-") + ".1"
		wanted[name] = true
		var page bytes.Buffer
		epoch := time.Unix(0, 0).UTC()
		header := &doc.GenManHeader{Section: "1", Source: "tpinfo", Manual: "tpinfo manual", Date: &epoch}
		heeded(c, func() {
			if err := doc.GenMan(c, header, &page); err != nil {
				t.Fatal(err)
			}
		})
		path := filepath.Join(dir, name)
		if *update {
			if err := os.WriteFile(path, page.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		have, err := os.ReadFile(path)
		if err != nil {
			t.Fatalf("%v; go test ./cmd/tpinfo -run ManPages -update makes it", err)
		}
		if diff := cmp.Diff(string(have), page.String()); diff != "" {
			t.Errorf("%s is stale; go test ./cmd/tpinfo -run ManPages -update writes it anew:\n%s", path, diff)
		}
		for _, sub := range c.Commands() {
			each(sub)
		}
	}
	each(root)
	pages, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range pages {
		if !wanted[p.Name()] {
			t.Errorf("%s is of no command", p.Name())
		}
	}
}
