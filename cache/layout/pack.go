package layout

import (
	"bytes"
	_ "embed"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/klauspost/compress/flate"

	"github.com/tpinfo/tpinfo"
)

// A stored body is packed with deflate and a preset dictionary when that is
// shorter. Its first byte says which.
const (
	plain  = 0
	packed = 1
	// onOther: the dictionary ends with another text, an earlier layout of the
	// same name mostly.
	onOther = 2
	// onLong: the same, for what is longer than deflate looks back (long.go).
	onLong = 3
)

// words are what bodies of Debian's kernels from 5.10 to 7.3 say most, by
// count times length, the most frequent last: "name", or a member's or field's
// name, type, location, size and marks, apart by tabs.
//
//go:embed dictionary.txt
var words string

// phrases are texts that many bodies have parts of.
const phrases = "const unsigned char *struct super_block *struct bpf_prog *struct sk_buff *struct sock *" +
	"struct page *struct folio *struct file *struct inode *struct dentry *struct device *struct net_device *" +
	"struct request_queue *struct request *struct bio *struct work_struct struct mutex struct kref " +
	"int (*)(struct void (*)(struct bool (*)(struct union {...} struct {...} " +
	"no public header defines unknown-type, which argument of type array whose length --btf FILE"

// dictionary is what deflate may refer to. It is part of the format: changing
// it is a new schema.
var dictionary = sync.OnceValue(func() []byte {
	var e Encoder
	for line := range strings.Lines(words) {
		columns := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		// The last two are numbers, and between them and the texts stands the
		// distance from the member before, mostly nothing.
		texts := max(len(columns)-2, 1)
		for i, text := range columns[:texts] {
			if i > 0 || text != "" {
				e.Text(text)
			}
		}
		if numbers := columns[texts:]; len(numbers) == 2 {
			size, _ := strconv.ParseInt(numbers[0], 10, 64)
			mark, _ := strconv.ParseInt(numbers[1], 10, 64)
			e.Number(0, size)
			e.buf = append(e.buf, byte(mark))
		}
	}
	e.buf = append(e.buf, phrases...)
	e.buf = append(e.buf, encodeEvent(&tpinfo.Tracepoint{
		Header: "include/trace/events/", Source: tpinfo.FromDWARF, Args: []tpinfo.Arg{},
		Record: &tpinfo.Record{Fields: []tpinfo.Field{
			{Name: "common_type", Type: "unsigned short", Offset: 0, Size: 2},
			{Name: "common_flags", Type: "unsigned char", Offset: 2, Size: 1},
			{Name: "common_preempt_count", Type: "unsigned char", Offset: 3, Size: 1},
			{Name: "common_pid", Type: "int", Offset: 4, Size: 4, Signed: true},
		}},
	})...)
	return append(e.buf, encodeType(&tpinfo.Type{Kind: tpinfo.KindStruct, Size: 8})...)
})

// packer compresses; it keeps its working memory.
type packer struct {
	w   *flate.Writer
	out bytes.Buffer
}

// packLevel is where more effort stops making small bodies smaller.
const packLevel = 7

// packers hold writers with their working memory, 1 MB each.
var packers = sync.Pool{New: func() any {
	// The level is one there is.
	w, _ := flate.NewWriterDict(io.Discard, packLevel, dictionary())
	return &packer{w: w}
}}

// Pack returns a body, or another text, as it is stored; an error when it is
// over MaxBody.
func Pack(body []byte) ([]byte, error) {
	if len(body) > MaxBody {
		return nil, fmt.Errorf("it takes %d bytes, more than the %d that the cache can give back", len(body), MaxBody)
	}
	small, err := deflate(packed, body, dictionary())
	if len(small) > len(body) {
		small = append([]byte{plain}, body...)
	}
	return small, err
}

// lookBack is how far deflate does, in bytes.
const lookBack = 32 << 10

// PackOn is Pack for a text that is much like another one, which Packed then
// needs.
func PackOn(body, other []byte) ([]byte, error) {
	switch {
	case len(body) > MaxBody:
		return Pack(body) // it says what is wrong
	case len(other) > 0 && len(body)+len(other) > lookBack:
		return packLong(body, other)
	}
	return deflate(onOther, body, withOther(other))
}

// withOther is the dictionary of a body that is packed on another.
func withOther(other []byte) []byte {
	return append(slices.Clip(dictionary()), other...)
}

func deflate(form byte, body, dict []byte) ([]byte, error) {
	p, ok := packers.Get().(*packer)
	if !ok {
		return nil, ErrDamaged
	}
	defer packers.Put(p)
	p.out.Reset()
	p.out.WriteByte(form)
	p.w.ResetDict(&p.out, dict)
	if _, err := p.w.Write(body); err != nil {
		return nil, err
	}
	if err := p.w.Close(); err != nil {
		return nil, err
	}
	return bytes.Clone(p.out.Bytes()), nil
}

// unpackers hold readers with their working memory, 40 KiB each.
var unpackers = sync.Pool{New: func() any { return flate.NewReaderDict(bytes.NewReader(nil), dictionary()) }}

// Unpack undoes Pack. Its errors wrap ErrDamaged.
func Unpack(stored []byte) ([]byte, error) {
	if len(stored) == 0 {
		return nil, ErrDamaged
	}
	switch stored[0] {
	case plain:
		if len(stored) > 1+MaxBody {
			return nil, errTooLarge
		}
		return stored[1:], nil
	case packed:
	default:
		return nil, fmt.Errorf("%w: unknown form %d", ErrDamaged, stored[0])
	}
	return inflate(stored, dictionary())
}

// Packed is a body, or another text, as a cache stores it.
type Packed struct {
	Body []byte
	// Whole is the stored body that this one is packed on; nil for none.
	Whole []byte
}

// Unpack gives the body. Its errors wrap ErrDamaged.
func (p Packed) Unpack() ([]byte, error) {
	if len(p.Body) == 0 || p.Body[0] != onOther && p.Body[0] != onLong {
		return Unpack(p.Body)
	}
	if p.Whole == nil {
		return nil, fmt.Errorf("%w: the one that it is packed on is not there", ErrDamaged)
	}
	// That one stands alone: nothing is packed on what is packed on others.
	other, err := Unpack(p.Whole)
	if err != nil {
		return nil, err
	}
	if p.Body[0] == onLong {
		return unpackLong(p.Body, other)
	}
	return inflate(p.Body, withOther(other))
}

func inflate(stored, dict []byte) ([]byte, error) {
	r, ok := unpackers.Get().(io.Reader)
	if !ok {
		return nil, ErrDamaged
	}
	defer unpackers.Put(r)
	if err := r.(flate.Resetter).Reset(bytes.NewReader(stored[1:]), dict); err != nil {
		return nil, err
	}
	buf := bytes.NewBuffer(make([]byte, 0, 4*len(stored)))
	n, err := io.Copy(buf, io.LimitReader(r, MaxBody+1))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	if n > MaxBody {
		return nil, errTooLarge
	}
	return buf.Bytes(), nil
}
