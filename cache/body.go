package cache

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/tpinfo/tpinfo"
)

// A body is a layout in varints and texts, each text with its length before
// it. The name is not in it: the row has it. pack.go makes it smaller.

var errBody = errors.New("a stored layout is damaged")

// maxBody bounds what a stored layout can unpack to: the largest enum of a
// kernel has 200 KiB.
const maxBody = 16 << 20

var errTooLarge = fmt.Errorf("%w: it unpacks to over %d bytes", errBody, maxBody)

// encoder writes a body.
type encoder struct {
	buf []byte
	// depth and deepest count how unnamed types nest.
	depth, deepest int
}

func (e *encoder) text(texts ...string) {
	for _, s := range texts {
		e.buf = binary.AppendUvarint(e.buf, uint64(len(s)))
		e.buf = append(e.buf, s...)
	}
}

func (e *encoder) number(numbers ...int64) {
	for _, n := range numbers {
		e.buf = binary.AppendVarint(e.buf, n)
	}
}

func (e *encoder) flag(b bool) {
	if b {
		e.buf = append(e.buf, 1)
		return
	}
	e.buf = append(e.buf, 0)
}

func encodeEvent(t *tpinfo.Tracepoint) []byte {
	e := &encoder{}
	e.text(t.System, t.Class, t.Header, string(t.Source))
	e.number(listLen(len(t.Args), t.Args == nil))
	var next sequence
	for i := range t.Args {
		a := &t.Args[i]
		e.text(a.Name, a.Type)
		e.number(next.delta(a.Offset, tpinfo.ArgSlot), int64(a.Size))
		e.flag(a.Signed)
	}
	e.flag(t.Record != nil)
	if r := t.Record; r != nil {
		e.number(int64(r.Size), int64(len(r.Fields)))
		var next sequence
		for i := range r.Fields {
			f := &r.Fields[i]
			e.text(f.Name, f.Type, string(f.Location))
			e.number(next.delta(f.Offset, f.Size), int64(f.Size))
			e.flag(f.Signed)
		}
	}
	e.number(int64(len(t.Problems)))
	for _, p := range t.Problems {
		e.text(string(p.Code), p.Subject, p.Message)
		e.number(int64(len(p.Supply)))
		e.text(p.Supply...)
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
	e := &encoder{}
	e.typ(t)
	return e.buf
}

func (e *encoder) typ(t *tpinfo.Type) {
	e.depth++
	e.deepest = max(e.deepest, e.depth)
	e.text(string(t.Kind), string(t.Encoding), t.Of)
	e.number(int64(t.Size))
	e.anon(t.Anon)
	e.number(int64(len(t.Members)))
	next := sequence{union: t.Kind == tpinfo.KindUnion}
	for i := range t.Members {
		m := &t.Members[i]
		e.text(m.Name, m.Type)
		e.number(next.delta(m.Offset, m.Size), int64(m.Size))
		bits := m.BitSize != 0 || m.BitOffset != 0
		e.buf = append(e.buf, marks(bits, m.Anon != nil))
		if bits {
			e.number(int64(m.BitOffset), int64(m.BitSize))
		}
		if m.Anon != nil {
			e.typ(m.Anon)
		}
	}
	e.number(int64(len(t.Enumerators)))
	var last int64 = -1
	for _, v := range t.Enumerators {
		e.text(v.Name)
		e.number(v.Value - last - 1)
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

func (e *encoder) anon(t *tpinfo.Type) {
	e.flag(t != nil)
	if t != nil {
		e.typ(t)
	}
}

// decoder reads a body; the first thing that is wrong stays in err.
type decoder struct {
	rest  []byte
	err   error
	depth int
}

func (d *decoder) fail() {
	if d.err == nil {
		d.err = errBody
	}
	d.rest = nil
}

func (d *decoder) text() string {
	n, size := binary.Uvarint(d.rest)
	if size <= 0 || n > uint64(len(d.rest)-size) {
		d.fail()
		return ""
	}
	s := string(d.rest[size : size+int(n)])
	d.rest = d.rest[size+int(n):]
	return s
}

func (d *decoder) number() int64 {
	n, size := binary.Varint(d.rest)
	if size <= 0 {
		d.fail()
		return 0
	}
	d.rest = d.rest[size:]
	return n
}

func (d *decoder) flag() bool {
	if len(d.rest) == 0 || d.rest[0] > 1 {
		d.fail()
		return false
	}
	b := d.rest[0] == 1
	d.rest = d.rest[1:]
	return b
}

func (d *decoder) byte() byte {
	if len(d.rest) == 0 {
		d.fail()
		return 0
	}
	b := d.rest[0]
	d.rest = d.rest[1:]
	return b
}

// length of a list whose elements take at least size bytes each, so that a
// damaged one cannot ask for more than there is.
func (d *decoder) length(size int) int {
	n := d.number()
	if n < 0 || n > int64(len(d.rest)/size) {
		d.fail()
		return 0
	}
	return int(n)
}

// end checks that nothing is left.
func (d *decoder) end() error {
	if d.err == nil && len(d.rest) > 0 {
		d.fail()
	}
	return d.err
}

func decodeEvent(name string, body []byte) (*tpinfo.Tracepoint, error) {
	d := &decoder{rest: body}
	t := &tpinfo.Tracepoint{Name: name, System: d.text(), Class: d.text(), Header: d.text(), Source: tpinfo.Source(d.text())}
	if len(d.rest) > 0 && d.rest[0] == 1 { // -1: not known
		d.number()
	} else {
		t.Args = make([]tpinfo.Arg, d.length(5))
		var next sequence
		for i := range t.Args {
			a := &t.Args[i]
			a.Name, a.Type = d.text(), d.text()
			a.Offset = next.place(d.number(), tpinfo.ArgSlot)
			a.Size, a.Signed = tpinfo.Bytes(d.number()), d.flag()
		}
	}
	if d.flag() {
		t.Record = &tpinfo.Record{Size: tpinfo.Bytes(d.number())}
		t.Record.Fields = make([]tpinfo.Field, d.length(6))
		var next sequence
		for i := range t.Record.Fields {
			f := &t.Record.Fields[i]
			f.Name, f.Type, f.Location = d.text(), d.text(), tpinfo.Location(d.text())
			delta := d.number()
			f.Size = tpinfo.Bytes(d.number())
			f.Offset, f.Signed = next.place(delta, f.Size), d.flag()
		}
	}
	for range d.length(4) {
		p := tpinfo.Problem{Code: tpinfo.ProblemCode(d.text()), Subject: d.text(), Message: d.text()}
		for range d.length(1) {
			p.Supply = append(p.Supply, d.text())
		}
		t.Problems = append(t.Problems, p)
	}
	return t, d.end()
}

func decodeType(name string, body []byte) (*tpinfo.Type, error) {
	d := &decoder{rest: body}
	t := d.typ()
	t.Name = name
	return t, d.end()
}

// maxAnon bounds how deep unnamed structs nest in each other.
const maxAnon = 64

// membersAtOnce bounds what is set aside for members before they are read:
// each level of unnamed structs may claim as many as there are bytes left.
const membersAtOnce = 1024

func (d *decoder) typ() *tpinfo.Type {
	if d.depth++; d.depth > maxAnon {
		d.fail()
		return &tpinfo.Type{}
	}
	defer func() { d.depth-- }()
	t := &tpinfo.Type{Kind: tpinfo.Kind(d.text()), Encoding: tpinfo.Encoding(d.text()), Of: d.text()}
	t.Size = tpinfo.Bytes(d.number())
	t.Anon = d.anon()
	n := d.length(5)
	if n > 0 {
		t.Members = make([]tpinfo.Member, 0, min(n, membersAtOnce))
	}
	next := sequence{union: t.Kind == tpinfo.KindUnion}
	for range n {
		if d.err != nil {
			return t
		}
		var m tpinfo.Member
		m.Name, m.Type = d.text(), d.text()
		delta := d.number()
		m.Size = tpinfo.Bytes(d.number())
		m.Offset = next.place(delta, m.Size)
		follows := d.byte()
		if follows > marks(true, true) {
			d.fail()
		}
		if follows&marks(true, false) != 0 {
			m.BitOffset, m.BitSize = int(d.number()), int(d.number())
		}
		if follows&marks(false, true) != 0 {
			m.Anon = d.typ()
		}
		t.Members = append(t.Members, m)
	}
	if n := d.length(2); n > 0 {
		t.Enumerators = make([]tpinfo.Enumerator, n)
	}
	var last int64 = -1
	for i := range t.Enumerators {
		t.Enumerators[i].Name = d.text()
		last += d.number() + 1
		t.Enumerators[i].Value = last
	}
	return t
}

func (d *decoder) anon() *tpinfo.Type {
	if !d.flag() {
		return nil
	}
	return d.typ()
}
