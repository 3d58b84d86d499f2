package kbuild

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tpinfo/tpinfo"
)

func TestParseVersion(t *testing.T) {
	for release, want := range map[string]Version{
		"6.1.0-56-cloud-amd64":    {6, 1, 0},
		"6.12.117+deb13-amd64":    {6, 12, 117},
		"7.3":                     {7, 3, 0},
		"5.10.0-46-rt-amd64":      {5, 10, 0},
		"6.18.44-local":           {6, 18, 44},
		"5.15.0-1034-aws":         {5, 15, 0},
		"4.18.0-513.5.1.el8_9.aa": {4, 18, 0},
	} {
		got, err := ParseVersion(release)
		if err != nil || got != want {
			t.Errorf("%s: %v (%v), want %v", release, got, err, want)
		}
	}
	for _, bad := range []string{"", "next", "6", "v6.1", "99999999999999999999.1"} {
		if v, err := ParseVersion(bad); err == nil {
			t.Errorf("%q is version %s", bad, v)
		}
	}
	for _, test := range []struct {
		v            Version
		major, minor int
		want         bool
	}{
		{Version{6, 1, 0}, 5, 16, true}, {Version{6, 1, 0}, 6, 1, true}, {Version{6, 1, 9}, 6, 2, false}, {Version{5, 19, 0}, 6, 0, false}, {Version{7, 0, 0}, 6, 19, true},
	} {
		if got := test.v.AtLeast(test.major, test.minor); got != test.want {
			t.Errorf("%s at least %d.%d: %v", test.v, test.major, test.minor, got)
		}
	}
}

// What the kernel's Makefile of that version passes.
func TestFlags(t *testing.T) {
	for _, test := range []struct {
		version      Version
		arch         string
		family       Family
		with, absent []string
	}{
		{Version{5, 10, 0}, "X86_64", GCC, []string{"-std=gnu89", "-m64", "-mpreferred-stack-boundary=3", "-w"}, []string{"-funsigned-char", "-fms-extensions"}},
		{Version{5, 18, 0}, "X86_64", GCC, []string{"-std=gnu11"}, []string{"-funsigned-char"}},
		{Version{6, 2, 0}, "X86_64", Clang, []string{"-funsigned-char", "-Wno-everything"}, []string{"-mpreferred-stack-boundary=3", "-w"}},
		{Version{6, 19, 0}, "X86_64", GCC, []string{"-fms-extensions"}, nil},
		{Version{6, 1, 0}, "X86_32", GCC, []string{"-m32", "-mregparm=3"}, []string{"-m64", "-mcmodel=kernel"}},
		{Version{6, 1, 0}, "ARM64", GCC, []string{"-mgeneral-regs-only", "-mabi=lp64"}, []string{"-m64"}},
	} {
		tree := &Tree{Version: test.version, Config: Config{test.arch: "y"}}
		var err error
		if tree.Arch, err = archOf(tree); err != nil {
			t.Fatal(err)
		}
		flags := tree.Flags(test.family)
		for _, f := range append(test.with, "-nostdinc", "-D__KERNEL__", "-fshort-wchar") {
			if !slices.Contains(flags, f) {
				t.Errorf("%s %s %s: no %s", test.version, test.arch, test.family, f)
			}
		}
		for _, f := range test.absent {
			if slices.Contains(flags, f) {
				t.Errorf("%s %s %s: %s", test.version, test.arch, test.family, f)
			}
		}
	}
}

// Debian's 5.10 amd64 has it, and with it a member more in compat_siginfo.
func TestFlagsOfOptions(t *testing.T) {
	tree := &Tree{Version: Version{5, 10, 0}, Arch: &arches[0], Config: Config{"X86_64": "y"}}
	const abi = "-DCONFIG_X86_X32_ABI"
	if slices.Contains(tree.Flags(GCC), abi) {
		t.Error("x32 is not in this configuration")
	}
	tree.Config["X86_X32"] = "y"
	if !slices.Contains(tree.Flags(GCC), abi) || !slices.Contains(tree.Flags(Clang), abi) {
		t.Errorf("%q", tree.Flags(GCC))
	}
}

