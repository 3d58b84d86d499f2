package object

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/tpinfo/tpinfo/compiler/ir"
)

// relocR64 is R_BPF_64_64, the address in a 64-bit load
// (Documentation/bpf/llvm_reloc.rst).
const relocR64 = 1

// maxSections is where ELF's section numbers end (SHN_LORESERVE).
const maxSections = int(elf.SHN_LORESERVE)

// section is a section to be.
type section struct {
	elf.Section64
	name string
	data []byte
}

// image lays the file out: the ELF header, the sections, the section headers.
type image struct {
	order    endian
	sections []*section
	symbols  []elf.Sym64
	locals   int // symbols in front that are local
	names    *stringTable
}

func (o *Object) image(order endian) ([]byte, error) {
	f := &image{order: order, names: newStringTable()}
	f.add("", elf.SHT_NULL, 0, 0, nil)
	f.symbols = []elf.Sym64{{}}
	f.locals = 1
	types := newBTF(order)

	programs, err := o.codeSections(types)
	if err != nil {
		return nil, err
	}
	for _, p := range programs {
		p.index = f.add(p.name, elf.SHT_PROGBITS, elf.SHF_ALLOC|elf.SHF_EXECINSTR, 8, p.code)
	}
	f.add("license", elf.SHT_PROGBITS, elf.SHF_ALLOC|elf.SHF_WRITE, 1, []byte("GPL\x00"))

	// Local symbols come first: those of the data sections.
	targets := map[string]uint32{} // symbols by the name that code has for them
	data, constants := -1, -1
	if o.Data > 0 {
		data = f.add(ir.DataMap, elf.SHT_NOBITS, elf.SHF_ALLOC|elf.SHF_WRITE, 8, nil)
		f.sections[data].Size = uint64(o.Data)
		targets[ir.DataMap] = f.local(data)
	}
	if len(o.Const) > 0 {
		constants = f.add(ir.ConstMap, elf.SHT_PROGBITS, elf.SHF_ALLOC, 8, o.Const)
		targets[ir.ConstMap] = f.local(constants)
	}
	if data >= 0 {
		f.global(dataVar, elf.STT_OBJECT, data, 0, o.Data)
		types.section(ir.DataMap, types.bytesVariable(dataVar, o.Data))
	}
	if constants >= 0 {
		f.global(constVar, elf.STT_OBJECT, constants, 0, len(o.Const))
		types.section(ir.ConstMap, types.bytesVariable(constVar, len(o.Const)))
	}
	for _, p := range programs {
		for _, fn := range p.functions {
			f.global(fn.name, elf.STT_FUNC, p.index, fn.at, fn.size)
		}
	}
	if err := f.maps(o.Maps, types, targets); err != nil {
		return nil, err
	}
	for _, p := range programs {
		if err := f.relocate(p, targets); err != nil {
			return nil, err
		}
	}
	if len(programs) > 0 {
		infos := make([]*extSection, len(programs))
		for i, p := range programs {
			infos[i] = &p.info
		}
		ext := btfExt(order, infos, types.strings)
		f.add(".BTF", elf.SHT_PROGBITS, 0, 4, types.content())
		f.add(".BTF.ext", elf.SHT_PROGBITS, 0, 4, ext)
	} else {
		f.add(".BTF", elf.SHT_PROGBITS, 0, 4, types.content())
	}
	script, err := scriptSection(o.Script, order)
	if err != nil {
		return nil, err
	}
	f.add(scriptName, scriptType, 0, 4, script)
	return f.bytes()
}

// codeSection is programs that libbpf knows by one section name.
type codeSection struct {
	name      string
	index     int // in the file
	code      []byte
	refs      []reference
	functions []function
	info      extSection
}

// function is a program's place in its section, in bytes.
type function struct {
	name     string
	at, size int
}

// codeSections encodes the programs, by sections in the order of their first.
func (o *Object) codeSections(types *btfTypes) ([]*codeSection, error) {
	var all []*codeSection
	byName := map[string]*codeSection{}
	for i := range o.Programs {
		p := &o.Programs[i]
		c, err := p.encode(o.Order)
		if err != nil {
			return nil, fmt.Errorf("program %s: %w", p.Name, err)
		}
		s := byName[p.Section]
		if s == nil {
			s = &codeSection{name: p.Section, info: extSection{name: p.Section}}
			byName[p.Section] = s
			all = append(all, s)
		}
		start := len(s.code)
		for _, r := range c.refs {
			s.refs = append(s.refs, reference{at: uint32(start) + r.at, name: r.name})
		}
		s.functions = append(s.functions, function{name: p.Name, at: start, size: len(c.bytes)})
		s.info.addProgram(p, c, uint32(start), types, o.Script.Name)
		s.code = append(s.code, c.bytes...)
	}
	return all, nil
}

