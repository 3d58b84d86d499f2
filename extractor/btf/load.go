package btf

import (
	"bytes"
	"context"
	"crypto/sha256"
	"debug/elf"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"

	cbtf "github.com/cilium/ebpf/btf"

	"github.com/tpinfo/tpinfo"
)

// Spec is the type information of one kernel: of its image, and of modules
// where they were at hand.
type Spec struct {
	path     string
	parts    []part // the image first
	order    tpinfo.ByteOrder
	wordSize int
	release  string
	digest   string
	problems []tpinfo.Problem
}

// part is one blob: the image's, or a module's that builds on it.
type part struct {
	name string // "vmlinux" or the module's
	spec *cbtf.Spec
	end  cbtf.TypeID // behind the last of its types
}

// The ways a file can be unfit; they are wrapped with the particulars.
var (
	ErrNoBTF   = errors.New("no BTF in it")
	ErrDamaged = errors.New("damaged BTF")
	ErrTooBig  = errors.New("larger than anything a kernel has")
)

// maxFile bounds a file, and what is unpacked from it.
const maxFile = 768 << 20

// rawMagic starts raw BTF, in the byte order of its machine
// (include/uapi/linux/btf.h).
const rawMagic = 0xeB9F

// Load reads raw BTF, an ELF file with a .BTF section, or a kernel image.
func Load(ctx context.Context, path string) (*Spec, error) {
	data, err := readFile(path, maxFile)
	if err != nil {
		return nil, fmt.Errorf("BTF file: %w", err)
	}
	s, err := Parse(ctx, data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	s.path = path
	return s, nil
}

// Digest is the Digest that Load would give, without decoding.
func Digest(ctx context.Context, path string) (string, error) {
	data, err := readFile(path, maxFile)
	if err != nil {
		return "", fmt.Errorf("BTF file: %w", err)
	}
	raw, err := (&Spec{}).find(ctx, data)
	if err != nil {
		return "", fmt.Errorf("%s: %w", path, err)
	}
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:]), nil
}

// Parse is Load for what was already read.
func Parse(ctx context.Context, data []byte) (*Spec, error) {
	s := &Spec{}
	raw, err := s.find(ctx, data)
	if err != nil {
		return nil, err
	}
	image, err := parse("vmlinux", raw, nil)
	if err != nil {
		return nil, err
	}
	s.parts = []part{image}
	sum := sha256.Sum256(raw)
	s.digest = hex.EncodeToString(sum[:])
	s.describe(raw)
	return s, nil
}

// find gets the raw BTF out of data, whatever it is.
func (s *Spec) find(ctx context.Context, data []byte) ([]byte, error) {
	switch {
	case isRaw(data):
		return data, nil
	case bytes.HasPrefix(data, []byte(elf.ELFMAG)):
		return s.fromELF(data)
	}
	if isMemoryImage(data) {
		return s.fromMemory(data)
	}
	image, err := unpack(ctx, data, maxFile)
	if err != nil {
		return nil, err
	}
	s.release = image.release
	if bytes.HasPrefix(image.kernel, []byte(elf.ELFMAG)) {
		return s.fromELF(image.kernel)
	}
	return s.fromMemory(image.kernel)
}

// header starts struct btf_header (include/uapi/linux/btf.h): magic, version,
// flags and the length of the header itself.
func header(order binary.AppendByteOrder) []byte {
	return order.AppendUint32(append(order.AppendUint16(nil, rawMagic), 1, 0), headerLength)
}

const headerLength = 24

// fromMemory finds BTF in the image of a kernel's memory, where nothing but
// its header says where it lies.
func (s *Spec) fromMemory(data []byte) ([]byte, error) {
	if m := banner.FindSubmatch(data); m != nil {
		s.release = string(m[1])
	}
	for _, order := range []interface {
		binary.ByteOrder
		binary.AppendByteOrder
	}{binary.LittleEndian, binary.BigEndian} {
		for rest := data; ; rest = rest[1:] {
			i := bytes.Index(rest, header(order))
			if i < 0 || len(rest)-i < headerLength {
				break
			}
			rest = rest[i:]
			field := func(n int) uint64 { return uint64(order.Uint32(rest[8+4*n:])) }
			typeOffset, typeLength, textOffset, textLength := field(0), field(1), field(2), field(3)
			end := headerLength + textOffset + textLength
			// Types come first, texts right behind them, the empty text first.
			if typeOffset == 0 && textOffset == typeLength && typeLength > 0 && textLength > 0 && end <= uint64(len(rest)) && rest[headerLength+textOffset] == 0 {
				return rest[:end], nil
			}
		}
	}
	return nil, fmt.Errorf("%w: a kernel image without it; the kernel was built without CONFIG_DEBUG_INFO_BTF", ErrNoBTF)
}

