package matrix

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/compiler/check"
	"github.com/tpinfo/tpinfo/compiler/check/points"
	"github.com/tpinfo/tpinfo/compiler/check/target"
	"github.com/tpinfo/tpinfo/compiler/diag"
)

// fix says what would help against an error on c, given that the script
// compiles on base; empty where nothing more can be said than the error does.
func (c *compiled) fix(ctx context.Context, base *compiled, e diag.Error) (string, error) {
	for _, p := range c.points {
		if p.at == e.Span && strings.ContainsAny(p.name, "*?[") {
			return cmp.Or(e.Hint, without(p)), nil
		}
		if p.at == e.Span {
			return c.eventFix(ctx, base, p)
		}
	}
	var named *target.Use
	for i := range base.found.Uses {
		u := &base.found.Uses[i]
		if u.At.End == e.Span.End && u.At.Start <= e.Span.Start && (named == nil || u.At.Start > named.At.Start) {
			named = u
		}
	}
	if named == nil {
		return "", nil
	}
	text := c.src.Text[named.At.Start:named.At.End]
	names, err := c.nameNow(ctx, base, named)
	if err != nil || len(names) == 0 {
		return "where it may be missing, ask first: @defined(" + text + ")", err
	}
	last := named.Member[strings.LastIndexByte(named.Member, '.')+1:]
	other, found := strings.CutSuffix(text, last)
	if !found {
		return "", nil
	}
	return fmt.Sprintf("here it is perhaps %s: write @choose_defined(%s, %s%s)", strings.Join(names, " or "), text, other, names[0]), nil
}

// nameNow finds what an argument, a field or a member that base has is perhaps
// called on c: what base does not have, of the same type or with a near name.
func (c *compiled) nameNow(ctx context.Context, base *compiled, u *target.Use) ([]string, error) {
	var here, there []named
	var err error
	if u.Event == "" {
		if here, err = members(ctx, c.meta, u.Type); err == nil {
			there, err = members(ctx, base.meta, u.Type)
		}
	} else {
		full := u.Event
		if p := &base.found.Probes[u.Probe]; p.System != "" {
			full = p.System + ":" + p.Event
		}
		if here, err = values(ctx, c.meta, full, u.Record); err == nil {
			there, err = values(ctx, base.meta, full, u.Record)
		}
	}
	if err != nil {
		return nil, err
	}
	last := u.Member[strings.LastIndexByte(u.Member, '.')+1:]
	var alike, fresh []string
	for _, n := range here {
		if slices.ContainsFunc(there, func(t named) bool { return t.name == n.name }) {
			continue
		}
		fresh = append(fresh, n.name)
		if n.typ == u.CType {
			alike = append(alike, n.name)
		}
	}
	if near := tpinfo.Near(last, fresh, 1, false); len(near) > 0 {
		return near, nil
	}
	// A number may be anything; a pointer to the same is the same.
	if len(alike) == 1 && strings.HasSuffix(u.CType, "*") {
		return alike, nil
	}
	return nil, nil
}

// named is a part of an event or a type.
type named struct{ name, typ string }

// values are an event's arguments, or the fields of its record.
func values(ctx context.Context, meta check.Metadata, event string, record bool) ([]named, error) {
	e, err := meta.Event(ctx, event)
	var missing points.NotFound
	var several points.Ambiguous
	if errors.As(err, &missing) || errors.As(err, &several) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var out []named
	if !record {
		for i := range e.Args {
			out = append(out, named{e.Args[i].Name, e.Args[i].Type})
		}
		return out, nil
	}
	if e.Record != nil {
		for i := range e.Record.Fields {
			out = append(out, named{e.Record.Fields[i].Name, e.Record.Fields[i].Type})
		}
	}
	return out, nil
}

// members are those of a struct, with those of unnamed structs in it.
func members(ctx context.Context, meta check.Metadata, typeName string) ([]named, error) {
	t, err := meta.TypeIfKnown(ctx, typeName)
	if t == nil || err != nil {
		return nil, err
	}
	if t.Anon != nil {
		t = t.Anon
	}
	return unnamed(nil, t, 0), nil
}

// maxDepth bounds how deep unnamed structs nest.
const maxDepth = 64

func unnamed(out []named, t *tpinfo.Type, depth int) []named {
	for i := range t.Members {
		m := &t.Members[i]
		switch {
		case m.Name != "":
			out = append(out, named{m.Name, m.Type})
		case m.Anon != nil && depth < maxDepth:
			out = unnamed(out, m.Anon, depth+1)
		}
	}
	return out
}

// eventFix is what would help where an event is missing: one that hands out the
// same under a near name, or to do without.
func (c *compiled) eventFix(ctx context.Context, base *compiled, p point) (string, error) {
	name, _, _ := strings.Cut(p.name, ".")
	_, err := c.meta.Event(ctx, name)
	var missing points.NotFound
	if !errors.As(err, &missing) {
		return "", ignoreNames(err)
	}
	old, err := base.meta.Event(ctx, name)
	if err != nil {
		return "", ignoreNames(err)
	}
	for _, near := range missing.Suggestions() {
		e, err := c.meta.Event(ctx, near)
		if err != nil {
			if err = ignoreNames(err); err != nil {
				return "", err
			}
			continue
		}
		same := len(old.Args) > 0 && slices.EqualFunc(e.Args, old.Args, func(a, b tpinfo.Arg) bool { return a.Name == b.Name && a.Type == b.Type })
		if same {
			return fmt.Sprintf("here it is perhaps %s, with the same arguments: write kernel.trace(%q)!, kernel.trace(%q)", near, name, near), nil
		}
	}
	if near := missing.Suggestions(); len(near) > 0 {
		return fmt.Sprintf("did you mean %q? %s", near[0], without(p)), nil
	}
	return without(p), nil
}

// without is how a script does without an event.
func without(p point) string {
	event, record := strings.CutSuffix(p.name, ".record")
	if record {
		return fmt.Sprintf("where it may be missing, write kernel.trace(%q).record?", event)
	}
	return fmt.Sprintf("where it may be missing, write kernel.trace(%q)?", event)
}

// ignoreNames lets through what is not about a name.
func ignoreNames(err error) error {
	var missing points.NotFound
	var several points.Ambiguous
	if errors.As(err, &missing) || errors.As(err, &several) {
		return nil
	}
	return err
}
