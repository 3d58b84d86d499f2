package object

import (
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/cilium/ebpf"

	"github.com/tpinfo/tpinfo/compiler/ir"
)

// agree reports where the script and what the kernel gets do not fit together:
// user space reads and writes these maps by what the script says of them.
func (f *File) agree() error {
	if order := byteOrder(f.Script.Kernel.ByteOrder); binary.ByteOrder(order) != f.Order {
		return fmt.Errorf("the file is %v, its script for a %s-endian kernel", f.Order, f.Script.Kernel.ByteOrder)
	}
	inKernel := 0
	for i := range f.Script.Probes {
		p := &f.Script.Probes[i]
		if !p.Kind.InKernel() {
			continue
		}
		inKernel++
		program := f.Spec.Programs[p.Program]
		if program == nil {
			return fmt.Errorf("the program %q of the probe %s is not there", p.Program, p.Point)
		}
		if want := programTypes[p.Kind]; program.Type != want {
			return fmt.Errorf("the program %q of the probe %s is of type %v instead of %v", p.Program, p.Point, program.Type, want)
		}
	}
	if inKernel != len(f.Spec.Programs) {
		return fmt.Errorf("%d programs for %d probes", len(f.Spec.Programs), inKernel)
	}
	data := f.Spec.Maps[ir.DataMap]
	if data == nil && inKernel > 0 {
		return fmt.Errorf("there are programs and no section %s", ir.DataMap)
	}
	if data != nil && int(data.ValueSize) < f.Script.DataSize {
		return fmt.Errorf("section %s has %d bytes, the script's globals take %d", ir.DataMap, data.ValueSize, f.Script.DataSize)
	}
	for i := range f.Script.Globals {
		if err := f.agreeOn(&f.Script.Globals[i]); err != nil {
			return err
		}
	}
	return nil
}

var programTypes = map[ir.ProbeKind]ebpf.ProgramType{
	ir.RawTracepoint: ebpf.RawTracepoint,
	ir.Tracepoint:    ebpf.TracePoint,
	ir.PerfEvent:     ebpf.PerfEvent,
	ir.UserUpdate:    ebpf.RawTracepoint,
}

func (f *File) agreeOn(g *ir.Global) error {
	if !g.Mapped() {
		return nil
	}
	m := f.Spec.Maps[g.Name]
	if m == nil {
		if len(f.Spec.Programs) == 0 {
			return nil // user space has it to itself
		}
		return fmt.Errorf("the map of the global %s is not there", g.Name)
	}
	if int(m.KeySize) != g.KeySize() || int(m.ValueSize) != g.Size {
		return fmt.Errorf("the map of the global %s has keys of %d bytes and values of %d, the script says %d and %d",
			g.Name, m.KeySize, m.ValueSize, g.KeySize(), g.Size)
	}
	if !slices.Contains(mapTypes(g), m.Type) {
		return fmt.Errorf("the map of the global %s is of type %v, which holds no such global", g.Name, m.Type)
	}
	return nil
}

// mapTypes are the types that a global's map can have.
func mapTypes(g *ir.Global) []ebpf.MapType {
	switch {
	case g.Array() && g.Type == ir.Stats:
		// Of one that handlers in the kernel read there is one copy.
		return []ebpf.MapType{ebpf.PerCPUHash, ebpf.LRUCPUHash, ebpf.Hash, ebpf.LRUHash}
	case g.Array():
		return []ebpf.MapType{ebpf.Hash, ebpf.LRUHash}
	}
	return []ebpf.MapType{ebpf.PerCPUArray, ebpf.Array}
}
