package runner

import (
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/tpinfo/tpinfo/compiler/runner/render"

	"github.com/tpinfo/tpinfo/compiler/runner/symbols"
)

// kernelSymbols names addresses by this kernel's symbol table, and finds the
// stacks that probes took.
type kernelSymbols struct {
	symbols.Kernel
	stacks   *ebpf.Map // nil when no probe takes any
	programs map[string]*ebpf.Program
}

// Stack implements render.Symbols: an element of a BPF_MAP_TYPE_STACK_TRACE is
// 64-bit addresses, zeros behind the last. What took the stack is not part of
// it.
func (k *kernelSymbols) Stack(id int64) ([]uint64, error) {
	if k.stacks == nil {
		return nil, fmt.Errorf("no probe of this object takes stacks")
	}
	value, err := k.stacks.LookupBytes(uint32(id))
	if err != nil {
		return nil, fmt.Errorf("read a kernel stack: %w", err)
	}
	var addresses []uint64
	for ; len(value) >= 8; value = value[8:] {
		address := binary.NativeEndian.Uint64(value)
		if address == 0 {
			break
		}
		addresses = append(addresses, address)
	}
	return addresses[tracing(addresses, k.Symbol, k.own):], nil
}

// tracing is how many frames in front are of the program of a raw tracepoint and
// of what calls it: the program, bpf_trace_runN (kernel/trace/bpf_trace.c), and
// where they are not jumped to, __bpf_trace_EVENT and __traceiter_EVENT. The
// stacks of other programs begin where the event was, or where the CPU was, and
// that may be in any of these; only with a program of this script in front they
// are left out.
func tracing(addresses []uint64, symbol func(uint64) (render.Symbol, bool), own func(string) bool) int {
	n := 0
	name := func() string {
		if n == len(addresses) {
			return ""
		}
		s, _ := symbol(addresses[n])
		return s.Name
	}
	for own(name()) {
		n++ // arm64 has it twice: the helper's frame is unwound, too
	}
	if n == 0 || !strings.HasPrefix(name(), "bpf_trace_run") {
		return 0
	}
	n++
	for _, prefix := range []string{"__bpf_trace_", "__traceiter_"} {
		if strings.HasPrefix(name(), prefix) {
			n++
		}
	}
	return n
}

// own tells the symbols of this script's programs: "bpf_prog_", 16 digits and
// the name (bpf_prog_ksym_set_name, kernel/bpf/core.c).
func (k *kernelSymbols) own(symbol string) bool {
	const tag = len("bpf_prog_") + 16 + len("_")
	if !strings.HasPrefix(symbol, "bpf_prog_") || len(symbol) <= tag {
		return false
	}
	name := symbol[tag:]
	for program := range k.programs {
		if name == program || len(name) == unix.BPF_OBJ_NAME_LEN-1 && strings.HasPrefix(program, name) {
			return true
		}
	}
	return false
}
