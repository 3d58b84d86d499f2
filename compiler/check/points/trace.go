package points

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
func (r *Resolver) trace(pt *syntax.Point) ([]*Handler, error) {
	list := pt.Components
	const form = `as in kernel.trace("sched:sched_switch"); tpinfo list shows the events`
	refuse := func(what string) ([]*Handler, error) {
		if !pt.Optional && !pt.Sufficient {
			r.badPoint(pt, form, what)
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
	events, err := r.events(name.Text)
	if err != nil {
		return nil, err
	}
	var found []*Handler
	for i := range events {
		e := &events[i]
		if record && isGlob(name.Text) && (e.Record == nil || e.System == "") {
			continue // it is not what the glob is about
		}
		h := r.newHandler(pt, ir.RawTracepoint)
		h.Event = e
		h.Probe.System, h.Probe.Event = e.System, e.Name
		h.Probe.Optional = isGlob(name.Text) || pt.Optional || pt.Sufficient
		h.Probe.Point = "kernel.trace(" + strconv.Quote(e.FullName()) + ")"
		if record || onlyRecord(e) {
			h.Probe.Kind = ir.Tracepoint
			h.Probe.Point += ".record"
		}
		h.Name = h.Probe.Point
		found = append(found, h)
	}
	return found, nil
}

// events finds those that a name or a glob stands for. A source that does not
// know systems leaves them empty; such an event is found by its name alone.
func (r *Resolver) events(name string) ([]tpinfo.Tracepoint, error) {
	if isGlob(name) {
		if _, err := path.Match(name, ""); err != nil {
			return nil, badGlob{}
		}
		all, err := r.meta.Events(r.ctx, name)
		if err != nil {
			return nil, err
		}
		own, err := built(all)
		return tracepoints(own), err
	}
	e, err := r.meta.Event(r.ctx, name)
	var missing NotFound
	if _, bare, qualified := strings.Cut(name, ":"); qualified && errors.As(err, &missing) {
		if other, err := r.meta.Event(r.ctx, bare); err == nil && other.System == "" {
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
	return "no event " + a.event.FullName() + Because(a.event, tpinfo.NotBuilt, "")
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
