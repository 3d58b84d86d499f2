package kbuild

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// fullTree is a source tree with each construct that decides what is built,
// shaped as in Linux 6.1, beside a build tree of its own. Values are texts of
// files; sources need none.
func fullTree(t *testing.T, more map[string]string) (build, source string) {
	t.Helper()
	dir := t.TempDir()
	files := built("out/", map[string]string{
		"out/source": "-> ../hdr", "hdr/" + tracepointHeader: "",
		"out/include/config/auto.conf": "CONFIG_X86_64=y\nCONFIG_MODULES=y\nCONFIG_GCC_VERSION=120200\n" +
			"CONFIG_EXT=m\nCONFIG_EXT_ACL=y\nCONFIG_NET=y\nCONFIG_DRM=m\nCONFIG_GPU=m\nCONFIG_GPU_DC=y\nCONFIG_KVM=m\nCONFIG_PCI=y\nCONFIG_BOTH=y\nCONFIG_SND=m\n",
		"out/include/generated/uapi/linux/version.h": "#define LINUX_VERSION_CODE 393664\n#define LINUX_VERSION_MAJOR 6\n#define LINUX_VERSION_PATCHLEVEL 1\n#define LINUX_VERSION_SUBLEVEL 192\n",
		"src/init/main.c": "",
		"src/Makefile": `VERSION = 6
PATCHLEVEL = 1
SUBLEVEL = 192
ifneq ($(sub_make_done),1)
$(error make runs itself first)
endif
include include/config/auto.conf
core-y		:=
drivers-y	:=
libs-y		:= lib/
KBUILD_CFLAGS := -Wall -DCC_USING_FENTRY -std=gnu11
KBUILD_CFLAGS += $(call cc-option,-fno-allow-store-data-races)
KBUILD_CFLAGS_MODULE := -DMODULE
export KBUILD_CFLAGS KBUILD_CFLAGS_MODULE
include $(srctree)/arch/$(SRCARCH)/Makefile
export ARCH_CORE	:= $(core-y)
export ARCH_LIB		:= $(filter %/, $(libs-y))
export ARCH_DRIVERS	:= $(drivers-y) $(drivers-m)
`,
		"src/arch/x86/Makefile": "libs-y += arch/x86/lib/\ndrivers-$(CONFIG_PCI) += arch/x86/pci/\ndrivers-$(CONFIG_FB) += arch/x86/video/\n",
		"src/Kbuild": `obj-y += init/
obj-y += arch/$(SRCARCH)/
obj-y += $(ARCH_CORE)
obj-y += $(ARCH_LIB)
obj-y += fs/ drivers/
obj-$(CONFIG_SND) += sound/
obj-$(CONFIG_NET) += net/
obj-$(CONFIG_RUST) += rust/
obj-y += $(ARCH_DRIVERS)
`,
		"src/init/Makefile":           "obj-y := main.o\n",
		"src/lib/Makefile":            "lib-y := string.o\nlib-$(CONFIG_SMP) += percpu.o\nextra-y := head.o\nhostprogs := gen\ngen-objs := gen_main.o\n",
		"src/arch/x86/Kbuild":         "obj-$(CONFIG_KVM) += kvm/\nsubdir-y += tools\n",
		"src/arch/x86/lib/Makefile":   "lib-y += delay.o\n",
		"src/arch/x86/pci/Makefile":   "obj-y += common.o\n",
		"src/arch/x86/video/Makefile": "obj-y += fbdev.o\n",
		"src/arch/x86/tools/Makefile": "obj-y += never.o\n",
		"src/arch/x86/kvm/Makefile": `ccflags-y += -I $(srctree)/arch/x86/kvm
ccflags-$(CONFIG_KVM_WERROR) += -Werror
include $(srctree)/virt/kvm/Makefile.kvm
kvm-y += x86.o mmu/mmu.o
obj-$(CONFIG_KVM) += kvm.o
`,
		"src/virt/kvm/Makefile.kvm": "KVM ?= ../../../virt/kvm\nkvm-y := $(KVM)/kvm_main.o\nkvm-$(CONFIG_KVM_ASYNC) += $(KVM)/async_pf.o\n",
		"src/fs/Makefile": `obj-y := open.o
ifeq ($(CONFIG_BLOCK),y)
obj-y += buffer.o
else
obj-y += no-block.o
endif
obj-$(CONFIG_EXT) += ext/
obj-$(CONFIG_XFS) += xfs/
nommu-y := nommu.o
nommu-y := mmu.o
obj-y += $(nommu-y)
obj-$(CONFIG_BOTH) += both.o
obj-m += both.o
`,
		"src/fs/ext/Makefile": `obj-$(CONFIG_EXT) += ext.o
ext-y := super.o inode.o
ext-$(CONFIG_EXT_ACL) += acl.o
ext-$(CONFIG_EXT_VERITY) += verity.o
ext-test-objs += test.o
obj-$(CONFIG_EXT_KUNIT) += ext-test.o
obj-y += never.o
CFLAGS_inode.o := -DNAME=\"in\ ode\" -include $(srctree)/fs/ext/pre.h -DONE -UTWO -fms-extensions -O3
CFLAGS_REMOVE_inode.o = -DCOMMON%
ccflags-y := -DCOMMON=1 -I$(src) $(call cc-option,-Wfine)
`,
		"src/fs/ext/pre.h":           "",
		"src/fs/xfs/Makefile":        "ccflags-y += -I $(srctree)/$(src)\nobj-$(CONFIG_XFS) += xfs.o\nxfs-y += $(addprefix libxfs/,a.o b.o)\nxfs-$(CONFIG_XFS_RT) += rt.o\n",
		"src/fs/xfs/libxfs/.x":       "",
		"src/drivers/Makefile":       "subdir-ccflags-y += -DDRIVERS -I$(srctree)/drivers/common\nobj-y += gpu/\nobj-$(shell uname) += guess/\n",
		"src/drivers/guess/Makefile": "obj-y += me.o\n",
		"src/drivers/common/x":       "",
		"src/drivers/gpu/Makefile":   "subdir-ccflags-$(CONFIG_GPU_DC) += -DGPU\nccflags-y += -DHERE\nobj-$(CONFIG_DRM) += drm.o\nobj-$(CONFIG_GPU) += amd/gpu/\n",
		"src/drivers/gpu/amd/gpu/Makefile": `FULL_AMD_PATH=$(srctree)/$(src)/..
DISPLAY_FOLDER_NAME=display
FULL_AMD_DISPLAY_PATH = $(FULL_AMD_PATH)/$(DISPLAY_FOLDER_NAME)
subdir-ccflags-y += -DSUB
ccflags-remove-y := -DGPU
ccflags-y := -I$(FULL_AMD_PATH)/include $(shell pkg-config)
gpu-y := gpu_drv.o
ifneq ($(CONFIG_GPU_DC),)
RELATIVE_AMD_DISPLAY_PATH = ../$(DISPLAY_FOLDER_NAME)
include $(FULL_AMD_DISPLAY_PATH)/Makefile
gpu-y += $(AMD_DISPLAY_FILES)
endif
obj-$(CONFIG_GPU) += gpu.o
`,
		"src/drivers/gpu/amd/include/x": "",
		"src/drivers/gpu/amd/display/Makefile": `AMDDALPATH = $(RELATIVE_AMD_DISPLAY_PATH)
DAL_LIBS = dc
AMD_DAL = $(addsuffix /Makefile, $(addprefix $(FULL_AMD_DISPLAY_PATH)/,$(DAL_LIBS)))
include $(AMD_DAL)
`,
		"src/drivers/gpu/amd/display/dc/Makefile": `CFLAGS_$(AMDDALPATH)/dc/dml.o := -DDML
DC = core.o dml.o
AMD_DAL_DC = $(addprefix $(AMDDALPATH)/dc/,$(DC))
AMD_DISPLAY_FILES += $(AMD_DAL_DC)
`,
		"src/net/Makefile":       "obj-$(CONFIG_NET) := devres.o\nobj-$(CONFIG_INET) += ipv4/\nifeq ($(shell cat x),y)\nobj-y += perhaps.o\nendif\n",
		"src/sound/Makefile":     "obj-y += builtin.o sub/\nobj-m += sound.o\nsound-m := core.o\n",
		"src/sound/sub/Makefile": "obj-y += deep.o\nobj-m += deepmod.o\n",
	})
	for name, text := range more {
		files[name] = text
	}
	grow(t, dir, files)
	real, err := filepath.EvalSymlinks(dir)
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(real, "out"), filepath.Join(real, "src")
}