func isRaw(data []byte) bool {
	return len(data) >= 24 && (binary.LittleEndian.Uint16(data) == rawMagic || binary.BigEndian.Uint16(data) == rawMagic)
}

var banner = regexp.MustCompile(`Linux version (\S+) \(`)

func (s *Spec) fromELF(data []byte) (raw []byte, err error) {
	// debug/elf is not safe against every damage.
	defer func() {
		if r := recover(); r != nil {
			raw, err = nil, fmt.Errorf("%w: %v", ErrDamaged, r)
		}
	}()
	f, err := elf.NewFile(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	defer f.Close()
	section := f.Section(".BTF")
	if section == nil {
		return nil, fmt.Errorf("%w: an ELF file without a .BTF section; the kernel was built without CONFIG_DEBUG_INFO_BTF", ErrNoBTF)
	}
	if section.Size > maxFile {
		return nil, fmt.Errorf("%w: .BTF of %d bytes", ErrTooBig, section.Size)
	}
	s.wordSize = 8
	if f.Class == elf.ELFCLASS32 {
		s.wordSize = 4
	}
	if s.release == "" {
		if m := banner.FindSubmatch(data); m != nil {
			s.release = string(m[1])
		}
	}
	if raw, err = section.Data(); err != nil {
		return nil, fmt.Errorf("%w: section .BTF: %w", ErrDamaged, err)
	}
	return raw, nil
}

// parse decodes one blob; base is the image's for a module's.
func parse(name string, raw []byte, base *part) (p part, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%w: %v", ErrDamaged, r)
		}
	}()
	p.name = name
	if !isRaw(raw) {
		return p, fmt.Errorf("%w: it does not start with BTF's magic number", ErrDamaged)
	}
	first := cbtf.TypeID(1) // 0 is void
	if base == nil {
		p.spec, err = cbtf.LoadSpecFromReader(bytes.NewReader(raw))
	} else {
		first = base.end
		p.spec, err = cbtf.LoadSplitSpecFromReader(bytes.NewReader(raw), base.spec)
	}
	if err != nil {
		return p, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	p.end, err = decode(p.spec, raw, first)
	return p, err
}

// describe notes what the first blob tells of its machine. The size of a long
// is that of the word.
func (s *Spec) describe(raw []byte) {
	s.order = tpinfo.LittleEndian
	if binary.BigEndian.Uint16(raw) == rawMagic {
		s.order = tpinfo.BigEndian
	}
	if s.wordSize == 0 {
		s.wordSize = 8
		var long *cbtf.Int
		for _, name := range []string{"long unsigned int", "unsigned long"} {
			if s.parts[0].spec.TypeByName(name, &long) == nil {
				s.wordSize = int(long.Size)
				break
			}
		}
	}
}

// Path is the file or folder that was read.
func (s *Spec) Path() string { return s.path }

// ByteOrder of the kernel.
func (s *Spec) ByteOrder() tpinfo.ByteOrder { return s.order }

// WordSize is the size of a long and of a pointer in bytes.
func (s *Spec) WordSize() int { return s.wordSize }

// Release is the kernel's release name where the file tells it, else empty:
// raw BTF never does.
func (s *Spec) Release() string { return s.release }

// Digest of everything that was read, in hexadecimal.
func (s *Spec) Digest() string { return s.digest }

// Problems are inputs that were left out.
func (s *Spec) Problems() []tpinfo.Problem { return s.problems }

// Image is the same without the modules.
func (s *Spec) Image() *Spec {
	own := *s
	own.parts = s.parts[:1:1]
	return &own
}

// Modules names the modules that are part of it, sorted.
func (s *Spec) Modules() []string {
	var names []string
	for _, p := range s.parts[1:] {
		names = append(names, p.name)
	}
	return names
}

// readFile reads a file that may not tell its size, as those of sysfs.
func readFile(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if st, err := f.Stat(); err != nil {
		return nil, err
	} else if !st.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file", path)
	} else if st.Size() > limit {
		return nil, fmt.Errorf("%s: %w: %d bytes", path, ErrTooBig, st.Size())
	}
	data, err := io.ReadAll(io.LimitReader(f, limit))
	if err != nil {
		return nil, err
	}
	return data, nil
}
