package cache

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/tpinfo/tpinfo"
)

func load(t *testing.T, rel string) *tpinfo.Snapshot {
	s := &tpinfo.Snapshot{Kernel: tpinfo.Kernel{ID: "id" + rel, Release: rel, Arch: "x86", WordSize: 8, Extracted: time.Now()}}
	read := func(p string, f func([]byte)) {
		fh, err := os.Open(p)
		if err != nil {
			t.Skip(err)
		}
		sc := bufio.NewScanner(fh)
		sc.Buffer(nil, 1<<24)
		for sc.Scan() {
			f(sc.Bytes())
		}
	}
	read("/tmp/dev/snap-"+rel+"-gcc.jsonl", func(b []byte) {
		var e tpinfo.Tracepoint
		if err := json.Unmarshal(b, &e); err != nil {
			t.Fatal(err)
		}
		s.Events = append(s.Events, e)
	})
	read("/tmp/dev/types-"+rel+"-gcc.jsonl", func(b []byte) {
		var e tpinfo.Type
		if err := json.Unmarshal(b, &e); err != nil {
			t.Fatal(err)
		}
		s.Types = append(s.Types, e)
	})
	return s
}

func TestDev(t *testing.T) {
	ctx := context.Background()
	p := "/tmp/dev/c.db"; os.Remove(p); _ = filepath.Join
	db, err := Open(ctx, p)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range []string{"6.1.0-56-cloud-amd64"} {
		s := load(t, r)
		t0 := time.Now()
		res, err := db.Put(ctx, s)
		if err != nil {
			t.Fatal(err)
		}
		el := time.Since(t0)
		db.Checkpoint(ctx)
		st, _ := os.Stat(p)
		fmt.Println(r, res, el, st.Size())
	}
	// neighbour
	s := load(t, "6.1.0-56-cloud-amd64")
	s.Kernel.ID, s.Kernel.Release = "id6.1.0-55", "6.1.0-55-cloud-amd64"
	for i := 0; i < len(s.Types); i += 100 {
		s.Types[i].Size++
	}
	for i := 0; i < len(s.Events); i += 100 {
		s.Events[i].Header += "x"
	}
	t0 := time.Now()
	res, err := db.Put(ctx, s)
	el := time.Since(t0)
	db.Checkpoint(ctx)
	st, _ := os.Stat(p)
	fmt.Println("neighbour", res, err, el, st.Size())
	f, err := db.Verify(ctx)
	fmt.Println(f, err)
	db.Close()
	for range 3 {
		t0 = time.Now()
		db, err = Open(ctx, p, ReadOnly())
		if err != nil {
			t.Fatal(err)
		}
		t1 := time.Now()
		k, err := db.Kernel(ctx, "6.1.0-56-cloud-amd64")
		if err != nil {
			t.Fatal(err)
		}
		t2 := time.Now()
		e, err := k.Event(ctx, "sched:sched_switch")
		t3 := time.Now()
		_, err = k.Event(ctx, "sched:sched_switch")
		t4 := time.Now()
		ev, err := k.Events(ctx)
		t5 := time.Now()
		fmt.Println("open", t1.Sub(t0), "kernel", t2.Sub(t1), "event", t3.Sub(t2), "again", t4.Sub(t3), "events", t5.Sub(t4), len(ev), e.Name, err)
		m, err := k.Member(ctx, "task_struct", "se.load.weight")
		fmt.Println(m, err)
		_, err = k.Member(ctx, "task_struct", "se.laod.weight")
		fmt.Println(err)
		_, err = k.Event(ctx, "sched_swich")
		fmt.Println(err)
		db.Close()
	}
}
