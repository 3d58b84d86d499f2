package kpkg

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/sassoftware/go-rpmutils"

	"github.com/tpinfo/tpinfo/extractor/kbuild"
	"github.com/tpinfo/tpinfo/fixtures/tier"
)

const (
	fedoraRelease = "6.1.99-300.fc40.x86_64"
	fedoraDir     = "./usr/src/kernels/6.1.99-300.fc40.x86_64/"
)

// fedoraDevel is laid out as Fedora's kernel-devel.
func fedoraDevel() rpm {
	files := append(plain(fedoraDir), configured(fedoraDir, fedoraRelease)...)
	files = append(files, file{name: "./lib/modules/" + fedoraRelease + "/build", link: "/usr/src/kernels/" + fedoraRelease})
	return rpm{
		name: "kernel-devel", version: "6.1.99", release: "300.fc40", arch: "x86_64",
		requires: [][2]string{{"findutils", ""}}, files: files, packing: ".zst",
	}
}

func fedoraCore() rpm {
	return rpm{name: "kernel-core", version: "6.1.99", release: "300.fc40", arch: "x86_64", packing: ".xz", files: []file{
		{name: "./lib/modules/" + fedoraRelease + "/.vmlinuz.hmac", text: "sum"},
		{name: "./lib/modules/" + fedoraRelease + "/vmlinuz", text: "the kernel"},
	}}
}

// suse are the parts of openSUSE's kernel-default-devel, kernel-devel and
// kernel-default.
func suse() (flavour, common, kernel rpm) {
	const dir, obj = "./usr/src/linux-6.4.0-150600.23/", "./usr/src/linux-6.4.0-150600.23-obj/x86_64/default/"
	flavour = rpm{
		name: "kernel-default-devel", version: "6.4.0", release: "150600.23.7.3", arch: "x86_64", packing: ".xz",
		requires: [][2]string{{"kernel-devel", "6.4.0-150600.23.7.3"}},
		files: append([]file{{name: obj + "Makefile", text: "include /usr/src/linux-6.4.0-150600.23/Makefile\n"}},
			configured(obj, "6.4.0-150600.23-default")...),
	}
	common = rpm{name: "kernel-devel", version: "6.4.0", release: "150600.23.7.3", arch: "noarch", packing: ".xz", files: plain(dir)}
	kernel = rpm{name: "kernel-default", version: "6.4.0", release: "150600.23.7.3", arch: "x86_64", packing: ".xz",
		files: []file{{name: "./usr/lib/modules/6.4.0-150600.23-default/vmlinuz", text: "the kernel"}}}
	return flavour, common, kernel
}

func TestFindRPM(t *testing.T) {
	dir := t.TempDir()
	flavour, common, kernel := suse()
	lonely := flavour
	lonely.name, lonely.requires = "kernel-azure-devel", [][2]string{{"kernel-devel-azure", "6.4.0-150600.8.1"}}
	source := rpm{name: "kernel", version: "6.1.99", release: "300.fc40", arch: "x86_64", source: true, files: []file{{name: "linux.tar.xz", text: "x"}}}
	tools := rpm{name: "kernel-tools", version: "6.1.99", release: "300.fc40", arch: "x86_64", files: []file{{name: "./usr/bin/turbostat", text: "x"}}}
	for name, p := range map[string]rpm{
		"devel.rpm": fedoraDevel(), "core.rpm": fedoraCore(), "flavour.rpm": flavour, "common.rpm": common, "kernel.rpm": kernel,
		"lonely.rpm": lonely, "source.rpm": source, "tools.rpm": tools,
	} {
		write(t, filepath.Join(dir, name), p.build(t))
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
		packages []rpm
		release  string
	}{
		{"Fedora", []rpm{fedoraDevel(), fedoraCore()}, fedoraRelease},
		{"openSUSE", []rpm{flavour, common, kernel}, "6.4.0-150600.23-default"},
	} {
		for _, form := range [][2]string{{cpioNew, ""}, {cpioNew, ".gz"}, {cpioCRC, ".xz"}, {cpioStripped, ".zst"}} {
			t.Run(c.name+form[0]+form[1], func(t *testing.T) {
				dir, scratch := t.TempDir(), t.TempDir()
				for i, p := range c.packages {
					p.format, p.packing = form[0], form[1]
					write(t, filepath.Join(dir, fmt.Sprint(i)+".rpm"), p.build(t))
				}
				opened, err := NewOpener(scratch, Limits{}).Open(context.Background(), findOne(t, dir))
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
				if left := filesBelow(t, scratch); len(left) > 0 {
					t.Errorf("left %v", left)
				}
			})
		}
	}
}

// cpioEntry writes one entry as it is told to.
func cpioEntry(b *bytes.Buffer, name string, ino, mode, nlink uint32, text string) {
	fmt.Fprintf(b, "%s%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%s\x00", cpioNew,
		ino, mode, 0, 0, nlink, 0, len(text), 0, 0, 0, 0, len(name)+1, 0, name)
	for b.Len()%4 != 0 {
		b.WriteByte(0)
	}
	b.WriteString(text)
	for b.Len()%4 != 0 {
		b.WriteByte(0)
	}
}

