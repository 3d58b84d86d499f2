package runner_test

import (
	"slices"
	"testing"

	"github.com/tpinfo/tpinfo/compiler/runner"
)

func TestCommandLine(t *testing.T) {
	for command, want := range map[string][]string{
		" ls  -l /tmp ": {"ls", "-l", "/tmp"},
		"echo 'a b'":    {"/bin/sh", "-c", "exec echo 'a b'"},
		"ls > /tmp/x":   {"/bin/sh", "-c", "exec ls > /tmp/x"},
		"a; b":          {"/bin/sh", "-c", "a; b"},
		"a | b":         {"/bin/sh", "-c", "a | b"},
		"dd if=x":       {"dd", "if=x"},
		"A=1 b":         {"/bin/sh", "-c", "A=1 b"},
		"\t":            nil,
	} {
		if got := runner.CommandLine(command); !slices.Equal(got, want) {
			t.Errorf("%q: %q, want %q", command, got, want)
		}
	}
}
