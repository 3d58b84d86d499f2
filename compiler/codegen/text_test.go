package codegen

import (
	"bytes"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"unsafe"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
	"pgregory.net/rapid"

	"github.com/tpinfo/tpinfo/compiler/diag"
	"github.com/tpinfo/tpinfo/compiler/ir"
	"github.com/tpinfo/tpinfo/fixtures/tier"
)

func text(s string) *ir.Node {
	return &ir.Node{Op: ir.Text, Type: ir.String, Str: s, Size: textSize(s)}
}

func str(op ir.Op, args ...*ir.Node) *ir.Node {
	return &ir.Node{Op: op, Type: ir.String, Args: args, Size: 128}
}

func function(t ir.Type, name string, args ...*ir.Node) *ir.Node {
	return &ir.Node{Op: ir.Builtin, Type: t, Str: name, Args: args, Size: 128}
}

// texts is a program whose first global, of 128 bytes, gets a text, and whose
// second a number.
func texts(x, n *ir.Node) *ir.Program {
	p := one(2, nil)
	p.Globals[0] = ir.Global{Name: "s", Type: ir.String, Size: 128, Offset: ir.ControlSize}
	p.Globals[1].Offset = ir.ControlSize + 128
	p.DataSize = ir.ControlSize + 136
	s := &ir.Node{Op: ir.GetGlo, Type: ir.String, Int: 0, Size: 128}
	p.Probes[0].Body = block(eval(&ir.Node{Op: ir.Set, Type: ir.String, Args: []*ir.Node{s, x}, Size: 128}), eval(set(global(1), n)))
	return p
}

// ask runs such a program and checks that the text is zero behind its end.
func ask(t rapid.TB, o *ebpf.CollectionSpec, args ...int64) (string, int64) {
	t.Helper()
	c, err := ebpf.NewCollection(o)
	if err != nil {
		t.Fatalf("%+v", err)
	}
	defer c.Close()
	ctx := make([]uint64, 12)
	for i, a := range args {
		ctx[i] = uint64(a)
	}
	if _, err := c.Programs["t"].Run(&ebpf.RunOptions{Context: ctx}); err != nil {
		t.Fatalf("%v", err)
	}
	var data []byte
	if err := c.Maps[ir.DataMap].Lookup(uint32(0), &data); err != nil {
		t.Fatalf("%v", err)
	}
	s := data[ir.ControlSize : ir.ControlSize+128]
	n := bytes.IndexByte(s, 0)
	if n < 0 || len(bytes.Trim(s[n:], "\x00")) > 0 {
		t.Fatalf("the place of a text holds %q", s)
	}
	return string(s[:n]), word(data, ir.ControlSize+128)
}

var words = rapid.OneOf(
	rapid.StringMatching(`[ab]{0,3}`), rapid.StringMatching(`[a-z]{0,20}`),
	rapid.StringMatching(`[a-c]{120,140}`), rapid.SampledFrom([]string{"", "1234567", "12345678", "123456789"}),
)

func cut(s string) string { return s[:min(len(s), 127)] }

// textExpression makes a text and tells what it is.
func textExpression(t *rapid.T, depth int) (*ir.Node, string) {
	if depth == 0 {
		s := cut(words.Draw(t, "s"))
		return text(s), s
	}
	switch rapid.IntRange(0, 3).Draw(t, "kind") {
	case 0:
		a, x := textExpression(t, depth-1)
		b, y := textExpression(t, depth-1)
		return str(ir.Concat, a, b), cut(x + y)
	case 1:
		a, x := textExpression(t, depth-1)
		from, count := rapid.Int64Range(-2, 130).Draw(t, "from"), rapid.Int64Range(-2, 130).Draw(t, "count")
		want := ""
		if from >= 0 && from < int64(len(x)) && count > 0 {
			want = x[from:min(int64(len(x)), from+count)]
		}
		return function(ir.String, "substr", a, number(from), number(count)), want
	case 2:
		a, x := textExpression(t, depth-1)
		b, y := textExpression(t, depth-1)
		n := rapid.Int64Range(0, 1).Draw(t, "which")
		return str(ir.Choose, long(ir.Eq, arg(0), number(n)), a, b), map[int64]string{0: y, 1: x}[1-n]
	}
	s := cut(words.Draw(t, "s"))
	return text(s), s
}

