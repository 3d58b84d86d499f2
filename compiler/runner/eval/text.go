package eval

import (
	"strings"

	"github.com/tpinfo/tpinfo/compiler/runner/render"
)

// The functions on strings, as SystemTap's tapsets string.stp and tokenize.stp
// have them.

func (t *task) strlen(args []Value) (Value, error) {
	return Long(int64(len(args[0].Str))), nil
}

// substr is "" when start is not in the string.
func (t *task) substr(args []Value) (Value, error) {
	s, start, length := args[0].Str, args[1].Int, args[2].Int
	if start < 0 || start >= int64(len(s)) || length < 0 {
		return Text(""), nil
	}
	s = s[start:]
	return Text(s[:min(length, int64(len(s)))]), nil
}

// stringat is the byte as a number from 0 to 255.
func (t *task) stringat(args []Value) (Value, error) {
	s, at := args[0].Str, args[1].Int
	if at < 0 || at >= int64(len(s)) {
		return Value{}, &RuntimeError{Message: "Position out of bounds"}
	}
	return Long(int64(s[at])), nil
}

func (t *task) isinstr(args []Value) (Value, error) {
	return boolean(strings.Contains(args[0].Str, args[1].Str)), nil
}

// strtol reads as far as there are digits, wrapping, as the kernel's
// simple_strtol (lib/vsprintf.c) does: a minus, then with base 0 the prefixes of
// C, with 16 perhaps "0x". White space and a plus are no digits.
func (t *task) strtol(args []Value) (Value, error) {
	s, base := args[0].Str, uint64(uint32(args[1].Int))
	s, minus := strings.CutPrefix(s, "-")
	hex := len(s) > 2 && s[0] == '0' && s[1]|0x20 == 'x' && digit(s[2]) < 16
	if base == 0 {
		switch {
		case hex:
			base = 16
		case strings.HasPrefix(s, "0"):
			base = 8
		default:
			base = 10
		}
	}
	if base == 16 && len(s) > 1 && s[0] == '0' && s[1]|0x20 == 'x' {
		s = s[2:]
	}
	var n uint64
	for i := range len(s) {
		d := digit(s[i])
		if d >= base || d >= 16 {
			break
		}
		n = n*base + d
	}
	if minus {
		n = -n
	}
	return Long(int64(n)), nil
}

// digit is c as a hexadecimal digit, 16 when it is none.
func digit(c byte) uint64 {
	switch lower := c | 0x20; {
	case c >= '0' && c <= '9':
		return uint64(c - '0')
	case lower >= 'a' && lower <= 'f':
		return uint64(lower-'a') + 10
	default:
		return 16
	}
}

func (t *task) strReplace(args []Value) (Value, error) {
	if args[1].Str == "" {
		return args[0], nil
	}
	return Text(strings.ReplaceAll(args[0].Str, args[1].Str, args[2].Str)), nil
}

// tokens is where tokenize("", …) goes on.
type tokens struct {
	rest string
	more bool
}

// tokenize returns the next token that is not empty, of a new text or of the one
// before.
func (t *task) tokenize(args []Value) (Value, error) {
	if args[0].Str != "" {
		t.tokens = tokens{rest: args[0].Str, more: true}
	}
	for t.tokens.more {
		token := t.tokens.rest
		end := -1
		for i := range len(token) {
			if strings.IndexByte(args[1].Str, token[i]) >= 0 {
				end = i
				break
			}
		}
		if end < 0 {
			t.tokens = tokens{}
		} else {
			token, t.tokens.rest = token[:end], token[end+1:]
		}
		if token != "" {
			return Text(token), nil
		}
	}
	return Text(""), nil
}

func (t *task) textStr(args []Value) (Value, error) {
	return Text(render.Quote(args[0].Str, t.program.StringSize-1, false)), nil
}

func (t *task) stringQuoted(args []Value) (Value, error) {
	return Text(render.Quote(args[0].Str, t.program.StringSize-1, true)), nil
}
