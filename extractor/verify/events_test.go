package verify

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tpinfo/tpinfo"
)

// event is sched:sched_switch of 6.1 as headers tell it; change alters it.
func event(change ...func(*tpinfo.Tracepoint)) tpinfo.Tracepoint {
	t := tpinfo.Tracepoint{
		System: "sched", Name: "sched_switch", Class: "sched_switch", Source: tpinfo.FromDWARF,
		Args: []tpinfo.Arg{
			{Name: "preempt", Type: "bool", Offset: 0, Size: 1},
			{Name: "prev", Type: "struct task_struct *", Offset: 8, Size: 8},
			{Name: "state", Type: "int", Offset: 16, Size: 4, Signed: true},
		},
		Record: &tpinfo.Record{Size: 32, Fields: []tpinfo.Field{
			{Name: "common_pid", Type: "int", Offset: 4, Size: 4, Signed: true},
			{Name: "comm", Type: "char[16]", Offset: 8, Size: 16},
			{Name: "msg", Type: "char[]", Offset: 24, Size: 4, Location: tpinfo.DataLoc},
		}},
	}
	for _, f := range change {
		f(&t)
	}
	return t
}

func arg(n int, change func(*tpinfo.Arg)) func(*tpinfo.Tracepoint) {
	return func(t *tpinfo.Tracepoint) { change(&t.Args[n]) }
}

// fromBTF is what BTF says of an event: no system.
func fromBTF(t *tpinfo.Tracepoint) { t.System, t.Source = "", tpinfo.FromBTF }

func named(system, name string) func(*tpinfo.Tracepoint) {
	return func(t *tpinfo.Tracepoint) { t.System, t.Name = system, name }
}

type events = []tpinfo.Tracepoint

func TestEventsDiffer(t *testing.T) {
	const subject = "sched:sched_switch"
	for _, c := range []struct {
		name   string
		oracle func(*tpinfo.Tracepoint)
		limits Limits
		want   []Disagreement
	}{
		{name: "nothing", oracle: func(*tpinfo.Tracepoint) {}},
		{name: "number", oracle: func(t *tpinfo.Tracepoint) { t.Args = t.Args[:2] },
			want: []Disagreement{{subject, "number of arguments", "3", "2", ""}}},
		{name: "name", oracle: arg(1, func(a *tpinfo.Arg) { a.Name = "p" }),
			want: []Disagreement{{subject, "argument 2 (prev): name", "prev", "p", ""}}},
		// BTF before 5.10 has no names; that is not a difference.
		{name: "unknown name", oracle: arg(1, func(a *tpinfo.Arg) { a.Name = "" })},
		{name: "type", oracle: arg(1, func(a *tpinfo.Arg) { a.Type = "struct cred *" }),
			want: []Disagreement{{subject, "argument 2 (prev): type", "struct task_struct *", "struct cred *", ""}}},
		{name: "offset", oracle: arg(2, func(a *tpinfo.Arg) { a.Offset = 12 }),
			want: []Disagreement{{subject, "argument 3 (state): offset", "16", "12", ""}}},
		{name: "unknown offset", oracle: arg(2, func(a *tpinfo.Arg) { a.Offset = tpinfo.Unknown })},
		{name: "size", oracle: arg(0, func(a *tpinfo.Arg) { a.Size = 4 }),
			want: []Disagreement{{subject, "argument 1 (preempt): size", "1", "4", ""}}},
		{name: "sign", oracle: arg(2, func(a *tpinfo.Arg) { a.Signed = false }),
			want: []Disagreement{{subject, "argument 3 (state): signed", "true", "false", ""}}},
		// Whether a value of unknown size has a sign nobody can say.
		{name: "unknown size", oracle: arg(2, func(a *tpinfo.Arg) { a.Size, a.Signed = tpinfo.Unknown, false })},
		{name: "arguments unknown", oracle: func(t *tpinfo.Tracepoint) { t.Args = nil }},
		{name: "several", oracle: func(t *tpinfo.Tracepoint) {
			t.Args[0].Name, t.Args[0].Size, t.Args[2].Type = "p", 8, "long"
		}, want: []Disagreement{
			{subject, "argument 1 (preempt): name", "preempt", "p", ""},
			{subject, "argument 1 (preempt): size", "1", "8", ""},
			{subject, "argument 3 (state): type", "int", "long", ""},
		}},
		// The limits excuse chars and enums, and nothing else.
		{name: "sign of int with limits", oracle: arg(2, func(a *tpinfo.Arg) { a.Signed = false }),
			limits: Limits{CharSign: true, EnumSign: true},
			want:   []Disagreement{{subject, "argument 3 (state): signed", "true", "false", ""}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			for side, run := range map[string]func() *Report{
				"with systems":    func() *Report { return Events(events{event()}, events{event(c.oracle)}, c.limits) },
				"without systems": func() *Report { return Events(events{event()}, events{event(c.oracle, fromBTF)}, c.limits) },
			} {
				want := &Report{Compared: 1, Disagreements: c.want}
				if len(c.want) == 0 {
					want.Agreed = 1
				}
				if c.name == "arguments unknown" {
					want = &Report{}
				}
				if diff := cmp.Diff(want, run()); diff != "" {
					t.Errorf("%s, -want +got:\n%s", side, diff)
				}
			}
		})
	}
}

