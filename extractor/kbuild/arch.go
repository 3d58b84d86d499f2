package kbuild

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"

	"github.com/tpinfo/tpinfo"
)

// Arch holds the facts about one architecture that compiling its headers
// needs.
type Arch struct {
	// Name is the folder under arch/.
	Name string
	// Config has the options, between spaces, that are all set when a tree is
	// for this architecture, or unset behind a "!"; of two rows with one Name
	// the first that matches counts.
	Config   string
	WordSize int // bytes
	Order    tpinfo.ByteOrder
	// Packages are the words of dpkg and rpm for it; they differ between rows.
	Packages []string
	// GNU and LLVM are the target triples of a cross gcc (the prefix of its
	// name) and of clang; Host the GOARCH values whose own gcc will do.
	GNU, LLVM string
	Host      []string
	// Macros are what a gcc defines that compiles for it, one of them.
	Macros []string
	// UnitText is how many bytes of trace headers one unit may have, so that gcc
	// takes no more than some 220 MB for it: with 1.5 MB of them, those of 7.3,
	// in two units, it took 215 MB for x86 and 260 MB for arm64.
	UnitText int
	// Flags for both compilers, from arch/NAME/Makefile: the ABI and the
	// code model, and macros that headers test. GCC and Clang add to them.
	Flags, GCC, Clang []string
	// When has the flags that set options add. As in the Makefile, later ones
	// have the last word.
	When []When
}

// When is what an option adds to the flags.
type When struct {
	Config string
	Flags  []string
}

// arches: sources are arch/*/Makefile of 5.10 to 7.3.
var arches = []Arch{
	{
		Name: "x86", Config: "X86_64", WordSize: 8, Order: tpinfo.LittleEndian,
		Packages: []string{"amd64", "x86_64"}, UnitText: 800_000,
		GNU: "x86_64-linux-gnu", LLVM: "x86_64-linux-gnu", Host: []string{"amd64"}, Macros: []string{"__x86_64__"},
		Flags: []string{
			"-m64", "-mno-red-zone", "-mcmodel=kernel", "-mno-mmx", "-mno-sse", "-mno-sse2",
			// ftrace.h wants to know that the compiler was given -mfentry.
			"-DCC_USING_FENTRY",
		},
		GCC: []string{"-mpreferred-stack-boundary=3"},
		// Until 5.17 the Makefile sets this one itself, where the linker can
		// make such programs, as all of the last ten years can.
		When: []When{{"X86_X32", []string{"-DCONFIG_X86_X32_ABI"}}},
	},
	{
		Name: "x86", Config: "X86_32", WordSize: 4, Order: tpinfo.LittleEndian,
		Packages: []string{"i386", "i586", "i686"}, UnitText: 800_000,
		GNU: "i686-linux-gnu", LLVM: "i686-linux-gnu", Host: []string{"386", "amd64"}, Macros: []string{"__x86_64__", "__i386__"},
		Flags: []string{"-m32", "-mregparm=3", "-freg-struct-return", "-mno-mmx", "-mno-sse", "-DCC_USING_FENTRY"},
		GCC:   []string{"-msoft-float"},
	},
	{
		Name: "arm", Config: "ARM AEABI !CPU_BIG_ENDIAN", WordSize: 4, Order: tpinfo.LittleEndian,
		Packages: []string{"armhf", "armel", "armv7hl", "armv7l"}, UnitText: 700_000,
		GNU: "arm-linux-gnueabihf", LLVM: "arm-linux-gnueabihf", Host: []string{"arm"}, Macros: []string{"__arm__"},
		Flags: []string{"-mlittle-endian", "-mabi=aapcs-linux", "-mfloat-abi=soft", "-Uarm"},
		GCC:   []string{"-mfpu=vfp"},
		// A kernel for several CPUs is built for the oldest.
		When: []When{
			{"THUMB2_KERNEL", []string{"-mthumb"}},
			{"CPU_32v7", []string{"-march=armv7-a", "-D__LINUX_ARM_ARCH__=7"}},
			{"CPU_32v6", []string{"-march=armv6", "-U__LINUX_ARM_ARCH__", "-D__LINUX_ARM_ARCH__=6"}},
			{"CPU_32v6K", []string{"-march=armv6k", "-U__LINUX_ARM_ARCH__", "-D__LINUX_ARM_ARCH__=6"}},
			{"CPU_32v5", []string{"-march=armv5te", "-U__LINUX_ARM_ARCH__", "-D__LINUX_ARM_ARCH__=5"}},
			{"CPU_32v4T", []string{"-march=armv4t", "-U__LINUX_ARM_ARCH__", "-D__LINUX_ARM_ARCH__=4"}},
		},
	},
	arm64("ARM64 !CPU_BIG_ENDIAN", tpinfo.LittleEndian, "-mlittle-endian", "aarch64-linux-gnu", "arm64", "aarch64"),
	arm64("ARM64", tpinfo.BigEndian, "-mbig-endian", "aarch64_be-linux-gnu", "aarch64_be"),
	{
		Name: "powerpc", Config: "PPC64 CPU_LITTLE_ENDIAN", WordSize: 8, Order: tpinfo.LittleEndian,
		Packages: []string{"ppc64el", "ppc64le"}, UnitText: 700_000,
		GNU: "powerpc64le-linux-gnu", LLVM: "powerpc64le-linux-gnu", Host: []string{"ppc64le"}, Macros: []string{"__powerpc64__"},
		Flags: []string{"-m64", "-mlittle-endian", "-mcmodel=medium", "-msoft-float", "-mno-altivec", "-mno-vsx"},
		GCC:   []string{"-mabi=elfv2", "-mlong-double-128"},
		When: []When{
			{"ARCH_USING_PATCHABLE_FUNCTION_ENTRY", []string{"-DCC_USING_PATCHABLE_FUNCTION_ENTRY"}},
			{"MPROFILE_KERNEL", []string{"-DCC_USING_MPROFILE_KERNEL"}},
		},
	},
	{
		// The instructions of newer CPUs matter to what is assembled only, and
		// compilers know them by other names each year.
		Name: "riscv", Config: "RISCV 64BIT", WordSize: 8, Order: tpinfo.LittleEndian,
		Packages: []string{"riscv64"}, UnitText: 700_000,
		GNU: "riscv64-linux-gnu", LLVM: "riscv64-linux-gnu", Host: []string{"riscv64"}, Macros: []string{"__riscv"},
		Flags: []string{"-mabi=lp64", "-mcmodel=medany"},
		When:  []When{{"DYNAMIC_FTRACE", []string{"-DCC_USING_PATCHABLE_FUNCTION_ENTRY"}}},
	},
	{
		Name: "s390", Config: "S390", WordSize: 8, Order: tpinfo.BigEndian,
		Packages: []string{"s390x"}, UnitText: 700_000,
		GNU: "s390x-linux-gnu", LLVM: "s390x-linux-gnu", Host: []string{"s390x"}, Macros: []string{"__s390x__"},
		Flags: []string{"-m64", "-mpacked-stack", "-mbackchain", "-msoft-float"},
		When: []When{
			{"EXPOLINE", []string{"-DCC_USING_EXPOLINE"}}, {"FUNCTION_TRACER", []string{"-DCC_USING_HOTPATCH"}},
			{"MARCH_Z10", []string{"-march=z10"}}, {"MARCH_Z196", []string{"-march=z196"}}, {"MARCH_ZEC12", []string{"-march=zEC12"}},
			{"MARCH_Z13", []string{"-march=z13"}}, {"MARCH_Z14", []string{"-march=z14"}}, {"MARCH_Z15", []string{"-march=z15"}},
		},
	},
}

