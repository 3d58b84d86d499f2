package eval

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tpinfo/tpinfo/compiler/ir"
	"github.com/tpinfo/tpinfo/compiler/runner/render"
)

// Every function that may run in user space does, with the parameters that the
// checker lets through, and no other.
func TestBuiltinsAreThoseOfTheTable(t *testing.T) {
	functions := ir.Functions()
	for name, f := range functions {
		b, here := builtins[name]
		if here != (f.Sides&ir.InUser != 0) {
			t.Errorf("%s: here %v, sides %v", name, here, f.Sides)
		}
		if here && !slices.Equal(b.params, f.Params) {
			t.Errorf("%s takes %v, the table says %v", name, b.params, f.Params)
		}
	}
	for name := range builtins {
		if _, listed := functions[name]; !listed {
			t.Errorf("%s is not in the table", name)
		}
	}
}

type symbols struct{}

func (symbols) Symbol(addr uint64) (render.Symbol, bool) {
	return render.Symbol{Name: "schedule", Module: "kernel", Offset: addr - 0x1000, Size: 0x100}, addr >= 0x1000
}

func (symbols) Stack(int64) ([]uint64, error) { return nil, nil }

func TestBuiltins(t *testing.T) {
	s := newScript()
	zone := time.FixedZone("CEST", 2*3600)
	var ran []string
	s.host = Host{
		Printer: render.Printer{Symbols: symbols{}, Syscall: func(n int64) string { return map[int64]string{59: "execve"}[n] }},
		PID:     10, TID: 11, UID: 12, GID: 13, Name: "stap", Target: 14, Module: "probe_1",
		CPU: func() int64 { return 3 }, Monotonic: func() int64 { return 1e9 }, Realtime: func() int64 { return 2e9 },
		Jiffies: func() (int64, error) { return 4294937296, nil }, Cycles: func() int64 { return 77 },
		Random: func(n int64) int64 { return n - 1 },
		Zone:   zone,
		System: func(_ context.Context, command string) error { ran = append(ran, command); return nil },
	}
	for _, c := range []struct {
		call *ir.Node
		want string
	}{
		{fn("pid", ir.Long), "10"}, {fn("tid", ir.Long), "11"}, {fn("uid", ir.Long), "12"}, {fn("gid", ir.Long), "13"},
		{fn("target", ir.Long), "14"}, {fn("execname", ir.String), "stap"}, {fn("module_name", ir.String), "probe_1"},
		{fn("cpu", ir.Long), "3"}, {fn("ktime_get_ns", ir.Long), "1000000000"}, {fn("gettimeofday_ns", ir.Long), "2000000000"},
		{fn("jiffies", ir.Long), "4294937296"}, {fn("get_cycles", ir.Long), "77"},
		{fn("randint", ir.Long, lit(10)), "9"}, {fn("randint", ir.Long, lit(0)), "0"},
		{fn("ctime", ir.String, lit(0)), "Thu Jan  1 00:00:00 1970"},
		{fn("ctime", ir.String, lit(741476948)), "Wed Jun 30 21:49:08 1993"},
		{fn("ctime", ir.String, lit(-2147483648)), "Fri Dec 13 20:45:52 1901"},
		{fn("tz_ctime", ir.String, lit(741476948)), "Wed Jun 30 23:49:08 1993 CEST"},
		{fn("syscall_name", ir.String, lit(59)), "execve"}, {fn("syscall_name", ir.String, lit(-1)), ""},
		{fn("symname", ir.String, lit(0x1010)), "schedule"}, {fn("symname", ir.String, lit(0x10)), "0x10"},
		{fn("symdata", ir.String, lit(0x1010)), "schedule+0x10/0x100 [kernel]"},
	} {
		s.prints(t, c.want+"\n", s.print(c.call))
	}
	s.prints(t, "", do(fn("system", ir.Void, quoted("echo hello"))))
	if !slices.Equal(ran, []string{"echo hello"}) {
		t.Errorf("ran %q", ran)
	}
}

func TestBuiltinErrors(t *testing.T) {
	s := newScript()
	s.host.Jiffies = func() (int64, error) { return 0, errors.New("jiffies(): permission denied") }
	for _, c := range []struct {
		call *ir.Node
		want string
	}{
		{fn("cpu", ir.Long), "cpu() is not available here"},
		{fn("randint", ir.Long, lit(5)), "randint() is not available here"},
		{fn("randint", ir.Long, lit(-5)), "range too wide"},
		{fn("jiffies", ir.Long), "permission denied"},
		{fn("ctime", ir.String, lit(1<<31)), "Time too far in the future to be converted"},
		{fn("tz_ctime", ir.String, lit(-1<<31-1)), "Time too far in the past to be converted"},
		{fn("system", ir.Void, quoted("true")), "--allow-system"},
	} {
		_, err := s.run(t, do(c.call))
		var failed *RuntimeError
		if !errors.As(err, &failed) || !strings.Contains(failed.Message, c.want) || failed.Line != 7 {
			t.Errorf("%s: %v, want %q", c.call.Str, err, c.want)
		}
	}
}

func TestThisProcess(t *testing.T) {
	h := ThisProcess(render.Printer{Order: binary.LittleEndian})
	if h.PID != int64(os.Getpid()) || h.UID != int64(os.Getuid()) || h.Name == "" || len(h.Name) > 15 {
		t.Errorf("%+v", h)
	}
	if now := time.Now().UnixNano(); h.Realtime() < now || h.Realtime() > now+1e9 {
		t.Errorf("it is %d, the clock says %d", now, h.Realtime())
	}
	if first := h.Monotonic(); h.Monotonic() < first || first == 0 {
		t.Error("the clock runs backwards")
	}
	if first := h.Cycles(); h.Cycles() <= first {
		t.Error("the cycle counter stands still")
	}
	if cpu := h.CPU(); cpu < 0 || cpu > 8192 {
		t.Errorf("CPU %d", cpu)
	}
	if n := h.Random(10); n < 0 || n > 9 {
		t.Errorf("random %d", n)
	}
	if os.Geteuid() == 0 {
		if n, err := h.Jiffies(); err != nil || n == 0 {
			t.Errorf("jiffies %d, %v", n, err)
		}
	}
}

func TestShell(t *testing.T) {
	var out, errs strings.Builder
	run := Shell(&out, &errs)
	if err := run(t.Context(), "echo hello; echo oops >&2; exit 3"); err != nil || out.String() != "hello\n" || errs.String() != "oops\n" {
		t.Errorf("%q, %q, %v", out.String(), errs.String(), err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := run(ctx, "exec sleep 20"); err == nil {
		t.Error("a command outlives its context")
	}
}

// A command that is told to end does, with what it started; what that has of its
// output keeps nobody waiting.
func TestShellEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	reader, writer := io.Pipe()
	defer reader.Close()
	ended := make(chan error, 1)
	go func() { ended <- Shell(writer, io.Discard)(ctx, "echo begun; sleep 1000; echo not this") }()
	line := make([]byte, 6)
	if _, err := io.ReadFull(reader, line); err != nil || string(line) != "begun\n" {
		t.Fatalf("%q, %v", line, err)
	}
	go io.Copy(io.Discard, reader) //nolint:errcheck // nothing is to come
	cancel()
	select {
	case err := <-ended:
		if err == nil {
			t.Error("no error for a command that was ended")
		}
	case <-time.After(time.Minute):
		t.Error("it goes on")
	}
}
