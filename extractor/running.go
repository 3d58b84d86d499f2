package extractor

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/extractor/btf"
	"github.com/tpinfo/tpinfo/extractor/syscalls"
	"github.com/tpinfo/tpinfo/extractor/tracefs"
)

// tracefsDirs are where tracefs is mounted, by habit and by the kernel itself
// when /sys/kernel/debug is opened.
var tracefsDirs = []string{"/sys/kernel/tracing", "/sys/kernel/debug/tracing"}

// machineArch is the kernel's word for an architecture that uname names so.
var machineArch = map[string]string{
	"x86_64": "x86", "i686": "x86", "aarch64": "arm64", "armv7l": "arm",
	"riscv64": "riscv", "s390x": "s390", "ppc64le": "powerpc",
}

// machine is the running kernel's name for its hardware, as uname -m.
func machine() string {
	var u unix.Utsname
	if unix.Uname(&u) != nil {
		return ""
	}
	return unix.ByteSliceToString(u.Machine[:])
}

// extractBTF describes a kernel from its BTF alone; for the running one also
// from its format files, where they can be read.
func extractBTF(ctx context.Context, req Request, target *Target) (*tpinfo.Snapshot, error) {
	spec, running, err := loadTarget(ctx, target)
	if err != nil {
		return nil, err
	}
	tp, err := spec.Tracepoints()
	if err != nil {
		return nil, err
	}
	types, err := spec.Types()
	if err != nil {
		return nil, err
	}
	req.Report(Progress{Stage: StageMine, Detail: fmt.Sprintf("%d tracepoints in the BTF", len(tp.Events))})
	snap := &tpinfo.Snapshot{
		Events: tp.Events,
		Inputs: tpinfo.Inputs{Files: []string{}, Digest: spec.Digest(), BTF: spec.Digest()},
		Kernel: tpinfo.Kernel{
			Release: target.Release, ByteOrder: spec.ByteOrder(), WordSize: spec.WordSize(),
			Source: tpinfo.FromBTF, Tree: target.Tree, Extracted: time.Now().UTC().Truncate(time.Second),
		},
	}
	if snap.Kernel.Release == "" {
		snap.Kernel.Release = spec.Release()
	}
	problems := spec.Problems()
	snap.Types, problems = unambiguous(types, problems)
	if running {
		snap.Kernel.Arch = machineArch[machine()]
		formats, skipped, terr := readFormats(ctx)
		problems = append(problems, skipped...)
		if terr != nil {
			problems = append(problems, tpinfo.Problem{
				Code: tpinfo.InputSkipped, Subject: "tracefs",
				Message: "systems, records of shared classes and syscall events are unknown: " + terr.Error(),
			})
		} else {
			// Before overlay, which puts into them what BTF knows.
			snap.Inputs.Digest = digestEvents(spec.Digest(), formats)
			overlay(snap, tp, formats)
			snap.Kernel.Source = tpinfo.FromBTFTracefs
		}
	}
	sortEvents(snap.Events)
	if snap.Kernel.Release == "" {
		return nil, fmt.Errorf("%s does not tell its kernel's release: give the kernel's headers too (tpinfo extract TREE --btf FILE), or the kernel image (vmlinuz) instead of raw BTF", target.Tree)
	}
	sum := sha256.Sum256([]byte("btf " + snap.Inputs.Digest))
	snap.Kernel.ID = hex.EncodeToString(sum[:16])
	snap.Kernel.Problems = dedupe(problems)
	req.Report(Progress{Stage: StageCheck, Detail: fmt.Sprintf("%d events, %d types", len(snap.Events), len(snap.Types))})
	return snap, nil
}

// loadTarget reads the target's BTF; running says that it is this machine's.
func loadTarget(ctx context.Context, target *Target) (spec *btf.Spec, running bool, err error) {
	if running = target.Tree == filepath.Join(sysfs, "kernel", "btf"); running {
		spec, err = btf.Running(ctx, sysfs)
	} else {
		spec, err = btf.Load(ctx, target.Tree)
	}
	return spec, running, err
}

// unambiguous keeps the names that have one meaning. Typedefs that come to the
// same in the end, as "u8" does that one source makes of __u8 and another of
// unsigned char, are one.
func unambiguous(types []tpinfo.Type, problems []tpinfo.Problem) ([]tpinfo.Type, []tpinfo.Problem) {
	first := make(map[string]*tpinfo.Type, len(types))
	for i := range types {
		if first[types[i].Name] == nil {
			first[types[i].Name] = &types[i]
		}
	}
	var kept []tpinfo.Type
	for i := 0; i < len(types); {
		next, same := i+1, true
		for next < len(types) && types[next].Name == types[i].Name {
			same = same && sameTypedef(&types[i], &types[next], first)
			next++
		}
		if same {
			kept = append(kept, types[i])
		} else {
			problems = append(problems, ambiguous(types[i].Name, next-i))
		}
		i = next
	}
	return kept, problems
}

