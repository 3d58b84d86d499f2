package matrix

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/cache"
	"github.com/tpinfo/tpinfo/compiler"
	"github.com/tpinfo/tpinfo/compiler/check"
	"github.com/tpinfo/tpinfo/compiler/diag"
)

// The kernels: each is the one before with what the case is about.
const (
	first  = iota // task_struct.state, block_rq with q, hrtimer_init
	second        // __state, block_rq without q, an error of another type
	third         // hrtimer_setup, one more event of sched
	image         // the third as its BTF tells it
)

func base(name string, size int, enc tpinfo.Encoding) tpinfo.Type {
	return tpinfo.Type{Kind: tpinfo.KindBase, Name: name, Size: tpinfo.Bytes(size), Encoding: enc}
}

func typedef(name, of string, size int) tpinfo.Type {
	return tpinfo.Type{Kind: tpinfo.KindTypedef, Name: name, Of: of, Size: tpinfo.Bytes(size)}
}

func member(name, typ string, offset, size int) tpinfo.Member {
	return tpinfo.Member{Name: name, Type: typ, Offset: tpinfo.Bytes(offset), Size: tpinfo.Bytes(size)}
}

func structure(name string, size int, members ...tpinfo.Member) tpinfo.Type {
	return tpinfo.Type{Kind: tpinfo.KindStruct, Name: name, Size: tpinfo.Bytes(size), Members: members}
}

func event(system, name string, args ...tpinfo.Arg) tpinfo.Tracepoint {
	for i := range args {
		args[i].Offset = tpinfo.Bytes(i) * tpinfo.ArgSlot
	}
	return tpinfo.Tracepoint{System: system, Name: name, Class: name, Header: "include/trace/events/" + system + ".h", Source: tpinfo.FromDWARF, Args: args}
}

func arg(name, typ string, size int, signed bool) tpinfo.Arg {
	return tpinfo.Arg{Name: name, Type: typ, Size: tpinfo.Bytes(size), Signed: signed}
}

func pointer(name, typ string) tpinfo.Arg { return arg(name, typ+" *", 8, false) }

