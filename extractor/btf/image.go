package btf

import (
	"bytes"
	"compress/bzip2"
	"context"
	"debug/elf"
	"encoding/binary"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
	"github.com/therootcompany/xz"
	"github.com/ulikunitz/xz/lzma"
)

// kernelImage is what is inside a compressed kernel.
type kernelImage struct {
	release string // from the boot header; empty when it has none
	kernel  []byte // ELF, or the memory image of one
}

// packing is a compression that kernels use for themselves
// (scripts/Makefile.lib; magic numbers of scripts/extract-vmlinux).
type packing struct {
	name  string
	magic string
	open  func(io.Reader) (io.Reader, error)
}

var packings = []packing{
	{"gzip", "\x1f\x8b\x08", func(r io.Reader) (io.Reader, error) {
		z, err := gzip.NewReader(r)
		if err != nil {
			return nil, err
		}
		z.Multistream(false)
		return z, nil
	}},
	{"xz", "\xfd7zXZ\x00", func(r io.Reader) (io.Reader, error) {
		z, err := xz.NewReader(r, 128<<20)
		if err != nil {
			return nil, err
		}
		z.Multistream(false)
		return z, nil
	}},
	{"zstd", "\x28\xb5\x2f\xfd", func(r io.Reader) (io.Reader, error) {
		return zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxFile), zstd.WithDecoderMaxWindow(256<<20))
	}},
	{"lz4", "\x02\x21\x4c\x18", func(r io.Reader) (io.Reader, error) { return lz4.NewReader(r), nil }},
	{"lzma", "\x5d\x00\x00", func(r io.Reader) (io.Reader, error) { return lzma.ReaderConfig{DictCap: 128 << 20}.NewReader(r) }},
	{"bzip2", "BZh", func(r io.Reader) (io.Reader, error) { return bzip2.NewReader(r), nil }},
	{"lzo", "\x89LZO\x00\r\n", nil},
}

// unpack finds and unpacks the kernel inside an image: at the place that an
// x86 boot header gives, or else wherever something that unpacks to a kernel
// starts.
func unpack(ctx context.Context, data []byte, limit int64) (*kernelImage, error) {
	image := &kernelImage{}
	if payload, release, ok := bootHeader(data); ok {
		image.release = release
		for _, p := range packings {
			if bytes.HasPrefix(payload, []byte(p.magic)) {
				out, err := p.unpack(ctx, payload, limit, false)
				if err != nil {
					return nil, err
				}
				image.kernel = out
				return image, nil
			}
		}
		if bytes.HasPrefix(payload, []byte(elf.ELFMAG)) {
			image.kernel = payload
			return image, nil
		}
	}
	var tried []string
	bare := isS390(data)
	for _, p := range packings {
		// A magic number of three bytes also turns up by chance.
		for at, n := 0, 0; n < 16; n++ {
			i := bytes.Index(data[at:], []byte(p.magic))
			if i < 0 {
				break
			}
			out, err := p.unpack(ctx, data[at+i:], limit, bare)
			if err == nil {
				image.kernel = out
				return image, nil
			}
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			tried = append(tried, err.Error())
			at += i + 1
		}
	}
	if len(tried) > 0 {
		return nil, fmt.Errorf("%w: not raw BTF, ELF or a kernel image that unpacks (%s)", ErrNoBTF, strings.Join(tried[:min(len(tried), 3)], "; "))
	}
	return nil, fmt.Errorf("%w: not raw BTF, ELF or a kernel image", ErrNoBTF)
}

