package machine

import (
	"encoding/binary"
	"fmt"

	"github.com/cilium/ebpf"

	"github.com/tpinfo/tpinfo/compiler/ir"
	"github.com/tpinfo/tpinfo/compiler/object"
)

// Machine is what programs see of a kernel. The exported fields may be set
// between runs.
type Machine struct {
	CPU     int    // that programs run on, from 0
	PidTgid uint64 // what the helper gives: the process (tgid) in the upper half
	UidGid  uint64 // the group in the upper half
	Comm    string
	Task    uint64 // address of the task_struct that runs
	Now     uint64 // nanoseconds of CLOCK_MONOTONIC; Boot of CLOCK_BOOTTIME
	Boot    uint64
	Jiffies uint64
	// StackID is what get_stackid returns, negative for an error.
	StackID int64
	Random  func() uint32 // nil: always 4
	// Limit is how many instructions a run may take.
	Limit int

	order   binary.ByteOrder
	cpus    int
	memory  memory
	maps    map[string]*Map
	handles map[uint64]*Map
	next    uint64 // the address of the next region
}

// Where things lie. Programs must not depend on it.
const (
	firstRegion = 0xffff_c900_0000_0000
	lastRegion  = 0xffff_ca00_0000_0000
	firstHandle = 0xffff_8881_0000_0000
	stackSize   = 512
)

// New is a machine without maps.
func New(order binary.ByteOrder, cpus int) *Machine {
	return &Machine{order: order, cpus: max(cpus, 1), Limit: 1 << 20, maps: map[string]*Map{}, handles: map[uint64]*Map{}, next: firstRegion}
}

// Load is a machine with the maps and the data of an object.
func Load(obj *object.Object, cpus int) (*Machine, error) {
	m := New(obj.Order, cpus)
	maps := obj.Maps
	data := func(name string, size int, flags uint32) {
		if size > 0 {
			maps = append(maps[:len(maps):len(maps)], object.Map{Name: name, Type: ebpf.Array, KeySize: 4, ValueSize: size, MaxEntries: 1, Flags: flags})
		}
	}
	data(ir.DataMap, obj.Data, 0)
	data(ir.ConstMap, len(obj.Const), readOnly)
	for _, spec := range maps {
		if _, err := m.AddMap(spec); err != nil {
			return nil, err
		}
	}
	if len(obj.Const) > 0 {
		if err := m.maps[ir.ConstMap].Update(make([]byte, 4), obj.Const); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// Map is the map of that name, nil if there is none.
func (m *Machine) Map(name string) *Map { return m.maps[name] }

// AddMemory puts data at an address where only the helpers that read memory
// find it; user tells user space's memory from the kernel's. The machine keeps
// data itself, not a copy.
func (m *Machine) AddMemory(addr uint64, data []byte, user bool) error {
	if end := addr + uint64(len(data)); end > firstRegion && addr < lastRegion {
		return fmt.Errorf("addresses from %#x to %#x are the machine's own", uint64(firstRegion), uint64(lastRegion))
	}
	kind := kernelMemory
	if user {
		kind = userMemory
	}
	return m.memory.add(&region{addr: addr, data: data, kind: kind, name: fmt.Sprintf("memory at %#x", addr)})
}

// allocate places data where programs can reach it.
func (m *Machine) allocate(name string, data []byte, writable bool) *region {
	r := &region{addr: m.next, data: data, kind: ownMemory, writable: writable, name: name}
	// A gap behind each region: what runs over one does not meet another.
	m.next += (uint64(len(data)) + 0x1fff) &^ 0xfff
	if err := m.memory.add(r); err != nil {
		panic(err) // addresses only grow
	}
	return r
}
