package extractor

import (
	"context"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/extractor/cc"
	"github.com/tpinfo/tpinfo/extractor/compile"
	"github.com/tpinfo/tpinfo/extractor/kbuild"
	"github.com/tpinfo/tpinfo/extractor/syscalls"
	"github.com/tpinfo/tpinfo/extractor/tracefs"
	"github.com/tpinfo/tpinfo/fixtures/kernels"
	"github.com/tpinfo/tpinfo/fixtures/tier"
	"github.com/tpinfo/tpinfo/fixtures/vm"
)

// The events of system calls are those that the booted kernel has, all of them
// and none beyond, with its records: on a real-time kernel too, where struct
// trace_entry is larger.
func TestSystemCallsAgainstFormatFiles(t *testing.T) {
	tier.Need(t, tier.Booted)
	for flavour, compiler := range map[string]string{"cloud-amd64": "gcc", "rt-amd64": "clang"} {
		t.Run(flavour, func(t *testing.T) {
			tier.NeedTool(t, compiler, compiler)
			spec := kernels.Spec{Series: "6.1", Flavour: flavour}
			k := kernels.Get(t, spec, kernels.Headers, kernels.Image)
			events := systemCalls(t, k, kernels.Source(t, spec, k), compiler)
			formats, skipped, err := tracefs.Read(context.Background(), vm.Formats(t, k))
			if err != nil || len(skipped) > 0 {
				t.Fatalf("error %v, skipped %v", err, skipped)
			}
			want, have := map[string][]tpinfo.Field{}, map[string][]tpinfo.Field{}
			for _, f := range formats {
				if f.System == syscalls.System {
					want[f.Name] = f.Record.Fields
				}
			}
			for i := range events {
				e := &events[i]
				have[e.Name] = e.Record.Fields
				if !e.Complete() || !e.RecordOnly() || e.Header == "" || e.Record.Size != syscalls.Size(want[e.Name], 8) {
					t.Errorf("%s: %+v", e.FullName(), e)
				}
			}
			if diff := cmp.Diff(want, have); diff != "" {
				t.Errorf("-kernel +source:\n%s", diff)
			}
			if len(want) < 600 {
				t.Errorf("the kernel has %d events", len(want))
			}
			t.Logf("%s, %s: %d events of system calls", k.Release, compiler, len(events))
		})
	}
}

// systemCalls extracts the events of system calls alone, after the public
// headers.
func systemCalls(t *testing.T, k kernels.Kernel, source, compiler string) []tpinfo.Tracepoint {
	t.Helper()
	ctx := context.Background()
	snap, err := Extract(ctx, Request{Tree: k.Build, CC: compiler})
	if err != nil {
		t.Fatal(err)
	}
	tree, err := kbuild.Find(k.Build)
	if err != nil {
		t.Fatal(err)
	}
	src, err := kbuild.OpenSource(source, tree)
	if err != nil {
		t.Fatal(err)
	}
	cc, err := cc.Find(ctx, compiler, tree.Arch)
	if err != nil {
		t.Fatal(err)
	}
	full := &sourceTree{dir: src.Dir, makefiles: src}
	shop, err := compile.New(t.TempDir(), compile.Config{Tree: tree, Compiler: cc, Roots: full.roots(tree)})
	if err != nil {
		t.Fatal(err)
	}
	files, problems, err := newSourceShop(shop, full, 1).systemCalls(ctx, snap)
	if err != nil || len(problems) > 0 {
		t.Fatalf("error %v, problems %v", err, problems)
	}
	// A change of any of them is a change of what was extracted.
	for _, f := range []string{"full:fs/open.c", "full:kernel/sched/membarrier.c", "source:include/linux/syscalls.h", "build:arch/x86/include/generated/asm/syscalls_64.h"} {
		if !slices.Contains(files, f) {
			t.Errorf("%s is not among the %d files that were read", f, len(files))
		}
	}
	return slices.DeleteFunc(snap.Events, func(e tpinfo.Tracepoint) bool { return e.System != syscalls.System })
}
