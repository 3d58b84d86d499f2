package extractor

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/extractor/dwarfx"
	"github.com/tpinfo/tpinfo/headers"
)

// mined is what the object of one unit tells.
type mined struct {
	events   []tpinfo.Tracepoint
	types    []tpinfo.Type
	problems []tpinfo.Problem
}

// mine reads the object of a unit that compiled.
func (w *workshop) mine(ctx context.Context, u *unit) (*mined, error) {
	obj, err := dwarfx.Read(ctx, w.objectPath(u), dwarfx.Options{
		FunctionPrefix: headers.ArgsPrefix,
		Sections:       []string{headers.Section},
	})
	if err != nil {
		return nil, fmt.Errorf("object of %s: %w", u.name, err)
	}
	marks, err := readMarks(obj.Sections[headers.Section], obj.ByteOrder, obj.WordSize)
	if err != nil {
		return nil, fmt.Errorf("object of %s: %w", u.name, err)
	}
	m := &miner{relative: w.relative, supply: w.supply(), unit: u, obj: obj, marks: marks}
	m.index()
	out := &mined{problems: obj.Problems}
	for i := range marks.events {
		t, err := m.event(&marks.events[i])
		if err != nil {
			return nil, err
		}
		out.events = append(out.events, t)
	}
	for i := range obj.Types {
		if t, ok := m.tidy(&obj.Types[i]); ok {
			out.types = append(out.types, t)
		}
	}
	return out, nil
}

type miner struct {
	relative func(path string) string // to a path below the tree
	supply   []string                 // what would tell what is unknown
	unit     *unit
	obj      *dwarfx.Object
	marks    *marks
	args     map[string][]tpinfo.Arg
	types    map[string]*tpinfo.Type
	unknown  map[string]bool   // names of types whose size nobody knows
	why      map[string]string // of what was given up: event or class to the compiler's words
}

func (m *miner) index() {
	m.args = map[string][]tpinfo.Arg{}
	for _, f := range m.obj.Functions {
		m.args[strings.TrimPrefix(f.Name, headers.ArgsPrefix)] = f.Params
	}
	m.types = map[string]*tpinfo.Type{}
	m.unknown = map[string]bool{}
	for i := range m.obj.Types {
		t := &m.obj.Types[i]
		m.types[t.Name] = t
		if standsForUnknown(t) {
			m.unknown[t.Name] = true
		}
	}
	// A typedef of one that is unknown is unknown too.
	for again := true; again; {
		again = false
		for name, t := range m.types {
			if t.Kind == tpinfo.KindTypedef && !m.unknown[name] && m.unknown[t.Of] {
				m.unknown[name], again = true, true
			}
		}
	}
	m.why = map[string]string{}
	for _, member := range m.unit.members {
		for name, words := range member.need.Why {
			m.why[name+"@"+member.Path] = words
		}
	}
}

// standsForUnknown knows the declarations of unit.go.
func standsForUnknown(t *tpinfo.Type) bool {
	switch t.Kind {
	case tpinfo.KindStruct, tpinfo.KindUnion:
		return len(t.Members) == 1 && t.Members[0].Name == unknownMember
	case tpinfo.KindEnum:
		return len(t.Enumerators) == 1 && strings.HasPrefix(t.Enumerators[0].Name, unknownTag)
	}
	return false
}

// hidden returns the unknown type that a value of the spelled type contains,
// and "" when its size is known.
func (m *miner) hidden(spelling string) string {
	if len(m.unknown) == 0 {
		return ""
	}
	e, err := tpinfo.ParseExpr(spelling)
	if err != nil {
		return ""
	}
	for e.Shape == tpinfo.ShapeArray {
		e = e.Elem
	}
	if e.Shape == tpinfo.ShapeName && m.unknown[e.Name] {
		return e.Name
	}
	return ""
}

