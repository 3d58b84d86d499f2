package extractor

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/extractor/btf"
)

// BTF fills what it tells of the same arguments, and nothing where it tells of
// others: with BTF of a kernel whose patches differ in a few events, or of an
// event of one name in another system.
func TestFillArguments(t *testing.T) {
	arg := func(name, spelling string, size tpinfo.Bytes) tpinfo.Arg {
		return tpinfo.Arg{Name: name, Type: spelling, Size: size}
	}
	lacks := []tpinfo.Problem{{Code: tpinfo.UnknownType, Subject: "group"}}
	unnamed := []tpinfo.Problem{{Code: tpinfo.ArgsMissing, Message: "no names"}}
	for name, test := range map[string]struct {
		have []tpinfo.Arg
		from []tpinfo.Arg
		want []tpinfo.Arg
		said []tpinfo.Problem // of the BTF
		left []tpinfo.Problem
	}{
		"a size": {
			[]tpinfo.Arg{arg("sb", "void *", 8), arg("group", "ext4_group_t", tpinfo.Unknown)},
			[]tpinfo.Arg{arg("sb", "void *", 8), arg("group", "ext4_group_t", 4)},
			[]tpinfo.Arg{arg("sb", "void *", 8), arg("group", "ext4_group_t", 4)}, nil, []tpinfo.Problem{},
		},
		"fewer arguments": {
			[]tpinfo.Arg{arg("sb", "void *", 8), arg("group", "ext4_group_t", tpinfo.Unknown)},
			[]tpinfo.Arg{arg("sb", "void *", 8)},
			[]tpinfo.Arg{arg("sb", "void *", 8), arg("group", "ext4_group_t", tpinfo.Unknown)}, nil, lacks,
		},
		"another type": {
			[]tpinfo.Arg{arg("group", "ext4_group_t", tpinfo.Unknown)},
			[]tpinfo.Arg{arg("sb", "void *", 8)},
			[]tpinfo.Arg{arg("group", "ext4_group_t", tpinfo.Unknown)}, nil, lacks,
		},
		"all, without names": {
			nil, []tpinfo.Arg{arg("", "int", 4)}, []tpinfo.Arg{arg("", "int", 4)}, unnamed, unnamed,
		},
	} {
		t.Run(name, func(t *testing.T) {
			e := tpinfo.Tracepoint{Name: "event", Args: test.have, Problems: append([]tpinfo.Problem{}, lacks...)}
			if test.have == nil {
				e.Problems = []tpinfo.Problem{{Code: tpinfo.ArgsMissing, Message: "given up"}}
			}
			f := &filler{tp: &btf.Tracepoints{}}
			f.fillEvent(&e, &tpinfo.Tracepoint{Name: "event", Args: test.from, Problems: test.said})
			if diff := cmp.Diff(test.want, e.Args); diff != "" {
				t.Errorf("arguments:\n%s", diff)
			}
			if diff := cmp.Diff(test.left, e.Problems); diff != "" {
				t.Errorf("problems:\n%s", diff)
			}
		})
	}
}
