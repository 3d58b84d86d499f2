package kpkg

import "errors"

// ErrIncomplete is the kind of an [archive.Error] of a file that is sound and
// lacks what a kernel needs of it.
var ErrIncomplete = errors.New("incomplete")
