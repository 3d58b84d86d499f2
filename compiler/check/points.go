package check

import (
	"cmp"
	"errors"
	"math"
	"path"
	"strings"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/compiler/diag"
	"github.com/tpinfo/tpinfo/compiler/ir"
	"github.com/tpinfo/tpinfo/compiler/syntax"
)

// handler is one probe of the program to be: a probe of the script at one of
// its points.
type handler struct {
	scope  *scope
	index  int // in the program
	probe  ir.Probe
	event  *tpinfo.Tracepoint
	bodies []*syntax.Block
	pn     string // the point as the script names it, an alias perhaps
	exits  bool   // oneshot
	at     diag.Span
}

// lower makes the body: those of aliases and the probe's own, one after
// another, in one scope.
func (h *handler) lower() *ir.Node {
	h.scope.begin()
	var parts []*ir.Node
	for _, b := range h.bodies {
		parts = append(parts, h.scope.statements(b.List)...)
		if len(parts) > 0 && ends(parts[len(parts)-1]) {
			break
		}
	}
	if h.exits && (len(parts) == 0 || !ends(parts[len(parts)-1])) {
		parts = append(parts, h.scope.node(ir.Exit, ir.Void, h.at))
	}
	return h.scope.node(ir.Block, ir.Void, h.at, parts...)
}

// maxHandlers bounds what globs and aliases make of a script; a kernel has
// about 3,000 events.
const maxHandlers = 20000

// expand makes the handlers of all probes.
func (c *checker) expand(f *syntax.File) {
	never := false
	for _, p := range f.Probes {
		for _, h := range c.expandPoints(p.Points, nil, 0) {
			if h.probe.Kind == "" {
				never = true
				continue
			}
			h.bodies = insertBody(h.bodies, p.Body)
			h.finishProbe(c)
			c.probes = append(c.probes, h)
		}
	}
	if len(c.probes) == 0 && !never && len(c.errs.Errors) == 0 && c.failed == nil {
		c.declarationError(diag.Span{}, `add one, as in probe kernel.trace("sched:sched_switch") { … }`, "the script has no probe that matches anything")
	}
}

// insertBody puts a probe's own body where the aliases' around it leave a nil.
func insertBody(bodies []*syntax.Block, own *syntax.Block) []*syntax.Block {
	out := make([]*syntax.Block, 0, len(bodies)+1)
	placed := false
	for _, b := range bodies {
		if b == nil {
			b, placed = own, true
		}
		out = append(out, b)
	}
	if !placed {
		out = append(out, own)
	}
	return out
}