// snapshot is one of the kernels.
func snapshot(edition int) *tpinfo.Snapshot {
	task := structure("struct task_struct", 96, member("state", "volatile long", 0, 8), member("pid", "pid_t", 8, 4), member("comm", "char[16]", 16, 16),
		member("mm", "struct mm_struct *", 32, 8), member("flags", "unsigned int", 40, 4), member("on", "bool", 48, 1))
	block := event("block", "block_rq", pointer("q", "struct request_queue"), pointer("rq", "struct request"))
	remap := event("block", "block_remap", pointer("q", "struct request_queue"), pointer("from", "struct bio"))
	done := event("block", "block_done", pointer("rq", "struct request"), arg("error", "int", 4, true))
	timer := event("timer", "hrtimer_init", pointer("hrtimer", "struct hrtimer"), arg("mode", "enum hrtimer_mode", 4, false))
	sched := event("sched", "sched_switch", arg("preempt", "bool", 1, false), pointer("prev", "struct task_struct"))
	sched.Record = &tpinfo.Record{Size: 16, Fields: []tpinfo.Field{{Name: "prev_state", Type: "long", Offset: 8, Size: 8, Signed: true}}}
	sign := tpinfo.EncSigned
	var more []tpinfo.Tracepoint
	if edition >= second {
		task = structure("struct task_struct", 128, member("comm", "char[24]", 0, 24), member("pid", "int", 28, 4), member("__state", "unsigned int", 32, 4),
			member("mm", "struct address_space *", 40, 8), member("flags", "u32", 48, 4), member("on", "bool", 52, 1))
		block = event("block", "block_rq", pointer("rq", "struct request"))
		remap = event("block", "block_remap", arg("from", "u32", 4, false), pointer("q", "struct request_queue"))
		done = event("block", "block_done", pointer("rq", "struct request"), arg("error", "blk_status_t", 1, false))
		sched.Args = append(sched.Args, arg("prev_state", "unsigned int", 4, false))
		sched.Args[2].Offset = 16
		sign = tpinfo.EncUnsigned
	}
	if edition >= third {
		timer.Name = "hrtimer_setup"
		more = append(more, event("sched", "sched_waking", pointer("p", "struct task_struct")))
	}
	s := &tpinfo.Snapshot{
		Kernel: tpinfo.Kernel{
			ID: fmt.Sprintf("%032x", 0xabc0000+edition), Release: fmt.Sprintf("%d.0.0-tiny", edition+1), Arch: "x86", ByteOrder: tpinfo.LittleEndian, WordSize: 8,
			Source: tpinfo.FromDWARF, Extracted: time.Unix(0, 0), Problems: []tpinfo.Problem{},
		},
		Events: append([]tpinfo.Tracepoint{block, done, remap, timer, sched}, more...),
		Types: []tpinfo.Type{
			base("char", 1, sign), base("int", 4, tpinfo.EncSigned), base("long", 8, tpinfo.EncSigned), base("unsigned int", 4, tpinfo.EncUnsigned),
			base("unsigned char", 1, tpinfo.EncUnsigned), base("bool", 1, tpinfo.EncBool), typedef("pid_t", "int", 4), typedef("u32", "unsigned int", 4), typedef("blk_status_t", "unsigned char", 1),
			{Kind: tpinfo.KindEnum, Name: "enum hrtimer_mode", Size: 4, Encoding: tpinfo.EncUnsigned, Enumerators: []tpinfo.Enumerator{{Name: "ABS"}}},
			structure("struct hrtimer", 8, member("c", "char", 0, 1)), task, structure("struct mm_struct", 8), structure("struct address_space", 8),
		},
	}
	if edition == image {
		s.Kernel.Source = tpinfo.FromBTF
		for i := range s.Events {
			e := &s.Events[i]
			e.System, e.Header, e.Class, e.Source = "", "", "", tpinfo.FromBTF
		}
		for i := range s.Types {
			if s.Types[i].Name == "char" || s.Types[i].Kind == tpinfo.KindEnum {
				s.Types[i].Encoding = tpinfo.EncSigned // nobody knows
			}
		}
	}
	return s
}

