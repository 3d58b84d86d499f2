package runner

import (
	"errors"
	"fmt"
	"reflect"
	"unsafe"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
)

// firstBatch is how many elements are read at once at first; a hash bucket that
// has more makes it grow.
const firstBatch = 256

// readAll hands every element of a hash to each, which must not keep the bytes.
// The kernel reads bucket by bucket (BPF_MAP_LOOKUP_BATCH, Linux 5.6), so that,
// unlike with one key after another, no element is seen twice or left out since
// others come and go.
func readAll(m *ebpf.Map, each func(key, value []byte) error) error {
	cpus := 1
	if perCPU(m.Type()) {
		var err error
		if cpus, err = ebpf.PossibleCPU(); err != nil {
			return err
		}
	}
	keySize, valueSize := int(m.KeySize()), int(m.ValueSize())
	var cursor ebpf.MapBatchCursor
	for batch := firstBatch; ; {
		keys, values := cells(keySize, batch), cells(valueSize, batch*cpus)
		n, err := m.BatchLookup(&cursor, keys.Interface(), values.Interface(), nil)
		if errors.Is(err, unix.ENOSPC) && batch < int(m.MaxEntries()) {
			batch *= 4
			continue
		}
		if err != nil && !errors.Is(err, ebpf.ErrKeyNotExist) {
			return fmt.Errorf("read an array: %w", err)
		}
		keyBytes, valueBytes := cellBytes(keys, keySize), cellBytes(values, valueSize)
		for i := range n {
			if err := each(keyBytes[i*keySize:][:keySize], valueBytes[i*valueSize*cpus:][:valueSize*cpus]); err != nil {
				return err
			}
		}
		if err != nil {
			return nil // that was the last one
		}
	}
}

// cells makes a slice of n arrays of size bytes, which is how cilium's batch
// functions tell the size of an element.
func cells(size, n int) reflect.Value {
	return reflect.MakeSlice(reflect.SliceOf(reflect.ArrayOf(size, reflect.TypeFor[byte]())), n, n)
}

// cellBytes is the memory of cells of size bytes.
func cellBytes(cells reflect.Value, size int) []byte {
	return unsafe.Slice((*byte)(cells.UnsafePointer()), cells.Len()*size)
}