func TestOpenRefusesCpio(t *testing.T) {
	const in = fedoraDir + "include/"
	payload := func(write func(b *bytes.Buffer)) []byte {
		var b bytes.Buffer
		write(&b)
		cpioEntry(&b, cpioTrailer, 0, 0, 1, "")
		return b.Bytes()
	}
	entry := func(name string, mode uint32, text string) []byte {
		return payload(func(b *bytes.Buffer) { cpioEntry(b, name, 1, mode, 1, text) })
	}
	for _, c := range []struct {
		name    string
		payload []byte
		kind    error
		reason  string
	}{
		{"absolute path", entry("/etc/passwd", 0o100644, "x"), ErrHostile, "absolute path"},
		{"upwards", entry(in+"../../../../../x", 0o100644, "x"), ErrHostile, "leads upwards"},
		{"name with a zero", entry(in+"a\x00b", 0o100644, "x"), ErrHostile, "control character"},
		{"no name", entry("", 0o100644, "x"), ErrHostile, "no name"},
		{"long name", entry(in+strings.Repeat("x", 5000), 0o100644, "x"), ErrTooLarge, "over the limit of 1024"},
		{"link out", entry(in+"a", 0o120777, "../../../../../../etc/passwd"), ErrHostile, "leaves the package"},
		{"long link", entry(in+"a", 0o120777, strings.Repeat("x/", 2000)), ErrTooLarge, "a link to a name of"},
		{"device", entry(in+"a", 0o020644, ""), ErrHostile, "a device"},
		{"block device", entry(in+"a", 0o060644, ""), ErrHostile, "a device"},
		{"pipe", entry(in+"a", 0o010644, ""), ErrHostile, "a named pipe"},
		{"socket", entry(in+"a", 0o140644, ""), ErrHostile, "a socket"},
		{"unknown kind", entry(in+"a", 0o150644, ""), ErrHostile, "of an unknown kind"},
		{"setuid", entry("./usr/bin/su", 0o104755, "x"), ErrHostile, "a file with the mode"},
		{"twice", payload(func(b *bytes.Buffer) {
			cpioEntry(b, in+"a.h", 1, 0o100644, 1, "x")
			cpioEntry(b, in+"a.h", 2, 0o100644, 1, "y")
		}), ErrHostile, "there twice"},
		{"old format", []byte("070707" + strings.Repeat("0", 100)), ErrDamaged, `starts with "070707"`},
		{"size that is no number", []byte(cpioNew + strings.Repeat("zzzzzzzz", 13)), ErrDamaged, "the number"},
		{"size of four gigabytes", bytes.Replace(entry(in+"a", 0o100644, "x"), []byte("00000001000000000000000000000000000000000000"), []byte("ffffffff000000000000000000000000000000000000"), 1), ErrDamaged, "ends too early"},
		{"number of no file", []byte(cpioStripped + "000000ff\x00\x00"), ErrDamaged, "has file 255"},
		{"without a trailer", entry(in+"a", 0o100644, "x")[:200], ErrDamaged, "ends too early"},
		{"nothing", nil, ErrDamaged, "ends too early"},
	} {
		t.Run(c.name, func(t *testing.T) {
			wantError(t, openBytes(t, fedoraDevel().with(c.payload), RPM, Limits{}), c.kind, c.reason)
		})
	}
}

// Files of several names have their content with the last one (newc), or with
// the last of the header's list (stripped).
func TestHardlinksRPM(t *testing.T) {
	var b bytes.Buffer
	for _, f := range configured(fedoraDir, fedoraRelease) {
		cpioEntry(&b, f.name, 100, 0o100644, 1, f.text)
	}
	const in = fedoraDir + "include/linux/"
	cpioEntry(&b, in+"one.h", 7, 0o100644, 3, "")
	cpioEntry(&b, in+"empty.h", 8, 0o100644, 2, "")
	cpioEntry(&b, in+"two.h", 7, 0o100644, 3, "")
	cpioEntry(&b, in+"three.h", 7, 0o100644, 3, "text")
	cpioEntry(&b, in+"empty2.h", 8, 0o100644, 2, "")
	cpioEntry(&b, cpioTrailer, 0, 0, 1, "")
	dir := t.TempDir()
	p := Package{Path: write(t, filepath.Join(dir, "x.rpm"), fedoraDevel().with(b.Bytes())), Format: RPM}
	opened, err := NewOpener(dir, Limits{}).Open(context.Background(), Set{Headers: []Package{p}})
	must(t, err)
	want := map[string]string{"one.h": "text", "two.h": "text", "three.h": "text", "empty.h": "", "empty2.h": ""}
	if diff := cmp.Diff(want, filesBelow(t, filepath.Join(opened.Build, "include/linux"))); diff != "" {
		t.Error(diff)
	}
}

// Our packages are read by go-rpmutils as they were meant.
func TestRPMOracle(t *testing.T) {
	p := fedoraDevel()
	theirs, err := rpmutils.ReadRpm(bytes.NewReader(p.build(t)))
	must(t, err)
	nevra, err := theirs.Header.GetNEVRA()
	must(t, err)
	if nevra.String() != "kernel-devel-0:6.1.99-300.fc40.x86_64.rpm" {
		t.Errorf("they read %v", nevra)
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
			spec := write(t, filepath.Join(dir, "x.spec"), []byte(`Name: kernel-devel
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
			opened, err := NewOpener(t.TempDir(), Limits{}).Open(context.Background(), set)
			must(t, err)
			theirs := filepath.Join(dir, "theirs")
			must(t, os.Mkdir(theirs, 0o755))
			cmd = exec.Command("sh", "-c", `rpm2cpio "$1" | cpio -idm --quiet`, "sh", set.Headers[0].Path)
			cmd.Dir = theirs
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("cpio: %v: %s", err, out)
			}
			want := map[string]string{}
			for name, text := range filesBelow(t, filepath.Join(theirs, "usr/src/kernels/6.1.99-1.x86_64")) {
				if headerFile(name) {
					want[name] = text
				}
			}
			if diff := cmp.Diff(want, filesBelow(t, opened.Build)); diff != "" || len(want) < 12 {
				t.Errorf("%d files: %s", len(want), diff)
			}
		})
	}
}
