package fleet

import (
	"bytes"
	"errors"
	"fmt"
	"sync"

	"github.com/fxamacker/cbor/v2"
	"github.com/klauspost/compress/s2"

	"github.com/tpinfo/tpinfo"
)

// CodecVersion opens every encoded result. It changes when a reader of the old
// form would misread the new one.
const CodecVersion = "tpinfo result 3\n"

// Limits of an encoded result. The largest kernel known, a full source tree,
// takes 2 MB packed and 12 MB unpacked.
const (
	MaxPacked   = 32 << 20 // bytes
	maxUnpacked = 128 << 20
)

// ErrCodec is wrapped by every error of Decode: the bytes are no result.
var ErrCodec = errors.New("not a result that this version reads")

// form writes and reads CBOR (RFC 8949), which takes a third of the time of
// JSON: a coordinator reads what all workers write.
var form = sync.OnceValues(func() (cbor.EncMode, cbor.DecMode) {
	write, err := cbor.EncOptions{Sort: cbor.SortBytewiseLexical, Time: cbor.TimeRFC3339NanoUTC}.EncMode()
	if err != nil {
		panic(err) // the options are constant
	}
	read, err := cbor.DecOptions{
		DupMapKey: cbor.DupMapKeyEnforcedAPF, MaxArrayElements: 1 << 20, MaxMapPairs: 1 << 16,
		IndefLength: cbor.IndefLengthForbidden, FieldNameMatching: cbor.FieldNameMatchingCaseSensitive,
	}.DecMode()
	if err != nil {
		panic(err)
	}
	return write, read
})

// Encode packs a result for the way between machines: CBOR, packed with S2,
// which takes half of zstd's time for a third more bytes. Equal results have
// equal bytes.
func Encode(r Result) ([]byte, error) {
	write, _ := form()
	text, err := write.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("result of %s: %w", r.Task.Set.Release, err)
	}
	if len(text) > maxUnpacked {
		return nil, fmt.Errorf("result of %s: %d bytes, and a result may have %d", r.Task.Set.Release, len(text), maxUnpacked)
	}
	room := make([]byte, len(CodecVersion)+s2.MaxEncodedLen(len(text)))
	n := copy(room, CodecVersion)
	packed := room[:n+len(s2.Encode(room[n:], text))]
	if len(packed) > MaxPacked {
		return nil, fmt.Errorf("result of %s: %d bytes packed, and a result may have %d", r.Task.Set.Release, len(packed), MaxPacked)
	}
	return packed, nil
}

// Decode reads what Encode wrote. It takes bytes from anywhere: what is no
// whole result is an error that wraps ErrCodec.
func Decode(packed []byte) (Result, error) {
	r, err := decode(packed)
	if err != nil {
		return Result{}, fmt.Errorf("%w: %w", ErrCodec, err)
	}
	return r, nil
}

func decode(packed []byte) (Result, error) {
	if len(packed) > MaxPacked {
		return Result{}, fmt.Errorf("%d bytes, and a result may have %d", len(packed), MaxPacked)
	}
	body, ok := bytes.CutPrefix(packed, []byte(CodecVersion))
	if !ok {
		return Result{}, fmt.Errorf("it does not begin with %q", CodecVersion)
	}
	n, err := s2.DecodedLen(body)
	switch {
	case err != nil:
		return Result{}, err
	case n > maxUnpacked:
		return Result{}, fmt.Errorf("more than %d bytes unpacked", maxUnpacked)
	}
	text, err := s2.Decode(nil, body)
	if err != nil {
		return Result{}, err
	}
	var r Result
	_, read := form()
	if err := read.Unmarshal(text, &r); err != nil {
		return Result{}, err
	}
	return r, r.whole()
}

// whole checks what a store relies on.
func (r *Result) whole() error {
	set := 0
	for _, is := range []bool{r.Snapshot != nil, r.Same != "", r.Failure != nil} {
		if is {
			set++
		}
	}
	switch {
	case r.Task.Key == "":
		return errors.New("it does not say of which task")
	case set != 1:
		return fmt.Errorf("%d of kernel, known kernel and failure; it takes one", set)
	case r.Snapshot != nil && r.Snapshot.Kernel.ID == "":
		return errors.New("the kernel has no id")
	case r.Snapshot != nil && r.Origin.Key != r.Task.Key:
		return fmt.Errorf("built from %q, asked for %q", r.Origin.Key, r.Task.Key)
	case r.Failure != nil && r.Failure.Reason == "":
		return errors.New("a failure without a reason")
	case r.Snapshot != nil && !measured(r.Snapshot):
		return errors.New("a size or an offset is negative")
	}
	return nil
}

// measured reports whether all sizes and offsets are numbers of bytes, or not
// known.
func measured(s *tpinfo.Snapshot) bool {
	fits := true
	check := func(all ...tpinfo.Bytes) {
		for _, b := range all {
			fits = fits && (b >= 0 || b == tpinfo.Unknown)
		}
	}
	for i := range s.Events {
		for _, a := range s.Events[i].Args {
			check(a.Offset, a.Size)
		}
		if r := s.Events[i].Record; r != nil {
			check(r.Size)
			for _, f := range r.Fields {
				check(f.Offset, f.Size)
			}
		}
	}
	var typ func(*tpinfo.Type)
	typ = func(t *tpinfo.Type) {
		check(t.Size)
		for _, m := range t.Members {
			check(m.Offset, m.Size)
			if m.Anon != nil {
				typ(m.Anon)
			}
		}
		if t.Anon != nil {
			typ(t.Anon)
		}
	}
	for i := range s.Types {
		typ(&s.Types[i])
	}
	return fits
}
