package main

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

var yamlBlock = regexp.MustCompile("(?ms)^```yaml\n(.*?)^```$")

// The examples of docs/fleet.md and the manifests beside it are YAML, and the
// commands in them are ones that the program knows.
func TestFleetExamples(t *testing.T) {
	examples := map[string][]byte{}
	manifests, err := filepath.Glob("../../docs/kubernetes/*.yaml")
	if err != nil || len(manifests) != 2 {
		t.Fatalf("manifests %v, %v", manifests, err)
	}
	for _, path := range manifests {
		if examples[path], err = os.ReadFile(path); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile("../../docs/fleet.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := yamlBlock.FindAllSubmatch(text, -1)
	if len(blocks) != 2 {
		t.Fatalf("%d examples in docs/fleet.md", len(blocks))
	}
	examples["GitHub"], examples["GitLab"] = blocks[0][1], blocks[1][1]
	for name, text := range examples {
		commands := 0
		// Each alone: an anchor ends with its document.
		for part := range bytes.SplitSeq(text, []byte("\n---\n")) {
			var document map[string]any
			if err := yaml.Unmarshal(part, &document); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if strings.HasSuffix(name, ".yaml") && (document["kind"] == nil || document["apiVersion"] == nil) {
				t.Errorf("%s: a document without kind or apiVersion", name)
			}
			each(document, func(line []string) {
				commands++
				known(t, name, line)
			})
		}
		if commands == 0 {
			t.Errorf("%s: no command of tpinfo", name)
		}
	}
}

// each finds the commands in a document: lines that run tpinfo, and the words
// of a container's command.
func each(v any, found func([]string)) {
	switch v := v.(type) {
	case map[string]any:
		if words, ok := v["command"].([]any); ok && words[0] == "tpinfo" {
			var line []string
			for _, word := range words[1:] {
				line = append(line, word.(string))
			}
			found(line)
		}
		for _, one := range v {
			each(one, found)
		}
	case []any:
		for _, one := range v {
			each(one, found)
		}
	case string:
		if _, after, ok := strings.Cut(" "+v, " tpinfo "); ok {
			found(strings.Fields(after))
		}
	}
}

// known parses a command line without running it.
func known(t *testing.T, name string, line []string) {
	t.Helper()
	root := newRoot(&app{streams: streams{in: strings.NewReader(""), out: io.Discard, err: io.Discard}})
	cmd, args, err := root.Find(line)
	if err == nil && cmd == root {
		err = errors.New("no such command")
	}
	if err == nil {
		err = cmd.ParseFlags(args)
	}
	if err != nil {
		t.Errorf("%s: tpinfo %s: %v", name, strings.Join(line, " "), err)
	}
}
