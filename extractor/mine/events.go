package mine

import (
	"cmp"
	"fmt"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/headers"
)

// event puts together what the object tells of one event.
func (m *miner) event(mark *eventMark) (tpinfo.Tracepoint, error) {
	t := tpinfo.Tracepoint{
		System: mark.system, Name: mark.name, Class: mark.class,
		Header: m.Relative(mark.file), Source: tpinfo.FromDWARF,
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

func (m *miner) givenUp(code tpinfo.ProblemCode, what, name, file string) tpinfo.Problem {
	words := cmp.Or(m.Why[GivenUp{file, name}], m.Why[GivenUp{Header: file}], "the compiler left it out")
	return tpinfo.Problem{
		Code:    code,
		Message: fmt.Sprintf("%s not known from the headers: %s", what, words),
		Supply:  m.Supply,
	}
}
