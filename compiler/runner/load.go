package runner

import (
	"errors"
	"fmt"
	"slices"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/rlimit"
	"golang.org/x/sys/unix"

	"github.com/tpinfo/tpinfo/compiler/ir"
)

// loaded is an object in the kernel: maps and programs by name, and what of
// them is mapped into this process.
type loaded struct {
	*ebpf.Collection
	data *data
	ring *ring // nil when no program sends anything
}

// load creates the maps and takes the programs through the verifier.
func load(prog *ir.Program, spec *ebpf.CollectionSpec, opt *Options) (*loaded, error) {
	spec = spec.Copy()
	if err := fitRing(spec.Maps[ir.RingMap], opt.RingSize); err != nil {
		return nil, err
	}
	// Maps count against this limit before Linux 5.11. Where it cannot be
	// raised, creating a map says what the matter is.
	limitErr := rlimit.RemoveMemlock()
	arrays, err := createArrays(prog, spec)
	if err != nil {
		return nil, withLimit(err, limitErr)
	}
	defer closeMaps(arrays)
	options := ebpf.CollectionOptions{MapReplacements: arrays}
	l := &loaded{}
	if l.Collection, err = ebpf.NewCollectionWithOptions(spec, options); err != nil {
		return nil, withLimit(explainLoad(prog, spec, err, opt.Verbose), limitErr)
	}
	if err := l.open(); err != nil {
		return nil, errors.Join(err, l.close())
	}
	return l, nil
}

// withLimit adds that the limit of memory for maps could not be raised, where
// that may be the matter.
func withLimit(err, limitErr error) error {
	var lacks *lacksError
	if errors.As(err, &lacks) {
		return err
	}
	return errors.Join(err, limitErr)
}

func (l *loaded) open() (err error) {
	m := l.Maps[ir.DataMap]
	if m == nil {
		return errors.New("the object has programs and no section " + ir.DataMap)
	}
	if l.data, err = openData(m); err != nil {
		return err
	}
	if m := l.Maps[ir.RingMap]; m != nil {
		l.ring, err = openRing(m)
	}
	return err
}

func (l *loaded) close() error {
	var errs []error
	if l.ring != nil {
		errs = append(errs, l.ring.close())
	}
	if l.data != nil {
		errs = append(errs, l.data.close())
	}
	l.Collection.Close()
	return errors.Join(errs...)
}

// fitRing gives the ring buffer the size that this run wants.
func fitRing(m *ebpf.MapSpec, size int) error {
	if m == nil || size == 0 {
		return nil
	}
	if err := CheckRingSize(size); err != nil {
		return err
	}
	m.MaxEntries = uint32(size)
	return nil
}

// maxRing bounds a ring buffer, in bytes.
const maxRing = 1 << 30

// CheckRingSize says why no ring buffer of this machine has so many bytes.
func CheckRingSize(size int) error {
	page := unix.Getpagesize()
	if size < page || size&(size-1) != 0 || size > maxRing {
		return fmt.Errorf("a ring buffer of %d bytes: it takes a power of two from %d to %d", size, page, maxRing)
	}
	return nil
}

// createArrays creates the maps of the script's own arrays and aggregates one
// by one, so that an error can name the one that is too large.
func createArrays(prog *ir.Program, spec *ebpf.CollectionSpec) (map[string]*ebpf.Map, error) {
	maps := map[string]*ebpf.Map{}
	for i := range prog.Globals {
		g := &prog.Globals[i]
		s := spec.Maps[g.Name]
		if s == nil {
			continue
		}
		m, err := ebpf.NewMap(s)
		if err != nil {
			closeMaps(maps)
			return nil, explainArray(prog, g, s, err)
		}
		maps[g.Name] = m
	}
	return maps, nil
}

func closeMaps(maps map[string]*ebpf.Map) {
	for _, m := range maps {
		m.Close()
	}
}

var errNoSuchMap = errors.New("no map in the kernel is that large")

// maxOldKey is how large the keys of a hash may be where the kernel wants them
// to fit on a program's stack (MAX_BPF_STACK, include/linux/filter.h), as 5.10
// does and 6.1 does not.
const maxOldKey = 512

// explainArray says what an array would take, and what to do.
func explainArray(prog *ir.Program, g *ir.Global, s *ebpf.MapSpec, err error) error {
	where := fmt.Sprintf("%s:%d:%d: create the map of global %s", prog.Name, g.Line, g.Column, g.Name)
	permitted := withPrivileges(err)
	missing, _ := missingCapabilities()
	tooLarge := slices.ContainsFunc([]error{unix.ENOMEM, unix.E2BIG, unix.EPERM}, func(e error) bool { return errors.Is(err, e) })
	if !tooLarge || errors.Is(err, unix.EPERM) && len(missing) > 0 {
		return fmt.Errorf("%s: %w", where, permitted)
	}
	if errors.Is(err, unix.E2BIG) && s.KeySize > maxOldKey {
		return fmt.Errorf("%s: its keys take %d bytes, and this kernel has keys of at most %d; compile with a smaller --string-size", where, s.KeySize, maxOldKey)
	}
	size := uint64(s.KeySize) + uint64(s.ValueSize)
	copies := ""
	if perCPU(s.Type) {
		if cpus, cpuErr := ebpf.PossibleCPU(); cpuErr == nil {
			size = uint64(s.KeySize) + uint64(s.ValueSize)*uint64(cpus)
			copies = fmt.Sprintf(" on %d CPUs", cpus)
		}
	}
	if errors.Is(err, unix.E2BIG) {
		err = errNoSuchMap // the kernel's word is about arguments
	} else if errno := unix.Errno(0); errors.As(err, &errno) {
		err = errno // the loader's words on the way are about nothing of the script's
	}
	return fmt.Errorf("%s: %w: its %d elements take about %d MB%s; declare it smaller, as in \"global %s[%d]\"",
		where, err, s.MaxEntries, (size*uint64(s.MaxEntries)+1<<20-1)>>20, copies, g.Name, max(s.MaxEntries/16, 1))
}
