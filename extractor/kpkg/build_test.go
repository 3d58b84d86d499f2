package kpkg

import (
	"archive/tar"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/blakesmith/ar"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"
)

// file is an entry of a package that a test builds. The zero kind is a file.
type file struct {
	name   string
	text   string
	link   string // target of a symbolic link
	header *tar.Header
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// tarOf writes a tar; folders are made where dpkg-deb would have them.
func tarOf(t testing.TB, files ...file) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	made := map[string]bool{}
	for _, f := range files {
		h := &tar.Header{Name: f.name, Mode: 0o644, Size: int64(len(f.text)), Typeflag: tar.TypeReg}
		switch {
		case f.header != nil:
			h = f.header
		case f.link != "":
			h.Typeflag, h.Linkname = tar.TypeSymlink, f.link
		case strings.HasSuffix(f.name, "/"):
			h.Typeflag, h.Mode = tar.TypeDir, 0o755
		}
		if dir := filepath.Dir(f.name); strings.HasPrefix(f.name, "./") && dir != "." && !made[dir] {
			made[dir] = true
			must(t, w.WriteHeader(&tar.Header{Name: dir + "/", Mode: 0o755, Typeflag: tar.TypeDir}))
		}
		must(t, w.WriteHeader(h))
		_, err := io.WriteString(w, f.text)
		must(t, err)
	}
	must(t, w.Close())
	return b.Bytes()
}

// pack compresses with what a name ends in.
func pack(t testing.TB, name string, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	var w io.WriteCloser
	var err error
	switch filepath.Ext(name) {
	case ".gz":
		w = gzip.NewWriter(&b)
	case ".xz":
		w, err = xz.NewWriter(&b)
	case ".zst":
		w, err = zstd.NewWriter(&b)
	default:
		return data
	}
	must(t, err)
	_, err = w.Write(data)
	must(t, err)
	must(t, w.Close())
	return b.Bytes()
}

// member is one of an ar archive.
type member struct {
	name string
	data []byte
}

func arOf(t testing.TB, members ...member) []byte {
	t.Helper()
	var b bytes.Buffer
	w := ar.NewWriter(&b)
	must(t, w.WriteGlobalHeader())
	for _, m := range members {
		must(t, w.WriteHeader(&ar.Header{Name: m.name, Mode: 0o100644, Size: int64(len(m.data))}))
		_, err := w.Write(m.data)
		must(t, err)
	}
	return b.Bytes()
}

// debOf makes a .deb whose members are packed as packing says (".xz").
func debOf(t testing.TB, control, packing string, files ...file) []byte {
	t.Helper()
	return arOf(t,
		member{"debian-binary", []byte("2.0\n")},
		member{"control.tar" + packing, pack(t, packing, tarOf(t, file{name: "./control", text: control}))},
		member{"data.tar" + packing, pack(t, packing, tarOf(t, files...))})
}

// control makes a control file.
func control(name, version, arch, depends string) string {
	text := fmt.Sprintf("Package: %s\nSource: linux\nVersion: %s\nArchitecture: %s\n", name, version, arch)
	if depends != "" {
		text += "Depends: " + depends + "\n"
	}
	return text + "Description: a package of a test\n that is described on\n two lines\n"
}

func write(t testing.TB, path string, data []byte) string {
	t.Helper()
	must(t, os.MkdirAll(filepath.Dir(path), 0o755))
	must(t, os.WriteFile(path, data, 0o644))
	return path
}

// The tiny kernel that tests make packages of.
const (
	tinyRelease = "6.1.0-9-amd64"
	tinyVersion = "6.1.99-1"
	flavourDir  = "./usr/src/linux-headers-6.1.0-9-amd64/"
	commonDir   = "./usr/src/linux-headers-6.1.0-9-common/"
)

// configured are the generated files of a build tree.
func configured(dir, release string) []file {
	return []file{
		{name: dir + ".config", text: "CONFIG_X86_64=y\n"},
		{name: dir + "Module.symvers", text: "0x0 symbol vmlinux EXPORT_SYMBOL\n"},
		{name: dir + "include/config/auto.conf", text: "CONFIG_X86_64=y\nCONFIG_BUILD_SALT=\"" + release + "\"\n"},
		{name: dir + "include/config/X86_64", text: ""},
		{name: dir + "include/generated/autoconf.h", text: "#define CONFIG_X86_64 1\n#define CONFIG_BUILD_SALT \"" + release + "\"\n"},
		{name: dir + "include/generated/compile.h", text: "#define UTS_MACHINE \"x86_64\" /* " + release + " */\n"},
		{name: dir + "include/generated/rustc_cfg", text: "--cfg=CONFIG_BUILD_SALT=\"" + release + "\"\n"},
		{name: dir + "include/generated/uapi/linux/version.h", text: "#define LINUX_VERSION_CODE 393571\n#define LINUX_VERSION_SUBLEVEL 99\n"},
		{name: dir + "include/generated/utsrelease.h", text: "#define UTS_RELEASE \"" + release + "\"\n"},
	}
}

