package dwarfx

import (
	"bytes"
	"compress/zlib"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
)

// allocated tells what f allocates in all, in bytes.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// nestedTwice is an unnamed struct that holds two of another that holds two
// of another: the debug information has one entry a level, written out it has
// a power of two.
func nestedTwice(levels int) string {
	return "struct tower { " + strings.Repeat("struct { ", levels) + "int x; " + strings.Repeat("} a, b; ", levels) + "};"
}

// callsTwice is a function that takes two functions that each take two more.
func callsTwice(levels int) string {
	var c strings.Builder
	c.WriteString("void (*f0)(int);\n")
	for n := 1; n <= levels; n++ {
		fmt.Fprintf(&c, "void (*f%d)(typeof(f%d), typeof(f%d));\n", n, n-1, n-1)
	}
	fmt.Fprintf(&c, "struct tower { typeof(f%d) f; };\n", levels)
	return c.String()
}

// A few lines of C can describe more than there is memory.
func TestTypesThatGrow(t *testing.T) {
	list := []compiler{{"gcc", []string{"gcc", "-gdwarf-4"}}, {"clang", []string{"clang", "-gdwarf-4"}}}
	for name, source := range map[string]func(int) string{"structs": nestedTwice, "functions": callsTwice} {
		t.Run(name, func(t *testing.T) {
			each(t, list, func(t *testing.T, cc compiler) {
				// What is small when written out is read.
				obj := cc.read(t, source(5), Options{})
				if def := obj.Type("struct tower"); def == nil || len(def.Members) == 0 {
					t.Errorf("five levels: %+v", def)
				}
				// 28 levels would be ten million times as much.
				path := cc.compile(t, source(28))
				_, err := Read(context.Background(), path, Options{Limits: Limits{Entries: 1 << 16}})
				if !errors.Is(err, ErrTooLarge) {
					t.Errorf("28 levels: %v, want %v", err, ErrTooLarge)
				}
			})
		})
	}
}

func TestTooManyDimensions(t *testing.T) {
	cc := compiler{"gcc", []string{"gcc", "-gdwarf-4"}}
	each(t, []compiler{cc}, func(t *testing.T, cc compiler) {
		source := func(n int) string { return "struct cube { char c" + strings.Repeat("[1]", n) + "; };" }
		if def := cc.read(t, source(60), Options{}).Type("struct cube"); def.Members[0].Type != "char"+strings.Repeat("[1]", 60) {
			t.Errorf("60 dimensions: %s", def.Members[0].Type)
		}
		if _, err := Read(context.Background(), cc.compile(t, source(200)), Options{}); !errors.Is(err, ErrDamaged) {
			t.Errorf("200 dimensions: %v, want %v", err, ErrDamaged)
		}
	})
}

// elfOf is a 64-bit object for this machine's kind with the given sections.
func elfOf(sections map[string][]byte, order []string) []byte {
	const headerSize, entrySize = 64, 64
	le := binary.LittleEndian
	names := []byte("\x00.shstrtab\x00")
	data := make([]byte, headerSize)
	table := make([]byte, entrySize)
	add := func(name uint32, kind uint32, content []byte) {
		e := make([]byte, entrySize)
		le.PutUint32(e, name)
		le.PutUint32(e[4:], kind)
		le.PutUint64(e[24:], uint64(len(data)))
		le.PutUint64(e[32:], uint64(len(content)))
		le.PutUint64(e[48:], 1)
		table = append(table, e...)
		data = append(data, content...)
	}
	for _, s := range order {
		add(uint32(len(names)), 1, sections[s])
		names = append(append(names, s...), 0)
	}
	add(1, 3, names)
	copy(data, "\x7fELF\x02\x01\x01")
	le.PutUint16(data[16:], 1)  // ET_REL
	le.PutUint16(data[18:], 62) // EM_X86_64
	le.PutUint32(data[20:], 1)
	le.PutUint64(data[40:], uint64(len(data)))
	le.PutUint16(data[52:], headerSize)
	le.PutUint16(data[58:], entrySize)
	le.PutUint16(data[60:], uint16(len(order)+2))
	le.PutUint16(data[62:], uint16(len(order)+1))
	return append(data, table...)
}

// unit is one compile unit of DWARF 4 that holds the given entries.
func unit(entries []byte) []byte {
	info := binary.LittleEndian.AppendUint32(nil, uint32(7+len(entries)))
	info = append(info, 4, 0, 0, 0, 0, 0, 8)
	return append(info, entries...)
}

// blocks are abbreviations: 1 is a unit, 2 a lexical block, both with children.
var blocks = []byte{1, 0x11, 1, 0, 0, 2, 0x0b, 1, 0, 0, 0}

// Going down a level at a time must not take stack a level at a time: the Go
// runtime ends the process when a stack is full.
func TestDeepNesting(t *testing.T) {
	const levels = 16 << 20
	object := elfOf(map[string][]byte{
		".debug_abbrev": blocks,
		".debug_info":   unit(append([]byte{1}, bytes.Repeat([]byte{2}, levels)...)),
	}, []string{".debug_abbrev", ".debug_info"})
	_, err := read(context.Background(), bytes.NewReader(object), Options{Limits: Limits{Entries: 1 << 18}})
	if !errors.Is(err, ErrTooLarge) {
		t.Errorf("%d blocks in one another: %v, want %v", levels, err, ErrTooLarge)
	}
	// The same shape within the limit is no reason for an error.
	object = elfOf(map[string][]byte{
		".debug_abbrev": blocks,
		".debug_info":   unit(append(append([]byte{1}, bytes.Repeat([]byte{2}, 1000)...), make([]byte, 1001)...)),
	}, []string{".debug_abbrev", ".debug_info"})
	obj, err := read(context.Background(), bytes.NewReader(object), Options{})
	if err != nil || len(obj.Types) != 0 {
		t.Errorf("1000 blocks in one another: %v", err)
	}
}

// GNU's old way to compress sections tells the size only inside.
func TestCompressionBomb(t *testing.T) {
	var packed bytes.Buffer
	const claimed = 64 << 20
	packed.WriteString("ZLIB")
	if err := binary.Write(&packed, binary.BigEndian, uint64(claimed)); err != nil {
		t.Fatal(err)
	}
	w := zlib.NewWriter(&packed)
	if _, err := w.Write(make([]byte, claimed)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{".zdebug_info", ".zdebug_str"} {
		object := elfOf(map[string][]byte{".debug_info": unit([]byte{1}), name: packed.Bytes()}, []string{".debug_info", name})
		var err error
		if n := allocated(func() {
			_, err = read(context.Background(), bytes.NewReader(object), Options{Limits: Limits{Debug: 1 << 20}})
		}); n > 8<<20 {
			t.Errorf("%s: %d bytes allocated under a limit of 1 MiB", name, n)
		}
		if !errors.Is(err, ErrTooLarge) {
			t.Errorf("%s of %d bytes, %d unpacked: %v, want %v", name, packed.Len(), claimed, err, ErrTooLarge)
		}
	}
}
