package extractor

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
	"github.com/tpinfo/tpinfo"
)

func TestDev(t *testing.T) {
	for _, where := range strings.Fields(os.Getenv("DEVTREES")) {
		ctx := context.Background()
		t0 := time.Now()
		snap, err := Extract(ctx, Request{Tree: where, CC: os.Getenv("DEVCC"), Report: func(p Progress) { fmt.Println(time.Since(t0).Round(time.Millisecond), p) }})
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