// event puts together what the object tells of one event.
func (m *miner) event(mark *eventMark) (tpinfo.Tracepoint, error) {
	t := tpinfo.Tracepoint{
		System: mark.system, Name: mark.name, Class: mark.class,
		Header: m.relative(mark.file), Source: tpinfo.FromDWARF,
	}
	if t.System == "TRACE_SYSTEM" {
		t.System = ""
		t.Problems = append(t.Problems, tpinfo.Problem{
			Code: tpinfo.SystemUnknown, Message: "its header sets no TRACE_SYSTEM",
		})
	}
	if args, ok := m.args[mark.name]; ok {
		t.Args = make([]tpinfo.Arg, len(args))
		for i, a := range args {
			if name := m.hidden(a.Type); name != "" {
				a.Size, a.Signed = tpinfo.Unknown, false
				t.Problems = append(t.Problems, m.unknownType(a.Name, "argument", name))
			} else if spelling, ok := withoutLength(a.Type); ok {
				a.Type = spelling
				t.Problems = append(t.Problems, m.unknownLength(a.Name, "pointer to an array"))
			}
			t.Args[i] = a
		}
	} else {
		t.Problems = append(t.Problems, m.givenUp(tpinfo.ArgsMissing, "arguments", mark.name, mark.file))
	}
	if mark.class == "" {
		return t, nil
	}
	def := m.types["struct "+headers.RecordPrefix+mark.class]
	if def == nil {
		t.Record = &tpinfo.Record{Size: tpinfo.Unknown, Fields: []tpinfo.Field{}}
		t.Problems = append(t.Problems, m.givenUp(tpinfo.RecordMissing, "record", mark.class, mark.file))
		return t, nil
	}
	if size, ok := m.marks.sizes[mark.class]; ok && tpinfo.Bytes(size) != def.Size {
		return t, fmt.Errorf("record of class %s: the compiler says %d bytes, its DWARF %s", mark.class, size, def.Size)
	}
	record, problems, err := m.record(def)
	if err != nil {
		return t, fmt.Errorf("record of class %s: %w", mark.class, err)
	}
	t.Record, t.Problems = record, append(t.Problems, problems...)
	return t, nil
}

func (m *miner) unknownType(subject, what, name string) tpinfo.Problem {
	return tpinfo.Problem{
		Code: tpinfo.UnknownType, Subject: subject,
		Message: fmt.Sprintf("%s of type %s, which no public header defines", what, name),
		Supply:  m.supply,
	}
}

func (m *miner) unknownLength(subject, what string) tpinfo.Problem {
	return tpinfo.Problem{
		Code: tpinfo.UnknownType, Subject: subject,
		Message: what + " whose length no public header defines",
		Supply:  m.supply,
	}
}

// withoutLength takes the length that stands for an unknown one out of a
// pointer's spelling: "char (*)[]".
func withoutLength(spelling string) (string, bool) {
	if !strings.Contains(spelling, strconv.Itoa(unknownSize)) {
		return "", false
	}
	e, err := tpinfo.ParseExpr(spelling)
	if err != nil {
		return "", false
	}
	found := false
	for at := e; at.Shape != tpinfo.ShapeName; at = at.Elem {
		if at.Shape == tpinfo.ShapeArray && at.Count == unknownSize {
			at.Count, found = tpinfo.Flexible, true
		}
	}
	return e.String(), found
}

func (m *miner) givenUp(code tpinfo.ProblemCode, what, name, file string) tpinfo.Problem {
	words := cmp.Or(m.why[name+"@"+file], m.why["@"+file], "the compiler left it out")
	return tpinfo.Problem{
		Code:    code,
		Message: fmt.Sprintf("%s not known from the headers: %s", what, words),
		Supply:  m.supply,
	}
}

// record reads struct trace_event_raw_CLASS. Once a field of unknown size has
// passed, no later place is known.
func (m *miner) record(def *tpinfo.Type) (*tpinfo.Record, []tpinfo.Problem, error) {
	r := &tpinfo.Record{Size: def.Size, Fields: []tpinfo.Field{}}
	var problems []tpinfo.Problem
	lost := false
	for i := range def.Members {
		f := &def.Members[i]
		switch {
		case i == 0 && f.Type == "struct trace_entry":
			common := m.types["struct trace_entry"]
			if common == nil {
				return nil, nil, fmt.Errorf("struct trace_entry has no definition")
			}
			for j := range common.Members {
				c, _ := m.field(&common.Members[j])
				c.Name = "common_" + c.Name
				r.Fields = append(r.Fields, c)
			}
			continue
		case i == len(def.Members)-1 && f.Name == "__data":
			continue
		}
		field, problem := m.field(f)
		if problem != nil {
			problems = append(problems, *problem)
		}
		// Where it starts depends on its own alignment, which is not known
		// either; a dynamic array's is.
		lost = lost || !field.Size.Known()
		if lost {
			field.Offset = tpinfo.Unknown
		}
		r.Fields = append(r.Fields, field)
	}
	if lost {
		r.Size = tpinfo.Unknown
	}
	return r, problems, nil
}

