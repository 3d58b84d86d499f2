package runner

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
	"golang.org/x/sys/unix"

	"github.com/tpinfo/tpinfo/compiler/ir"
)

// A RejectedError is a program that the kernel's verifier did not take.
type RejectedError struct {
	// Place in the script that the rejected instruction comes from,
	// "probe.stp:3:16"; the script's name alone where it cannot be told.
	Place string
	// Text is that line of the script.
	Text string
	// Program is the probe's, Reason the verifier's last word.
	Program, Reason string
	Log             []string
	cause           error
	whole           bool
}

func (e *RejectedError) Error() string {
	text := fmt.Sprintf("%s: the kernel's verifier rejects %s: %s", e.Place, e.Program, e.Reason)
	if e.Text != "" {
		text += "\n  " + strings.TrimSpace(e.Text)
	}
	if e.whole {
		return text + "\n" + strings.Join(e.Log, "\n")
	}
	return text + "\n(-v shows its whole log)"
}

func (e *RejectedError) Unwrap() error { return e.cause }

// explainLoad tells the script's line of a rejection, and which privilege is
// missing where that is the matter.
func explainLoad(prog *ir.Program, spec *ebpf.CollectionSpec, err error, whole bool) error {
	var v *ebpf.VerifierError
	if !errors.As(err, &v) || len(v.Log) == 0 {
		err = fmt.Errorf("load the object: %w", err)
		if errors.Is(err, unix.ENOMEM) {
			return fmt.Errorf("%w: the machine has no memory for its maps; declare arrays smaller", err)
		}
		return withPrivileges(err)
	}
	e := &RejectedError{Place: prog.Name, Log: v.Log, cause: v.Cause, whole: whole}
	e.Reason = reason(v)
	for _, p := range spec.Programs {
		// cilium's error names the program in front of the log.
		if !strings.HasPrefix(err.Error(), "program "+p.Name+":") {
			continue
		}
		e.Program = probeName(prog, p.Name)
		if l := lineOf(p, lastInstruction(v.Log)); l != nil {
			e.Place = fmt.Sprintf("%s:%d:%d", prog.Name, l.LineNumber(), l.LineColumn())
			e.Text = l.Line()
		}
	}
	return e
}

// reason is the verifier's own last word: what stands in front of statistics
// and, in newer kernels, of an explanation of many lines.
func reason(v *ebpf.VerifierError) string {
	word := v.Cause.Error()
	for _, line := range v.Log {
		line = strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(line, "Verification failed: "), strings.HasPrefix(line, "verification time "),
			strings.HasPrefix(line, "stack depth "), strings.HasPrefix(line, "processed "):
			return word
		case line != "":
			word = line
		}
	}
	return word
}

// probeName is how the script calls a program's probe.
func probeName(prog *ir.Program, program string) string {
	for i := range prog.Probes {
		if prog.Probes[i].Program == program {
			return "probe " + prog.Probes[i].Point
		}
	}
	return "program " + program
}

// logged matches the verifier's line for an instruction: "12: (79) r1 = …".
var logged = regexp.MustCompile(`^(\d+): (?:R\d.*; )?\([0-9a-f]{2}\) `)

// lastInstruction is the one that the verifier looked at last, -1 for none.
func lastInstruction(log []string) int {
	for i := len(log) - 1; i >= 0; i-- {
		if m := logged.FindStringSubmatch(log[i]); m != nil {
			if n, err := strconv.Atoi(m[1]); err == nil {
				return n
			}
		}
	}
	return -1
}

// lineOf finds the script's line of an instruction, which the verifier counts
// in units of 8 bytes.
func lineOf(p *ebpf.ProgramSpec, instruction int) *btf.Line {
	var line *btf.Line
	for it := p.Instructions.Iterate(); it.Next() && int(it.Offset) <= instruction; {
		if l, ok := it.Ins.Source().(*btf.Line); ok {
			line = l
		}
	}
	return line
}
