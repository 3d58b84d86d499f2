package extractor

import (
	"context"
	"errors"

	"github.com/tpinfo/tpinfo"
)

// Request says what to extract and with what.
type Request struct {
	// Tree is a release name ("6.1.0-56-cloud-amd64"), the directory of a
	// build tree, or empty for the running kernel.
	Tree string
	// Source is the directory of the full kernel source; empty for none.
	Source string
	// BTF is a file that fills what headers leave unknown: raw BTF, an ELF
	// file with a .BTF section, or a compressed kernel image. With an empty
	// Tree it is the only source. Empty for none.
	BTF string
	// CC is "gcc", "clang" or the path of a compiler; empty to choose.
	CC string
	// Jobs bounds the compilers run at once; 0 for one a core.
	Jobs int
	// Report receives progress, from one goroutine at a time; nil for none.
	Report func(Progress)
}

// Stage is a step of the pipeline, as doc.go numbers them.
type Stage string

// The stages.
const (
	StageFind    Stage = "find"
	StagePlan    Stage = "plan"
	StageCompile Stage = "compile"
	StageMine    Stage = "mine"
	StageFill    Stage = "fill"
	StageCheck   Stage = "check"
)

// Progress is one step forward.
type Progress struct {
	Stage Stage
	// Done of Total units of the stage's own work are finished; Total is 0
	// where the amount is not known.
	Done, Total int
	// Detail is one line for a person: "152 trace headers in 2 units".
	Detail string
}

// Extract reads everything that the request's sources tell about one kernel.
// It holds no state, and leaves nothing behind on any way out.
func Extract(ctx context.Context, req Request) (*tpinfo.Snapshot, error) {
	return nil, errors.New("not written yet")
}

// Target is what a request resolves to before anything is compiled.
type Target struct {
	// Release of the kernel; empty when the source does not tell.
	Release string
	// Tree is the absolute path of the build tree or BTF file.
	Tree string
	// FromBTF: there are no headers, BTF is the only source.
	FromBTF bool
}

// Resolve finds the request's tree and reads its release, without compiling.
func Resolve(ctx context.Context, req Request) (*Target, error) {
	return nil, errors.New("not written yet")
}

// Unchanged reports whether an extraction of req now would read the same
// content as the one that recorded inputs: every header is read and digested,
// nothing is compiled. A request that names no compiler or BTF accepts any.
func Unchanged(ctx context.Context, req Request, inputs tpinfo.Inputs) (bool, error) {
	return false, errors.New("not written yet")
}
