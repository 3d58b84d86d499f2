package cli

import (
	"errors"
	"fmt"
	"strings"

	"github.com/tpinfo/tpinfo/cache"
	"github.com/tpinfo/tpinfo/cache/bundle"
	"github.com/tpinfo/tpinfo/cache/oci"
)

// Advise adds the next step to errors that come from below, where commands
// are not known.
func Advise(err error) error {
	var missing *cache.NotFoundError
	if errors.As(err, &missing) {
		switch missing.What {
		case "kernel":
			what := "one with 'tpinfo extract RELEASE'"
			if missing.Name != "" && !strings.ContainsAny(missing.Name, "*?[ ") {
				what = "it with 'tpinfo extract " + missing.Name + "'"
			}
			return fmt.Errorf("%w\nList what is there with 'tpinfo kernels'; add %s, or from the folder of its headers with 'tpinfo extract DIRECTORY'", err, what)
		case "event":
			return fmt.Errorf("%w\nList events with 'tpinfo list PATTERN'", err)
		}
	}
	var unpublished *oci.NotFoundError
	if errors.As(err, &unpublished) && unpublished.What == "kernel" {
		return fmt.Errorf("%w\nList what is there with 'tpinfo pull --list %s'", err, unpublished.In)
	}
	var many *cache.AmbiguousError
	if errors.As(err, &many) && many.What == "kernel" {
		return fmt.Errorf("%w\nChoose one by its release or the start of its id, with -k where it is no argument", err)
	}
	var already advised
	switch {
	case errors.As(err, &already):
	case errors.Is(err, bundle.ErrDamaged):
		return fmt.Errorf("%w; %s", err, anotherCopy)
	case errors.Is(err, cache.ErrNotCache):
		return fmt.Errorf("%w; choose another file with --cache", err)
	}
	return err
}

// AdviseOnFile adds the next step to what is wrong with a file that is an
// argument.
func AdviseOnFile(err error) error {
	switch {
	case errors.Is(err, bundle.ErrDamaged):
		return advised{fmt.Errorf("%w; %s", err, anotherCopy)}
	case errors.Is(err, cache.ErrNotCache):
		return advised{fmt.Errorf("%w; give caches, or files that 'tpinfo cache export' wrote", err)}
	}
	return err
}

// advised is an error that has its next step.
type advised struct{ error }

func (a advised) Unwrap() error { return a.error }

// anotherCopy is what to do about an exported file that is damaged.
const anotherCopy = "copy it here again, or write it again with 'tpinfo cache export'"

// Explanation is why something failed and the next step, on one line: the
// subject where it adds to the name.
func Explanation(name, subject, reason string, supply []string) string {
	text := reason
	if subject != "" && subject != name && !strings.Contains(reason, subject) {
		text = subject + ": " + text
	}
	if len(supply) > 0 {
		text += "; what helps: " + strings.Join(supply, ", or ")
	}
	return text
}