// field reads one member of a record.
func (m *miner) field(f *tpinfo.Member) (tpinfo.Field, *tpinfo.Problem) {
	out := tpinfo.Field{Name: f.Name, Type: f.Type, Offset: f.Offset, Size: f.Size}
	if element, ok := elementOf(f); ok {
		out.Location, out.Name = location(f.Name)
		out.Type, out.Signed = arrayOf(element), m.signed(element)
		if name := m.hidden(element); name != "" {
			p := m.unknownType(out.Name, "array", name)
			return out, &p
		}
		return out, nil
	}
	out.Signed = m.signed(f.Type)
	if name := m.hidden(f.Type); name != "" {
		out.Size, out.Signed = tpinfo.Unknown, false
		p := m.unknownType(f.Name, "field", name)
		return out, &p
	}
	if f.Size >= unknownSize {
		// An array whose length only a private header defines.
		out.Size = tpinfo.Unknown
		e, err := tpinfo.ParseExpr(f.Type)
		if err == nil && e.Shape == tpinfo.ShapeArray {
			e.Count = tpinfo.Flexible
			out.Type = e.String()
		}
		p := m.unknownLength(f.Name, "array")
		return out, &p
	}
	return out, nil
}

// signed tells of the spelled type's values; of an array, of its elements.
func (m *miner) signed(spelling string) bool {
	_, signed, ok := m.obj.Resolve(spelling)
	return ok && signed
}

// elementOf knows the struct that tpinfo_fields.h wraps a dynamic array in.
func elementOf(f *tpinfo.Member) (string, bool) {
	if f.Anon == nil || len(f.Anon.Members) != 2 || f.Anon.Members[0].Name != headers.Location {
		return "", false
	}
	e, err := tpinfo.ParseExpr(f.Anon.Members[1].Type)
	if err != nil || e.Shape != tpinfo.ShapeArray {
		return "", false
	}
	return e.Elem.String(), true
}

func arrayOf(element string) string {
	e, err := tpinfo.ParseExpr(element)
	if err != nil {
		return element + "[]"
	}
	return (&tpinfo.Expr{Shape: tpinfo.ShapeArray, Count: tpinfo.Flexible, Elem: e}).String()
}

// location parts "__data_loc_msg" into how and what.
func location(member string) (tpinfo.Location, string) {
	if name, ok := strings.CutPrefix(member, "__rel_loc_"); ok {
		return tpinfo.RelLoc, name
	}
	return tpinfo.DataLoc, strings.TrimPrefix(member, "__data_loc_")
}

// tidy turns a type as the unit defined it into the kernel's own: without
// what the override headers put in. False for one that is not the kernel's.
func (m *miner) tidy(t *tpinfo.Type) (tpinfo.Type, bool) {
	if m.unknown[t.Name] || strings.Contains(t.Name, "__tpinfo_") || m.containsUnknown(t) {
		return *t, false
	}
	if !strings.HasPrefix(t.Name, "struct "+headers.RecordPrefix) {
		return *t, true
	}
	own := *t
	own.Members = slices.Clone(t.Members)
	for i := range own.Members {
		if _, ok := elementOf(&own.Members[i]); ok {
			own.Members[i].Type, own.Members[i].Anon = "u32", nil
		}
		if own.Members[i].Size >= unknownSize {
			return own, false
		}
	}
	return own, true
}

// containsUnknown reports whether a part of t has no known size.
func (m *miner) containsUnknown(t *tpinfo.Type) bool {
	if len(m.unknown) == 0 {
		return false
	}
	if t.Of != "" && m.hidden(t.Of) != "" {
		return true
	}
	for i := range t.Members {
		f := &t.Members[i]
		if m.hidden(f.Type) != "" || f.Anon != nil && m.containsUnknown(f.Anon) {
			return true
		}
	}
	return false
}
