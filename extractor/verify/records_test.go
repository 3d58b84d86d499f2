package verify

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tpinfo/tpinfo"
)

func field(n int, change func(*tpinfo.Field)) func(*tpinfo.Tracepoint) {
	return func(t *tpinfo.Tracepoint) { change(&t.Record.Fields[n]) }
}

func noRecord(t *tpinfo.Tracepoint) { t.Record = nil }

func TestRecordsDiffer(t *testing.T) {
	const subject = "sched:sched_switch"
	for _, c := range []struct {
		name         string
		have, oracle func(*tpinfo.Tracepoint)
		limits       Limits
		want         []Disagreement
	}{
		{name: "nothing"},
		{name: "size", oracle: func(t *tpinfo.Tracepoint) { t.Record.Size = 40 },
			want: []Disagreement{{subject, "record: size", "32", "40", ""}}},
		// A format file does not tell the record's size.
		{name: "unknown size", oracle: func(t *tpinfo.Tracepoint) { t.Record.Size = tpinfo.Unknown }},
		{name: "unknown size here", have: func(t *tpinfo.Tracepoint) { t.Record.Size = tpinfo.Unknown }},
		{name: "field absent", have: func(t *tpinfo.Tracepoint) { t.Record.Fields = t.Record.Fields[:2] },
			want: []Disagreement{{subject, "field msg", "absent", "present", ""}}},
		{name: "field present", oracle: func(t *tpinfo.Tracepoint) { t.Record.Fields = t.Record.Fields[1:] },
			want: []Disagreement{{subject, "field common_pid", "present", "absent", ""}}},
		// The order of fields says nothing that their offsets do not.
		{name: "order", oracle: func(t *tpinfo.Tracepoint) {
			f := t.Record.Fields
			f[0], f[2] = f[2], f[0]
		}},
		{name: "offset", oracle: field(1, func(f *tpinfo.Field) { f.Offset = 12 }),
			want: []Disagreement{{subject, "field comm: offset", "8", "12", ""}}},
		{name: "field's size", oracle: field(1, func(f *tpinfo.Field) { f.Size = 15 }),
			want: []Disagreement{{subject, "field comm: size", "16", "15", ""}}},
		{name: "location", oracle: field(2, func(f *tpinfo.Field) { f.Location = tpinfo.RelLoc }),
			want: []Disagreement{{subject, "field msg: location", "data", "rel", ""}}},
		{name: "sign", oracle: field(0, func(f *tpinfo.Field) { f.Signed = false }),
			want: []Disagreement{{subject, "field common_pid: signed", "true", "false", ""}}},
		{name: "sign of unknown type", oracle: field(0, func(f *tpinfo.Field) { f.Type, f.Signed = "", false })},
		{name: "unknown place", have: field(0, func(f *tpinfo.Field) {
			f.Offset, f.Size, f.Signed = tpinfo.Unknown, tpinfo.Unknown, false
		})},
		// amdgpu_vm_grab_id of 6.1 has such fields.
		{name: "two of one name", have: twice(8, 32), oracle: func(t *tpinfo.Tracepoint) {
			twice(8, 32)(t)
			f := t.Record.Fields
			slices.Reverse(f)
		}},
		{name: "two of one name, and one elsewhere", have: twice(8, 32), oracle: twice(8, 36),
			want: []Disagreement{{subject, "field comm: offset", "32", "36", ""}}},
		{name: "two of one name here", have: twice(8, 32),
			want: []Disagreement{{subject, "field comm", "present", "absent", ""}}},
		{name: "two of one name there", oracle: twice(8, 32),
			want: []Disagreement{{subject, "field comm", "absent", "present", ""}}},
		// Types are spelled from a macro's text in format files.
		{name: "type", oracle: field(0, func(f *tpinfo.Field) { f.Type = "pid_t" })},
		{name: "sign of char", oracle: field(1, func(f *tpinfo.Field) { f.Signed = true }), limits: Limits{CharSign: true},
			want: []Disagreement{{subject, "field comm: signed", "false", "true", noCharSign}}},
		{name: "sign of char, told", oracle: field(1, func(f *tpinfo.Field) { f.Signed = true }),
			want: []Disagreement{{subject, "field comm: signed", "false", "true", ""}}},
		{name: "no record here", have: noRecord,
			want: []Disagreement{{subject, "record", "none", "one", ""}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			have, oracle := event(), event()
			if c.have != nil {
				c.have(&have)
			}
			if c.oracle != nil {
				c.oracle(&oracle)
			}
			want := &Report{Compared: 1, Disagreements: c.want}
			got := Records(events{have}, events{oracle}, c.limits)
			if got.Unexplained() == 0 {
				want.Agreed = 1
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			explained := len(c.want) == 0 || c.want[0].Explained != ""
			if (got.Unexplained() == 0) != explained {
				t.Errorf("%d unexplained of %v", got.Unexplained(), got.Disagreements)
			}
		})
	}
}

func TestRecordsMatched(t *testing.T) {
	a := func(system, name string, change ...func(*tpinfo.Tracepoint)) tpinfo.Tracepoint {
		return event(append(change, named(system, name))...)
	}
	larger := func(t *tpinfo.Tracepoint) { t.Record.Size = 64 }
	for _, c := range []struct {
		name         string
		have, oracle events
		want         *Report
	}{
		{"only on one side, sorted",
			events{a("b", "two"), a("a", "one"), a("x", "both")}, events{a("x", "both"), a("z", "z"), a("c", "y")},
			&Report{Compared: 1, Agreed: 1, OnlyHave: []string{"a:one", "b:two"}, OnlyOracle: []string{"c:y", "z:z"}}},
		{"two systems with one name",
			events{a("a", "one", larger), a("b", "one")}, events{a("b", "one"), a("a", "one", larger)},
			&Report{Compared: 2, Agreed: 2}},
		{"a system that is not known here", events{a("", "one")}, events{a("s", "one")},
			&Report{Compared: 1, Agreed: 1}},
		// Which of two it is cannot be told, so nothing is compared.
		{"a system that is not known here, and two of the name", events{a("", "one")}, events{a("s", "one"), a("r", "one")},
			&Report{OnlyHave: []string{"one"}, OnlyOracle: []string{"r:one", "s:one"}}},
		{"a system that the oracle does not know", events{a("s", "one")}, events{a("", "one")},
			&Report{Compared: 1, Agreed: 1}},
		{"no records", events{a("s", "one", noRecord), a("s", "two", noRecord)}, events{a("s", "one", noRecord)},
			&Report{}},
		{"a record here alone", events{a("s", "one")}, events{a("s", "one", noRecord)},
			&Report{OnlyHave: []string{"s:one"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, Records(c.have, c.oracle, Limits{})); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// twice gives the record a second field that is called comm too, a string; the
// first is at offset at, the second at offset other.
func twice(at, other tpinfo.Bytes) func(*tpinfo.Tracepoint) {
	return func(t *tpinfo.Tracepoint) {
		t.Record.Fields[1].Offset = at
		t.Record.Fields = append(t.Record.Fields, tpinfo.Field{Name: "comm", Type: "char[]", Offset: other, Size: 4, Location: tpinfo.DataLoc})
	}
}
