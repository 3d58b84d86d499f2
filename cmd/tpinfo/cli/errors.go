package cli

import (
	"errors"
	"fmt"
)

// ErrSilent fails a command that has said everything already.
var ErrSilent = errors.New("failed")

// UsageError is a mistake in the command line or the configuration.
type UsageError struct{ error }

// Unwrap returns what the mistake is.
func (e UsageError) Unwrap() error { return e.error }

// Usage makes an error a mistake in the command line.
func Usage(err error) error { return UsageError{err} }

// Usagef is a mistake in the command line, worded as by [fmt.Errorf].
func Usagef(format string, args ...any) error { return UsageError{fmt.Errorf(format, args...)} }

// StatusError is another program's exit status, which becomes ours; everything
// has been said.
type StatusError int

// Error implements error.
func (e StatusError) Error() string { return fmt.Sprintf("exit status %d", int(e)) }

// Must is for what can only fail by a mistake in this program.
func Must(err error) {
	if err != nil {
		panic(err)
	}
}
