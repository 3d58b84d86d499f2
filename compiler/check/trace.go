package check

import (
	"errors"
	"path"
	"strconv"
	"strings"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/compiler/ir"
	"github.com/tpinfo/tpinfo/compiler/syntax"
)

// trace is kernel.trace("system:name"), with globs, and ".record".
func (c *checker) trace(pt *syntax.Point) ([]*handler, error) {
	list := pt.Components
	const form = `as in kernel.trace("sched:sched_switch"); tpinfo list shows the events`
	refuse := func(what string) ([]*handler, error) {
		if !pt.Optional && !pt.Sufficient {
			c.badPoint(pt, form, what)
		}
		return nil, nil
	}
	if len(list) < 2 || list[0].Arg != nil {
		return refuse("which event is missing")
	}
	if list[1].Name != "trace" {
		return refuse("only tracepoints are probed, not " + spellPoint(&syntax.Point{Components: list[:2]}))
	}
	name, ok := list[1].Arg.(*syntax.StringLit)
	if !ok {
		return refuse("it takes an event's name")
	}
	record := len(list) == 3 && list[2].Name == "record" && list[2].Arg == nil
	if len(list) > 2 && !record {
		return refuse("only .record may stand behind it")
	}
	events, err := c.events(name.Text)
	if err != nil {
		return nil, err
	}
	var found []*handler
	for i := range events {
		e := &events[i]
		if record && isGlob(name.Text) && (e.Record == nil || e.System == "") {
			continue // it is not what the glob is about
		}
		h := c.newHandler(pt, ir.RawTracepoint)
		h.event = e
		h.probe.System, h.probe.Event = e.System, e.Name
		h.probe.Optional = isGlob(name.Text) || pt.Optional || pt.Sufficient
		h.probe.Point = "kernel.trace(" + strconv.Quote(e.FullName()) + ")"
		if record || onlyRecord(e) {
			h.probe.Kind = ir.Tracepoint
			h.probe.Point += ".record"
		}
		h.pn = h.probe.Point
		found = append(found, h)
	}
	return found, nil
}

// events finds those that a name or a glob stands for. A source that does not
// know systems leaves them empty; such an event is found by its name alone.
func (c *checker) events(name string) ([]tpinfo.Tracepoint, error) {
	if isGlob(name) {
		if _, err := path.Match(name, ""); err != nil {
			return nil, badGlob{}
		}
		all, err := c.meta.Events(c.ctx, name)
		if err != nil {
			return nil, err
		}
		own, err := built(all)
		return tracepoints(own), err
	}
	e, err := c.meta.Event(c.ctx, name)
	var missing NotFound
	if _, bare, qualified := strings.Cut(name, ":"); qualified && errors.As(err, &missing) {
		if other, err := c.meta.Event(c.ctx, bare); err == nil && other.System == "" {
			return []tpinfo.Tracepoint{*other}, nil
		}
	}
	if err != nil {
		return nil, err
	}
	return built([]tpinfo.Tracepoint{*e})
}

// built leaves out the events that the kernel knows how to define and does not
// have. Where nothing remains the first one's reason is the error.
func built(events []tpinfo.Tracepoint) ([]tpinfo.Tracepoint, error) {
	var own []tpinfo.Tracepoint
	for i := range events {
		if events[i].Built() {
			own = append(own, events[i])
		}
	}
	if len(own) == 0 && len(events) > 0 {
		return nil, absent{&events[0]}
	}
	return own, nil
}

// absent is a NotFound: an event that the kernel does not have, although its
// source defines it.
type absent struct{ event *tpinfo.Tracepoint }

func (a absent) Error() string {
	return "no event " + a.event.FullName() + because(a.event, tpinfo.NotBuilt, "")
}

func (absent) Suggestions() []string { return nil }

// tracepoints are those of a glob's events that are such. Where none is, the
// events that only have a record are what is meant: those of syscalls are made
// from sys_enter and sys_exit.
func tracepoints(events []tpinfo.Tracepoint) []tpinfo.Tracepoint {
	var own []tpinfo.Tracepoint
	for i := range events {
		if !onlyRecord(&events[i]) {
			own = append(own, events[i])
		}
	}
	if len(own) == 0 {
		return events
	}
	return own
}

