package runner

import (
	"bytes"
	"encoding/binary"
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"

	"github.com/tpinfo/tpinfo/compiler/ir"
	"github.com/tpinfo/tpinfo/compiler/object"
	"github.com/tpinfo/tpinfo/fixtures/tier"
)

// refused runs a script that must not start, and returns the error.
func refused(t *testing.T, file *object.File, opt Options) error {
	t.Helper()
	var out, errs bytes.Buffer
	opt.Stdout, opt.Stderr = &out, &errs
	result, err := Run(t.Context(), file, opt)
	if err == nil {
		t.Fatalf("it ran: %+v, %q, %q", result, out.String(), errs.String())
	}
	if out.Len() > 0 {
		t.Errorf("it printed %q", out.String())
	}
	return err
}

// What this kernel's BTF says holds; anything else is told with both places.
func TestFactsOfThisKernel(t *testing.T) {
	tier.Need(t, tier.Machine)
	var task *btf.Struct
	spec, err := btf.LoadKernelSpec()
	if err != nil {
		tier.Skip(t, "no BTF of this kernel: %v", err)
	}
	if err := spec.TypeByName("task_struct", &task); err != nil {
		t.Fatal(err)
	}
	var comm, pid btf.Member
	for _, m := range task.Members {
		switch m.Name {
		case "comm":
			comm = m
		case "pid":
			pid = m
		}
	}
	s := newScript(t)
	s.probe(ir.Probe{Kind: ir.Begin}, s.print("ran"), exit())
	s.Facts = []ir.Fact{
		{Type: "struct task_struct", Member: "pid", Offset: int64(pid.Offset.Bytes()), Size: 4, CType: "pid_t"},
		{Type: "struct task_struct", Member: "comm", Offset: int64(comm.Offset.Bytes()), Size: 16, CType: "char[16]"},
		{Event: "sched_switch", Member: "preempt", Offset: 0, Size: 1, CType: "bool"},
		{Event: "sched_switch", Member: "prev", Offset: 8, Size: 8, CType: "struct task_struct *"},
		{Event: "sched_switch", Member: "next_comm", Record: true, Offset: 40, Size: 16, CType: "char[16]"},
		{Type: "struct nowhere_to_be_found", Member: "x", Offset: 8, Size: 8, CType: "long"},
	}
	s.probe(ir.Probe{Kind: ir.Tracepoint, System: "sched", Event: "sched_switch"})
	out, errs, _ := s.run(t, Options{Verbose: true})
	if out != "ran\n" || errs != "note: struct nowhere_to_be_found.x was not checked: neither the kernel's BTF nor that of a loaded module has struct nowhere_to_be_found\n" {
		t.Errorf("%q, %q", out, errs)
	}

	s.Facts[0].Offset += 4
	s.Facts[2].Size = 4
	s.Facts[3].CType = "struct rq *"
	s.Facts[4].Offset = 44
	s.Facts = append(s.Facts,
		ir.Fact{Type: "struct task_struct", Member: "piid", Size: 4},
		ir.Fact{Event: "sched_wakeup", Member: "more", Offset: 72, Size: 8, CType: "long"},
		ir.Fact{Event: "sched_switch", Member: "nothing", Record: true})
	at := func(n int64) string { return strconv.FormatInt(n, 10) }
	offset := int64(pid.Offset.Bytes())
	want := []string{
		"struct task_struct.pid is at offset " + at(offset) + ", size 4 here; the object expects it at offset " + at(offset+4) + ", size 4",
		"argument preempt of sched_switch, number 1, has size 1 here; the object expects 4",
		"argument prev of sched_switch, number 2, is struct task_struct * here; the object expects struct rq *",
		"field next_comm of the record of sched_switch is at offset 40, size 16 here; the object expects it at offset 44, size 16",
		"struct task_struct has no member piid here",
		"argument more of sched_wakeup, number 10, is not here: the event's arguments are 1",
		"the record of sched:sched_switch has no field nothing here",
	}
	var mismatch *MismatchError
	if err := refused(t, s.compile(t), Options{}); !errors.As(err, &mismatch) || strings.Join(mismatch.Differences, "\n") != strings.Join(want, "\n") {
		t.Errorf("refused with %v\nwant\n%s", err, strings.Join(want, "\n"))
	}
	out, errs, _ = s.run(t, Options{Force: true})
	if out != "ran\n" || !strings.HasPrefix(errs, "warning: run all the same: "+want[0]+"\n") {
		t.Errorf("with force: %q, %q", out, errs)
	}
}

