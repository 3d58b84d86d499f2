package check

import (
	"strings"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/compiler/check/ctype"
	"github.com/tpinfo/tpinfo/compiler/diag"
)

// castType finds the type that @cast names: a name without its keyword is a
// struct, union or enum, or else a typedef or a base type, in SystemTap's
// order. Stars behind it say nothing more: it is what is pointed to.
func (s *scope) castType(name string, headers []string, at diag.Span) *ctype.Type {
	name = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(name), "&"))
	stars := 0
	for strings.HasSuffix(name, "*") {
		name = strings.TrimSpace(strings.TrimSuffix(name, "*"))
		stars++
	}
	name = strings.Join(strings.Fields(strings.TrimPrefix(name, "const ")), " ")
	t := s.c.kernel.Known(name)
	if t == nil && len(headers) > 0 {
		t = s.learnType(name, headers, at)
		if t == nil {
			return nil
		}
	}
	if t == nil {
		s.unknownType(name, at)
		return nil
	}
	out := ctype.Named(t.Name)
	for range stars - 1 {
		out = ctype.PointerTo(out)
	}
	return out
}

// learnType asks for a type that only headers have.
func (s *scope) learnType(name string, headers []string, at diag.Span) *tpinfo.Type {
	t, err := s.c.kernel.Learn(headers, name)
	if err != nil {
		s.errorf(at, "", "%v", err)
		return nil
	}
	if t == nil {
		s.errorf(at, "", "%s has no type %q", strings.Join(headers, ", "), name)
		return nil
	}
	return t
}

func (s *scope) unknownType(name string, at diag.Span) {
	if !s.c.final || s.c.quiet > 0 {
		s.errorf(at, "", "")
		return
	}
	hint := diag.DidYouMean(name, s.c.kernel.Names())
	if hint == "" {
		hint = `name the header that has it, as in @cast(…, "` + name + `", "kernel<linux/…>")`
	}
	s.errorf(at, hint, "kernel %s has no type %q", s.c.kernel.Identity.Release, name)
}
