package runner

import (
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tpinfo/tpinfo/compiler/ir"
	"github.com/tpinfo/tpinfo/fixtures/tier"
)

// endless is more calls than a test waits for.
const endless = 100_000_000

// What probes in the kernel count equals the load, to the last event, and both
// sides see the same globals.
func TestCounts(t *testing.T) {
	tier.Need(t, tier.Machine)
	const n = 100_000
	s := newScript(t)
	total, byThread := s.scalar("total", 1000), s.array("threads", 100)
	values := s.stats("values", ir.Aggregate{Sum: true, Min: true, Max: true})
	s.calls(increase(total), increase(byThread(call("cpu"))), add(values, total))
	sum := s.scalar("sum", 0)
	each := &ir.Node{Op: ir.ForEach, Each: &ir.Each{Global: 1, Keys: []int{0}, Value: 1, Sort: -1},
		Args: []*ir.Node{block(&ir.Node{Op: ir.Eval, Args: []*ir.Node{
			{Op: ir.Update, Type: ir.Long, How: ir.Add, Args: []*ir.Node{sum, {Op: ir.GetLoc, Type: ir.Long, Int: 1}}},
		}})}}
	s.probe(ir.Probe{Kind: ir.End, Locals: []ir.Local{{Name: "k", Type: ir.Long}, {Name: "v", Type: ir.Long}}},
		each, add(values, number(-5)),
		s.print("counts", total, stat(values, "count"), stat(values, "min"), stat(values, "max")), s.print("fired", sum))
	out, errs, result := s.run(t, Options{Command: callsOf(t, n, 0)})
	ran := firedIn(t, out)
	checkRuns(t, ran, n, &result)
	want := fmt.Sprintf("counts %d %d -5 %d\nfired %d\n", 1000+ran, ran+1, 1000+ran, ran)
	if out != want || errs != "" || result.Reason != CommandDone {
		t.Errorf("printed %.300q and %.300q, want %q; %+v", out, errs, want, result)
	}
}

// checkRuns checks that a probe ran for every call. Where the kernel runs probes
// of system calls with preemption on (7.x), it leaves out those that find another
// thread inside on their CPU; it counts them, whoever made the call.
func checkRuns(t *testing.T, ran, calls int64, result *Result) {
	t.Helper()
	if ran > calls || ran < calls-result.Missed {
		t.Errorf("%d runs for %d calls, %d missed", ran, calls, result.Missed)
	}
}

// firedIn reads what the probes themselves counted from the last line.
func firedIn(t *testing.T, out string) int64 {
	t.Helper()
	_, last, _ := strings.Cut(out[max(len(out)-30, 0):], "fired ")
	n, err := strconv.ParseInt(strings.TrimSuffix(last, "\n"), 10, 64)
	if err != nil {
		t.Fatalf("the output ends in %.40q", out[max(len(out)-40, 0):])
	}
	return n
}

// Each record is printed or counted as lost, however many there are.
func TestOutput(t *testing.T) {
	tier.Need(t, tier.Machine)
	for _, c := range []struct {
		name              string
		calls, pace, ring int
	}{
		{"200,000 a second", 200_000, 200_000, 0},
		{"as fast as it goes", 400_000, 0, 0},
		{"a small buffer", 200_000, 0, 1 << 12},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newScript(t)
			fired := s.scalar("fired", 0)
			s.calls(increase(fired), s.print("record of", call("tid"), call("cpu"), fired))
			s.probe(ir.Probe{Kind: ir.End}, s.print("fired", fired))
			start := time.Now()
			out, errs, result := s.run(t, Options{Command: callsOf(t, c.calls, c.pace), RingSize: c.ring})
			took := time.Since(start)
			lines := strings.Count(out, "record of ")
			ran := firedIn(t, out)
			if int64(lines) != result.Printed || result.Printed+result.Lost != ran {
				t.Errorf("printed %d lines, counted %d and %d lost, of %d", lines, result.Printed, result.Lost, ran)
			}
			checkRuns(t, ran, int64(c.calls), &result)
			if errs != "" {
				t.Errorf("%q", errs)
			}
			if want := fmt.Sprintf("lost %d records: the output buffer of 4 KB was full; try a larger one with --ring-size 16384", result.Lost); c.ring == 1<<12 && !slices.Contains(result.Warnings(), want) {
				t.Errorf("warnings %q, want %q", result.Warnings(), want)
			}
			t.Logf("%d records in %v, %.0f a second; lost %d, missed %d", c.calls, took, float64(c.calls)/took.Seconds(), result.Lost, result.Missed)
		})
	}
}

