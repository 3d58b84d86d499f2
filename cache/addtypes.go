package cache

import (
	"context"
	"fmt"

	"github.com/tpinfo/tpinfo"
)

// AddTypes gives a kernel types that it does not have yet; those whose name it
// has stay as they are.
func (db *DB) AddTypes(ctx context.Context, id string, types []tpinfo.Type) error {
	k, err := db.Kernel(ctx, id)
	if err != nil {
		return err
	}
	snap := &tpinfo.Snapshot{Kernel: k.info.Kernel}
	if snap.Events, err = k.Events(ctx); err != nil {
		return err
	}
	if snap.Types, err = k.Types(ctx); err != nil {
		return err
	}
	known := map[string]bool{}
	for i := range snap.Types {
		known[snap.Types[i].Name] = true
	}
	for i := range types {
		if !known[types[i].Name] {
			known[types[i].Name] = true
			snap.Types = append(snap.Types, types[i])
		}
	}
	recorded, err := db.Recorded(ctx, k.info.Release, k.info.Tree)
	if err != nil {
		return err
	}
	for _, r := range recorded {
		if r.KernelID == k.info.ID {
			snap.Inputs = r.Inputs
			_, err := db.Put(ctx, snap)
			return err
		}
	}
	return fmt.Errorf("%w: kernel %s has no inputs", ErrCorrupt, k.info.Release)
}
