package extractor

import (
	"sync"

	"github.com/tpinfo/tpinfo"
)

// typePool holds every distinct definition once, however many units have it.
type typePool struct {
	mu    sync.Mutex
	known map[string]tpinfo.ContentID // of the public headers
	more  map[typeKey]*tpinfo.Type
}

type typeKey struct {
	name string
	id   tpinfo.ContentID
}

func newTypePool(public []tpinfo.Type) *typePool {
	p := &typePool{known: make(map[string]tpinfo.ContentID, len(public)), more: map[typeKey]*tpinfo.Type{}}
	for i := range public {
		p.known[public[i].Name] = public[i].ContentID()
	}
	return p
}

// keep returns those definitions that the public headers do not have.
func (p *typePool) keep(types []tpinfo.Type) []*tpinfo.Type {
	var kept []*tpinfo.Type
	for i := range types {
		t := &types[i]
		id := t.ContentID()
		if have, ok := p.known[t.Name]; ok && have == id {
			continue
		}
		key := typeKey{t.Name, id}
		p.mu.Lock()
		first := p.more[key]
		if first == nil {
			own := *t // the list as a whole must not stay for one of it
			first = &own
			p.more[key] = first
		}
		p.mu.Unlock()
		kept = append(kept, first)
	}
	return kept
}
