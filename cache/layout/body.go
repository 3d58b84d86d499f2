package layout

import (
	"errors"
	"fmt"

	"github.com/tpinfo/tpinfo"
)

// A body is a layout in numbers and texts. The name is not in it: whoever keeps
// the layout keeps that beside it. pack.go makes it smaller.

// ErrDamaged says that bytes are not what this package writes.
var ErrDamaged = errors.New("a stored layout is damaged")

// MaxBody bounds in bytes what a stored layout can unpack to: the largest enum
// of a kernel has 200 KiB.
const MaxBody = 16 << 20

// errTooLarge is the ErrDamaged of what unpacks to over MaxBody.
var errTooLarge = fmt.Errorf("%w: it unpacks to over %d bytes", ErrDamaged, MaxBody)

func encodeEvent(t *tpinfo.Tracepoint) []byte {
	e := &Encoder{}
	e.Text(t.System, t.Class, t.Header, string(t.Source))
	e.Number(listLen(len(t.Args), t.Args == nil))
	var next sequence
	for i := range t.Args {
		a := &t.Args[i]
		e.Text(a.Name, a.Type)
		e.Number(next.delta(a.Offset, tpinfo.ArgSlot), int64(a.Size))
		e.flag(a.Signed)
	}
	e.flag(t.Record != nil)
	if r := t.Record; r != nil {
		e.Number(int64(r.Size), int64(len(r.Fields)))
		var next sequence
		for i := range r.Fields {
			f := &r.Fields[i]
			e.Text(f.Name, f.Type, string(f.Location))
			e.Number(next.delta(f.Offset, f.Size), int64(f.Size))
			e.flag(f.Signed)
		}
	}
	e.Number(int64(len(t.Problems)))
	for _, p := range t.Problems {
		e.Text(string(p.Code), p.Subject, p.Message)
		e.Number(int64(len(p.Supply)))
		e.Text(p.Supply...)
	}
	return e.buf
}

// listLen is a length, or -1 for a list that is not known.
func listLen(n int, unknown bool) int64 {
	if unknown {
		return -1
	}
	return int64(n)
}

func encodeType(t *tpinfo.Type) []byte {
	e := &typeEncoder{}
	e.typ(t)
	return e.buf
}

// typeEncoder counts how unnamed types nest.
type typeEncoder struct {
	Encoder
	depth, deepest int
}

func (e *typeEncoder) typ(t *tpinfo.Type) {
	e.depth++
	e.deepest = max(e.deepest, e.depth)
	e.Text(string(t.Kind), string(t.Encoding), t.Of)
	e.Number(int64(t.Size))
	e.anon(t.Anon)
	e.Number(int64(len(t.Members)))
	next := sequence{union: t.Kind == tpinfo.KindUnion}
	for i := range t.Members {
		m := &t.Members[i]
		e.Text(m.Name, m.Type)
		e.Number(next.delta(m.Offset, m.Size), int64(m.Size))
		bits := m.BitSize != 0 || m.BitOffset != 0
		e.buf = append(e.buf, marks(bits, m.Anon != nil))
		if bits {
			e.Number(int64(m.BitOffset), int64(m.BitSize))
		}
		if m.Anon != nil {
			e.typ(m.Anon)
		}
	}
	e.Number(int64(len(t.Enumerators)))
	var last int64 = -1
	for _, v := range t.Enumerators {
		e.Text(v.Name)
		e.Number(v.Value - last - 1)
		last = v.Value
	}
	e.depth--
}

// marks says in one byte what follows a member.
func marks(bits, anon bool) byte {
	var b byte
	if bits {
		b |= 1
	}
	if anon {
		b |= 2
	}
	return b
}

// sequence writes places as the distance from where the thing before ends,
// which is mostly nothing, and so packs well.
type sequence struct {
	end   int64
	union bool // everything starts at 0
}

func (s *sequence) delta(offset, size tpinfo.Bytes) int64 {
	d := int64(offset) - s.end
	s.advance(offset, size)
	return d
}

// place undoes delta.
func (s *sequence) place(delta int64, size tpinfo.Bytes) tpinfo.Bytes {
	offset := tpinfo.Bytes(delta + s.end)
	s.advance(offset, size)
	return offset
}

func (s *sequence) advance(offset, size tpinfo.Bytes) {
	if !s.union && offset.Known() && size.Known() {
		s.end = int64(offset + size)
	}
}

