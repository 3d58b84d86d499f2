package object

import "strings"

// The section .BTF.ext (tools/lib/bpf/libbpf_internal.h, struct btf_ext_header):
// for each program section, where its functions start (struct bpf_func_info)
// and which line of the script the instructions come from (struct
// bpf_line_info), both of include/uapi/linux/bpf.h, with offsets in bytes.
const (
	extHeader     = 32 // bytes, with the two words of CO-RE relocations
	funcInfoBytes = 8
	lineInfoBytes = 16

	// struct bpf_line_info has 22 bits of line and 10 of column.
	lineShift = 10
	maxLine   = 1<<22 - 1
	maxColumn = 1<<10 - 1
)

// extSection is what .BTF.ext tells of a program section.
type extSection struct {
	name         string
	funcs, lines [][]uint32
}

// addProgram adds a program that starts at an offset of the section.
func (s *extSection) addProgram(p *Program, c *code, start uint32, types *btfTypes, file string) {
	s.funcs = append(s.funcs, []uint32{start, types.function(p.Name)})
	name := types.strings.add(beforeNUL(file))
	for i, l := range p.Lines {
		at := start + c.at[l.Insn]
		if i == 0 {
			// The kernel wants to know a line from a function's start on.
			at = start
		}
		s.lines = append(s.lines, []uint32{
			at, name, types.strings.add(beforeNUL(l.Text)), uint32(l.Line)<<lineShift | columnOf(l),
		})
	}
}

// columnOf is 0, which means unknown, where the column is beyond what fits.
func columnOf(l Line) uint32 {
	if l.Column < 0 || l.Column > maxColumn {
		return 0
	}
	return uint32(l.Column)
}

func beforeNUL(s string) string {
	before, _, _ := strings.Cut(s, "\x00")
	return before
}

// btfExt is the section .BTF.ext.
func btfExt(order endian, sections []*extSection, strings *stringTable) []byte {
	var funcs, lines []byte
	words := func(to *[]byte, words ...uint32) {
		for _, w := range words {
			*to = order.AppendUint32(*to, w)
		}
	}
	words(&funcs, funcInfoBytes)
	words(&lines, lineInfoBytes)
	for _, s := range sections {
		name := strings.add(s.name)
		words(&funcs, name, uint32(len(s.funcs)))
		for _, record := range s.funcs {
			words(&funcs, record...)
		}
		words(&lines, name, uint32(len(s.lines)))
		for _, record := range s.lines {
			words(&lines, record...)
		}
	}
	out := order.AppendUint16(nil, btfMagic)
	out = append(out, btfVersion, 0)
	f, l := uint32(len(funcs)), uint32(len(lines))
	words(&out, extHeader, 0, f, f, l, f+l, 0)
	return append(append(out, funcs...), lines...)
}