// plain are headers of the kernel's source.
func plain(dir string) []file {
	return []file{
		{name: dir + "Makefile", text: "VERSION = 6\nPATCHLEVEL = 1\nSUBLEVEL = 99\nEXTRAVERSION =\n"},
		{name: dir + "arch/arm64/include/asm/page.h", text: "/* arm64 */\n"},
		{name: dir + "arch/x86/Makefile", text: "# x86\n"},
		{name: dir + "arch/x86/include/asm/page.h", text: "/* x86 */\n"},
		{name: dir + "arch/x86/kvm/mmu.h", text: "/* private */\n"},
		{name: dir + "include/linux/tracepoint.h", text: "/* tracepoints */\n"},
		{name: dir + "include/dt-bindings/codes.h", link: "../linux/tracepoint.h"},
		{name: dir + "scripts", link: "../../lib/linux-kbuild-6.1/scripts"},
	}
}

func flavourFiles() []file {
	files := []file{{name: flavourDir + "Makefile", text: "include /usr/src/linux-headers-6.1.0-9-common/Makefile\n"}}
	files = append(files, configured(flavourDir, tinyRelease)...)
	return append(files,
		file{name: "./lib/modules/6.1.0-9-amd64/build", link: "/usr/src/linux-headers-6.1.0-9-amd64"},
		file{name: flavourDir + "scripts", link: "../../lib/linux-kbuild-6.1/scripts"})
}

func flavourDeb(t testing.TB, packing string) []byte {
	t.Helper()
	return debOf(t, control("linux-headers-6.1.0-9-amd64", tinyVersion, "amd64",
		"linux-headers-6.1.0-9-common (= 6.1.99-1), linux-kbuild-6.1 (>= 6.1.99-1), gcc-12 | gcc"), packing, flavourFiles()...)
}

func commonDeb(t testing.TB, packing string) []byte {
	t.Helper()
	return debOf(t, control("linux-headers-6.1.0-9-common", tinyVersion, "all", ""), packing, plain(commonDir)...)
}

func imageDeb(t testing.TB, packing string) []byte {
	t.Helper()
	return debOf(t, control("linux-image-6.1.0-9-amd64", tinyVersion, "amd64", "kmod, linux-base (>= 4.3~)"), packing,
		file{name: "./boot/System.map-6.1.0-9-amd64", text: "map"},
		file{name: "./boot/vmlinuz-6.1.0-9-amd64", text: "the kernel"},
		file{name: "./lib/modules/6.1.0-9-amd64/kernel/x.ko", text: "a module"})
}

func sourceFiles(dir string) []file {
	return []file{
		{name: dir + "Documentation/conf.c", text: "not kept"},
		{name: dir + "Makefile", text: "# SPDX\nVERSION = 6\nPATCHLEVEL = 1\nSUBLEVEL = 99\nEXTRAVERSION =\nNAME = x\n"},
		{name: dir + "README", text: "not kept"},
		{name: dir + "arch/x86/entry/syscalls/syscall_64.tbl", text: "0 common read sys_read\n"},
		{name: dir + "fs/ext4/Makefile", text: "obj-y += super.o\n"},
		{name: dir + "fs/ext4/super.c", text: "#define CREATE_TRACE_POINTS\n"},
		{name: dir + "fs/ext4/inode.c", text: "not kept"},
		{name: dir + "include/linux/tracepoint.h", text: "/* tracepoints */\n"},
		{name: dir + "init/Kconfig", text: "not kept"},
		{name: dir + "init/main.c", text: "int main;\n"},
		{name: dir + "kernel/fork.S", text: "not kept"},
		{name: dir + "tools/x.c", text: "not kept"},
	}
}

func sourceDeb(t testing.TB) []byte {
	t.Helper()
	inner := pack(t, ".xz", tarOf(t, sourceFiles("linux-source-6.1/")...))
	return debOf(t, control("linux-source-6.1", tinyVersion, "all", ""), ".xz",
		file{name: "./usr/share/doc/linux-source-6.1/copyright", text: "c"},
		file{name: "./usr/src/linux-patch-6.1-rt.patch.xz", text: "p"},
		file{name: "./usr/src/linux-source-6.1.tar.xz", text: string(inner)})
}

// rpm is an RPM that a test builds.
type rpm struct {
	name, version, release, arch string
	requires                     [][2]string // name, exact version
	files                        []file      // with names as in a .deb
	format                       string      // of the payload's entries: cpioNew by default
	packing                      string
	source                       bool
}

// rpmTag is one value of a header.
type rpmTag struct {
	tag, kind, count uint32
	data             []byte
}

func texts(all ...string) []byte { return []byte(strings.Join(all, "\x00") + "\x00") }

func numbers[T uint16 | uint32](all ...T) []byte {
	var b bytes.Buffer
	if err := binary.Write(&b, binary.BigEndian, all); err != nil {
		panic(err)
	}
	return b.Bytes()
}

