package machine

import (
	"bytes"
	"fmt"
	"slices"
	"syscall"

	"github.com/cilium/ebpf"

	"github.com/tpinfo/tpinfo/compiler/object"
)

// readOnly says that programs cannot write a map's values (BPF_F_RDONLY_PROG).
const readOnly = 1 << 7

// Map is a map: an array or a hash, per CPU or not, or a ring buffer.
type Map struct {
	object.Map
	m      *Machine
	handle uint64
	// entries in the order in which they were made; of an array all, in
	// order.
	entries []*entry
	ring    ring
}

// entry is an element: its key and a region of its value for each CPU, or one.
type entry struct {
	key    []byte
	values []*region
}

// kinds are the maps there are, and how they behave.
var kinds = map[ebpf.MapType]struct{ array, perCPU, evicts, opaque bool }{
	ebpf.Hash:           {},
	ebpf.PerCPUHash:     {perCPU: true},
	ebpf.LRUHash:        {evicts: true},
	ebpf.LRUCPUHash:     {evicts: true, perCPU: true},
	ebpf.Array:          {array: true},
	ebpf.PerCPUArray:    {array: true, perCPU: true},
	ebpf.RingBuf:        {opaque: true},
	ebpf.StackTrace:     {opaque: true},
	ebpf.PerfEventArray: {opaque: true},
}

// AddMap makes a map.
func (m *Machine) AddMap(spec object.Map) (*Map, error) {
	kind, known := kinds[spec.Type]
	switch {
	case !known:
		return nil, fmt.Errorf("map %s: no maps of type %v here", spec.Name, spec.Type)
	case m.maps[spec.Name] != nil:
		return nil, fmt.Errorf("map %s is there already", spec.Name)
	case kind.array && spec.KeySize != 4:
		return nil, fmt.Errorf("map %s: an array's key has 4 bytes, not %d", spec.Name, spec.KeySize)
	case !kind.opaque && (spec.KeySize <= 0 || spec.ValueSize <= 0 || spec.MaxEntries <= 0):
		return nil, fmt.Errorf("map %s: sizes of key, value and map are needed", spec.Name)
	}
	mp := &Map{Map: spec, m: m, handle: firstHandle + uint64(len(m.maps))*0x1000}
	if kind.array {
		for i := range spec.MaxEntries {
			key := make([]byte, 4)
			m.order.PutUint32(key, uint32(i))
			mp.insert(key)
		}
	}
	m.maps[spec.Name], m.handles[mp.handle] = mp, mp
	return mp, nil
}

// insert adds an element whose value is zero.
func (mp *Map) insert(key []byte) *entry {
	copies := 1
	if kinds[mp.Type].perCPU {
		copies = mp.m.cpus
	}
	e := &entry{key: bytes.Clone(key)}
	for range copies {
		e.values = append(e.values, mp.m.allocate("a value of map "+mp.Name, make([]byte, mp.ValueSize), mp.Flags&readOnly == 0))
	}
	mp.entries = append(mp.entries, e)
	return e
}

func (mp *Map) find(key []byte) *entry {
	i := slices.IndexFunc(mp.entries, func(e *entry) bool { return bytes.Equal(e.key, key) })
	if i < 0 {
		return nil
	}
	return mp.entries[i]
}

// value is the region that a CPU sees.
func (mp *Map) value(e *entry, cpu int) *region { return e.values[min(cpu, len(e.values)-1)] }

// direct is the address of a byte of the first element's value.
func (mp *Map) direct(offset uint64) (uint64, error) {
	if mp.Type != ebpf.Array {
		return 0, fmt.Errorf("map %s of type %v has no direct values", mp.Name, mp.Type)
	}
	if offset >= uint64(mp.ValueSize) {
		return 0, fmt.Errorf("byte %d of a value of map %s, which has %d", offset, mp.Name, mp.ValueSize)
	}
	return mp.entries[0].values[0].addr + offset, nil
}

// The flags of an update (include/uapi/linux/bpf.h).
const (
	updateNew      = 1 // BPF_NOEXIST
	updateExisting = 2 // BPF_EXIST
)

// update does what the helper does: it returns 0 or a negative error number.
func (mp *Map) update(key, value []byte, flags uint64) int64 {
	kind := kinds[mp.Type]
	e := mp.find(key)
	switch {
	case flags > updateExisting:
		return -int64(syscall.EINVAL)
	case kind.array && e == nil:
		return -int64(syscall.E2BIG)
	case e != nil && flags == updateNew:
		return -int64(syscall.EEXIST)
	case e == nil && flags == updateExisting:
		return -int64(syscall.ENOENT)
	case e == nil && len(mp.entries) >= mp.MaxEntries:
		if !kind.evicts {
			return -int64(syscall.E2BIG)
		}
		mp.entries = mp.entries[1:]
	}
	if e == nil {
		e = mp.insert(key)
	}
	copy(mp.value(e, mp.m.CPU).data, value)
	return 0
}

func (mp *Map) remove(key []byte) int64 {
	if kinds[mp.Type].array {
		return -int64(syscall.EINVAL)
	}
	before := len(mp.entries)
	mp.entries = slices.DeleteFunc(mp.entries, func(e *entry) bool { return bytes.Equal(e.key, key) })
	if len(mp.entries) == before {
		return -int64(syscall.ENOENT)
	}
	return 0
}

// Update stores an element as a program on the machine's CPU would.
func (mp *Map) Update(key, value []byte) error {
	if len(key) != mp.KeySize || len(value) != mp.ValueSize {
		return fmt.Errorf("map %s: key and value have %d and %d bytes, not %d and %d", mp.Name, mp.KeySize, mp.ValueSize, len(key), len(value))
	}
	if code := mp.update(key, value, 0); code != 0 {
		return fmt.Errorf("map %s: %w", mp.Name, syscall.Errno(-code))
	}
	return nil
}

// Lookup is the value itself that a CPU sees, nil where there is none.
func (mp *Map) Lookup(key []byte, cpu int) []byte {
	e := mp.find(key)
	if e == nil {
		return nil
	}
	return mp.value(e, cpu).data
}

// Keys are the keys of all elements, in order.
func (mp *Map) Keys() [][]byte {
	keys := make([][]byte, len(mp.entries))
	for i, e := range mp.entries {
		keys[i] = e.key
	}
	slices.SortFunc(keys, bytes.Compare)
	return keys
}
