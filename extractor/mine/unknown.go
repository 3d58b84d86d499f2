package mine

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/tpinfo/tpinfo"
)

// The size of a type that is not known, in bytes: more than a record can have
// (it has to fit a page), so whatever depends on it is seen to be unknown.
const unknownSize = 1<<20 + 3

// Marks of a type that stands for one of unknown size.
const (
	unknownMember = "__tpinfo_unknown"  // the one member of such a struct
	unknownTag    = "__tpinfo_unknown_" // how its tag or its constant starts
)

// UnknownTag is the tag of the struct or enum that UnknownType and
// UnknownConstant make of a name without one, as compilers spell it.
func UnknownTag(name string) string { return unknownTag + name }

// UnknownType declares, in one line of C, a type that only a private header
// defines: "struct afs_fid", "enum page_type" or a typedef's name. What depends
// on it is unknown in what its unit tells.
func UnknownType(name string) string {
	kind, tag, tagged := strings.Cut(name, " ")
	switch {
	case !tagged:
		return fmt.Sprintf("typedef struct %s { char %s[%d]; } %s;", UnknownTag(name), unknownMember, unknownSize, name)
	case kind == "enum":
		// An enum can be of any size too ("enum … __mode(byte)" in rxrpc.h), but
		// cannot be declared larger than a long: its mark is its constant.
		return fmt.Sprintf("enum %s { %s };", tag, UnknownTag(tag))
	default:
		return fmt.Sprintf("%s %s { char %s[%d]; };", kind, tag, unknownMember, unknownSize)
	}
}

// UnknownConstant declares, in one line of C, the length of an array that only
// a private header defines.
func UnknownConstant(name string) string {
	return fmt.Sprintf("enum %s { %s = %d };", UnknownTag(name), name, unknownSize)
}

// standsForUnknown knows again what UnknownType declares.
func standsForUnknown(t *tpinfo.Type) bool {
	switch t.Kind {
	case tpinfo.KindStruct, tpinfo.KindUnion:
		return len(t.Members) == 1 && t.Members[0].Name == unknownMember
	case tpinfo.KindEnum:
		return len(t.Enumerators) == 1 && strings.HasPrefix(t.Enumerators[0].Name, unknownTag)
	}
	return false
}

// unknownTypes are the names of an object's types whose size nobody knows.
func unknownTypes(types map[string]*tpinfo.Type) map[string]bool {
	unknown := map[string]bool{}
	for name, t := range types {
		if standsForUnknown(t) {
			unknown[name] = true
		}
	}
	// A typedef of one that is unknown is unknown too.
	for again := true; again; {
		again = false
		for name, t := range types {
			if t.Kind == tpinfo.KindTypedef && !unknown[name] && unknown[t.Of] {
				unknown[name], again = true, true
			}
		}
	}
	return unknown
}

// hidden returns the unknown type that a value of the spelled type contains,
// and "" when its size is known.
func (m *miner) hidden(spelling string) string {
	if len(m.unknown) == 0 {
		return ""
	}
	e, err := tpinfo.ParseExpr(spelling)
	if err != nil {
		return ""
	}
	for e.Shape == tpinfo.ShapeArray {
		e = e.Elem
	}
	if e.Shape == tpinfo.ShapeName && m.unknown[e.Name] {
		return e.Name
	}
	return ""
}

// withoutLength takes the length that stands for an unknown one out of a
// pointer's spelling: "char (*)[]".
func withoutLength(spelling string) (string, bool) {
	if !strings.Contains(spelling, strconv.Itoa(unknownSize)) {
		return "", false
	}
	e, err := tpinfo.ParseExpr(spelling)
	if err != nil {
		return "", false
	}
	found := false
	for at := e; at.Shape != tpinfo.ShapeName; at = at.Elem {
		if at.Shape == tpinfo.ShapeArray && at.Count == unknownSize {
			at.Count, found = tpinfo.Flexible, true
		}
	}
	return e.String(), found
}

func (m *miner) unknownType(subject, what, name string) tpinfo.Problem {
	return tpinfo.Problem{
		Code: tpinfo.UnknownType, Subject: subject,
		Message: fmt.Sprintf("%s of type %s, which no public header defines", what, name),
		Supply:  m.Supply,
	}
}

func (m *miner) unknownLength(subject, what string) tpinfo.Problem {
	return tpinfo.Problem{
		Code: tpinfo.UnknownType, Subject: subject,
		Message: what + " whose length no public header defines",
		Supply:  m.Supply,
	}
}

// containsUnknown reports whether a part of t has no known size.
func (m *miner) containsUnknown(t *tpinfo.Type) bool {
	if len(m.unknown) == 0 {
		return false
	}
	if t.Of != "" && m.hidden(t.Of) != "" {
		return true
	}
	for i := range t.Members {
		f := &t.Members[i]
		if m.hidden(f.Type) != "" || f.Anon != nil && m.containsUnknown(f.Anon) {
			return true
		}
	}
	return false
}
