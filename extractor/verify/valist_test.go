package verify

import (
	"testing"

	"github.com/tpinfo/tpinfo"
)

// gcc, clang and BTF on arm64 have three names for what va_list is.
func TestVariadicLists(t *testing.T) {
	def := func(of string) []tpinfo.Type {
		return []tpinfo.Type{{Kind: tpinfo.KindTypedef, Name: "va_list", Size: 32, Of: of}}
	}
	if r := Types(def("__builtin_va_list"), def("struct __va_list"), Limits{}); r.Unexplained() != 0 || len(r.Disagreements) != 1 {
		t.Errorf("two compilers' names: %v", r.Disagreements)
	}
	if r := Types(def("__builtin_va_list"), def("void *"), Limits{}); r.Unexplained() != 0 || len(r.Disagreements) != 1 {
		t.Errorf("%+v", r.Disagreements)
	}
	if r := Types(def("__builtin_va_list"), def("char *"), Limits{}); r.Unexplained() != 1 {
		t.Errorf("something else: %v", r.Disagreements)
	}
}
