package compare

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/tpinfo/tpinfo"
)

func side(release string, source tpinfo.Source, events ...tpinfo.Tracepoint) Side {
	return Side{Kernel: tpinfo.Kernel{Release: release, Arch: "x86", Source: source}, Events: events}
}

// say is what a comparison finds, a line a change.
func say(r *Result) []string {
	var out []string
	for i := range r.Changes {
		out = append(out, strings.TrimSpace(r.Changes[i].Event+" "+r.Changes[i].String()))
	}
	return out
}

func counts(r *Result) string {
	return fmt.Sprintf("%d the same, %d differ, %d added, %d removed, %d renamed, %d omitted", r.Same, r.Differ, r.Added, r.Removed, r.Renamed, r.Omitted)
}

func TestKernels(t *testing.T) {
	timer := []tpinfo.Arg{pointer("hrtimer", "struct hrtimer *", 0), arg("clockid", "clockid_t", 1, 4, true), arg("mode", "enum hrtimer_mode", 2, 4, false)}
	classed := func(name string) tpinfo.Tracepoint {
		e := tracepoint(name, nil, timer...)
		e.Class = "timer_class"
		return e
	}
	failed := side("6.1", tpinfo.FromDWARF)
	failed.Kernel.Problems = []tpinfo.Problem{{Code: tpinfo.HeaderFailed, Subject: "include/trace/events/sched.h"}}
	private := tracepoint("xfs:xfs_read", nil)
	private.Header = "fs/xfs/xfs_trace.h"
	arch := tracepoint("vectors:apic", nil)
	arch.Header = "arch/x86/include/asm/trace/vectors.h"
	for name, test := range map[string]struct {
		a, b   Side
		want   []string
		counts string
	}{
		"added and removed": {
			a:      side("5.10", tpinfo.FromDWARF, tracepoint("block:block_sleeprq", nil), tracepoint("sched:sched_switch", nil)),
			b:      side("6.1", tpinfo.FromDWARF, tracepoint("block:rq_error", nil), tracepoint("sched:sched_switch", nil)),
			want:   []string{"block:block_sleeprq removed", "block:rq_error added"},
			counts: "1 the same, 0 differ, 1 added, 1 removed, 0 renamed, 0 omitted",
		},
		"renamed": {
			a:      side("6.12", tpinfo.FromDWARF, tracepoint("timer:hrtimer_init", nil, timer...)),
			b:      side("6.18", tpinfo.FromDWARF, tracepoint("timer:far_away", nil), tracepoint("timer:hrtimer_setup", nil, timer...)),
			want:   []string{"timer:far_away added", "timer:hrtimer_init perhaps renamed timer:hrtimer_setup"},
			counts: "0 the same, 0 differ, 1 added, 0 removed, 1 renamed, 0 omitted",
		},
		"renamed, far from the name": {
			a:      side("6.12", tpinfo.FromDWARF, tracepoint("timer:hrtimer_init", nil, timer...)),
			b:      side("6.18", tpinfo.FromDWARF, tracepoint("timer:setup", nil, timer...)),
			want:   []string{"timer:hrtimer_init perhaps renamed timer:setup"},
			counts: "0 the same, 0 differ, 0 added, 0 removed, 1 renamed, 0 omitted",
		},
		"events of a class are alike": {
			a:      side("6.12", tpinfo.FromDWARF, classed("timer:alpha")),
			b:      side("6.18", tpinfo.FromDWARF, classed("timer:omega")),
			want:   []string{"timer:alpha removed", "timer:omega added"},
			counts: "0 the same, 0 differ, 1 added, 1 removed, 0 renamed, 0 omitted",
		},
		"in another system": {
			a:      side("6.1", tpinfo.FromDWARF, tracepoint("net:skb_copy", nil)),
			b:      side("6.2", tpinfo.FromDWARF, tracepoint("skb:skb_copy", nil)),
			want:   []string{"net:skb_copy perhaps renamed skb:skb_copy"},
			counts: "0 the same, 0 differ, 0 added, 0 removed, 1 renamed, 0 omitted",
		},
		"other values are another event": {
			a:      side("6.1", tpinfo.FromDWARF, tracepoint("timer:hrtimer_init", nil, timer...)),
			b:      side("6.2", tpinfo.FromDWARF, tracepoint("timer:hrtimer_setup", nil, timer[:2]...)),
			want:   []string{"timer:hrtimer_init removed", "timer:hrtimer_setup added"},
			counts: "0 the same, 0 differ, 1 added, 1 removed, 0 renamed, 0 omitted",
		},
		"an image tells no systems": {
			a:      side("6.1", tpinfo.FromDWARF, tracepoint("sched:sched_switch", nil), tracepoint("sched:gone", nil)),
			b:      side("6.2", tpinfo.FromBTF, tracepoint("come", nil), tracepoint("sched_switch", nil)),
			want:   []string{"come not known on one side: 6.1 was extracted without private headers, which --source adds", "sched:gone not known on one side: 6.2 is known from BTF, which has what the image and its modules at hand were built with"},
			counts: "1 the same, 0 differ, 0 added, 0 removed, 0 renamed, 2 omitted",
		},
		"images have what they have": {
			a:      side("6.1", tpinfo.FromBTF, tracepoint("gone", nil)),
			b:      side("6.2", tpinfo.FromBTF, tracepoint("come_by", nil)),
			want:   []string{"come_by added", "gone removed"},
			counts: "0 the same, 0 differ, 1 added, 1 removed, 0 renamed, 0 omitted",
		},
		"a header that failed": {
			a:      side("5.10", tpinfo.FromDWARF, tracepoint("sched:sched_switch", nil)),
			b:      failed,
			want:   []string{"sched:sched_switch not known on one side: 6.1 could not compile include/trace/events/sched.h"},
			counts: "0 the same, 0 differ, 0 added, 0 removed, 0 renamed, 1 omitted",
		},
		"private headers": {
			a:      side("5.10", tpinfo.FromDWARF, tracepoint("syscalls:sys_enter_read", nil), arch, private),
			b:      side("6.1", tpinfo.FromDWARF),
			want:   []string{"syscalls:sys_enter_read not known on one side: 6.1 was extracted without the system calls, which --source adds", "vectors:apic removed", "xfs:xfs_read not known on one side: 6.1 was extracted without private headers, which --source adds"},
			counts: "0 the same, 0 differ, 0 added, 1 removed, 0 renamed, 2 omitted",
		},
		"system calls are no private headers": {
			a: side("5.10", tpinfo.FromDWARF, private),
			b: side("6.1", tpinfo.FromDWARF, func() tpinfo.Tracepoint {
				e := tracepoint("syscalls:sys_enter_read", nil)
				e.Header = "fs/read_write.c"
				return e
			}()),
			want: []string{
				"syscalls:sys_enter_read not known on one side: 5.10 was extracted without the system calls, which --source adds",
				"xfs:xfs_read not known on one side: 6.1 was extracted without private headers, which --source adds",
			},
			counts: "0 the same, 0 differ, 0 added, 0 removed, 0 renamed, 2 omitted",
		},
		"private headers on both sides": {
			a:      side("5.10", tpinfo.FromDWARF, private),
			b:      side("6.1", tpinfo.FromDWARF, func() tpinfo.Tracepoint { e := private; e.Name = "other"; return e }()),
			want:   []string{"xfs:other added", "xfs:xfs_read removed"},
			counts: "0 the same, 0 differ, 1 added, 1 removed, 0 renamed, 0 omitted",
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := Kernels(test.a, test.b, nil)
			if got := say(r); !slices.Equal(got, test.want) {
				t.Errorf("it says\n  %s\nwant\n  %s", strings.Join(got, "\n  "), strings.Join(test.want, "\n  "))
			}
			if got := counts(r); got != test.counts {
				t.Errorf("counts: %s, want %s", got, test.counts)
			}
		})
	}
}

