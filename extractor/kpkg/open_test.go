package kpkg

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tpinfo/tpinfo/extractor/kbuild"
	"github.com/tpinfo/tpinfo/extractor/kpkg/archive"
	"github.com/tpinfo/tpinfo/extractor/kpkg/archive/archivetest"
)

// findOne expects one set in a folder.
func findOne(t *testing.T, paths ...string) Set {
	t.Helper()
	sets, skipped, err := Find(context.Background(), paths)
	must(t, err)
	if len(sets) != 1 {
		t.Fatalf("found %d sets, want 1; skipped %+v", len(sets), skipped)
	}
	return sets[0]
}

func TestOpenDeb(t *testing.T) {
	var sums []string
	for _, packing := range []string{"", ".gz", ".xz", ".zst"} {
		t.Run("tar"+packing, func(t *testing.T) {
			dir, scratch := t.TempDir(), t.TempDir()
			archivetest.Write(t, filepath.Join(dir, "a.deb"), flavourDeb(t, packing))
			archivetest.Write(t, filepath.Join(dir, "b.deb"), commonDeb(t, packing))
			archivetest.Write(t, filepath.Join(dir, "c.deb"), imageDeb(t, packing))
			archivetest.Write(t, filepath.Join(dir, "d.deb"), sourceDeb(t))
			set := findOne(t, dir)
			o := NewOpener(scratch, archive.Limits{})
			opened, err := o.Open(context.Background(), set)
			must(t, err)
			sums = append(sums, opened.Headers)
			tree, err := kbuild.Find(opened.Build)
			must(t, err)
			if tree.Release != tinyRelease || tree.Arch.Name != "x86" || !strings.HasPrefix(tree.Source, scratch) {
				t.Errorf("the build tree is %s for %s, its source %s", tree.Release, tree.Arch.Name, tree.Source)
			}
			config := "#define CONFIG_X86_64 1\n#define CONFIG_BUILD_SALT \"6.1.0-9-amd64\"\n"
			want := map[string]string{
				"Makefile":                               "include /usr/src/linux-headers-6.1.0-9-common/Makefile\n",
				".config":                                "CONFIG_X86_64=y\n",
				"include/config/auto.conf":               "CONFIG_X86_64=y\nCONFIG_BUILD_SALT=\"6.1.0-9-amd64\"\n",
				"include/generated/autoconf.h":           config,
				"include/generated/compile.h":            "#define UTS_MACHINE \"x86_64\" /* 6.1.0-9-amd64 */\n",
				"include/generated/uapi/linux/version.h": "#define LINUX_VERSION_CODE 393571\n#define LINUX_VERSION_SUBLEVEL 99\n",
				"include/generated/utsrelease.h":         "#define UTS_RELEASE \"6.1.0-9-amd64\"\n",
			}
			if diff := cmp.Diff(want, archivetest.Below(t, opened.Build)); diff != "" {
				t.Errorf("build tree: %s", diff)
			}
			real, err := filepath.EvalSymlinks(tree.Source)
			must(t, err)
			want = map[string]string{
				"Makefile":                      "VERSION = 6\nPATCHLEVEL = 1\nSUBLEVEL = 99\nEXTRAVERSION =\n",
				"arch/arm64/include/asm/page.h": "/* arm64 */\n",
				"arch/x86/include/asm/page.h":   "/* x86 */\n",
				"include/linux/tracepoint.h":    "/* tracepoints */\n",
				"include/dt-bindings/codes.h":   "-> ../linux/tracepoint.h",
			}
			if diff := cmp.Diff(want, archivetest.Below(t, real)); diff != "" {
				t.Errorf("shared headers: %s", diff)
			}
			image, err := os.ReadFile(opened.BTF)
			if err != nil || string(image) != "the kernel" {
				t.Errorf("the image is %q, %v", image, err)
			}
			want = map[string]string{
				"Makefile":                               "# SPDX\nVERSION = 6\nPATCHLEVEL = 1\nSUBLEVEL = 99\nEXTRAVERSION =\nNAME = x\n",
				"arch/x86/entry/syscalls/syscall_64.tbl": "0 common read sys_read\n",
				"fs/ext4/Makefile":                       "obj-y += super.o\n",
				"fs/ext4/super.c":                        "#define CREATE_TRACE_POINTS\n",
				"include/linux/tracepoint.h":             "/* tracepoints */\n",
				"init/main.c":                            "int main;\n",
			}
			if diff := cmp.Diff(want, archivetest.Below(t, opened.Source)); diff != "" {
				t.Errorf("source: %s", diff)
			}
			must(t, opened.Close())
			must(t, opened.Close())
			if left, err := os.ReadDir(scratch); err != nil || len(left) > 0 {
				t.Errorf("left %v, %v", left, err)
			}
		})
	}
	for _, sum := range sums {
		if len(sum) != 64 || sum != sums[0] {
			t.Errorf("digests of the same headers differ: %v", sums)
		}
	}
}