// exit() in the kernel loses nothing that was printed before it, and no handler
// starts after it.
func TestExitInKernel(t *testing.T) {
	tier.Need(t, tier.Machine)
	s := newScript(t)
	n := s.scalar("n", 0)
	s.calls(increase(n), s.print("call", n), &ir.Node{Op: ir.If, Args: []*ir.Node{long(ir.Ge, n, number(10)), exit()}})
	s.probe(ir.Probe{Kind: ir.End}, s.print("end"))
	out, errs, result := s.run(t, Options{Command: callsOf(t, endless, 0)})
	if !strings.Contains(out, "call 10\n") || !strings.HasSuffix(out, "end\n") || errs != "" || result.Reason != Exited {
		t.Errorf("%.300q, %.300q, %+v", out, errs, result)
	}
	// Two threads make the calls: handlers may have been inside.
	if lines := strings.Count(out, "call "); lines < 10 || lines > 12 {
		t.Errorf("%d lines", lines)
	}
}

// The command's first call is its own execve: what its process did before, to
// start it, is not seen, and nothing of it is missed.
func TestFirstCall(t *testing.T) {
	tier.Need(t, tier.Machine)
	if !firstNamespace() {
		tier.Skip(t, "the kernel has other numbers for the processes of this PID namespace; run it in the first one")
	}
	s := newScript(t)
	number := &ir.Node{Op: ir.Arg, Type: ir.Long, Int: 8, Mem: &ir.Mem{Size: 8, Signed: true}}
	mine := func(print *ir.Node) *ir.Node {
		return &ir.Node{Op: ir.If, Args: []*ir.Node{long(ir.Eq, call("pid"), call("target")), block(print)}}
	}
	s.probe(ir.Probe{Kind: ir.RawTracepoint, Event: "sys_enter"}, mine(s.print("enter", number)))
	s.probe(ir.Probe{Kind: ir.RawTracepoint, Event: "sys_exit"}, mine(s.print("leave", number)))
	s.probe(ir.Probe{Kind: ir.RawTracepoint, Event: "sched_process_exec"}, mine(s.print("exec")))
	for range 5 {
		out, errs, result := s.run(t, Options{Command: []string{"true"}, Timeout: time.Minute})
		begin := fmt.Sprintf("enter %d\nexec\nleave 0\nenter ", unix.SYS_EXECVE)
		end := fmt.Sprintf("enter %d\n", unix.SYS_EXIT_GROUP)
		if !strings.HasPrefix(out, begin) || !strings.HasSuffix(out, end) || errs != "" || result.Reason != CommandDone {
			t.Errorf("%.300q … , want %q … %q; %q, %+v", out, begin, end, errs, result)
		}
	}
}

// A script that prints nothing has no site, and its exit() none either.
func TestExitWithoutSites(t *testing.T) {
	tier.Need(t, tier.Machine)
	s := newScript(t)
	s.calls(exit())
	out, errs, result := s.run(t, Options{Command: callsOf(t, endless, 0)})
	if out != "" || errs != "" || result.Reason != Exited {
		t.Errorf("%.300q, %.300q, %+v", out, errs, result)
	}
}

func TestErrorInKernel(t *testing.T) {
	tier.Need(t, tier.Machine)
	s := newScript(t)
	n := s.scalar("n", 0)
	s.calls(increase(n), s.print("call", n), &ir.Node{Op: ir.If, Args: []*ir.Node{long(ir.Ge, n, number(3)), s.fail("enough")}})
	s.probe(ir.Probe{Kind: ir.End}, s.print("end"))
	s.probe(ir.Probe{Kind: ir.Error}, s.print("error"))
	out, errs, result := s.run(t, Options{Command: callsOf(t, endless, 0)})
	if !strings.Contains(out, "call 3\n") || !strings.HasSuffix(out, "error\n") || strings.Contains(out, "end\n") ||
		errs != "t.stp:7:5: error: enough\n" || result.Reason != ScriptError {
		t.Errorf("%.300q, %.300q, %+v", out, errs, result)
	}
}

// A full array is an error on either side.
func TestFullArray(t *testing.T) {
	tier.Need(t, tier.Machine)
	for _, side := range []string{"kernel", "user"} {
		s := newScript(t)
		n, a := s.scalar("n", 0), s.array("seen", 5)
		body := []*ir.Node{increase(n), increase(a(n))}
		if side == "kernel" {
			s.calls(body...)
		} else {
			s.calls()
			s.probe(ir.Probe{Kind: ir.Timer, Interval: int64(time.Millisecond)}, body...)
		}
		_, errs, result := s.run(t, Options{Command: callsOf(t, endless, 0)})
		if !strings.Contains(errs, "seen") || !strings.Contains(errs, "5") || result.Reason != ScriptError {
			t.Errorf("%s: %q, %+v", side, errs, result)
		}
		t.Log(errs)
	}
}

