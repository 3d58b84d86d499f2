package compare

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/tpinfo/tpinfo"
)

func arg(name, typ string, index, size int, signed bool) tpinfo.Arg {
	return tpinfo.Arg{Name: name, Type: typ, Offset: tpinfo.Bytes(index) * tpinfo.ArgSlot, Size: tpinfo.Bytes(size), Signed: signed}
}

func pointer(name, typ string, index int) tpinfo.Arg { return arg(name, typ, index, 8, false) }

func field(name, typ string, offset, size int, signed bool) tpinfo.Field {
	return tpinfo.Field{Name: name, Type: typ, Offset: tpinfo.Bytes(offset), Size: tpinfo.Bytes(size), Signed: signed}
}

func record(size int, fields ...tpinfo.Field) *tpinfo.Record {
	return &tpinfo.Record{Size: tpinfo.Bytes(size), Fields: fields}
}

func tracepoint(name string, r *tpinfo.Record, args ...tpinfo.Arg) tpinfo.Tracepoint {
	system, bare, qualified := strings.Cut(name, ":")
	if !qualified {
		system, bare = "", name
	}
	if args == nil {
		args = []tpinfo.Arg{}
	}
	e := tpinfo.Tracepoint{System: system, Name: bare, Class: bare, Source: tpinfo.FromDWARF, Args: args, Record: r}
	if system != "" {
		e.Header = "include/trace/events/" + system + ".h"
	}
	return e
}