// What one side does not know is no difference, whichever side it is.
func TestEventsUnknownOnEitherSide(t *testing.T) {
	for name, unknown := range map[string]func(*tpinfo.Tracepoint){
		"name":   arg(0, func(a *tpinfo.Arg) { a.Name = "" }),
		"offset": arg(0, func(a *tpinfo.Arg) { a.Offset = tpinfo.Unknown }),
		"size":   arg(2, func(a *tpinfo.Arg) { a.Size, a.Signed = tpinfo.Unknown, false }),
		"system": func(t *tpinfo.Tracepoint) { t.System = "" },
	} {
		for _, pair := range [][2]events{{{event()}, {event(unknown)}}, {{event(unknown)}, {event()}}} {
			r := Events(pair[0], pair[1], Limits{})
			if diff := cmp.Diff(&Report{Compared: 1, Agreed: 1}, r); diff != "" {
				t.Errorf("%s, -want +got:\n%s", name, diff)
			}
		}
	}
}

func TestEventsSignExplained(t *testing.T) {
	for _, c := range []struct {
		spelling string
		limits   Limits
		why      string
	}{
		{"char", Limits{CharSign: true}, noCharSign},
		{"const char", Limits{CharSign: true}, noCharSign},
		{"char", Limits{EnumSign: true}, ""},
		{"char", Limits{}, ""},
		{"signed char", Limits{CharSign: true}, ""},
		{"enum hrtimer_mode", Limits{EnumSign: true}, noEnumSign},
		{"enum hrtimer_mode", Limits{CharSign: true}, ""},
		{"enum {A}", Limits{EnumSign: true}, noEnumSign},
		{"no type at [all", Limits{CharSign: true, EnumSign: true}, ""},
	} {
		have := event(arg(2, func(a *tpinfo.Arg) { a.Type = c.spelling }))
		oracle := event(arg(2, func(a *tpinfo.Arg) { a.Type, a.Signed = c.spelling, false }))
		r := Events(events{have}, events{oracle}, c.limits)
		want := &Report{Compared: 1, Disagreements: []Disagreement{
			{"sched:sched_switch", "argument 3 (state): signed", "true", "false", c.why},
		}}
		unexplained := 1
		if c.why != "" {
			want.Agreed, unexplained = 1, 0
		}
		if diff := cmp.Diff(want, r); diff != "" {
			t.Errorf("%s with %+v, -want +got:\n%s", c.spelling, c.limits, diff)
		}
		if r.Unexplained() != unexplained {
			t.Errorf("%s with %+v: %d unexplained, want %d", c.spelling, c.limits, r.Unexplained(), unexplained)
		}
	}
}

func TestEventsMatched(t *testing.T) {
	a := func(system, name string) tpinfo.Tracepoint { return event(named(system, name)) }
	wrong := arg(0, func(a *tpinfo.Arg) { a.Size = 2 })
	for _, c := range []struct {
		name         string
		have, oracle events
		want         *Report
	}{
		{"only on one side, sorted",
			events{a("b", "two"), a("a", "one"), a("x", "both")}, events{a("x", "both"), a("", "z"), a("c", "y")},
			&Report{Compared: 1, Agreed: 1, OnlyHave: []string{"a:one", "b:two"}, OnlyOracle: []string{"c:y", "z"}}},
		{"another system's event of that name",
			events{a("a", "one")}, events{a("b", "one")},
			&Report{OnlyHave: []string{"a:one"}, OnlyOracle: []string{"b:one"}}},
		// Each is compared with its own namesake, not with the last one.
		{"two systems with one name",
			events{event(named("a", "one"), wrong), a("b", "one")}, events{a("b", "one"), event(named("a", "one"), wrong)},
			&Report{Compared: 2, Agreed: 2}},
		{"two systems with one name, known to one side",
			events{a("a", "one")}, events{a("b", "one"), a("a", "one")},
			&Report{Compared: 1, Agreed: 1, OnlyOracle: []string{"b:one"}}},
		{"an oracle without systems", events{a("a", "one"), a("b", "one")}, events{a("", "one")},
			&Report{Compared: 2, Agreed: 2}},
		{"nothing", nil, nil, &Report{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, Events(c.have, c.oracle, Limits{})); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestDisagreementsSorted(t *testing.T) {
	var have, oracle events
	for _, name := range []string{"c", "a", "b"} {
		have = append(have, event(named("s", name)))
		oracle = append(oracle, event(named("s", name), arg(0, func(a *tpinfo.Arg) { a.Name, a.Size = "p", 2 })))
	}
	var got []string
	for _, d := range Events(have, oracle, Limits{}).Disagreements {
		got = append(got, d.String())
	}
	var want []string
	for _, name := range []string{"a", "b", "c"} {
		want = append(want,
			"s:"+name+": argument 1 (preempt): name: preempt, the other source says p",
			"s:"+name+": argument 1 (preempt): size: 1, the other source says 2")
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	d := Disagreement{"s:a", "x", "1", "2", noCharSign}
	if got, want := d.String(), "s:a: x: 1, the other source says 2 ("+noCharSign+")"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
