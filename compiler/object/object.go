package object

import (
	"encoding/binary"
	"fmt"
	"io"
	"regexp"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/compiler/ir"
)

// Object is a compiled script.
type Object struct {
	// Order is the target's byte order, the one that Script.Kernel names.
	Order    binary.ByteOrder
	Programs []Program
	Maps     []Map
	// Data is the size of the section .bss in bytes, 0 for none; Const the
	// content of .rodata.
	Data  int
	Const []byte
	// Script is what user space needs: the section .tpinfo.
	Script *ir.Program
}

// Program is an eBPF program.
//
// Its instructions refer to a map by asm.LoadMapPtr(…).WithReference(name), to
// data by asm.LoadMapValue(dst, 0, offset).WithReference(ir.DataMap or
// ir.ConstMap). Jumps refer to symbols of the same program as asm has them, with
// an Offset of -1; functions are expanded in place, there are no calls of them.
type Program struct {
	// Name is a C identifier, as the kernel wants a function's name.
	Name    string
	Section string // as libbpf names it: "raw_tp/sched_switch", "tp/sched/sched_switch", "perf_event"
	Insns   asm.Instructions
	// Lines has at least one; the first holds from the start on.
	Lines []Line
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
	Name       string // letters, digits, "_" and "."
	Type       ebpf.MapType
	KeySize    int // in bytes; 0 for a ring buffer
	ValueSize  int // in bytes; 0 for a ring buffer
	MaxEntries int // of a ring buffer: its bytes
	Flags      uint32
}

// The names of the variables that .bss and .rodata consist of.
const (
	dataVar  = "tpinfo.data"
	constVar = "tpinfo.const"
)

// maxMaps is how many variables a section has at most in BTF (BTF_MAX_VLEN).
const maxMaps = 0xffff

// maxData bounds .bss and .rodata, in bytes.
const maxData = 64 << 20

// Names that the kernel takes: of functions (btf_name_valid_identifier,
// kernel/bpf/btf.c) and of maps (bpf_obj_name_cpy, kernel/bpf/syscall.c; a dot
// from 5.2).
var (
	funcName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
	mapName  = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.]*$`)
)

// Write writes the object as an ELF file. The same Object gives the same bytes;
// of Script it leaves out what tells nothing of the target: bodies and locals of
// kernel-side probes, and when, where and with which problems the kernel was
// extracted.
//
// An error says which part cannot be written. A handler that is too long for
// its jumps is a *TooLongError.
func (o *Object) Write(w io.Writer) error {
	if err := o.check(); err != nil {
		return fmt.Errorf("object of %s: %w", o.Script.Name, err)
	}
	image, err := o.image(byteOrder(o.Script.Kernel.ByteOrder))
	if err != nil {
		return fmt.Errorf("object of %s: %w", o.Script.Name, err)
	}
	_, err = w.Write(image)
	return err
}

// check refuses what no loader would take, and what Read would not.
func (o *Object) check() error {
	if order := byteOrder(o.Script.Kernel.ByteOrder); order == nil || binary.ByteOrder(order) != o.Order {
		return fmt.Errorf("byte order %v for a %s-endian kernel", o.Order, o.Script.Kernel.ByteOrder)
	}
	if o.Data < 0 || o.Data > maxData || len(o.Const) > maxData {
		return fmt.Errorf("%d bytes of data and %d of constants: at most %d each", o.Data, len(o.Const), maxData)
	}
	if err := o.Script.Validate(); err != nil {
		return err
	}
	symbols := map[string]bool{dataVar: true, constVar: true}
	symbol := func(name string) error {
		if symbols[name] {
			return fmt.Errorf("two things are named %q", name)
		}
		symbols[name] = true
		return nil
	}
	for i := range o.Programs {
		p := &o.Programs[i]
		if !funcName.MatchString(p.Name) {
			return fmt.Errorf("program %q: the name is no identifier", p.Name)
		}
		if err := symbol(p.Name); err != nil {
			return err
		}
		if err := p.check(); err != nil {
			return fmt.Errorf("program %s: %w", p.Name, err)
		}
	}
	if len(o.Maps) > maxMaps {
		return fmt.Errorf("%d maps: at most %d", len(o.Maps), maxMaps)
	}
	for i := range o.Maps {
		m := &o.Maps[i]
		if !mapName.MatchString(m.Name) {
			return fmt.Errorf("map %q: a name has letters, digits, '_' and '.'", m.Name)
		}
		if err := symbol(m.Name); err != nil {
			return err
		}
		if m.KeySize < 0 || m.ValueSize < 0 || m.MaxEntries < 0 {
			return fmt.Errorf("map %s: a size is negative", m.Name)
		}
	}
	return nil
}

func (p *Program) check() error {
	if p.Section == "" || p.Section[0] == '.' {
		return fmt.Errorf("section %q is no program's", p.Section)
	}
	if len(p.Insns) == 0 {
		return fmt.Errorf("it has no instructions")
	}
	if len(p.Lines) == 0 {
		return fmt.Errorf("it has no lines")
	}
	for i, l := range p.Lines {
		if l.Insn < 0 || l.Insn >= len(p.Insns) || i > 0 && l.Insn <= p.Lines[i-1].Insn {
			return fmt.Errorf("line %d: instruction %d is out of order or out of the %d there are", l.Line, l.Insn, len(p.Insns))
		}
		if l.Line < 0 || l.Line > maxLine {
			return fmt.Errorf("line %d is out of the %d that BTF can tell", l.Line, maxLine)
		}
	}
	return nil
}

// lineOf is the line of the script that an instruction comes from.
func (p *Program) lineOf(insn int) Line {
	line := p.Lines[0]
	for _, l := range p.Lines {
		if l.Insn > insn {
			break
		}
		line = l
	}
	return line
}

// endian is what both byte orders of encoding/binary are.
type endian interface {
	binary.ByteOrder
	binary.AppendByteOrder
}

// byteOrder is nil for what is no byte order.
func byteOrder(order tpinfo.ByteOrder) endian {
	switch order {
	case tpinfo.LittleEndian:
		return binary.LittleEndian
	case tpinfo.BigEndian:
		return binary.BigEndian
	}
	return nil
}
