package btf

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

func TestDev(t *testing.T) {
	for _, p := range strings.Fields(os.Getenv("DEVBTF")) {
		t0 := time.Now()
		s, err := Load(context.Background(), p)
		if err != nil {
			fmt.Println(p, err)
			continue
		}
		t1 := time.Now()
		tp, err := s.Tracepoints()
		if err != nil {
			t.Fatal(err)
		}
		t2 := time.Now()
		ty, err := s.Types()
		if err != nil {
			t.Fatal(err)
		}
		dup, last := 0, ""
		for _, x := range ty {
			if x.Name == last {
				dup++
			}
			last = x.Name
		}
		fmt.Println(p, s.release, s.wordSize, s.order, "load", t1.Sub(t0), "events", len(tp.Events), len(tp.Records), t2.Sub(t1), "types", len(ty), time.Since(t2), "dups", dup)
		noname := 0
		for _, e := range tp.Events {
			for _, a := range e.Args {
				if a.Name == "" {
					noname++
					break
				}
			}
		}
		fmt.Println("unnamed", noname)
	}
}
