package eval

import (
	"errors"
	"fmt"

	"github.com/tpinfo/tpinfo/compiler/ir"
	"github.com/tpinfo/tpinfo/compiler/runner/render"
)

// Value is a Long or a String.
type Value = render.Value

// Long makes a number.
func Long(n int64) Value { return Value{Int: n, Type: ir.Long} }

// Text makes a string.
func Text(s string) Value { return Value{Str: s, Type: ir.String} }

// Entry is an element of an array: its keys and its value, or what its
// aggregate holds.
type Entry struct {
	Keys  []Value
	Value Value
	Stat  *Stat
}

// Store is where a program's globals live: the maps of a loaded object, or this
// process's memory in tests. A global is named by its index; keys have the
// types that the global says, strings cut to their key's size. It may be used
// while probes run in the kernel; methods are not called concurrently.
type Store interface {
	// Get returns a scalar, whose keys are nil, or an element; a missing one
	// is the zero Value with found false.
	Get(global int, keys []Value) (v Value, found bool, err error)
	// Set stores; a *FullError when an array has no place.
	Set(global int, keys []Value, v Value) error
	// Add adds to a Long, atomically for a scalar, and returns the new value.
	Add(global int, keys []Value, delta int64) (int64, error)
	// Delete takes an element out, no error when it is not there; of a scalar
	// it stores 0, "" or an empty aggregate.
	Delete(global int, keys []Value) error
	// Clear empties an array.
	Clear(global int) error
	// All returns an array's elements as they are now, in no order.
	All(global int) ([]Entry, error)
	// Stat reads an aggregate; nil when nothing was added.
	Stat(global int, keys []Value) (*Stat, error)
	// AddStat adds a value to an aggregate.
	AddStat(global int, keys []Value, n int64) error
}

// FullError says that an array has no place for another element.
type FullError struct {
	Name string
	Max  int
}

func (e *FullError) Error() string {
	return fmt.Sprintf("array %s is full: it has %d elements; declare it larger, as in \"global %s[%d]\"", e.Name, e.Max, e.Name, e.Max*4)
}

// ErrExit is what Run returns when the handler called exit().
var ErrExit = errors.New("exit")
