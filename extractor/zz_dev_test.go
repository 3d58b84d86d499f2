package extractor

import (
	"context"
	"encoding/json"
	"fmt"
	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/extractor/btf"
	"github.com/tpinfo/tpinfo/extractor/verify"
	"os"
	"strings"
	"testing"
	"time"
)

func TestDev(t *testing.T) {
	for _, where := range strings.Fields(os.Getenv("DEVTREES")) {
		ctx := context.Background()
		t0 := time.Now()
		snap, err := Extract(ctx, Request{Tree: where, CC: os.Getenv("DEVCC"), BTF: os.Getenv("DEVFILL"), Report: func(p Progress) { fmt.Println(time.Since(t0).Round(time.Millisecond), p) }})
		if err != nil {
			t.Fatal(err)
		}
		fmt.Println(snap.Kernel.ID, snap.Kernel.Release, len(snap.Events), "events", len(snap.Types), "types", len(snap.Inputs.Files), "files", time.Since(t0))
		complete := 0
		for i := range snap.Events {
			if snap.Events[i].Complete() {
				complete++
			} else if os.Getenv("DEVV") != "" {
				fmt.Println("  ", snap.Events[i].FullName(), snap.Events[i].Problems)
			}
		}
		fmt.Println("complete", complete, "problems", len(snap.Kernel.Problems))
		for _, p := range snap.Kernel.Problems {
			fmt.Println("  ", p)
		}
		if o := os.Getenv("DEVBTF"); o != "" {
			spec, err := btf.Load(ctx, o)
			if err != nil {
				t.Fatal(err)
			}
			tp, err := spec.Tracepoints()
			if err != nil {
				t.Fatal(err)
			}
			ty, err := spec.Types()
			if err != nil {
				t.Fatal(err)
			}
			show := func(what string, r *verify.Report) {
				fmt.Println(what, "compared", r.Compared, "agreed", r.Agreed, "unexplained", r.Unexplained(), "onlyhave", len(r.OnlyHave), "onlyoracle", len(r.OnlyOracle))
				for i, d := range r.Disagreements {
					if i < 25 {
						fmt.Println("   ", d)
					}
				}
			}
			re := verify.Events(snap.Events, tp.Events, spec.Limits())
			show("events", re)
			fmt.Println("only oracle", re.OnlyOracle)
			var recs []tpinfo.Tracepoint
			for i := range snap.Events {
				if r := tp.Records[snap.Events[i].Class]; r != nil {
					e := snap.Events[i]
					e.Record = r
					recs = append(recs, e)
				}
			}
			show("records", verify.Records(snap.Events, recs, spec.Limits()))
			show("types", verify.Types(snap.Types, ty, spec.Limits()))
		}
		t1 := time.Now()
		fmt.Println(Unchanged(ctx, Request{Tree: where}, snap.Inputs))
		fmt.Println("unchanged in", time.Since(t1))
		f, _ := os.Create("/tmp/dev/snap-" + snap.Kernel.Release + "-" + os.Getenv("DEVCC") + ".jsonl")
		for i := range snap.Events {
			b, _ := json.Marshal(tpinfo.EventOf{Release: snap.Kernel.Release, Event: &snap.Events[i]})
			fmt.Fprintf(f, "%s\n", b)
		}
		f.Close()
		f, _ = os.Create("/tmp/dev/types-" + snap.Kernel.Release + "-" + os.Getenv("DEVCC") + ".jsonl")
		for i := range snap.Types {
			b, _ := json.Marshal(snap.Types[i])
			fmt.Fprintf(f, "%s\n", b)
		}
		f.Close()
	}
}
