package fleet

import (
	"context"

	"github.com/tpinfo/tpinfo"
)

// Store is where a run looks up what is known and keeps what it learned. Its
// errors end a run: what was kept before stays.
type Store interface {
	// BuiltFrom returns the id of the kernel built from what has this key, and
	// SameHeaders that of one built from headers with this digest
	// (tpinfo.Origin); "" when there is none.
	BuiltFrom(ctx context.Context, key string) (id string, err error)
	SameHeaders(ctx context.Context, digest string) (id string, err error)
	// FailureOf returns what the ledger has for a key, nil for nothing.
	FailureOf(ctx context.Context, key string) (*tpinfo.Failure, error)
	// Kept tells of a kernel that is there.
	Kept(ctx context.Context, id string) (Kept, error)

	// PutFrom stores a kernel, whole or not at all, and what it was built
	// from; the key's failure is forgotten. It returns how many layouts no
	// kernel had before.
	PutFrom(ctx context.Context, snap *tpinfo.Snapshot, origin tpinfo.Origin) (newLayouts int, err error)
	// AddAlias notes another release of a kernel that is there, and what that
	// one was built from.
	AddAlias(ctx context.Context, id string, as tpinfo.Kernel, origin tpinfo.Origin) error
	// Fail enters a failure into the ledger, in place of the key's last.
	Fail(ctx context.Context, f tpinfo.Failure) error
}

// Kept is what a store tells of a kernel without reading its layouts.
type Kept struct {
	Arch     string // the kernel's own word
	Compiler string // of its last extraction: "gcc 12.2.0"
	// Events and Types count what it has, Complete the events of which
	// nothing is unknown.
	Events, Complete, Types int
	Problems                []tpinfo.Problem
}
