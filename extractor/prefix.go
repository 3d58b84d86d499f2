package extractor

import (
	"context"
	"slices"
)

// What nearly every source includes takes half of its unit's time. A compiler
// that can keep it read reads it once as a part of the kernel itself and once
// as a part of modules, since linux/module.h differs.

// modular is how the command line says that a file is part of a module.
const modular = "-DMODULE"

// fewInstances are too few to win the time back.
const fewInstances = 20

// keepPrefix prepares the common part of all instances' units.
func (w *sourceShop) keepPrefix(ctx context.Context, all []*instance) error {
	if len(all) < fewInstances {
		return nil
	}
	own, err := w.KeepPrefix(ctx, "prefix", w.instanceArgs(&instance{path: "prefix.c"}))
	if err != nil {
		return err
	}
	module, err := w.KeepPrefix(ctx, "prefix-module", w.instanceArgs(&instance{path: "prefix.c", flags: []string{modular}}))
	if err != nil {
		return err
	}
	for _, in := range all {
		switch {
		case in.bent:
		case slices.Contains(in.flags, modular):
			in.prefix = module
		default:
			in.prefix = own
		}
	}
	return nil
}
