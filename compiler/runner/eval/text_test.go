package eval

import (
	"errors"
	"strings"
	"testing"

	"github.com/tpinfo/tpinfo/compiler/ir"
)

func TestTextFunctions(t *testing.T) {
	s := newScript()
	long := strings.Repeat("x", 127)
	for _, c := range []struct {
		name   string
		result ir.Type
		args   []*ir.Node
		want   string
	}{
		{"strlen", ir.Long, []*ir.Node{quoted("abc")}, "3"},
		{"strlen", ir.Long, []*ir.Node{quoted("")}, "0"},
		{"strlen", ir.Long, []*ir.Node{quoted(long + "yyy")}, "127"},
		{"substr", ir.String, []*ir.Node{quoted("hello"), lit(1), lit(3)}, "ell"},
		{"substr", ir.String, []*ir.Node{quoted("hello"), lit(1), lit(99)}, "ello"},
		{"substr", ir.String, []*ir.Node{quoted("hello"), lit(5), lit(1)}, ""},
		{"substr", ir.String, []*ir.Node{quoted("hello"), lit(-1), lit(1)}, ""},
		{"substr", ir.String, []*ir.Node{quoted("hello"), lit(0), lit(-1)}, ""},
		{"stringat", ir.Long, []*ir.Node{quoted("hello"), lit(1)}, "101"},
		{"stringat", ir.Long, []*ir.Node{quoted("\xff"), lit(0)}, "255"},
		{"isinstr", ir.Long, []*ir.Node{quoted("hello"), quoted("ell")}, "1"},
		{"isinstr", ir.Long, []*ir.Node{quoted("hello"), quoted("")}, "1"},
		{"isinstr", ir.Long, []*ir.Node{quoted("hello"), quoted("El")}, "0"},
		{"str_replace", ir.String, []*ir.Node{quoted("a.b.c"), quoted("."), quoted("--")}, "a--b--c"},
		{"str_replace", ir.String, []*ir.Node{quoted("aaa"), quoted("aa"), quoted("b")}, "ba"},
		{"str_replace", ir.String, []*ir.Node{quoted("abc"), quoted(""), quoted("x")}, "abc"},
		{"str_replace", ir.String, []*ir.Node{quoted(long), quoted("x"), quoted("yy")}, strings.Repeat("y", 127)},
		{"text_str", ir.String, []*ir.Node{quoted("a\nb\x01")}, `a\nb\001`},
		{"string_quoted", ir.String, []*ir.Node{quoted(`a"b`)}, `"a\"b"`},
		{"strtol", ir.Long, []*ir.Node{quoted("123abc"), lit(10)}, "123"},
		{"strtol", ir.Long, []*ir.Node{quoted("-7f"), lit(16)}, "-127"},
		{"strtol", ir.Long, []*ir.Node{quoted("0x7F"), lit(16)}, "127"},
		{"strtol", ir.Long, []*ir.Node{quoted("0x7F"), lit(0)}, "127"},
		{"strtol", ir.Long, []*ir.Node{quoted("0x"), lit(0)}, "0"},
		{"strtol", ir.Long, []*ir.Node{quoted("017"), lit(0)}, "15"},
		{"strtol", ir.Long, []*ir.Node{quoted("17"), lit(0)}, "17"},
		{"strtol", ir.Long, []*ir.Node{quoted("101"), lit(2)}, "5"},
		{"strtol", ir.Long, []*ir.Node{quoted("789"), lit(8)}, "7"},
		{"strtol", ir.Long, []*ir.Node{quoted(" 5"), lit(10)}, "0"},
		{"strtol", ir.Long, []*ir.Node{quoted("18446744073709551615"), lit(10)}, "-1"},
		{"strtol", ir.Long, []*ir.Node{quoted(""), lit(10)}, "0"},
	} {
		s.prints(t, c.want+"\n", s.print(fn(c.name, c.result, c.args...)))
	}
}

func TestStringatOutOfBounds(t *testing.T) {
	s := newScript()
	for _, at := range []int64{-1, 5, 1 << 40} {
		_, err := s.run(t, do(fn("stringat", ir.Long, quoted("hello"), lit(at))))
		var failed *RuntimeError
		if !errors.As(err, &failed) || failed.Message != "Position out of bounds" || failed.Line != 7 {
			t.Errorf("at %d: %v", at, err)
		}
	}
}

func TestTokenize(t *testing.T) {
	s := newScript()
	next := func(text string) *ir.Node { return fn("tokenize", ir.String, quoted(text), quoted(" ,")) }
	s.prints(t, "a b c  \n", s.print(next(",a, ,b c"), next(""), next(""), next(""), next("")))
	// A text without delimiters is one token; nothing before is nothing.
	s.prints(t, " whole  x\n", s.print(next(""), next("whole"), next(""), next("x y")))
}

func TestStringsAreCut(t *testing.T) {
	s := newScript(
		ir.Global{Name: "g", Type: ir.String, Size: 8},
		ir.Global{Name: "a", Type: ir.Long, Size: 8, Keys: []ir.Type{ir.String}, KeySizes: []int{8}, Max: 4},
	)
	s.locals = []ir.Local{{Name: "l", Type: ir.String, Size: 16}}
	l, long := s.local("l", ir.String), quoted(strings.Repeat("0123456789", 20))
	joined := op(ir.Concat, ir.String, long, long)
	sized := op(ir.Concat, ir.String, quoted("abc"), quoted("defghij"))
	sized.Size = 8
	s.prints(t, "127 0123456 15 127 abcdefg 1 1\n",
		assign(global(0, ir.String), long), assign(l, long), assign(elem(1, ir.Long, long), lit(1)),
		s.print(
			fn("strlen", ir.Long, joined), global(0, ir.String), fn("strlen", ir.Long, l),
			fn("strlen", ir.Long, sprintf(s, long, quoted("more"))), sized,
			elem(1, ir.Long, quoted("0123456XYZ")),
			elem(1, ir.Long, quoted("0123456")),
		))
}

func sprintf(s *script, args ...*ir.Node) *ir.Node {
	n := op(ir.Sprint, ir.String, args...)
	n.Int = s.site(args...)
	return n
}

// A string ends at its first NUL, as in SystemTap.
func TestNoNULInStrings(t *testing.T) {
	s := newScript()
	n := sprintf(s, lit(0), quoted("tail"))
	s.Sites[n.Int].Parts[0].Verb = 'c'
	s.prints(t, "0\n", s.print(fn("strlen", ir.Long, n)))
}

func TestMatch(t *testing.T) {
	s := newScript()
	for _, c := range []struct {
		text, pattern string
		want          string
	}{
		{"an example string", "str(ing)", "1"},
		{"an example string", "^str", "0"},
		{"ext4_write", "^(ext4|xfs)_.*te$", "1"},
		{"xfs_read", "^(ext4|xfs)_.*te$", "0"},
		{"a\nb", "a.b", "1"},
		{"a\nb", "^b", "0"},
		{"a1b22", "[[:digit:]]{2}", "1"},
		{"\xff\xfe", "^..$", "1"},
		{"", "^$", "1"},
	} {
		n := op(ir.Match, ir.Long, quoted(c.text))
		n.Str = c.pattern
		s.prints(t, c.want+"\n", s.print(n))
	}
	n := op(ir.Match, ir.Long, quoted("a"))
	n.Str = "("
	if _, err := s.run(t, do(n)); err == nil || !strings.Contains(err.Error(), "regular expression") {
		t.Error(err)
	}
}