// Strings of the kernel's side are those of Go, cut at 127 bytes.
func TestTexts(t *testing.T) {
	tier.Need(t, tier.Machine)
	unlock(t)
	rapid.Check(t, func(rt *rapid.T) {
		x, want := textExpression(rt, 3)
		y, other := textExpression(rt, 1)
		op := rapid.SampledFrom([]ir.Op{ir.Eq, ir.Ne, ir.Lt, ir.Le, ir.Gt, ir.Ge}).Draw(rt, "op")
		c := strings.Compare(want, other)
		holds := map[ir.Op]bool{ir.Eq: c == 0, ir.Ne: c != 0, ir.Lt: c < 0, ir.Le: c <= 0, ir.Gt: c > 0, ir.Ge: c >= 0}[op]
		s := &ir.Node{Op: ir.GetGlo, Type: ir.String, Int: 0, Size: 128}
		o := generate(t, texts(x, long(op, s, y)))
		got, n := ask(rt, collection(o))
		if got != want {
			rt.Fatalf("%q, want %q", got, want)
		}
		if (n == 1) != holds {
			rt.Fatalf("%q %s %q is %d", want, op, other, n)
		}
	})
}

// The name of a process is zero behind its end, whatever was in its place: the
// helper of 6.1 leaves that there.
func TestExecname(t *testing.T) {
	tier.Need(t, tier.Machine)
	unlock(t)
	runtime.LockOSThread() // for good: the thread has another name then
	if err := unix.Prctl(unix.PR_SET_NAME, uintptr(unsafe.Pointer(&[]byte("abc\x00")[0])), 0, 0, 0); err != nil {
		t.Fatal(err)
	}
	name := func() *ir.Node { return &ir.Node{Op: ir.GetLoc, Type: ir.String, Size: 16} }
	p := texts(name(), number(0))
	probe := &p.Probes[0]
	probe.Locals = []ir.Local{{Name: "name", Type: ir.String, Size: 16}}
	put := func(to *ir.Node) *ir.Node {
		return eval(&ir.Node{Op: ir.Set, Type: ir.String, Size: 16, Args: []*ir.Node{name(), to}})
	}
	probe.Body.Args = append([]*ir.Node{put(text(strings.Repeat("x", 15))), put(function(ir.String, "execname"))}, probe.Body.Args...)
	if got, _ := ask(t, collection(generate(t, p))); got != "abc" {
		t.Errorf("execname %q, want %q", got, "abc")
	}
}

