package check_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tpinfo/tpinfo/cache"
	"github.com/tpinfo/tpinfo/compiler/check"
	"github.com/tpinfo/tpinfo/compiler/check/checktest"
	"github.com/tpinfo/tpinfo/compiler/diag"
	"github.com/tpinfo/tpinfo/compiler/ir"
	"github.com/tpinfo/tpinfo/compiler/syntax"
	"github.com/tpinfo/tpinfo/extractor"
	"github.com/tpinfo/tpinfo/fixtures/kernels"
	"github.com/tpinfo/tpinfo/fixtures/tier"
)

// A kernel of the cache is check.Metadata.
var _ check.Metadata = (*cache.Kernel)(nil)

// realKernel is the newest kernel of a series, extracted from its headers.
func realKernel(t *testing.T, series string) *cache.Kernel {
	t.Helper()
	tier.NeedTool(t, "gcc", "gcc")
	fetched := kernels.Get(t, kernels.Spec{Series: series}, kernels.Headers)
	snap, err := extractor.Extract(t.Context(), extractor.Request{Tree: fetched.Build, CC: "gcc"})
	if err != nil {
		t.Fatal(err)
	}
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
	k, err := db.Kernel(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// On every series: the prelude is about structs that are there, each event can
// be shown whole, and members lie where the cache says.
func TestSeries(t *testing.T) {
	tier.Need(t, tier.Trees)
	for _, series := range kernels.Series() {
		t.Run(series, func(t *testing.T) {
			k := realKernel(t, series)
			t.Run("prelude", func(t *testing.T) { wholePrelude(t, k) })
			t.Run("events", func(t *testing.T) {
				const script = `probe kernel.trace("*") { println($$vars, $$parms$) } probe kernel.trace("*:*").record { println($$vars$) }`
				p, err := checktest.Check(k, script, check.Options{})
				if err != nil {
					t.Fatal(err)
				}
				whole(t, p, script)
				if len(p.Probes) < 2000 {
					t.Errorf("%d handlers", len(p.Probes))
				}
			})
			t.Run("members", func(t *testing.T) { membersOf(t, k) })
		})
	}
}

// wholePrelude calls every function of the prelude.
func wholePrelude(t *testing.T, k check.Metadata) {
	text, err := os.ReadFile("prelude.stp")
	if err != nil {
		t.Fatal(err)
	}
	prelude, err := syntax.Parse(&diag.Source{Name: "prelude.stp", Text: string(text)}, syntax.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var body strings.Builder
	for _, fn := range prelude.Functions {
		args := make([]string, len(fn.Params))
		for i, p := range fn.Params {
			args[i] = "pid()"
			if p.Type == syntax.StringType {
				args[i] = "execname()"
			}
		}
		fmt.Fprintf(&body, "%s(%s)\n", fn.Name, strings.Join(args, ", "))
	}
	p, err := checktest.Check(k, checktest.On(body.String()), check.Options{})
	if err != nil {
		t.Fatal(err)
	}
	whole(t, p, body.String())
}

func membersOf(t *testing.T, k *cache.Kernel) {
	for target, member := range map[string]string{
		"$prev->pid": "pid", "$prev->se->load->weight": "se.load.weight", "$prev->comm[3]": "comm[3]", "$prev->in_iowait": "in_iowait",
		"$prev->thread_info->flags": "thread_info.flags", "$prev->real_parent": "real_parent", "$prev->signal": "signal",
	} {
		p, err := checktest.Check(k, checktest.On("x = "+target), check.Options{})
		if err != nil {
			t.Errorf("%s: %v", target, err)
			continue
		}
		want, err := k.Member(t.Context(), "struct task_struct", member)
		if err != nil {
			t.Fatal(err)
		}
		load := p.Probes[0].Body.Args[0].Args[0].Args[1]
		size := int(want.Size)
		if want.BitSize > 0 {
			size = (want.BitOffset + want.BitSize + 7) / 8
		}
		if load.Op != ir.Load || load.Int != int64(want.Offset) || load.Mem.Size != size || load.Mem.BitOffset != want.BitOffset || load.Mem.BitSize != want.BitSize {
			t.Errorf("%s: %+v of %+v; the cache has %+v", target, load, load.Mem, want)
		}
	}
}
