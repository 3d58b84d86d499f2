package syntax

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/tpinfo/tpinfo/compiler/diag"
)

// scanner turns text into tokens. What is wrong with one is told in it.
type scanner struct {
	text string
	at   int
}

// scan reads all tokens, an End behind them.
func (s *scanner) scan() []Token {
	var tokens []Token
	for {
		spaced := s.space()
		start := s.at
		t := s.token()
		t.Span, t.Spaced = diag.Span{Start: start, End: s.at}, spaced
		if t.wrong != nil {
			t.wrong.Span = t.Span
		}
		tokens = append(tokens, t)
		if t.Kind == EndToken {
			return tokens
		}
	}
}

// wrong says what is wrong with a token.
func wrong(hint, format string, args ...any) *diag.Error {
	return &diag.Error{Message: fmt.Sprintf(format, args...), Hint: hint}
}

// space skips white space and comments: "#" and "//" to the end of the line,
// "/* */".
func (s *scanner) space() bool {
	start := s.at
	for s.at < len(s.text) {
		rest := s.text[s.at:]
		n := 0
		switch {
		case strings.IndexByte(" \t\r\n\f\v", rest[0]) >= 0:
			n = 1
		case rest[0] == '#', strings.HasPrefix(rest, "//"):
			if n = strings.IndexByte(rest, '\n'); n < 0 {
				n = len(rest)
			}
		case strings.HasPrefix(rest, "/*"):
			if end := strings.Index(rest[2:], "*/"); end >= 0 {
				n = end + 4
			}
		}
		if n == 0 {
			break
		}
		s.at += n
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

func (s *scanner) token() Token {
	rest := s.text[s.at:]
	switch {
	case rest == "":
		return Token{Kind: EndToken}
	case isLetter(rest[0]):
		return s.name(rest[:word(rest)])
	case isDigit(rest[0]):
		return s.number(rest[:word(rest)])
	case rest[0] == '"':
		return s.quoted()
	case rest[0] == '$' || rest[0] == '@':
		return s.sigil(rest)
	case strings.HasPrefix(rest, "/*"):
		s.at = len(s.text)
		return Token{Kind: JunkToken, wrong: wrong("close it with */", "a comment without an end")}
	case strings.HasPrefix(rest, "%{"):
		n := strings.Index(rest, "%}")
		if n < 0 {
			s.at = len(s.text)
			return Token{Kind: JunkToken, wrong: wrong("", "embedded C without an end")}
		}
		s.at += n + 2
		return Token{Kind: EmbeddedToken, Text: rest[:n+2]}
	}
	for _, op := range operators {
		if strings.HasPrefix(rest, op) {
			s.at += len(op)
			return Token{Kind: OperatorToken, Text: op}
		}
	}
	// What has no meaning is one mistake as long as it goes on.
	n := 0
	for n < len(rest) && junk(rest[n]) {
		_, size := utf8.DecodeRuneInString(rest[n:])
		n += size
	}
	n = max(n, 1)
	s.at += n
	shown := rest[:n]
	if n > maxJunk {
		shown = rest[:maxJunk] + "..."
	}
	return Token{Kind: JunkToken, wrong: wrong("", "%q has no meaning here", shown)}
}

// maxJunk is how much of what has no meaning a message shows, in bytes.
const maxJunk = 24

// junk reports whether no token starts with a byte.
func junk(c byte) bool {
	return c < ' ' && strings.IndexByte("\t\r\n\f\v", c) < 0 || c >= 0x7f || c == '`' || c == '\\'
}

func (s *scanner) name(text string) Token {
	s.at += len(text)
	t := Token{Kind: NameToken, Text: text, wrong: s.dollar()}
	if keywords[text] {
		t.Kind = KeywordToken
	}
	return t
}

// dollar looks at what stands behind a name: SystemTap takes "a$b" for a name.
func (s *scanner) dollar() *diag.Error {
	if rest := s.text[s.at:]; strings.HasPrefix(rest, "$") && word(strings.TrimLeft(rest, "$")) > 0 {
		return wrong("set a space before the $, or take another name", "names with $ in them are not supported")
	}
	return nil
}

// number reads decimal, 0x, 0b and octal numbers of 64 bits; the upper half of
// unsigned ones wraps to negative values, as C's casts do.
func (s *scanner) number(text string) Token {
	s.at += len(text)
	t := Token{Kind: NumberToken, Text: text}
	value, err := strconv.ParseUint(text, 0, 64)
	if err != nil || strings.Contains(text, "_") {
		hint := ""
		if errors.Is(err, strconv.ErrRange) {
			hint = "numbers have 64 bits, up to " + strconv.FormatInt(math.MaxInt64, 10)
		}
		t.wrong = wrong(hint, "%s is not a number", text)
		return t
	}
	t.Value = int64(value)
	return t
}

// quoted reads a string with C's escapes.
func (s *scanner) quoted() Token {
	var text strings.Builder
	for s.at++; s.at < len(s.text) && s.text[s.at] != '\n'; s.at++ {
		switch c := s.text[s.at]; c {
		case '"':
			s.at++
			return literal(text.String())
		case '\\':
			s.escape(&text)
		default:
			text.WriteByte(c)
		}
	}
	return Token{Kind: StringToken, Text: text.String(), wrong: wrong(`close it with "`, "a string without an end")}
}

// literal is the token of a string.
func literal(text string) Token {
	t := Token{Kind: StringToken, Text: text}
	if strings.Contains(text, "\x00") {
		t.wrong = wrong("a NUL ends a string", "a NUL byte in a string")
	}
	return t
}

var escapes = map[byte]byte{'n': '\n', 't': '\t', 'r': '\r', 'a': '\a', 'b': '\b', 'f': '\f', 'v': '\v'}

// escape reads what stands behind a backslash, and leaves s.at on its last
// byte. What C has no escape for stands for itself, as in SystemTap: a pattern
// takes two backslashes, "a\\.b".
func (s *scanner) escape(into *strings.Builder) {
	if s.at+1 >= len(s.text) || s.text[s.at+1] == '\n' {
		return // the string has no end
	}
	s.at++
	c := s.text[s.at]
	if e, ok := escapes[c]; ok {
		into.WriteByte(e)
		return
	}
	first, base, limit := s.at, 8, 3
	if c == 'x' {
		first, base, limit = s.at+1, 16, 2
	}
	digits := 0
	for digits < limit && first+digits < len(s.text) && isDigitOf(s.text[first+digits], base) {
		digits++
	}
	if digits == 0 {
		into.WriteByte(c)
		return
	}
	value, _ := strconv.ParseUint(s.text[first:first+digits], base, 16) // cannot fail: three octal digits at most
	into.WriteByte(byte(value))
	s.at = first + digits - 1
}

func isDigitOf(c byte, base int) bool {
	_, err := strconv.ParseUint(string([]byte{c}), base, 8)
	return err == nil
}

// sigil reads "$name", "$$name", "@name", and the script's arguments: "$1",
// "@1", "$#" and "@#".
func (s *scanner) sigil(rest string) Token {
	sign := rest[:1]
	if strings.HasPrefix(rest, "$$") {
		sign = "$$"
	}
	tail := rest[len(sign):]
	n := word(tail)
	if strings.HasPrefix(tail, "#") {
		n = 1
	}
	text := rest[:len(sign)+n]
	s.at += len(text)
	switch {
	case n == 0 && sign != "@":
		// The end of a pretty form, "$task$".
		return Token{Kind: OperatorToken, Text: sign}
	case n == 0, sign == "$$" && !isLetter(tail[0]):
		return Token{Kind: JunkToken, wrong: wrong("", "a name is missing behind %s", sign)}
	case !isLetter(tail[0]):
		return Token{Kind: ArgumentToken, Text: text}
	case sign == "@":
		return Token{Kind: AtToken, Text: text}
	}
	return Token{Kind: TargetToken, Text: text, wrong: s.dollar()}
}
