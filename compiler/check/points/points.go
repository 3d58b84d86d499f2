package points

import (
	"cmp"
	"context"
	"errors"
	"math"
	"path"
	"strings"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/compiler/diag"
	"github.com/tpinfo/tpinfo/compiler/ir"
	"github.com/tpinfo/tpinfo/compiler/syntax"
)

// maxHandlers bounds what globs and aliases make of a script; a kernel has
// about 3,000 events.
const maxHandlers = 20000

// Resolver makes handlers of a script's points. Names that lead nowhere are
// errors of the list that it was made with.
type Resolver struct {
	ctx     context.Context
	meta    Metadata
	kernel  tpinfo.Kernel
	aliases []*syntax.Alias
	lines   *diag.Lines
	errs    *diag.List
	failed  error // what meta could not do
	// handlers counts those made, for a bound.
	handlers int
}

// NewResolver makes a Resolver for a script; lines are those of its text.
func NewResolver(ctx context.Context, f *syntax.File, lines *diag.Lines, meta Metadata, errs *diag.List) *Resolver {
	return &Resolver{ctx: ctx, meta: meta, kernel: meta.Identity(), aliases: f.Aliases, lines: lines, errs: errs}
}

// Expand makes the handlers of all probes. The error is what kept meta from
// answering.
func (r *Resolver) Expand(f *syntax.File) ([]*Handler, error) {
	var all []*Handler
	never := false
	for _, p := range f.Probes {
		for _, h := range r.expandPoints(p.Points, nil, 0) {
			if h.Probe.Kind == "" {
				never = true
				continue
			}
			h.Bodies = insertBody(h.Bodies, p.Body)
			h.finish(r.errs)
			all = append(all, h)
		}
	}
	if len(all) == 0 && !never && len(r.errs.Errors) == 0 && r.failed == nil {
		r.errs.Add(diag.Span{}, `add one, as in probe kernel.trace("sched:sched_switch") { … }`, "the script has no probe that matches anything")
	}
	return all, r.failed
}

// End makes an end probe that the script did not write, with a body of one
// statement.
func (r *Resolver) End(at diag.Span, body syntax.Stmt) *Handler {
	h := r.newHandler(&syntax.Point{Span: at, Components: []*syntax.Component{{Span: at, Name: "end"}}}, ir.End)
	h.Bodies = []*syntax.Block{{Span: at, List: []syntax.Stmt{body}}}
	return h
}

// fail notes that the metadata could not answer: nothing more can be said.
func (r *Resolver) fail(err error) {
	if r.failed == nil {
		r.failed = err
	}
}

// expandPoints resolves a list of points. aliases are the names being resolved.
func (r *Resolver) expandPoints(points []*syntax.Point, aliases []*syntax.Alias, depth int) []*Handler {
	var all []*Handler
	for _, pt := range points {
		found, err := r.expandPoint(pt, aliases, depth)
		var missing NotFound
		var several Ambiguous
		switch {
		case errors.As(err, &several):
			r.errs.Add(pt.Span, "write one of "+strings.Join(several.Choices(), ", "), "several events have this name")
		case errors.As(err, &missing) && (pt.Optional || pt.Sufficient):
		case errors.As(err, &missing):
			r.errs.Add(pt.Span, cmp.Or(diag.Meant(missing.Suggestions()), r.withoutSystem(pt)), "%s", r.noSuchEvent(missing, pt))
		case err != nil:
			r.fail(err)
			return nil
		}
		all = append(all, found...)
		if pt.Sufficient && len(found) > 0 {
			break
		}
	}
	return all
}

// noSuchEvent is what a missing event is told as: Metadata's own words would
// repeat the hint.
func (r *Resolver) noSuchEvent(err NotFound, pt *syntax.Point) string {
	for _, comp := range pt.Components {
		if lit, ok := comp.Arg.(*syntax.StringLit); ok {
			why := ""
			var a absent
			if errors.As(err, &a) {
				why = Because(a.event, tpinfo.NotBuilt, "")
			}
			return "kernel " + r.kernel.Release + " has no event \"" + lit.Text + "\"" + why
		}
	}
	return "there is no such probe point"
}

// withoutSystem is what to do about a system's name where systems are not known.
func (r *Resolver) withoutSystem(pt *syntax.Point) string {
	for _, comp := range pt.Components {
		if lit, ok := comp.Arg.(*syntax.StringLit); ok && r.kernel.Source == tpinfo.FromBTF {
			if system, _, qualified := strings.Cut(lit.Text, ":"); qualified {
				return "this kernel is known from BTF, which does not tell systems: match names alone, as in \"" + system + "_*\""
			}
		}
	}
	return ""
}

const maxAliases = 32

