package compiler_test

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/cache"
	"github.com/tpinfo/tpinfo/extractor"
	"github.com/tpinfo/tpinfo/fixtures/kernels"
	"github.com/tpinfo/tpinfo/fixtures/tier"
)

var update = flag.Bool("update", false, "write the golden files anew")

// inCache puts a kernel into a cache of its own and opens it, as the commands
// do.
func inCache(t *testing.T, snap *tpinfo.Snapshot) *cache.Kernel {
	t.Helper()
	db, err := cache.Open(t.Context(), filepath.Join(t.TempDir(), "cache.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	if _, err := db.Put(t.Context(), snap); err != nil {
		t.Fatal(err)
	}
	k, err := db.Kernel(t.Context(), snap.Kernel.Release)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// thisKernel is the machine's own, from its BTF and tracefs.
func thisKernel(t *testing.T) *cache.Kernel {
	t.Helper()
	snap, err := extractor.Extract(t.Context(), extractor.Request{})
	if err != nil {
		t.Fatal(err)
	}
	return inCache(t, snap)
}

// seriesKernel is the newest of a series, from its headers.
func seriesKernel(t *testing.T, series string) *cache.Kernel {
	t.Helper()
	tier.NeedTool(t, "gcc", "gcc")
	k := kernels.Get(t, kernels.Spec{Series: series}, kernels.Headers)
	snap, err := extractor.Extract(t.Context(), extractor.Request{Tree: k.Build, CC: "gcc"})
	if err != nil {
		t.Fatal(err)
	}
	return inCache(t, snap)
}

// keptFile is a part of a kernel of series 6.1, for tests without any kernel.
const keptFile = "testdata/kernel.json"

// keptEvents and keptTypes are what it has; and of types that these are made
// of, those that are no structs.
var (
	keptEvents = []string{
		"sched:sched_switch", "sched:sched_process_exec", "sched:sched_process_fork", "sched:sched_process_exit", "sched:sched_wakeup",
		"raw_syscalls:sys_enter", "raw_syscalls:sys_exit", "signal:signal_generate", "timer:hrtimer_init", "timer:hrtimer_start",
		"filemap:mm_filemap_add_to_page_cache", "timer:timer_start",
	}
	keptTypes = []string{
		"struct task_struct", "struct thread_info", "struct cred", "struct sched_entity", "struct load_weight", "struct pt_regs",
		"struct hrtimer", "struct folio", "struct page", "struct linux_binprm", "struct kernel_siginfo", "struct mm_struct",
		"struct signal_struct", "struct list_head", "struct files_struct", "struct fdtable", "struct file", "struct path", "struct dentry",
		"struct qstr", "struct timespec64", "struct timer_list", "struct nsproxy", "struct pid", "struct upid", "enum pid_type", "enum hrtimer_mode", "struct rlimit",
		"struct restart_block", "union __sifields",
	}
)

// keptKernel reads it.
func keptKernel(t *testing.T) *cache.Kernel {
	t.Helper()
	text, err := os.ReadFile(keptFile)
	if err != nil {
		t.Fatal(err)
	}
	var snap tpinfo.Snapshot
	if err := json.Unmarshal(text, &snap); err != nil {
		t.Fatal(err)
	}
	return inCache(t, &snap)
}

// The kept kernel, written anew with -update.
func TestKeepKernel(t *testing.T) {
	if !*update {
		t.Skip("-update " + tier.NotAsked)
	}
	k := kernels.Get(t, kernels.Spec{Series: "6.1"}, kernels.Headers)
	snap, err := extractor.Extract(t.Context(), extractor.Request{Tree: k.Build, CC: "gcc"})
	if err != nil {
		t.Fatal(err)
	}
	snap.Kernel.Tree, snap.Kernel.Problems, snap.Inputs = "", nil, tpinfo.Inputs{}
	snap.Events = slices.DeleteFunc(snap.Events, func(e tpinfo.Tracepoint) bool { return !slices.Contains(keptEvents, e.FullName()) })
	wanted := map[string]bool{}
	named := map[string]*tpinfo.Type{}
	for i := range snap.Types {
		named[snap.Types[i].Name] = &snap.Types[i]
	}
	for _, name := range keptTypes {
		keep(name, named, wanted)
	}
	for i := range snap.Events {
		for _, a := range snap.Events[i].Args {
			keepSpelling(a.Type, named, wanted)
		}
		for _, f := range snap.Events[i].Record.Fields {
			keepSpelling(f.Type, named, wanted)
		}
	}
	snap.Types = slices.DeleteFunc(snap.Types, func(typ tpinfo.Type) bool { return !wanted[typ.Name] })
	text, err := json.MarshalIndent(snap, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(keptFile, append(text, '\n'), 0o644); err != nil {
		t.Fatal(err)
	}
}

// keep adds a type and what is not a struct below it.
func keep(name string, named map[string]*tpinfo.Type, wanted map[string]bool) {
	typ := named[name]
	if typ == nil || wanted[name] {
		return
	}
	wanted[name] = true
	if typ.Of != "" {
		keepSpelling(typ.Of, named, wanted)
	}
	keepMembers(typ, named, wanted)
}

func keepMembers(typ *tpinfo.Type, named map[string]*tpinfo.Type, wanted map[string]bool) {
	for i := range typ.Members {
		keepSpelling(typ.Members[i].Type, named, wanted)
		if inner := typ.Members[i].Anon; inner != nil {
			keepMembers(inner, named, wanted)
		}
	}
	if typ.Anon != nil {
		keepMembers(typ.Anon, named, wanted)
	}
}

func keepSpelling(spelling string, named map[string]*tpinfo.Type, wanted map[string]bool) {
	e, err := tpinfo.ParseExpr(spelling)
	if err != nil {
		return
	}
	base := e.Base().Name
	if base == "" || strings.HasPrefix(base, "struct ") || strings.HasPrefix(base, "union ") {
		return
	}
	keep(base, named, wanted)
}
