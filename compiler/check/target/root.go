package target

import (
	"strings"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/compiler/check/ctype"
	"github.com/tpinfo/tpinfo/compiler/check/points"
	"github.com/tpinfo/tpinfo/compiler/diag"
	"github.com/tpinfo/tpinfo/compiler/ir"
	"github.com/tpinfo/tpinfo/compiler/syntax"
)

// hiddenBytes at the start of a record are not for a program of a tracepoint:
// the kernel uses their place for a pointer (tp_prog_is_valid_access in
// kernel/trace/bpf_trace.c). They hold common_type, common_flags,
// common_preempt_count and common_pid.
const hiddenBytes = 8

// Root is what "$x" names: an argument of the event, or a field of its record.
func (s *Scope) Root(x *syntax.Target) (Target, bool) {
	name := strings.TrimPrefix(x.Text, "$")
	h := s.Handler
	switch {
	case strings.HasPrefix(name, "$"):
		s.Errorf(x.Span, "it is text: print it", "%s has no members", x.Text)
		return Target{}, false
	case h == nil:
		s.Errorf(x.Span, "pass it to the function", "%s stands in a function, and belongs to an event", x.Text)
		return Target{}, false
	case h.Event == nil:
		s.Errorf(x.Span, "only kernel.trace probes have arguments", "there is no %s in %s", x.Text, h.Probe.Point)
		return Target{}, false
	case h.Probe.Kind == ir.Tracepoint:
		return s.fieldTarget(h.Event, name, x)
	}
	return s.argumentTarget(h.Event, name, x)
}

// argumentTarget is an argument: the low-order bytes of a slot of the context.
func (s *Scope) argumentTarget(e *tpinfo.Tracepoint, name string, x *syntax.Target) (Target, bool) {
	a := points.Argument(e, name)
	if a == nil {
		s.noArgument(e, name, x)
		return Target{}, false
	}
	t := Target{Type: ctype.Parse(a.Type, nil), Slot: true, At: x.Span}
	if !a.Size.Known() || !a.Offset.Known() || t.Type == nil {
		s.Errorf(x.Span, "", "the size of argument %s of %s is not known%s", name, e.FullName(), points.Because(e, "", name))
		return t, false
	}
	switch a.Size {
	case 1, 2, 4, 8:
		t.mem = &ir.Mem{Size: int(a.Size), Signed: a.Signed}
	default:
		s.Errorf(x.Span, "", "argument %s of %s is %s of %s bytes: numbers and pointers are read", name, e.FullName(), a.Type, a.Size)
		return t, false
	}
	t.Off = int64(a.Offset)
	if s.Kernel.Identity.ByteOrder == tpinfo.BigEndian {
		t.Off += tpinfo.ArgSlot - int64(a.Size)
	}
	fact := ir.Fact{Event: e.Name, Member: name, Offset: int64(a.Offset), Size: int64(a.Size), CType: a.Type}
	s.Reads.Facts = append(s.Reads.Facts, fact)
	s.use(&t, fact, x.Span)
	return t, true
}

func (s *Scope) noArgument(e *tpinfo.Tracepoint, name string, x *syntax.Target) {
	if e.Args == nil {
		s.Errorf(x.Span, "", "the arguments of %s are not known%s", e.FullName(), points.Because(e, tpinfo.ArgsMissing, ""))
		return
	}
	args, fields := argumentNames(e), fieldNames(e)
	if points.Field(e, name) != nil {
		s.Errorf(x.Span, "take all from one of them", "$%s is a field of the record of %s, and other $ of this probe are arguments; arguments: %s; fields: %s",
			name, e.FullName(), strings.Join(args, " "), strings.Join(fields, " "))
		return
	}
	hint := diag.DidYouMean("$"+name, append(args, fields...))
	if hint == "" && len(args) > 0 {
		hint = "it has " + strings.Join(args, " ")
	}
	s.Errorf(x.Span, hint, "%s has no argument $%s", e.FullName(), name)
}

func argumentNames(e *tpinfo.Tracepoint) []string {
	var names []string
	for i := range e.Args {
		names = append(names, "$"+e.Args[i].Name)
	}
	return names
}

func fieldNames(e *tpinfo.Tracepoint) []string {
	var names []string
	if e.Record != nil {
		for i := range e.Record.Fields {
			names = append(names, "$"+e.Record.Fields[i].Name)
		}
	}
	return names
}

// fieldTarget is a field of the record. A character array or string is its
// address, as any array: kernel_string($f) reads it, and so it is in SystemTap.
func (s *Scope) fieldTarget(e *tpinfo.Tracepoint, name string, x *syntax.Target) (Target, bool) {
	f := points.Field(e, name)
	if f == nil {
		names := fieldNames(e)
		hint := diag.DidYouMean("$"+name, names)
		if hint == "" && len(names) > 0 {
			hint = "it has " + strings.Join(names, " ")
		}
		s.Errorf(x.Span, hint, "the record of %s has no field $%s", e.FullName(), name)
		return Target{}, false
	}
	t := Target{Type: ctype.Parse(f.Type, nil), At: x.Span}
	if !f.Size.Known() || !f.Offset.Known() || f.Type == "" || t.Type == nil {
		s.Errorf(x.Span, "", "where field %s of %s lies is not known%s", name, e.FullName(), points.Because(e, tpinfo.RecordMissing, name))
		return t, false
	}
	if f.Offset < hiddenBytes {
		hint := ""
		if name == "common_pid" {
			hint = "use tid()"
		}
		s.Errorf(x.Span, hint, "the kernel does not show field %s to probes", name)
		return t, false
	}
	t.Off = int64(f.Offset)
	switch f.Size {
	case 1, 2, 4, 8:
		t.mem = &ir.Mem{Size: int(f.Size), Signed: f.Signed}
	}
	fact := ir.Fact{Event: e.Name, Record: true, Member: name, Offset: int64(f.Offset), Size: int64(f.Size), CType: f.Type}
	s.Reads.Facts = append(s.Reads.Facts, fact)
	s.use(&t, fact, x.Span)
	if f.Location == tpinfo.InPlace {
		return t, true
	}
	// The field tells where the array lies, in its lower 16 bits: from the
	// start of the record, or from its own end.
	where := s.access(t, &ir.Mem{Size: 4, What: x.Text})
	where = s.Node(ir.And, ir.Long, x.Span, where, s.Num(0xffff, x.Span))
	from := int64(0)
	if f.Location == tpinfo.RelLoc {
		from = t.Off + int64(f.Size)
	}
	t.Base = s.Node(ir.Add, ir.Long, x.Span, s.Node(ir.Context, ir.Long, x.Span), where)
	t.Off, t.start, t.mem = from, from, nil
	return t, true
}

// Variables are what "$$vars" stands for: the event's arguments, or the fields
// of its record that a program sees.
func (s *Scope) Variables() []string {
	e := s.Handler.Event
	if s.Handler.Probe.Kind != ir.Tracepoint {
		return argumentNames(e)
	}
	var names []string
	if e.Record == nil {
		return nil // which is in error
	}
	for i := range e.Record.Fields {
		if f := &e.Record.Fields[i]; f.Offset >= hiddenBytes {
			names = append(names, "$"+f.Name)
		}
	}
	return names
}
