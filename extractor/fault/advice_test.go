package fault

import (
	"errors"
	"fmt"
	"testing"
)

func TestReason(t *testing.T) {
	plain := errors.New("it ends; too early")
	advised := &Advised{Err: fmt.Errorf("header: %w", plain), Advice: "fetch it again"}
	for _, test := range []struct {
		err          error
		text, reason string
	}{
		{plain, "it ends; too early", "it ends; too early"},
		{advised, "header: it ends; too early; fetch it again", "header: it ends; too early"},
		{fmt.Errorf("opening: %w", advised), "opening: header: it ends; too early; fetch it again", "opening: header: it ends; too early"},
		{&Advised{Err: advised, Advice: "or report it"}, "header: it ends; too early; fetch it again; or report it", "header: it ends; too early"},
	} {
		if text, reason := test.err.Error(), Reason(test.err); text != test.text || reason != test.reason {
			t.Errorf("%q for %q, want %q for %q", reason, text, test.reason, test.text)
		}
		if !errors.Is(test.err, plain) {
			t.Errorf("%v is not what it wraps", test.err)
		}
	}
}
