package dwarfx

import (
	"debug/dwarf"
	"debug/elf"
	"testing"

	"github.com/go-delve/delve/pkg/dwarf/godwarf"
)

// A second reader of the same debug information, where it is right: sizes of
// structs, and places of members that are no bitfields.
func TestDelveAgrees(t *testing.T) {
	var list []compiler
	for _, cc := range compilers {
		if cc.name == "gcc, DWARF 4" || cc.name == "clang, DWARF 4" {
			list = append(list, cc)
		}
	}
	var all []layout
	all = append(all, layouts...)
	all = append(all, bitfields...)
	for n := range 40 {
		all = append(all, randomLayout(n).Example(n))
	}
	source := prelude
	for _, l := range all {
		source += l.def + "\n"
	}
	each(t, list, func(t *testing.T, cc compiler) {
		path := cc.compile(t, source)
		obj := cc.read(t, source, Options{})
		structs, members := 0, 0
		for _, theirs := range delveStructs(t, path) {
			name := theirs.Kind + " " + theirs.StructName
			ours := obj.Type(name)
			if ours == nil {
				t.Errorf("no %s", name)
				continue
			}
			structs++
			if int64(ours.Size) != theirs.ByteSize {
				t.Errorf("%s: size %v, delve says %d", name, ours.Size, theirs.ByteSize)
			}
			offsets := map[string]int64{}
			for i := range ours.Members {
				if m := &ours.Members[i]; m.Name != "" && m.BitSize == 0 {
					offsets[m.Name] = int64(m.Offset)
				}
			}
			for _, f := range theirs.Field {
				if offset, plain := offsets[f.Name]; plain && f.BitSize == 0 {
					members++
					if offset != f.ByteOffset {
						t.Errorf("%s.%s: at %d, delve says %d", name, f.Name, offset, f.ByteOffset)
					}
				}
			}
		}
		if structs < len(all) || members < 100 {
			t.Errorf("only %d structs and %d members were compared", structs, members)
		}
	})
}

// delveStructs reads all structs and unions with a tag.
func delveStructs(t *testing.T, path string) []*godwarf.StructType {
	t.Helper()
	f, err := elf.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	data, err := f.DWARF()
	if err != nil {
		t.Fatal(err)
	}
	var out []*godwarf.StructType
	cache := map[dwarf.Offset]godwarf.Type{}
	for r := data.Reader(); ; {
		e, err := r.Next()
		if err != nil {
			t.Fatal(err)
		}
		if e == nil {
			return out
		}
		name, _ := e.Val(dwarf.AttrName).(string)
		declaration, _ := e.Val(dwarf.AttrDeclaration).(bool)
		if e.Tag != dwarf.TagStructType && e.Tag != dwarf.TagUnionType || name == "" || declaration {
			continue
		}
		typ, err := godwarf.ReadType(data, 0, e.Offset, cache)
		if err != nil {
			t.Fatal(err)
		}
		st, ok := typ.(*godwarf.StructType)
		if !ok {
			t.Fatalf("%s is a %T", name, typ)
		}
		out = append(out, st)
	}
}
