package syntax

import (
	"fmt"
	"strings"
	"testing"

	"github.com/tpinfo/tpinfo/compiler/diag"
)

// tokens writes what a text scans to, a word a token.
func tokens(text string, args ...string) (string, error) {
	src := &diag.Source{Name: "t", Text: text}
	errs := &diag.List{Source: src}
	var words []string
	for _, t := range preprocess((&scanner{text: text}).scan(), Options{Args: args}, errs) {
		switch t.Kind {
		case EndToken:
		case NumberToken:
			words = append(words, fmt.Sprint(t.Value))
		case StringToken:
			words = append(words, fmt.Sprintf("%q", t.Text))
		case KeywordToken:
			words = append(words, strings.ToUpper(t.Text))
		default:
			words = append(words, t.Text)
		}
	}
	return strings.Join(words, " "), errs.Err()
}

func TestScan(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{"", ""},
		{"probe begin { x++ }", "PROBE begin { x ++ }"},
		{"a<<<b<<=c<<d<=e<f", "a <<< b <<= c << d <= e < f"},
		{"$a->b[1]$ $$vars @cast(0,\"t\")", `$a -> b [ 1 ] $ $$vars @cast ( 0 , "t" )`},
		{"$task$$", "$task $$"},
		{"0 10 0x1F 017 0b101 0xffffffffffffffff", "0 10 31 15 5 -1"},
		{"9223372036854775807", "9223372036854775807"},
		{`"a" "b" /* c */ "d"`, `"abd"`},
		{`"\n\t\"\\\x41\101\q\8\x"`, `"\n\t\"\\AAq8x"`},
		{"a # one\nb // two\nc /* three\n */ d", "a b c d"},
		{"infoo in", "infoo IN"},
	} {
		got, err := tokens(test.text)
		if err != nil || got != test.want {
			t.Errorf("%s\n got  %s (%v)\n want %s", test.text, got, err, test.want)
		}
	}
}

func TestScriptArguments(t *testing.T) {
	got, err := tokens("$1 @1 $2 $3 $# @#", "7", "comm", "-0x10")
	if want := `7 "7" comm - 16 3 "3"`; err != nil || got != want {
		t.Errorf("%s (%v), want %s", got, err, want)
	}
}

func TestScanErrors(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{"a ` b", "t:1:3: error: \"`\" has no meaning here"},
		{"\"abc\nx", "t:1:1: error: a string without an end"},
		{"/* abc", "t:1:1: error: a comment without an end"},
		{"12ab", "t:1:1: error: 12ab is not a number"},
		{"99999999999999999999", "t:1:1: error: 99999999999999999999 is not a number"},
		{"@", "t:1:1: error: a name is missing behind @"},
		{"$2", "t:1:1: error: there is no argument 2: the script was given 1"},
		{"a$b", "t:1:1: error: names with $ in them"},
		{"$a$b", "t:1:1: error: names with $ in them"},
		{`"a\0"`, "t:1:1: error: a NUL byte in a string"},
		{"$$1", "t:1:1: error: a name is missing behind $$"},
		{"%{ a", "t:1:1: error: embedded C without an end"},
	} {
		_, err := tokens(test.text, "a b")
		if err == nil || !strings.HasPrefix(err.Error(), test.want) {
			t.Errorf("%q: %v\n want %s", test.text, err, test.want)
		}
	}
}

// Tokens cover the text in order, whatever it is.
func FuzzScan(f *testing.F) {
	f.Add("probe kernel.trace(\"sched:*\") { a[$x->y, execname()] <<< 0x1f # c\n }")
	f.Add("\"\\x4\" $$ @ /* ")
	f.Fuzz(func(t *testing.T, text string) {
		last := 0
		for _, token := range (&scanner{text: text}).scan() {
			if token.Span.Start < last || token.Span.End < token.Span.Start || token.Span.End > len(text) {
				t.Fatalf("token %+v behind %d of %d bytes", token, last, len(text))
			}
			last = token.Span.End
		}
	})
}
