package points

import (
	"strings"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/compiler/diag"
	"github.com/tpinfo/tpinfo/compiler/ir"
	"github.com/tpinfo/tpinfo/compiler/syntax"
)

// Handler is one probe of the program to be: a probe of the script at one of
// its points.
type Handler struct {
	// Probe is what the point says; its body is still to be made.
	Probe ir.Probe
	// Event is what a kernel.trace point resolved to, nil for other kinds.
	Event *tpinfo.Tracepoint
	// Bodies run one after another in one scope: those of aliases and the
	// probe's own.
	Bodies []*syntax.Block
	Name   string // the point as the script names it, an alias perhaps
	Exits  bool   // oneshot: the script ends behind it
	At     diag.Span
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

// wrap puts an alias's body around what comes from outside: in front of it, or
// behind it for "+=".
func (h *Handler) wrap(a *syntax.Alias, name string, at diag.Span) {
	h.Name, h.At = name, at
	own := []*syntax.Block{a.Body, nil}
	if a.Behind {
		own = []*syntax.Block{nil, a.Body}
	}
	if len(h.Bodies) == 0 {
		h.Bodies = own
		return
	}
	var out []*syntax.Block
	for _, b := range h.Bodies {
		if b == nil {
			out = append(out, own...)
		} else {
			out = append(out, b)
		}
	}
	h.Bodies = out
}

// finish decides what depends on the body: which view of the event its
// "$" are about. A name that is no argument, where every name of the handler
// is a field, makes it the record, as scripts of SystemTap's early days expect.
func (h *Handler) finish(errs *diag.List) {
	if h.Event == nil {
		return
	}
	if h.Probe.Kind == ir.Tracepoint {
		h.needRecord(errs)
		return
	}
	foreign, fields := false, true
	for _, b := range h.Bodies {
		syntax.Walk(b, func(x syntax.Expr) {
			t, ok := x.(*syntax.Target)
			if !ok || strings.HasPrefix(t.Text, "$$") {
				return
			}
			name := strings.TrimPrefix(t.Text, "$")
			foreign = foreign || Argument(h.Event, name) == nil
			fields = fields && Field(h.Event, name) != nil
		})
	}
	if foreign && fields {
		h.Probe.Kind = ir.Tracepoint
		h.needRecord(errs)
	}
}

// needRecord refuses the record view of an event that cannot have it.
func (h *Handler) needRecord(errs *diag.List) {
	e := h.Event
	switch {
	case e.Record == nil:
		errs.Add(h.At, "leave .record away: its arguments can be read", "event %s has no record%s", e.FullName(), Because(e, tpinfo.RecordMissing, ""))
	case e.System == "":
		errs.Add(h.At, "", "the system of event %s is not known, and its record is found by it%s", e.Name, Because(e, tpinfo.SystemUnknown, ""))
	}
}
