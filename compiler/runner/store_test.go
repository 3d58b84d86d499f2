package runner

import (
	"encoding/binary"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/google/go-cmp/cmp"

	"github.com/tpinfo/tpinfo/compiler/ir"
	"github.com/tpinfo/tpinfo/compiler/runner/eval"
	"github.com/tpinfo/tpinfo/fixtures/tier"
)

// testStore is a store over maps of this machine's kernel.
func testStore(t *testing.T, globals ...ir.Global) *store {
	t.Helper()
	tier.Need(t, tier.Machine)
	maps := map[string]*ebpf.Map{}
	for i := range globals {
		g := &globals[i]
		if !g.Mapped() {
			continue
		}
		spec := &ebpf.MapSpec{Type: ebpf.Hash, KeySize: uint32(g.KeySize()), ValueSize: uint32(g.Size), MaxEntries: uint32(g.Max)}
		switch {
		case g.Type == ir.Stats && g.Array():
			spec.Type = ebpf.PerCPUHash
		case g.Type == ir.Stats:
			spec.Type, spec.MaxEntries = ebpf.PerCPUArray, 1
		case g.Wraps:
			spec.Type = ebpf.LRUHash
		}
		m, err := ebpf.NewMap(spec)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { m.Close() })
		maps[g.Name] = m
	}
	return newStore(&ir.Program{Globals: globals}, &data{mem: make([]byte, 512)}, maps, nil)
}

func text(s string) eval.Value { return eval.Text(s) }
func num(n int64) eval.Value   { return eval.Long(n) }

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func TestStoreScalars(t *testing.T) {
	s := testStore(t, ir.Global{Name: "n", Type: ir.Long, Size: 8, Offset: 128}, ir.Global{Name: "s", Type: ir.String, Size: 16, Offset: 136})
	if got := must(s.Add(0, nil, -3)); got != -3 {
		t.Errorf("added up to %d", got)
	}
	long := strings.Repeat("x", 20)
	for _, v := range []string{"abc", "", long, "z"} {
		if err := s.Set(1, nil, text(v)); err != nil {
			t.Fatal(err)
		}
		got, found, err := s.Get(1, nil)
		if want := text(v[:min(len(v), 15)]); got != want || !found || err != nil {
			t.Errorf("set %q, got %+v, %v, %v", v, got, found, err)
		}
	}
	// The text has zeros behind it, on which comparison in the kernel stands.
	if got := s.data.mem[136:152]; string(got) != "z"+strings.Repeat("\x00", 15) {
		t.Errorf("%q", got)
	}
	if err := errors.Join(s.Delete(0, nil), s.Delete(1, nil)); err != nil {
		t.Fatal(err)
	}
	n, _, _ := s.Get(0, nil)
	v, _, _ := s.Get(1, nil)
	if n != num(0) || v != text("") {
		t.Errorf("after delete: %+v, %+v", n, v)
	}
}

func TestStoreArrays(t *testing.T) {
	s := testStore(t, ir.Global{Name: "a", Type: ir.String, Size: 24, Keys: []ir.Type{ir.String, ir.Long}, KeySizes: []int{16, 8}, Max: 3},
		ir.Global{Name: "n", Type: ir.Long, Size: 8, Keys: []ir.Type{ir.Long}, KeySizes: []int{8}, Max: 5000})
	for i, key := range []string{"one", "two", "a very long key, which is cut"} {
		if err := s.Set(0, []eval.Value{text(key), num(int64(-i))}, text(key+"!")); err != nil {
			t.Fatal(err)
		}
	}
	err := s.Set(0, []eval.Value{text("four"), num(4)}, text("no place"))
	var full *eval.FullError
	if !errors.As(err, &full) || full.Name != "a" || full.Max != 3 {
		t.Errorf("a full array gives %v", err)
	}
	v, found, err := s.Get(0, []eval.Value{text("a very long key"), num(-2)})
	if v != text("a very long key, which ") || !found || err != nil {
		t.Errorf("%+v, %v, %v", v, found, err)
	}
	if v, found, err := s.Get(0, []eval.Value{text("two"), num(7)}); v != text("") || found || err != nil {
		t.Errorf("a missing element: %+v, %v, %v", v, found, err)
	}
	if err := errors.Join(s.Delete(0, []eval.Value{text("one"), num(0)}), s.Delete(0, []eval.Value{text("one"), num(0)})); err != nil {
		t.Error(err)
	}
	entries := must(s.All(0))
	slices.SortFunc(entries, func(a, b eval.Entry) int { return strings.Compare(a.Keys[0].Str, b.Keys[0].Str) })
	want := []eval.Entry{
		{Keys: []eval.Value{text("a very long key"), num(-2)}, Value: text("a very long key, which ")},
		{Keys: []eval.Value{text("two"), num(-1)}, Value: text("two!")},
	}
	if d := cmp.Diff(want, entries); d != "" {
		t.Error(d)
	}

	// More than one batch, each element once.
	for i := range int64(5000) {
		if got := must(s.Add(1, []eval.Value{num(i)}, i+1)); got != i+1 {
			t.Fatalf("element %d: %d", i, got)
		}
	}
	seen := map[int64]int64{}
	for _, e := range must(s.All(1)) {
		seen[e.Keys[0].Int] += e.Value.Int
	}
	for i := range int64(5000) {
		if seen[i] != i+1 {
			t.Fatalf("element %d was read as %d", i, seen[i])
		}
	}
	if err := s.Clear(1); err != nil || len(must(s.All(1))) != 0 {
		t.Errorf("after clear: %d elements, %v", len(must(s.All(1))), err)
	}
}

