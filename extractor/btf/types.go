package btf

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	cbtf "github.com/cilium/ebpf/btf"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/extractor/ctypes"
	"github.com/tpinfo/tpinfo/extractor/verify"
)

// maxDepth bounds how deep a type may nest in itself; kernels stay under 20.
const maxDepth = 64

// maxSpent bounds what all types of a blob may come to when written out, in
// steps of typeReader.spend; the largest kernels take a sixteenth.
const maxSpent = 4 << 20

var (
	errDeep = errors.New("a type nests in itself without end")
	errLong = errors.New("its types are too long when written out")
	errHuge = errors.New("an array larger than memory")
)

// Types returns every named definition, sorted by name. One name can have
// several: sources of the kernel define private types of one name, and BTF
// keeps each. What is only declared is not among them.
func (s *Spec) Types() ([]tpinfo.Type, error) {
	var found []tpinfo.Type
	seen := map[tpinfo.ContentID]bool{}
	for _, p := range s.parts {
		r := s.reader()
		for t, err := range p.spec.All() {
			if err != nil {
				return nil, fmt.Errorf("BTF of %s: %w: %w", p.name, ErrDamaged, err)
			}
			def, err := r.define(t, 0)
			if err != nil {
				return nil, fmt.Errorf("BTF of %s: %w: %w", p.name, ErrDamaged, err)
			}
			if def == nil || def.Name == "" {
				continue
			}
			if id := def.ContentID(); !seen[id] {
				seen[id] = true
				found = append(found, *def)
			}
		}
	}
	slices.SortStableFunc(found, func(a, b tpinfo.Type) int { return cmp.Compare(a.Name, b.Name) })
	return found, nil
}

// typeReader turns BTF types into ours.
type typeReader struct {
	wordSize int
	// limits: where the BTF does not tell whether an enum is signed, a
	// constant beyond 2^31-1 is taken as the negative it almost always is.
	limits verify.Limits
	left   int // of maxSpent
}

// spend counts a step: an unnamed type stands in full wherever it is used, so
// a few types can describe very much.
func (r *typeReader) spend(text string) error {
	r.left -= 1 + len(text)/32
	if r.left < 0 {
		return errLong
	}
	return nil
}

func (s *Spec) reader() *typeReader {
	return &typeReader{wordSize: s.wordSize, limits: s.Limits(), left: maxSpent}
}

// Limits tells what the program that wrote the BTF (pahole) did not write:
// before 1.25 no sign of enums and no constants beyond 32 bits, and long
// before that no sign of char.
func (s *Spec) Limits() verify.Limits {
	l := verify.Limits{EnumSign: true}
	var char *cbtf.Int
	if s.parts[0].spec.TypeByName("signed char", &char) == nil {
		l.CharSign = char.Encoding != cbtf.Signed
	}
	for t, err := range s.parts[0].spec.All() {
		if err != nil {
			break
		}
		if e, ok := t.(*cbtf.Enum); ok && e.Signed {
			l.EnumSign = false
			break
		}
	}
	return l
}

// name is the full name of a type that has one.
func name(t cbtf.Type) string {
	switch t := t.(type) {
	case *cbtf.Void:
		return "void"
	case *cbtf.Int:
		return ctypes.BaseName(t.Name)
	case *cbtf.Float:
		return ctypes.BaseName(t.Name)
	case *cbtf.Struct:
		if t.Name == "" {
			return tpinfo.AnonStruct
		}
		return "struct " + t.Name
	case *cbtf.Union:
		if t.Name == "" {
			return tpinfo.AnonUnion
		}
		return "union " + t.Name
	case *cbtf.Fwd:
		if t.Kind == cbtf.FwdUnion {
			return "union " + t.Name
		}
		return "struct " + t.Name
	case *cbtf.Enum:
		switch {
		case t.Name != "":
			return "enum " + t.Name
		case len(t.Values) > 0:
			return "enum {" + t.Values[0].Name + "}"
		}
		return "enum {}"
	case *cbtf.Typedef:
		return t.Name
	}
	return ""
}

