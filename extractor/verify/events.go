package verify

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tpinfo/tpinfo"
)

// Events compares arguments, event by event. They are matched by name alone
// where a system is not known, as to BTF.
func Events(have, oracle []tpinfo.Tracepoint, limits Limits) *Report {
	r := &Report{}
	byName := byFullName(oracle)
	seen := map[string]bool{}
	for i := range have {
		h := &have[i]
		o := match(h, oracle, byName)
		if o == nil {
			r.OnlyHave = append(r.OnlyHave, h.FullName())
			continue
		}
		seen[o.FullName()] = true
		if h.Args == nil || o.Args == nil {
			continue
		}
		s := &subject{name: h.FullName(), limits: limits}
		s.args(h.Args, o.Args)
		r.close(s)
	}
	for i := range oracle {
		if name := oracle[i].FullName(); !seen[name] {
			r.OnlyOracle = append(r.OnlyOracle, name)
		}
	}
	return r.sort()
}

func (s *subject) args(have, oracle []tpinfo.Arg) {
	if len(have) != len(oracle) {
		s.differ("number of arguments", len(have), len(oracle))
		return
	}
	for i := range have {
		h, o := &have[i], &oracle[i]
		what := fmt.Sprintf("argument %d (%s)", i+1, h.Name)
		if !same(h.Name, o.Name, "") {
			s.differ(what+": name", h.Name, o.Name)
		}
		if h.Type != o.Type {
			s.differ(what+": type", h.Type, o.Type)
		}
		if !same(h.Offset, o.Offset, tpinfo.Unknown) {
			s.differ(what+": offset", h.Offset, o.Offset)
		}
		if !same(h.Size, o.Size, tpinfo.Unknown) {
			s.differ(what+": size", h.Size, o.Size)
		}
		if h.Size.Known() && o.Size.Known() && h.Signed != o.Signed {
			s.explain(what+": signed", h.Signed, o.Signed, s.sign(h.Type))
		}
	}
}

// sign explains why the oracle may be wrong about the sign of a type.
func (s *subject) sign(spelling string) string {
	e, err := tpinfo.ParseExpr(spelling)
	if err != nil {
		return ""
	}
	base := e.Base().Name
	switch {
	case s.limits.CharSign && base == "char":
		return noCharSign
	case s.limits.EnumSign && strings.HasPrefix(base, "enum "):
		return noEnumSign
	}
	return ""
}

// Records compares the records of events, field by field. Events are matched
// as in Events.
func Records(have, oracle []tpinfo.Tracepoint, limits Limits) *Report {
	r := &Report{}
	byName := byFullName(oracle)
	seen := map[string]bool{}
	for i := range have {
		h := &have[i]
		o := match(h, oracle, byName)
		switch {
		case h.Record == nil && (o == nil || o.Record == nil):
			continue
		case o == nil || o.Record == nil:
			r.OnlyHave = append(r.OnlyHave, h.FullName())
			continue
		}
		seen[o.FullName()] = true
		s := &subject{name: h.FullName(), limits: limits}
		if h.Record == nil {
			s.differ("record", "none", "one")
		} else if len(h.Record.Fields) > 0 {
			s.record(h.Record, o.Record)
		}
		r.close(s)
	}
	for i := range oracle {
		if name := oracle[i].FullName(); oracle[i].Record != nil && !seen[name] {
			r.OnlyOracle = append(r.OnlyOracle, name)
		}
	}
	return r.sort()
}

func byFullName(events []tpinfo.Tracepoint) map[string]*tpinfo.Tracepoint {
	byName := map[string]*tpinfo.Tracepoint{}
	for i := range events {
		byName[events[i].FullName()] = &events[i]
	}
	return byName
}

// match finds what the oracle says of an event: under its system and name, or
// under its name alone where one of the two does not know the system.
func match(h *tpinfo.Tracepoint, oracle []tpinfo.Tracepoint, byName map[string]*tpinfo.Tracepoint) *tpinfo.Tracepoint {
	if o := byName[h.FullName()]; o != nil {
		return o
	}
	if h.System == "" {
		return only(oracle, h.Name)
	}
	return byName[h.Name]
}

// only is the one event of a name; nil when several systems have one.
func only(events []tpinfo.Tracepoint, name string) *tpinfo.Tracepoint {
	var found *tpinfo.Tracepoint
	for i := range events {
		if events[i].Name == name {
			if found != nil {
				return nil
			}
			found = &events[i]
		}
	}
	return found
}

func (s *subject) record(have, oracle *tpinfo.Record) {
	if !same(have.Size, oracle.Size, tpinfo.Unknown) {
		s.differ("record: size", have.Size, oracle.Size)
	}
	// Names are not unique: amdgpu_vm_grab_id of 6.1 has a string and a number
	// that are both called ring.
	fields := map[string][]*tpinfo.Field{}
	for i := range have.Fields {
		fields[have.Fields[i].Name] = append(fields[have.Fields[i].Name], &have.Fields[i])
	}
	for i := range oracle.Fields {
		o := &oracle.Fields[i]
		what := "field " + o.Name
		named := fields[o.Name]
		if len(named) == 0 {
			s.differ(what, "absent", "present")
			continue
		}
		at := max(slices.IndexFunc(named, func(f *tpinfo.Field) bool { return f.Location == o.Location }), 0)
		h := named[at]
		fields[o.Name] = slices.Delete(named, at, at+1)
		if !same(h.Offset, o.Offset, tpinfo.Unknown) {
			s.differ(what+": offset", h.Offset, o.Offset)
		}
		if !same(h.Size, o.Size, tpinfo.Unknown) {
			s.differ(what+": size", h.Size, o.Size)
		}
		if h.Location != o.Location {
			s.differ(what+": location", h.Location, o.Location)
		}
		if h.Type != "" && o.Type != "" && h.Size.Known() && o.Size.Known() && h.Signed != o.Signed {
			s.explain(what+": signed", h.Signed, o.Signed, s.sign(h.Type))
		}
	}
	for i := range have.Fields {
		if f := &have.Fields[i]; slices.Contains(fields[f.Name], f) {
			s.differ("field "+f.Name, "present", "absent")
		}
	}
}
