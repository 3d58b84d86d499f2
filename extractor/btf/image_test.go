package btf

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
	"github.com/ulikunitz/xz"
	"github.com/ulikunitz/xz/lzma"
)

// packers compress as the kernel's build does.
var packers = map[string]func(t *testing.T, data []byte) []byte{
	"gzip": func(t *testing.T, data []byte) []byte {
		var out bytes.Buffer
		return packWith(t, gzip.NewWriter(&out), &out, data)
	},
	"xz": func(t *testing.T, data []byte) []byte {
		var out bytes.Buffer
		w, err := xz.WriterConfig{CheckSum: xz.CRC32}.NewWriter(&out)
		if err != nil {
			t.Fatal(err)
		}
		return packWith(t, w, &out, data)
	},
	"zstd": func(t *testing.T, data []byte) []byte {
		var out bytes.Buffer
		w, err := zstd.NewWriter(&out)
		if err != nil {
			t.Fatal(err)
		}
		return packWith(t, w, &out, data)
	},
	"lz4": func(t *testing.T, data []byte) []byte {
		var out bytes.Buffer
		w := lz4.NewWriter(&out)
		if err := w.Apply(lz4.LegacyOption(true)); err != nil {
			t.Fatal(err)
		}
		return packWith(t, w, &out, data)
	},
	"lzma": func(t *testing.T, data []byte) []byte {
		var out bytes.Buffer
		w, err := lzma.WriterConfig{DictCap: 1 << 20}.NewWriter(&out)
		if err != nil {
			t.Fatal(err)
		}
		return packWith(t, w, &out, data)
	},
	"nothing": func(_ *testing.T, data []byte) []byte { return data },
}

func packWith(t *testing.T, w io.WriteCloser, out *bytes.Buffer, data []byte) []byte {
	t.Helper()
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

const sampleRelease = "6.1.0-9-tiny"

func TestImages(t *testing.T) {
	ctx := context.Background()
	vmlinux := elfWith(".BTF", sampleBTF(t), "Linux version "+sampleRelease+" (builder@host)\x00")
	want, err := Parse(ctx, vmlinux)
	if err != nil {
		t.Fatal(err)
	}
	if want.Release() != sampleRelease {
		t.Errorf("vmlinux is of %q", want.Release())
	}
	raw, err := Parse(ctx, sampleBTF(t))
	if err != nil || raw.Digest() != want.Digest() {
		t.Errorf("raw BTF and the same in an ELF file have two digests (%v)", err)
	}
	for name, pack := range packers {
		t.Run(name, func(t *testing.T) {
			packed := pack(t, vmlinux)
			for kind, data := range map[string][]byte{
				// The kernel's build puts the unpacked size behind the stream.
				"bzImage":       bzImage(append(bytes.Clone(packed), 1, 2, 3, 4), sampleRelease),
				"somewhere":     append(append(bytes.Repeat([]byte("loader "), 999), packed...), 0, 0, 1, 0),
				"by itself":     packed,
				"with no magic": append([]byte("x"), packed...),
			} {
				if name == "nothing" && kind != "bzImage" && kind != "by itself" {
					continue // nothing says where it is
				}
				spec, err := Parse(ctx, data)
				if err != nil {
					t.Errorf("%s: %v", kind, err)
					continue
				}
				if spec.Digest() != want.Digest() || spec.Release() != sampleRelease {
					t.Errorf("%s: digest %.8s, release %q", kind, spec.Digest(), spec.Release())
				}
			}
			// Cut short: an error, not half a kernel.
			if name == "nothing" {
				return
			}
			if _, err := Parse(ctx, bzImage(packed[:len(packed)/2], sampleRelease)); err == nil {
				t.Error("half an image is read")
			}
		})
	}
}

// What arm64, RISC-V and s390 boot: the image of the kernel's memory, plain or
// packed, with the BTF somewhere inside, and things before it that only start
// like one.
func TestMemoryImages(t *testing.T) {
	ctx := context.Background()
	for _, order := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
		raw := sampleIn(t, order)
		want, err := Parse(ctx, raw)
		if err != nil {
			t.Fatal(err)
		}
		image := func(magic string) []byte {
			data := make([]byte, 4096)
			copy(data[magicAt:], magic)
			data = append(data, "Linux version "+sampleRelease+" (builder@host)\x00"...)
			data = append(data, header(binary.LittleEndian)...)
			data = append(data, header(binary.BigEndian)...)
			data = append(data, bytes.Repeat([]byte{0xff}, 100)...)
			return append(append(data, raw...), make([]byte, 999)...)
		}
		arm64 := image(memoryMagics[0])
		s390 := append(make([]byte, 0x10008), "S390EP"...)
		for name, data := range map[string][]byte{
			"plain":    arm64,
			"gzip":     packers["gzip"](t, arm64),
			"in a PE":  append([]byte("MZ\x00\x00zimg and a program to unpack it"), packers["zstd"](t, arm64)...),
			"lzma too": packers["lzma"](t, arm64),
			"RISC-V":   image(memoryMagics[1]),
			"s390":     append(append(s390, packers["gzip"](t, []byte("a boot loader's own"))...), packers["zstd"](t, image(""))...),
		} {
			spec, err := Parse(ctx, data)
			if err != nil {
				t.Errorf("%s: %v", name, err)
			} else if spec.Digest() != want.Digest() || spec.Release() != sampleRelease || spec.ByteOrder() != want.ByteOrder() {
				t.Errorf("%s: digest %.8s, release %q, %s", name, spec.Digest(), spec.Release(), spec.ByteOrder())
			}
		}
		bare, _, _ := bytes.Cut(arm64, raw)
		if _, err := Parse(ctx, bare); !errors.Is(err, ErrNoBTF) {
			t.Errorf("an image without BTF: %v", err)
		}
	}
}

