package object

import (
	"encoding/binary"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"

	"github.com/tpinfo/tpinfo/compiler/ir"
)

// Object is a compiled script.
type Object struct {
	// Order is the target's byte order.
	Order    binary.ByteOrder
	Programs []Program
	Maps     []Map
	// Data is the size of the section .bss, 0 for none; Const the content of
	// .rodata.
	Data  int
	Const []byte
	// Script is what user space needs: the section .tpinfo.
	Script *ir.Program
}

// Program is an eBPF program.
//
// Its instructions refer to a map by asm.LoadMapPtr(…).WithReference(name), to
// data by asm.LoadMapValue(dst, 0, offset).WithReference(ir.DataMap or
// ir.ConstMap); jumps within it refer to symbols as asm has them.
type Program struct {
	Name    string
	Section string // as libbpf names it: "raw_tp/sched_switch", "tp/sched/sched_switch", "perf_event"
	Insns   asm.Instructions
	Lines   []Line
}

// Line says which line of the script instructions come from, from Insn (an index
// into Insns, ascending) up to the next Line.
type Line struct {
	Insn   int
	Line   int    // from 1
	Column int    // from 1
	Text   string // the line's text
}

// Map is a map that the script needs beside its data.
type Map struct {
	Name       string
	Type       ebpf.MapType
	KeySize    int
	ValueSize  int
	MaxEntries int
	Flags      uint32
}