// The record view, and samples.
func TestPerfAttachments(t *testing.T) {
	tier.Need(t, tier.Machine)
	s := newScript(t)
	switches, samples := s.scalar("switches", 0), s.scalar("samples", 0)
	s.probe(ir.Probe{Kind: ir.Tracepoint, System: "sched", Event: "sched_switch"}, increase(switches))
	s.probe(ir.Probe{Kind: ir.PerfEvent, Perf: &ir.Perf{Type: 1, Config: 0, Frequency: 200}}, increase(samples))
	s.probe(ir.Probe{Kind: ir.End}, s.print("both", long(ir.Gt, switches, number(0)), long(ir.Gt, samples, number(9))))
	out, errs, result := s.run(t, Options{Timeout: 300 * time.Millisecond, Command: []string{"sh", "-c", "while :; do :; done"}})
	if out != "both 1 1\n" || errs != "" || result.Reason != TimedOut {
		t.Errorf("%.300q, %.300q, %+v", out, errs, result)
	}
}

// What a handler reads of an aggregate has what it added itself, whatever other
// CPUs add at the same moment; nor do squares get lost. Older kernels promise
// neither.
func TestReadAggregateOnCPUs(t *testing.T) {
	tier.Need(t, tier.Machine)
	const n = 2_000_000
	s := newScript(t)
	if !(Target{Release: s.Kernel.Release}).atLeast(5, 12) {
		return
	}
	total, late := s.scalar("total", 0), s.scalar("late", 0)
	values := s.stats("values", ir.Aggregate{Sum: true, Min: true, Max: true, Variance: true})
	v := &ir.Node{Op: ir.GetLoc, Type: ir.Long, Int: 0}
	minus := long(ir.Neg, v)
	next := long(ir.Update, total, number(1))
	next.How = ir.Add
	ifLate := func(op ir.Op, what string, than *ir.Node) *ir.Node {
		return &ir.Node{Op: ir.If, Args: []*ir.Node{long(op, stat(values, what), than), block(increase(late))}}
	}
	s.calls(&ir.Node{Op: ir.Eval, Args: []*ir.Node{long(ir.Set, v, next)}},
		add(values, v), ifLate(ir.Lt, "max", v), add(values, minus), ifLate(ir.Gt, "min", minus))
	s.Probes[0].Locals = []ir.Local{{Name: "v", Type: ir.Long}}
	s.probe(ir.Probe{Kind: ir.End}, s.print("late", late), s.print("of", stat(values, "count"), stat(values, "sum"), stat(values, "min"), stat(values, "max"), stat(values, "variance")),
		s.print("fired", total))
	out, errs, result := s.run(t, Options{Command: callsOf(t, n, 0)})
	ran := firedIn(t, out)
	checkRuns(t, ran, n, &result)
	// The variance of -n to n without 0, n(n+1)(2n+1)/3 / (2n-1), cut.
	r := big.NewInt(ran)
	sum := new(big.Int).Mul(r, new(big.Int).Add(r, big.NewInt(1)))
	sum.Mul(sum, big.NewInt(2*ran+1)).Div(sum, big.NewInt(3)).Div(sum, big.NewInt(2*ran-1))
	want := fmt.Sprintf("late 0\nof %d 0 %d %d %v\nfired %d\n", 2*ran, -ran, ran, sum, ran)
	if out != want || errs != "" {
		t.Errorf("printed %.300q and %.300q, want %q; %+v", out, errs, want, result)
	}
}

// A timer that adds to an element while probes in the kernel add to it too: no
// side loses what the other adds. A full array is an error for it as for them.
func TestSharedUpdates(t *testing.T) {
	tier.Need(t, tier.Machine)
	s := newScript(t)
	table := s.array("table", 2)
	calls, ticks := s.scalar("calls", 0), s.scalar("ticks", 0)
	s.calls(increase(calls), increase(table(number(1))))
	caught := &ir.Node{Op: ir.Try, Int: -1, Args: []*ir.Node{block(increase(table(number(2))), increase(table(number(3)))), block(s.print("full"))}}
	s.probe(ir.Probe{Kind: ir.Timer, Interval: int64(100 * time.Microsecond)}, increase(ticks), increase(table(number(1))))
	s.probe(ir.Probe{Kind: ir.Timer, Interval: int64(time.Second)}, caught, exit())
	s.probe(ir.Probe{Kind: ir.End}, s.print("sums", long(ir.Sub, table(number(1)), long(ir.Add, calls, ticks)), long(ir.Gt, calls, number(1000)), long(ir.Gt, ticks, number(10))))
	out, errs, result := s.run(t, Options{Command: callsOf(t, endless, 0)})
	if want := "full\nsums 0 1 1\n"; out != want || errs != "" || result.Reason != Exited {
		t.Errorf("%.300q, want %q; %.300q, %+v", out, want, errs, result)
	}
}
