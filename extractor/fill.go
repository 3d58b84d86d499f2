package extractor

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/extractor/btf"
	"github.com/tpinfo/tpinfo/extractor/fault"
	"github.com/tpinfo/tpinfo/extractor/verify"
)

// ErrOtherKernel says that a BTF file describes another kernel than the tree.
var ErrOtherKernel = errors.New("BTF of another kernel")

// filler reads the BTF that fills gaps, beside the compiler's work.
type filler struct {
	done chan struct{}
	spec *btf.Spec
	tp   *btf.Tracepoints
	typ  []tpinfo.Type
	err  error
}

// startFiller starts reading path; an empty path fills nothing.
func startFiller(ctx context.Context, path string) *filler {
	f := &filler{done: make(chan struct{})}
	if path == "" {
		close(f.done)
		return f
	}
	go func() {
		defer close(f.done)
		defer fault.Catch(&f.err) // an image is foreign bytes
		if f.spec, f.err = btf.Load(ctx, path); f.err != nil {
			return
		}
		if f.tp, f.err = f.spec.Tracepoints(); f.err != nil {
			return
		}
		f.typ, f.err = f.spec.Types()
	}()
	return f
}

// fill supplies what the snapshot lacks, and holds what it has against the
// BTF: a difference is a problem, many are another kernel's BTF.
func (f *filler) fill(snap *tpinfo.Snapshot) ([]tpinfo.Problem, error) {
	<-f.done
	switch {
	case f.err != nil:
		return nil, f.err
	case f.spec == nil:
		return nil, nil
	}
	if r := f.spec.Release(); r != "" && r != snap.Kernel.Release {
		return nil, fmt.Errorf("%w: %s is of %s, the headers are of %s", ErrOtherKernel, f.spec.Path(), r, snap.Kernel.Release)
	}
	problems, err := f.compare(snap)
	if err != nil {
		return nil, err
	}
	snap.Inputs.BTF = f.spec.Digest()
	byName := map[string]*tpinfo.Tracepoint{}
	for i := range f.tp.Events {
		byName[f.tp.Events[i].Name] = &f.tp.Events[i]
	}
	for i := range snap.Events {
		f.fillEvent(&snap.Events[i], byName[snap.Events[i].Name])
	}
	conflicts := f.fillTypes(snap)
	return append(problems, conflicts...), nil
}

// otherKernel is the share of events that may differ before the BTF is taken
// for another kernel's: one in this many.
const otherKernel = 50

func (f *filler) compare(snap *tpinfo.Snapshot) ([]tpinfo.Problem, error) {
	r := verify.Events(snap.Events, f.tp.Events, f.spec.Limits())
	if bad := r.Compared - r.Agreed; r.Compared == 0 || bad*otherKernel > r.Compared {
		return nil, fmt.Errorf("%w: of %d events that %s describes too, %d differ (%s)",
			ErrOtherKernel, r.Compared, f.spec.Path(), bad, first(r.Disagreements))
	}
	var problems []tpinfo.Problem
	for _, d := range r.Disagreements {
		if d.Explained == "" {
			problems = append(problems, tpinfo.Problem{Code: tpinfo.SourceDisagrees, Subject: d.Subject,
				Message: fmt.Sprintf("%s: the headers say %s, BTF %s", d.What, d.Have, d.Oracle)})
		}
	}
	return problems, nil
}

func first(list []verify.Disagreement) string {
	if len(list) == 0 {
		return "none is in both"
	}
	return list[0].String()
}

// fillEvent completes one event from what BTF tells of it.
func (f *filler) fillEvent(e, from *tpinfo.Tracepoint) {
	if e.Complete() || from == nil {
		return
	}
	whole := e.Args == nil
	args := fillArgs(e, from)
	record := f.fillRecord(e)
	if !args && !record {
		return
	}
	e.Source = tpinfo.FromDWARFBTF
	e.Problems = slices.DeleteFunc(e.Problems, func(p tpinfo.Problem) bool {
		return !stands(e, p)
	})
	if whole {
		for _, p := range from.Problems {
			if p.Code == tpinfo.ArgsMissing { // BTF may lack their names
				e.Problems = append(e.Problems, p)
			}
		}
	}
}