func TestTextFunctions(t *testing.T) {
	s := func() *ir.Node { return &ir.Node{Op: ir.GetGlo, Type: ir.String, Int: 0, Size: 128} }
	long127 := strings.Repeat("x", 127)
	match := func(pattern string) *ir.Node {
		return &ir.Node{Op: ir.Match, Type: ir.Long, Str: pattern, Args: []*ir.Node{s()}}
	}
	for _, c := range []struct {
		name, text string
		x          *ir.Node
		want       int64
	}{
		{"strlen", "hello", function(ir.Long, "strlen", s()), 5},
		{"strlen of nothing", "", function(ir.Long, "strlen", s()), 0},
		{"strlen of all", long127, function(ir.Long, "strlen", s()), 127},
		{"stringat", "hello", function(ir.Long, "stringat", s(), number(1)), 'e'},
		{"stringat behind", "hello", function(ir.Long, "stringat", s(), number(5)), 0},
		{"stringat far behind", "hello", function(ir.Long, "stringat", s(), number(500)), 0},
		{"stringat before", "hello", function(ir.Long, "stringat", s(), number(-1)), 0},
		{"isinstr", "hello world", function(ir.Long, "isinstr", s(), text("o wor")), 1},
		{"isinstr at the end", "hello world", function(ir.Long, "isinstr", s(), text("d")), 1},
		{"isinstr not", "hello world", function(ir.Long, "isinstr", s(), text("worlds")), 0},
		{"isinstr of nothing", "hello world", function(ir.Long, "isinstr", s(), text("")), 1},
		{"isinstr, the very end", long127, function(ir.Long, "isinstr", s(), text(long127)), 1},
		{"strtol", "-1234x", function(ir.Long, "strtol", s(), number(10)), -1234},
		{"strtol hex", "0xFf", function(ir.Long, "strtol", s(), number(16)), 255},
		{"strtol bare hex", "ff g", function(ir.Long, "strtol", s(), number(16)), 255},
		{"strtol octal", "0779", function(ir.Long, "strtol", s(), number(8)), 077},
		{"strtol of nothing", "", function(ir.Long, "strtol", s(), number(10)), 0},
		{"strtol large", "1099511627776", function(ir.Long, "strtol", s(), number(10)), 1 << 40},
		{"match", "hello", match("ell"), 1}, {"match start", "hello", match("^hel"), 1}, {"match not start", "hello", match("^ello"), 0},
		{"match end", "hello", match("llo$"), 1}, {"match not end", "hello", match("ell$"), 0},
		{"match whole", "hello", match("^hello$"), 1}, {"match not whole", "hello2", match("^hello$"), 0},
		{"match start of 9", "123456789", match("^12345678"), 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			tier.Need(t, tier.Machine)
			unlock(t)
			o := generate(t, texts(text(c.text), c.x))
			if _, got := ask(t, collection(o)); got != c.want {
				t.Errorf("%q: %d, want %d", c.text, got, c.want)
			}
		})
	}
}

func TestSprintf(t *testing.T) {
	tier.Need(t, tier.Machine)
	unlock(t)
	part := func(verb rune, width int, zero bool) ir.Part {
		return ir.Part{Verb: verb, Width: width, Prec: ir.NoNumber, Zero: zero}
	}
	lit := func(s string) ir.Part { return ir.Part{Text: s, Width: ir.NoNumber, Prec: ir.NoNumber} }
	for _, n := range []int64{0, 1, 9, 10, -1, -10, 255, 1 << 40, 1<<63 - 1, -1 << 63, 1234567890123456789} {
		p := texts(&ir.Node{Op: ir.Sprint, Type: ir.String, Size: 128, Args: []*ir.Node{arg(0), arg(0), text("in"), arg(0), arg(0), number('c')}}, number(0))
		p.Sites = []ir.Site{{Parts: []ir.Part{
			lit("<"), part('d', ir.NoNumber, false), lit("|"), part('x', ir.NoNumber, false), lit("|"), part('s', ir.NoNumber, false), lit("|"),
			part('d', 8, false), lit("|"), part('d', 8, true), lit("|"), part('c', ir.NoNumber, false), lit(">"),
		}}}
		got, _ := ask(t, collection(generate(t, p)), n)
		pad := func(s, with string) string {
			if len(s) < 8 {
				return strings.Repeat(with, 8-len(s)) + s
			}
			return s
		}
		d := strconv.FormatInt(n, 10)
		zeros := pad(d, "0")
		if n < 0 && len(d) < 8 {
			zeros = "-" + strings.Repeat("0", 8-len(d)) + d[1:]
		}
		want := "<" + d + "|" + strconv.FormatUint(uint64(n), 16) + "|in|" + pad(d, " ") + "|" + zeros + "|c>"
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// An error is shown where it is, whatever bytes stand before it.
func TestErrorBehindBytes(t *testing.T) {
	for _, bytes := range []string{"eight of", "\xff\xff\xff\xff\xff\xff\xff\xff", "äöüßäöüß"} {
		src := &diag.Source{Name: "t.stp", Text: `global n
probe kernel.trace("e") { s = "` + bytes + `"; t = s; n = isinstr(s, t) }`}
		p, err := typedForm(src, thisKernel(), 128)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Generate(p, src); err == nil || !strings.HasPrefix(err.Error(), "t.stp:2:54: error: isinstr") {
			t.Errorf("behind %q: %v", bytes, err)
		}
	}
}
