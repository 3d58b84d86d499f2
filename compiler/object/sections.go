package object

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
)

// Sizes of ELF's structures, in bytes (the System V ABI, "Object files").
const (
	headerBytes  = 64
	sectionBytes = 64
	symBytes     = 24
	relBytes     = 16
)

// elfFile is an ELF file whose every part was found to lie where it says, to
// overlap nothing and to be no larger than the file. The loader that reads it
// next allocates by these sizes.
type elfFile struct {
	order    binary.ByteOrder
	sections []section
}

func readELF(data []byte) (*elfFile, error) {
	if len(data) < len(elf.ELFMAG) || string(data[:4]) != elf.ELFMAG {
		return nil, errors.New("not an object file (it does not begin as ELF does)")
	}
	if len(data) < headerBytes {
		return nil, fmt.Errorf("cut short: %d bytes, not even a whole ELF header: copy or compile it again", len(data))
	}
	if elf.Class(data[elf.EI_CLASS]) != elf.ELFCLASS64 {
		return nil, fmt.Errorf("not an eBPF object: ELF class %d instead of 64 bits", data[elf.EI_CLASS])
	}
	f := &elfFile{}
	switch elf.Data(data[elf.EI_DATA]) {
	case elf.ELFDATA2LSB:
		f.order = binary.LittleEndian
	case elf.ELFDATA2MSB:
		f.order = binary.BigEndian
	default:
		return nil, fmt.Errorf("damaged: byte order %d in the ELF header", data[elf.EI_DATA])
	}
	var h elf.Header64
	if _, err := binary.Decode(data, f.order, &h); err != nil {
		return nil, err
	}
	if machine := elf.Machine(h.Machine); machine != elf.EM_BPF {
		return nil, fmt.Errorf("not an eBPF object: it is for machine %d (%v)", h.Machine, machine)
	}
	if elf.Type(h.Type) != elf.ET_REL || h.Phnum != 0 {
		return nil, fmt.Errorf("not an eBPF object: ELF type %d with %d program headers", h.Type, h.Phnum)
	}
	if h.Shentsize != sectionBytes || h.Shnum == 0 || int(h.Shnum) >= maxSections || h.Shstrndx >= h.Shnum {
		return nil, fmt.Errorf("damaged: %d section headers of %d bytes, names in number %d", h.Shnum, h.Shentsize, h.Shstrndx)
	}
	if end := h.Shoff + uint64(h.Shnum)*sectionBytes; h.Shoff > uint64(len(data)) || end > uint64(len(data)) {
		return nil, fmt.Errorf("cut short: it has %d bytes and its section headers end at %d: copy or compile it again", len(data), end)
	}
	if err := f.readSections(data, &h); err != nil {
		return nil, err
	}
	return f, f.checkSymbols()
}

func (f *elfFile) readSections(data []byte, h *elf.Header64) error {
	f.sections = make([]section, h.Shnum)
	total := uint64(0)
	for i := range f.sections {
		s := &f.sections[i]
		if _, err := binary.Decode(data[h.Shoff+uint64(i)*sectionBytes:], f.order, &s.Section64); err != nil {
			return err
		}
		switch typ := elf.SectionType(s.Type); {
		case i == 0 || typ == elf.SHT_NULL:
			if s.Size != 0 || typ != elf.SHT_NULL {
				return fmt.Errorf("damaged: section %d: type %d, %d bytes", i, s.Type, s.Size)
			}
		case typ == elf.SHT_NOBITS:
			if s.Size > maxData {
				return fmt.Errorf("section %d asks for %d bytes of memory: at most %d", i, s.Size, maxData)
			}
		case s.Off > uint64(len(data)) || s.Size > uint64(len(data))-s.Off:
			return fmt.Errorf("damaged: section %d is %d bytes at %d of a file of %d", i, s.Size, s.Off, len(data))
		default:
			s.data = data[s.Off : s.Off+s.Size]
			total += s.Size
		}
		if elf.SectionFlag(s.Flags)&elf.SHF_COMPRESSED != 0 {
			return fmt.Errorf("section %d is compressed: an object's are not", i)
		}
	}
	if total > uint64(len(data)) {
		return errors.New("damaged: sections overlap")
	}
	names := f.sections[h.Shstrndx].data
	seen := map[string]bool{}
	for i := range f.sections[1:] {
		s := &f.sections[i+1]
		var ok bool
		if s.name, ok = stringAt(names, s.Name); !ok {
			return fmt.Errorf("damaged: section %d has no name", i+1)
		}
		if seen[s.name] {
			return fmt.Errorf("damaged: two sections are named %q", s.name)
		}
		seen[s.name] = true
		if nobits := elf.SectionType(s.Type) == elf.SHT_NOBITS; nobits && s.name != ".bss" {
			return fmt.Errorf("damaged: section %s has no content", s.name)
		}
	}
	return nil
}

