package cache_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/cache"
)

// A cache is filled with what an extraction returned, and asked by name.
func Example() {
	if err := fillAndAsk(context.Background()); err != nil {
		fmt.Println(err)
	}
	// Output:
	// p is a struct task_struct * at offset 0
	// its comm is a char[16] at offset 2976
}

func fillAndAsk(ctx context.Context) error {
	dir, err := os.MkdirTemp("", "example-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	db, err := cache.Open(ctx, filepath.Join(dir, "cache.db"))
	if err != nil {
		return err
	}
	defer db.Close()

	// extractor.Extract returns such a snapshot.
	_, err = db.Put(ctx, &tpinfo.Snapshot{
		Kernel: tpinfo.Kernel{ID: "52a2d3c1", Release: "6.1.0-56-cloud-amd64", Arch: "x86", WordSize: 8},
		Events: []tpinfo.Tracepoint{{
			System: "sched", Name: "sched_wakeup", Source: tpinfo.FromDWARF,
			Args: []tpinfo.Arg{{Name: "p", Type: "struct task_struct *", Offset: 0, Size: 8}},
		}},
		Types: []tpinfo.Type{{Kind: tpinfo.KindStruct, Name: "struct task_struct", Size: 9728, Members: []tpinfo.Member{
			{Name: "comm", Type: "char[16]", Offset: 2976, Size: 16},
		}}},
	})
	if err != nil {
		return err
	}

	kernel, err := db.Kernel(ctx, "6.1.*")
	if err != nil {
		return err
	}
	event, err := kernel.Event(ctx, "sched:sched_wakeup")
	if err != nil {
		return err
	}
	for _, arg := range event.Args {
		fmt.Printf("%s is a %s at offset %s\n", arg.Name, arg.Type, arg.Offset)
	}
	comm, err := kernel.Member(ctx, "task_struct", "comm")
	if err != nil {
		return err
	}
	fmt.Printf("its comm is a %s at offset %s\n", comm.Type, comm.Offset)
	return nil
}