// onlyRecord tells events that no tracepoint of their own stands behind, or of
// which nothing but a format file is known.
func onlyRecord(e *tpinfo.Tracepoint) bool {
	return e.RecordOnly() || e.Source == tpinfo.FromTracefs && e.Args == nil
}

func isGlob(name string) bool { return strings.ContainsAny(name, "*?[") }

// badGlob is a NotFound: a pattern that cannot match.
type badGlob struct{}

func (badGlob) Error() string         { return "the pattern is not one" }
func (badGlob) Suggestions() []string { return nil }

// finishProbe decides what depends on the body: which view of the event its
// "$" are about. A name that is no argument, where every name of the handler
// is a field, makes it the record, as scripts of SystemTap's early days expect.
func (h *handler) finishProbe(c *checker) {
	if h.event == nil {
		return
	}
	if h.probe.Kind == ir.Tracepoint {
		h.needRecord(c)
		return
	}
	foreign, fields := false, true
	for _, b := range h.bodies {
		walkStmt(b, func(x syntax.Expr) {
			t, ok := x.(*syntax.Target)
			if !ok || strings.HasPrefix(t.Text, "$$") {
				return
			}
			name := strings.TrimPrefix(t.Text, "$")
			foreign = foreign || argument(h.event, name) == nil
			fields = fields && field(h.event, name) != nil
		})
	}
	if foreign && fields {
		h.probe.Kind = ir.Tracepoint
		h.needRecord(c)
	}
}

// needRecord refuses the record view of an event that cannot have it.
func (h *handler) needRecord(c *checker) {
	e := h.event
	switch {
	case e.Record == nil:
		c.declarationError(h.at, "leave .record away: its arguments can be read", "event %s has no record%s", e.FullName(), because(e, tpinfo.RecordMissing, ""))
	case e.System == "":
		c.declarationError(h.at, "", "the system of event %s is not known, and its record is found by it%s", e.Name, because(e, tpinfo.SystemUnknown, ""))
	}
}

// because is the reason that the metadata gives for what is missing of an
// event, behind a colon; empty when it gives none.
func because(e *tpinfo.Tracepoint, code tpinfo.ProblemCode, subject string) string {
	for _, p := range e.Problems {
		if p.Code == code || subject != "" && p.Subject == subject {
			return ": " + p.String()
		}
	}
	return ""
}

func argument(e *tpinfo.Tracepoint, name string) *tpinfo.Arg {
	for i := range e.Args {
		if e.Args[i].Name == name {
			return &e.Args[i]
		}
	}
	return nil
}

func field(e *tpinfo.Tracepoint, name string) *tpinfo.Field {
	if e.Record == nil {
		return nil
	}
	for i := range e.Record.Fields {
		if e.Record.Fields[i].Name == name {
			return &e.Record.Fields[i]
		}
	}
	return nil
}

// maxProgramName is BPF_OBJ_NAME_LEN without its NUL (include/uapi/linux/bpf.h).
const maxProgramName = 15

// namePrograms names the eBPF programs after their events.
func (c *checker) namePrograms() {
	taken := map[string]bool{}
	for i := range c.prog.Probes {
		p := &c.prog.Probes[i]
		if !p.Kind.InKernel() {
			continue
		}
		base := p.Event
		if base == "" {
			base = "perf"
			if strings.HasPrefix(p.Point, "timer") {
				base = "profile"
			}
		}
		base = identifier(base)
		name := base[:min(len(base), maxProgramName)]
		for n := 2; taken[name]; n++ {
			suffix := "_" + strconv.Itoa(n)
			name = base[:min(len(base), maxProgramName-len(suffix))] + suffix
		}
		taken[name] = true
		p.Program = name
	}
}

// identifier makes a C identifier of a name.
func identifier(name string) string {
	out := []byte(name)
	for i, b := range out {
		letter := b == '_' || b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z'
		if !letter && (i == 0 || b < '0' || b > '9') {
			out[i] = '_'
		}
	}
	if len(out) == 0 {
		return "_"
	}
	return string(out)
}
