package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/tpinfo/tpinfo/cmd/tpinfo/cli"
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
	jobs := 0
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
			if document["kind"] == "Job" {
				jobs++
				notAgain(t, name, document)
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
	if jobs != 2 {
		t.Errorf("%d jobs among the manifests, want 2", jobs)
	}
	// What was built is kept for the next run although a kernel failed.
	var workflow struct {
		Jobs map[string]struct {
			Steps []struct {
				Uses, If string
				With     map[string]any
			}
		}
	}
	if err := yaml.Unmarshal(examples["GitHub"], &workflow); err != nil {
		t.Fatal(err)
	}
	restored, saved := "", ""
	for _, step := range workflow.Jobs["part"].Steps {
		switch {
		case strings.HasPrefix(step.Uses, "actions/cache/restore@"):
			restored = fmt.Sprint(step.With["path"], step.With["key"])
		case strings.HasPrefix(step.Uses, "actions/cache/save@") && step.If == "always()":
			saved = fmt.Sprint(step.With["path"], step.With["key"])
		}
	}
	if saved == "" || saved != restored {
		t.Errorf("the workflow restores %q and always saves %q", restored, saved)
	}
}

// notAgain looks for what keeps a Job from being run again for a kernel that
// cannot be built, and lets a pod that was moved go on.
func notAgain(t *testing.T, name string, document map[string]any) {
	t.Helper()
	text, err := yaml.Marshal(document["spec"])
	if err != nil {
		t.Fatal(err)
	}
	var spec struct {
		PodFailurePolicy struct {
			Rules []struct {
				Action      string
				OnExitCodes struct {
					ContainerName string `yaml:"containerName"`
					Operator      string
					Values        []int
				} `yaml:"onExitCodes"`
				OnPodConditions []struct{ Type string } `yaml:"onPodConditions"`
			}
		} `yaml:"podFailurePolicy"`
		Template struct {
			Spec struct {
				RestartPolicy string `yaml:"restartPolicy"`
				Containers    []struct{ Name string }
			}
		}
	}
	if err := yaml.Unmarshal(text, &spec); err != nil {
		t.Fatal(err)
	}
	rules := spec.PodFailurePolicy.Rules
	if len(rules) != 2 || spec.Template.Spec.RestartPolicy != "Never" {
		t.Fatalf("%s: rules %+v, restart policy %q", name, rules, spec.Template.Spec.RestartPolicy)
	}
	if rules[0].Action != "Ignore" || len(rules[0].OnPodConditions) != 1 || rules[0].OnPodConditions[0].Type != "DisruptionTarget" {
		t.Errorf("%s: the first rule is %+v", name, rules[0])
	}
	if r := rules[1]; !strings.HasPrefix(r.Action, "Fail") || r.OnExitCodes.Operator != "In" || !slices.Equal(r.OnExitCodes.Values, []int{exitFailed, exitUsage}) ||
		r.OnExitCodes.ContainerName != spec.Template.Spec.Containers[0].Name {
		t.Errorf("%s: the second rule is %+v", name, r)
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
	root := newRoot(&cli.App{Streams: cli.Streams{In: strings.NewReader(""), Out: io.Discard, Err: io.Discard}})
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
