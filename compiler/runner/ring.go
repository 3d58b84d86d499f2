package runner

import (
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"unsafe"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
)

// ring reads a BPF ring buffer (Linux 5.8) in place.
//
// Memory of the map (Documentation/bpf/ringbuf.rst, kernel/bpf/ringbuf.c): a
// page with the consumer's position, a page with the producer's, and the data,
// twice in a row so that no record is cut. Positions only grow. A record is a
// header of 8 bytes, whose first 32 bits are the length and two flags, and its
// bytes, padded to a multiple of 8.
//
// The kernel is not asked to wake anybody: programs commit with
// BPF_RB_NO_WAKEUP, which costs them less, and the session looks by itself.
type ring struct {
	consumerPage, rest []byte
	consumer, producer *uint64
	data               []byte // the size of the map, twice
}

// Flags in a record's length (include/uapi/linux/bpf.h).
const (
	ringBusy    = 1 << 31 // not committed yet
	ringDiscard = 1 << 30
	ringHeader  = 8
)

func openRing(m *ebpf.Map) (*ring, error) {
	if m.Type() != ebpf.RingBuf {
		return nil, fmt.Errorf("the object's output map is a %s, not a ring buffer", m.Type())
	}
	page, size := os.Getpagesize(), int(m.MaxEntries())
	consumer, err := unix.Mmap(m.FD(), 0, page, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("map the ring buffer: %w", err)
	}
	rest, err := unix.Mmap(m.FD(), int64(page), page+2*size, unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("map the ring buffer: %w", err), unix.Munmap(consumer))
	}
	return &ring{
		consumerPage: consumer, rest: rest,
		consumer: (*uint64)(unsafe.Pointer(&consumer[0])),
		producer: (*uint64)(unsafe.Pointer(&rest[0])),
		data:     rest[page:],
	}, nil
}

func (r *ring) close() error {
	return errors.Join(unix.Munmap(r.consumerPage), unix.Munmap(r.rest))
}

// drain hands every record that was in the ring when it was called to take, up
// to the first that is not committed yet, and reports whether it took any. The
// bytes are the kernel's: take must not keep them. An error of take ends it,
// after that record.
func (r *ring) drain(take func(record []byte) error) (took bool, err error) {
	at, end := atomic.LoadUint64(r.consumer), atomic.LoadUint64(r.producer)
	mask := uint64(len(r.data)/2 - 1)
	for at < end {
		start := at & mask
		header := atomic.LoadUint32((*uint32)(unsafe.Pointer(&r.data[start])))
		if header&ringBusy != 0 {
			break
		}
		length := uint64(header &^ ringDiscard)
		next := at + ringHeader + (length+7)&^7
		if next > end {
			return took, fmt.Errorf("the ring buffer has a record of %d bytes where %d are left", length, end-at)
		}
		if header&ringDiscard == 0 {
			took = true
			err = take(r.data[start+ringHeader : start+ringHeader+length])
		}
		at = next
		atomic.StoreUint64(r.consumer, at)
		if err != nil {
			break
		}
	}
	return took, err
}

// fill is how much of the ring is taken, from 0 to 1.
func (r *ring) fill() float64 {
	used := atomic.LoadUint64(r.producer) - atomic.LoadUint64(r.consumer)
	return float64(used) / float64(len(r.data)/2)
}
