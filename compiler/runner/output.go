package runner

import (
	"bufio"
	"io"
	"os"
	"sync"
)

// output is where a script prints to: standard output, buffered until the
// session has nothing else to do, and standard error. What goes to the latter
// comes behind what was printed to the former before.
type output struct {
	out *bufio.Writer
	err io.Writer
}

// outputBuffer is in bytes.
const outputBuffer = 64 << 10

func newOutput(stdout, stderr io.Writer) *output {
	return &output{out: bufio.NewWriterSize(stdout, outputBuffer), err: stderr}
}

func (o *output) write(b []byte, stderr bool) error {
	if !stderr {
		_, err := o.out.Write(b)
		return err
	}
	if err := o.out.Flush(); err != nil {
		return err
	}
	_, err := o.err.Write(b)
	return err
}

func (o *output) flush() error { return o.out.Flush() }

// stdout and stderr are the two as writers.
func (o *output) stdout() io.Writer { return stream{o, false} }
func (o *output) stderr() io.Writer { return stream{o, true} }

type stream struct {
	*output
	toStderr bool
}

func (s stream) Write(b []byte) (int, error) {
	if err := s.write(b, s.toStderr); err != nil {
		return 0, err
	}
	return len(b), nil
}

// shared makes a writer that the session and a command's output may use at the
// same time. A file is one already.
func shared(w io.Writer) io.Writer {
	if _, ok := w.(*os.File); ok {
		return w
	}
	return &lockedWriter{w: w}
}

type lockedWriter struct {
	mu sync.Mutex
	w  io.Writer
}

func (l *lockedWriter) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(b)
}