// maps adds the section .maps. Its content is zeros; the BTF tells.
func (f *image) maps(maps []Map, types *btfTypes, targets map[string]uint32) error {
	if len(maps) == 0 {
		return nil
	}
	var variables []btfVariable
	at := uint32(0)
	for i := range maps {
		v, err := types.mapVariable(&maps[i], at)
		if err != nil {
			return err
		}
		variables = append(variables, v)
		at += v.size
	}
	types.section(".maps", variables...)
	index := f.add(".maps", elf.SHT_PROGBITS, elf.SHF_ALLOC|elf.SHF_WRITE, 8, make([]byte, at))
	for i, v := range variables {
		targets[maps[i].Name] = f.global(maps[i].Name, elf.STT_OBJECT, index, int(v.at), int(v.size))
	}
	return nil
}

// relocate adds the relocations of a program section.
func (f *image) relocate(p *codeSection, targets map[string]uint32) error {
	if len(p.refs) == 0 {
		return nil
	}
	var data []byte
	for _, r := range p.refs {
		symbol, ok := targets[r.name]
		if !ok {
			return fmt.Errorf("section %s refers to %q, which the object does not have", p.name, r.name)
		}
		data = f.order.AppendUint64(data, uint64(r.at))
		data = f.order.AppendUint64(data, elf.R_INFO(symbol, relocR64))
	}
	s := f.sections[f.add(".rel"+p.name, elf.SHT_REL, elf.SHF_INFO_LINK, 8, data)]
	s.Info = uint32(p.index)
	s.Entsize = relBytes
	return nil
}

// add adds a section and returns its number.
func (f *image) add(name string, typ elf.SectionType, flags elf.SectionFlag, align uint64, data []byte) int {
	f.sections = append(f.sections, &section{
		Section64: elf.Section64{
			Name: f.names.add(name), Type: uint32(typ), Flags: uint64(flags),
			Addralign: align, Size: uint64(len(data)),
		},
		name: name, data: data,
	})
	return len(f.sections) - 1
}

func (f *image) local(section int) uint32 {
	f.locals++
	return f.symbol(elf.Sym64{Info: elf.ST_INFO(elf.STB_LOCAL, elf.STT_SECTION), Shndx: uint16(section)})
}

func (f *image) global(name string, typ elf.SymType, section, at, size int) uint32 {
	return f.symbol(elf.Sym64{
		Name: f.names.add(name), Info: elf.ST_INFO(elf.STB_GLOBAL, typ), Shndx: uint16(section),
		Value: uint64(at), Size: uint64(size),
	})
}

func (f *image) symbol(s elf.Sym64) uint32 {
	f.symbols = append(f.symbols, s)
	return uint32(len(f.symbols) - 1)
}

// bytes adds what the file itself needs, the symbols and the names, and puts it
// together.
func (f *image) bytes() ([]byte, error) {
	var symbols []byte
	for _, s := range f.symbols {
		var err error
		if symbols, err = binary.Append(symbols, f.order, s); err != nil {
			return nil, err
		}
	}
	table := f.add(".symtab", elf.SHT_SYMTAB, 0, 8, symbols)
	f.sections[table].Entsize = symBytes
	f.sections[table].Info = uint32(f.locals)
	f.names.add(".strtab")
	names := f.add(".strtab", elf.SHT_STRTAB, 0, 1, f.names.bytes)
	f.sections[table].Link = uint32(names)
	if len(f.sections) >= maxSections {
		return nil, errors.New("too many sections: use fewer probe points")
	}

	body := make([]byte, headerBytes)
	for _, s := range f.sections[1:] {
		if elf.SectionType(s.Type) == elf.SHT_REL {
			s.Link = uint32(table)
		}
		body = pad(body, int(s.Addralign))
		s.Off = uint64(len(body))
		body = append(body, s.data...)
	}
	body = pad(body, 8)
	header := elf.Header64{
		Type: uint16(elf.ET_REL), Machine: uint16(elf.EM_BPF), Version: uint32(elf.EV_CURRENT),
		Shoff: uint64(len(body)), Ehsize: headerBytes, Shentsize: sectionBytes,
		Shnum: uint16(len(f.sections)), Shstrndx: uint16(names),
	}
	copy(header.Ident[:], elf.ELFMAG)
	header.Ident[elf.EI_CLASS] = byte(elf.ELFCLASS64)
	header.Ident[elf.EI_DATA] = byte(elf.ELFDATA2LSB)
	if f.order == endian(binary.BigEndian) {
		header.Ident[elf.EI_DATA] = byte(elf.ELFDATA2MSB)
	}
	header.Ident[elf.EI_VERSION] = byte(elf.EV_CURRENT)
	start, err := binary.Append(nil, f.order, header)
	if err != nil {
		return nil, err
	}
	copy(body, start)
	for _, s := range f.sections {
		if body, err = binary.Append(body, f.order, s.Section64); err != nil {
			return nil, err
		}
	}
	return body, nil
}

// pad adds zeros up to a multiple of align.
func pad(b []byte, align int) []byte {
	if over := len(b) % align; over != 0 {
		return append(b, bytes.Repeat([]byte{0}, align-over)...)
	}
	return b
}