func TestStoreAggregates(t *testing.T) {
	keeps := &ir.Aggregate{Sum: true, Min: true, Max: true, Variance: true, Log: true, Linear: true, Start: 0, Stop: 10, Width: 5}
	size := keeps.Layout().Size
	s := testStore(t, ir.Global{Name: "x", Type: ir.Stats, Size: size, Stats: keeps},
		ir.Global{Name: "y", Type: ir.Stats, Size: size, Stats: keeps, Keys: []ir.Type{ir.Long}, KeySizes: []int{8}, Max: 600})
	// What the kernel would have added: 7 on the first CPU, -2 and 100 on the
	// last.
	kernel := func(m *ebpf.Map, key []byte) {
		cpus := must(ebpf.PossibleCPU())
		copies := make([][]byte, cpus)
		put := func(cpu int, values ...int64) {
			st := &eval.Stat{}
			for _, v := range values {
				st.Add(keeps, v)
			}
			l := keeps.Layout()
			b := make([]byte, size)
			words := map[int]uint64{l.Count: uint64(st.Count), l.Sum: uint64(st.Sum),
				l.SquaresLow: st.SquaresLow, l.SquaresHigh: st.SquaresHigh}
			if st.Count > 0 {
				words[l.Min], words[l.Max] = uint64(ir.MinWord(st.Min)), uint64(ir.MaxWord(st.Max))
			}
			for i, n := range st.Log {
				words[l.Log+8*i] = n
			}
			for i, n := range st.Linear {
				words[l.Linear+8*i] = n
			}
			for at, n := range words {
				binary.NativeEndian.PutUint64(b[at:], n)
			}
			copies[cpu] = b
		}
		for cpu := range copies {
			put(cpu)
		}
		if cpus == 1 {
			put(0, 7, -2, 100)
		} else {
			put(0, 7)
			put(cpus-1, -2, 100)
		}
		if err := m.Put(key, copies); err != nil {
			t.Fatal(err)
		}
	}
	want := &eval.Stat{}
	for _, v := range []int64{7, -2, 100, 3} {
		want.Add(keeps, v)
	}
	if got := must(s.Stat(0, nil)); got != nil {
		t.Errorf("an empty aggregate: %+v", got)
	}
	kernel(s.maps[0], make([]byte, 4))
	if err := s.AddStat(0, nil, 3); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, must(s.Stat(0, nil))); d != "" {
		t.Error(d)
	}
	if err := s.Delete(0, nil); err != nil || must(s.Stat(0, nil)) != nil {
		t.Errorf("after delete: %+v, %v", must(s.Stat(0, nil)), err)
	}

	five := []eval.Value{num(5)}
	kernel(s.maps[1], must(encode(&s.prog.Globals[1], five)))
	for i := range int64(600) {
		if err := s.AddStat(1, []eval.Value{num(i)}, 3); err != nil {
			t.Fatal(err)
		}
	}
	entries := must(s.All(1))
	slices.SortFunc(entries, func(a, b eval.Entry) int { return int(a.Keys[0].Int - b.Keys[0].Int) })
	if len(entries) != 600 || entries[599].Stat.Count != 1 || entries[599].Stat.Max != 3 {
		t.Fatalf("%d entries, the last %+v", len(entries), entries[len(entries)-1])
	}
	if d := cmp.Diff(want, entries[5].Stat); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(want, must(s.Stat(1, five))); d != "" {
		t.Error(d)
	}
	var full *eval.FullError
	if err := s.AddStat(1, []eval.Value{num(600)}, 1); !errors.As(err, &full) {
		t.Errorf("a full array gives %v", err)
	}
	if err := s.Delete(1, five); err != nil || must(s.Stat(1, five)) != nil {
		t.Errorf("after delete: %v, %v", must(s.Stat(1, five)), err)
	}
	if _, found, err := s.Get(1, five); found || err != nil {
		t.Errorf("after delete: %v, %v", found, err)
	}
	if err := s.Clear(1); err != nil || len(must(s.All(1))) != 0 || must(s.Stat(1, []eval.Value{num(6)})) != nil {
		t.Errorf("after clear: %d elements, %v", len(must(s.All(1))), err)
	}
}