// What every record begins with is told once.
func TestCommonPart(t *testing.T) {
	front := []tpinfo.Field{field("common_type", "unsigned short", 0, 2, false)}
	more := append(slices.Clone(front), field("common_lazy", "unsigned char", 4, 1, false))
	with := func(front []tpinfo.Field, name string, at int) tpinfo.Tracepoint {
		return tracepoint(name, record(at+4, append(slices.Clone(front), field("x", "int", at, 4, true))...))
	}
	a := side("6.1-amd64", tpinfo.FromDWARF, with(front, "s:a", 4), with(front, "s:b", 4))
	b := side("6.1-rt", tpinfo.FromDWARF, with(more, "s:a", 8), with(more, "s:b", 8))
	r := Kernels(a, b, nil)
	want := []string{
		"field common_lazy added (unsigned char, 1 byte at 4)",
		"s:a record grew from 8 to 12 bytes", "s:a field x moved from 4 to 8",
		"s:b record grew from 8 to 12 bytes", "s:b field x moved from 4 to 8",
	}
	if got := say(r); !slices.Equal(got, want) {
		t.Errorf("it says %q, want %q", got, want)
	}
	for i := range r.Changes {
		if c := &r.Changes[i]; c.Shifted != (c.Event != "") {
			t.Errorf("%s %s: shifted is %v", c.Event, c, c.Shifted)
		}
	}
}

// Only what matches is told, and both names of an event with a new one match.
func TestKernelsMatch(t *testing.T) {
	a := side("1", tpinfo.FromDWARF, tracepoint("a:old_name", nil), tracepoint("a:x", nil), tracepoint("b:y", nil))
	b := side("2", tpinfo.FromDWARF, tracepoint("a:old_names", nil), tracepoint("c:z", nil))
	for pattern, want := range map[string][]string{
		"old_name":  {"a:old_name perhaps renamed a:old_names"},
		"old_names": {"a:old_name perhaps renamed a:old_names"},
		"x":         {"a:x removed"}, "z": {"c:z added"}, "none": nil,
	} {
		r := Kernels(a, b, func(e *tpinfo.Tracepoint) bool { return e.Name == pattern })
		if got := say(r); !slices.Equal(got, want) {
			t.Errorf("%s: it says %q, want %q", pattern, got, want)
		}
	}
}

// The JSON form, which stays stable.
func TestChangeJSON(t *testing.T) {
	a := tracepoint("sched:sched_switch", nil, arg("state", "long", 0, 8, true))
	b := tracepoint("sched:sched_switch", nil, arg("state", "unsigned int", 0, 4, false), arg("n", "secret_t", 1, -1, false))
	var got []string
	for _, c := range Event(&a, &b, Limits{}) {
		text, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, string(text))
	}
	want := []string{
		`{"part":"argument","how":["retyped","resized","resigned"],"event":"sched:sched_switch","type":"","name":"state",` +
			`"before":{"name":"state","type":"long","offset":0,"size":8,"signed":true},"after":{"name":"state","type":"unsigned int","offset":0,"size":4,"signed":false},"shifted":false,"why":""}`,
		`{"part":"argument","how":["added"],"event":"sched:sched_switch","type":"","name":"n","before":null,` +
			`"after":{"name":"n","type":"secret_t","offset":8,"size":null,"signed":false},"shifted":false,"why":""}`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("it is\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
