package cache

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/fixtures/process"
	"github.com/tpinfo/tpinfo/fixtures/tier"
)

// large is a kernel with hundreds of layouts, each edition with some of its
// own; the edition is in its id.
func large(edition int) *tpinfo.Snapshot {
	s := sample("6.1.0-large", edition)
	s.Kernel.ID = fmt.Sprintf("%032x", edition)
	for n := range 200 {
		e := s.Events[3]
		e.Name = fmt.Sprintf("event_%03d", n)
		e.Class = fmt.Sprint(edition * (n % 2))
		s.Events = append(s.Events, e)
		typ := s.Types[7]
		typ.Name = fmt.Sprintf("struct type_%03d", n)
		typ.Members = slices.Clone(typ.Members)
		typ.Members[0].Name = fmt.Sprint("member_", edition*(n%2))
		s.Types = append(s.Types, typ)
	}
	slices.SortFunc(s.Events, func(a, b tpinfo.Tracepoint) int {
		return compareStrings(a.System, b.System, a.Name, b.Name)
	})
	slices.SortFunc(s.Types, func(a, b tpinfo.Type) int { return compareStrings(a.Name, b.Name) })
	return s
}

func compareStrings(pairs ...string) int {
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i] != pairs[i+1] {
			if pairs[i] < pairs[i+1] {
				return -1
			}
			return 1
		}
	}
	return 0
}

func child(t *testing.T, path string) (*exec.Cmd, *bufio.Scanner) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+path)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd, bufio.NewScanner(out)
}

// Killed with SIGKILL at any moment: the cache opens, shows no half kernel,
// and the next put finishes.
func TestKilled(t *testing.T) {
	rounds := 10
	if tier.Asked() > tier.Plain {
		rounds = 100
	}
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "cache.db")
	kernels := 0
	moments := process.Until(60 * time.Millisecond)
	for round := range rounds {
		cmd, said := child(t, path)
		// Before the file is open, before the first kernel is in, and after.
		for range round % 3 {
			said.Scan()
		}
		time.Sleep(moments.Next())
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait() // it was killed

		db, err := Open(ctx, path)
		if err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		sound(t, db)
		infos, err := db.Kernels(ctx)
		if err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		moments.Came(len(infos) > 0)
		for _, i := range infos {
			var edition int
			if _, err := fmt.Sscanf(i.ID, "%x", &edition); err != nil {
				t.Fatal(err)
			}
			whole(t, &Kernel{db: db, info: i}, large(edition))
			if round%5 != 0 {
				// Space is what the rounds to come need.
				if err := db.Remove(ctx, i.ID); err != nil {
					t.Fatalf("round %d: %v", round, err)
				}
			}
		}
		kernels += len(infos)
		put(t, db, large(round))
		whole(t, kernel(t, db, large(round).Kernel.ID), large(round))
		if err := db.Remove(ctx, large(round).Kernel.ID); err != nil {
			t.Fatal(err)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		if t.Failed() {
			t.Fatalf("round %d", round)
		}
	}
	t.Logf("%d kernels were there after %d kills, all whole", kernels, rounds)
	if kernels == 0 {
		t.Error("no child ever finished a kernel: the kills came too early to mean anything")
	}
}

// mergedKernels is how many kernels there are in what TestMergeKilled merges.
const mergedKernels = 3

