package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// write gives f the place that output goes to: standard output, or a file that
// appears only when it is whole. What is there already and is no plain file (a
// device, a pipe, a link) stays what it is and is written to.
func (a *app) write(f func(io.Writer) error) error {
	path := a.settings.output
	if path == "" {
		return f(a.out)
	}
	var err error
	if info, serr := os.Lstat(path); serr == nil && !info.Mode().IsRegular() {
		err = writeThrough(path, f)
	} else {
		err = writeWhole(path, f)
	}
	var at *fs.PathError
	if errors.As(err, &at) && strings.HasPrefix(at.Path, path) {
		// The name of the scratch file says nothing to anybody.
		return fmt.Errorf("output %s: %w", path, at.Err)
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
