package render

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/tpinfo/tpinfo/compiler/ir"
)

// shape appends a slot that has a Render: memory that the probe sent, or a
// value that a function makes text of.
func (p *Printer) shape(dst []byte, r *ir.Render, v Value) ([]byte, error) {
	if v.Type == ir.Void {
		if r.Name != "" {
			dst = append(append(dst, r.Name...), '=')
		}
		return p.memory(dst, r, v.Str)
	}
	switch {
	case r.Stack:
		return p.stack(dst, v.Int), nil
	case r.Call != "" && p.Call != nil:
		text, err := p.Call(r.Call, v)
		return append(dst, text.Str...), err
	default:
		return dst, fmt.Errorf("a value shown as memory; the object is damaged")
	}
}

// memory appends the value that r describes in the bytes of its slot, as
// SystemTap's "$x$" shows it: {.a=1, .b=[2, 3, ...], .c="text"}.
func (p *Printer) memory(dst []byte, r *ir.Render, b string) ([]byte, error) {
	switch {
	case r.Struct, r.Array:
		return p.members(dst, r, b)
	case r.Chars > 0:
		text, err := cut(b, r.Offset, r.Chars)
		if err != nil {
			return dst, err
		}
		if nul := strings.IndexByte(text, 0); nul >= 0 {
			text = text[:nul]
		}
		dst = append(dst, '"')
		for i := range len(text) {
			dst = escaped(dst, text[i], '"')
		}
		return append(dst, '"'), nil
	case r.Mem != nil:
		n, err := p.load(r.Mem, b, r.Offset)
		if err != nil {
			return dst, err
		}
		switch {
		case r.Pointer:
			return strconv.AppendUint(append(dst, "0x"...), uint64(n), 16), nil
		case r.Mem.Signed:
			return strconv.AppendInt(dst, n, 10), nil
		default:
			return strconv.AppendUint(dst, uint64(n), 10), nil
		}
	default:
		return append(dst, '?'), nil
	}
}

func (p *Printer) members(dst []byte, r *ir.Render, b string) ([]byte, error) {
	opening, closing := byte('{'), byte('}')
	if r.Array {
		opening, closing = '[', ']'
	}
	dst = append(dst, opening)
	for i, m := range r.Members {
		if i > 0 {
			dst = append(dst, ", "...)
		}
		if m == nil {
			return dst, fmt.Errorf("a member that is none; the object is damaged")
		}
		if r.Struct && m.Name != "" {
			dst = append(append(append(dst, '.'), m.Name...), '=')
		}
		var err error
		if dst, err = p.memory(dst, m, b); err != nil {
			return dst, err
		}
	}
	if r.More {
		if len(r.Members) > 0 {
			dst = append(dst, ", "...)
		}
		dst = append(dst, "..."...)
	}
	return append(dst, closing), nil
}

// load reads a number of the target from bytes.
func (p *Printer) load(m *ir.Mem, b string, offset int) (int64, error) {
	text, err := cut(b, offset, m.Size)
	if err != nil {
		return 0, err
	}
	if m.BitSize > 0 {
		return p.bitfield(m, text)
	}
	little := p.little()
	var n uint64
	for i := range len(text) {
		if little {
			n |= uint64(text[i]) << (8 * i)
		} else {
			n = n<<8 | uint64(text[i])
		}
	}
	if m.Size > 8 {
		return 0, fmt.Errorf("a number of %d bytes; the object is damaged", m.Size)
	}
	return extend(n, 8*m.Size, m.Signed), nil
}

// bitfield reads bits as ir.Mem counts them: from the least significant one of
// little-endian bytes, from the most significant one of big-endian bytes.
func (p *Printer) bitfield(m *ir.Mem, text string) (int64, error) {
	if m.BitOffset < 0 || m.BitSize > 64 || m.BitOffset+m.BitSize > 8*len(text) {
		return 0, fmt.Errorf("a bitfield of %d bits at %d in %d bytes; the object is damaged", m.BitSize, m.BitOffset, len(text))
	}
	little := p.little()
	var n uint64
	for i := range m.BitSize {
		at := m.BitOffset + i
		if little {
			n |= uint64(text[at/8]>>(at%8)&1) << i
		} else {
			n = n<<1 | uint64(text[at/8]>>(7-at%8)&1)
		}
	}
	return extend(n, m.BitSize, m.Signed), nil
}

func (p *Printer) little() bool { return p.Order.Uint16([]byte{1, 0}) == 1 }

// extend gives the low bits of n their sign.
func extend(n uint64, bits int, signed bool) int64 {
	if signed && bits > 0 {
		return int64(n) << (64 - bits) >> (64 - bits)
	}
	return int64(n)
}

func cut(b string, offset, size int) (string, error) {
	if offset < 0 || size < 0 || offset > len(b) || size > len(b)-offset {
		return "", fmt.Errorf("%d bytes at %d of %d; the object is damaged", size, offset, len(b))
	}
	return b[offset : offset+size], nil
}
