package archive

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
)

// What can be wrong with a file. Every error of this package that is a file's
// fault is an [*Error] of one of these kinds.
var (
	ErrUnknownFormat = errors.New("not a kernel package")
	ErrDamaged       = errors.New("damaged")
	ErrHostile       = errors.New("refused")
	ErrTooLarge      = errors.New("over a limit")
)

// Error is what is wrong with one file, and what to do about it.
type Error struct {
	Kind   error  // one of the errors above, or another word for what is wrong
	Path   string // the package or tarball
	Entry  string // the entry at fault, as the package names it; may be empty
	Reason string // one sentence in lower case
	// Supply is what to do about it, as tpinfo.Problem has it.
	Supply []string
}

// Error is the whole on one line.
func (e *Error) Error() string {
	var b strings.Builder
	if e.Path != "" {
		b.WriteString(e.Path + ": ")
	}
	fmt.Fprintf(&b, "%v: ", e.Kind)
	if e.Entry != "" {
		fmt.Fprintf(&b, "entry %q: ", e.Entry)
	}
	b.WriteString(e.Reason)
	if len(e.Supply) > 0 {
		b.WriteString("; " + strings.Join(e.Supply, " or "))
	}
	return b.String()
}

// Unwrap gives the kind.
func (e *Error) Unwrap() error { return e.Kind }

// remedies are what to do about each kind, where the error itself knows
// nothing better.
var remedies = map[error][]string{
	ErrUnknownFormat: {"give .deb or .rpm files, a tarball or the folder of a kernel tree"},
	ErrDamaged:       {"fetch the file again"},
	ErrHostile:       {"get the package from the distribution's own archive; packages of kernels have no such entry"},
	ErrTooLarge:      {"see whether the file is what it claims to be; unpack it yourself and give the folder if it is"},
}

// Errorf makes an error of one of the kinds above, with what to do about that
// kind. entry may be empty.
func Errorf(kind error, path, entry, format string, args ...any) *Error {
	e := problem(kind, entry, format, args...)
	e.Path = path
	return e
}

func problem(kind error, entry, format string, args ...any) *Error {
	return &Error{Kind: kind, Entry: entry, Reason: fmt.Sprintf(format, args...), Supply: remedies[kind]}
}

// at gives an error the path of the file it is about.
func at(path string, err error) error {
	if err == nil {
		return nil
	}
	var e *Error
	if errors.As(err, &e) {
		if e.Path == "" {
			e.Path = path
		}
		return err
	}
	return fmt.Errorf("%s: %w", path, err)
}

// damaged makes an error of a decoder into one of this package: what a reader of
// foreign bytes says is truncation, a wrong checksum or nonsense. Errors of the
// machine (a full disk, a cancelled context) and this package's own pass.
func damaged(entry string, err error) error {
	var own *Error
	var machine *machineError
	switch {
	case err == nil, errors.Is(err, ErrStop), errors.As(err, &own), errors.As(err, &machine),
		errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return problem(ErrDamaged, entry, "it ends too early")
	}
	return problem(ErrDamaged, entry, "%v", err)
}

// in names the member an error is about, where nothing closer is named.
func in(member string, err error) error {
	err = damaged(member, err)
	var e *Error
	if errors.As(err, &e) && e.Entry == "" {
		e.Entry = member
	}
	return err
}

// machineError is a failure to read the file or to write the scratch folder,
// for which the package is not to blame.
type machineError struct{ err error }

func (e *machineError) Error() string { return e.err.Error() }
func (e *machineError) Unwrap() error { return e.err }

func machine(err error) error {
	if err == nil {
		return nil
	}
	return &machineError{err}
}
