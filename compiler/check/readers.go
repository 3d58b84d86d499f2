package check

import (
	"strings"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/compiler/check/infer"
	"github.com/tpinfo/tpinfo/compiler/diag"
	"github.com/tpinfo/tpinfo/compiler/ir"
	"github.com/tpinfo/tpinfo/compiler/syntax"
)

// readers are the functions that read a number at an address, with its C type
// (SystemTap's tapset/linux/conversions.stp and tapset/uconversions.stp). Those
// of user space fail for memory that is not there; the prelude has the ones
// that give 0 then.
var readers = map[string]string{
	"kernel_char": "char", "kernel_short": "short", "kernel_int": "int", "kernel_long": "long", "kernel_pointer": "pointer",
	"user_char_error": "char", "user_short_error": "short", "user_ushort_error": "ushort", "user_int_error": "int",
	"user_long_error": "long", "user_ulong_error": "pointer",
	"user_int8_error": "int8", "user_uint8_error": "uint8", "user_int16_error": "short", "user_uint16_error": "ushort",
	"user_int32_error": "int", "user_uint32_error": "uint", "user_int64_error": "int64", "user_uint64_error": "uint64",
}

// reader is the width that a function reads with; nil when it is no reader.
func reader(name string, c *checker) *ir.Mem {
	m := &ir.Mem{User: strings.HasPrefix(name, "user_")}
	switch readers[name] {
	case "":
		return nil
	case "char":
		// Signed or not, as the architecture and the kernel's flags have it.
		t := c.kernel.Definition("char")
		m.Size, m.Signed = 1, t != nil && t.Encoding == tpinfo.EncSigned
	case "int8":
		m.Size, m.Signed = 1, true
	case "uint8":
		m.Size = 1
	case "short":
		m.Size, m.Signed = 2, true
	case "ushort":
		m.Size = 2
	case "int":
		m.Size, m.Signed = 4, true
	case "uint":
		m.Size = 4
	case "int64":
		m.Size, m.Signed = 8, true
	case "uint64":
		m.Size = 8
	case "long":
		m.Size, m.Signed = c.kernel.Identity.WordSize, true
	case "pointer":
		m.Size = c.kernel.Identity.WordSize
	}
	return m
}

func (s *scope) readMemory(m *ir.Mem, x *syntax.Call, want ir.Type) infer.Value {
	if !s.takes(x, 1, 1) {
		return infer.Value{Node: s.Bad(want, x.Span)}
	}
	t := s.Start(s.expr(x.Args[0], ir.Long).Node, nil, x.Span)
	m.What = s.Said(x.Span)
	n := s.Node(ir.Load, ir.Long, x.Span, t.Base)
	n.Int, n.Mem = t.Off, m
	return infer.Value{Node: n}
}

// readText is a string of the kernel; limit bounds its bytes with the NUL, 0 for
// as many as fit.
func (s *scope) readText(address *ir.Node, limit int64, user bool, at diag.Span, otherwise ...*ir.Node) *ir.Node {
	n := s.Node(ir.ReadText, ir.String, at, append([]*ir.Node{address}, otherwise...)...)
	n.Int = min(limit, int64(s.StringSize))
	n.Mem = &ir.Mem{Size: 1, User: user, What: s.Said(at)}
	return n
}

// stringAt lowers kernel_string(a), kernel_string(a, "else"),
// kernel_string_n(a, n) and the like of user space.
func (s *scope) stringAt(x *syntax.Call, want ir.Type) (infer.Value, *ir.Node) {
	counted := strings.Contains(x.Name, "_n")
	otherwise := strings.HasSuffix(x.Name, "2")
	least, most := 1, 2
	switch {
	case counted && otherwise:
		least, most = 3, 3
	case counted && strings.HasPrefix(x.Name, "user_"):
		least, most = 2, 3
	case counted || otherwise:
		least, most = 2, 2
	}
	if !s.takes(x, least, most) {
		return infer.Value{Node: s.Bad(want, x.Span)}, nil
	}
	address := s.expr(x.Args[0], ir.Long)
	rest := x.Args[1:]
	var limit int64
	var length *ir.Node
	if counted {
		length = s.expr(rest[0], ir.Long).Node
		rest = rest[1:]
		if length.Op == ir.Const {
			// n characters and the NUL, at least the NUL.
			limit = min(max(length.Int, 0), int64(s.StringSize)-1) + 1
			length = nil
		}
	} else {
		limit = s.Kernel.CharsIn(address.C)
	}
	var other []*ir.Node
	for _, a := range rest {
		other = append(other, s.expr(a, ir.String).Node)
	}
	n := s.readText(address.Node, limit, strings.HasPrefix(x.Name, "user_"), x.Span, other...)
	if length != nil {
		n = s.Node(ir.Builtin, ir.String, x.Span, n, s.Num(0, x.Span), length)
		n.Str = "substr"
	}
	return infer.Value{Node: n}, nil
}
