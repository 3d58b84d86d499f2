package runner

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tpinfo/tpinfo/compiler/ir"
)

// A MismatchError says that an object was compiled for another kernel than the
// one that is to run it.
type MismatchError struct {
	// Differences are sentences without a full stop, one for each thing that
	// is not as the object expects it.
	Differences []string
	// Never: not even Options.Force runs it.
	Never bool
}

func (e *MismatchError) Error() string {
	text := "the object does not fit this kernel:\n  " + strings.Join(e.Differences, "\n  ")
	if e.Never {
		return text + "\ncompile the script for this kernel"
	}
	return text + "\ncompile the script for this kernel, or run it all the same with --force"
}

// verdict is what became of one fact.
type verdict struct {
	differs string // empty when it holds or was not checked
	unknown string // why it could not be checked
}

func differs(format string, args ...any) verdict {
	return verdict{differs: fmt.Sprintf(format, args...)}
}

func unknown(format string, args ...any) verdict {
	return verdict{unknown: fmt.Sprintf(format, args...)}
}

// checkTarget compares what the program was compiled for with the target. The
// notes say which facts nothing here could tell of.
func checkTarget(prog *ir.Program, t Target, types *kernelTypes) (mismatch *MismatchError, notes []string) {
	k := &prog.Kernel
	if k.ByteOrder != t.ByteOrder {
		return &MismatchError{Never: true, Differences: []string{
			fmt.Sprintf("it is for a %s-endian kernel, this one is %s-endian", k.ByteOrder, t.ByteOrder)}}, nil
	}
	var found []string
	if k.Arch != t.Arch {
		found = append(found, fmt.Sprintf("it is for %s, this machine is %s", k.Arch, t.Arch))
	}
	if k.Release != t.Release {
		found = append(found, fmt.Sprintf("it is for kernel %s, this is %s", k.Release, t.Release))
	}
	for i := range prog.Facts {
		f := &prog.Facts[i]
		var v verdict
		switch {
		case f.Record:
			v = checkField(prog, f)
		case !t.BTF:
			v = unknown("this kernel has no %s", kernelBTF)
		case f.Event != "":
			v = types.checkArgument(f)
		default:
			v = types.checkMember(f)
		}
		if v.differs != "" {
			found = append(found, v.differs)
		}
		if v.unknown != "" {
			notes = append(notes, factName(f)+" was not checked: "+v.unknown)
		}
	}
	if len(found) > 0 {
		mismatch = &MismatchError{Differences: slices.Compact(found)}
	}
	return mismatch, slices.Compact(notes)
}

// factName is what a message calls the fact.
func factName(f *ir.Fact) string {
	switch {
	case f.Record:
		return fmt.Sprintf("field %s of the record of %s", f.Member, f.Event)
	case f.Event != "":
		return fmt.Sprintf("argument %s of %s", f.Member, f.Event)
	}
	if f.Member == "" {
		return "the size of " + f.Type
	}
	return f.Type + "." + f.Member
}

// place is where bits lie, for messages.
func place(bit, bitSize, size int64) string {
	if bitSize > 0 {
		return fmt.Sprintf("at bit %d, %d wide", bit, bitSize)
	}
	return fmt.Sprintf("at offset %d, size %d", bit/8, size)
}

// compare holds the place of a member against the fact.
func compare(f *ir.Fact, bit, bitSize, size int64) verdict {
	wantBit := 8*f.Offset + int64(f.BitOffset)
	if f.BitSize == 0 && bitSize == 0 {
		if bit == wantBit && size == f.Size {
			return verdict{}
		}
	} else if bit == wantBit && bitSize == int64(f.BitSize) {
		return verdict{}
	}
	return differs("%s is %s here; the object expects it %s",
		factName(f), place(bit, bitSize, size), place(wantBit, int64(f.BitSize), f.Size))
}