func rpmHeaderOf(tags []rpmTag, padded bool) []byte {
	var index, data bytes.Buffer
	for _, tag := range tags {
		for data.Len()%4 != 0 {
			data.WriteByte(0)
		}
		index.Write(numbers(tag.tag, tag.kind, uint32(data.Len()), tag.count))
		data.Write(tag.data)
	}
	out := append([]byte(rpmHeaderMagic), 0, 0, 0, 0)
	out = append(out, numbers(uint32(len(tags)), uint32(data.Len()))...)
	out = append(out, index.Bytes()...)
	out = append(out, data.Bytes()...)
	for padded && len(out)%8 != 0 {
		out = append(out, 0)
	}
	return out
}

// cpioOf writes a payload; files are in the order of the header's.
func cpioOf(format string, files []file) []byte {
	var b bytes.Buffer
	align := func() {
		for b.Len()%4 != 0 {
			b.WriteByte(0)
		}
	}
	entry := func(i int, name string, mode uint32, text string) {
		if format == cpioStripped {
			fmt.Fprintf(&b, "%s%08x", cpioStripped, i)
		} else {
			fmt.Fprintf(&b, "%s%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%s\x00", format,
				i+1, mode, 0, 0, 1, 0, len(text), 0, 0, 0, 0, len(name)+1, 0, name)
		}
		align()
		b.WriteString(text)
		align()
	}
	for i, f := range files {
		entry(i, f.name, rpmMode(f), f.text+f.link)
	}
	format = cpioNew
	entry(-1, cpioTrailer, 0, "")
	return b.Bytes()
}

func rpmMode(f file) uint32 {
	switch {
	case f.link != "":
		return 0o120777
	case strings.HasSuffix(f.name, "/"):
		return 0o040755
	}
	return 0o100644
}

func (p rpm) build(t testing.TB) []byte {
	t.Helper()
	if p.format == "" {
		p.format = cpioNew
	}
	payload := pack(t, p.packing, cpioOf(p.format, p.files))
	return p.with(payload)
}

// with makes an RPM with any payload.
func (p rpm) with(payload []byte) []byte {
	tags := []rpmTag{
		{tagName, 6, 1, texts(p.name)}, {tagVersion, 6, 1, texts(p.version)},
		{tagRelease, 6, 1, texts(p.release)}, {tagArch, 6, 1, texts(p.arch)},
		{tagPayloadFormat, 6, 1, texts("cpio")},
	}
	if !p.source {
		tags = append(tags, rpmTag{tagSourceRPM, 6, 1, texts("kernel.src.rpm")})
	}
	var names, versions []string
	var flags []uint32
	for _, r := range append(p.requires, [2]string{"rpmlib(CompressedFileNames)", ""}, [2]string{"/bin/sh", ""}) {
		names, versions = append(names, r[0]), append(versions, r[1])
		if r[1] != "" {
			flags = append(flags, requireEqual)
		} else {
			flags = append(flags, 0)
		}
	}
	n := uint32(len(names))
	tags = append(tags, rpmTag{tagRequireName, 8, n, texts(names...)}, rpmTag{tagRequireVersion, 8, n, texts(versions...)}, rpmTag{tagRequireFlags, 4, n, numbers(flags...)})
	var bases, dirs []string
	var at, sizes []uint32
	var modes []uint16
	for _, f := range p.files {
		dir, base := filepath.Split(strings.TrimSuffix(strings.TrimPrefix(f.name, "."), "/"))
		bases, dirs = append(bases, base), append(dirs, dir)
		at, sizes = append(at, uint32(len(at))), append(sizes, uint32(len(f.text+f.link)))
		modes = append(modes, uint16(rpmMode(f)))
	}
	if n := uint32(len(bases)); n > 0 {
		tags = append(tags, rpmTag{tagBaseNames, 8, n, texts(bases...)}, rpmTag{tagDirNames, 8, n, texts(dirs...)},
			rpmTag{tagDirIndexes, 4, n, numbers(at...)}, rpmTag{tagFileSizes, 4, n, numbers(sizes...)}, rpmTag{tagFileModes, 3, n, numbers(modes...)})
	}
	out := make([]byte, rpmLeadSize)
	copy(out, rpmMagic+"\x03\x00")
	out = append(out, rpmHeaderOf([]rpmTag{{1000, 4, 1, numbers(uint32(len(payload)))}}, true)...)
	out = append(out, rpmHeaderOf(tags, false)...)
	return append(out, payload...)
}

// files lists what is below a folder: files with their text, links with their
// target.
func filesBelow(t testing.TB, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	must(t, filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		if d.Type()&os.ModeSymlink != 0 {
			target, err := os.Readlink(path)
			all[rel] = "-> " + target
			return err
		}
		text, err := os.ReadFile(path)
		all[rel] = string(text)
		return err
	}))
	return all
}
