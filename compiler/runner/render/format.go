package render

import (
	"encoding/hex"
	"fmt"

	"github.com/tpinfo/tpinfo/compiler/ir"
)

// widest bounds widths and precisions, STP_BUFFER_SIZE in SystemTap's
// transport.h.
const widest = 8192

// directive is a Part whose "*" have been replaced; absent numbers are -1.
type directive struct {
	*ir.Part
	width, prec int
	left        bool
}

// Format appends what site prints for its values, one a slot. It is an error
// when the values are fewer than the parts ask for, or when bytes are shorter
// than their Render says.
func (p *Printer) Format(dst []byte, site *ir.Site, values []Value) ([]byte, error) {
	next := 0
	take := func() (Value, *ir.Slot, error) {
		if next >= len(values) || next >= len(site.Slots) {
			return Value{}, nil, fmt.Errorf("line %d: a format asks for %d values and has %d; the object is damaged", site.Line, next+1, min(len(values), len(site.Slots)))
		}
		next++
		return values[next-1], &site.Slots[next-1], nil
	}
	for i := range site.Parts {
		part := &site.Parts[i]
		if part.Verb == 0 {
			dst = append(dst, part.Text...)
			continue
		}
		d := directive{Part: part, width: min(part.Width, widest), prec: min(part.Prec, widest), left: part.Minus}
		if part.Width == ir.FromSlot {
			v, _, err := take()
			if err != nil {
				return dst, err
			}
			d.width = int(min(max(v.Int, -max(v.Int, -widest)), widest))
			d.left = d.left || v.Int < 0
		}
		if part.Prec == ir.FromSlot {
			v, _, err := take()
			if err != nil {
				return dst, err
			}
			d.prec = int(min(max(v.Int, 0), widest))
		}
		v, slot, err := take()
		if err != nil {
			return dst, err
		}
		if dst, err = p.directive(dst, d, v, slot); err != nil {
			return dst, fmt.Errorf("line %d: %w", site.Line, err)
		}
	}
	return dst, nil
}

func (p *Printer) directive(dst []byte, d directive, v Value, slot *ir.Slot) ([]byte, error) {
	switch d.Verb {
	case 'd', 'i', 'u', 'x', 'X', 'o', 'p':
		return number(dst, d, v.Int), nil
	case 'c':
		return character(dst, d, byte(v.Int)), nil
	case 'b':
		return p.binary(dst, d, v.Int), nil
	case 'm', 'M':
		return memory(dst, d, v.Str), nil
	case 's', 'r':
		text := v.Str
		if slot.Render != nil {
			shown, err := p.shape(nil, slot.Render, v)
			if err != nil {
				return dst, err
			}
			text = string(shown)
		}
		return str(dst, d, text), nil
	default:
		return dst, fmt.Errorf("a format with %%%c; the object is damaged", d.Verb)
	}
}

// str is %s. The precision cuts; as in SystemTap the flag 0 puts a NUL behind.
func str(dst []byte, d directive, text string) []byte {
	if d.prec >= 0 && d.prec < len(text) {
		text = text[:d.prec]
	}
	dst = pad(dst, d, text, ' ')
	if d.Zero {
		dst = append(dst, 0)
	}
	return dst
}

// memory is %m and %M: bytes as they are, or in hexadecimal. The precision
// says how many, one when it is absent.
func memory(dst []byte, d directive, bytes string) []byte {
	bytes = bytes[:min(max(d.prec, 1), len(bytes))]
	if d.Verb == 'M' {
		bytes = hex.EncodeToString([]byte(bytes))
	}
	d.prec = ir.NoNumber
	return str(dst, d, bytes)
}

// character is %c; the flag # shows what is not printable as C writes it.
func character(dst []byte, d directive, c byte) []byte {
	text := []byte{c}
	if d.Alt {
		text = escaped(nil, c, '\'')
	}
	return pad(dst, d, text, ' ')
}

// binary is %b: 1, 2, 4 or 8 bytes in the target's byte order, in a field
// filled with NULs. A number that is not a size leaves the choice to the other.
func (p *Printer) binary(dst []byte, d directive, n int64) []byte {
	size := 8
	for _, said := range []int{d.Bytes, d.prec, d.width} {
		if said == 1 || said == 2 || said == 4 || said == 8 {
			size = said
			break
		}
	}
	var bytes [8]byte
	switch size {
	case 1:
		bytes[0] = byte(n)
	case 2:
		p.Order.PutUint16(bytes[:], uint16(n))
	case 4:
		p.Order.PutUint32(bytes[:], uint32(n))
	default:
		p.Order.PutUint64(bytes[:], uint64(n))
	}
	return pad(dst, d, bytes[:size], 0)
}

// pad puts text in a field of d's width.
func pad[T []byte | string](dst []byte, d directive, text T, fill byte) []byte {
	if !d.left {
		dst = repeat(dst, fill, d.width-len(text))
	}
	dst = append(dst, text...)
	if d.left {
		dst = repeat(dst, fill, d.width-len(text))
	}
	return dst
}

func repeat(dst []byte, c byte, times int) []byte {
	for range times {
		dst = append(dst, c)
	}
	return dst
}