func (r *Resolver) expandPoint(pt *syntax.Point, within []*syntax.Alias, depth int) ([]*Handler, error) {
	if r.handlers > maxHandlers {
		return nil, nil
	}
	if depth > maxAliases {
		r.errs.Add(pt.Span, "", "aliases lead to each other without end")
		return nil, nil
	}
	var all []*Handler
	matched := false
	for _, a := range r.aliases {
		for _, name := range a.Names {
			if !matchesAlias(pt, name) {
				continue
			}
			matched = true
			for _, outer := range within {
				if outer == a {
					r.errs.Add(pt.Span, "", "alias %s is made of itself", spellPoint(name))
					return nil, nil
				}
			}
			found := r.expandPoints(a.Points, append(within[:len(within):len(within)], a), depth+1)
			for _, h := range found {
				h.wrap(a, spellPoint(name), pt.Span)
			}
			all = append(all, found...)
			break
		}
	}
	if matched || r.failed != nil {
		return all, nil
	}
	return r.resolve(pt)
}

func matchesAlias(pt, alias *syntax.Point) bool {
	if len(pt.Components) != len(alias.Components) {
		return false
	}
	for i, want := range alias.Components {
		have := pt.Components[i]
		if spellArg(have) != spellArg(want) {
			return false
		}
		ok, err := path.Match(have.Name, want.Name)
		if err != nil || !ok {
			return false
		}
	}
	return true
}

func spellArg(comp *syntax.Component) string {
	switch arg := comp.Arg.(type) {
	case *syntax.StringLit:
		return `("` + arg.Text + `")`
	case *syntax.NumberLit:
		return "(" + arg.Text + ")"
	}
	return ""
}

func spellPoint(pt *syntax.Point) string {
	parts := make([]string, len(pt.Components))
	for i, comp := range pt.Components {
		parts[i] = comp.Name + spellArg(comp)
	}
	return strings.Join(parts, ".")
}

// pointKinds are the probe points by their first component.
var pointKinds = map[string]func(*Resolver, *syntax.Point) ([]*Handler, error){
	"begin":   (*Resolver).session,
	"end":     (*Resolver).session,
	"error":   (*Resolver).session,
	"init":    (*Resolver).session,
	"oneshot": (*Resolver).session,
	"never":   (*Resolver).session,
	"timer":   (*Resolver).timer,
	"perf":    (*Resolver).perf,
	"kernel":  (*Resolver).trace,
}

func (r *Resolver) resolve(pt *syntax.Point) ([]*Handler, error) {
	first := pt.Components[0]
	if kind := pointKinds[first.Name]; kind != nil {
		return kind(r, pt)
	}
	names := make([]string, 0, len(pointKinds)+len(r.aliases))
	for name := range pointKinds {
		names = append(names, name)
	}
	for _, a := range r.aliases {
		for _, n := range a.Names {
			names = append(names, spellPoint(n))
		}
	}
	hint := diag.DidYouMean(spellPoint(pt), names)
	if hint == "" {
		hint = diag.DidYouMean(first.Name, names)
	}
	if hint == "" {
		hint = "there are kernel.trace, timer, perf, begin, end, error, and the script's aliases"
	}
	if !pt.Optional && !pt.Sufficient {
		r.errs.Add(pt.Span, hint, "there is no probe point %s", spellPoint(pt))
	}
	return nil, nil
}

// newHandler makes a handler of a kind; its point is as the script says it
// unless it stands for more.
func (r *Resolver) newHandler(pt *syntax.Point, kind ir.ProbeKind) *Handler {
	if r.handlers++; r.handlers == maxHandlers+1 {
		r.errs.Add(pt.Span, "probe fewer events", "more than %d handlers", maxHandlers)
	}
	h := &Handler{At: pt.Span, Name: spellPoint(pt)}
	h.Probe = ir.Probe{Kind: kind, Point: spellPoint(pt)}
	h.Probe.Line, h.Probe.Column = r.lines.Place(pt.Span.Start)
	return h
}

// session is begin, end and their like: user space, in order of priority.
func (r *Resolver) session(pt *syntax.Point) ([]*Handler, error) {
	first := pt.Components[0]
	if len(pt.Components) > 1 {
		r.badPoint(pt, "", "nothing stands behind "+first.Name)
		return nil, nil
	}
	number, ok := r.number(first)
	takes := first.Name == "begin" || first.Name == "end" || first.Name == "error"
	if first.Arg != nil && (!ok || !takes) {
		r.badPoint(pt, "as in begin(-5)", "a priority is a number, of begin, end and error")
		return nil, nil
	}
	kind := map[string]ir.ProbeKind{
		"begin": ir.Begin, "init": ir.Begin, "oneshot": ir.Begin, "end": ir.End, "error": ir.Error, "never": "",
	}[first.Name]
	h := r.newHandler(pt, kind)
	h.Probe.Priority = number
	if first.Name == "init" {
		h.Probe.Priority = math.MinInt64 // as SystemTap's tapset/init.stp has it
	}
	h.Exits = first.Name == "oneshot"
	return []*Handler{h}, nil
}

// number is a component's numeric argument.
func (r *Resolver) number(comp *syntax.Component) (int64, bool) {
	lit, ok := comp.Arg.(*syntax.NumberLit)
	if !ok {
		return 0, false
	}
	return lit.Value, true
}

func (r *Resolver) badPoint(pt *syntax.Point, hint, what string) {
	r.errs.Add(pt.Span, hint, "%s: %s", spellPoint(pt), what)
}
