package extractor

import (
	"context"
	"github.com/tpinfo/tpinfo"
)

type filler struct{}

func startFiller(ctx context.Context, path string) *filler             { return &filler{} }
func (f *filler) fill(snap *tpinfo.Snapshot) ([]tpinfo.Problem, error) { return nil, nil }
func extractBTF(ctx context.Context, req Request, target *Target) (*tpinfo.Snapshot, error) {
	return nil, nil
}
func sameBTF(ctx context.Context, req Request, target *Target, inputs tpinfo.Inputs) (bool, error) {
	return true, nil
}