// What is no BTF is an error that says what it is.
func TestUnfit(t *testing.T) {
	ctx := context.Background()
	good := sampleBTF(t)
	for _, test := range []struct {
		name string
		data []byte
		want error
		says string
	}{
		{"nothing", nil, ErrNoBTF, "not raw BTF, ELF or a kernel image"},
		{"text", []byte("hello, this is text"), ErrNoBTF, "not raw BTF, ELF or a kernel image"},
		{"an ELF file without it", elfWith(".text", []byte("code"), ""), ErrNoBTF, "CONFIG_DEBUG_INFO_BTF"},
		{"half an ELF file", elfWith(".BTF", good, "")[:200], ErrDamaged, ""},
		{"an empty section", elfWith(".BTF", nil, ""), ErrDamaged, "magic"},
		{"half of it", good[:len(good)/2], ErrDamaged, ""},
		{"only its header", good[:24], ErrDamaged, ""},
		{"lzo", bzImage([]byte("\x89LZO\x00\r\n\x1a\n more"), "6.1.0"), nil, "lzo, which is not supported; give the unpacked vmlinux"},
		{"gzip of something else", bzImage(packers["gzip"](t, []byte("not a kernel at all")), "6.1.0"), nil, "what is inside is no kernel"},
		{"a boot header beyond its end", bzImage(nil, "6.1.0")[:0x260], ErrNoBTF, ""},
	} {
		_, err := Parse(ctx, test.data)
		if err == nil || test.want != nil && !errors.Is(err, test.want) || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: %v, want %v that says %q", test.name, err, test.want, test.says)
		}
		if err != nil && strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: more than a line: %q", test.name, err)
		}
	}
	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	vmlinux := elfWith(".BTF", good, strings.Repeat("x", 1<<20))
	if _, err := Parse(cancelled, bzImage(packers["gzip"](t, vmlinux), "6.1.0")); !errors.Is(err, context.Canceled) {
		t.Errorf("a context that has ended: %v", err)
	}
}

// A stream that unpacks to more than any kernel is given up at the limit.
func TestBomb(t *testing.T) {
	data := append([]byte("\x7fELF"), make([]byte, 8<<20)...)
	for name, pack := range packers {
		if name == "nothing" {
			continue
		}
		if _, err := unpack(context.Background(), pack(t, data), 1<<20); err == nil {
			t.Errorf("%s: 8 MiB come out of a limit of one", name)
		}
	}
}

// Damage in any place is an error or harmless, never a panic.
func TestDamage(t *testing.T) {
	good := sampleBTF(t)
	for n := range good {
		bad := bytes.Clone(good)
		bad[n] ^= 0xff
		read(t, bad)
		read(t, good[:n])
	}
}

// read asks for all that a Spec can tell.
func read(t *testing.T, data []byte) {
	t.Helper()
	spec, err := Parse(context.Background(), data)
	if err != nil {
		return
	}
	if tp, err := spec.Tracepoints(); err == nil {
		for i := range tp.Events {
			for _, a := range tp.Events[i].Args {
				if a.Type == "" {
					t.Fatalf("%s: an argument without a type", tp.Events[i].Name)
				}
			}
		}
	}
	if types, err := spec.Types(); err == nil {
		for i := range types {
			if types[i].Name == "" {
				t.Fatalf("a type without a name: %+v", types[i])
			}
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(sampleBTF(f))
	f.Fuzz(func(t *testing.T, data []byte) { read(t, data) })
}

func FuzzUnpack(f *testing.F) {
	t := &testing.T{}
	for _, name := range []string{"gzip", "xz", "zstd", "lz4", "lzma"} {
		f.Add(bzImage(packers[name](t, []byte("\x7fELF and so on")), sampleRelease))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		image, err := unpack(t.Context(), data, 1<<20)
		if err == nil && (len(image.kernel) > 1<<20 || !bytes.HasPrefix(image.kernel, []byte("\x7fELF")) && !isMemoryImage(image.kernel)) {
			t.Fatalf("%d bytes that are no ELF file", len(image.kernel))
		}
	})
}

// The running kernel: its image, its modules, and what cannot be read of them.
func TestRunning(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	btf := filepath.Join(dir, "kernel", "btf")
	if _, err := Running(ctx, dir); err == nil || !strings.Contains(err.Error(), "CONFIG_DEBUG_INFO_BTF") {
		t.Errorf("a kernel without BTF: %v", err)
	}
	if err := os.MkdirAll(btf, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{"vmlinux": sampleBTF(t), "broken": []byte("broken")} {
		if err := os.WriteFile(filepath.Join(btf, name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	spec, err := Running(ctx, dir)
	if err != nil {
		t.Fatal(err)
	}
	if p := spec.Problems(); len(p) != 1 || p[0].Subject != "broken" {
		t.Errorf("problems %v, want one about the broken module", p)
	}
	if tp, err := spec.Tracepoints(); err != nil || len(tp.Events) != 2 {
		t.Errorf("the image's events: %v", err)
	}
	if len(spec.Modules()) != 0 {
		t.Errorf("modules %v", spec.Modules())
	}
}
