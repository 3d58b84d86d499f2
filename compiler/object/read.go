package object

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/cilium/ebpf"

	"github.com/tpinfo/tpinfo/compiler/ir"
)

// MaxFile is the size in bytes that Read accepts at most.
const MaxFile = 256 << 20

// File is an object that was read: what user space and the kernel need.
type File struct {
	// Order is the byte order of the target.
	Order binary.ByteOrder
	// Script has no bodies of kernel-side probes; it is valid, see
	// ir.Program.Validate.
	Script *ir.Program
	// Spec has the programs by the names that Script's probes have for them,
	// the maps by the names of Script's globals and of ir's control.go, with
	// the sizes that these say. It can be changed before it is loaded.
	Spec *ebpf.CollectionSpec
}

// Read reads an object that Object.Write wrote. It needs no kernel. Whatever
// data is, Read returns; its memory is bounded by the size of data and the
// constants of this package. The error says what is wrong with the file.
func Read(data []byte) (*File, error) {
	if len(data) > MaxFile {
		return nil, fmt.Errorf("%d bytes: an object has at most %d", len(data), MaxFile)
	}
	f, err := readELF(data)
	if err != nil {
		return nil, err
	}
	s := f.section(scriptName)
	if s == nil {
		return nil, errors.New("no section .tpinfo: an eBPF object, but not one of tpinfo's; load it with bpftool")
	}
	script, err := readScript(s.data, f.order)
	if err != nil {
		return nil, fmt.Errorf("section %s: %w", scriptName, err)
	}
	spec, err := loadSpec(data)
	if err != nil {
		return nil, fmt.Errorf("damaged: %w", err)
	}
	file := &File{Order: f.order, Script: script, Spec: spec}
	if err := file.agree(); err != nil {
		return nil, fmt.Errorf("damaged: %w", err)
	}
	return file, nil
}

// loadSpec has cilium's loader read what the kernel gets. A panic in it, on a
// file made to that end, is an error like any other.
func loadSpec(data []byte) (spec *ebpf.CollectionSpec, err error) {
	defer func() {
		if r := recover(); r != nil {
			spec, err = nil, fmt.Errorf("the programs cannot be read: %v", r)
		}
	}()
	return ebpf.LoadCollectionSpecFromReader(bytes.NewReader(data))
}
