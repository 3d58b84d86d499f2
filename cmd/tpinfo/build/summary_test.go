package build

import (
	"bytes"
	"testing"

	"github.com/tpinfo/tpinfo/cmd/tpinfo/cli"
	"github.com/tpinfo/tpinfo/extractor/fleet"
)

// Kernels that a source is not used for are named once for each reason.
func TestNoteSources(t *testing.T) {
	var errs bytes.Buffer
	a := &cli.App{Streams: cli.Streams{Err: &errs}}
	noteSources(a, []fleet.Entry{
		{Release: "6.1.0-1-amd64"},
		{Release: "6.1.0-1-rt-amd64", NoSource: "it lacks patches"},
		{Release: "6.1.0-1-rt-arm64", NoSource: "it lacks patches"},
		{Release: "6.1.0-2-rt-amd64", NoSource: "it lacks patches"},
		{Release: "6.12.0-rt-amd64", NoSource: "it lacks others"},
	})
	if want := "note: 6.1.0-1-rt-amd64 and 2 more kernels: it lacks patches\nnote: 6.12.0-rt-amd64: it lacks others\n"; errs.String() != want {
		t.Errorf("%q, want %q", errs.String(), want)
	}
}
