package syntax

import (
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/tpinfo/tpinfo/compiler/diag"
)

// scanner turns text into tokens; what is none is an error and is skipped.
type scanner struct {
	text string
	at   int
	errs *diag.List
	args []string // of the script: $1 and @1 stand for them
}

// scan reads all tokens, an End behind them.
func (s *scanner) scan() []Token {
	var tokens []Token
	for {
		t := s.next()
		// Adjacent strings are one.
		if n := len(tokens); t.Kind == StringToken && n > 0 && tokens[n-1].Kind == StringToken {
			tokens[n-1].Text += t.Text
			tokens[n-1].Span.End = t.Span.End
			continue
		}
		tokens = append(tokens, t)
		if t.Kind == EndToken {
			return tokens
		}
	}
}

func (s *scanner) next() Token {
	for {
		spaced := s.space()
		start := s.at
		t, ok := s.token()
		t.Span, t.Spaced = diag.Span{Start: start, End: s.at}, spaced
		if ok {
			return t
		}
	}
}

// space skips white space and comments: "#" and "//" to the end of the line,
// "/* */".
func (s *scanner) space() bool {
	start := s.at
	for s.at < len(s.text) {
		rest := s.text[s.at:]
		switch {
		case strings.IndexByte(" \t\r\n\f\v", rest[0]) >= 0:
			s.at++
		case rest[0] == '#', strings.HasPrefix(rest, "//"):
			n := strings.IndexByte(rest, '\n')
			if n < 0 {
				n = len(rest)
			}
			s.at += n
		case strings.HasPrefix(rest, "/*"):
			n := strings.Index(rest[2:], "*/")
			if n < 0 {
				s.errs.Add(diag.Span{Start: s.at, End: s.at + 2}, "close it with */", "a comment without an end")
				s.at = len(s.text)
				continue
			}
			s.at += n + 4
		default:
			return s.at > start
		}
	}
	return s.at > start
}

func isLetter(c byte) bool { return c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }
func isDigit(c byte) bool  { return c >= '0' && c <= '9' }

// word is the length of the letters and digits at the start of text.
func word(text string) int {
	n := 0
	for n < len(text) && (isLetter(text[n]) || isDigit(text[n])) {
		n++
	}
	return n
}

// token reads one; false for what was an error and is to be skipped.
func (s *scanner) token() (Token, bool) {
	rest := s.text[s.at:]
	switch {
	case rest == "":
		return Token{Kind: EndToken}, true
	case isLetter(rest[0]):
		return s.name(rest[:word(rest)]), true
	case isDigit(rest[0]):
		return s.number(rest[:word(rest)])
	case rest[0] == '"':
		return s.quoted()
	case rest[0] == '$' || rest[0] == '@':
		return s.sigil(rest)
	}
	for _, op := range operators {
		if strings.HasPrefix(rest, op) {
			s.at += len(op)
			return Token{Kind: OperatorToken, Text: op}, true
		}
	}
	_, size := utf8.DecodeRuneInString(rest)
	s.errs.Add(diag.Span{Start: s.at, End: s.at + size}, "", "%q has no meaning here", rest[:size])
	s.at += size
	return Token{}, false
}

func (s *scanner) name(text string) Token {
	s.at += len(text)
	if keywords[text] {
		return Token{Kind: KeywordToken, Text: text}
	}
	return Token{Kind: NameToken, Text: text}
}

// number reads decimal, 0x, 0b and octal numbers of 64 bits; the upper half of
// unsigned ones wraps to negative values, as C's casts do.
func (s *scanner) number(text string) (Token, bool) {
	span := diag.Span{Start: s.at, End: s.at + len(text)}
	s.at += len(text)
	value, err := strconv.ParseUint(text, 0, 64)
	if err != nil || strings.Contains(text, "_") {
		hint := ""
		if e, ok := err.(*strconv.NumError); ok && e.Err == strconv.ErrRange { //nolint:errorlint // strconv returns it as it is
			hint = "numbers have 64 bits, up to " + strconv.FormatInt(math.MaxInt64, 10)
		}
		s.errs.Add(span, hint, "%s is not a number", text)
		return Token{Kind: NumberToken, Text: text}, true
	}
	return Token{Kind: NumberToken, Text: text, Value: int64(value)}, true
}

