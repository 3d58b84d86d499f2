package runner

import (
	"strings"
	"testing"

	"github.com/cilium/ebpf"

	"github.com/tpinfo/tpinfo/compiler/runner/render"
)

// What of a stack is the tracing's own: a program of the script and what called
// it, and nothing of a stack that a sample took in the middle of others' tracing.
func TestTracingFrames(t *testing.T) {
	const (
		own   = "bpf_prog_42a0d412cf01408e_sched_switch"
		cut   = "bpf_prog_42a0d412cf01408e_a_long_name_of_"
		other = "bpf_prog_42a0d412cf01408e_other"
	)
	k := &kernelSymbols{programs: map[string]*ebpf.Program{"sched_switch": nil, "a_long_name_of_a_program": nil}}
	for frames, want := range map[string]string{
		own + " bpf_trace_run4 __schedule schedule":                                          "__schedule schedule",
		own + " bpf_trace_run2 __bpf_trace_sys_enter syscall_trace_enter":                    "syscall_trace_enter",
		own + " bpf_trace_run4 __bpf_trace_sched_switch __traceiter_sched_switch __schedule": "__schedule",
		own + " " + own + " bpf_trace_run4 __traceiter_sched_switch __schedule":              "__schedule",
		cut + " bpf_trace_run1 do_exit":                                                      "do_exit",
		own + " bpf_trace_run4 kmalloc " + own + " bpf_trace_run4 __schedule":                "kmalloc " + own + " bpf_trace_run4 __schedule",
		other + " bpf_trace_run4 __schedule":                                                 other + " bpf_trace_run4 __schedule",
		"bpf_trace_run4 __schedule":                                                          "bpf_trace_run4 __schedule",
		"__traceiter_sched_switch __schedule":                                                "__traceiter_sched_switch __schedule",
		own + " __schedule":                                                                  own + " __schedule",
		own:                                                                                  own,
		own + " bpf_trace_run4":                                                              "",
		"":                                                                                   "",
	} {
		names := strings.Fields(frames)
		addresses := make([]uint64, len(names))
		for i := range addresses {
			addresses[i] = uint64(i)
		}
		n := tracing(addresses, func(addr uint64) (render.Symbol, bool) { return render.Symbol{Name: names[addr]}, true }, k.own)
		if got := strings.Join(names[n:], " "); got != want {
			t.Errorf("%s: %q, want %q", frames, got, want)
		}
	}
}