// stands reports whether a problem of an event is still one.
func stands(e *tpinfo.Tracepoint, p tpinfo.Problem) bool {
	switch p.Code {
	case tpinfo.ArgsMissing:
		return e.Args == nil
	case tpinfo.RecordMissing:
		return e.Record != nil && !e.Record.Complete()
	case tpinfo.UnknownType:
		for i := range e.Args {
			if e.Args[i].Name == p.Subject && !e.Args[i].Size.Known() {
				return true
			}
		}
		if e.Record == nil {
			return false
		}
		for i := range e.Record.Fields {
			f := &e.Record.Fields[i]
			if f.Name == p.Subject && (!f.Size.Known() || f.Type == "") {
				return true
			}
		}
		return false
	}
	return true
}

// fillArgs takes arguments from BTF; of those that the headers have, the sizes
// that they lack. Arguments of another number or type are those of another
// event, or of one that a patch changed: they tell nothing.
func fillArgs(e, from *tpinfo.Tracepoint) bool {
	if e.Args == nil {
		e.Args = slices.Clone(from.Args)
		return true
	}
	if len(e.Args) != len(from.Args) {
		return false
	}
	filled := false
	for i := range e.Args {
		if a, b := &e.Args[i], &from.Args[i]; !a.Size.Known() && b.Size.Known() && a.Type == b.Type {
			a.Size, a.Signed, filled = b.Size, b.Signed, true
		}
	}
	return filled
}

// fillRecord takes the places from BTF, and what BTF does not tell (the
// element type of dynamic arrays) from the headers.
func (f *filler) fillRecord(e *tpinfo.Tracepoint) bool {
	from := f.tp.RecordOf(e.Name, e.Class)
	if e.Record == nil || e.Record.Complete() || from == nil {
		return false
	}
	dynamic := map[string]*tpinfo.Field{}
	for i := range e.Record.Fields {
		if f := &e.Record.Fields[i]; f.Location != tpinfo.InPlace {
			dynamic[f.Name] = f
		}
	}
	record := &tpinfo.Record{Size: from.Size, Fields: slices.Clone(from.Fields)}
	for i := range record.Fields {
		to := &record.Fields[i]
		if h := dynamic[to.Name]; h != nil && to.Location != tpinfo.InPlace {
			to.Type, to.Signed = h.Type, h.Signed
		}
		if to.Type == "" {
			e.Problems = append(e.Problems, tpinfo.Problem{
				Code: tpinfo.UnknownType, Subject: to.Name,
				Message: "BTF does not tell the type of a dynamic array's elements",
				Supply:  []string{"--tracefs DIR"},
			})
		}
	}
	e.Record = record
	return true
}

// fillTypes adds the definitions that the headers lack. Of a name that BTF
// defines several times none is right for all: it is left out, and named.
func (f *filler) fillTypes(snap *tpinfo.Snapshot) []tpinfo.Problem {
	have := map[string]bool{}
	for i := range snap.Types {
		have[snap.Types[i].Name] = true
	}
	var problems []tpinfo.Problem
	for i := 0; i < len(f.typ); {
		next := i + 1
		for next < len(f.typ) && f.typ[next].Name == f.typ[i].Name {
			next++
		}
		switch name := f.typ[i].Name; {
		case have[name]:
		case next > i+1:
			problems = append(problems, ambiguous(name, next-i))
		default:
			snap.Types = append(snap.Types, f.typ[i])
		}
		i = next
	}
	sortTypes(snap.Types)
	return problems
}

func ambiguous(name string, n int) tpinfo.Problem {
	return tpinfo.Problem{
		Code: tpinfo.TypeConflict, Subject: name,
		Message: fmt.Sprintf("BTF has %d definitions of this name, private to different sources; it is left out", n),
	}
}
