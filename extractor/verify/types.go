package verify

import (
	"fmt"

	"github.com/tpinfo/tpinfo"
)

// Types compares definitions by name. The oracle may hold several definitions
// of one name, as BTF does where sources define private types of one name:
// agreeing with one of them is agreeing.
func Types(have, oracle []tpinfo.Type, limits Limits) *Report {
	r := &Report{}
	byName := map[string][]*tpinfo.Type{}
	for i := range oracle {
		byName[oracle[i].Name] = append(byName[oracle[i].Name], &oracle[i])
	}
	for i := range have {
		h := &have[i]
		candidates := byName[h.Name]
		if len(candidates) == 0 {
			r.OnlyHave = append(r.OnlyHave, h.Name)
			continue
		}
		var best *subject
		for _, o := range candidates {
			if strangers(h, o) {
				continue
			}
			s := &subject{name: h.Name, limits: limits}
			s.typ(h.Name, h, o)
			if best == nil || s.nearer(best) {
				best = s
			}
		}
		if best == nil {
			best = &subject{name: h.Name, limits: limits}
			best.explain(h.Name+": members", parts(h), parts(candidates[0]), namesake)
		}
		delete(byName, h.Name)
		r.close(best)
	}
	for name := range byName {
		r.OnlyOracle = append(r.OnlyOracle, name)
	}
	return r.sort()
}

const namesake = "another source's type of this name: they have nothing in common"

// strangers reports whether two definitions are not two views of one thing: a
// wrong layout never changes the name of every member or constant.
func strangers(h, o *tpinfo.Type) bool {
	names := map[string]bool{}
	for i := range h.Members {
		names[h.Members[i].Name] = true
	}
	for i := range h.Enumerators {
		names[h.Enumerators[i].Name] = true
	}
	for i := range o.Members {
		if names[o.Members[i].Name] {
			return false
		}
	}
	for i := range o.Enumerators {
		if names[o.Enumerators[i].Name] {
			return false
		}
	}
	return len(names) > 0 && parts(o) > 0
}

// parts counts the members and constants of a type.
func parts(t *tpinfo.Type) int { return len(t.Members) + len(t.Enumerators) }

// typ compares two definitions; path leads to them for the messages.
func (s *subject) typ(path string, h, o *tpinfo.Type) {
	if h.Kind != o.Kind {
		s.differ(path+": kind", h.Kind, o.Kind)
		return
	}
	if !same(h.Size, o.Size, tpinfo.Unknown) {
		s.differ(path+": size", h.Size, o.Size)
	}
	if h.Kind == tpinfo.KindTypedef && h.Of != o.Of {
		why := ""
		switch {
		case flat(h.Of) == flat(o.Of):
			why = flattened
		case variadic[h.Of] && variadic[o.Of]:
			why = "each compiler has a va_list of its own"
		}
		s.explain(path+": typedef of", h.Of, o.Of, why)
	}
	if h.Encoding != o.Encoding {
		s.explain(path+": encoding", h.Encoding, o.Encoding, s.sign(h.Name))
	}
	switch {
	case h.Kind == tpinfo.KindUnion && len(o.Members) == 0 && len(h.Members) > 0:
		s.explain(path+": members", len(h.Members), 0,
			"gcc writes no members for a transparent union, and BTF is made from what it writes")
	case h.Kind == tpinfo.KindStruct || h.Kind == tpinfo.KindUnion:
		s.members(path, h.Members, o.Members)
	case h.Kind == tpinfo.KindEnum:
		s.enumerators(path, h.Enumerators, o.Enumerators)
	}
	if h.Anon != nil && o.Anon != nil {
		s.typ(path, h.Anon, o.Anon)
	}
}

func (s *subject) members(path string, have, oracle []tpinfo.Member) {
	if len(have) != len(oracle) {
		s.differ(path+": number of members", len(have), len(oracle))
		return
	}
	for i := range have {
		h, o := &have[i], &oracle[i]
		at := path + "." + h.Name
		if h.Name != o.Name {
			s.differ(fmt.Sprintf("%s: name of member %d", path, i+1), h.Name, o.Name)
			continue
		}
		if h.Offset != o.Offset || h.BitOffset != o.BitOffset || h.BitSize != o.BitSize {
			s.differ(at+": place", place(h), place(o))
		}
		if !same(h.Size, o.Size, tpinfo.Unknown) {
			s.differ(at+": size", h.Size, o.Size)
		}
		if h.Type != o.Type {
			why := ""
			if flat(h.Type) == flat(o.Type) {
				why = flattened
			}
			s.explain(at+": type", h.Type, o.Type, why)
		}
		if h.Anon != nil && o.Anon != nil {
			s.typ(at, h.Anon, o.Anon)
		}
	}
}

func place(m *tpinfo.Member) string {
	if m.BitSize > 0 {
		return fmt.Sprintf("bits %d to %d", int(m.Offset)*8+m.BitOffset, int(m.Offset)*8+m.BitOffset+m.BitSize-1)
	}
	return fmt.Sprintf("byte %s", m.Offset)
}

func (s *subject) enumerators(path string, have, oracle []tpinfo.Enumerator) {
	if len(have) != len(oracle) {
		s.differ(path+": number of constants", len(have), len(oracle))
		return
	}
	for i := range have {
		h, o := have[i], oracle[i]
		if h == o {
			continue
		}
		why := ""
		if s.limits.EnumSign && h.Name == o.Name && uint32(h.Value) == uint32(o.Value) {
			why = noEnumSign
		}
		s.explain(fmt.Sprintf("%s: constant %s", path, h.Name), h.Value, o.Value, why)
	}
}

// variadic are compilers' own names for what <stdarg.h> calls va_list; on RISC-V,
// gcc calls it void *.
var variadic = map[string]bool{"void *": true, "__builtin_va_list": true, "__gnuc_va_list": true, "struct __va_list": true, "struct __va_list_tag[1]": true}

const flattened = "BTF flattens arrays of several dimensions"

// flat spells a type with neighbouring dimensions of arrays multiplied, as
// pahole does when it writes BTF.
func flat(spelling string) string {
	e, err := tpinfo.ParseExpr(spelling)
	if err != nil {
		return spelling
	}
	return e.Flat().String()
}
