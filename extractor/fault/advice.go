package fault

import (
	"errors"
	"strings"
)

// Advised is an error that ends in what to do about it: "REASON; ADVICE".
type Advised struct {
	Err    error
	Advice string
}

func (e *Advised) Error() string { return e.Err.Error() + "; " + e.Advice }

// Unwrap gives the error itself.
func (e *Advised) Unwrap() error { return e.Err }

// Reason is err's text without the advice in it, for where that stands on its
// own.
func Reason(err error) string {
	text := err.Error()
	for err != nil {
		var advised *Advised
		if !errors.As(err, &advised) {
			break
		}
		text = strings.Replace(text, "; "+advised.Advice, "", 1)
		err = advised.Err
	}
	return text
}
