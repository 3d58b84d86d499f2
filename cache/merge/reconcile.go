package merge

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/cache/layout"
	"github.com/tpinfo/tpinfo/cache/table"
)

// Two extractions of one kernel differ when one had more sources (--btf,
// --source, a header for @cast). Both tell the truth of the same content, so
// the union of both does, and loses nothing: every event and type that either
// has, as the one has it that knows more of it. What a name stands for is
// taken from one side as a whole.

// reconcile joins a kernel that arrives, whose layouts are stored already,
// with the one that is there.
func (t *Target) reconcile(ctx context.Context, theirs layout.Kernel) (layout.Kernel, error) {
	mine, err := table.Kernel(ctx, t.tx, theirs.ID)
	if err != nil {
		return mine, err
	}
	if mine.Arch != theirs.Arch || mine.ByteOrder != theirs.ByteOrder || mine.WordSize != theirs.WordSize {
		return mine, fmt.Errorf("%w: it is %s, %s-endian with words of %d bytes here, and %s, %s-endian with %d there, under the same id",
			table.ErrCorrupt, mine.Arch, mine.ByteOrder, mine.WordSize, theirs.Arch, theirs.ByteOrder, theirs.WordSize)
	}
	both := mine
	// "dwarf+btf" is both "dwarf" and more.
	if cmp.Or(cmp.Compare(len(theirs.Source), len(mine.Source)), cmp.Compare(theirs.Source, mine.Source)) > 0 {
		both.Source = theirs.Source
	}
	if both.Problems, err = fewerProblems(mine.Problems, theirs.Problems); err != nil {
		return both, err
	}
	groups := map[named][]knowledge{}
	for _, side := range [][]layout.Layout{mine.Layouts, theirs.Layouts} {
		those, err := t.knowledge(ctx, side)
		if err != nil {
			return both, err
		}
		for name, k := range those {
			groups[name] = append(groups[name], k)
		}
	}
	both.Layouts = nil
	for _, g := range groups {
		both.Layouts = append(both.Layouts, slices.MaxFunc(g, knowledge.compare).layouts...)
	}
	return both, nil
}

// fewerProblems is the shorter list, then the one that sorts earlier: what is
// no problem to one side, it supplied.
func fewerProblems(a, b []byte) ([]byte, error) {
	var x, y []json.RawMessage
	if err := errors.Join(json.Unmarshal(a, &x), json.Unmarshal(b, &y)); err != nil {
		return nil, fmt.Errorf("problems: %w", layout.ErrDamaged)
	}
	if cmp.Or(cmp.Compare(len(x), len(y)), bytes.Compare(a, b)) <= 0 {
		return a, nil
	}
	return b, nil
}

// named is what a layout of a kernel describes.
type named struct {
	kind int
	name string // of an event, with its system
}

// knowledge is how much one side knows of a name; mostly by one layout.
type knowledge struct {
	layouts []layout.Layout
	// score has what counts first first: what is complete, then the fewest
	// problems, then how much there is.
	score [3]int
}

func (k knowledge) compare(other knowledge) int {
	return cmp.Or(slices.Compare(k.score[:], other.score[:]),
		slices.CompareFunc(k.layouts, other.layouts, func(a, b layout.Layout) int { return a.Hash.Compare(b.Hash) }))
}

// knowledge reads layouts and sorts them by what they describe.
func (t *Target) knowledge(ctx context.Context, list []layout.Layout) (map[named]knowledge, error) {
	find, err := t.tx.PrepareContext(ctx, "SELECT l.kind, l.name, l.body, w.body FROM "+table.Layouts+" WHERE l.id = ?")
	if err != nil {
		return nil, err
	}
	defer find.Close()
	out := map[named]knowledge{}
	for _, l := range list {
		var kind int
		var name string
		var stored layout.Packed
		if err := find.QueryRowContext(ctx, l.ID).Scan(&kind, &name, &stored.Body, &stored.Whole); err != nil {
			return nil, fmt.Errorf("%w: layout %d: %w", table.ErrCorrupt, l.ID, err)
		}
		body, err := stored.Unpack()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		of := named{kind, name}
		var read layout.Layout
		var score [3]int
		if kind == layout.KindEvent {
			e, err := layout.DecodeEvent(name, body)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			of.name, read, score = e.FullName(), layout.OfEvent(e), scoreOfEvent(e)
		} else {
			t, err := layout.DecodeType(name, body)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			read, score = layout.OfType(t), scoreOfType(t)
		}
		read.ID = l.ID
		k := out[of]
		k.layouts = append(k.layouts, read)
		for i := range score {
			k.score[i] += score[i]
		}
		out[of] = k
	}
	for _, k := range out {
		slices.SortFunc(k.layouts, func(a, b layout.Layout) int { return a.Hash.Compare(b.Hash) })
	}
	return out, nil
}

func scoreOfEvent(e *tpinfo.Tracepoint) (score [3]int) {
	if e.Complete() {
		score[0] = 1
	}
	score[1] = -len(e.Problems)
	score[2] = len(e.Args)
	if e.Record != nil {
		score[2] += len(e.Record.Fields)
	}
	return score
}

func scoreOfType(t *tpinfo.Type) (score [3]int) {
	if t.Size.Known() {
		score[0] = 1
	}
	score[2] = len(t.Members) + len(t.Enumerators)
	return score
}
