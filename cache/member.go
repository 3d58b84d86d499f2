package cache

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/cache/layout"
)

// Place is where a member lies.
type Place struct {
	Type   string       `json:"type"`   // C spelling
	Offset tpinfo.Bytes `json:"offset"` // bytes from the start of the outermost type
	Size   tpinfo.Bytes `json:"size"`
	// BitOffset and BitSize are those of tpinfo.Member; BitSize 0 for what is
	// no bitfield.
	BitOffset int `json:"bit_offset"`
	BitSize   int `json:"bit_size"`
	// Anon defines the unnamed struct or union at the bottom of Type.
	Anon *tpinfo.Type `json:"-"`
}

// Member follows a path through the members of a type: "se.load.weight",
// "comm[3]". Members of unnamed structs and unions are their parent's.
// Pointers are not followed: what they point at lies elsewhere.
func (k *Kernel) Member(ctx context.Context, typeName, path string) (Place, error) {
	t, err := k.Type(ctx, typeName)
	if err != nil {
		return Place{}, err
	}
	at := Place{Type: t.Name, Size: t.Size}
	if t.Kind == tpinfo.KindTypedef {
		at.Type, at.Anon = t.Of, t.Anon
	}
	walked := t.Name
	for rest := path; rest != ""; {
		var name string
		name, rest = firstStep(rest)
		if name == "" {
			return Place{}, fmt.Errorf("path %q: empty member name", path)
		}
		if strings.HasPrefix(name, "[") {
			err = k.index(ctx, &at, name)
		} else {
			err = k.member(ctx, &at, walked, name)
		}
		if err != nil {
			return Place{}, err
		}
		if !strings.HasPrefix(name, "[") {
			walked += "."
		}
		walked += name
	}
	return at, nil
}

// firstStep takes the first step off a path: a name or "[i]".
func firstStep(path string) (name, rest string) {
	path = strings.TrimPrefix(path, ".")
	if strings.HasPrefix(path, "[") {
		if i := strings.IndexByte(path, ']'); i > 0 {
			return path[:i+1], path[i+1:]
		}
		return path, ""
	}
	i := strings.IndexAny(path, ".[")
	if i < 0 {
		return path, ""
	}
	return path[:i], path[i:]
}

// aggregate resolves a spelling to a struct or union, through typedefs.
func (k *Kernel) aggregate(ctx context.Context, at *Place, walked string) (*tpinfo.Type, error) {
	spelling, anon := at.Type, at.Anon
	for range 32 {
		e, err := tpinfo.ParseExpr(spelling)
		if err != nil {
			return nil, err
		}
		switch {
		case e.Shape == tpinfo.ShapePointer:
			return nil, fmt.Errorf("%s is a pointer (%s): what it points at lies elsewhere; ask for %s", walked, spelling, e.Base().Name)
		case e.Shape != tpinfo.ShapeName:
			return nil, fmt.Errorf("%s is %s, which has no members", walked, spelling)
		case anon != nil:
			return anon, nil
		}
		t, err := k.Type(ctx, e.Name)
		if err != nil {
			return nil, err
		}
		switch t.Kind {
		case tpinfo.KindStruct, tpinfo.KindUnion:
			return t, nil
		case tpinfo.KindTypedef:
			spelling, anon = t.Of, t.Anon
		default:
			return nil, fmt.Errorf("%s is %s, which has no members", walked, spelling)
		}
	}
	return nil, fmt.Errorf("%s: typedefs without end", walked)
}

func (k *Kernel) member(ctx context.Context, at *Place, walked, name string) error {
	t, err := k.aggregate(ctx, at, walked)
	if err != nil {
		return err
	}
	found, names, err := k.find(ctx, t, at.Offset, name, 0)
	if err != nil {
		return err
	}
	if found == nil {
		return &NotFoundError{What: "member", Name: name, In: walked, Near: tpinfo.Near(name, names, maxNear, false)}
	}
	*at = *found
	return nil
}

