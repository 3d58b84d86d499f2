package runner

import (
	"errors"
	"fmt"
	"io"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"golang.org/x/sys/unix"

	"github.com/tpinfo/tpinfo/compiler/ir"
)

// nobody is the process that target() tells of in the kernel before the command
// begins: no process has the number.
const nobody = -1

// onset makes target() the command's process at the first moment of the command,
// its execve(2): what the process did before, to start it, is none of the
// command's. The kernel itself says when that is, to a program of ours. It is
// attached before the script's probes, and so runs before those of the same event.
type onset struct {
	collection *ebpf.Collection
	links      []io.Closer
}

// prepareOnset attaches the program for a process that is about to become the
// command. It sets the word of the data map.
func prepareOnset(pid int, dataMap *ebpf.Map) (*onset, error) {
	spec := &ebpf.CollectionSpec{Programs: map[string]*ebpf.ProgramSpec{
		"sys_enter":          onsetProgram(pid, dataMap, true),
		"sched_process_exec": onsetProgram(pid, dataMap, false),
	}}
	collection, err := ebpf.NewCollection(spec)
	if err != nil {
		return nil, fmt.Errorf("the program that tells when the command begins: %w", withPrivileges(err))
	}
	o := &onset{collection: collection}
	// A kernel may have no events of system calls, and one may be left out where
	// another handler was interrupted. The other event is a moment later.
	for _, event := range []string{"sys_enter", "sched_process_exec"} {
		l, err := attachRawTracepoint(event, collection.Programs[event])
		if errors.Is(err, errNoEvent) {
			continue
		}
		if err != nil {
			return nil, errors.Join(err, o.close())
		}
		o.links = append(o.links, l)
	}
	return o, nil
}

// onsetProgram stores the number of the process where it runs in that one; with
// calls, in its execve alone.
func onsetProgram(pid int, dataMap *ebpf.Map, calls bool) *ebpf.ProgramSpec {
	var code asm.Instructions
	if calls { // TP_PROTO(struct pt_regs *regs, long id), include/trace/events/syscalls.h
		code = append(code,
			asm.LoadMem(asm.R6, asm.R1, 8, asm.DWord),
			asm.JNE.Imm(asm.R6, unix.SYS_EXECVE, "out"))
	}
	code = append(code,
		asm.FnGetCurrentPidTgid.Call(),
		asm.RSh.Imm(asm.R0, 32),
		asm.JNE.Imm(asm.R0, int32(pid), "out"),
		asm.LoadMapValue(asm.R1, dataMap.FD(), ir.ControlTarget),
		asm.StoreMem(asm.R1, 0, asm.R0, asm.DWord),
		asm.Mov.Imm(asm.R0, 0).WithSymbol("out"),
		asm.Return())
	return &ebpf.ProgramSpec{Name: "tpinfo_onset", Type: ebpf.RawTracepoint, License: "GPL", Instructions: code}
}

// firstNamespace reports whether numbers of processes are here what they are to
// the kernel. The first namespace has a fixed number (PROC_PID_INIT_INO,
// include/linux/proc_ns.h).
func firstNamespace() bool {
	const first = 0xEFFFFFFC
	var info unix.Stat_t
	return unix.Stat("/proc/self/ns/pid", &info) == nil && info.Ino == first
}

// close detaches the program.
func (o *onset) close() error {
	if o == nil {
		return nil
	}
	var errs []error
	for _, l := range o.links {
		errs = append(errs, l.Close())
	}
	o.links = nil
	o.collection.Close()
	return errors.Join(errs...)
}
