package object_test

import (
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"github.com/cilium/ebpf/ringbuf"
	"golang.org/x/sys/unix"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/compiler/ir"
	"github.com/tpinfo/tpinfo/compiler/object"
	"github.com/tpinfo/tpinfo/fixtures/tier"
)

// libbpf, through bpftool, loads the object with no word of complaint, and the
// kernel knows the script's lines.
func TestBpftoolLoads(t *testing.T) {
	tier.Need(t, tier.Machine)
	tier.NeedTool(t, "bpftool", "bpftool")
	// A bpffs of our own: what is pinned in it goes when it is unmounted.
	pins := t.TempDir()
	if err := unix.Mount("bpf", pins, "bpf", 0, ""); err != nil {
		t.Fatalf("mounting bpffs: %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(pins, 0); err != nil {
			t.Errorf("unmounting bpffs: %v", err)
		}
	})
	programs := filepath.Join(pins, "programs")
	maps := filepath.Join(pins, "maps")
	if err := os.Mkdir(maps, 0o700); err != nil {
		t.Fatal(err)
	}
	run(t, "bpftool", "prog", "loadall", files(t)[tpinfo.LittleEndian], programs, "pinmaps", maps)
	expect(t, run(t, "bpftool", "prog", "dump", "xlated", "pinned", filepath.Join(programs, "sched_switch"), "linum"),
		`^int sched_switch\(void \* ctx\):$`,
		`^; probe kernel\.trace\("sched:sched_switch"\) \{ \[file:sample\.stp line_num:2 line_col:1\]\n +0: `,
		`^; total\+\+; seen\[tid\(\)\]\+\+ \[file:sample\.stp line_num:3 line_col:3\]\n +3: .*map\[id:\d+\]\[0\]\+128$`,
		`^; printf\("%d\\n", total\) \[file:sample\.stp line_num:4 line_col:3\]\n`,
		`call bpf_ringbuf_reserve`)
	expect(t, run(t, "bpftool", "prog", "dump", "xlated", "pinned", filepath.Join(programs, "sched_switch_2"), "linum"),
		`^; probe second \{ second\+\+ \} \[file:sample\.stp line_num:7 line_col:0\]\n`)
	expect(t, run(t, "bpftool", "map", "show", "pinned", filepath.Join(maps, "seen")),
		`hash  name seen `, `key 8B  value 8B  max_entries 1000 `)
	// bpffs has no dots in names; libbpf replaces them.
	expect(t, run(t, "bpftool", "map", "show", "pinned", filepath.Join(maps, "tpinfo_ring")),
		`ringbuf  name tpinfo\.ring `, `max_entries 65536 `)
}

// Every event is counted in .bss, in the hash map and in the ring buffer.
func TestLoadAndCount(t *testing.T) {
	tier.Need(t, tier.Machine)
	f, err := object.Read(write(t, sample(tpinfo.LittleEndian)))
	if err != nil {
		t.Fatal(err)
	}
	f.Spec.Maps[ir.RingMap].MaxEntries = 1 << 22
	f.Spec.Maps["seen"].MaxEntries = 1 << 16
	c, err := ebpf.NewCollection(f.Spec)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	// The idle tasks of all CPUs are thread 0: its element is there from the
	// start, so that no two find it missing.
	if err := c.Maps["seen"].Put(uint64(0), uint64(0)); err != nil {
		t.Fatal(err)
	}
	ring, err := ringbuf.NewReader(c.Maps[ir.RingMap])
	if err != nil {
		t.Fatal(err)
	}
	defer ring.Close()
	var links []link.Link
	for _, p := range f.Script.Probes[:2] {
		l, err := link.AttachRawTracepoint(link.RawTracepointOptions{Name: p.Event, Program: c.Programs[p.Program]})
		if err != nil {
			t.Fatal(err)
		}
		links = append(links, l)
	}
	for range 50 {
		time.Sleep(time.Millisecond)
	}
	for i := len(links) - 1; i >= 0; i-- {
		if err := links[i].Close(); err != nil {
			t.Fatal(err)
		}
	}
	// Closing a link waits for no handler that still runs.
	time.Sleep(50 * time.Millisecond)

	var data []byte
	if err := c.Maps[ir.DataMap].Lookup(uint32(0), &data); err != nil {
		t.Fatal(err)
	}
	total, second := binary.NativeEndian.Uint64(data[128:]), binary.NativeEndian.Uint64(data[136:])
	if total < 100 || second < 50 || second > total/2 {
		t.Errorf("total %d, second %d: the first counts by 2, is attached first and detached last; 50 switches are sure", total, second)
	}
	sum, key, value := uint64(0), uint64(0), uint64(0)
	all := c.Maps["seen"].Iterate()
	for all.Next(&key, &value) {
		sum += value
	}
	if err := all.Err(); err != nil {
		t.Fatal(err)
	}
	ring.SetDeadline(time.Now())
	records := uint64(0)
	for {
		r, err := ring.Read()
		if errors.Is(err, os.ErrDeadlineExceeded) {
			break
		}
		if err != nil || len(r.RawSample) != 16 {
			t.Fatalf("record %q, error %v", r.RawSample, err)
		}
		records++
	}
	if sum != total/2 || records != total/2 {
		t.Errorf("total %d, so %d events; by thread %d, records %d", total, total/2, sum, records)
	}
}