// expr gives the structure of a type.
func (r *typeReader) expr(t cbtf.Type, depth int) (*tpinfo.Expr, error) {
	if depth > maxDepth {
		return nil, errDeep
	}
	if err := r.spend(t.TypeName()); err != nil {
		return nil, err
	}
	switch t := t.(type) {
	case *cbtf.Pointer:
		elem, err := r.expr(t.Target, depth+1)
		return &tpinfo.Expr{Shape: tpinfo.ShapePointer, Elem: elem}, err
	case *cbtf.Const:
		inner, err := r.expr(t.Type, depth+1)
		if err != nil {
			return nil, err
		}
		return ctypes.Qualify(inner, true), nil
	case *cbtf.Volatile:
		inner, err := r.expr(t.Type, depth+1)
		if err != nil {
			return nil, err
		}
		return ctypes.Qualify(inner, false), nil
	case *cbtf.Restrict:
		return r.expr(t.Type, depth+1)
	case *cbtf.TypeTag:
		return r.expr(t.Type, depth+1)
	case *cbtf.Array:
		elem, err := r.expr(t.Type, depth+1)
		count := int64(t.Nelems)
		if count == 0 {
			count = tpinfo.Flexible
		}
		return &tpinfo.Expr{Shape: tpinfo.ShapeArray, Count: count, Elem: elem}, err
	case *cbtf.FuncProto:
		return r.function(t, depth)
	}
	n := name(t)
	if n == "" {
		return nil, fmt.Errorf("a %T where a type should be", t)
	}
	return &tpinfo.Expr{Name: n}, nil
}

func (r *typeReader) function(t *cbtf.FuncProto, depth int) (*tpinfo.Expr, error) {
	ret, err := r.expr(t.Return, depth+1)
	if err != nil {
		return nil, err
	}
	f := &tpinfo.Expr{Shape: tpinfo.ShapeFunc, Elem: ret}
	for i, p := range t.Params {
		if _, void := p.Type.(*cbtf.Void); void && i == len(t.Params)-1 {
			f.Variadic = i > 0
			break
		}
		param, err := r.expr(p.Type, depth+1)
		if err != nil {
			return nil, err
		}
		f.Params = append(f.Params, param)
	}
	return f, nil
}

func (r *typeReader) spell(t cbtf.Type) (string, error) {
	e, err := r.expr(t, 0)
	if err != nil {
		return "", err
	}
	return e.String(), nil
}

// define reads a definition; nil for a type that defines nothing.
func (r *typeReader) define(t cbtf.Type, depth int) (*tpinfo.Type, error) {
	if depth > maxDepth {
		return nil, errDeep
	}
	def := &tpinfo.Type{Name: name(t)}
	var err error
	switch t := t.(type) {
	case *cbtf.Int:
		def.Kind, def.Size, def.Encoding = tpinfo.KindBase, tpinfo.Bytes(t.Size), tpinfo.EncUnsigned
		switch {
		case t.Encoding == cbtf.Signed, t.Name == "signed char":
			def.Encoding = tpinfo.EncSigned
		case t.Encoding == cbtf.Bool:
			def.Encoding = tpinfo.EncBool
		}
		if strings.HasPrefix(t.Name, "__ARRAY_SIZE") {
			return nil, nil // pahole's own, for the bounds of arrays
		}
		return def, nil
	case *cbtf.Float:
		def.Kind, def.Size, def.Encoding = tpinfo.KindBase, tpinfo.Bytes(t.Size), tpinfo.EncFloat
		return def, nil
	case *cbtf.Struct:
		def.Kind, def.Size = tpinfo.KindStruct, tpinfo.Bytes(t.Size)
		if t.Name == "" {
			def.Name = ""
		}
		def.Members, err = r.members(t.Members, depth)
		return def, err
	case *cbtf.Union:
		def.Kind, def.Size = tpinfo.KindUnion, tpinfo.Bytes(t.Size)
		if t.Name == "" {
			def.Name = ""
		}
		def.Members, err = r.members(t.Members, depth)
		return def, err
	case *cbtf.Enum:
		if len(t.Values) == 0 {
			return nil, nil // declared only
		}
		def.Kind, def.Size, def.Encoding = tpinfo.KindEnum, tpinfo.Bytes(t.Size), tpinfo.EncUnsigned
		if r.signedEnum(t) {
			def.Encoding = tpinfo.EncSigned
		}
		for _, v := range t.Values {
			def.Enumerators = append(def.Enumerators, tpinfo.Enumerator{Name: v.Name, Value: r.value(t, v)})
		}
		return def, nil
	case *cbtf.Typedef:
		def.Kind = tpinfo.KindTypedef
		if def.Of, err = r.spell(t.Type); err != nil {
			return nil, err
		}
		if def.Size, err = r.size(t.Type, 0); err != nil {
			return nil, err
		}
		def.Anon, err = r.unnamed(t.Type, depth)
		return def, err
	}
	return nil, nil
}

// value widens a constant: BTF keeps those of small enums as 32 bits.
func (r *typeReader) value(t *cbtf.Enum, v cbtf.EnumValue) int64 {
	if t.Size <= 4 && (t.Signed || r.limits.EnumSign) {
		return int64(int32(v.Value))
	}
	return int64(v.Value)
}

// signedEnum follows gcc: signed when a constant is negative.
func (r *typeReader) signedEnum(t *cbtf.Enum) bool {
	if !r.limits.EnumSign && !t.Signed {
		return false
	}
	for _, v := range t.Values {
		if r.value(t, v) < 0 {
			return true
		}
	}
	return false
}

