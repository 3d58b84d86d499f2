package syscalls

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// ErrAnswer is wrapped when what the preprocessor gives cannot be read.
var ErrAnswer = errors.New("the preprocessor's answer cannot be read")

// answer is what the preprocessor tells.
type answer struct {
	calls []defined
	// numbers gives a call's by its name, "openat": of several the last, as
	// the kernel's own search keeps it.
	numbers map[string]int
	// faults are the arguments, bit by bit, whose strings are recorded, by
	// the call's number.
	faults map[int]uint64
	// undefined are macros, by file, that no header at hand defines.
	undefined [][2]string
}

// defined is one system call that is defined and makes events.
type defined struct {
	name         string // "openat"
	file         string
	types, names []string // of its arguments
}

var token = regexp.MustCompile(`"(?:[^"\\]|\\.)*"|\w+|[^\s\w]`)

// reader walks through the tokens between a mark and tpinfo_end.
type reader struct {
	tokens []string
	at     int
}

func (r *reader) next() string {
	if r.at >= len(r.tokens) {
		return ""
	}
	r.at++
	return r.tokens[r.at-1]
}

func (r *reader) text() (string, error) {
	t := r.next()
	s, err := strconv.Unquote(t)
	if err != nil {
		return "", fmt.Errorf("%w: %q where a string belongs", ErrAnswer, t)
	}
	return s, nil
}

// list reads { "a", "b" }.
func (r *reader) list() ([]string, error) {
	all := []string{}
	for want := "{"; ; want = "," {
		t := r.next()
		if t == "}" && want == "," || t == "{" && want == "{" && r.at < len(r.tokens) && r.tokens[r.at] == "}" {
			if t == "{" {
				r.at++
			}
			return all, nil
		}
		if t != want {
			return nil, fmt.Errorf("%w: %q in a list", ErrAnswer, t)
		}
		s, err := r.text()
		if err != nil {
			return nil, err
		}
		all = append(all, s)
	}
}

// parse reads the preprocessor's output, of which most is the headers' text.
func parse(output string) (*answer, error) {
	a := &answer{numbers: map[string]int{}, faults: map[int]uint64{}}
	file, prefix := "", ""
	for {
		i := strings.Index(output, "tpinfo_")
		if i < 0 {
			return a, nil
		}
		output = output[i:]
		mark := output[:len(output)-len(strings.TrimLeft(output, "abcdefghijklmnopqrstuvwxyz_"))]
		output = output[len(mark):]
		if mark == "tpinfo_file" {
			line, _, _ := strings.Cut(output, "\n")
			r := reader{tokens: token.FindAllString(line, 2)}
			var err error
			if file, err = r.text(); err != nil {
				return nil, err
			}
			continue
		}
		body, rest, ok := strings.Cut(output, "tpinfo_end")
		if !ok {
			return nil, fmt.Errorf("%w: %s does not end", ErrAnswer, mark)
		}
		output = rest
		r := &reader{tokens: token.FindAllString(body, -1)}
		var err error
		switch mark {
		case "tpinfo_call":
			err = a.call(r, file)
		case "tpinfo_prefix":
			prefix = r.next()
		case "tpinfo_number":
			err = a.number(r, prefix)
		case "tpinfo_faults":
			err = a.fault(r)
		case "tpinfo_undefined":
			var of, name string
			if of, err = r.text(); err == nil {
				name, err = r.text()
			}
			a.undefined = append(a.undefined, [2]string{of, name})
		default:
			err = fmt.Errorf("%w: %s is not expected", ErrAnswer, mark)
		}
		if err != nil {
			return nil, err
		}
	}
}

func (a *answer) call(r *reader, file string) error {
	name, err := r.text()
	if err != nil {
		return err
	}
	d := defined{name: strings.TrimPrefix(name, "_"), file: file}
	if d.types, err = r.list(); err != nil {
		return err
	}
	if d.names, err = r.list(); err != nil {
		return err
	}
	if len(d.types) != len(d.names) || d.name == "" {
		return fmt.Errorf("%w: system call %q has %d types and %d names", ErrAnswer, name, len(d.types), len(d.names))
	}
	a.calls = append(a.calls, d)
	return nil
}

// number reads "257 __x64_sys_openat".
func (a *answer) number(r *reader, prefix string) error {
	t := r.next()
	n, err := strconv.Atoi(t)
	if err != nil {
		return fmt.Errorf("%w: %q where the number of a system call belongs", ErrAnswer, t)
	}
	if name, ok := strings.CutPrefix(r.next(), prefix+"sys_"); ok {
		a.numbers[name] = n
	}
	return nil
}

// fault reads the switch of check_faultable_syscall: groups of cases that end
// in a break, each with an assignment of user_mask.
func (a *answer) fault(r *reader) error {
	var group []int
	for seen := false; ; {
		switch t := r.next(); t {
		case "switch":
			seen = true
		case "case":
			n, err := strconv.Atoi(r.next())
			if err != nil || r.next() != ":" || !seen {
				return fmt.Errorf("%w: a case of %s that is no number", ErrAnswer, tracer)
			}
			group = append(group, n)
		case "user_mask":
			if r.next() != "=" || !seen {
				continue // read, not set
			}
			mask, err := r.mask()
			if err != nil {
				return err
			}
			for _, n := range group {
				a.faults[n] = mask
			}
		case "break", "return", "default":
			group = nil
		case "":
			if !seen {
				return fmt.Errorf("%w: no switch in check_faultable_syscall of %s", ErrAnswer, tracer)
			}
			return nil
		}
	}
}

// mask reads tpinfo_bit (0) | tpinfo_bit (1) up to its semicolon.
func (r *reader) mask() (mask uint64, err error) {
	for bit := false; ; {
		switch t := r.next(); t {
		case "(", ")", "|":
		case "tpinfo_bit":
			bit = true
		case ";":
			return mask, nil
		default:
			n, err := strconv.ParseUint(t, 0, 6)
			switch {
			case err != nil:
				return 0, fmt.Errorf("%w: %q in the mask of user strings", ErrAnswer, t)
			case bit:
				mask |= 1 << n
			case n != 0:
				return 0, fmt.Errorf("%w: a mask of user strings that is a plain %d", ErrAnswer, n)
			}
			bit = false
		}
	}
}
