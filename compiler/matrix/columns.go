package matrix

import (
	"slices"

	"github.com/tpinfo/tpinfo/compiler/diag"
	"github.com/tpinfo/tpinfo/compiler/syntax"
)

// Column is one probe point of the script that is on events.
type Column struct {
	Point string // "sched:sched_switch", as the script has it
	Line  int
	point
}

// point is a probe point of a tree and the text that its handler comes from.
type point struct {
	name string
	at   diag.Span
	body diag.Span
	// optional: the script says that the probe can be without it, by "?", by
	// "!", or by a "!" in front of it.
	optional bool
}

// pointsOf are the points of probes and aliases that are on events.
func pointsOf(f *syntax.File) []point {
	var out []point
	add := func(points []*syntax.Point, body *syntax.Block) {
		alternative := false
		for _, p := range points {
			alternative = alternative || p.Sufficient
			name := eventOf(p)
			if name == "" || body == nil {
				continue
			}
			out = append(out, point{name: name, at: p.Span, body: body.Span, optional: p.Optional || alternative})
		}
	}
	for _, a := range f.Aliases {
		add(a.Points, a.Body)
	}
	for _, p := range f.Probes {
		add(p.Points, p.Body)
	}
	return out
}

// eventOf is the event or pattern in kernel.trace("…"); empty for other points.
func eventOf(p *syntax.Point) string {
	if len(p.Components) < 2 || p.Components[0].Name != "kernel" || p.Components[1].Name != "trace" {
		return ""
	}
	lit, ok := p.Components[1].Arg.(*syntax.StringLit)
	if !ok {
		return ""
	}
	name := lit.Text
	if len(p.Components) > 2 {
		name += "." + p.Components[2].Name
	}
	return name
}

// columns joins the points that the kernels' trees have, in the order of the
// script.
func columns(src *diag.Source, all []*compiled) []Column {
	var cols []Column
	seen := map[diag.Span]bool{}
	for _, c := range all {
		for _, p := range c.points {
			if !seen[p.at] {
				seen[p.at] = true
				line, _ := src.Place(p.at.Start)
				cols = append(cols, Column{Point: p.name, Line: line, point: p})
			}
		}
	}
	slices.SortFunc(cols, func(a, b Column) int { return a.at.Start - b.at.Start })
	return cols
}

// in reports whether a tree has the point.
func (c *Column) in(points []point) bool {
	return slices.ContainsFunc(points, func(p point) bool { return p.at == c.at })
}

// covers reports whether a part of the script is the point or in its handler.
func (c *Column) covers(s diag.Span) bool {
	return c.at.Start <= s.Start && s.End <= c.at.End || c.body.Start <= s.Start && s.End <= c.body.End
}
