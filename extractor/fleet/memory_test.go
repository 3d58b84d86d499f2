package fleet

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/tpinfo/tpinfo"
)

// memory is a store in memory. It holds what a cache holds to: an alias of a
// kernel that is not there is an error, what was built failed no more.
type memory struct {
	mu       sync.Mutex
	kernels  map[string]*tpinfo.Snapshot
	releases map[string][]string // by kernel
	built    map[string]string   // key to kernel
	headers  map[string]string   // digest to kernel
	failures map[string]tpinfo.Failure
	puts     int
	refuse   error // of every write
}

func newMemory() *memory {
	return &memory{
		kernels: map[string]*tpinfo.Snapshot{}, releases: map[string][]string{},
		built: map[string]string{}, headers: map[string]string{}, failures: map[string]tpinfo.Failure{},
	}
}

func (m *memory) BuiltFrom(_ context.Context, key string) (string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.built[key], nil
}

func (m *memory) SameHeaders(_ context.Context, digest string) (string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.headers[digest], nil
}

func (m *memory) FailureOf(_ context.Context, key string) (*tpinfo.Failure, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if f, ok := m.failures[key]; ok {
		return &f, nil
	}
	return nil, nil
}

func (m *memory) Kept(_ context.Context, id string) (Kept, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.kernels[id]
	if s == nil {
		return Kept{}, errors.New("no such kernel")
	}
	k := Kept{Arch: s.Kernel.Arch, Events: len(s.Events), Types: len(s.Types), Problems: s.Kernel.Problems}
	for i := range s.Events {
		if s.Events[i].Complete() {
			k.Complete++
		}
	}
	return k, nil
}

func (m *memory) PutFrom(_ context.Context, snap *tpinfo.Snapshot, origin tpinfo.Origin) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.refuse != nil {
		return 0, m.refuse
	}
	m.puts++
	m.kernels[snap.Kernel.ID] = snap
	m.note(snap.Kernel.ID, snap.Kernel.Release, origin)
	return len(snap.Events) + len(snap.Types), nil
}

func (m *memory) AddAlias(_ context.Context, id string, as tpinfo.Kernel, origin tpinfo.Origin) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.refuse != nil {
		return m.refuse
	}
	if m.kernels[id] == nil {
		return errors.New("no such kernel")
	}
	m.note(id, as.Release, origin)
	return nil
}

func (m *memory) note(id, release string, origin tpinfo.Origin) {
	if !slices.Contains(m.releases[id], release) {
		m.releases[id] = append(m.releases[id], release)
	}
	m.built[origin.Key], m.headers[origin.Headers] = id, id
	delete(m.failures, origin.Key)
}

func (m *memory) Fail(_ context.Context, f tpinfo.Failure) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.refuse != nil {
		return m.refuse
	}
	m.failures[f.Key] = f
	return nil
}