// quoted reads a string with C's escapes.
func (s *scanner) quoted() (Token, bool) {
	start := s.at
	var text strings.Builder
	for s.at++; s.at < len(s.text); s.at++ {
		switch c := s.text[s.at]; c {
		case '"':
			s.at++
			return Token{Kind: StringToken, Text: text.String()}, true
		case '\n':
			s.errs.Add(diag.Span{Start: start, End: s.at}, `close it with "`, "a string without an end")
			return Token{Kind: StringToken, Text: text.String()}, true
		case '\\':
			s.escape(&text)
		default:
			text.WriteByte(c)
		}
	}
	s.errs.Add(diag.Span{Start: start, End: s.at}, `close it with "`, "a string without an end")
	return Token{Kind: StringToken, Text: text.String()}, true
}

var escapes = map[byte]byte{'n': '\n', 't': '\t', 'r': '\r', 'a': '\a', 'b': '\b', 'f': '\f', 'v': '\v', '\\': '\\', '"': '"', '\'': '\''}

// escape reads what stands behind a backslash, and leaves s.at on its last
// byte. An escape that C does not know stays as it is, for patterns.
func (s *scanner) escape(into *strings.Builder) {
	if s.at+1 >= len(s.text) || s.text[s.at+1] == '\n' {
		return // the string has no end, or goes on in the next line
	}
	s.at++
	c := s.text[s.at]
	if e, ok := escapes[c]; ok {
		into.WriteByte(e)
		return
	}
	digits, base, limit := 0, 8, 3
	if c == 'x' {
		base, limit = 16, 2
		s.at++
	}
	for digits < limit && s.at+digits < len(s.text) {
		if _, err := strconv.ParseUint(s.text[s.at+digits:s.at+digits+1], base, 8); err != nil {
			break
		}
		digits++
	}
	if digits == 0 {
		if c == 'x' {
			s.at--
		}
		into.WriteByte('\\')
		into.WriteByte(c)
		return
	}
	value, _ := strconv.ParseUint(s.text[s.at:s.at+digits], base, 16)
	into.WriteByte(byte(value))
	s.at += digits - 1
}

// sigil reads "$name", "$$name", "@name", and the script's arguments: "$1"
// stands for an argument as it is, "@1" for it as a string, "$#" and "@#" for
// their number.
func (s *scanner) sigil(rest string) (Token, bool) {
	start := s.at
	sign := rest[:1]
	if strings.HasPrefix(rest, "$$") {
		sign = "$$"
	}
	tail := rest[len(sign):]
	if strings.HasPrefix(tail, "#") && sign != "$$" {
		s.at += 2
		count := strconv.Itoa(len(s.args))
		if sign == "@" {
			return Token{Kind: StringToken, Text: count}, true
		}
		return Token{Kind: NumberToken, Text: count, Value: int64(len(s.args))}, true
	}
	n := word(tail)
	s.at += len(sign) + n
	switch {
	case n > 0 && isDigit(tail[0]) && sign != "$$":
		return s.argument(sign, tail[:n], diag.Span{Start: start, End: s.at})
	case n > 0 && !isDigit(tail[0]) && sign == "@":
		return Token{Kind: AtToken, Text: sign + tail[:n]}, true
	case n > 0 && !isDigit(tail[0]):
		return Token{Kind: TargetToken, Text: sign + tail[:n]}, true
	case n == 0 && sign != "@":
		// The end of a pretty form, "$task$".
		return Token{Kind: OperatorToken, Text: sign}, true
	}
	s.errs.Add(diag.Span{Start: start, End: s.at}, "", "a name is missing behind %s", sign)
	return Token{}, false
}

func (s *scanner) argument(sign, digits string, span diag.Span) (Token, bool) {
	n, err := strconv.Atoi(digits)
	if err != nil || n < 1 || n > len(s.args) {
		s.errs.Add(span, "", "there is no argument %s: the script was given %d", digits, len(s.args))
		return Token{Kind: NumberToken}, true
	}
	text := s.args[n-1]
	if sign == "@" {
		return Token{Kind: StringToken, Text: text}, true
	}
	if value, err := strconv.ParseInt(text, 0, 64); err == nil {
		return Token{Kind: NumberToken, Text: text, Value: value}, true
	}
	if text != "" && word(text) == len(text) && isLetter(text[0]) {
		return Token{Kind: NameToken, Text: text}, true
	}
	s.errs.Add(span, "write @"+digits+" to use it as a string", "argument %s, %q, is neither a number nor a name", digits, text)
	return Token{Kind: NumberToken}, true
}
