package ctype

import (
	"context"
	"strings"

	"github.com/tpinfo/tpinfo"
)

// Metadata is what is asked about the types of a kernel.
type Metadata interface {
	// Identity tells which kernel it is.
	Identity() tpinfo.Kernel
	// TypeIfKnown returns a definition by its name, "struct page" or "u32";
	// nil when there is none.
	TypeIfKnown(ctx context.Context, name string) (*tpinfo.Type, error)
	// TypeNames lists the names of types that match a glob.
	TypeNames(ctx context.Context, pattern string) ([]string, error)
	// Header learns a type that is not known from headers, "linux/hrtimer.h",
	// included in this order, and returns it; nil when they do not define it.
	// Where that cannot be, the error says what would help.
	Header(ctx context.Context, headers []string, typeName string) (*tpinfo.Type, error)
}

// Kernel knows the types of one kernel.
type Kernel struct {
	Identity tpinfo.Kernel

	ctx   context.Context
	meta  Metadata
	fail  func(error)
	types map[string]*tpinfo.Type
}

// NewKernel makes a Kernel. What keeps meta from answering is told to fail; the
// answer is then that nothing is known.
func NewKernel(ctx context.Context, meta Metadata, fail func(error)) *Kernel {
	return &Kernel{Identity: meta.Identity(), ctx: ctx, meta: meta, fail: fail, types: map[string]*tpinfo.Type{}}
}

// Definition looks a definition up by its full name, once.
func (k *Kernel) Definition(name string) *tpinfo.Type {
	if t, asked := k.types[name]; asked {
		return t
	}
	t, err := k.meta.TypeIfKnown(k.ctx, name)
	if err != nil {
		k.fail(err)
	}
	if t != nil && t.Name != name {
		t = nil // one of another kind, "struct x" for "x"
	}
	k.types[name] = t
	return t
}

// Known is the definition that a name without its keyword stands for: of a
// struct, union or enum, or else of a typedef or a base type, in SystemTap's
// order.
func (k *Kernel) Known(name string) *tpinfo.Type {
	if !strings.Contains(name, " ") {
		for _, tag := range []string{"struct ", "union ", "enum "} {
			if t := k.Definition(tag + name); t != nil {
				return t
			}
		}
	}
	return k.Definition(name)
}

// Learn asks for a type that only headers have. The error says what would help;
// nil without one means that they do not define it.
func (k *Kernel) Learn(headers []string, name string) (*tpinfo.Type, error) {
	t, err := k.meta.Header(k.ctx, headers, name)
	if t != nil && err == nil {
		k.types[t.Name] = t
	}
	return t, err
}

// Names are those of all types.
func (k *Kernel) Names() []string {
	names, err := k.meta.TypeNames(k.ctx, "*")
	if err != nil {
		k.fail(err)
	}
	return names
}

// Because is what the kernel's problems say of a type, behind a colon; empty
// when they say nothing.
func (k *Kernel) Because(subject string) string {
	for _, p := range k.Identity.Problems {
		if p.Subject == subject || p.Code == tpinfo.LayoutRandomised {
			return ": " + p.String()
		}
	}
	return ""
}

// Read is what the types are those of: a kernel may define more than that.
func (k *Kernel) Read() string {
	what := "what was read of kernel "
	switch k.Identity.Source {
	case tpinfo.FromDWARF:
		what = "the headers that were read of kernel "
	case tpinfo.FromBTF, tpinfo.FromBTFTracefs:
		what = "the BTF of kernel "
	}
	return what + k.Identity.Release
}

// Missing says that a type which the script needs is not known, and what would
// tell it; pointer is what of the script points to it, "" when nothing does.
func (k *Kernel) Missing(name, pointer string) (message, hint string) {
	message = k.Read() + " do not define " + name
	if k.Identity.Source != tpinfo.FromDWARF {
		message = k.Read() + " does not define " + name
	}
	short := name
	for _, tag := range []string{"struct ", "union ", "enum "} {
		short = strings.TrimPrefix(short, tag)
	}
	if pointer == "" {
		pointer = "…"
	}
	hint = "name the header that does: @cast(" + pointer + `, "` + short + `", "kernel<linux/…>")`
	switch k.Identity.Source {
	case tpinfo.FromBTF, tpinfo.FromBTFTracefs:
		hint = "a module that is not loaded may; or extract the kernel from its headers"
	case tpinfo.FromDWARFBTF:
	default:
		hint += ", or extract the kernel with --btf FILE or --source DIR"
	}
	return message, hint
}
