package dwarfx

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/tpinfo/tpinfo"
)

// plainTypes are C types with the spelling they come out as. long double is
// the one whose size is not its alignment on some machines.
var plainTypes = [][2]string{
	{"char", "char"}, {"signed char", "signed char"}, {"unsigned char", "unsigned char"},
	{"short int", "short"}, {"unsigned short", "unsigned short"}, {"int", "int"}, {"unsigned", "unsigned int"},
	{"long", "long"}, {"unsigned long int", "unsigned long"}, {"long long", "long long"},
	{"unsigned long long", "unsigned long long"}, {"_Bool", "_Bool"}, {"float", "float"}, {"double", "double"},
	{"long double", "long double"}, {"u8", "u8"}, {"u64", "u64"}, {"pid_t", "pid_t"}, {"enum mode", "enum mode"},
	{"enum sign", "enum sign"}, {"enum small", "enum small"}, {"struct pair", "struct pair"},
	{"const char *", "const char *"}, {"struct page *", "struct page *"}, {"volatile int", "volatile int"},
	{"struct pair const *const", "const struct pair *const"},
}

var bitTypes = []struct {
	c, spelling string
	bits        int
}{
	{"char", "char", 8}, {"u8", "u8", 8}, {"short", "short", 16}, {"u16", "u16", 16}, {"int", "int", 32},
	{"u32", "u32", 32}, {"unsigned", "unsigned int", 32}, {"u64", "u64", 64}, {"long long", "long long", 64},
	{"_Bool", "_Bool", 1}, {"enum mode", "enum mode", 8},
}

// randomStruct makes a struct that no one thought of, with the paths of all
// its members.
type randomStruct struct {
	*rapid.T
	names int
	out   []member
}

func (r *randomStruct) pick(what string, n int) int { return rapid.IntRange(0, n-1).Draw(r.T, what) }

func (r *randomStruct) attributes() string {
	switch r.pick("attribute", 12) {
	case 0:
		return " __attribute__((packed))"
	case 1:
		return fmt.Sprintf(" __attribute__((aligned(%d)))", 1<<r.pick("alignment", 6))
	}
	return ""
}

// body writes the members of one struct or union; path leads to it.
func (r *randomStruct) body(path string, depth int) string {
	var c strings.Builder
	for range 1 + r.pick("members", 7) {
		name := fmt.Sprintf("m%d", r.names)
		r.names++
		switch r.pick("kind", 10) {
		case 0, 1, 2:
			typ := plainTypes[r.pick("type", len(plainTypes))]
			fmt.Fprintf(&c, "%s %s%s; ", typ[0], name, r.memberAttributes())
			r.out = append(r.out, member{path + name, typ[1]})
		case 3:
			typ := plainTypes[r.pick("element", len(plainTypes))]
			dims := ""
			for range 1 + r.pick("dimensions", 3) {
				dims += fmt.Sprintf("[%d]", 1+r.pick("count", 4))
			}
			fmt.Fprintf(&c, "%s %s%s; ", typ[0], name, dims)
			r.out = append(r.out, member{path + name, spelled(typ[1] + dims)})
		case 4, 5, 6:
			typ := bitTypes[r.pick("bits", len(bitTypes))]
			width := 1 + r.pick("width", typ.bits)
			fmt.Fprintf(&c, "%s %s : %d; ", typ.c, name, width)
			r.out = append(r.out, member{path + name, fmt.Sprintf("%s:%d", typ.spelling, width)})
		case 7:
			typ := bitTypes[r.pick("padding", len(bitTypes))]
			fmt.Fprintf(&c, "%s : %d; ", typ.c, r.pick("gap", typ.bits+1))
		default:
			if depth == 3 {
				continue
			}
			keyword := []string{"struct", "union"}[r.pick("keyword", 2)]
			if r.pick("named", 2) == 0 {
				fmt.Fprintf(&c, "%s { %s}%s; ", keyword, r.body(path, depth+1), r.attributes())
				continue
			}
			r.out = append(r.out, member{path + name, keyword + " {...}"})
			inside := r.body(path+name+".", depth+1)
			fmt.Fprintf(&c, "%s { %s}%s %s; ", keyword, inside, r.attributes(), name)
		}
	}
	return c.String()
}

// spelled puts the spaces where the package tpinfo does.
func spelled(typ string) string {
	e, err := tpinfo.ParseExpr(typ)
	if err != nil {
		panic(err)
	}
	return e.String()
}

func (r *randomStruct) memberAttributes() string {
	if r.pick("member's attribute", 4) > 0 {
		return ""
	}
	return r.attributes()
}

// randomLayout draws a struct or union called after n.
func randomLayout(n int) *rapid.Generator[layout] {
	return rapid.Custom(func(t *rapid.T) layout {
		r := &randomStruct{T: t}
		keyword := []string{"struct", "struct", "struct", "union"}[r.pick("keyword", 4)]
		l := layout{name: fmt.Sprintf("%s random%d", keyword, n)}
		l.def = fmt.Sprintf("%s { %s}%s;", l.name, r.body("", 0), r.attributes())
		l.members = r.out
		return l
	})
}

// Twenty to a unit: starting a compiler is what costs. The seeds are fixed, so
// that a failure stays.
func TestRandomLayouts(t *testing.T) {
	const perUnit, units = 20, 6
	run := func(t *testing.T, cc compiler) {
		bits, nested := 0, 0
		for unit := range units {
			var some []layout
			for i := range perUnit {
				n := unit*perUnit + i
				l := randomLayout(n).Example(n)
				some = append(some, l)
				for _, m := range l.members {
					if m.bitfield() {
						bits++
					}
					if strings.Contains(m.path, ".") {
						nested++
					}
				}
			}
			compare(t, cc, prelude, some)
		}
		// A generator that stopped making them would let everything pass.
		if bits < 100 || nested < 50 {
			t.Errorf("only %d bitfields and %d members of named inner structs were drawn", bits, nested)
		}
	}
	each(t, compilers, run)
	each(t, targets, run)
}
