package machine

import (
	"bytes"
	"fmt"
	"syscall"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
)

// helper is a function that programs call: how many of R1 to R5 it takes, and
// what it does with them.
type helper struct {
	args int
	do   func(r *run, a [5]uint64) (uint64, error)
}

// helpers are the functions by their number (include/uapi/linux/bpf.h).
var helpers = map[asm.BuiltinFunc]helper{
	asm.FnMapLookupElem: {2, func(r *run, a [5]uint64) (uint64, error) {
		mp, key, err := r.element(a[0], a[1])
		if err != nil {
			return 0, err
		}
		if e := mp.find(key); e != nil {
			return mp.value(e, r.m.CPU).addr, nil
		}
		return 0, nil
	}},
	asm.FnMapUpdateElem: {4, func(r *run, a [5]uint64) (uint64, error) {
		mp, key, err := r.element(a[0], a[1])
		if err != nil {
			return 0, err
		}
		value, err := r.m.memory.own(a[2], uint64(mp.ValueSize))
		if err != nil {
			return 0, err
		}
		return uint64(mp.update(key, value, a[3])), nil
	}},
	asm.FnMapDeleteElem: {2, func(r *run, a [5]uint64) (uint64, error) {
		mp, key, err := r.element(a[0], a[1])
		if err != nil {
			return 0, err
		}
		return uint64(mp.remove(key)), nil
	}},

	asm.FnProbeRead:          {3, reader(false, false)},
	asm.FnProbeReadKernel:    {3, reader(false, false)},
	asm.FnProbeReadUser:      {3, reader(true, false)},
	asm.FnProbeReadStr:       {3, reader(false, true)},
	asm.FnProbeReadKernelStr: {3, reader(false, true)},
	asm.FnProbeReadUserStr:   {3, reader(true, true)},

	asm.FnKtimeGetNs:        {0, func(r *run, _ [5]uint64) (uint64, error) { return r.m.Now, nil }},
	asm.FnKtimeGetBootNs:    {0, func(r *run, _ [5]uint64) (uint64, error) { return r.m.Boot, nil }},
	asm.FnJiffies64:         {0, func(r *run, _ [5]uint64) (uint64, error) { return r.m.Jiffies, nil }},
	asm.FnGetSmpProcessorId: {0, func(r *run, _ [5]uint64) (uint64, error) { return uint64(r.m.CPU), nil }},
	asm.FnGetCurrentPidTgid: {0, func(r *run, _ [5]uint64) (uint64, error) { return r.m.PidTgid, nil }},
	asm.FnGetCurrentUidGid:  {0, func(r *run, _ [5]uint64) (uint64, error) { return r.m.UidGid, nil }},
	asm.FnGetCurrentTask:    {0, func(r *run, _ [5]uint64) (uint64, error) { return r.m.Task, nil }},
	asm.FnGetPrandomU32: {0, func(r *run, _ [5]uint64) (uint64, error) {
		if r.m.Random == nil {
			return 4, nil
		}
		return uint64(r.m.Random()), nil
	}},
	asm.FnGetCurrentComm: {2, func(r *run, a [5]uint64) (uint64, error) {
		into, err := r.m.memory.space(a[0], a[1])
		if err != nil {
			return 0, err
		}
		if len(into) == 0 {
			return 0, fmt.Errorf("no space for the command's name")
		}
		clear(into)
		copy(into[:len(into)-1], r.m.Comm)
		return 0, nil
	}},
	asm.FnGetStackid: {3, func(r *run, a [5]uint64) (uint64, error) {
		_, err := r.mapOf(a[1], ebpf.StackTrace)
		return uint64(r.m.StackID), err
	}},

	asm.FnRingbufReserve: {3, func(r *run, a [5]uint64) (uint64, error) {
		mp, err := r.mapOf(a[0], ebpf.RingBuf)
		if err != nil {
			return 0, err
		}
		if a[2] != 0 {
			return 0, fmt.Errorf("flags of a record to reserve: %#x", a[2])
		}
		return r.reserve(mp, a[1]), nil
	}},
	asm.FnRingbufSubmit:  {2, func(r *run, a [5]uint64) (uint64, error) { return 0, r.finish(a[0], true) }},
	asm.FnRingbufDiscard: {2, func(r *run, a [5]uint64) (uint64, error) { return 0, r.finish(a[0], false) }},
	asm.FnRingbufOutput: {4, func(r *run, a [5]uint64) (uint64, error) {
		mp, err := r.mapOf(a[0], ebpf.RingBuf)
		if err != nil {
			return 0, err
		}
		data, err := r.m.memory.own(a[1], a[2])
		if err != nil {
			return 0, err
		}
		return uint64(r.output(mp, data)), nil
	}},
}

// call calls a helper; it leaves R1 to R5 unset, as the verifier has it.
func (r *run) call(in insn) error {
	if in.src != 0 || in.dst != 0 || in.off != 0 {
		return ErrUnknown
	}
	h, known := helpers[asm.BuiltinFunc(in.imm)]
	if !known {
		return fmt.Errorf("helper %d is not known here", in.imm)
	}
	var args [5]uint64
	for i := range h.args {
		value, err := r.get(uint8(i + 1))
		if err != nil {
			return err
		}
		args[i] = value
	}
	result, err := h.do(r, args)
	if err != nil {
		return err
	}
	for i := 1; i <= 5; i++ {
		r.known[i] = false
	}
	return r.set(0, result)
}

// mapOf is the map that a register holds.
func (r *run) mapOf(handle uint64, types ...ebpf.MapType) (*Map, error) {
	mp := r.m.handles[handle]
	if mp == nil {
		return nil, fmt.Errorf("%#x is no map", handle)
	}
	for _, t := range types {
		if mp.Type != t {
			return nil, fmt.Errorf("map %s is of type %v, not %v", mp.Name, mp.Type, t)
		}
	}
	return mp, nil
}

// element is a map and a key that the program's memory holds.
func (r *run) element(handle, key uint64) (*Map, []byte, error) {
	mp, err := r.mapOf(handle)
	if err != nil {
		return nil, nil, err
	}
	if kinds[mp.Type].opaque {
		return nil, nil, fmt.Errorf("map %s of type %v has no elements", mp.Name, mp.Type)
	}
	data, err := r.m.memory.own(key, uint64(mp.KeySize))
	return mp, data, err
}

// reader is a helper that reads memory: to, size, from. What cannot be read
// leaves zeros and is -EFAULT. A string ends with a NUL, which the result
// counts; behind it nothing is written.
func reader(user, text bool) func(*run, [5]uint64) (uint64, error) {
	return func(r *run, a [5]uint64) (uint64, error) {
		size := uint64(uint32(a[1]))
		into, err := r.m.memory.space(a[0], size)
		if err != nil {
			return 0, err
		}
		from := r.m.memory.foreign(a[2], size, user)
		if text {
			if size == 0 {
				return 0, nil
			}
			if n := bytes.IndexByte(from, 0); n >= 0 {
				from = from[:n+1]
			} else if uint64(len(from)) == size {
				from = append(bytes.Clone(from[:size-1]), 0)
			} else {
				from = nil
			}
			if from != nil {
				return uint64(copy(into, from)), nil
			}
		} else if uint64(len(from)) == size {
			copy(into, from)
			return 0, nil
		}
		clear(into)
		fault := -int64(syscall.EFAULT)
		return uint64(fault), nil
	}
}