// The digest sees every header and nothing that only names the release.
func TestHeadersDigest(t *testing.T) {
	digest := func(change func(flavour, common []archivetest.File)) string {
		t.Helper()
		own, common := flavourFiles(), plain(commonDir)
		change(own, common)
		dir := t.TempDir()
		archivetest.Write(t, filepath.Join(dir, "a.deb"), archivetest.Deb(t, archivetest.Control("linux-headers-6.1.0-9-amd64", "6.1.99-1", "amd64", "linux-headers-6.1.0-9-common"), ".gz", own...))
		archivetest.Write(t, filepath.Join(dir, "b.deb"), archivetest.Deb(t, archivetest.Control("linux-headers-6.1.0-9-common", "6.1.99-1", "all", ""), ".gz", common...))
		opened, err := NewOpener(t.TempDir(), archive.Limits{}).Open(context.Background(), findOne(t, dir))
		must(t, err)
		return opened.Headers
	}
	edit := func(files []archivetest.File, name, text string) {
		t.Helper()
		for i := range files {
			if strings.HasSuffix(files[i].Name, name) {
				files[i].Text = text
				return
			}
		}
		t.Fatalf("no %s", name)
	}
	same := digest(func(own, common []archivetest.File) {})
	for _, c := range []struct {
		name   string
		change func(own, common []archivetest.File)
		same   bool
	}{
		{"release", func(own, _ []archivetest.File) {
			edit(own, "utsrelease.h", "#define UTS_RELEASE \"6.1.0-10-amd64\"\n")
			edit(own, "compile.h", "other")
			edit(own, "auto.conf", "CONFIG_X86_64=y\nCONFIG_BUILD_SALT=\"6.1.0-10-amd64\"\n")
			edit(own, "autoconf.h", "#define CONFIG_X86_64 1\n#define CONFIG_BUILD_SALT \"6.1.0-10-amd64\"\n")
			edit(own, ".config", "other")
			edit(own, "Makefile", "include /usr/src/linux-headers-6.1.0-9-common/Makefile\n# other\n")
		}, true},
		{"what is not kept", func(own, common []archivetest.File) {
			edit(own, "Module.symvers", "other")
			edit(common, "kvm/mmu.h", "other")
		}, true},
		{"option", func(own, _ []archivetest.File) {
			edit(own, "autoconf.h", "#define CONFIG_X86_64 1\n#define CONFIG_SMP 1\n")
		}, false},
		{"option of make", func(own, _ []archivetest.File) { edit(own, "auto.conf", "CONFIG_X86_64=y\nCONFIG_SMP=y\n") }, false},
		{"version", func(own, _ []archivetest.File) { edit(own, "version.h", "#define LINUX_VERSION_CODE 1\n") }, false},
		{"header", func(_, common []archivetest.File) { edit(common, "tracepoint.h", "other") }, false},
		{"header of the architecture", func(_, common []archivetest.File) { edit(common, "x86/include/asm/page.h", "other") }, false},
		{"link", func(_, common []archivetest.File) {
			for i := range common {
				if common[i].Link == "../linux/tracepoint.h" {
					common[i].Link = "../../arch/x86/include/asm/page.h"
				}
			}
		}, false},
	} {
		if got := digest(c.change); (got == same) != c.same {
			t.Errorf("%s: the same digest is %v, want %v", c.name, got == same, c.same)
		}
	}
	// A tree on disk has the digest of its packages.
	root := t.TempDir()
	for _, f := range append(flavourFiles(), plain(commonDir)...) {
		if f.Link == "" {
			archivetest.Write(t, filepath.Join(root, f.Name), []byte(f.Text))
		} else if strings.HasSuffix(f.Name, "codes.h") {
			must(t, os.MkdirAll(filepath.Dir(filepath.Join(root, f.Name)), 0o755))
			must(t, os.Symlink(f.Link, filepath.Join(root, f.Name)))
		}
	}
	set := findOne(t, root)
	if set.Tree != filepath.Join(root, flavourDir) || set.Release != tinyRelease || set.Arch != "amd64" {
		t.Errorf("the tree is %+v", set)
	}
	// Links to what they lie in add nothing, in whatever number.
	for _, name := range []string{"include/self", "include/up", "scripts/top"} {
		must(t, os.MkdirAll(filepath.Dir(filepath.Join(set.Tree, name)), 0o755))
		must(t, os.Symlink(map[string]string{"self": ".", "up": "..", "top": set.Tree}[filepath.Base(name)], filepath.Join(set.Tree, name)))
	}
	opened, err := NewOpener(t.TempDir(), archive.Limits{}).Open(context.Background(), set)
	must(t, err)
	if opened.Headers != same || opened.Build != set.Tree {
		t.Errorf("the tree has the digest %s, its packages %s", opened.Headers, same)
	}
}

