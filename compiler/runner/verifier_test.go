package runner

import (
	"errors"
	"testing"

	"github.com/cilium/ebpf"
)

func TestVerifierLog(t *testing.T) {
	for _, c := range []struct {
		name, reason string
		log          []string
		at           int
	}{
		{"plain", "R0 !read_ok", []string{
			"0: R1=ctx() R10=fp0", "; x = y @ probe.stp:3", "0: (79) r6 = *(u64 *)(r1 +0)", "1: (95) exit", "R0 !read_ok",
			"processed 2 insns (limit 1000000) max_states_per_insn 0"}, 1},
		{"states in front", "invalid access to map value, value_size=8 off=8 size=8", []string{
			"12: R0=map_value(ks=4,vs=8) R10=fp0; (79) r1 = *(u64 *)(r0 +8)", "invalid access to map value, value_size=8 off=8 size=8",
			"verification time 12 usec", "stack depth 0", "processed 13 insns"}, 12},
		{"an explanation behind", "R7 !read_ok", []string{
			"2: (b7) r1 = 1                        ; R1=1", "; y = z @ t.stp:3", "3: (bf) r0 = r7", "R7 !read_ok", "",
			"Verification failed: Register Type Safety: Unreadable register", "", "Reason:",
			"  R7 has never been initialized on this path", "Instruction context:", "    2 | (b7) r1 = 1", ">>> 3 | (bf) r0 = r7",
			"Suggestion:", "  Initialize R7", "processed 3 insns"}, 3},
		{"no instruction", "number of funcs in func_info doesn't match", []string{
			"number of funcs in func_info doesn't match"}, -1},
		{"nothing", "permission", nil, -1},
	} {
		v := &ebpf.VerifierError{Cause: errors.New("permission"), Log: c.log}
		if got := reason(v); got != c.reason {
			t.Errorf("%s: reason %q", c.name, got)
		}
		if got := lastInstruction(c.log); got != c.at {
			t.Errorf("%s: instruction %d, want %d", c.name, got, c.at)
		}
	}
}