// kernels puts editions into a cache.
func kernels(t testing.TB, editions ...int) []check.Metadata {
	t.Helper()
	ctx := context.Background()
	db, err := cache.Open(ctx, filepath.Join(t.TempDir(), "cache.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	var out []check.Metadata
	for _, e := range editions {
		s := snapshot(e)
		if _, err := db.Put(ctx, s); err != nil {
			t.Fatal(err)
		}
		k, err := db.Kernel(ctx, s.Kernel.Release)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, k)
	}
	return out
}

// say is a report, a line a kernel and a line a reason.
func say(r *Report, src *diag.Source) []string {
	var out []string
	for i := range r.Results {
		res := &r.Results[i]
		mark := ""
		if i == r.Baseline {
			mark = " baseline"
		}
		out = append(out, fmt.Sprintf("%.1s%s: %s %v", res.Kernel.Release, mark, res.Verdict, res.Cells))
		for _, e := range res.Reasons {
			line := fmt.Sprintf("  %s: %s: %s", src.Text[e.Span.Start:e.Span.End], string(e.Level), e.Message)
			if e.Hint != "" {
				line += " | " + e.Hint
			}
			out = append(out, line)
		}
	}
	return out
}

func TestCheck(t *testing.T) {
	const two = "2.0.0-tiny"
	for name, test := range map[string]struct {
		script   string
		kernels  []int
		baseline int
		want     []string
	}{
		"the same, wherever it lies": {
			script: `probe kernel.trace("sched_switch") { println($preempt, $prev->pid, $prev->flags, kernel_string($prev->comm), $prev->on) }`, kernels: []int{first, second}, baseline: -1,
			want: []string{"1: same [same]", "2 baseline: same [same]"},
		},
		"an argument of another type": {
			script: `probe kernel.trace("block_done") { println($error) } probe kernel.trace("sched_switch") { println($preempt) }`, kernels: []int{first, second}, baseline: -1,
			want: []string{
				"1: differs [differs same]",
				"  $error: warning: argument error of block_done is a signed number of 4 bytes (int), and an unsigned number of 1 byte (blk_status_t) on " + two,
				"2 baseline: same [same same]",
			},
		},
		"an older baseline": {
			script: `probe kernel.trace("block_done") { println($error) }`, kernels: []int{first, second}, baseline: 0,
			want: []string{
				"1 baseline: same [same]", "2: differs [differs]",
				"  $error: warning: argument error of block_done is an unsigned number of 1 byte (blk_status_t), and a signed number of 4 bytes (int) on 1.0.0-tiny",
			},
		},
		"another argument of that name": {
			script: `probe kernel.trace("block_remap") { println($from, $q) }`, kernels: []int{first, second}, baseline: -1,
			want: []string{
				"1: differs [differs]",
				"  $from: warning: argument from of block_remap is a pointer to struct bio (struct bio *), and an unsigned number of 4 bytes (u32) on " + two + " | and it is argument 2, not 1",
				"2 baseline: same [same]",
			},
		},
		"a pointer to something else": {
			script: `probe kernel.trace("sched_switch") { println($prev->mm) }`, kernels: []int{first, second}, baseline: -1,
			want: []string{
				"1: differs [differs]",
				"  $prev->mm: warning: member mm of struct task_struct is a pointer to struct mm_struct (struct mm_struct *), and a pointer to struct address_space (struct address_space *) on " + two,
				"2 baseline: same [same]",
			},
		},
		"the sign of char": {
			script: `probe kernel.trace("hrtimer_init") { println($hrtimer->c) }`, kernels: []int{first, second}, baseline: -1,
			want: []string{
				"1: differs [differs]",
				"  $hrtimer->c: warning: member c of struct hrtimer is a signed number of 1 byte (char), and an unsigned number of 1 byte (char) on " + two,
				"2 baseline: same [same]",
			},
		},
		"signs that BTF does not know, and systems": {
			script: `probe kernel.trace("timer:hrtimer_setup") { println($hrtimer->c, $mode) }`, kernels: []int{third, image}, baseline: -1,
			want: []string{"3: same [same]", "4 baseline: same [same]"},
		},
		"a member with another name": {
			script: `probe kernel.trace("sched_switch") { println($prev->__state) }`, kernels: []int{first, second}, baseline: -1,
			want: []string{
				"1: fails [fails]",
				`  __state: : struct task_struct has no member "__state" | here it is perhaps state: write @choose_defined($prev->__state, $prev->state)`,
				"2 baseline: same [same]",
			},
		},
		"an argument that is not there": {
			script: `probe kernel.trace("block_rq") { println($rq, $q) }`, kernels: []int{first, second, third}, baseline: 0,
			want: []string{
				"1 baseline: same [same]",
				"2: fails [fails]", `  $q: : block:block_rq has no argument $q | where it may be missing, ask first: @defined($q)`,
				"3: fails [fails]", `  $q: : block:block_rq has no argument $q | where it may be missing, ask first: @defined($q)`,
			},
		},
		"an event with another name": {
			script: `probe kernel.trace("timer:hrtimer_init") { println($mode) } probe kernel.trace("block_rq") { println($rq) }`, kernels: []int{second, third}, baseline: -1,
			want: []string{
				"2 baseline: same [same same]",
				"3: fails [fails same]",
				`  kernel.trace("timer:hrtimer_init"): : the kernel has no event "timer:hrtimer_init" | here it is perhaps timer:hrtimer_setup, with the same arguments: write kernel.trace("timer:hrtimer_init")!, kernel.trace("timer:hrtimer_setup")`,
			},
		},
		"what the fix says": {
			script: `probe kernel.trace("timer:hrtimer_init")!, kernel.trace("timer:hrtimer_setup") { println($mode) }`, kernels: []int{second, third}, baseline: -1,
			want: []string{
				"2: same [same absent]",
				`  kernel.trace("timer:hrtimer_init"): note: the probe is without timer:hrtimer_init on 3.0.0-tiny, as the script allows`,
				`  kernel.trace("timer:hrtimer_setup"): note: the probe is without timer:hrtimer_setup here, as the script allows`,
				`  $mode: note: it reads argument mode of hrtimer_init here, and argument mode of hrtimer_setup on 3.0.0-tiny`,
				"3 baseline: same [absent same]",
			},
		},
		"what the script asks for": {
			script: `probe kernel.trace("sched_switch") { println(@choose_defined($prev->__state, $prev->state)) }`, kernels: []int{first, second}, baseline: -1,
			want: []string{
				"1: same [same]", "2 baseline: same [same]",
			},
		},
		"an optional event": {
			script: `probe kernel.trace("sched_waking")? { println($p->pid) } probe kernel.trace("nothing")? { println(1) } probe timer.s(1) { exit() }`, kernels: []int{second, third}, baseline: -1,
			want: []string{
				"2: same [absent absent]",
				`  kernel.trace("sched_waking"): note: the probe is without sched_waking here, as the script allows`,
				`  kernel.trace("nothing"): note: the probe is without nothing here, as the script allows`,
				"3 baseline: same [same absent]",
			},
		},
		"a glob that matches more": {
			script: `probe kernel.trace("sched:*") { println($$name) }`, kernels: []int{second, third}, baseline: 0,
			want: []string{
				"2 baseline: same [same]", "3: differs [differs]",
				`  kernel.trace("sched:*"): warning: it stands for sched_waking too, other than on 2.0.0-tiny`,
			},
		},
		"a glob that matches less": {
			script: `probe kernel.trace("sched:*") { println($$name) }`, kernels: []int{second, third}, baseline: -1,
			want: []string{
				"2: differs [differs]", `  kernel.trace("sched:*"): warning: it does not stand for sched_waking, other than on 3.0.0-tiny`, "3 baseline: same [same]",
			},
		},
		"other events": {
			script: `probe kernel.trace("hrtimer_*") { println($$name) }`, kernels: []int{second, third}, baseline: -1,
			want: []string{
				"2: differs [differs]", `  kernel.trace("hrtimer_*"): warning: it stands for hrtimer_init here, and for hrtimer_setup on 3.0.0-tiny`, "3 baseline: same [same]",
			},
		},
		"the record and not the arguments": {
			script: `probe kernel.trace("sched_switch") { println($prev_state) }`, kernels: []int{first, second}, baseline: -1,
			want: []string{
				"1: differs [differs]",
				`  kernel.trace("sched_switch"): warning: $ are fields of the record of sched_switch here, and arguments on 2.0.0-tiny`,
				`  $prev_state: note: it reads field prev_state of sched_switch here, and argument prev_state of sched_switch on 2.0.0-tiny`,
				"2 baseline: same [same]",
			},
		},
		"a baseline that does not compile": {
			script: `probe kernel.trace("sched_switch") { println($prev->state) }`, kernels: []int{first, second}, baseline: 1,
			want: []string{
				"1 baseline: same [same]", "2: fails [fails]",
				`  state: : struct task_struct has no member "state" | here it is perhaps __state: write @choose_defined($prev->state, $prev->__state)`,
			},
		},
		"wrong everywhere": {
			script: `probe kernel.trace("sched_switch") { println($prev->piid) }`, kernels: []int{first, second}, baseline: -1,
			want: []string{
				"1: fails [fails]", `  piid: : struct task_struct has no member "piid" | did you mean "pid"?`,
				"2: fails [fails]", `  piid: : struct task_struct has no member "piid" | did you mean "pid"?`,
			},
		},
		"no script": {
			script: `probe kernel.trace(`, kernels: []int{first}, baseline: -1,
			want: []string{"1: fails []", "  : : expected a number or a string, found the end of the script | a probe point takes a literal"},
		},
		"no events": {script: `probe timer.s(1) { exit() }`, kernels: []int{first, second}, baseline: -1, want: []string{"1: same []", "2 baseline: same []"}},
		"in a function": {
			script: `function f(p) { return @cast(p, "task_struct")->mm } probe kernel.trace("sched_switch") { println(f($prev)) }`, kernels: []int{first, second}, baseline: -1,
			want: []string{
				"1: differs [same]",
				`  @cast(p, "task_struct")->mm: warning: member mm of struct task_struct is a pointer to struct mm_struct (struct mm_struct *), and a pointer to struct address_space (struct address_space *) on ` + two,
				"2 baseline: same [same]",
			},
		},
		"in an alias": {
			script: `probe rq = kernel.trace("block_rq") { r = $rq } probe rq { println(r, $q) }`, kernels: []int{first, second}, baseline: -1,
			want: []string{
				"1 baseline: same [same]", "2: fails [same]", "  $q: : block:block_rq has no argument $q | where it may be missing, ask first: @defined($q)",
			},
		},
		"as the preprocessor has it": {
			script: `%( kernel_v >= "2.0" %? probe kernel.trace("block_done") { println($error) } %) probe kernel.trace("block_rq") { println($rq) }`, kernels: []int{first, second, third}, baseline: -1,
			want: []string{
				"1: same [absent same]", `  kernel.trace("block_done"): note: this probe is part of the script on 3.0.0-tiny only`,
				"2: same [same same]", "3 baseline: same [same same]",
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			src := &diag.Source{Name: "t.stp", Text: test.script}
			r, err := Check(t.Context(), src, kernels(t, test.kernels...), test.baseline, compiler.Options{})
			if err != nil {
				t.Fatal(err)
			}
			if got := say(r, src); !slices.Equal(got, test.want) {
				t.Errorf("it says\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(test.want, "\n"))
			}
		})
	}
}

// The same on every run, whatever order kernels are done in.
func TestCheckIsStable(t *testing.T) {
	src := &diag.Source{Name: "t.stp", Text: `probe kernel.trace("block_*"), kernel.trace("sched:*")? { println(@defined($error) ? $error : 1, @choose_defined($q, $rq)) }`}
	all := kernels(t, first, second, third, image)
	var want []string
	for range 20 {
		r, err := Check(t.Context(), src, all, -1, compiler.Options{})
		if err != nil {
			t.Fatal(err)
		}
		got := say(r, src)
		if want == nil {
			want = got
		}
		if !slices.Equal(got, want) {
			t.Fatalf("once it says\n%s\nand once\n%s", strings.Join(want, "\n"), strings.Join(got, "\n"))
		}
	}
	if len(want) < 5 {
		t.Errorf("it says only %q", want)
	}
}

// broken is a kernel that cannot answer.
type broken struct{ check.Metadata }

var errBroken = errors.New("the file is damaged")

func (broken) Event(context.Context, string) (*tpinfo.Tracepoint, error) { return nil, errBroken }

func TestCheckEnds(t *testing.T) {
	src := &diag.Source{Name: "t.stp", Text: `probe kernel.trace("block_rq") { println($rq) }`}
	all := kernels(t, first, second)
	if _, err := Check(t.Context(), src, append(all, broken{all[0]}), -1, compiler.Options{}); !errors.Is(err, errBroken) {
		t.Errorf("%v, want what the metadata says", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Check(ctx, src, all, -1, compiler.Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want that it was cancelled", err)
	}
	r, err := Check(t.Context(), src, nil, -1, compiler.Options{})
	if err != nil || r.Baseline != -1 || len(r.Results) != 0 {
		t.Errorf("no kernels: %+v, %v", r, err)
	}
}
