package ctype

import "github.com/tpinfo/tpinfo"

// Type is a C type: how it is spelled, and what an unnamed struct at the
// bottom of the spelling stands for.
type Type struct {
	Expr *tpinfo.Expr
	Anon *tpinfo.Type
}

func (t *Type) String() string { return t.Expr.String() }

// Elem is what a pointer points to, or what an array is made of.
func (t *Type) Elem() *Type { return &Type{t.Expr.Elem, t.Anon} }

// PointerTo is a pointer to t.
func PointerTo(t *Type) *Type {
	return &Type{&tpinfo.Expr{Shape: tpinfo.ShapePointer, Elem: t.Expr}, t.Anon}
}

// Named is the type that a name stands for.
func Named(name string) *Type {
	return &Type{Expr: &tpinfo.Expr{Shape: tpinfo.ShapeName, Name: name}}
}

// Bare is a type without typedefs in front: a pointer, an array, a
// function, or a definition. Name is what the definition is known by: its own
// name, or that of the typedef that names an unnamed struct.
type Bare struct {
	*Type
	Def  *tpinfo.Type // nil for pointers, arrays, functions and void
	Name string
}

// IsStruct tells structs and unions, which have members.
func (u *Bare) IsStruct() bool {
	return u.Def != nil && (u.Def.Kind == tpinfo.KindStruct || u.Def.Kind == tpinfo.KindUnion)
}

// IsVoid tells void, which has no value.
func (u *Bare) IsVoid() bool { return u.Def == nil && u.Expr.Shape == tpinfo.ShapeName }

// StructName is what a definition is called in messages and facts.
func (u *Bare) StructName() string {
	if u.Def.Name != "" {
		return u.Def.Name
	}
	if u.Name != "" {
		return u.Name
	}
	return "the unnamed " + string(u.Def.Kind)
}

// Parse reads a spelling of the metadata.
func Parse(spelling string, anon *tpinfo.Type) *Type {
	e, err := tpinfo.ParseExpr(spelling)
	if err != nil {
		return nil
	}
	return &Type{e, anon}
}
