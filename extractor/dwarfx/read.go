package dwarfx

import (
	"cmp"
	"context"
	"debug/dwarf"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/tpinfo/tpinfo"
)

// Options say what to read of an object.
type Options struct {
	// FunctionPrefix selects the functions whose parameters are wanted.
	FunctionPrefix string
	// Sections are read whole, by name.
	Sections []string
	Limits   Limits
}

// Limits bound what a hostile object can cost. Zero values stand for the
// defaults, about ten times what the largest kernel unit needs.
type Limits struct {
	Debug   uint64 // bytes of debug sections, uncompressed
	Entries int    // debugging information entries
	Depth   int    // nesting of a type in itself: pointers to arrays of …
}

const (
	defaultDebug   = 256 << 20
	defaultEntries = 8 << 20
	defaultDepth   = 64
)

func (l Limits) orDefault() Limits {
	return Limits{
		Debug:   cmp.Or(l.Debug, defaultDebug),
		Entries: cmp.Or(l.Entries, defaultEntries),
		Depth:   cmp.Or(l.Depth, defaultDepth),
	}
}

// Object is what one compiled unit tells.
type Object struct {
	ByteOrder tpinfo.ByteOrder
	WordSize  int // bytes
	Machine   string
	Functions []Function
	// Types are the named definitions, sorted by name, each name once.
	Types    []tpinfo.Type
	Sections map[string][]byte
	// Problems are names that the object defines twice, differently.
	Problems []tpinfo.Problem

	byName map[string]int
}

// Function is a function with its parameters as arguments of a tracepoint:
// each in the slot of its place.
type Function struct {
	Name   string
	Params []tpinfo.Arg
}

// The ways an object can be unfit; they are wrapped with the particulars.
var (
	ErrNotObject = errors.New("not an object file")
	ErrNoDebug   = errors.New("no debug information")
	ErrDamaged   = errors.New("damaged debug information")
	ErrTooLarge  = errors.New("debug information is beyond the limit")
)

// Read reads the ELF object at path.
func Read(ctx context.Context, path string, opts Options) (*Object, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotObject, err)
	}
	defer f.Close()
	obj, err := read(ctx, f, opts)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return obj, nil
}

func read(ctx context.Context, from io.ReaderAt, opts Options) (obj *Object, err error) {
	// debug/elf and debug/dwarf are not safe against every damage.
	defer func() {
		if r := recover(); r != nil {
			obj, err = nil, fmt.Errorf("%w: %v", ErrDamaged, r)
		}
	}()
	f, err := elf.NewFile(from)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotObject, err)
	}
	limits := opts.Limits.orDefault()
	obj = &Object{
		ByteOrder: tpinfo.LittleEndian, WordSize: 8,
		Machine: f.Machine.String(), Sections: map[string][]byte{},
	}
	if f.Data == elf.ELFDATA2MSB {
		obj.ByteOrder = tpinfo.BigEndian
	}
	if f.Class == elf.ELFCLASS32 {
		obj.WordSize = 4
	}
	var size uint64
	debug := false
	for _, s := range f.Sections {
		if strings.HasPrefix(s.Name, ".debug_") || strings.HasPrefix(s.Name, ".zdebug_") {
			size += min(unpacked(s), limits.Debug+1)
			debug = debug || s.Name == ".debug_info" || s.Name == ".zdebug_info"
		}
	}
	switch {
	case !debug:
		return nil, ErrNoDebug
	case size > limits.Debug:
		return nil, fmt.Errorf("%w: %d bytes of at most %d", ErrTooLarge, size, limits.Debug)
	}
	for _, name := range opts.Sections {
		s := f.Section(name)
		if s == nil {
			continue
		}
		if s.Size > limits.Debug {
			return nil, fmt.Errorf("%w: section %s has %d bytes", ErrTooLarge, name, s.Size)
		}
		data, err := s.Data()
		if err != nil {
			return nil, fmt.Errorf("%w: section %s: %w", ErrDamaged, name, err)
		}
		obj.Sections[name] = data
	}
	data, err := f.DWARF()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	t, err := readEntries(ctx, data, f.ByteOrder, limits)
	if err != nil {
		return nil, err
	}
	t.wordSize, t.bigEndian = int64(obj.WordSize), obj.ByteOrder == tpinfo.BigEndian
	if err := obj.define(t, opts.FunctionPrefix); err != nil {
		return nil, err
	}
	return obj, nil
}

