package runner

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/tpinfo/tpinfo/compiler/ir"
	"github.com/tpinfo/tpinfo/compiler/runner/eval"
)

// store is an eval.Store over the maps of a loaded object.
type store struct {
	prog *ir.Program
	data *data
	// maps by global: arrays and aggregates; nil for scalars.
	maps []*ebpf.Map
	// added has, by global and encoded keys, what user space added to
	// aggregates. The kernel's copies are per CPU and belong to it alone, so
	// neither side overwrites what the other one adds; reading sums them.
	added []map[string]*eval.Stat
	// updaters by global: programs that add to an element without losing what
	// the kernel adds at the same time.
	updaters map[int]updater
}

type updater struct {
	*ir.Updater
	program *ebpf.Program
}

// newStore takes the maps that the globals lie in, which an object that was read
// has as its script describes them.
func newStore(prog *ir.Program, d *data, maps map[string]*ebpf.Map, programs map[string]*ebpf.Program) *store {
	s := &store{prog: prog, data: d,
		maps:  make([]*ebpf.Map, len(prog.Globals)),
		added: make([]map[string]*eval.Stat, len(prog.Globals)), updaters: map[int]updater{}}
	for i := range prog.Probes {
		if u := prog.Probes[i].Updater; u != nil {
			s.updaters[u.Global] = updater{u, programs[prog.Probes[i].Program]}
		}
	}
	for i := range prog.Globals {
		if g := &prog.Globals[i]; g.Mapped() {
			s.maps[i] = maps[g.Name]
			s.added[i] = map[string]*eval.Stat{}
		}
	}
	return s
}

func perCPU(t ebpf.MapType) bool {
	return t == ebpf.PerCPUArray || t == ebpf.PerCPUHash || t == ebpf.LRUCPUHash
}

// encode makes the bytes of a map's key; of an aggregate that is no array, the
// index 0.
func encode(g *ir.Global, keys []eval.Value) ([]byte, error) {
	if len(keys) != len(g.Keys) {
		return nil, fmt.Errorf("array %s has %d keys, not %d", g.Name, len(g.Keys), len(keys))
	}
	b := make([]byte, g.KeySize())
	at := 0
	for i, k := range keys {
		if g.Keys[i] == ir.Long {
			binary.NativeEndian.PutUint64(b[at:], uint64(k.Int))
		} else {
			putText(b[at:at+g.KeySizes[i]], k.Str)
		}
		at += g.KeySizes[i]
	}
	return b, nil
}

func decodeKeys(g *ir.Global, b []byte) []eval.Value {
	keys := make([]eval.Value, len(g.Keys))
	for i, size := range g.KeySizes {
		keys[i] = decode(g.Keys[i], b[:size])
		b = b[size:]
	}
	return keys
}

func decode(t ir.Type, b []byte) eval.Value {
	if t == ir.String {
		return eval.Text(cString(b))
	}
	return eval.Long(int64(binary.NativeEndian.Uint64(b)))
}

// Get implements eval.Store.
func (s *store) Get(global int, keys []eval.Value) (eval.Value, bool, error) {
	g := &s.prog.Globals[global]
	zero := eval.Value{Type: g.Type}
	if s.maps[global] == nil {
		if g.Type == ir.String {
			return eval.Text(s.data.text(g.Offset, g.Size)), true, nil
		}
		return eval.Long(s.data.load(g.Offset)), true, nil
	}
	key, err := encode(g, keys)
	if err != nil {
		return zero, false, err
	}
	b, err := s.maps[global].LookupBytes(key)
	if err != nil || b == nil {
		return zero, false, err
	}
	if g.Type == ir.Stats {
		return zero, true, nil
	}
	return decode(g.Type, b), true, nil
}

// Set implements eval.Store.
func (s *store) Set(global int, keys []eval.Value, v eval.Value) error {
	g := &s.prog.Globals[global]
	if s.maps[global] == nil {
		if g.Type == ir.String {
			s.data.setText(g.Offset, g.Size, v.Str)
		} else {
			s.data.store(g.Offset, v.Int)
		}
		return nil
	}
	key, err := encode(g, keys)
	if err != nil {
		return err
	}
	value := make([]byte, g.Size)
	if g.Type == ir.String {
		putText(value, v.Str)
	} else {
		binary.NativeEndian.PutUint64(value, uint64(v.Int))
	}
	return full(g, s.maps[global].Put(key, value))
}

// full turns the kernel's word for an array without a place into the script's.
func full(g *ir.Global, err error) error {
	if errors.Is(err, unix.E2BIG) {
		return &eval.FullError{Name: g.Name, Max: g.Max}
	}
	return err
}

