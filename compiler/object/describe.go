package object

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"unicode"

	"github.com/cilium/ebpf"

	"github.com/tpinfo/tpinfo/compiler/ir"
)

// Describe writes what the object is as text for people: the kernel it is for,
// its probes and where they run, its maps, and the facts of the kernel that its
// code relies on.
func (f *File) Describe(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	line := func(cells ...string) {
		for i, c := range cells {
			cells[i] = printable(c)
		}
		fmt.Fprintln(t, strings.Join(cells, "\t"))
	}
	k := &f.Script.Kernel
	line("script", f.Script.Name)
	line("kernel", fmt.Sprintf("%s, %s, %s-endian", k.Release, k.Arch, k.ByteOrder))
	line("id", k.ID)
	heading(t, "probes", len(f.Script.Probes))
	for i := range f.Script.Probes {
		p := &f.Script.Probes[i]
		line("  "+p.Point, fmt.Sprintf("line %d", p.Line), f.where(p))
	}
	heading(t, "maps", len(f.Spec.Maps))
	for _, name := range slices.Sorted(maps.Keys(f.Spec.Maps)) {
		line("  "+name, mapText(f.Spec.Maps[name]))
	}
	heading(t, "facts", len(f.Script.Facts))
	for i := range f.Script.Facts {
		fact := &f.Script.Facts[i]
		line("  "+subject(fact), fact.CType, factPlace(fact))
	}
	return t.Flush()
}

func heading(w io.Writer, what string, count int) {
	if count > 0 {
		fmt.Fprintf(w, "\n%s\n", what)
	}
}

// printable replaces what would do something to a terminal, or to the columns.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return unicode.ReplacementChar
		}
		return r
	}, s)
}

func (f *File) where(p *ir.Probe) string {
	if !p.Kind.InKernel() {
		return "user space"
	}
	program := f.Spec.Programs[p.Program]
	return fmt.Sprintf("%s in %s, %d instructions", p.Program, program.SectionName, program.Instructions.Size()/8)
}

func mapText(m *ebpf.MapSpec) string {
	switch m.Type {
	case ebpf.RingBuf:
		return fmt.Sprintf("%v, %d bytes", m.Type, m.MaxEntries)
	case ebpf.Array, ebpf.PerCPUArray:
		if m.MaxEntries == 1 {
			return fmt.Sprintf("%v, %d bytes", m.Type, m.ValueSize)
		}
	}
	return fmt.Sprintf("%v, up to %d of %d bytes, keys of %d", m.Type, m.MaxEntries, m.ValueSize, m.KeySize)
}

// subject names what a fact is about as the runner's messages do: the member,
// the argument or the field.
func subject(f *ir.Fact) string {
	switch {
	case f.Type != "":
		return f.Type + " " + f.Member
	case f.Record:
		return f.Event + ".record $" + f.Member
	}
	return f.Event + " $" + f.Member
}

func factPlace(f *ir.Fact) string {
	if f.BitSize > 0 {
		return fmt.Sprintf("%d bits at byte %d, bit %d", f.BitSize, f.Offset, f.BitOffset)
	}
	return fmt.Sprintf("%d bytes at %d", f.Size, f.Offset)
}
