package runner

import (
	"errors"
	"fmt"
	"strings"

	"github.com/cilium/ebpf/btf"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/compiler/ir"
)

// kernelTypes looks types up in the BTF of the running kernel, and of its
// modules where the kernel's own does not have them.
type kernelTypes struct {
	cache *btf.Cache
}

func newKernelTypes() *kernelTypes { return &kernelTypes{cache: btf.NewCache()} }

// named finds all types of a name, with their own BTF first.
func (k *kernelTypes) named(name string) ([]btf.Type, error) {
	spec, err := k.cache.Kernel()
	if err != nil {
		return nil, err
	}
	found, err := spec.AnyTypesByName(name)
	if !errors.Is(err, btf.ErrNotFound) {
		return found, err
	}
	modules, err := k.cache.Modules()
	if err != nil {
		return nil, err
	}
	for _, module := range modules {
		if spec, err = k.cache.Module(module); err != nil {
			return nil, err
		}
		if found, err = spec.AnyTypesByName(name); err == nil {
			return found, nil
		}
	}
	return nil, btf.ErrNotFound
}

// definitions finds the definitions of "struct task_struct" or "pid_t".
func (k *kernelTypes) definitions(spelling string) ([]btf.Type, error) {
	keyword, name, tagged := strings.Cut(spelling, " ")
	if !tagged || keyword != "struct" && keyword != "union" && keyword != "enum" {
		keyword, name = "", spelling
	}
	all, err := k.named(name)
	if err != nil {
		return nil, err
	}
	var fit []btf.Type
	for _, t := range all {
		kind := ""
		switch t.(type) {
		case *btf.Struct:
			kind = "struct"
		case *btf.Union:
			kind = "union"
		case *btf.Enum:
			kind = "enum"
		case *btf.Typedef, *btf.Int, *btf.Float:
		default:
			continue // a function or variable of that name, or a declaration
		}
		if kind == keyword {
			fit = append(fit, t)
		}
	}
	if len(fit) == 0 {
		return nil, btf.ErrNotFound
	}
	return fit, nil
}

// checkMember checks a member's place. A name may have several definitions in one
// kernel; the fact holds if it holds for one.
func (k *kernelTypes) checkMember(f *ir.Fact) verdict {
	types, err := k.definitions(f.Type)
	if errors.Is(err, btf.ErrNotFound) {
		return unknown("neither the kernel's BTF nor that of a loaded module has %s", f.Type)
	}
	if err != nil {
		return unknown("%v", err)
	}
	var first verdict
	for i, t := range types {
		v := checkMemberOf(f, t)
		if v.differs == "" {
			return v
		}
		if i == 0 {
			first = v
		}
	}
	return first
}

func checkMemberOf(f *ir.Fact, t btf.Type) verdict {
	if f.Member == "" {
		size, err := btf.Sizeof(t)
		if err != nil {
			return unknown("%v", err)
		}
		if int64(size) != f.Size {
			return differs("%s is %d bytes here; the object expects %d", factName(f), size, f.Size)
		}
		return verdict{}
	}
	var bit int64
	var bitSize int64
	for _, name := range strings.Split(f.Member, ".") {
		m, at, ok := findMember(t, name, 0)
		if !ok {
			return differs("%s has no member %s here", f.Type, f.Member)
		}
		bit += int64(at)
		bitSize = int64(m.BitfieldSize)
		t = m.Type
	}
	size, err := btf.Sizeof(t)
	if err != nil {
		return unknown("%v", err)
	}
	return compare(f, bit, bitSize, int64(size))
}

// maxNested bounds how deep unnamed members lie in one another.
const maxNested = 32

// findMember finds a member by name, in unnamed members too, with its place in
// bits from the start of t.
func findMember(t btf.Type, name string, depth int) (btf.Member, btf.Bits, bool) {
	members := membersOf(t)
	for _, m := range members {
		if m.Name == name {
			return m, m.Offset, true
		}
	}
	if depth == maxNested {
		return btf.Member{}, 0, false
	}
	for _, m := range members {
		if m.Name != "" {
			continue
		}
		if inner, at, ok := findMember(m.Type, name, depth+1); ok {
			return inner, m.Offset + at, true
		}
	}
	return btf.Member{}, 0, false
}

func membersOf(t btf.Type) []btf.Member {
	switch t := btf.UnderlyingType(t).(type) {
	case *btf.Struct:
		return t.Members
	case *btf.Union:
		return t.Members
	}
	return nil
}

// checkArgument checks an event's argument. The kernel keeps the parameters of
// a tracepoint in a typedef of its own, behind the probe's void * (__DEFINE_EVENT in
// include/trace/bpf_probe.h), from 5.3 on. They have
// no names there, so what can be told is their number, their sizes and what
// pointers point to.
func (k *kernelTypes) checkArgument(f *ir.Fact) verdict {
	all, err := k.named("btf_trace_" + f.Event)
	if errors.Is(err, btf.ErrNotFound) {
		return unknown("neither the kernel's BTF nor that of a loaded module has the event")
	}
	if err != nil {
		return unknown("%v", err)
	}
	proto := prototype(all[0])
	if proto == nil || len(proto.Params) == 0 {
		return unknown("the kernel's BTF has no prototype of the event")
	}
	params := proto.Params[1:]
	at := int(f.Offset) / tpinfo.ArgSlot
	if f.Offset < 0 || at >= len(params) {
		return differs("%s, number %d, is not here: the event's arguments are %d", factName(f), at+1, len(params))
	}
	p := params[at].Type
	size, err := btf.Sizeof(p)
	if err != nil {
		return unknown("%v", err)
	}
	want, here := pointee(f.CType), btfPointer(p)
	switch {
	case f.Size > 0 && int64(size) != f.Size:
		return differs("%s, number %d, has size %d here; the object expects %d",
			factName(f), at+1, size, f.Size)
	case want != "" && here != "" && want+" *" != here:
		return differs("%s, number %d, is %s here; the object expects %s", factName(f), at+1, here, f.CType)
	}
	return verdict{}
}

func prototype(t btf.Type) *btf.FuncProto {
	def, ok := t.(*btf.Typedef)
	if !ok {
		return nil
	}
	ptr, ok := btf.UnderlyingType(def).(*btf.Pointer)
	if !ok {
		return nil
	}
	proto, _ := ptr.Target.(*btf.FuncProto)
	return proto
}

// pointee names what a C spelling points to when that is a struct or union
// with a tag; of everything else, typedefs among it, nothing is said.
func pointee(ctype string) string {
	e, err := tpinfo.ParseExpr(ctype)
	if err != nil || e.Shape != tpinfo.ShapePointer || e.Elem.Shape != tpinfo.ShapeName {
		return ""
	}
	if name := e.Elem.Name; strings.HasPrefix(name, "struct ") || strings.HasPrefix(name, "union ") {
		return name
	}
	return ""
}

// btfPointer spells a pointer to a struct or union with a tag, says of what is
// no pointer that it is none, and is empty for the rest.
func btfPointer(t btf.Type) string {
	ptr, ok := btf.UnderlyingType(t).(*btf.Pointer)
	if !ok {
		return "no pointer"
	}
	switch t := btf.QualifiedType(ptr.Target).(type) {
	case *btf.Struct:
		return pointerTo("struct", t.Name)
	case *btf.Union:
		return pointerTo("union", t.Name)
	case *btf.Fwd:
		return pointerTo(fmt.Sprint(t.Kind), t.Name)
	}
	return ""
}

func pointerTo(keyword, tag string) string {
	if tag == "" {
		return ""
	}
	return keyword + " " + tag + " *"
}
