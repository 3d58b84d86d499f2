package extractor

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tpinfo/tpinfo"
)

// joiner adds what the full source tells to what the public headers told.
type joiner struct {
	snap   *tpinfo.Snapshot
	public int // events of the public headers, which come first
	all    []*instance
	// at is where an event stands in snap.Events; claimed says for each what
	// instantiates it.
	at      map[string]int
	claimed map[string]*instance
	// asked is the source that includes a header to instantiate it, by the
	// header's path; one that is built before one that is not.
	asked map[string]*instance
}

func newJoiner(snap *tpinfo.Snapshot, all []*instance) *joiner {
	j := &joiner{
		snap: snap, all: all, public: len(snap.Events),
		at: map[string]int{}, claimed: map[string]*instance{}, asked: map[string]*instance{},
	}
	for i := range snap.Events {
		name := snap.Events[i].FullName()
		if _, twice := j.at[name]; !twice {
			j.at[name] = i
		}
	}
	for _, in := range all {
		for _, header := range in.asks {
			if first := j.asked[header]; first == nil || first.notBuilt != "" && in.notBuilt == "" {
				j.asked[header] = in
			}
		}
	}
	return j
}

// join completes the snapshot: events of private headers are added, of public
// ones those that lacked something replaced, and all that no built source
// instantiates marked. The problems are the kernel's.
func (j *joiner) join() []tpinfo.Problem {
	var problems []tpinfo.Problem
	for _, in := range j.all {
		for i := range in.events {
			problems = append(problems, j.event(in, &in.events[i])...)
		}
	}
	for i := range j.snap.Events {
		j.mark(&j.snap.Events[i])
	}
	problems = append(problems, j.types()...)
	sortEvents(j.snap.Events)
	return problems
}

// event takes one event that a source instantiates.
func (j *joiner) event(in *instance, e *tpinfo.Tracepoint) []tpinfo.Problem {
	name := e.FullName()
	at, ok := j.at[name]
	first := j.claimed[name]
	switch {
	case !ok:
		j.at[name] = len(j.snap.Events)
		j.snap.Events = append(j.snap.Events, *e)
	case at < j.public && first == nil:
		// The public headers' word stands where nothing is missing: it is the
		// same that an extraction without the source gives.
		if have := &j.snap.Events[at]; len(have.Problems) > 0 && e.Complete() {
			*have = *e
		}
	case first != nil && first.notBuilt != "" && in.notBuilt == "":
		if at >= j.public {
			j.snap.Events[at] = *e
		}
	default:
		// Instantiated twice: a header that several drivers share, or two of
		// one name.
		if have := &j.snap.Events[at]; in.notBuilt == "" && have.ContentID() != e.ContentID() {
			return []tpinfo.Problem{{
				Code: tpinfo.TypeConflict, Subject: name,
				Message: fmt.Sprintf("%s and %s instantiate it differently; the first is kept", first.path, in.path),
			}}
		}
		return nil
	}
	j.claimed[name] = in
	return nil
}

// mark says of an event that the kernel does not have it, when no source that
// the configuration builds instantiates it.
func (j *joiner) mark(e *tpinfo.Tracepoint) {
	in := j.claimed[e.FullName()]
	if in == nil {
		in = j.asked[e.Header]
		if in != nil && in.notBuilt == "" && in.why == "" {
			// The header's source is built, and this event is none of those
			// that came of it.
			e.Problems = append(e.Problems, notBuilt(fmt.Sprintf("%s does not instantiate it in this configuration", in.path)))
			return
		}
	}
	switch {
	case in == nil:
		e.Problems = append(e.Problems, notBuilt("no source of this architecture instantiates it"))
	case in.notBuilt != "":
		e.Problems = append(e.Problems, notBuilt(in.notBuilt))
	}
}

func notBuilt(why string) tpinfo.Problem {
	return tpinfo.Problem{Code: tpinfo.NotBuilt, Message: "not built: " + why}
}

