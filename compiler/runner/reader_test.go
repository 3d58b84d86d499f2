package runner

import (
	"bytes"
	"errors"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tpinfo/tpinfo/compiler/ir"
)

// A reader that leaves ends the run in order: the last probes run, and the
// command ends.
func TestReaderLeaves(t *testing.T) {
	for name, kind := range map[string]ir.Probe{
		"a timer":     {Kind: ir.Timer, Interval: int64(10 * time.Millisecond)},
		"a long loop": {Kind: ir.Begin},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScript(t)
			body := []*ir.Node{s.print("line")}
			if kind.Kind == ir.Begin {
				body = []*ir.Node{{Op: ir.Loop, Args: []*ir.Node{nil, nil, block(body...)}}}
			}
			s.probe(kind, body...)
			s.probe(ir.Probe{Kind: ir.End}, s.print("unread"), s.print("end"))
			s.Sites[2].Stderr = true
			r, w, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			defer w.Close()
			read := make(chan string)
			go func() {
				line := make([]byte, 5)
				n, _ := r.Read(line)
				r.Close()
				read <- string(line[:n])
			}()
			var errs bytes.Buffer
			result, err := Run(t.Context(), s.compile(t), Options{
				Command: []string{"sh", "-c", "sleep " + lasting(9) + "; :"}, Timeout: time.Minute, Stdout: w, Stderr: &errs})
			if !errors.Is(err, unix.EPIPE) || result.Reason != ReaderLeft || errs.String() != "end\n" {
				t.Errorf("%v, %+v, %q", err, result, errs.String())
			}
			if line := <-read; line != "line\n" {
				t.Errorf("read %q", line)
			}
			if left := sleepers(t); len(left) > 0 {
				t.Errorf("left behind: %q", left)
			}
		})
	}
}
