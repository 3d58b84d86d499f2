// Package ctypes holds what the readers of DWARF and of BTF must do alike, so
// that one type comes out equal from both and from every compiler: how base
// types are spelled, where qualifiers go.
package ctypes

import "github.com/tpinfo/tpinfo"

// spellings maps "long unsigned int" (gcc, and so BTF) and the like to C as the
// kernel's sources write it. Names that are not in it are spelled alike by all.
var spellings = map[string]string{
	"short int":              "short",
	"signed short":           "short",
	"short unsigned int":     "unsigned short",
	"signed int":             "int",
	"unsigned":               "unsigned int",
	"long int":               "long",
	"signed long":            "long",
	"long unsigned int":      "unsigned long",
	"long long int":          "long long",
	"signed long long":       "long long",
	"long long unsigned int": "unsigned long long",
	"__int128 unsigned":      "unsigned __int128",
	"bool":                   "_Bool",
	"__ARRAY_SIZE_TYPE__":    "unsigned long",
	"sizetype":               "unsigned long",
	"ssizetype":              "long",
}

// BaseName is the C spelling of a base type that debug information calls name.
func BaseName(name string) string {
	if s, ok := spellings[name]; ok {
		return s
	}
	return name
}

// Own reports whether a typedef of that name is one compiler's own word for a
// type that the other knows by itself: clang's of 128 bits.
func Own(typedef string) bool { return typedef == "__int128_t" || typedef == "__uint128_t" }

// Qualify returns e with const (or else volatile) added. Of an array it is the
// elements that are qualified (C11 6.7.3); sources disagree on where to write
// it. Of a function it says nothing.
func Qualify(e *tpinfo.Expr, isConst bool) *tpinfo.Expr {
	out := *e
	switch e.Shape {
	case tpinfo.ShapeArray:
		out.Elem = Qualify(e.Elem, isConst)
	case tpinfo.ShapeName, tpinfo.ShapePointer:
		out.Const = out.Const || isConst
		out.Volatile = out.Volatile || !isConst
	}
	return &out
}

// Unnamed spells the type of an anonymous member. Qualifiers of the member as
// a whole ("const struct { … };") are left out: not every compiler writes them.
func Unnamed(anon *tpinfo.Type) string {
	if anon.Kind == tpinfo.KindUnion {
		return tpinfo.AnonUnion
	}
	return tpinfo.AnonStruct
}