// types adds the types of sources that are built. Of a name that several
// define, the public headers' stands, then that of the first path.
func (j *joiner) types() []tpinfo.Problem {
	have := map[string]bool{}
	for i := range j.snap.Types {
		have[j.snap.Types[i].Name] = true
	}
	first := map[string]*tpinfo.Type{}
	conflicts := map[string]int{}
	for _, in := range j.all {
		for _, t := range in.types {
			switch {
			case have[t.Name]:
				conflicts[t.Name]++
			case first[t.Name] == nil:
				first[t.Name] = t
				j.snap.Types = append(j.snap.Types, *t)
			case first[t.Name] != t:
				conflicts[t.Name]++
			}
		}
	}
	sortTypes(j.snap.Types)
	var problems []tpinfo.Problem
	for name := range conflicts {
		problems = append(problems, tpinfo.Problem{
			Code: tpinfo.TypeConflict, Subject: name,
			Message: "sources define it differently; the public headers' definition is kept, or that of the first in the order of paths",
		})
	}
	return problems
}

// headers names the trace headers of which no event came, and why.
func (j *joiner) headers(private, foreign []string) []tpinfo.Problem {
	spoke := map[string]bool{}
	for i := range j.snap.Events {
		spoke[j.snap.Events[i].Header] = true
	}
	read := map[string]bool{} // by a source that compiled
	for _, in := range j.all {
		for _, f := range in.deps {
			if _, rel, ok := strings.Cut(f, ":"); ok {
				read[rel] = true
			}
		}
	}
	var problems []tpinfo.Problem
	for _, h := range private {
		if spoke[h] {
			continue
		}
		in := j.asked[h]
		p := tpinfo.Problem{Subject: h}
		switch {
		case in == nil && read[h]:
			p.Code, p.Message = tpinfo.HeaderSilent, "defines no event in this configuration"
		case in == nil:
			p.Code, p.Message = tpinfo.HeaderNotBuilt, "not built: no source of this architecture instantiates it"
		case in.why == "":
			p.Code, p.Message = tpinfo.HeaderSilent, "defines no event in this configuration"
		case in.notBuilt != "":
			p.Code = tpinfo.HeaderNotBuilt
			p.Message = fmt.Sprintf("not built: %s; and %s does not compile without it: %s", in.notBuilt, in.path, in.why)
		default:
			p.Code = tpinfo.HeaderFailed
			p.Message = fmt.Sprintf("%s, which instantiates it, does not compile: %s", in.path, in.why)
		}
		problems = append(problems, p)
	}
	for _, h := range foreign {
		arch, _, _ := strings.Cut(strings.TrimPrefix(h, "arch/"), "/")
		problems = append(problems, tpinfo.Problem{
			Code: tpinfo.HeaderNotBuilt, Subject: h, Message: fmt.Sprintf("not built: it belongs to the architecture %s", arch),
		})
	}
	return problems
}

// sources names the files that are built, do not compile here, and whose
// events are not all known from elsewhere.
func (j *joiner) sources(named []tpinfo.Problem) []tpinfo.Problem {
	incomplete := map[string]bool{} // by header; false for one that is complete
	for i := range j.snap.Events {
		e := &j.snap.Events[i]
		incomplete[e.Header] = incomplete[e.Header] || !e.Complete()
	}
	for _, p := range named {
		incomplete[p.Subject] = false // it is said already
	}
	var problems []tpinfo.Problem
	for _, in := range j.all {
		if in.why == "" || in.notBuilt != "" {
			continue
		}
		lost := slices.ContainsFunc(in.asks, func(header string) bool {
			missing, known := incomplete[header]
			return missing || !known
		})
		if lost || len(in.asks) == 0 {
			problems = append(problems, tpinfo.Problem{
				Code: tpinfo.HeaderFailed, Subject: in.path,
				Message: "instantiates trace headers and does not compile: " + in.why,
			})
		}
	}
	return problems
}

// known says of public headers that do not compile on their own what the
// source tells: one that a source instantiates is known from there, and one
// that nothing built does is missed by nobody.
func (j *joiner) known(problems []tpinfo.Problem) []tpinfo.Problem {
	spoke := map[string]bool{}
	for _, in := range j.all {
		for i := range in.events {
			spoke[in.events[i].Header] = true
		}
	}
	var left []tpinfo.Problem
	for _, p := range problems {
		if p.Code == tpinfo.HeaderFailed {
			in := j.asked[p.Subject]
			switch {
			case spoke[p.Subject]:
				continue
			case in == nil:
				p.Code, p.Message = tpinfo.HeaderNotBuilt, "not built: no source of this architecture instantiates it; and it "+p.Message
			case in.notBuilt != "":
				p.Code, p.Message = tpinfo.HeaderNotBuilt, "not built: "+in.notBuilt+"; and it "+p.Message
			}
		}
		left = append(left, p)
	}
	return left
}
