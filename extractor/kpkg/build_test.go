package kpkg

import (
	"testing"

	"github.com/tpinfo/tpinfo/extractor/kpkg/archive/archivetest"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// The tiny kernel that tests make packages of.
const (
	tinyRelease = "6.1.0-9-amd64"
	tinyVersion = "6.1.99-1"
	flavourDir  = "./usr/src/linux-headers-6.1.0-9-amd64/"
	commonDir   = "./usr/src/linux-headers-6.1.0-9-common/"
)

// configured are the generated files of a build tree.
func configured(dir, release string) []archivetest.File {
	return []archivetest.File{
		{Name: dir + ".config", Text: "CONFIG_X86_64=y\n"},
		{Name: dir + "Module.symvers", Text: "0x0 symbol vmlinux EXPORT_SYMBOL\n"},
		{Name: dir + "include/config/auto.conf", Text: "CONFIG_X86_64=y\nCONFIG_BUILD_SALT=\"" + release + "\"\n"},
		{Name: dir + "include/config/X86_64", Text: ""},
		{Name: dir + "include/generated/autoconf.h", Text: "#define CONFIG_X86_64 1\n#define CONFIG_BUILD_SALT \"" + release + "\"\n"},
		{Name: dir + "include/generated/compile.h", Text: "#define UTS_MACHINE \"x86_64\" /* " + release + " */\n"},
		{Name: dir + "include/generated/rustc_cfg", Text: "--cfg=CONFIG_BUILD_SALT=\"" + release + "\"\n"},
		{Name: dir + "include/generated/uapi/linux/version.h", Text: "#define LINUX_VERSION_CODE 393571\n#define LINUX_VERSION_SUBLEVEL 99\n"},
		{Name: dir + "include/generated/utsrelease.h", Text: "#define UTS_RELEASE \"" + release + "\"\n"},
	}
}

// plain are headers of the kernel's source.
func plain(dir string) []archivetest.File {
	return []archivetest.File{
		{Name: dir + "Makefile", Text: "VERSION = 6\nPATCHLEVEL = 1\nSUBLEVEL = 99\nEXTRAVERSION =\n"},
		{Name: dir + "arch/arm64/include/asm/page.h", Text: "/* arm64 */\n"},
		{Name: dir + "arch/x86/Makefile", Text: "# x86\n"},
		{Name: dir + "arch/x86/include/asm/page.h", Text: "/* x86 */\n"},
		{Name: dir + "arch/x86/kvm/mmu.h", Text: "/* private */\n"},
		{Name: dir + "include/linux/tracepoint.h", Text: "/* tracepoints */\n"},
		{Name: dir + "include/dt-bindings/codes.h", Link: "../linux/tracepoint.h"},
		{Name: dir + "scripts", Link: "../../lib/linux-kbuild-6.1/scripts"},
	}
}

func flavourFiles() []archivetest.File {
	files := []archivetest.File{{Name: flavourDir + "Makefile", Text: "include /usr/src/linux-headers-6.1.0-9-common/Makefile\n"}}
	files = append(files, configured(flavourDir, tinyRelease)...)
	return append(files,
		archivetest.File{Name: "./lib/modules/6.1.0-9-amd64/build", Link: "/usr/src/linux-headers-6.1.0-9-amd64"},
		archivetest.File{Name: flavourDir + "scripts", Link: "../../lib/linux-kbuild-6.1/scripts"})
}

func flavourDeb(t testing.TB, packing string) []byte {
	t.Helper()
	return archivetest.Deb(t, archivetest.Control("linux-headers-6.1.0-9-amd64", tinyVersion, "amd64",
		"linux-headers-6.1.0-9-common (= 6.1.99-1), linux-kbuild-6.1 (>= 6.1.99-1), gcc-12 | gcc"), packing, flavourFiles()...)
}

func commonDeb(t testing.TB, packing string) []byte {
	t.Helper()
	return archivetest.Deb(t, archivetest.Control("linux-headers-6.1.0-9-common", tinyVersion, "all", ""), packing, plain(commonDir)...)
}

func imageDeb(t testing.TB, packing string) []byte {
	t.Helper()
	return archivetest.Deb(t, archivetest.Control("linux-image-6.1.0-9-amd64", tinyVersion, "amd64", "kmod, linux-base (>= 4.3~)"), packing,
		archivetest.File{Name: "./boot/System.map-6.1.0-9-amd64", Text: "map"},
		archivetest.File{Name: "./boot/vmlinuz-6.1.0-9-amd64", Text: "the kernel"},
		archivetest.File{Name: "./lib/modules/6.1.0-9-amd64/kernel/x.ko", Text: "a module"})
}

func sourceFiles(dir string) []archivetest.File {
	return []archivetest.File{
		{Name: dir + "Documentation/conf.c", Text: "not kept"},
		{Name: dir + "Makefile", Text: "# SPDX\nVERSION = 6\nPATCHLEVEL = 1\nSUBLEVEL = 99\nEXTRAVERSION =\nNAME = x\n"},
		{Name: dir + "README", Text: "not kept"},
		{Name: dir + "arch/x86/entry/syscalls/syscall_64.tbl", Text: "0 common read sys_read\n"},
		{Name: dir + "fs/ext4/Makefile", Text: "obj-y += super.o\n"},
		{Name: dir + "fs/ext4/super.c", Text: "#define CREATE_TRACE_POINTS\n"},
		{Name: dir + "fs/ext4/inode.c", Text: "not kept"},
		{Name: dir + "include/linux/tracepoint.h", Text: "/* tracepoints */\n"},
		{Name: dir + "init/Kconfig", Text: "not kept"},
		{Name: dir + "init/main.c", Text: "int main;\n"},
		{Name: dir + "kernel/fork.S", Text: "not kept"},
		{Name: dir + "tools/x.c", Text: "not kept"},
	}
}

func sourceDeb(t testing.TB) []byte {
	t.Helper()
	inner := archivetest.Pack(t, ".xz", archivetest.Tar(t, sourceFiles("linux-source-6.1/")...))
	return archivetest.Deb(t, archivetest.Control("linux-source-6.1", tinyVersion, "all", ""), ".xz",
		archivetest.File{Name: "./usr/share/doc/linux-source-6.1/copyright", Text: "c"},
		archivetest.File{Name: "./usr/src/linux-patch-6.1-rt.patch.xz", Text: "p"},
		archivetest.File{Name: "./usr/src/linux-source-6.1.tar.xz", Text: string(inner)})
}
