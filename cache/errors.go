package cache

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/mattn/go-sqlite3"

	"github.com/tpinfo/tpinfo/cache/bundle"
	"github.com/tpinfo/tpinfo/cache/layout"
	"github.com/tpinfo/tpinfo/cache/table"
)

// What can be wrong with a cache file; errors wrap one of these and say what
// to do.
var (
	ErrNotCache = errors.New("not a tpinfo cache")
	ErrNewer    = errors.New("written by a newer tpinfo")
	ErrReadOnly = errors.New("the cache cannot be written")
	ErrLocked   = errors.New("the cache is locked")
	ErrFull     = errors.New("no space left for the cache")
	ErrCorrupt  = table.ErrCorrupt
)

// maxNear is how many names an error suggests.
const maxNear = 5

// NotFoundError says that the cache does not have what was asked for.
type NotFoundError struct {
	What string // "kernel", "event", "type", "member"
	Name string
	// Near are names that were perhaps meant, the nearest first.
	Near []string
	// In says where it was looked for: a kernel's release, a struct.
	In string
}

func (e *NotFoundError) Error() string {
	s := "no " + e.What
	if e.Name != "" {
		s += fmt.Sprintf(" %q", e.Name)
	}
	if e.In != "" {
		s += " in " + e.In
	}
	if len(e.Near) > 0 {
		s += "; did you mean " + strings.Join(e.Near, ", ") + "?"
	}
	return s
}

// Suggestions are the names that were perhaps meant, the nearest first.
func (e *NotFoundError) Suggestions() []string { return e.Near }

// AmbiguousError says that a name stands for several things.
type AmbiguousError struct {
	What, Name string
	Matches    []string
}

func (e *AmbiguousError) Error() string {
	s := fmt.Sprintf("%s %q is ambiguous: ", e.What, e.Name)
	if e.Name == "" {
		s = "which " + e.What + "? There are "
	}
	if more := len(e.Matches) - maxNear; more > 1 {
		return s + fmt.Sprintf("%s and %d more", strings.Join(e.Matches[:maxNear], ", "), more)
	}
	return s + strings.Join(e.Matches, ", ")
}

// Choices are the things that the name stands for.
func (e *AmbiguousError) Choices() []string { return e.Matches }

// explained is an error that names its file already.
type explained struct{ error }

func (e explained) Unwrap() error { return e.error }

// explain turns SQLite's errors into ours, once: where two files take part, the
// inner one is meant.
func explain(path string, err error) error {
	var already explained
	if err == nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) || errors.As(err, &already) {
		return err
	}
	var se sqlite3.Error
	switch {
	case errors.Is(err, bundle.ErrDamaged):
		return explained{err} // not the cache is damaged, but what was read into it
	case (errors.Is(err, layout.ErrDamaged) || errors.Is(err, table.ErrKernel)) && !errors.Is(err, ErrCorrupt):
		return explained{damagedFile(path, err)}
	case errors.As(err, &se):
		return explained{explainSQLite(path, se.Code, err)}
	}
	return err
}

func explainSQLite(path string, code sqlite3.ErrNo, err error) error {
	switch code {
	case sqlite3.ErrNotADB:
		return fmt.Errorf("%w: %s", ErrNotCache, path)
	case sqlite3.ErrCorrupt:
		return fmt.Errorf("%w: %s (%w); use another copy, or move it away and make it anew", ErrCorrupt, path, err)
	case sqlite3.ErrReadonly, sqlite3.ErrPerm, sqlite3.ErrAuth:
		return fmt.Errorf("%w: %s (%w); choose a file you may write with --cache", ErrReadOnly, path, err)
	case sqlite3.ErrBusy, sqlite3.ErrLocked:
		return fmt.Errorf("%w: %s; another tpinfo is writing to it, try again when it is done", ErrLocked, path)
	case sqlite3.ErrFull:
		return fmt.Errorf("%w: %s; free some space, or choose another file with --cache", ErrFull, path)
	case sqlite3.ErrCantOpen:
		return fmt.Errorf("cannot open the cache %s: %w", path, err)
	}
	return fmt.Errorf("cache %s: %w", path, err)
}

func damagedFile(path string, err error) error {
	return fmt.Errorf("%w: %s (%w); 'tpinfo cache verify' names what is lost; use another copy, or make it anew", ErrCorrupt, path, err)
}