// checkSymbols holds symbols and relocations against the sections: what the
// symbols of a section cover together is at most the section.
func (f *elfFile) checkSymbols() error {
	count := uint64(0)
	for i := range f.sections {
		s := &f.sections[i]
		if elf.SectionType(s.Type) != elf.SHT_SYMTAB {
			continue
		}
		if count > 0 {
			return errors.New("damaged: two symbol tables")
		}
		if s.Entsize != symBytes || s.Size%symBytes != 0 || s.Size == 0 || int(s.Link) >= len(f.sections) {
			return fmt.Errorf("damaged: section %s: %d bytes in entries of %d", s.name, s.Size, s.Entsize)
		}
		count = s.Size / symBytes
		if err := f.checkTable(s.data, f.sections[s.Link].data); err != nil {
			return fmt.Errorf("damaged: section %s: %w", s.name, err)
		}
	}
	for i := range f.sections {
		s := &f.sections[i]
		if elf.SectionType(s.Type) != elf.SHT_REL {
			continue
		}
		if s.Entsize != relBytes || s.Size%relBytes != 0 {
			return fmt.Errorf("damaged: section %s: %d bytes in entries of %d", s.name, s.Size, s.Entsize)
		}
		for at := 0; at < len(s.data); at += relBytes {
			if symbol := uint64(elf.R_SYM64(f.order.Uint64(s.data[at+8:]))); symbol == 0 || symbol >= count {
				return fmt.Errorf("damaged: section %s: relocation %d against symbol %d of %d", s.name, at/relBytes, symbol, count)
			}
		}
	}
	return nil
}

func (f *elfFile) checkTable(symbols, names []byte) error {
	covered := make([]uint64, len(f.sections))
	seen := map[string]bool{}
	for at := symBytes; at < len(symbols); at += symBytes {
		var s elf.Sym64
		if _, err := binary.Decode(symbols[at:], f.order, &s); err != nil {
			return err
		}
		name, ok := stringAt(names, s.Name)
		switch {
		case !ok:
			return fmt.Errorf("symbol %d has no name", at/symBytes)
		case name != "" && seen[name]:
			return fmt.Errorf("two symbols are named %q", name)
		case int(s.Shndx) >= len(f.sections):
			return fmt.Errorf("symbol %q is in section %d of %d", name, s.Shndx, len(f.sections))
		}
		seen[name] = true
		size := f.sections[s.Shndx].Size
		if s.Value > size || s.Size > size-s.Value {
			return fmt.Errorf("symbol %q is %d bytes at %d of a section of %d", name, s.Size, s.Value, size)
		}
		if covered[s.Shndx] += s.Size; covered[s.Shndx] > size {
			return fmt.Errorf("symbol %q overlaps another", name)
		}
	}
	return nil
}

// stringAt is the NUL-terminated string at an offset.
func stringAt(table []byte, at uint32) (string, bool) {
	if uint64(at) >= uint64(len(table)) {
		return "", false
	}
	end := bytes.IndexByte(table[at:], 0)
	if end < 0 {
		return "", false
	}
	return string(table[at : int(at)+end]), true
}

// section finds a section by its name; nil when there is none.
func (f *elfFile) section(name string) *section {
	for i := range f.sections {
		if f.sections[i].name == name {
			return &f.sections[i]
		}
	}
	return nil
}
