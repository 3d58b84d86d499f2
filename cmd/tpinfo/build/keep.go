package build

import (
	"context"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/cache"
	"github.com/tpinfo/tpinfo/extractor/fleet"
)

// fleetStore is a cache as a fleet sees it. Without one, nothing is known.
type fleetStore struct{ *cache.DB }

func (s fleetStore) BuiltFrom(ctx context.Context, key string) (string, error) {
	if s.DB == nil {
		return "", nil
	}
	return s.DB.BuiltFrom(ctx, key)
}

func (s fleetStore) FailureOf(ctx context.Context, key string) (*tpinfo.Failure, error) {
	if s.DB == nil {
		return nil, nil
	}
	return s.DB.FailureOf(ctx, key)
}

// Kept implements fleet.Store.
func (s fleetStore) Kept(ctx context.Context, id string) (fleet.Kept, error) {
	k, err := s.Kernel(ctx, id)
	if err != nil {
		return fleet.Kept{}, err
	}
	i := k.Info()
	return fleet.Kept{Arch: i.Arch, Compiler: i.Compiler, Events: i.Events, Complete: i.Events - i.Incomplete, Types: i.Types, Problems: i.Problems}, nil
}

// PutFrom implements fleet.Store.
func (s fleetStore) PutFrom(ctx context.Context, snap *tpinfo.Snapshot, origin tpinfo.Origin) (int, error) {
	res, err := s.DB.PutFrom(ctx, snap, origin)
	return res.NewLayouts, err
}