// expandPoints resolves a list of points. aliases are the names being resolved.
func (c *checker) expandPoints(points []*syntax.Point, aliases []*syntax.Alias, depth int) []*handler {
	var all []*handler
	for _, pt := range points {
		found, err := c.expandPoint(pt, aliases, depth)
		var missing NotFound
		var several Ambiguous
		switch {
		case errors.As(err, &several):
			c.declarationError(pt.Span, "write one of "+strings.Join(several.Choices(), ", "), "several events have this name")
		case errors.As(err, &missing) && (pt.Optional || pt.Sufficient):
		case errors.As(err, &missing):
			c.declarationError(pt.Span, cmp.Or(meant(missing.Suggestions()), c.withoutSystem(pt)), "%s", c.noSuchEvent(missing, pt))
		case err != nil:
			c.fail(err)
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
func (c *checker) noSuchEvent(err NotFound, pt *syntax.Point) string {
	for _, comp := range pt.Components {
		if lit, ok := comp.Arg.(*syntax.StringLit); ok {
			why := ""
			var a absent
			if errors.As(err, &a) {
				why = because(a.event, tpinfo.NotBuilt, "")
			}
			return "kernel " + c.kernel.Release + " has no event \"" + lit.Text + "\"" + why
		}
	}
	return "there is no such probe point"
}

// withoutSystem is what to do about a system's name where systems are not known.
func (c *checker) withoutSystem(pt *syntax.Point) string {
	for _, comp := range pt.Components {
		if lit, ok := comp.Arg.(*syntax.StringLit); ok && c.kernel.Source == tpinfo.FromBTF {
			if system, _, qualified := strings.Cut(lit.Text, ":"); qualified {
				return "this kernel is known from BTF, which does not tell systems: match names alone, as in \"" + system + "_*\""
			}
		}
	}
	return ""
}

const maxAliases = 32

func (c *checker) expandPoint(pt *syntax.Point, within []*syntax.Alias, depth int) ([]*handler, error) {
	if c.handlers > maxHandlers {
		return nil, nil
	}
	if depth > maxAliases {
		c.declarationError(pt.Span, "", "aliases lead to each other without end")
		return nil, nil
	}
	var all []*handler
	matched := false
	for _, a := range c.aliases {
		for _, name := range a.Names {
			if !matchesAlias(pt, name) {
				continue
			}
			matched = true
			for _, outer := range within {
				if outer == a {
					c.declarationError(pt.Span, "", "alias %s is made of itself", spellPoint(name))
					return nil, nil
				}
			}
			found := c.expandPoints(a.Points, append(within[:len(within):len(within)], a), depth+1)
			for _, h := range found {
				h.wrap(a, spellPoint(name), pt.Span)
			}
			all = append(all, found...)
			break
		}
	}
	if matched || c.failed != nil {
		return all, nil
	}
	return c.resolve(pt)
}

// wrap puts an alias's body around what comes from outside: in front of it, or
// behind it for "+=".
func (h *handler) wrap(a *syntax.Alias, name string, at diag.Span) {
	h.pn, h.at = name, at
	own := []*syntax.Block{a.Body, nil}
	if a.Behind {
		own = []*syntax.Block{nil, a.Body}
	}
	if len(h.bodies) == 0 {
		h.bodies = own
		return
	}
	var out []*syntax.Block
	for _, b := range h.bodies {
		if b == nil {
			out = append(out, own...)
		} else {
			out = append(out, b)
		}
	}
	h.bodies = out
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
var pointKinds = map[string]func(*checker, *syntax.Point) ([]*handler, error){
	"begin":   (*checker).session,
	"end":     (*checker).session,
	"error":   (*checker).session,
	"init":    (*checker).session,
	"oneshot": (*checker).session,
	"never":   (*checker).session,
	"timer":   (*checker).timer,
	"perf":    (*checker).perf,
	"kernel":  (*checker).trace,
}

func (c *checker) resolve(pt *syntax.Point) ([]*handler, error) {
	first := pt.Components[0]
	if kind := pointKinds[first.Name]; kind != nil {
		return kind(c, pt)
	}
	names := make([]string, 0, len(pointKinds)+len(c.aliases))
	for name := range pointKinds {
		names = append(names, name)
	}
	for _, a := range c.aliases {
		for _, n := range a.Names {
			names = append(names, spellPoint(n))
		}
	}
	hint := didYouMean(spellPoint(pt), names)
	if hint == "" {
		hint = didYouMean(first.Name, names)
	}
	if hint == "" {
		hint = "there are kernel.trace, timer, perf, begin, end, error, and the script's aliases"
	}
	if !pt.Optional && !pt.Sufficient {
		c.declarationError(pt.Span, hint, "there is no probe point %s", spellPoint(pt))
	}
	return nil, nil
}

// newHandler makes a handler of a kind; its point is as the script says it
// unless it stands for more.
func (c *checker) newHandler(pt *syntax.Point, kind ir.ProbeKind) *handler {
	if c.handlers++; c.handlers == maxHandlers+1 {
		c.declarationError(pt.Span, "probe fewer events", "more than %d handlers", maxHandlers)
	}
	h := &handler{scope: newScope(c), at: pt.Span, pn: spellPoint(pt)}
	h.scope.handler = h
	h.probe = ir.Probe{Kind: kind, Point: spellPoint(pt)}
	h.probe.Line, h.probe.Column = c.place(pt.Span.Start)
	return h
}

// session is begin, end and their like: user space, in order of priority.
func (c *checker) session(pt *syntax.Point) ([]*handler, error) {
	first := pt.Components[0]
	if len(pt.Components) > 1 {
		c.badPoint(pt, "", "nothing stands behind "+first.Name)
		return nil, nil
	}
	number, ok := c.number(first)
	takes := first.Name == "begin" || first.Name == "end" || first.Name == "error"
	if first.Arg != nil && (!ok || !takes) {
		c.badPoint(pt, "as in begin(-5)", "a priority is a number, of begin, end and error")
		return nil, nil
	}
	kind := map[string]ir.ProbeKind{
		"begin": ir.Begin, "init": ir.Begin, "oneshot": ir.Begin, "end": ir.End, "error": ir.Error, "never": "",
	}[first.Name]
	h := c.newHandler(pt, kind)
	h.probe.Priority = number
	if first.Name == "init" {
		h.probe.Priority = math.MinInt64 // as SystemTap's tapset/init.stp has it
	}
	h.exits = first.Name == "oneshot"
	return []*handler{h}, nil
}

// number is a component's numeric argument.
func (c *checker) number(comp *syntax.Component) (int64, bool) {
	lit, ok := comp.Arg.(*syntax.NumberLit)
	if !ok {
		return 0, false
	}
	return lit.Value, true
}

func (c *checker) badPoint(pt *syntax.Point, hint, what string) {
	c.declarationError(pt.Span, hint, "%s: %s", spellPoint(pt), what)
}
