package cache

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/klauspost/compress/flate"

	"github.com/tpinfo/tpinfo"
)

// A body is a layout in varints and texts, each text with its length before
// it, packed with deflate and a preset dictionary when that is shorter. The
// first byte says which. The name is not in it: the row has it.
const (
	plain  = 0
	packed = 1
)

// dictionary is text that many layouts have, for deflate to refer to; the most
// frequent stands last. It is part of the format: changing it is a new schema.
var dictionary = []byte("const unsigned char *struct super_block *struct bpf_prog *struct sk_buff *struct sock *" +
	"struct page *struct folio *struct file *struct inode *struct dentry *struct device *struct net_device *" +
	"struct request_queue *struct request *struct bio *struct work_struct struct mutex struct kref " +
	"struct rcu_head rcu spinlock_t lock raw_spinlock_t wait_queue_head_t atomic64_t atomic_t refcount_t " +
	"struct hlist_node struct list_head list struct task_struct *enum {__reserved padding " +
	"int (*)(struct void (*)(struct bool (*)(struct union {...} struct {...} dev_t dma_addr_t loff_t size_t " +
	"sector_t gfp_t ktime_t umode_t __be32 __be16 __le64 __le32 __le16 __u8 __u16 __u32 __u64 s8 s16 s32 s64 " +
	"short const char *unsigned short unsigned char[16] name state flags type size count refcount " +
	"void *private data struct trace_event_raw_ include/trace/events/ .h dwarf __data_loc_ char[] " +
	"struct trace_entry ent char char[] __data unsigned long unsigned int long int bool u8 u16 u32 u64 ino_t pid_t " +
	"\x00\x00\x04\x0bcommon_type\x0eunsigned short\x00\x00\x04\x00\x0ccommon_flags\x0dunsigned char\x00\x04\x02\x00" +
	"\x14common_preempt_count\x0dunsigned char\x00\x06\x02\x00\x0acommon_pid\x03int\x00\x08\x08\x01")

var errBody = errors.New("a stored layout is damaged")

// maxBody bounds what a stored layout can unpack to: the largest enum of a
// kernel has 200 KiB.
const maxBody = 16 << 20

// encoder writes a body.
type encoder struct{ buf []byte }

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
	for i := range t.Args {
		a := &t.Args[i]
		e.text(a.Name, a.Type)
		e.number(int64(a.Offset), int64(a.Size))
		e.flag(a.Signed)
	}
	e.flag(t.Record != nil)
	if r := t.Record; r != nil {
		e.number(int64(r.Size), int64(len(r.Fields)))
		for i := range r.Fields {
			f := &r.Fields[i]
			e.text(f.Name, f.Type, string(f.Location))
			e.number(int64(f.Offset), int64(f.Size))
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
	e.text(string(t.Kind), string(t.Encoding), t.Of)
	e.number(int64(t.Size))
	e.anon(t.Anon)
	e.number(int64(len(t.Members)))
	for i := range t.Members {
		m := &t.Members[i]
		e.text(m.Name, m.Type)
		e.number(int64(m.Offset), int64(m.Size), int64(m.BitOffset), int64(m.BitSize))
		e.anon(m.Anon)
	}
	e.number(int64(len(t.Enumerators)))
	for _, v := range t.Enumerators {
		e.text(v.Name)
		e.number(v.Value)
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
		for i := range t.Args {
			t.Args[i] = tpinfo.Arg{
				Name: d.text(), Type: d.text(),
				Offset: tpinfo.Bytes(d.number()), Size: tpinfo.Bytes(d.number()), Signed: d.flag(),
			}
		}
	}
	if d.flag() {
		t.Record = &tpinfo.Record{Size: tpinfo.Bytes(d.number())}
		t.Record.Fields = make([]tpinfo.Field, d.length(6))
		for i := range t.Record.Fields {
			t.Record.Fields[i] = tpinfo.Field{
				Name: d.text(), Type: d.text(), Location: tpinfo.Location(d.text()),
				Offset: tpinfo.Bytes(d.number()), Size: tpinfo.Bytes(d.number()), Signed: d.flag(),
			}
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

func (d *decoder) typ() *tpinfo.Type {
	if d.depth++; d.depth > maxAnon {
		d.fail()
		return &tpinfo.Type{}
	}
	defer func() { d.depth-- }()
	t := &tpinfo.Type{Kind: tpinfo.Kind(d.text()), Encoding: tpinfo.Encoding(d.text()), Of: d.text()}
	t.Size = tpinfo.Bytes(d.number())
	t.Anon = d.anon()
	if n := d.length(7); n > 0 {
		t.Members = make([]tpinfo.Member, n)
	}
	for i := range t.Members {
		t.Members[i] = tpinfo.Member{
			Name: d.text(), Type: d.text(),
			Offset: tpinfo.Bytes(d.number()), Size: tpinfo.Bytes(d.number()),
			BitOffset: int(d.number()), BitSize: int(d.number()), Anon: d.anon(),
		}
	}
	if n := d.length(2); n > 0 {
		t.Enumerators = make([]tpinfo.Enumerator, n)
	}
	for i := range t.Enumerators {
		t.Enumerators[i] = tpinfo.Enumerator{Name: d.text(), Value: d.number()}
	}
	return t
}

func (d *decoder) anon() *tpinfo.Type {
	if !d.flag() {
		return nil
	}
	return d.typ()
}

// packer compresses; it keeps its working memory.
type packer struct {
	w   *flate.Writer
	out bytes.Buffer
}

func newPacker() (*packer, error) {
	w, err := flate.NewWriterDict(io.Discard, flate.BestCompression, dictionary)
	if err != nil {
		return nil, err
	}
	return &packer{w: w}, nil
}

// pack returns body as it is stored.
func (p *packer) pack(body []byte) ([]byte, error) {
	p.out.Reset()
	p.out.WriteByte(packed)
	p.w.ResetDict(&p.out, dictionary)
	if _, err := p.w.Write(body); err != nil {
		return nil, err
	}
	if err := p.w.Close(); err != nil {
		return nil, err
	}
	if p.out.Len() > len(body) {
		return append([]byte{plain}, body...), nil
	}
	return bytes.Clone(p.out.Bytes()), nil
}

// unpackers hold readers with their working memory, 40 KiB each.
var unpackers = sync.Pool{New: func() any { return flate.NewReaderDict(bytes.NewReader(nil), dictionary) }}

func unpack(stored []byte) ([]byte, error) {
	if len(stored) == 0 {
		return nil, errBody
	}
	switch stored[0] {
	case plain:
		return stored[1:], nil
	case packed:
	default:
		return nil, fmt.Errorf("%w: unknown form %d", errBody, stored[0])
	}
	r, ok := unpackers.Get().(io.Reader)
	if !ok {
		return nil, errBody
	}
	defer unpackers.Put(r)
	if err := r.(flate.Resetter).Reset(bytes.NewReader(stored[1:]), dictionary); err != nil {
		return nil, err
	}
	buf := bytes.NewBuffer(make([]byte, 0, 4*len(stored)))
	n, err := io.Copy(buf, io.LimitReader(r, maxBody))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errBody, err)
	}
	if n == maxBody {
		return nil, fmt.Errorf("%w: it unpacks to over %d bytes", errBody, maxBody)
	}
	return buf.Bytes(), nil
}
