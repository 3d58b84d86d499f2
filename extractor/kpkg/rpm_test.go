package kpkg

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tpinfo/tpinfo/extractor/kbuild"
	"github.com/tpinfo/tpinfo/extractor/kpkg/archive"
	"github.com/tpinfo/tpinfo/extractor/kpkg/archive/archivetest"
	"github.com/tpinfo/tpinfo/fixtures/tier"
)

const (
	fedoraRelease = "6.1.99-300.fc40.x86_64"
	fedoraDir     = "./usr/src/kernels/6.1.99-300.fc40.x86_64/"
)

// fedoraDevel is laid out as Fedora's kernel-devel.
func fedoraDevel() archivetest.RPM {
	files := append(plain(fedoraDir), configured(fedoraDir, fedoraRelease)...)
	files = append(files, archivetest.File{Name: "./lib/modules/" + fedoraRelease + "/build", Link: "/usr/src/kernels/" + fedoraRelease})
	return archivetest.RPM{
		Name: "kernel-devel", Version: "6.1.99", Release: "300.fc40", Arch: "x86_64",
		Requires: [][2]string{{"findutils", ""}}, Files: files, Packing: ".zst",
	}
}

func fedoraCore() archivetest.RPM {
	return archivetest.RPM{Name: "kernel-core", Version: "6.1.99", Release: "300.fc40", Arch: "x86_64", Packing: ".xz", Files: []archivetest.File{
		{Name: "./lib/modules/" + fedoraRelease + "/.vmlinuz.hmac", Text: "sum"},
		{Name: "./lib/modules/" + fedoraRelease + "/vmlinuz", Text: "the kernel"},
	}}
}

// suse are the parts of openSUSE's kernel-default-devel, kernel-devel and
// kernel-default.
func suse() (flavour, common, kernel archivetest.RPM) {
	const dir, obj = "./usr/src/linux-6.4.0-150600.23/", "./usr/src/linux-6.4.0-150600.23-obj/x86_64/default/"
	flavour = archivetest.RPM{
		Name: "kernel-default-devel", Version: "6.4.0", Release: "150600.23.7.3", Arch: "x86_64", Packing: ".xz",
		Requires: [][2]string{{"kernel-devel", "6.4.0-150600.23.7.3"}},
		Files: append([]archivetest.File{{Name: obj + "Makefile", Text: "include /usr/src/linux-6.4.0-150600.23/Makefile\n"}},
			configured(obj, "6.4.0-150600.23-default")...),
	}
	common = archivetest.RPM{Name: "kernel-devel", Version: "6.4.0", Release: "150600.23.7.3", Arch: "noarch", Packing: ".xz", Files: plain(dir)}
	kernel = archivetest.RPM{Name: "kernel-default", Version: "6.4.0", Release: "150600.23.7.3", Arch: "x86_64", Packing: ".xz",
		Files: []archivetest.File{{Name: "./usr/lib/modules/6.4.0-150600.23-default/vmlinuz", Text: "the kernel"}}}
	return flavour, common, kernel
}

func TestFindRPM(t *testing.T) {
	dir := t.TempDir()
	flavour, common, kernel := suse()
	lonely := flavour
	lonely.Name, lonely.Requires = "kernel-azure-devel", [][2]string{{"kernel-devel-azure", "6.4.0-150600.8.1"}}
	source := archivetest.RPM{Name: "kernel", Version: "6.1.99", Release: "300.fc40", Arch: "x86_64", Source: true, Files: []archivetest.File{{Name: "linux.tar.xz", Text: "x"}}}
	tools := archivetest.RPM{Name: "kernel-tools", Version: "6.1.99", Release: "300.fc40", Arch: "x86_64", Files: []archivetest.File{{Name: "./usr/bin/turbostat", Text: "x"}}}
	for name, p := range map[string]archivetest.RPM{
		"devel.rpm": fedoraDevel(), "core.rpm": fedoraCore(), "flavour.rpm": flavour, "common.rpm": common, "kernel.rpm": kernel,
		"lonely.rpm": lonely, "source.rpm": source, "tools.rpm": tools,
	} {
		archivetest.Write(t, filepath.Join(dir, name), p.Build(t))
	}
	sets, skipped := told(t, dir)
	want := []string{
		fedoraRelease + " x86_64: kernel-devel=6.1.99-300.fc40 + kernel-core",
		"6.4.0-150600.23-default x86_64: kernel-default-devel=6.4.0-150600.23.7.3 kernel-devel=6.4.0-150600.23.7.3 + kernel-default",
	}
	if diff := cmp.Diff(want, sets); diff != "" {
		t.Error(diff)
	}
	want = []string{
		"lonely.rpm: its headers go on in the package kernel-devel-azure, version 6.4.0-150600.8.1, which is not among the files that can be read <- that package, beside this one",
		"source.rpm (quiet): kernel is not needed: it holds sources as a distribution builds them from; the tree is in the file that unpacks from it",
		"tools.rpm (quiet): kernel-tools is not needed: it holds neither kernel headers nor a kernel",
	}
	if diff := cmp.Diff(want, skipped); diff != "" {
		t.Error(diff)
	}
}