// find looks for a member of t, which starts at offset, and in its unnamed
// members; names are all that it has.
func (k *Kernel) find(ctx context.Context, t *tpinfo.Type, offset tpinfo.Bytes, name string, depth int) (*Place, []string, error) {
	if depth > layout.MaxAnon {
		return nil, nil, layout.ErrDamaged
	}
	var names []string
	for i := range t.Members {
		m := &t.Members[i]
		if m.Name == name {
			return &Place{
				Type: m.Type, Offset: within(offset, m.Offset), Size: m.Size,
				BitOffset: m.BitOffset, BitSize: m.BitSize, Anon: m.Anon,
			}, nil, nil
		}
		if m.Name != "" {
			names = append(names, m.Name)
			continue
		}
		inner := m.Anon
		if inner == nil {
			var err error
			if inner, err = k.Type(ctx, m.Type); err != nil {
				return nil, nil, err
			}
		}
		found, more, err := k.find(ctx, inner, within(offset, m.Offset), name, depth+1)
		if err != nil || found != nil {
			return found, nil, err
		}
		names = append(names, more...)
	}
	return nil, names, nil
}

// within is the place of what lies at offset in something at start; Unknown
// when either is.
func within(start, offset tpinfo.Bytes) tpinfo.Bytes {
	if !start.Known() || !offset.Known() {
		return tpinfo.Unknown
	}
	return start + offset
}

// index steps into an array; an array behind typedefs counts.
func (k *Kernel) index(ctx context.Context, at *Place, step string) error {
	digits, closed := strings.CutSuffix(strings.TrimPrefix(step, "["), "]")
	if !closed {
		return fmt.Errorf("index %s lacks its ]", step)
	}
	n, err := strconv.ParseInt(digits, 0, 64)
	if err != nil || n < 0 {
		return fmt.Errorf("index %s is not a number", step)
	}
	spelling := at.Type
	for range 32 {
		e, err := tpinfo.ParseExpr(spelling)
		if err != nil {
			return err
		}
		if e.Shape == tpinfo.ShapeName {
			t, err := k.Type(ctx, e.Name)
			if err != nil {
				return err
			}
			if t.Kind == tpinfo.KindTypedef {
				spelling, at.Anon = t.Of, t.Anon
				continue
			}
		}
		if e.Shape != tpinfo.ShapeArray {
			return fmt.Errorf("%s is not an array: %s does not apply", at.Type, step)
		}
		if e.Count >= 0 && n >= e.Count {
			return fmt.Errorf("index %s is beyond the array %s", step, at.Type)
		}
		size, err := k.sizeOf(ctx, e.Elem, at.Anon)
		if err != nil {
			return err
		}
		if size > 0 && n > math.MaxInt64/int64(size) {
			return fmt.Errorf("index %s is beyond any memory", step)
		}
		at.Type, at.Size, at.Offset = e.Elem.String(), size, within(at.Offset, tpinfo.Bytes(n)*size)
		return nil
	}
	return fmt.Errorf("%s: typedefs without end", at.Type)
}

// sizeOf is the size of what an expression spells; anon is what an unnamed
// struct at its bottom stands for.
func (k *Kernel) sizeOf(ctx context.Context, e *tpinfo.Expr, anon *tpinfo.Type) (tpinfo.Bytes, error) {
	switch e.Shape {
	case tpinfo.ShapePointer:
		return tpinfo.Bytes(k.info.WordSize), nil
	case tpinfo.ShapeArray:
		size, err := k.sizeOf(ctx, e.Elem, anon)
		return size * tpinfo.Bytes(max(e.Count, 0)), err
	case tpinfo.ShapeFunc:
		return tpinfo.Unknown, fmt.Errorf("%s has no size", e)
	}
	t := anon
	if t == nil {
		var err error
		if t, err = k.Type(ctx, e.Name); err != nil {
			return tpinfo.Unknown, err
		}
	}
	if !t.Size.Known() {
		return tpinfo.Unknown, fmt.Errorf("the size of %s is not known", e.Name)
	}
	return t.Size, nil
}
