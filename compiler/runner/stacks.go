package runner

import (
	"encoding/binary"
	"fmt"

	"github.com/cilium/ebpf"

	"github.com/tpinfo/tpinfo/compiler/runner/symbols"
)

// kernelSymbols names addresses by this kernel's symbol table, and finds the
// stacks that probes took.
type kernelSymbols struct {
	symbols.Kernel
	stacks *ebpf.Map // nil when no probe takes any
}

// Stack implements render.Symbols: an element of a BPF_MAP_TYPE_STACK_TRACE is
// 64-bit addresses, zeros behind the last.
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
	return addresses, nil
}