func (e *typeEncoder) anon(t *tpinfo.Type) {
	e.flag(t != nil)
	if t != nil {
		e.typ(t)
	}
}

// DecodeEvent reads the body of an event with this name. Its errors wrap
// ErrDamaged.
func DecodeEvent(name string, body []byte) (*tpinfo.Tracepoint, error) {
	d := NewDecoder(body)
	t := &tpinfo.Tracepoint{Name: name, System: d.Text(), Class: d.Text(), Header: d.Text(), Source: tpinfo.Source(d.Text())}
	if len(d.rest) > 0 && d.rest[0] == 1 { // -1: not known
		d.Number()
	} else {
		t.Args = make([]tpinfo.Arg, d.Length(5))
		var next sequence
		for i := range t.Args {
			a := &t.Args[i]
			a.Name, a.Type = d.Text(), d.Text()
			a.Offset = next.place(d.Number(), tpinfo.ArgSlot)
			a.Size, a.Signed = tpinfo.Bytes(d.Number()), d.flag()
		}
	}
	if d.flag() {
		t.Record = &tpinfo.Record{Size: tpinfo.Bytes(d.Number())}
		t.Record.Fields = make([]tpinfo.Field, d.Length(6))
		var next sequence
		for i := range t.Record.Fields {
			f := &t.Record.Fields[i]
			f.Name, f.Type, f.Location = d.Text(), d.Text(), tpinfo.Location(d.Text())
			delta := d.Number()
			f.Size = tpinfo.Bytes(d.Number())
			f.Offset, f.Signed = next.place(delta, f.Size), d.flag()
		}
	}
	for range d.Length(4) {
		p := tpinfo.Problem{Code: tpinfo.ProblemCode(d.Text()), Subject: d.Text(), Message: d.Text()}
		for range d.Length(1) {
			p.Supply = append(p.Supply, d.Text())
		}
		t.Problems = append(t.Problems, p)
	}
	return t, d.End()
}

// DecodeType reads the body of a type with this name. Its errors wrap
// ErrDamaged.
func DecodeType(name string, body []byte) (*tpinfo.Type, error) {
	d := &typeDecoder{Decoder: Decoder{rest: body}}
	t := d.typ()
	t.Name = name
	return t, d.End()
}

// MaxAnon bounds how deep unnamed structs nest in each other.
const MaxAnon = 64

// membersAtOnce bounds what is set aside for members before they are read:
// each level of unnamed structs may claim as many as there are bytes left.
const membersAtOnce = 1024

// typeDecoder counts how deep in unnamed types it is.
type typeDecoder struct {
	Decoder
	depth int
}

func (d *typeDecoder) typ() *tpinfo.Type {
	if d.depth++; d.depth > MaxAnon {
		d.fail()
		return &tpinfo.Type{}
	}
	defer func() { d.depth-- }()
	t := &tpinfo.Type{Kind: tpinfo.Kind(d.Text()), Encoding: tpinfo.Encoding(d.Text()), Of: d.Text()}
	t.Size = tpinfo.Bytes(d.Number())
	t.Anon = d.anon()
	n := d.Length(5)
	if n > 0 {
		t.Members = make([]tpinfo.Member, 0, min(n, membersAtOnce))
	}
	next := sequence{union: t.Kind == tpinfo.KindUnion}
	for range n {
		if d.err != nil {
			return t
		}
		var m tpinfo.Member
		m.Name, m.Type = d.Text(), d.Text()
		delta := d.Number()
		m.Size = tpinfo.Bytes(d.Number())
		m.Offset = next.place(delta, m.Size)
		follows := d.byte()
		if follows > marks(true, true) {
			d.fail()
		}
		if follows&marks(true, false) != 0 {
			m.BitOffset, m.BitSize = int(d.Number()), int(d.Number())
		}
		if follows&marks(false, true) != 0 {
			m.Anon = d.typ()
		}
		t.Members = append(t.Members, m)
	}
	if n := d.Length(2); n > 0 {
		t.Enumerators = make([]tpinfo.Enumerator, n)
	}
	var last int64 = -1
	for i := range t.Enumerators {
		t.Enumerators[i].Name = d.Text()
		last += d.Number() + 1
		t.Enumerators[i].Value = last
	}
	return t
}

func (d *typeDecoder) anon() *tpinfo.Type {
	if !d.flag() {
		return nil
	}
	return d.typ()
}