// The words that people read, for what happened to events of real kernels and
// to ones made for the case.
func TestEvent(t *testing.T) {
	unmeasured := tpinfo.Arg{Name: "a", Type: "secret_t", Offset: 0, Size: tpinfo.Unknown}
	missing := tracepoint("s:e", nil)
	missing.Problems = []tpinfo.Problem{{Code: tpinfo.RecordMissing}}
	noArgs := tracepoint("s:e", nil)
	noArgs.Args = nil
	moved := tracepoint("s:e", nil)
	moved.Header, moved.Class = "include/trace/events/t.h", "f"
	rel := record(12, tpinfo.Field{Name: "msg", Type: "char[]", Offset: 8, Size: 4, Location: tpinfo.RelLoc})
	loc := record(12, tpinfo.Field{Name: "msg", Type: "char[]", Offset: 8, Size: 4, Location: tpinfo.DataLoc})
	for name, test := range map[string]struct {
		a, b   tpinfo.Tracepoint
		limits Limits
		want   []string
	}{
		"nothing": {a: tracepoint("s:e", record(8), pointer("p", "struct page *", 0)), b: tracepoint("s:e", record(8), pointer("p", "struct page *", 0))},
		"an argument more": {
			a:    tracepoint("sched:sched_switch", nil, arg("preempt", "bool", 0, 1, false)),
			b:    tracepoint("sched:sched_switch", nil, arg("preempt", "bool", 0, 1, false), arg("prev_state", "unsigned int", 1, 4, false)),
			want: []string{"argument prev_state added (unsigned int, 2nd)"},
		},
		"an argument less": {
			a:    tracepoint("s:e", nil, pointer("q", "struct request_queue *", 0), pointer("rq", "struct request *", 1)),
			b:    tracepoint("s:e", nil, pointer("rq", "struct request *", 0)),
			want: []string{"argument q removed (struct request_queue *, 1st)", "argument rq moved from 2nd to 1st"},
		},
		"another type and size": {
			a:    tracepoint("s:e", nil, arg("error", "int", 0, 4, true)),
			b:    tracepoint("s:e", nil, arg("error", "blk_status_t", 0, 1, false)),
			want: []string{"argument error retyped from int to blk_status_t, resized from 4 bytes to 1 byte, now unsigned"},
		},
		"a typedef of another size": {
			a:    tracepoint("s:e", nil, arg("s", "sector_t", 0, 4, false)),
			b:    tracepoint("s:e", nil, arg("s", "sector_t", 0, 8, true)),
			want: []string{"argument s resized from 4 bytes to 8 bytes, now signed"},
		},
		"another name": {
			a:    tracepoint("s:e", nil, pointer("skb", "struct sk_buff *", 0)),
			b:    tracepoint("s:e", nil, pointer("skb__nullable", "struct sk_buff *", 0)),
			want: []string{"argument skb perhaps renamed skb__nullable"},
		},
		"one of several left over is no new name": {
			a:    tracepoint("s:e", nil, arg("abc", "int", 0, 4, true), arg("def", "int", 1, 4, true)),
			b:    tracepoint("s:e", nil, arg("xyz", "int", 0, 4, true), arg("uvw", "int", 1, 4, true)),
			want: []string{"argument abc removed (int, 1st)", "argument def removed (int, 2nd)", "argument xyz added (int, 1st)", "argument uvw added (int, 2nd)"},
		},
		"moved together": {
			a:    tracepoint("s:e", nil, arg("a", "int", 0, 4, true), arg("b", "int", 1, 4, true), arg("c", "int", 2, 4, true), arg("d", "int", 3, 4, true)),
			b:    tracepoint("s:e", nil, arg("b", "int", 0, 4, true), arg("c", "int", 1, 4, true), arg("d", "int", 2, 4, true)),
			want: []string{"argument a removed (int, 1st)", "arguments b to d (3) moved by -1"},
		},
		"a size that one side does not know": {
			a: tracepoint("s:e", nil, unmeasured), b: tracepoint("s:e", nil, arg("a", "secret_t", 0, 4, true)),
			want: []string{"argument a: size, place or type known on one side only"},
		},
		"a size not known, and another place": {
			a: tracepoint("s:e", nil, unmeasured), b: tracepoint("s:e", nil, arg("z", "int", 0, 4, true), arg("a", "secret_t", 1, 4, true)),
			want: []string{"argument z added (int, 1st)", "argument a moved from 1st to 2nd"},
		},
		"arguments not known": {
			a: noArgs, b: tracepoint("s:e", nil, arg("a", "int", 0, 4, true)),
			want: []string{"arguments known on one side only"},
		},
		"arguments known on neither side": {a: noArgs, b: noArgs},
		"class and header": {
			a: tracepoint("s:e", nil), b: moved,
			want: []string{"class e became f", "header include/trace/events/s.h became include/trace/events/t.h"},
		},
		"a record more":           {a: tracepoint("s:e", nil), b: tracepoint("s:e", record(16)), want: []string{"record added (16 bytes)"}},
		"a record less":           {a: tracepoint("s:e", record(16)), b: tracepoint("s:e", nil), want: []string{"record removed (16 bytes)"}},
		"a record perhaps":        {a: missing, b: tracepoint("s:e", record(16)), want: []string{"record: size, place or type known on one side only"}},
		"a record not measured":   {a: tracepoint("s:e", record(-1)), b: tracepoint("s:e", record(16, field("a", "int", 8, 4, true))), want: []string{"record: size, place or type known on one side only"}},
		"where the text lies":     {a: tracepoint("s:e", loc), b: tracepoint("s:e", rel), want: []string{"field msg now rel_loc, was data_loc"}},
		"text of another sign":    {a: tracepoint("s:e", record(24, field("comm", "char[16]", 8, 16, true))), b: tracepoint("s:e", record(24, field("comm", "char[16]", 8, 16, false)))},
		"a char of another sign":  {a: tracepoint("s:e", record(24, field("c", "char", 8, 1, true))), b: tracepoint("s:e", record(24, field("c", "char", 8, 1, false))), want: []string{"field c now unsigned"}},
		"a char that BTF has":     {a: tracepoint("s:e", record(24, field("c", "char", 8, 1, true))), b: tracepoint("s:e", record(24, field("c", "char", 8, 1, false))), limits: Limits{Signs: true}},
		"an enum that BTF has":    {a: tracepoint("s:e", nil, arg("m", "enum m", 0, 4, false)), b: tracepoint("s:e", nil, arg("m", "enum m", 0, 4, true)), limits: Limits{Signs: true}},
		"dimensions that BTF has": {a: tracepoint("s:e", record(32, field("g", "u32[2][3]", 8, 24, false))), b: tracepoint("s:e", record(32, field("g", "u32[6]", 8, 24, false))), limits: Limits{Dimensions: true}},
		"dimensions": {
			a: tracepoint("s:e", record(32, field("g", "u32[2][3]", 8, 24, false))), b: tracepoint("s:e", record(32, field("g", "u32[6]", 8, 24, false))),
			want: []string{"field g retyped from u32[2][3] to u32[6]"},
		},
		"a field whose type is not known": {
			a: tracepoint("s:e", record(16, field("g", "", 8, 4, false))), b: tracepoint("s:e", record(16, field("g", "u32", 8, 4, false))),
			want: []string{"field g: size, place or type known on one side only"},
		},
		"no system, no header": {a: tracepoint("s:e", nil), b: tracepoint("e", nil)},
	} {
		t.Run(name, func(t *testing.T) {
			found := Event(&test.a, &test.b, test.limits)
			if got := Lines(found); !slices.Equal(got, test.want) {
				t.Errorf("it says\n  %s\nwant\n  %s", strings.Join(got, "\n  "), strings.Join(test.want, "\n  "))
			}
			for _, c := range found {
				if c.Event != "s:e" && c.Event != "sched:sched_switch" {
					t.Errorf("%v is about event %q", c, c.Event)
				}
			}
		})
	}
}