func TestUnknownEvents(t *testing.T) {
	tier.Need(t, tier.Machine)
	for _, c := range []struct {
		probe ir.Probe
		want  string
	}{
		{ir.Probe{Kind: ir.RawTracepoint, Event: "no_such_event", Point: `kernel.trace("no_such_event")`},
			`t.stp:1:1: attach kernel.trace("no_such_event"): this kernel has no tracepoint no_such_event (load the module first if it is a module's)`},
		{ir.Probe{Kind: ir.Tracepoint, System: "no", Event: "such", Point: "x"},
			"t.stp:1:1: attach x: this kernel has no tracepoint no:such (load the module first if it is a module's)"},
		{ir.Probe{Kind: ir.PerfEvent, Perf: &ir.Perf{Type: 1, Config: 4711, Period: 1}, Point: "x"},
			"t.stp:1:1: attach x: perf event on CPU 0: this machine does not count perf.type(1).config(4711), as virtual machines often do not: no such file or directory"},
	} {
		s := newScript(t)
		s.probe(c.probe)
		if err := refused(t, s.compile(t), Options{}); err.Error() != c.want {
			t.Errorf("%v\nwant %s", err, c.want)
		}
	}
}

// What a glob finds and this kernel has not is left out, unless it is all.
func TestOptionalEvents(t *testing.T) {
	tier.Need(t, tier.Machine)
	s := newScript(t)
	s.probe(ir.Probe{Kind: ir.RawTracepoint, Event: "no_such_event", Optional: true, Point: "x"})
	s.probe(ir.Probe{Kind: ir.Tracepoint, System: "no", Event: "such", Optional: true, Point: "y"})
	const gone = "t.stp:1:1: attach x: this kernel has no tracepoint no_such_event (load the module first if it is a module's)"
	if err := refused(t, s.compile(t), Options{}); err.Error() != gone {
		t.Errorf("%v\nwant %s", err, gone)
	}
	s.probe(ir.Probe{Kind: ir.RawTracepoint, Event: "sched_switch"})
	if _, errs, _ := s.run(t, Options{Timeout: time.Millisecond}); errs != "warning: left out: "+gone+", and 1 more\n" {
		t.Errorf("%q", errs)
	}
}

// A rejection tells the script's line.
func TestRejected(t *testing.T) {
	tier.Need(t, tier.Machine)
	s := newScript(t)
	s.Probes = []ir.Probe{{Kind: ir.RawTracepoint, Event: "sched_switch", Program: "bad", Point: `kernel.trace("sched_switch")`, Line: 2, Column: 1}}
	o := &object.Object{Order: binary.NativeEndian, Script: &s.Program, Data: s.DataSize, Programs: []object.Program{{
		Name: "bad", Section: "raw_tp/sched_switch",
		Insns: asm.Instructions{
			asm.LoadImm(asm.R2, 1<<40, asm.DWord).WithSymbol("bad"),
			asm.Mov.Imm(asm.R1, 1),
			asm.Mov.Reg(asm.R0, asm.R7),
			asm.Return(),
		},
		Lines: []object.Line{{Insn: 0, Line: 2, Column: 1, Text: "probe x {"}, {Insn: 2, Line: 3, Column: 7, Text: "  y = z"}, {Insn: 3, Line: 4, Column: 1, Text: "}"}},
	}}}
	if binary.NativeEndian.Uint16([]byte{1, 0}) == 1 {
		o.Order = binary.LittleEndian
	} else {
		o.Order = binary.BigEndian
	}
	var image bytes.Buffer
	if err := o.Write(&image); err != nil {
		t.Fatal(err)
	}
	file, err := object.Read(image.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	const want = "t.stp:3:7: the kernel's verifier rejects probe kernel.trace(\"sched_switch\"): R7 !read_ok\n  y = z"
	var rejected *RejectedError
	if err := refused(t, file, Options{}); !errors.As(err, &rejected) || err.Error() != want+"\n(-v shows its whole log)" {
		t.Errorf("%v\nwant %s", err, want)
	}
	if err := refused(t, file, Options{Verbose: true}); !strings.HasPrefix(err.Error(), want+"\n") || !strings.Contains(err.Error(), "(bf) r0 = r7") {
		t.Errorf("with -v: %v", err)
	}
}

func TestTooLarge(t *testing.T) {
	tier.Need(t, tier.Machine)
	s := newScript(t)
	huge := s.array("huge", 1<<29)
	s.calls(increase(huge(number(1))))
	err := refused(t, s.compile(t), Options{})
	if !strings.HasPrefix(err.Error(), "t.stp:2:8: create the map of global huge: ") ||
		!strings.Contains(err.Error(), `its 536870912 elements take about 8192 MB; declare it smaller, as in "global huge[33554432]"`) {
		t.Error(err)
	}
	small := newScript(t)
	small.calls(small.print("x"))
	if err := refused(t, small.compile(t), Options{RingSize: 5000}); err.Error() != "a ring buffer of 5000 bytes: it takes a power of two from 4096 to 1073741824" {
		t.Error(err)
	}
}
