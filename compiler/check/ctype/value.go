package ctype

import (
	"fmt"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/compiler/ir"
)

// Value is what stands at a place of the kernel, typedefs followed: what two
// kernels must have in common for a script to mean the same on both.
type Value struct {
	Kind ValueKind
	// Size in bytes and Signed are a number's, Bits a bitfield's width.
	Size   int
	Signed bool
	Bits   int
	// Enum and Char tell numbers of these types, whose sign some sources do
	// not know.
	Enum, Char bool
	// To is what a pointer points to or an array is of: "struct request",
	// "char", or a number as String says it.
	To string
}

// ValueKind tells values apart.
type ValueKind string

// The kinds of values.
const (
	NumberValue  ValueKind = "number"
	PointerValue ValueKind = "pointer"
	ArrayValue   ValueKind = "array"
	StructValue  ValueKind = "struct" // To is its name
	OtherValue   ValueKind = "other"  // To is its spelling
)

// String says what the value is: "a signed number of 4 bytes", "a pointer to
// struct request", "an array of char".
func (v Value) String() string {
	switch v.Kind {
	case NumberValue:
		sign := "an unsigned"
		if v.Signed {
			sign = "a signed"
		}
		switch {
		case v.Bits > 0:
			return fmt.Sprintf("%s number of %d bits", sign, v.Bits)
		case v.Size == 1:
			return sign + " number of 1 byte"
		}
		return fmt.Sprintf("%s number of %d bytes", sign, v.Size)
	case PointerValue:
		return "a pointer to " + v.To
	case ArrayValue:
		return "an array of " + v.To
	}
	return v.To
}

// Value is what stands at a place of a type. mem is how it is read where nobody
// knows the type, or nil; bits is the width of a bitfield, or 0.
func (k *Kernel) Value(t *Type, mem *ir.Mem, bits int) Value {
	u, ok := k.Bare(t)
	if !ok {
		if mem != nil {
			return Value{Kind: NumberValue, Size: mem.Size, Signed: mem.Signed}
		}
		return Value{Kind: OtherValue, To: t.String()}
	}
	v := k.plain(&u, 0)
	if v.Kind == NumberValue {
		v.Bits = bits
	}
	return v
}

// maxValue bounds how deep pointers to pointers are looked into.
const maxValue = 8

func (k *Kernel) plain(u *Bare, depth int) Value {
	switch {
	case u.Expr.Shape == tpinfo.ShapePointer:
		return Value{Kind: PointerValue, To: k.pointed(u.Elem(), depth)}
	case u.Expr.Shape == tpinfo.ShapeArray:
		return Value{Kind: ArrayValue, To: k.pointed(u.Elem(), depth)}
	case u.Expr.Shape == tpinfo.ShapeFunc:
		return Value{Kind: OtherValue, To: "a function"}
	case u.IsVoid():
		return Value{Kind: OtherValue, To: "void"}
	case u.IsStruct():
		return Value{Kind: StructValue, To: u.StructName()}
	case u.Def.Encoding == tpinfo.EncFloat:
		return Value{Kind: OtherValue, To: u.Def.Name}
	}
	return Value{
		Kind: NumberValue, Size: int(u.Def.Size), Signed: u.Def.Encoding == tpinfo.EncSigned,
		Enum: u.Def.Kind == tpinfo.KindEnum, Char: IsChar(u.Def),
	}
}

// pointed names what is pointed to. Text is char, whatever sign that has.
func (k *Kernel) pointed(t *Type, depth int) string {
	u, ok := k.Bare(t)
	switch {
	case !ok || depth == maxValue:
		return t.Expr.Base().Name
	case IsChar(u.Def):
		return "char"
	}
	return k.plain(&u, depth+1).String()
}
