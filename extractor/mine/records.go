package mine

import (
	"fmt"
	"strings"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/headers"
)

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