func TestArchitectures(t *testing.T) {
	for options, want := range map[string]struct {
		name  string
		word  int
		order tpinfo.ByteOrder
	}{
		"X86_64": {"x86", 8, tpinfo.LittleEndian}, "X86_32": {"x86", 4, tpinfo.LittleEndian}, "ARM64": {"arm64", 8, tpinfo.LittleEndian},
		"ARM64 CPU_BIG_ENDIAN": {"arm64", 8, tpinfo.BigEndian}, "ARM AEABI": {"arm", 4, tpinfo.LittleEndian},
		"PPC64 CPU_LITTLE_ENDIAN": {"powerpc", 8, tpinfo.LittleEndian}, "RISCV 64BIT": {"riscv", 8, tpinfo.LittleEndian},
		"S390 64BIT": {"s390", 8, tpinfo.BigEndian},
	} {
		config := Config{}
		for _, option := range strings.Fields(options) {
			config[option] = "y"
		}
		arch, err := archOf(&Tree{Config: config})
		if err != nil || arch.Name != want.name || arch.WordSize != want.word || arch.Order != want.order {
			t.Errorf("%s: %+v (%v)", options, arch, err)
		}
	}
	// One that is half there is another, and so is one of the other byte order.
	for _, config := range []Config{{"PPC64": "y"}, {"RISCV": "y"}, {"CPU_LITTLE_ENDIAN": "y"}, {"ARM": "y", "AEABI": "y", "CPU_BIG_ENDIAN": "y"}} {
		if arch, err := archOf(&Tree{Config: config}); err == nil {
			t.Errorf("%v: %s", config, arch.Name)
		}
	}
	// A kernel for several CPUs is built for the oldest.
	arm := &Tree{Config: Config{"ARM": "y", "AEABI": "y", "CPU_32v6": "y", "CPU_32v7": "y"}}
	var err error
	if arm.Arch, err = archOf(arm); err != nil {
		t.Fatal(err)
	}
	flags := arm.Flags(GCC)
	if six, seven := slices.Index(flags, "-march=armv6"), slices.Index(flags, "-march=armv7-a"); seven < 0 || six < seven {
		t.Errorf("flags %q", flags)
	}
}

func TestFolders(t *testing.T) {
	root := t.TempDir()
	grow(t, root, built("b/", map[string]string{
		"b/Makefile": "include ../s/Makefile\n", "b/arch/x86/include/generated/asm/x.h": "", "b/arch/x86/include/generated/uapi/asm/x.h": "",
		"b/include/generated/uapi/linux/x.h": "", "s/" + tracepointHeader: "", "s/arch/x86/include/asm/x.h": "", "s/arch/x86/include/uapi/asm/x.h": "",
		"s/include/uapi/linux/x.h": "", "s/include/linux/compiler-version.h": "", "s/include/linux/kconfig.h": "", "s/include/linux/compiler_types.h": "",
	}))
	tree, err := Find(filepath.Join(root, "b"))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, dir := range tree.IncludeDirs() {
		rel, err := filepath.Rel(filepath.Dir(tree.Build), dir)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, rel)
	}
	// The order of LINUXINCLUDE, each from both parts.
	want := []string{
		"s/arch/x86/include", "b/arch/x86/include/generated", "b/include", "s/include",
		"s/arch/x86/include/uapi", "b/arch/x86/include/generated/uapi", "s/include/uapi", "b/include/generated/uapi",
	}
	got = slices.DeleteFunc(got, func(dir string) bool { return dir == "b/arch/x86/include" })
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("include folders (-want +got):\n%s", diff)
	}
	before, after := tree.Preincludes()
	if len(before) != 2 || filepath.Base(before[0]) != "compiler-version.h" || filepath.Base(before[1]) != "kconfig.h" || len(after) != 1 || filepath.Base(after[0]) != "compiler_types.h" {
		t.Errorf("included first: %v, then %v", before, after)
	}
	for path, want := range map[string]string{
		filepath.Join(tree.Source, "include/linux/x.h"): "include/linux/x.h",
		filepath.Join(tree.Build, "include/x.h"):        "include/x.h",
		"/usr/include/x.h":                              "/usr/include/x.h",
	} {
		if got := tree.Relative(path); got != want {
			t.Errorf("%s is %s, want %s", path, got, want)
		}
	}
}
