package render

import "unicode/utf8"

// Quote shows text with what is not printable ASCII escaped as in C; characters
// beyond ASCII are \uXXXX or \UXXXXXXXX, bytes that are no UTF-8 octal. The
// result has at most limit bytes. With quoted, quotation marks stand around it,
// and "..." behind them when it was cut.
//
// It is text_str and string_quoted (_stp_text_str in runtime/stp_string.c).
func Quote(text string, limit int, quoted bool) string {
	room := limit
	var out []byte
	if quoted {
		room = max(limit, 5) - 2
		out = append(out, '"')
	}
	// The first escape that the cut for "..." could go through.
	from, to := -1, -1
	rest := text
	for rest != "" && room > 0 {
		r, size := utf8.DecodeRuneInString(rest)
		var shown []byte
		if size > 1 {
			shown = unicodeEscape(r)
		} else {
			shown = escaped(nil, rest[0], '"')
		}
		if len(shown) > 1 && from < 0 && room-3 < len(shown) {
			from, to = len(out), len(out)+len(shown)
		}
		if room < len(shown) {
			break
		}
		out = append(out, shown...)
		room -= len(shown)
		rest = rest[size:]
	}
	if !quoted {
		return string(out)
	}
	if rest == "" {
		return string(append(out, '"'))
	}
	cut := len(out) - 3 + room
	if from >= 0 && from < cut && cut < to {
		cut = from
	}
	return string(out[:max(cut, 1)]) + `"...`
}

// escaped appends c as a C string or character shows it; mark is the quotation
// mark around it.
func escaped(dst []byte, c, mark byte) []byte {
	const short = "\aa\bb\ff\nn\rr\tt\vv"
	if c == mark || c == '\\' {
		return append(dst, '\\', c)
	}
	if c >= ' ' && c <= '~' {
		return append(dst, c)
	}
	for i := 0; i < len(short); i += 2 {
		if short[i] == c {
			return append(dst, '\\', short[i+1])
		}
	}
	return append(dst, '\\', '0'+c>>6, '0'+c>>3&7, '0'+c&7)
}

func unicodeEscape(r rune) []byte {
	const digits = "0123456789ABCDEF"
	kind, nibbles := byte('u'), 4
	if r > 0xffff {
		kind, nibbles = 'U', 8
	}
	out := []byte{'\\', kind}
	for i := nibbles - 1; i >= 0; i-- {
		out = append(out, digits[r>>(4*i)&0xf])
	}
	return out
}
