package target

import (
	"fmt"
	"strings"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/compiler/check/ctype"
	"github.com/tpinfo/tpinfo/compiler/diag"
)

// CastType finds the type that @cast names: a name without its keyword is a
// struct, union or enum, or else a typedef or a base type, in SystemTap's
// order. Stars behind it say nothing more: it is what is pointed to.
func (s *Scope) CastType(name string, headers []string, at diag.Span) *ctype.Type {
	name = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(name), "&"))
	stars := 0
	for strings.HasSuffix(name, "*") {
		name = strings.TrimSpace(strings.TrimSuffix(name, "*"))
		stars++
	}
	name = strings.Join(strings.Fields(strings.TrimPrefix(name, "const ")), " ")
	t := s.Kernel.Known(name)
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
func (s *Scope) learnType(name string, headers []string, at diag.Span) *tpinfo.Type {
	t, err := s.Kernel.Learn(headers, name)
	if err != nil {
		s.Errorf(at, "", "%v", err)
		return nil
	}
	if t == nil {
		s.Errorf(at, "", "%s has no type %q", strings.Join(headers, ", "), name)
		return nil
	}
	return t
}

func (s *Scope) unknownType(name string, at diag.Span) {
	if !s.Final || s.Quiet > 0 {
		s.Errorf(at, "", "")
		return
	}
	hint := `name the header that has it, as in @cast(…, "` + name + `", "kernel<linux/…>")`
	switch near := diag.DidYouMean(name, s.Kernel.Names()); {
	case strings.Contains(near, ", "): // of several none is likely
		hint = near + " Else " + hint
	case near != "":
		hint = near
	}
	s.Errorf(at, hint, "kernel %s has no type %q", s.Kernel.Identity.Release, name)
}

// CastHeaders takes the headers out of SystemTap's third argument of @cast,
// "kernel<linux/a.h>:kernel<linux/b.h>"; modules and "kernel" alone need none.
func CastHeaders(modules string) (list []string, why string) {
	for _, module := range strings.Split(modules, ":") {
		rest, angle := strings.CutPrefix(module, "kernel<")
		if !angle {
			if strings.HasPrefix(module, "<") {
				return nil, fmt.Sprintf("%q: a header of user space: only the kernel is read", module)
			}
			continue
		}
		for _, part := range strings.Split(strings.TrimSuffix(rest, ">"), "><") {
			if part == "" || strings.ContainsAny(part, "<>\"\n") {
				return nil, fmt.Sprintf("%q is not a header", module)
			}
			list = append(list, part)
		}
	}
	return list, ""
}
