package table

import "errors"

// What can be wrong with rows that can be read; what cannot is layout.ErrDamaged.
var (
	// ErrCorrupt says that the tables do not fit each other.
	ErrCorrupt = errors.New("the cache is damaged")
	// ErrKernel says that a kernel's row does not fit what belongs to it.
	ErrKernel = errors.New("a stored kernel is damaged")
)
