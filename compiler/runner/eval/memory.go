package eval

import (
	"fmt"
	"maps"
	"slices"

	"github.com/tpinfo/tpinfo/compiler/ir"
)

// maxKeys is the most keys of an array.
const maxKeys = 9

// Memory is a Store in this process, for scripts whose probes all run in it.
type Memory struct {
	globals []variable
}

type variable struct {
	*ir.Global
	elements map[key]*element // a scalar is the one without keys
	added    int              // elements so far: their order
}

type key [maxKeys]Value

type element struct {
	Entry
	order int
}

// NewMemory makes the globals of a program, with their initial values.
func NewMemory(p *ir.Program) *Memory {
	m := &Memory{globals: make([]variable, len(p.Globals))}
	for i := range p.Globals {
		g := &p.Globals[i]
		v := variable{Global: g, elements: map[key]*element{}}
		if !g.Array() && g.Init != nil {
			v.elements[key{}] = &element{Entry: Entry{Value: Value{Type: g.Type, Int: g.Init.Int, Str: g.Init.Str}}}
		}
		m.globals[i] = v
	}
	return m
}

func (m *Memory) find(global int, keys []Value) (*variable, key, error) {
	var k key
	if global < 0 || global >= len(m.globals) || len(keys) > maxKeys {
		return nil, k, fmt.Errorf("no global %d with %d keys", global, len(keys))
	}
	copy(k[:], keys)
	return &m.globals[global], k, nil
}

// place finds an element or makes it.
func (m *Memory) place(global int, keys []Value) (*element, error) {
	v, k, err := m.find(global, keys)
	if err != nil {
		return nil, err
	}
	if e := v.elements[k]; e != nil {
		return e, nil
	}
	if v.Array() && len(v.elements) >= v.Max {
		if !v.Wraps {
			return nil, &FullError{Name: v.Name, Max: v.Max}
		}
		v.evict()
	}
	v.added++
	e := &element{Entry: Entry{Keys: slices.Clone(keys), Value: Value{Type: v.Type}}, order: v.added}
	v.elements[k] = e
	return e, nil
}

// evict takes out the element that came first.
func (v *variable) evict() {
	var oldest key
	order := v.added + 1
	for at, e := range v.elements {
		if e.order < order {
			oldest, order = at, e.order
		}
	}
	delete(v.elements, oldest)
}

// Get returns a scalar or an element.
func (m *Memory) Get(global int, keys []Value) (Value, bool, error) {
	v, k, err := m.find(global, keys)
	if err != nil {
		return Value{}, false, err
	}
	if e := v.elements[k]; e != nil {
		return e.Value, true, nil
	}
	return Value{Type: v.Type}, false, nil
}

// Set stores a value.
func (m *Memory) Set(global int, keys []Value, value Value) error {
	e, err := m.place(global, keys)
	if err == nil {
		e.Value = value
	}
	return err
}

// Add adds to a number.
func (m *Memory) Add(global int, keys []Value, delta int64) (int64, error) {
	e, err := m.place(global, keys)
	if err != nil {
		return 0, err
	}
	e.Value.Int += delta
	return e.Value.Int, nil
}

// Delete takes an element out, or empties a scalar.
func (m *Memory) Delete(global int, keys []Value) error {
	v, k, err := m.find(global, keys)
	if err == nil {
		delete(v.elements, k)
	}
	return err
}

// Clear empties an array.
func (m *Memory) Clear(global int) error {
	v, _, err := m.find(global, nil)
	if err == nil {
		clear(v.elements)
	}
	return err
}

// All returns an array's elements in the order in which they came.
func (m *Memory) All(global int) ([]Entry, error) {
	v, _, err := m.find(global, nil)
	if err != nil {
		return nil, err
	}
	elements := slices.SortedFunc(maps.Values(v.elements), func(a, b *element) int { return a.order - b.order })
	entries := make([]Entry, len(elements))
	for i, e := range elements {
		entries[i] = e.Entry
		if e.Stat != nil {
			entries[i].Stat = e.Stat.clone()
		}
	}
	return entries, nil
}

// Stat reads an aggregate.
func (m *Memory) Stat(global int, keys []Value) (*Stat, error) {
	v, k, err := m.find(global, keys)
	if err != nil {
		return nil, err
	}
	if e := v.elements[k]; e != nil && e.Stat != nil {
		return e.Stat.clone(), nil
	}
	return nil, nil
}

// AddStat adds a value to an aggregate.
func (m *Memory) AddStat(global int, keys []Value, n int64) error {
	v, _, err := m.find(global, nil)
	if err != nil {
		return err
	}
	if v.Stats == nil {
		return fmt.Errorf("global %s is no aggregate", v.Name)
	}
	e, err := m.place(global, keys)
	if err != nil {
		return err
	}
	if e.Stat == nil {
		e.Stat = &Stat{}
	}
	e.Stat.Add(v.Stats, n)
	return nil
}

func (s *Stat) clone() *Stat {
	c := *s
	c.Log, c.Linear = slices.Clone(s.Log), slices.Clone(s.Linear)
	return &c
}