// Add implements eval.Store. The kernel has no operation that adds to an element
// of a hash from user space; an object has a program for it where a probe in the
// kernel may add at the same time.
func (s *store) Add(global int, keys []eval.Value, delta int64) (int64, error) {
	if s.maps[global] == nil {
		return s.data.add(s.prog.Globals[global].Offset, delta), nil
	}
	if u, ok := s.updaters[global]; ok {
		return s.update(u, keys, delta)
	}
	v, _, err := s.Get(global, keys)
	if err != nil {
		return 0, err
	}
	v = eval.Long(v.Int + delta)
	return v.Int, s.Set(global, keys, v)
}

// update has a program in the kernel add to an element.
func (s *store) update(u updater, keys []eval.Value, delta int64) (int64, error) {
	at := func(global int) int { return s.prog.Globals[global].Offset }
	for i, k := range keys {
		if err := s.Set(u.Keys[i], nil, k); err != nil {
			return 0, err
		}
	}
	s.data.store(at(u.Delta), delta)
	s.data.store(at(u.Full), 0)
	if _, err := u.program.Run(&ebpf.RunOptions{Context: uint64(0)}); err != nil {
		return 0, fmt.Errorf("add to an element of %s: %w", s.prog.Globals[u.Global].Name, err)
	}
	if s.data.load(at(u.Full)) != 0 {
		return 0, full(&s.prog.Globals[u.Global], unix.E2BIG)
	}
	return s.data.load(at(u.Result)), nil
}

// Delete implements eval.Store.
func (s *store) Delete(global int, keys []eval.Value) error {
	g := &s.prog.Globals[global]
	m := s.maps[global]
	if m == nil {
		return s.Set(global, nil, eval.Value{Type: g.Type})
	}
	key, err := encode(g, keys)
	if err != nil {
		return err
	}
	delete(s.added[global], string(key))
	if !g.Array() {
		return m.Put(key, zeros(m))
	}
	if err := m.Delete(key); !errors.Is(err, ebpf.ErrKeyNotExist) {
		return err
	}
	return nil
}

// zeros is the value of an aggregate that nothing was added to.
func zeros(m *ebpf.Map) any {
	if perCPU(m.Type()) {
		return [][]byte{} // for every CPU
	}
	return make([]byte, m.ValueSize())
}

// Clear implements eval.Store.
func (s *store) Clear(global int) error {
	clear(s.added[global])
	m := s.maps[global]
	return readAll(m, func(key, _ []byte) error {
		if err := m.Delete(key); !errors.Is(err, ebpf.ErrKeyNotExist) {
			return err
		}
		return nil
	})
}

// All implements eval.Store.
func (s *store) All(global int) ([]eval.Entry, error) {
	g := &s.prog.Globals[global]
	var entries []eval.Entry
	err := readAll(s.maps[global], func(key, value []byte) error {
		e := eval.Entry{Keys: decodeKeys(g, key)}
		if g.Type == ir.Stats {
			e.Value = eval.Value{Type: ir.Stats}
			e.Stat = s.sum(global, key, value)
		} else {
			e.Value = decode(g.Type, value)
		}
		entries = append(entries, e)
		return nil
	})
	return entries, err
}

// Stat implements eval.Store.
func (s *store) Stat(global int, keys []eval.Value) (*eval.Stat, error) {
	key, err := encode(&s.prog.Globals[global], keys)
	if err != nil {
		return nil, err
	}
	value, err := s.maps[global].LookupBytes(key)
	if err != nil || value == nil {
		return nil, err
	}
	st := s.sum(global, key, value)
	if st.Count == 0 {
		return nil, nil
	}
	return st, nil
}

// sum adds up an aggregate: every CPU's copy in value, and what user space
// added.
func (s *store) sum(global int, key, value []byte) *eval.Stat {
	g := &s.prog.Globals[global]
	st := sumCPUs(g.Stats, value)
	if mine := s.added[global][string(key)]; mine != nil {
		merge(st, mine)
	}
	return st
}

// AddStat implements eval.Store. The element is made in the kernel's map too,
// so that it counts there and is found there.
func (s *store) AddStat(global int, keys []eval.Value, n int64) error {
	g := &s.prog.Globals[global]
	key, err := encode(g, keys)
	if err != nil {
		return err
	}
	st := s.added[global][string(key)]
	if st == nil {
		if g.Array() {
			err = s.maps[global].Update(key, zeros(s.maps[global]), ebpf.UpdateNoExist)
			if err != nil && !errors.Is(err, ebpf.ErrKeyExist) {
				return full(g, err)
			}
		}
		st = &eval.Stat{}
		s.added[global][string(key)] = st
	}
	st.Add(g.Stats, n)
	return nil
}