func openFull(t *testing.T, more map[string]string) (*Source, string) {
	t.Helper()
	build, source := fullTree(t, more)
	tree, err := Find(build)
	if err != nil {
		t.Fatal(err)
	}
	s, err := OpenSource(source, tree)
	if err != nil {
		t.Fatal(err)
	}
	return s, source
}

func TestWhatIsBuilt(t *testing.T) {
	s, _ := openFull(t, nil)
	for file, want := range map[string]Object{
		"init/main.c":            {Status: Built, Into: "init/main"},
		"fs/open.c":              {Status: Built, Into: "fs/open"},
		"fs/mmu.c":               {Status: Built, Into: "fs/mmu"},
		"fs/both.c":              {Status: Built, Into: "fs/both"}, // built in wins
		"lib/string.c":           {Status: Built, Into: "lib/string"},
		"lib/head.c":             {Status: Built, Into: "lib/head"},
		"arch/x86/lib/delay.c":   {Status: Built, Into: "arch/x86/lib/delay"},
		"arch/x86/pci/common.c":  {Status: Built, Into: "arch/x86/pci/common"},
		"net/devres.c":           {Status: Built, Into: "net/devres"},
		"fs/ext/super.c":         {Status: Built, Module: true, Into: "fs/ext/ext"},
		"fs/ext/acl.c":           {Status: Built, Module: true, Into: "fs/ext/ext"},
		"sound/core.c":           {Status: Built, Module: true, Into: "sound/sound"},
		"sound/sub/deepmod.c":    {Status: Built, Module: true, Into: "sound/sub/deepmod"},
		"arch/x86/kvm/mmu/mmu.c": {Status: Built, Module: true, Into: "arch/x86/kvm/kvm"},
		// Named by a Makefile elsewhere.
		"virt/kvm/kvm_main.c":               {Status: Built, Module: true, Into: "arch/x86/kvm/kvm"},
		"drivers/gpu/drm.c":                 {Status: Built, Module: true, Into: "drivers/gpu/drm"},
		"drivers/gpu/amd/gpu/gpu_drv.c":     {Status: Built, Module: true, Into: "drivers/gpu/amd/gpu/gpu"},
		"drivers/gpu/amd/display/dc/core.c": {Status: Built, Module: true, Into: "drivers/gpu/amd/gpu/gpu"},

		"fs/buffer.c":            {Status: NotBuilt, Option: "CONFIG_BLOCK", Place: "fs/Makefile:3", Reason: "fs/Makefile:3 asks for it under: ifeq ($(CONFIG_BLOCK),y)"},
		"fs/ext/verity.c":        {Status: NotBuilt, Option: "CONFIG_EXT_VERITY", Place: "fs/ext/Makefile:4", Reason: "CONFIG_EXT_VERITY is not set"},
		"fs/ext/test.c":          {Status: NotBuilt, Option: "CONFIG_EXT_KUNIT", Place: "fs/ext/Makefile:6", Reason: "CONFIG_EXT_KUNIT is not set"},
		"fs/xfs/libxfs/a.c":      {Status: NotBuilt, Option: "CONFIG_XFS", Place: "fs/xfs/Makefile:2", Reason: "CONFIG_XFS is not set"},
		"fs/xfs/rt.c":            {Status: NotBuilt, Option: "CONFIG_XFS_RT", Place: "fs/xfs/Makefile:4", Reason: "CONFIG_XFS_RT is not set"},
		"lib/percpu.c":           {Status: NotBuilt, Option: "CONFIG_SMP", Place: "lib/Makefile:2", Reason: "CONFIG_SMP is not set"},
		"virt/kvm/async_pf.c":    {Status: NotBuilt, Option: "CONFIG_KVM_ASYNC", Place: "virt/kvm/Makefile.kvm:3", Reason: "CONFIG_KVM_ASYNC is not set"},
		"arch/x86/video/fbdev.c": {Status: NotBuilt, Option: "CONFIG_FB", Place: "arch/x86/Makefile:3", Reason: "CONFIG_FB is not set"},
		// A folder that is entered for modules builds no obj-y.
		"fs/ext/never.c":         {Status: NotBuilt, Place: "fs/ext/Makefile:7", Reason: "fs/ext/Makefile:7 asks for it in the kernel itself, and the folder is entered only for modules"},
		"sound/sub/deep.c":       {Status: NotBuilt, Place: "sound/sub/Makefile:1", Reason: "sound/sub/Makefile:1 asks for it in the kernel itself, and the folder is entered only for modules"},
		"arch/x86/tools/never.c": {Status: NotBuilt, Place: "arch/x86/tools/Makefile:1", Reason: "arch/x86/tools/Makefile:1 asks for it in the kernel itself, and the folder is entered only for modules"},
		"fs/nommu.c":             {Status: NotBuilt, Place: "fs/Makefile:9", Reason: "fs/Makefile:9 lists it in nommu-y, and no Makefile asks for fs/nommu.o"},
		"lib/gen_main.c":         {Status: NotBuilt, Place: "lib/Makefile:5", Reason: "lib/Makefile:5 lists it in gen-objs, and no Makefile asks for lib/gen.o"},
		"fs/included.c":          {Status: NotBuilt, Reason: "no Makefile asks for fs/included.o"},

		"net/perhaps.c":      {Status: Unclear, Place: "net/Makefile:4", Reason: "net/Makefile:3: takes the output of a command: $(shell cat x)"},
		"net/nobody.c":       {Status: Unclear, Reason: "net/Makefile:3: takes the output of a command: $(shell cat x)"},
		"drivers/nobody.c":   {Status: Unclear, Reason: "drivers/Makefile:3: takes the output of a command: $(shell uname)"},
		"drivers/guess/me.c": {Status: Unclear, Place: "drivers/Makefile:3", Reason: "drivers/Makefile:3: takes the output of a command: $(shell uname)"},
	} {
		t.Run(file, func(t *testing.T) {
			got := s.File(file)
			got.Flags = ObjectFlags{}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// The flags that bear on what a file's headers declare: the order is that of
// the compiler's command line, where the last of two counts.
func TestObjectFlags(t *testing.T) {
	s, dir := openFull(t, nil)
	at := func(rel string) string { return filepath.Join(dir, rel) }
	for file, want := range map[string]ObjectFlags{
		// Beside its own, a file's folder is looked through last, for the
		// build tree is a folder of its own.
		"fs/ext/super.c": {Include: []string{at("fs/ext"), at("fs/ext")}, Define: []string{"-DCOMMON=1", "-DMODULE"}},
		"fs/ext/inode.c": {
			Include: []string{at("fs/ext"), at("fs/ext")}, Define: []string{`-DNAME="in ode"`, "-DONE", "-UTWO", "-DMODULE"},
			Preinclude: []string{at("fs/ext/pre.h")}, Other: []string{"-fms-extensions"},
		},
		"fs/xfs/libxfs/a.c": {Include: []string{at("fs/xfs"), at("fs/xfs")}},
		"drivers/gpu/drm.c": {Include: []string{at("drivers/common"), at("drivers/gpu")}, Define: []string{"-DDRIVERS", "-DGPU", "-DHERE", "-DMODULE"}},
		"drivers/gpu/amd/display/dc/core.c": {
			Include: []string{at("drivers/common"), at("drivers/gpu/amd/include"), at("drivers/gpu/amd/gpu")},
			Define:  []string{"-DDRIVERS", "-DSUB", "-DMODULE"},
			Unknown: []string{"drivers/gpu/amd/gpu/Makefile:6: takes the output of a command: $(shell pkg-config)"},
		},
		"drivers/gpu/amd/display/dc/dml.c": {
			Include: []string{at("drivers/common"), at("drivers/gpu/amd/include"), at("drivers/gpu/amd/gpu")},
			Define:  []string{"-DDRIVERS", "-DSUB", "-DDML", "-DMODULE"},
			Unknown: []string{"drivers/gpu/amd/gpu/Makefile:6: takes the output of a command: $(shell pkg-config)"},
		},
		"init/main.c": {Include: []string{at("init")}},
	} {
		t.Run(file, func(t *testing.T) {
			if diff := cmp.Diff(want, s.File(file).Flags); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// A folder may replace the flags of the whole kernel.
func TestFolderWithFlagsOfItsOwn(t *testing.T) {
	s, _ := openFull(t, map[string]string{"src/init/Makefile": "KBUILD_CFLAGS := $(filter-out -std=%,$(KBUILD_CFLAGS)) -DSTUB -fshort-enums\nobj-y := main.o\n"})
	got := s.File("init/main.c").Flags
	if diff := cmp.Diff(ObjectFlags{Include: got.Include, Define: []string{"-DSTUB"}, Other: []string{"-fshort-enums"}}, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// From 6.10 on $(src) is the whole path.
func TestSourceFolderFrom610(t *testing.T) {
	s, dir := openFull(t, map[string]string{
		"out/include/generated/utsrelease.h":         "#define UTS_RELEASE \"6.12.3-amd64\"\n",
		"out/include/generated/uapi/linux/version.h": "#define LINUX_VERSION_CODE 396291\n",
		"src/Makefile":      "VERSION = 6\nPATCHLEVEL = 12\nSUBLEVEL = 3\n",
		"src/init/Makefile": "obj-y := main.o\nccflags-y := -I $(src)/deep\n",
		"src/init/deep/x":   "",
	})
	want := []string{filepath.Join(dir, "init/deep"), filepath.Join(dir, "init")}
	if diff := cmp.Diff(want, s.File("init/main.c").Flags.Include); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// What the top Makefile hands down is not known when a line of it that every
// kernel heeds was not heeded: nothing is called absent then.
func TestTopMakefileOfAnotherShape(t *testing.T) {
	s, _ := openFull(t, map[string]string{
		"src/Makefile": "VERSION = 6\nPATCHLEVEL = 1\nSUBLEVEL = 192\nifeq ($(some-new-sign),1)\nlibs-y := lib/\nendif\n",
	})
	want := Object{Status: Unclear, Reason: "Makefile:5: this line, which counts in every kernel, was passed over under: ifeq ($(some-new-sign),1)"}
	got := s.File("lib/string.c")
	got.Flags = ObjectFlags{}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if got := s.File("fs/ext/acl.c"); got.Status != Built {
		t.Errorf("what the Kbuild file asks for: %+v", got)
	}
}

// Before 6.1 the top Makefile names the folders itself.
func TestFoldersOfTheTopMakefile(t *testing.T) {
	s, _ := openFull(t, map[string]string{
		"out/include/generated/utsrelease.h":         "#define UTS_RELEASE \"5.10.0-46-amd64\"\n",
		"out/include/generated/uapi/linux/version.h": "#define LINUX_VERSION_CODE 330495\n", // 5.10.255 and above
		"src/Makefile": "VERSION = 5\nPATCHLEVEL = 10\nSUBLEVEL = 262\nifeq ($(KBUILD_EXTMOD),)\ncore-y := init/\ndrivers-y := drivers/\ndrivers-$(CONFIG_NET) += net/\nlibs-y := lib/\nendif\n" +
			"include arch/$(SRCARCH)/Makefile\n",
		"src/arch/x86/Makefile": "core-y += arch/x86/\n",
		"src/Kbuild":            "always-y := bounds.h\n",
		"src/arch/x86/Kbuild":   "obj-y += pci/\n",
	})
	for file, want := range map[string]Status{
		"init/main.c": Built, "net/devres.c": Built, "lib/string.c": Built, "arch/x86/pci/common.c": Built, "drivers/gpu/drm.c": Built, "fs/open.c": NotBuilt,
	} {
		if got := s.File(file); got.Status != want {
			t.Errorf("%s: %+v, want %s", file, got, want)
		}
	}
}

func TestBuiltIn(t *testing.T) {
	s, _ := openFull(t, nil)
	objects, unsure := s.BuiltIn()
	want := []string{"arch/x86/lib/delay", "arch/x86/pci/common", "fs/both", "fs/mmu", "fs/no-block", "fs/open", "init/main", "lib/head", "lib/string", "net/devres"}
	if diff := cmp.Diff(want, objects); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	why := []string{"drivers/Makefile:3: takes the output of a command: $(shell uname)", "net/Makefile:3: takes the output of a command: $(shell cat x)"}
	if diff := cmp.Diff(why, unsure); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestOpenSourceRefuses(t *testing.T) {
	build, source := fullTree(t, nil)
	tree, err := Find(build)
	if err != nil {
		t.Fatal(err)
	}
	empty := t.TempDir()
	other := t.TempDir()
	grow(t, other, map[string]string{"Makefile": "VERSION = 6\nPATCHLEVEL = 1\nSUBLEVEL = 191\n", "Kbuild": "", "init/main.c": ""})
	odd := t.TempDir()
	grow(t, odd, map[string]string{"Makefile": "all:\n", "Kbuild": "", "init/main.c": ""})
	for _, c := range []struct {
		dir  string
		is   error
		says string
	}{
		{empty, ErrNotSource, "there is no Makefile; give the folder that the kernel's source was unpacked to"},
		{filepath.Join(source, "fs"), ErrNotSource, "apt-get install linux-source-6.1"},
		{odd, ErrNotSource, "does not start with VERSION, PATCHLEVEL and SUBLEVEL"},
		{other, ErrOtherVersion, other + " is 6.1.191, the build tree " + build + " (6.1.0-9-amd64) was made from 6.1.192; give the source of 6.1.192"},
	} {
		if _, err := OpenSource(c.dir, tree); !errors.Is(err, c.is) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: error %v, want %v that says %q", c.dir, err, c.is, c.says)
		}
	}
}