// What sets share is unpacked once, kept while one is expected, and gone after
// the last.
func TestSharedOnce(t *testing.T) {
	dir, scratch := t.TempDir(), t.TempDir()
	archivetest.Write(t, filepath.Join(dir, "common.deb"), commonDeb(t, ".xz"))
	flavours := []string{"amd64", "cloud-amd64", "rt-amd64"}
	for _, f := range flavours {
		archivetest.Write(t, filepath.Join(dir, f+".deb"), archivetest.Deb(t, archivetest.Control("linux-headers-6.1.0-9-"+f, tinyVersion, "amd64", "linux-headers-6.1.0-9-common (= 6.1.99-1)"), ".xz",
			append([]archivetest.File{{Name: "./usr/src/linux-headers-6.1.0-9-" + f + "/Makefile", Text: "include /usr/src/linux-headers-6.1.0-9-common/Makefile\n"}},
				configured("./usr/src/linux-headers-6.1.0-9-"+f+"/", "6.1.0-9-"+f)...)...))
	}
	sets, skipped, err := Find(context.Background(), []string{dir})
	must(t, err)
	if len(sets) != 3 || len(skipped) != 0 {
		t.Fatalf("%d sets, skipped %+v", len(sets), skipped)
	}
	common := func() []string {
		t.Helper()
		found, err := filepath.Glob(filepath.Join(scratch, "headers-*"))
		must(t, err)
		return found
	}
	o := NewOpener(scratch, archive.Limits{})
	o.Expect(sets...)
	first, err := o.Open(context.Background(), sets[0])
	must(t, err)
	kept := common()
	must(t, first.Close())
	if got := common(); len(kept) != 1 || cmp.Diff(kept, got) != "" {
		t.Fatalf("shared headers were in %v and then in %v", kept, got)
	}
	second, err := o.Open(context.Background(), sets[1])
	must(t, err)
	must(t, o.Forget(sets[2]))
	if got := common(); cmp.Diff(kept, got) != "" {
		t.Errorf("shared headers were in %v and then in %v", kept, got)
	}
	must(t, second.Close())
	if left := archivetest.Below(t, scratch); len(left) != 0 {
		t.Errorf("left %v", left)
	}

	// At the same time, and with one that gives up.
	o.Expect(append(sets, sets...)...)
	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	var all sync.WaitGroup
	for _, set := range sets {
		all.Go(func() {
			if _, err := o.Open(cancelled, set); !errors.Is(err, context.Canceled) {
				t.Errorf("a cancelled opening gave %v", err)
			}
		})
		all.Go(func() {
			opened, err := o.Open(context.Background(), set)
			if err != nil {
				t.Error(err)
				return
			}
			if _, err := kbuild.Find(opened.Build); err != nil {
				t.Error(err)
			}
			if err := opened.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if left, err := os.ReadDir(scratch); err != nil || len(left) != 0 {
		t.Errorf("left %v, %v", left, err)
	}
}

// A file that was exchanged after it was found is not taken.
func TestChangedFile(t *testing.T) {
	dir, scratch := t.TempDir(), t.TempDir()
	archivetest.Write(t, filepath.Join(dir, "b.deb"), commonDeb(t, ".xz"))
	path := archivetest.Write(t, filepath.Join(dir, "a.deb"), flavourDeb(t, ".xz"))
	set := findOne(t, dir)
	archivetest.Write(t, path, flavourDeb(t, ".gz"))
	_, err := NewOpener(scratch, archive.Limits{}).Open(context.Background(), set)
	archivetest.WantError(t, err, archive.ErrDamaged, "not the file any more")
	if left := archivetest.Below(t, scratch); len(left) != 0 {
		t.Errorf("left %v", left)
	}
}

// Tarballs of a tree that was built in place are its headers and its source.
func TestOpenTarball(t *testing.T) {
	files := append(sourceFiles("./"), configured("./", "6.1.99-mine")...)
	slices.SortFunc(files, func(a, b archivetest.File) int { return strings.Compare(a.Name, b.Name) })
	var sums []string
	for name, files := range map[string][]archivetest.File{"linux.tar.gz": prefixed("linux/", files), "bare.tar.zst": files, "dot.tar": prefixed("./linux-6.1/", files)} {
		dir, scratch := t.TempDir(), t.TempDir()
		archivetest.Write(t, filepath.Join(dir, name), archivetest.Pack(t, name, archivetest.Tar(t, files...)))
		opened, err := NewOpener(scratch, archive.Limits{}).Open(context.Background(), findOne(t, dir))
		must(t, err)
		tree, err := kbuild.Find(opened.Build)
		must(t, err)
		if tree.Release != "6.1.99-mine" || tree.Source != tree.Build {
			t.Errorf("%s: release %s, source %s of %s", name, tree.Release, tree.Source, tree.Build)
		}
		if text, err := os.ReadFile(filepath.Join(opened.Source, "fs/ext4/super.c")); err != nil || string(text) != "#define CREATE_TRACE_POINTS\n" {
			t.Errorf("%s: source file %q, %v", name, text, err)
		}
		sums = append(sums, opened.Headers)
		must(t, opened.Close())
		if left, err := os.ReadDir(scratch); err != nil || len(left) > 0 {
			t.Errorf("%s: left %v, %v", name, left, err)
		}
	}
	if sums[0] != sums[1] || sums[0] != sums[2] {
		t.Errorf("digests of the same content differ: %v", sums)
	}
}

// A source that is none is said, and a folder of one is left where it is.
func TestOpenSource(t *testing.T) {
	dir := t.TempDir()
	flavour := archivetest.Write(t, filepath.Join(dir, "a.deb"), flavourDeb(t, ".gz"))
	p, err := Inspect(context.Background(), flavour)
	must(t, err)
	open := func(source string) (*Opened, error) {
		scratch := t.TempDir()
		opened, err := NewOpener(scratch, archive.Limits{}).Open(context.Background(), Set{Release: tinyRelease, Headers: []Package{p}, Source: source})
		if err != nil {
			if left := archivetest.Below(t, scratch); len(left) > 0 {
				t.Errorf("%s left %v", source, left)
			}
		}
		return opened, err
	}
	for _, c := range []struct {
		name   string
		data   []byte
		kind   error
		reason string
	}{
		{"no-tarball.deb", commonDeb(t, ".gz"), ErrIncomplete, "no kernel source tree"},
		{"photos.tar", archivetest.Tar(t, archivetest.File{Name: "a/b.jpg", Text: "x"}), ErrIncomplete, "no kernel source tree"},
		{"hostile.tar", archivetest.Tar(t, append(sourceFiles("l/"), archivetest.File{Name: "l/../../x.c", Text: "x"})...), archive.ErrHostile, "leads upwards"},
		{"link.tar", archivetest.Tar(t, append(sourceFiles("l/"), archivetest.File{Name: "l/a.h", Link: "../../x.h"})...), archive.ErrHostile, "leaves the package"},
		{"inside.deb", archivetest.Deb(t, archivetest.Control("linux-source-6.1", "6.1.99-1", "all", ""), ".xz", archivetest.File{Name: "./usr/src/linux-source-6.1.tar", Text: string(archivetest.Tar(t, archivetest.File{Name: "/a.c", Text: "x"}))}), archive.ErrHostile, "absolute path"},
		{"cut.tar.xz", archivetest.Pack(t, ".xz", archivetest.Tar(t, sourceFiles("l/")...))[:300], archive.ErrDamaged, "truncated"},
	} {
		_, err := open(archivetest.Write(t, filepath.Join(dir, "x", c.name), c.data))
		t.Run(c.name, func(t *testing.T) { archivetest.WantError(t, err, c.kind, c.reason) })
	}
	tree := filepath.Join(dir, "linux")
	writeTree(t, tree, sourceFiles("./"))
	opened, err := open(tree)
	must(t, err)
	first := opened.Headers
	must(t, opened.Close())
	if _, err := os.Stat(filepath.Join(tree, "init/main.c")); err != nil || opened.Source != tree {
		t.Errorf("the source is %s, %v", opened.Source, err)
	}
	for name, changes := range map[string]bool{"README": false, "fs/ext4/inode.c": false, "fs/ext4/super.c": true, "include/linux/tracepoint.h": true} {
		archivetest.Write(t, filepath.Join(tree, name), []byte("#define CREATE_TRACE_POINTS\n"+name))
		if name == "fs/ext4/inode.c" {
			archivetest.Write(t, filepath.Join(tree, name), []byte("other"))
		}
		opened, err := open(tree)
		must(t, err)
		if (opened.Headers != first) != changes {
			t.Errorf("%s changes the digest: %v, want %v", name, !changes, changes)
		}
		first = opened.Headers
		must(t, opened.Close())
	}
}
