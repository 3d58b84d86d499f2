package tpinfo

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
)

// ContentID is the digest of one definition's content: the first 16 bytes of
// a SHA-256. Equal content has an equal id on every machine, whatever compiler
// or source it came from.
type ContentID [16]byte

// String is the id in hexadecimal.
func (id ContentID) String() string { return hex.EncodeToString(id[:]) }

// ContentID digests the definition: its name, size, members and constants.
// Types that it refers to take part by their spelling only.
func (t *Type) ContentID() ContentID {
	var w contentWriter
	w.typ(t)
	return w.sum()
}

// ContentID digests what the event hands out: names, class, header, arguments,
// record, and what problems there are. Where it was learned (Source) takes no
// part, nor do the words of problems, which may be a compiler's.
func (t *Tracepoint) ContentID() ContentID {
	var w contentWriter
	w.text(t.System, t.Name, t.Class, t.Header)
	w.list(len(t.Args), t.Args == nil)
	for i := range t.Args {
		a := &t.Args[i]
		w.text(a.Name, a.Type)
		w.number(int64(a.Offset), int64(a.Size))
		w.flag(a.Signed)
	}
	w.flag(t.Record != nil)
	if t.Record != nil {
		w.number(int64(t.Record.Size))
		w.list(len(t.Record.Fields), false)
		for i := range t.Record.Fields {
			f := &t.Record.Fields[i]
			w.text(f.Name, f.Type, string(f.Location))
			w.number(int64(f.Offset), int64(f.Size))
			w.flag(f.Signed)
		}
	}
	w.list(len(t.Problems), false)
	for _, p := range t.Problems {
		w.text(string(p.Code), p.Subject)
		w.list(len(p.Supply), false)
		w.text(p.Supply...)
	}
	return w.sum()
}

// contentWriter lays values out so that different values never give the same
// bytes: texts carry their length, lists their count.
type contentWriter struct{ buf []byte }

func (w *contentWriter) sum() ContentID {
	full := sha256.Sum256(w.buf)
	return ContentID(full[:len(ContentID{})])
}

func (w *contentWriter) text(texts ...string) {
	for _, s := range texts {
		w.buf = binary.AppendUvarint(w.buf, uint64(len(s)))
		w.buf = append(w.buf, s...)
	}
}

func (w *contentWriter) number(numbers ...int64) {
	for _, n := range numbers {
		w.buf = binary.AppendVarint(w.buf, n)
	}
}

func (w *contentWriter) flag(b bool) {
	if b {
		w.number(1)
		return
	}
	w.number(0)
}

// list opens a list of n; a list that is not known differs from an empty one.
func (w *contentWriter) list(n int, unknown bool) {
	if unknown {
		n = -1
	}
	w.number(int64(n))
}

func (w *contentWriter) typ(t *Type) {
	w.flag(t != nil)
	if t == nil {
		return
	}
	w.text(string(t.Kind), t.Name, string(t.Encoding), t.Of)
	w.number(int64(t.Size))
	w.typ(t.Anon)
	w.list(len(t.Members), false)
	for i := range t.Members {
		m := &t.Members[i]
		w.text(m.Name, m.Type)
		w.number(int64(m.Offset), int64(m.Size), int64(m.BitOffset), int64(m.BitSize))
		w.typ(m.Anon)
	}
	w.list(len(t.Enumerators), false)
	for _, e := range t.Enumerators {
		w.text(e.Name)
		w.number(e.Value)
	}
}