// unpacked is the size in bytes that a section claims to unpack to. debug/elf
// knows that of GNU's own compression (.zdebug_…) only while it reads it.
func unpacked(s *elf.Section) uint64 {
	size := max(s.Size, s.FileSize)
	var head [12]byte
	if n, _ := s.ReadAt(head[:], 0); s.Flags&elf.SHF_COMPRESSED == 0 && n == len(head) && string(head[:4]) == "ZLIB" {
		size = max(size, binary.BigEndian.Uint64(head[4:]))
	}
	return size
}

// define fills in functions and types from the table of entries.
func (obj *Object) define(t *table, prefix string) error {
	obj.byName = map[string]int{}
	ids := map[string]tpinfo.ContentID{}
	for _, i := range t.top {
		e := &t.entries[i]
		if e.tag == dwarf.TagSubprogram {
			if prefix == "" || !strings.HasPrefix(e.name, prefix) {
				continue
			}
			params, err := t.params(i)
			if err != nil {
				return fmt.Errorf("function %s: %w", e.name, err)
			}
			obj.Functions = append(obj.Functions, Function{Name: e.name, Params: params})
			continue
		}
		def, ok, err := t.definition(i)
		if err != nil {
			return err
		}
		if !ok {
			continue
		}
		at, known := obj.byName[def.Name]
		if !known {
			obj.byName[def.Name] = len(obj.Types)
			obj.Types = append(obj.Types, def)
			continue
		}
		first, ok := ids[def.Name]
		if !ok {
			first = obj.Types[at].ContentID()
			ids[def.Name] = first
		}
		if def.ContentID() != first {
			obj.Problems = append(obj.Problems, tpinfo.Problem{
				Code: tpinfo.TypeConflict, Subject: def.Name,
				Message: "defined twice, differently; the first is kept",
			})
		}
	}
	slices.SortFunc(obj.Types, func(a, b tpinfo.Type) int { return cmp.Compare(a.Name, b.Name) })
	for i := range obj.Types {
		obj.byName[obj.Types[i].Name] = i
	}
	return nil
}

// Type returns the definition of a name, nil when the object has none.
func (obj *Object) Type(name string) *tpinfo.Type {
	i, ok := obj.byName[name]
	if !ok {
		return nil
	}
	return &obj.Types[i]
}

// Resolve tells, of a spelled type, its size and whether its values are signed
// (of an array, its elements); false when the object does not define it.
func (obj *Object) Resolve(spelling string) (size tpinfo.Bytes, signed, ok bool) {
	e, err := tpinfo.ParseExpr(spelling)
	if err != nil {
		return tpinfo.Unknown, false, false
	}
	return obj.resolve(e, defaultDepth)
}

func (obj *Object) resolve(e *tpinfo.Expr, depth int) (tpinfo.Bytes, bool, bool) {
	if depth == 0 {
		return tpinfo.Unknown, false, false
	}
	switch e.Shape {
	case tpinfo.ShapePointer:
		return tpinfo.Bytes(obj.WordSize), false, true
	case tpinfo.ShapeFunc:
		return tpinfo.Unknown, false, false
	case tpinfo.ShapeArray:
		size, signed, ok := obj.resolve(e.Elem, depth-1)
		if !ok {
			return tpinfo.Unknown, false, false
		}
		return size * tpinfo.Bytes(max(e.Count, 0)), signed, true
	}
	t := obj.Type(e.Name)
	switch {
	case t == nil:
		return tpinfo.Unknown, false, false
	case t.Kind == tpinfo.KindTypedef && t.Anon == nil:
		of, err := tpinfo.ParseExpr(t.Of)
		if err != nil {
			return tpinfo.Unknown, false, false
		}
		return obj.resolve(of, depth-1)
	}
	return t.Size, t.Encoding == tpinfo.EncSigned, t.Size.Known()
}
