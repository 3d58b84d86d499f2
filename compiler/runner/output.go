package runner

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// output is where a script prints to: standard output, buffered until the
// session has nothing else to do, and standard error. What goes to the latter
// comes behind what was printed to the former before.
type output struct {
	out *bufio.Writer
	err io.Writer
	// What is below the two.
	readers []*reader
}

// outputBuffer is in bytes.
const outputBuffer = 64 << 10

func newOutput(stdout, stderr io.Writer) *output {
	out, errs := &reader{to: stdout}, &reader{to: stderr}
	return &output{out: bufio.NewWriterSize(out, outputBuffer), err: errs, readers: []*reader{out, errs}}
}

// whenLeft has f called when a reader of the output has left.
func (o *output) whenLeft(f func()) {
	for _, r := range o.readers {
		r.left = f
	}
}

// again writes what a reader that has left did not take once more, which ends a
// program as it ends any that writes where nobody reads (SIGPIPE), or is an error.
func (o *output) again() error {
	for _, r := range o.readers {
		if r.lost == nil {
			continue
		}
		if _, err := r.to.Write(r.lost); err != nil {
			return err
		}
	}
	return nil
}

// reader is somebody who may leave while there is output. What is written after
// that goes nowhere.
type reader struct {
	to   io.Writer
	left func()
	lost []byte // the first that was not taken
}

func (r *reader) Write(b []byte) (int, error) {
	if r.lost != nil {
		return len(b), nil
	}
	n, err := r.to.Write(b)
	if !errors.Is(err, unix.EPIPE) || n == len(b) {
		return n, err
	}
	r.lost = bytes.Clone(b[n:])
	if r.left != nil {
		r.left()
	}
	return len(b), nil
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