func TestOpenRPM(t *testing.T) {
	flavour, common, kernel := suse()
	for _, c := range []struct {
		name     string
		packages []archivetest.RPM
		release  string
	}{
		{"Fedora", []archivetest.RPM{fedoraDevel(), fedoraCore()}, fedoraRelease},
		{"openSUSE", []archivetest.RPM{flavour, common, kernel}, "6.4.0-150600.23-default"},
	} {
		for _, form := range [][2]string{{archivetest.CpioNew, ""}, {archivetest.CpioNew, ".gz"}, {archivetest.CpioCRC, ".xz"}, {archivetest.CpioStripped, ".zst"}} {
			t.Run(c.name+form[0]+form[1], func(t *testing.T) {
				dir, scratch := t.TempDir(), t.TempDir()
				for i, p := range c.packages {
					p.Format, p.Packing = form[0], form[1]
					archivetest.Write(t, filepath.Join(dir, fmt.Sprint(i)+".rpm"), p.Build(t))
				}
				opened, err := NewOpener(scratch, archive.Limits{}).Open(context.Background(), findOne(t, dir))
				must(t, err)
				tree, err := kbuild.Find(opened.Build)
				must(t, err)
				header, err := os.ReadFile(filepath.Join(tree.Source, "include/dt-bindings/codes.h"))
				if tree.Release != c.release || err != nil || string(header) != "/* tracepoints */\n" {
					t.Errorf("release %s, header %q, %v", tree.Release, header, err)
				}
				if image, err := os.ReadFile(opened.BTF); err != nil || string(image) != "the kernel" {
					t.Errorf("the image is %q, %v", image, err)
				}
				must(t, opened.Close())
				if left := archivetest.Below(t, scratch); len(left) > 0 {
					t.Errorf("left %v", left)
				}
			})
		}
	}
}

// An RPM that rpmbuild made is opened to what rpm2cpio and cpio make of it.
func TestRPMBuild(t *testing.T) {
	tier.Need(t, tier.Trees)
	for _, program := range []string{"rpmbuild", "rpm2cpio", "cpio"} {
		if _, err := exec.LookPath(program); err != nil {
			tier.Skip(t, "no %s; apt-get install rpm cpio", program)
		}
	}
	for _, payload := range []string{"w9.gzdio", "w6.xzdio", "w3.zstdio", "w9.bzdio"} {
		t.Run(payload, func(t *testing.T) {
			dir := t.TempDir()
			root := filepath.Join(dir, "root")
			files := append(plain("./usr/src/kernels/6.1.99-1.x86_64/"), configured("./usr/src/kernels/6.1.99-1.x86_64/", "6.1.99-1.x86_64")...)
			writeTree(t, root, files)
			must(t, os.Link(filepath.Join(root, "usr/src/kernels/6.1.99-1.x86_64/include/linux/tracepoint.h"), filepath.Join(root, "usr/src/kernels/6.1.99-1.x86_64/include/linux/another.h")))
			spec := archivetest.Write(t, filepath.Join(dir, "x.spec"), []byte(`Name: kernel-devel
Version: 6.1.99
Release: 1
Summary: headers
License: GPL-2.0
Requires: findutils
%global __os_install_post %{nil}
AutoReqProv: no
%description
headers
%install
cp -a `+root+`/. %{buildroot}
%files
/usr/src/kernels
`))
			cmd := exec.Command("rpmbuild", "-bb", "--target", "x86_64", "--define", "_topdir "+dir, "--define", "_binary_payload "+payload, "--buildroot", filepath.Join(dir, "buildroot"), spec)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("rpmbuild: %v: %s", err, out)
			}
			set := findOne(t, filepath.Join(dir, "RPMS"))
			if set.Release != "6.1.99-1.x86_64" || set.Headers[0].Version != "6.1.99-1" || !slices.Contains(set.Headers[0].Depends, "findutils") {
				t.Errorf("found %+v", set)
			}
			opened, err := NewOpener(t.TempDir(), archive.Limits{}).Open(context.Background(), set)
			must(t, err)
			theirs := filepath.Join(dir, "theirs")
			must(t, os.Mkdir(theirs, 0o755))
			cmd = exec.Command("sh", "-c", `rpm2cpio "$1" | cpio -idm --quiet`, "sh", set.Headers[0].Path)
			cmd.Dir = theirs
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("cpio: %v: %s", err, out)
			}
			want := map[string]string{}
			for name, text := range archivetest.Below(t, filepath.Join(theirs, "usr/src/kernels/6.1.99-1.x86_64")) {
				if headerFile(name) {
					want[name] = text
				}
			}
			if diff := cmp.Diff(want, archivetest.Below(t, opened.Build)); diff != "" || len(want) < 12 {
				t.Errorf("%d Files: %s", len(want), diff)
			}
		})
	}
}