// Killed in the middle of a merge or an import, the cache has all of it or
// nothing, and the next one finishes.
func TestMergeKilled(t *testing.T) {
	rounds := 8
	if tier.Asked() > tier.Plain {
		rounds = 60
	}
	ctx := context.Background()
	other := openTemp(t)
	for n := range mergedKernels {
		put(t, other, large(n))
	}
	file := filepath.Join(t.TempDir(), "kernels.tpinfo")
	if err := os.WriteFile(file, export(t, other, nil), 0o644); err != nil {
		t.Fatal(err)
	}
	contents := map[string]string{}
	for _, from := range []string{other.Path(), file} {
		db := openTemp(t)
		if _, err := db.Merge(ctx, from); err != nil {
			t.Fatal(err)
		}
		content, err := db.Content(ctx)
		if err != nil {
			t.Fatal(err)
		}
		contents[from] = content
	}
	path := filepath.Join(t.TempDir(), "cache.db")
	some := 0
	moments := process.Until(80 * time.Millisecond)
	for round := range rounds {
		from := []string{other.Path(), file}[round%2]
		t.Setenv(mergeEnv, from)
		cmd, said := child(t, path)
		for range round % 3 {
			said.Scan()
		}
		time.Sleep(moments.Next())
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait() // it was killed

		db := openAt(t, path)
		sound(t, db)
		infos, err := db.Kernels(ctx)
		if err != nil {
			t.Fatal(err)
		}
		moments.Came(len(infos) > 0)
		if n := len(infos); n != 0 && n < mergedKernels-1 {
			t.Errorf("round %d: %d kernels of a merge that brings %d", round, n, mergedKernels)
		}
		some += len(infos)
		if _, err := db.Merge(ctx, from); err != nil {
			t.Fatal(err)
		}
		if got, err := db.Content(ctx); err != nil || got != contents[from] {
			t.Errorf("round %d: after a merge to its end it knows something else (%v)", round, err)
		}
		for n := range mergedKernels {
			if err := db.Remove(ctx, large(n).Kernel.ID); err != nil {
				t.Fatal(err)
			}
		}
		if t.Failed() {
			t.Fatalf("round %d", round)
		}
	}
	t.Logf("%d kernels were there after %d kills, all whole", some, rounds)
	if some == 0 {
		t.Error("no child ever merged anything: the kills came too early to mean anything")
	}
}

// Processes that put at once wait for each other, and nothing is lost.
func TestTwoWriters(t *testing.T) {
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "cache.db")
	var children sync.WaitGroup
	for range 2 {
		cmd, said := child(t, path)
		children.Go(func() {
			for range 8 {
				if !said.Scan() {
					t.Error("a writer ended early")
					break
				}
			}
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		})
	}
	// And within one process, the same kernel from several goroutines.
	db := openAt(t, path)
	var mine sync.WaitGroup
	for n := range 6 {
		mine.Go(func() {
			if _, err := db.Put(ctx, large(n%2)); err != nil {
				t.Error(err)
			}
		})
	}
	mine.Wait()
	children.Wait()
	sound(t, db)
	for n := range 2 {
		whole(t, kernel(t, db, large(n).Kernel.ID), large(n))
	}
	infos, err := db.Kernels(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range infos {
		var edition int
		if _, err := fmt.Sscanf(i.ID, "%x", &edition); err != nil {
			t.Fatal(err)
		}
		whole(t, &Kernel{db: db, info: i}, large(edition))
	}
}

// Programs that put the same kernels at once, each into a file that none of
// them has yet, end with one of each.
func TestSameKernelsAtOnce(t *testing.T) {
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "cache.db")
	var programs []*exec.Cmd
	for _, editions := range []string{"1 2 3 4", "4 3 2 1", "1 3 5"} {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), childEnv+"="+path, editionsEnv+"="+editions)
		cmd.Stderr = os.Stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		programs = append(programs, cmd)
	}
	for _, cmd := range programs {
		if err := cmd.Wait(); err != nil {
			t.Errorf("a program that puts kernels: %v", err)
		}
	}
	db := openAt(t, path)
	sound(t, db)
	infos, err := db.Kernels(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if len(infos) != 5 {
		t.Errorf("%d kernels, want one of each of 5", len(infos))
	}
	for edition := 1; edition <= 5; edition++ {
		whole(t, kernel(t, db, large(edition).Kernel.ID), large(edition))
	}
	// As if one had put them after the other.
	alone := openTemp(t)
	for edition := 1; edition <= 5; edition++ {
		put(t, alone, large(edition))
	}
	got, err := db.Stats(ctx)
	if err != nil {
		t.Fatal(err)
	}
	want, err := alone.Stats(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if got.Events != want.Events || got.Types != want.Types || got.EventUses != want.EventUses || got.TypeUses != want.TypeUses {
		t.Errorf("%+v, want the layouts of %+v", got, want)
	}
}
