package cli

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Write gives f the place that output goes to: standard output, also as "-", or
// a file that appears only when it is whole. What is there already and is no
// plain file (a device, a pipe, a link) stays what it is and is written to. f
// may leave the errors of its writer to Write.
func (a *App) Write(f func(io.Writer) error) error {
	if a.ToStandardOutput() {
		return checked(f)(a.Out)
	}
	return WriteFile("output", a.Settings.Output, checked(f))
}

// ToStandardOutput reports whether no file was asked for.
func (a *App) ToStandardOutput() bool { return a.Settings.Output == "" || a.Settings.Output == "-" }

// checked is f, or the first error of the writer that f passed over.
func checked(f func(io.Writer) error) func(io.Writer) error {
	return func(w io.Writer) error {
		c := &checkedWriter{w: w}
		if err := f(c); err != nil {
			return err
		}
		return c.err
	}
}

// checkedWriter keeps its first error, and writes nothing after it.
type checkedWriter struct {
	w   io.Writer
	err error
}

func (c *checkedWriter) Write(p []byte) (n int, err error) {
	if c.err == nil {
		n, c.err = c.w.Write(p)
	}
	return n, c.err
}

// WriteFile is Write for a file; what names it in errors.
func WriteFile(what, path string, f func(io.Writer) error) error {
	var err error
	if info, serr := os.Lstat(path); serr == nil && !info.Mode().IsRegular() {
		err = writeThrough(path, f)
	} else {
		err = writeWhole(path, f)
	}
	var at *fs.PathError
	if errors.As(err, &at) && strings.HasPrefix(at.Path, path) {
		// The name of the scratch file says nothing to anybody.
		return fmt.Errorf("%s %s: %w", what, path, at.Err)
	}
	return err
}

// CheckWritable fails as WriteFile would, before there is anything to write.
func CheckWritable(what, path string) error {
	info, err := os.Lstat(path)
	switch {
	case err == nil && info.IsDir():
		return fmt.Errorf("%s %s: it is a folder", what, path)
	case err == nil && !info.Mode().IsRegular():
		return nil
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return fmt.Errorf("%s %s: %w", what, path, WithoutPath(err))
	}
	return errors.Join(tmp.Close(), os.Remove(tmp.Name()))
}

// CheckReadable fails where a file that an option names cannot be read: what
// would fail later does not know which option named it. No file is fine.
func CheckReadable(option, path string) error {
	if path == "" {
		return nil
	}
	file, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("%s %s: %w", option, path, WithoutPath(err))
	}
	return file.Close()
}

// WithoutPath is why something failed with a file, without the file's name.
func WithoutPath(err error) error {
	var at *fs.PathError
	if errors.As(err, &at) {
		return at.Err
	}
	return err
}

func writeThrough(path string, f func(io.Writer) error) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_TRUNC, 0)
	if err != nil {
		return err
	}
	return errors.Join(f(file), file.Close())
}

func writeWhole(path string, f func(io.Writer) error) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	err = f(tmp)
	if err == nil {
		err = tmp.Chmod(0o644)
	}
	if cerr := tmp.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(tmp.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(tmp.Name()))
	}
	return nil
}
