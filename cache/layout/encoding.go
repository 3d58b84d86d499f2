package layout

import "encoding/binary"

// Encoder writes numbers as varints, and texts each with its length before it.
type Encoder struct{ buf []byte }

// Bytes are what was written.
func (e *Encoder) Bytes() []byte { return e.buf }

// Text writes texts.
func (e *Encoder) Text(texts ...string) {
	for _, s := range texts {
		e.buf = binary.AppendUvarint(e.buf, uint64(len(s)))
		e.buf = append(e.buf, s...)
	}
}

// Number writes numbers.
func (e *Encoder) Number(numbers ...int64) {
	for _, n := range numbers {
		e.buf = binary.AppendVarint(e.buf, n)
	}
}

// Raw writes bytes as they are: no decoder can tell where they end.
func (e *Encoder) Raw(b ...byte) { e.buf = append(e.buf, b...) }

func (e *Encoder) flag(b bool) {
	if b {
		e.buf = append(e.buf, 1)
		return
	}
	e.buf = append(e.buf, 0)
}

// Decoder reads what an Encoder wrote. The first thing that is wrong stays, for
// Err and End to tell; what is read after it is 0 and empty.
type Decoder struct {
	rest []byte
	err  error
}

// NewDecoder reads body.
func NewDecoder(body []byte) *Decoder { return &Decoder{rest: body} }

// Err is what was wrong so far; it wraps ErrDamaged.
func (d *Decoder) Err() error { return d.err }

// Rest is what was not read yet, a part of the body.
func (d *Decoder) Rest() []byte { return d.rest }

func (d *Decoder) fail() {
	if d.err == nil {
		d.err = ErrDamaged
	}
	d.rest = nil
}

// Text reads a text.
func (d *Decoder) Text() string {
	n, size := binary.Uvarint(d.rest)
	if size <= 0 || n > uint64(len(d.rest)-size) {
		d.fail()
		return ""
	}
	s := string(d.rest[size : size+int(n)])
	d.rest = d.rest[size+int(n):]
	return s
}

// Number reads a number.
func (d *Decoder) Number() int64 {
	n, size := binary.Varint(d.rest)
	if size <= 0 {
		d.fail()
		return 0
	}
	d.rest = d.rest[size:]
	return n
}

func (d *Decoder) flag() bool {
	if len(d.rest) == 0 || d.rest[0] > 1 {
		d.fail()
		return false
	}
	b := d.rest[0] == 1
	d.rest = d.rest[1:]
	return b
}

func (d *Decoder) byte() byte {
	if len(d.rest) == 0 {
		d.fail()
		return 0
	}
	b := d.rest[0]
	d.rest = d.rest[1:]
	return b
}

// Length reads the length of a list whose elements take at least size bytes
// each, so that a damaged one cannot ask for more than there is.
func (d *Decoder) Length(size int) int {
	n := d.Number()
	if n < 0 || n > int64(len(d.rest)/size) {
		d.fail()
		return 0
	}
	return int(n)
}

// End checks that nothing is left.
func (d *Decoder) End() error {
	if d.err == nil && len(d.rest) > 0 {
		d.fail()
	}
	return d.err
}
