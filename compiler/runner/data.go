package runner

import (
	"bytes"
	"fmt"
	"sync/atomic"
	"unsafe"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/tpinfo/tpinfo/compiler/ir"
)

// data is the data map, mapped into this process: the control words and the
// scalar globals, which programs change at the same time. Words are in this
// machine's byte order, which is the target's.
type data struct{ mem []byte }

func openData(m *ebpf.Map) (*data, error) {
	mem, err := unix.Mmap(m.FD(), 0, int(m.ValueSize()), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("map the object's data: %w", err)
	}
	return &data{mem}, nil
}

func (d *data) close() error { return unix.Munmap(d.mem) }

// word is 64 bits at an offset, a multiple of 8.
func (d *data) word(offset int) *int64 { return (*int64)(unsafe.Pointer(&d.mem[offset])) }

func (d *data) load(offset int) int64 { return atomic.LoadInt64(d.word(offset)) }

func (d *data) store(offset int, n int64) { atomic.StoreInt64(d.word(offset), n) }

func (d *data) add(offset int, n int64) int64 { return atomic.AddInt64(d.word(offset), n) }

// end raises the state to Exiting or Failed; it never goes back.
func (d *data) end(state int64) {
	for old := d.load(ir.ControlState); old < state; old = d.load(ir.ControlState) {
		if atomic.CompareAndSwapInt64(d.word(ir.ControlState), old, state) {
			return
		}
	}
}

// text is the string in the size bytes at offset.
func (d *data) text(offset, size int) string { return cString(d.mem[offset : offset+size]) }

func (d *data) setText(offset, size int, s string) { putText(d.mem[offset:offset+size], s) }

// cString is the text in front of the first NUL.
func cString(b []byte) string {
	if end := bytes.IndexByte(b, 0); end >= 0 {
		b = b[:end]
	}
	return string(b)
}

// putText fills b with the text, cut to leave room for a NUL, and zeros.
func putText(b []byte, s string) {
	if len(b) == 0 {
		return
	}
	clear(b[copy(b[:len(b)-1], s):])
}
