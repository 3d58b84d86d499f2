package machine

import (
	"cmp"
	"fmt"
	"slices"
)

// Who may read a region.
type memoryKind uint8

const (
	ownMemory    memoryKind = iota // the program itself: stack, context, map values, ring records
	kernelMemory                   // helpers that read the kernel's memory
	userMemory                     // helpers that read user space's
)

// region is a run of memory.
type region struct {
	addr     uint64
	data     []byte
	kind     memoryKind
	writable bool
	name     string
	// written says which bytes were stored, of the stack; nil where all may be
	// read.
	written []bool
}

// memory is all regions, by address.
type memory struct{ regions []*region }

func (m *memory) index(addr uint64) (int, bool) {
	return slices.BinarySearchFunc(m.regions, addr, func(r *region, addr uint64) int { return cmp.Compare(r.addr, addr) })
}

func (m *memory) add(r *region) error {
	i, same := m.index(r.addr)
	end := r.addr + uint64(len(r.data))
	if same || end < r.addr || i < len(m.regions) && m.regions[i].addr < end || i > 0 && m.regions[i-1].addr+uint64(len(m.regions[i-1].data)) > r.addr {
		return fmt.Errorf("%s overlaps other memory", r.name)
	}
	m.regions = slices.Insert(m.regions, i, r)
	return nil
}

func (m *memory) remove(r *region) {
	if i, found := m.index(r.addr); found {
		m.regions = slices.Delete(m.regions, i, i+1)
	}
}

// find is the region that holds size bytes from addr on, and where in it.
func (m *memory) find(addr, size uint64) (*region, int, error) {
	i, same := m.index(addr)
	if !same {
		i--
	}
	if i < 0 {
		return nil, 0, fmt.Errorf("no memory at %#x", addr)
	}
	r := m.regions[i]
	at := addr - r.addr
	if at > uint64(len(r.data)) {
		return nil, 0, fmt.Errorf("no memory at %#x", addr)
	}
	if size > uint64(len(r.data))-at {
		return nil, 0, fmt.Errorf("%d bytes at %d of %s, which has %d", size, at, r.name, len(r.data))
	}
	return r, int(at), nil
}

// own is memory that the program itself may read.
func (m *memory) own(addr, size uint64) ([]byte, error) {
	r, at, err := m.find(addr, size)
	if err != nil {
		return nil, err
	}
	if r.kind != ownMemory {
		return nil, fmt.Errorf("%s can only be read by a helper", r.name)
	}
	if r.written != nil {
		if i := slices.Index(r.written[at:at+int(size)], false); i >= 0 {
			return nil, fmt.Errorf("byte %d of %s is read and was never written", at+i-len(r.data), r.name)
		}
	}
	return r.data[at : at+int(size)], nil
}

// space is memory that the program may write; it counts as written.
func (m *memory) space(addr, size uint64) ([]byte, error) {
	r, at, err := m.find(addr, size)
	if err != nil {
		return nil, err
	}
	if r.kind != ownMemory || !r.writable {
		return nil, fmt.Errorf("%s cannot be written", r.name)
	}
	if r.written != nil {
		for i := range int(size) {
			r.written[at+i] = true
		}
	}
	return r.data[at : at+int(size)], nil
}

// foreign is what a helper reads of user space's memory or of the kernel's, to
// which a program's own belongs: up to size bytes, as many as there are.
func (m *memory) foreign(addr, size uint64, user bool) []byte {
	r, at, err := m.find(addr, 0)
	if err != nil || (r.kind == userMemory) != user {
		return nil
	}
	return r.data[at:min(uint64(len(r.data)), uint64(at)+min(size, uint64(len(r.data))))]
}
