package machine

import (
	"bytes"
	"fmt"
	"syscall"
)

// ring is a ring buffer: what was sent and is not read yet.
type ring struct {
	records [][]byte
	used    int
}

// record is one that a program has reserved.
type record struct {
	mp   *Map
	data *region
}

// Each record has a header of 8 bytes, and takes a multiple of 8 (kernel's
// kernel/bpf/ringbuf.c).
func ringRoom(size uint64) uint64 { return (size+7)&^7 + 8 }

// stale fills a reserved record: a kernel's is not cleared either, so what a
// program leaves unwritten shows.
const stale = 0xa5

// Records takes out what was sent, oldest first.
func (mp *Map) Records() [][]byte {
	records := mp.ring.records
	mp.ring = ring{}
	return records
}

// reserve makes a record; 0 when there is no place.
func (r *run) reserve(mp *Map, size uint64) uint64 {
	room := ringRoom(size)
	if size >= 1<<30 || room > uint64(mp.MaxEntries-mp.ring.used) {
		return 0
	}
	mp.ring.used += int(room)
	data := r.m.allocate("a record of "+mp.Name, bytes.Repeat([]byte{stale}, int(size)), true)
	r.reserved[data.addr] = &record{mp: mp, data: data}
	return data.addr
}

// finish submits a record or discards it.
func (r *run) finish(addr uint64, submit bool) error {
	rec := r.reserved[addr]
	if rec == nil {
		return fmt.Errorf("%#x is no reserved record", addr)
	}
	delete(r.reserved, addr)
	r.m.memory.remove(rec.data)
	if submit {
		rec.mp.ring.records = append(rec.mp.ring.records, rec.data.data)
	}
	return nil
}

// output sends a copy of data.
func (r *run) output(mp *Map, data []byte) int64 {
	room := ringRoom(uint64(len(data)))
	if room > uint64(mp.MaxEntries-mp.ring.used) {
		return -int64(syscall.EAGAIN)
	}
	mp.ring.used += int(room)
	mp.ring.records = append(mp.ring.records, bytes.Clone(data))
	return 0
}