// What all records begin with moves what is behind it, and only that.
func TestShifted(t *testing.T) {
	common := []tpinfo.Field{field("common_type", "unsigned short", 0, 2, false), field("common_pid", "int", 4, 4, true)}
	larger := append(slices.Clone(common), field("common_preempt_lazy_count", "unsigned char", 8, 1, false))
	with := func(front []tpinfo.Field, size int, fields ...tpinfo.Field) tpinfo.Tracepoint {
		return tracepoint("s:e", record(size, append(slices.Clone(front), fields...)...))
	}
	a := with(common, 16, field("x", "int", 8, 4, true), field("y", "int", 12, 4, true))
	for name, test := range map[string]struct {
		b    tpinfo.Tracepoint
		want string // which are shifted
	}{
		"only that":       {with(larger, 24, field("x", "int", 12, 4, true), field("y", "int", 16, 4, true)), "record field x field y"},
		"another order":   {with(larger, 24, field("y", "int", 12, 4, true), field("x", "int", 16, 4, true)), ""},
		"a field more":    {with(larger, 24, field("x", "int", 12, 4, true), field("y", "int", 16, 4, true), field("z", "int", 20, 4, true)), ""},
		"another type":    {with(larger, 24, field("x", "u32", 12, 4, false), field("y", "int", 16, 4, true)), ""},
		"the common part": {with(common, 24, field("x", "int", 12, 4, true), field("y", "int", 16, 4, true)), ""},
	} {
		var got []string
		for _, c := range Event(&a, &test.b, Limits{}) {
			if c.Shifted {
				got = append(got, strings.TrimSpace(string(c.Part)+" "+c.Name))
			}
		}
		if s := strings.Join(got, " "); s != test.want {
			t.Errorf("%s: shifted are %q, want %q", name, s, test.want)
		}
	}
}

// Whatever two events are: nothing differs from itself, and what is added one
// way is removed the other.
func TestEventProperties(t *testing.T) {
	names := []string{"a", "b", "ab", "c"}
	types := []string{"int", "u32", "char[4]", "struct page *", "bad type ["}
	draw := rapid.Custom(func(t *rapid.T) tpinfo.Tracepoint {
		e := tracepoint("s:e", nil)
		for i := range rapid.IntRange(0, 3).Draw(t, "args") {
			e.Args = append(e.Args, arg(rapid.SampledFrom(names).Draw(t, "name"), rapid.SampledFrom(types).Draw(t, "type"), i, rapid.IntRange(-1, 4).Draw(t, "size"), rapid.Bool().Draw(t, "signed")))
		}
		if rapid.Bool().Draw(t, "record") {
			e.Record = record(rapid.IntRange(-1, 3).Draw(t, "size"))
			for i := range rapid.IntRange(0, 3).Draw(t, "fields") {
				e.Record.Fields = append(e.Record.Fields, field(rapid.SampledFrom(names).Draw(t, "name"), rapid.SampledFrom(types).Draw(t, "type"), 4*i-1, 4, rapid.Bool().Draw(t, "signed")))
			}
		}
		return e
	})
	count := func(found []Change, h How) int {
		n := 0
		for i := range found {
			if found[i].Is(h) {
				n++
			}
		}
		return n
	}
	rapid.Check(t, func(t *rapid.T) {
		a, b := draw.Draw(t, "a"), draw.Draw(t, "b")
		if found := Event(&a, &a, Limits{}); len(found) > 0 {
			t.Fatalf("an event differs from itself: %v", Lines(found))
		}
		there, back := Event(&a, &b, Limits{}), Event(&b, &a, Limits{})
		if n, m := count(there, Added)-count(there, Removed), count(back, Removed)-count(back, Added); n != m {
			t.Fatalf("%d more one way, %d less the other", n, m)
		}
		for _, c := range there {
			if len(c.How) == 0 || c.String() == "" {
				t.Fatalf("a change without a way or words: %+v", c)
			}
		}
	})
}