func (r *typeReader) members(list []cbtf.Member, depth int) ([]tpinfo.Member, error) {
	var out []tpinfo.Member
	for _, m := range list {
		member := tpinfo.Member{Name: m.Name, Offset: tpinfo.Bytes(m.Offset / 8)}
		err := r.spend(m.Name)
		if err != nil {
			return nil, err
		}
		if member.Anon, err = r.unnamed(m.Type, depth); err != nil {
			return nil, err
		}
		if m.Name == "" && m.BitfieldSize > 0 {
			continue // an unnamed bitfield is padding
		}
		if member.Type, err = r.spell(m.Type); err != nil {
			return nil, err
		}
		if member.Size, err = r.size(m.Type, 0); err != nil {
			return nil, err
		}
		if m.Name == "" && member.Anon != nil {
			member.Type = ctypes.Unnamed(member.Anon)
		}
		if bits := int(m.BitfieldSize); bits > 0 && (m.Offset%8 != 0 || bits != 8*int(member.Size)) {
			member.BitOffset, member.BitSize = int(m.Offset%8), bits
		}
		out = append(out, member)
	}
	return out, nil
}

// unnamed defines the struct or union without a tag at the bottom of t.
func (r *typeReader) unnamed(t cbtf.Type, depth int) (*tpinfo.Type, error) {
	for range maxDepth {
		switch u := t.(type) {
		case *cbtf.Pointer:
			t = u.Target
		case *cbtf.Const:
			t = u.Type
		case *cbtf.Volatile:
			t = u.Type
		case *cbtf.Restrict:
			t = u.Type
		case *cbtf.TypeTag:
			t = u.Type
		case *cbtf.Array:
			t = u.Type
		case *cbtf.FuncProto:
			t = u.Return
		case *cbtf.Struct:
			if u.Name != "" {
				return nil, nil
			}
			return r.define(u, depth+1)
		case *cbtf.Union:
			if u.Name != "" {
				return nil, nil
			}
			return r.define(u, depth+1)
		default:
			return nil, nil
		}
	}
	return nil, errDeep
}

// size of a type in bytes; Unknown for void, functions and what is only
// declared.
func (r *typeReader) size(t cbtf.Type, depth int) (tpinfo.Bytes, error) {
	if depth > maxDepth {
		return tpinfo.Unknown, errDeep
	}
	switch t := t.(type) {
	case *cbtf.Pointer:
		return tpinfo.Bytes(r.wordSize), nil
	case *cbtf.Int:
		return tpinfo.Bytes(t.Size), nil
	case *cbtf.Float:
		return tpinfo.Bytes(t.Size), nil
	case *cbtf.Struct:
		return tpinfo.Bytes(t.Size), nil
	case *cbtf.Union:
		return tpinfo.Bytes(t.Size), nil
	case *cbtf.Enum:
		if len(t.Values) == 0 {
			return tpinfo.Unknown, nil
		}
		return tpinfo.Bytes(t.Size), nil
	case *cbtf.Typedef:
		return r.size(t.Type, depth+1)
	case *cbtf.Const:
		return r.size(t.Type, depth+1)
	case *cbtf.Volatile:
		return r.size(t.Type, depth+1)
	case *cbtf.Restrict:
		return r.size(t.Type, depth+1)
	case *cbtf.TypeTag:
		return r.size(t.Type, depth+1)
	case *cbtf.Array:
		elem, err := r.size(t.Type, depth+1)
		if err != nil || !elem.Known() {
			return tpinfo.Unknown, err
		}
		if t.Nelems > 0 && elem > (1<<62)/tpinfo.Bytes(t.Nelems) {
			return tpinfo.Unknown, errHuge
		}
		return elem * tpinfo.Bytes(t.Nelems), nil
	}
	return tpinfo.Unknown, nil
}

// signed reports whether values of t can be negative integers; of an array,
// its elements.
func (r *typeReader) signed(t cbtf.Type, depth int) bool {
	if depth > maxDepth {
		return false
	}
	switch t := t.(type) {
	case *cbtf.Int:
		return t.Encoding == cbtf.Signed || t.Name == "signed char"
	case *cbtf.Enum:
		return r.signedEnum(t)
	case *cbtf.Typedef:
		return r.signed(t.Type, depth+1)
	case *cbtf.Const:
		return r.signed(t.Type, depth+1)
	case *cbtf.Volatile:
		return r.signed(t.Type, depth+1)
	case *cbtf.TypeTag:
		return r.signed(t.Type, depth+1)
	case *cbtf.Array:
		return r.signed(t.Type, depth+1)
	}
	return false
}
