package traceheaders

import (
	"errors"
	"fmt"

	"github.com/tpinfo/tpinfo/extractor/cc"
	"github.com/tpinfo/tpinfo/extractor/fault"
)

// ErrMostFail is wrapped by the error for a tree of which most trace headers do
// not compile.
var ErrMostFail = errors.New("most of the trace headers do not compile")

// enoughToJudge is how many trace headers a tree has at least for their share
// that fails to mean something. Repairing fewer costs little.
const enoughToJudge = 20

// hopeless gives up when most headers fail in the first round: not they are at
// fault but the tree, or the compiler for it, and repairing each would take
// many minutes and end in nothing that is true. Of Debian's kernels from 5.10
// to 7.3, for amd64 and arm64, with gcc and clang, at most 2 of some 150 fail
// then, and 20 would if no hint helped; an empty autoconf.h makes it 88.
func (b *builder) hopeless(units []*Unit, sorted []blamed) error {
	all, fail := 0, 0
	var common cc.Diagnostic // what the compiler says first of most of them
	count := map[string]int{}
	for i, u := range units {
		all += len(u.members)
		for _, broken := range sorted[i].broken {
			fail++
			d := broken.said[0]
			if count[d.Message]++; count[d.Message] > count[common.Message] {
				common = d
			}
		}
	}
	if all < enoughToJudge || fail*2 <= all {
		return nil
	}
	return &fault.Advised{
		Err:    fmt.Errorf("%w with %s, %d of %d: %s", ErrMostFail, b.Compiler, fail, all, b.Words(common)),
		Advice: "prepare the tree again (make olddefconfig prepare), fetch the header package again, or try another compiler (--cc)",
	}
}
