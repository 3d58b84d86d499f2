package mine

import (
	"context"
	"fmt"
	"strings"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/extractor/dwarfx"
	"github.com/tpinfo/tpinfo/headers"
)

// Options say of an object what it does not tell itself.
type Options struct {
	// Unit is what errors call it.
	Unit string
	// Relative is a header's path, as the compiler was given it, below the tree.
	Relative func(path string) string
	// Supply is what would tell what is unknown.
	Supply []string
	// Why has the compiler's words for what its unit gives up.
	Why map[GivenUp]string
}

// GivenUp is what a unit does without, so that the rest of it compiles.
type GivenUp struct {
	Header string // as the compiler was given it
	Name   string // of an event or a class; empty for all of the header
}

// Told is what the object of one unit tells.
type Told struct {
	Events   []tpinfo.Tracepoint
	Types    []tpinfo.Type
	Problems []tpinfo.Problem
}

// Object reads the object of a unit that compiled.
func Object(ctx context.Context, path string, opts Options) (*Told, error) {
	obj, err := dwarfx.Read(ctx, path, dwarfx.Options{
		FunctionPrefix: headers.ArgsPrefix,
		Sections:       []string{headers.Section},
	})
	if err != nil {
		return nil, fmt.Errorf("object of %s: %w", opts.Unit, err)
	}
	marks, err := readMarks(obj.Sections[headers.Section], obj.ByteOrder, obj.WordSize)
	if err != nil {
		return nil, fmt.Errorf("object of %s: %w", opts.Unit, err)
	}
	m := newMiner(obj, marks, opts)
	told := &Told{Problems: obj.Problems}
	for i := range marks.events {
		t, err := m.event(&marks.events[i])
		if err != nil {
			return nil, err
		}
		told.Events = append(told.Events, t)
	}
	for i := range obj.Types {
		if t, ok := m.tidy(&obj.Types[i]); ok {
			told.Types = append(told.Types, t)
		}
	}
	return told, nil
}

// miner has an object's parts by their names.
type miner struct {
	Options
	obj     *dwarfx.Object
	marks   *marks
	args    map[string][]tpinfo.Arg // by event
	types   map[string]*tpinfo.Type
	unknown map[string]bool // names of types whose size nobody knows
}

func newMiner(obj *dwarfx.Object, marks *marks, opts Options) *miner {
	m := &miner{Options: opts, obj: obj, marks: marks, args: map[string][]tpinfo.Arg{}, types: map[string]*tpinfo.Type{}}
	for _, f := range obj.Functions {
		m.args[strings.TrimPrefix(f.Name, headers.ArgsPrefix)] = f.Params
	}
	for i := range obj.Types {
		m.types[obj.Types[i].Name] = &obj.Types[i]
	}
	m.unknown = unknownTypes(m.types)
	return m
}
