package render

import "strconv"

// number is %d %i %u %x %X %o %p, all of 64 bits. It differs from C where
// SystemTap does: zeros fill the field even when there is a precision, and # puts
// its prefix before zero too.
func number(dst []byte, d directive, n int64) []byte {
	base, signed, prefix := 10, false, ""
	switch d.Verb {
	case 'd', 'i':
		signed = true
	case 'x', 'p':
		base, prefix = 16, "0x"
	case 'X':
		base, prefix = 16, "0X"
	case 'o':
		base, prefix = 8, "0"
	}
	if !d.Alt && d.Verb != 'p' {
		prefix = ""
	}
	magnitude := uint64(n)
	if signed {
		switch {
		case n < 0:
			magnitude, prefix = -magnitude, "-"
		case d.Plus:
			prefix = "+"
		case d.Space:
			prefix = " "
		}
	}
	var room [64]byte
	digits := strconv.AppendUint(room[:0], magnitude, base)
	if d.Verb == 'X' {
		for i, c := range digits {
			if c >= 'a' {
				digits[i] = c - 'a' + 'A'
			}
		}
	}
	zeros := max(d.prec-len(digits), 0)
	fill := d.width - len(prefix) - zeros - len(digits)
	if d.Zero && !d.left {
		zeros, fill = zeros+max(fill, 0), 0
	}
	if !d.left {
		dst = repeat(dst, ' ', fill)
	}
	dst = append(dst, prefix...)
	dst = repeat(dst, '0', zeros)
	dst = append(dst, digits...)
	if d.left {
		dst = repeat(dst, ' ', fill)
	}
	return dst
}