func arm64(config string, order tpinfo.ByteOrder, endian, llvm string, packages ...string) Arch {
	return Arch{
		Name: "arm64", Config: config, WordSize: 8, Order: order,
		Packages: packages, UnitText: 700_000,
		GNU: "aarch64-linux-gnu", LLVM: llvm, Host: []string{"arm64"}, Macros: []string{"__aarch64__"},
		Flags: []string{
			"-mgeneral-regs-only", endian,
			"-DCC_USING_PATCHABLE_FUNCTION_ENTRY",
			"-DARM64_ASM_ARCH=\"armv8.5-a\"", "-DKASAN_SHADOW_SCALE_SHIFT=3",
		},
		GCC: []string{"-mabi=lp64"},
	}
}

// Arches are all that are known.
func Arches() []*Arch {
	all := make([]*Arch, len(arches))
	for i := range arches {
		all[i] = &arches[i]
	}
	return all
}

// ArchOf tells the architecture that a configuration is for.
func ArchOf(c Config) (*Arch, bool) {
	for i := range arches {
		if c.has(arches[i].Config) {
			return &arches[i], true
		}
	}
	return nil, false
}

// has reports whether a configuration is as Arch.Config says.
func (c Config) has(options string) bool {
	for option := range strings.FieldsSeq(options) {
		option, unset := strings.CutPrefix(option, "!")
		if c.On(option) == unset {
			return false
		}
	}
	return true
}

// ArchNamed returns the architecture that a package names, by dpkg's word, rpm's
// or the kernel's: "amd64", "x86_64", "x86".
func ArchNamed(word string) (*Arch, error) {
	for i := range arches {
		if arches[i].Name == word || slices.Contains(arches[i].Packages, word) {
			return &arches[i], nil
		}
	}
	return nil, fmt.Errorf("%w %q; this version knows %s", ErrUnknownArch, word, strings.Join(archNames(), ", "))
}

// archOf finds the tree's architecture from its configuration.
func archOf(t *Tree) (*Arch, error) {
	if a, ok := ArchOf(t.Config); ok {
		return a, nil
	}
	return nil, fmt.Errorf("%w: %s is for %s; this version knows %s",
		ErrUnknownArch, t.Build, archFolder(t.Build), strings.Join(archNames(), ", "))
}

// archFolder names the architecture that a build folder has generated headers
// for, for a message.
func archFolder(build string) string {
	found, err := filepath.Glob(filepath.Join(build, "arch", "*", "include", "generated"))
	if err != nil || len(found) == 0 {
		return "an architecture that its configuration does not name"
	}
	rel, err := filepath.Rel(filepath.Join(build, "arch"), found[0])
	if err != nil {
		return found[0]
	}
	name, _, _ := strings.Cut(rel, string(os.PathSeparator))
	return name
}

func archNames() []string {
	var names []string
	for i := range arches {
		if i == 0 || arches[i].Name != arches[i-1].Name {
			names = append(names, arches[i].Name)
		}
	}
	sort.Strings(names)
	return names
}
