// Package format takes the formats of printf apart. Their grammar is that of man
// stap, PRINTING; what they mean is said by package render of the runner.
package format

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/tpinfo/tpinfo/compiler/ir"
)

// Directive is a part of a format, as it stands there.
type Directive struct {
	ir.Part
	Source string // "%-5d", for messages
}

// MaxField bounds widths and precisions.
const MaxField = 4096

// Parse takes a format of printf apart; why says what is wrong with it.
// The grammar is that of man stap, PRINTING.
func Parse(format string) (parts []Directive, why string) {
	text := ""
	flush := func() {
		if text != "" {
			parts = append(parts, Directive{Part: ir.Part{Text: text, Width: ir.NoNumber, Prec: ir.NoNumber}})
			text = ""
		}
	}
	for format != "" {
		percent := strings.IndexByte(format, '%')
		if percent < 0 {
			text += format
			break
		}
		text += format[:percent]
		format = format[percent:]
		if strings.HasPrefix(format, "%%") {
			text += "%"
			format = format[2:]
			continue
		}
		flush()
		d, n, why := parseDirective(format)
		if why != "" {
			return nil, why
		}
		parts = append(parts, d)
		format = format[n:]
	}
	flush()
	return parts, ""
}

// parseDirective reads one from the start of a text, and says how long it is.
func parseDirective(format string) (d Directive, n int, why string) {
	p := &d.Part
	p.Prec = ir.NoNumber
	flags := map[byte]*bool{'-': &p.Minus, '+': &p.Plus, ' ': &p.Space, '#': &p.Alt, '0': &p.Zero}
	n = 1
	for n < len(format) && flags[format[n]] != nil {
		*flags[format[n]] = true
		n++
	}
	var ok bool
	if p.Width, n, ok = parseField(format, n); !ok {
		return d, n, fmt.Sprintf("%q is too wide: fields have at most %d characters", format[:n], MaxField)
	}
	if n < len(format) && format[n] == '.' {
		if p.Prec, n, ok = parseField(format, n+1); !ok {
			return d, n, fmt.Sprintf("%q: a precision is at most %d", format[:n], MaxField)
		}
		if p.Prec == ir.NoNumber {
			p.Prec = 0
		}
	}
	for n < len(format) && (format[n] == 'l' || format[n] == 'h') {
		n++ // as C has them: all numbers are 64 bits
	}
	if n == len(format) {
		return d, n, fmt.Sprintf("%q is no directive", format)
	}
	verb := format[n]
	n++
	d.Source = format[:n]
	if strings.IndexByte("diuxXocspbmM", verb) < 0 {
		return d, n, fmt.Sprintf("%q is no directive: there are %%d %%i %%u %%x %%X %%o %%c %%s %%p %%b %%m %%M", d.Source)
	}
	p.Verb = rune(verb)
	if verb == 'b' {
		switch p.Width {
		case 1, 2, 4, 8:
			p.Bytes, p.Width = p.Width, ir.NoNumber
		case ir.NoNumber:
			p.Bytes = 8
		default:
			return d, n, fmt.Sprintf("%q: %%b writes 1, 2, 4 or 8 bytes", d.Source)
		}
	}
	return d, n, ""
}

// parseField reads a number or "*".
func parseField(format string, at int) (value, next int, ok bool) {
	if at < len(format) && format[at] == '*' {
		return ir.FromSlot, at + 1, true
	}
	next = at
	for next < len(format) && format[next] >= '0' && format[next] <= '9' {
		next++
	}
	if next == at {
		return ir.NoNumber, next, true
	}
	value, err := strconv.Atoi(format[at:next])
	return value, next, err == nil && value <= MaxField
}