// unpack decompresses from the start of data to the end of the ELF file.
// Kernels put the unpacked size or nothing behind the stream, so what goes
// wrong after a whole ELF file does not matter. bare: it may also be a memory
// image without a header.
func (p packing) unpack(ctx context.Context, data []byte, limit int64, bare bool) (out []byte, err error) {
	if p.open == nil {
		return nil, fmt.Errorf("compressed with %s, which is not supported; give the unpacked vmlinux", p.name)
	}
	defer func() {
		if r := recover(); r != nil {
			out, err = nil, fmt.Errorf("%s: %v", p.name, r)
		}
	}()
	z, err := p.open(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", p.name, err)
	}
	if c, ok := z.(interface{ Close() }); ok {
		defer c.Close()
	}
	head := make([]byte, memoryHeader)
	if n, err := io.ReadFull(z, head); err != nil {
		head = head[:n]
	}
	whole := bytes.HasPrefix(head, []byte(elf.ELFMAG)) || isMemoryImage(head)
	if !whole && !bare {
		return nil, fmt.Errorf("%s: what is inside is no kernel", p.name)
	}
	buf := bytes.NewBuffer(head)
	_, err = io.Copy(buf, io.LimitReader(&cancelled{ctx, z}, limit))
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case int64(buf.Len()) >= limit:
		return nil, fmt.Errorf("%s: %w: over %d bytes unpacked", p.name, ErrTooBig, limit)
	case !whole && !banner.Match(buf.Bytes()):
		return nil, fmt.Errorf("%s: what is inside is no kernel", p.name)
	case err != nil && whole && !wholeELF(buf.Bytes()):
		return nil, fmt.Errorf("%s: %w", p.name, err)
	}
	return buf.Bytes(), nil
}

// Kernels of arm64 and RISC-V are booted as the image of their memory, with one
// of these in its header (Documentation/arch/arm64/booting.rst and
// riscv/boot-image-header.rst).
var memoryMagics = []string{"ARM\x64", "RSC\x05"}

const (
	memoryHeader = 64
	magicAt      = 56
	magicLength  = 4
)

func isMemoryImage(data []byte) bool {
	return len(data) >= memoryHeader && slices.Contains(memoryMagics, string(data[magicAt:magicAt+magicLength]))
}

// isS390 tells the boot image of an s390 kernel by the mark at its entry
// (arch/s390/boot/head.S). What is packed into it is the image of the kernel's
// memory, which nothing tells from other data.
func isS390(data []byte) bool {
	const entry = 0x10008
	return len(data) > entry && bytes.HasPrefix(data[entry:], []byte("S390EP"))
}

// wholeELF reports whether all sections of an ELF file are there.
func wholeELF(data []byte) bool {
	f, err := elf.NewFile(bytes.NewReader(data))
	if err != nil {
		return false
	}
	for _, s := range f.Sections {
		if s.Type != elf.SHT_NOBITS && s.Offset+s.FileSize > uint64(len(data)) {
			return false
		}
	}
	return true
}

// cancelled is a reader that ends with its context.
type cancelled struct {
	ctx context.Context
	r   io.Reader
}

func (c *cancelled) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}

// bootHeader reads the header of an x86 bzImage
// (Documentation/arch/x86/boot.rst, protocol 2.08): where the payload is and
// what release it holds.
func bootHeader(data []byte) (payload []byte, release string, ok bool) {
	const sector = 512
	if len(data) < 0x250 || string(data[0x202:0x206]) != "HdrS" {
		return nil, "", false
	}
	if binary.LittleEndian.Uint16(data[0x206:]) < 0x0208 {
		return nil, "", false
	}
	sectors := uint64(data[0x1f1])
	if sectors == 0 {
		sectors = 4
	}
	start := (sectors+1)*sector + uint64(binary.LittleEndian.Uint32(data[0x248:]))
	length := uint64(binary.LittleEndian.Uint32(data[0x24c:]))
	if start > uint64(len(data)) || length > uint64(len(data))-start {
		return nil, "", false
	}
	if at := uint64(binary.LittleEndian.Uint16(data[0x20e:])) + sector; at > sector && at < uint64(len(data)) {
		text := data[at:min(at+256, uint64(len(data)))]
		if end := bytes.IndexAny(text, " \x00"); end > 0 {
			release = string(text[:end])
		}
	}
	return data[start : start+length], release, true
}