// sameTypedef tells typedefs that stand for one type.
func sameTypedef(a, b *tpinfo.Type, named map[string]*tpinfo.Type) bool {
	return a.Kind == tpinfo.KindTypedef && b.Kind == tpinfo.KindTypedef && a.Anon == nil && b.Anon == nil &&
		a.Size == b.Size && underlying(a.Of, named) == underlying(b.Of, named)
}

// underlying follows the typedefs of a spelling that is nothing but a name.
func underlying(of string, named map[string]*tpinfo.Type) string {
	for range len(named) {
		t := named[of]
		if t == nil || t.Kind != tpinfo.KindTypedef || t.Anon != nil {
			break
		}
		of = t.Of
	}
	return of
}

func readFormats(ctx context.Context) ([]tpinfo.Tracepoint, []tpinfo.Problem, error) {
	var last error
	for _, dir := range tracefsDirs {
		formats, skipped, err := tracefs.Read(ctx, dir)
		if err == nil {
			return formats, skipped, nil
		}
		if last == nil {
			last = err
		}
	}
	return nil, nil, last
}

// overlay lays format files over events that BTF named: they tell the system
// and the record. Events that only a format file has (those of syscalls do
// not come from tracepoints of their own) are added.
func overlay(snap *tpinfo.Snapshot, tp *btf.Tracepoints, formats []tpinfo.Tracepoint) {
	byName := map[string]int{}
	for i := range snap.Events {
		byName[snap.Events[i].Name] = i
	}
	for _, f := range formats {
		i, ok := byName[f.Name]
		if !ok {
			snap.Events = append(snap.Events, onlyFormat(f, snap.Kernel.WordSize))
			continue
		}
		e := &snap.Events[i]
		if e.System != "" {
			snap.Events = append(snap.Events, sameName(f, e))
			continue
		}
		e.System, e.Source = f.System, tpinfo.FromBTFTracefs
		e.Problems = slices.DeleteFunc(e.Problems, func(p tpinfo.Problem) bool {
			return p.Code == tpinfo.SystemUnknown || p.Code == tpinfo.RecordMissing
		})
		own := e.Record
		e.Record = f.Record
		if own != nil && len(own.Fields) == len(f.Record.Fields) {
			e.Record.Size = own.Size
			continue
		}
		class := classOf(tp.Records, f.Record)
		if class == nil {
			e.Problems = append(e.Problems, tpinfo.Problem{
				Code: tpinfo.RecordMissing, Subject: "size",
				Message: "a format file lists the fields of the record, not its size",
				Supply:  []string{"the kernel's headers"},
			})
			continue
		}
		e.Record.Size = *class
	}
}

// classOf finds the size of the record with exactly these fields, when all
// classes with them agree on it.
func classOf(records map[string]*tpinfo.Record, want *tpinfo.Record) *tpinfo.Bytes {
	var size *tpinfo.Bytes
	for _, r := range records {
		if !slices.EqualFunc(r.Fields, want.Fields, func(a, b tpinfo.Field) bool {
			return a.Name == b.Name && a.Offset == b.Offset && a.Size == b.Size && a.Location == b.Location
		}) {
			continue
		}
		if size != nil && *size != r.Size {
			return nil
		}
		size = &r.Size
	}
	return size
}

// sameName is an event of one system whose name another's has too.
func sameName(f tpinfo.Tracepoint, first *tpinfo.Tracepoint) tpinfo.Tracepoint {
	f.Problems = append(f.Problems, tpinfo.Problem{
		Code: tpinfo.ArgsMissing, Message: fmt.Sprintf("BTF does not tell its arguments from those of %s", first.FullName()),
		Supply: []string{"the kernel's headers"},
	})
	return f
}

// onlyFormat is an event that BTF does not know.
func onlyFormat(f tpinfo.Tracepoint, word int) tpinfo.Tracepoint {
	if f.System == syscalls.System {
		f.Args = []tpinfo.Arg{}
		f.Record.Size = syscalls.Size(f.Record.Fields, word)
		f.Problems = append(f.Problems, syscalls.RecordOnly(f.Name))
		return f
	}
	f.Problems = append(f.Problems, tpinfo.Problem{
		Code: tpinfo.ArgsMissing, Message: "only its format file describes it: it is no tracepoint of its own, or its module has no BTF",
	})
	return f
}

func digestEvents(start string, events []tpinfo.Tracepoint) string {
	h := sha256.New()
	io.WriteString(h, start)
	for i := range events {
		id := events[i].ContentID()
		h.Write(id[:])
	}
	return hex.EncodeToString(h.Sum(nil))
}

// sameBTF reports whether the BTF of the request is what inputs recorded. A
// request without one accepts any beside headers.
func sameBTF(ctx context.Context, req Request, target *Target, inputs tpinfo.Inputs) (bool, error) {
	switch {
	case target.FromBTF:
		spec, running, err := loadTarget(ctx, target)
		if err != nil {
			return false, err
		}
		digest := spec.Digest()
		if running {
			if formats, _, err := readFormats(ctx); err == nil {
				digest = digestEvents(digest, formats)
			}
		}
		return digest == inputs.Digest, nil
	case req.BTF == "":
		return inputs.Digest != "", nil
	}
	digest, err := btf.Digest(ctx, req.BTF)
	return digest == inputs.BTF, err
}
