package kpkg

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tpinfo/tpinfo/extractor/kpkg/archive/archivetest"
)

// deb is an almost empty package for tests of finding: only what it says of
// itself counts.
func deb(t testing.TB, dir, name, version, arch, depends string) string {
	t.Helper()
	return archivetest.Write(t, filepath.Join(dir, name+"_"+version+"_"+arch+".deb"), archivetest.Deb(t, archivetest.Control(name, version, arch, depends), ".gz", archivetest.File{Name: "./x", Text: name + version}))
}

// told is what Find says, in short: sets as "RELEASE ARCH: headers + images <
// source", and what was skipped as "FILE: reason", or "FILE (quiet)".
func told(t *testing.T, dir string, paths ...string) (sets, skipped []string) {
	t.Helper()
	if len(paths) == 0 {
		paths = []string{dir}
	}
	found, left, err := Find(context.Background(), paths)
	must(t, err)
	for _, s := range found {
		line := s.Release + " " + s.Arch + ":"
		for _, p := range s.Headers {
			line += " " + p.Name + "=" + p.Version
		}
		if s.Tree != "" {
			line += " " + strings.TrimPrefix(s.Tree, dir+"/")
		}
		for _, p := range s.Image {
			line += " + " + p.Name
		}
		if s.Source != "" {
			line += " < " + strings.TrimPrefix(s.Source, dir+"/")
		}
		if s.NoSource != "" {
			line += " (" + s.NoSource + ")"
		}
		sets = append(sets, line)
	}
	for _, s := range left {
		line := strings.TrimPrefix(s.Path, dir+"/")
		if s.NotNeeded {
			line += " (quiet)"
		}
		line += ": " + s.Reason
		for _, supply := range s.Supply {
			line += " <- " + supply
		}
		skipped = append(skipped, strings.ReplaceAll(line, dir+"/", ""))
	}
	return sets, skipped
}

func TestFindPackages(t *testing.T) {
	for _, c := range []struct {
		name          string
		make          func(t *testing.T, dir string)
		sets, skipped []string
	}{
		{"Debian", func(t *testing.T, dir string) {
			deb(t, dir, "linux-headers-6.1.0-9-amd64", "6.1.99-1", "amd64", "linux-headers-6.1.0-9-common (= 6.1.99-1), linux-kbuild-6.1 (>= 6.1.99-1)")
			deb(t, dir, "linux-headers-6.1.0-9-rt-amd64", "6.1.99-1", "amd64", "linux-headers-6.1.0-9-common-rt (= 6.1.99-1)")
			deb(t, dir, "linux-headers-6.1.0-9-arm64", "6.1.99-1", "arm64", "linux-headers-6.1.0-9-common (= 6.1.99-1)")
			deb(t, dir, "linux-headers-6.1.0-9-common", "6.1.99-1", "all", "")
			deb(t, dir, "linux-headers-6.1.0-9-common-rt", "6.1.99-1", "all", "")
			deb(t, dir, "linux-headers-6.1.0-9-all-amd64", "6.1.99-1", "amd64", "linux-headers-6.1.0-9-amd64 (= 6.1.99-1)")
			deb(t, dir, "linux-headers-amd64", "6.1.99-1", "amd64", "linux-headers-6.1.0-9-amd64 (= 6.1.99-1)")
			deb(t, dir, "linux-kbuild-6.1", "6.1.99-1", "amd64", "")
			deb(t, dir, "linux-doc-6.1", "6.1.99-1", "all", "")
			deb(t, dir, "linux-image-6.1.0-9-amd64", "6.1.99-1", "amd64", "")
			deb(t, dir, "linux-image-6.1.0-9-amd64-unsigned", "6.1.99-1", "amd64", "")
			deb(t, dir, "linux-image-6.1.0-9-amd64-dbg", "6.1.99-1", "amd64", "")
			deb(t, dir, "linux-source-6.1", "6.1.99-1", "all", "")
		}, []string{
			"6.1.0-9-amd64 amd64: linux-headers-6.1.0-9-amd64=6.1.99-1 linux-headers-6.1.0-9-common=6.1.99-1 + linux-image-6.1.0-9-amd64 < linux-source-6.1_6.1.99-1_all.deb",
			"6.1.0-9-arm64 arm64: linux-headers-6.1.0-9-arm64=6.1.99-1 linux-headers-6.1.0-9-common=6.1.99-1 < linux-source-6.1_6.1.99-1_all.deb",
			"6.1.0-9-rt-amd64 amd64: linux-headers-6.1.0-9-rt-amd64=6.1.99-1 linux-headers-6.1.0-9-common-rt=6.1.99-1 (its private tracepoints are left out: it was built with real-time patches, which linux-source-6.1_6.1.99-1_all.deb lacks (on Debian they are in the source package linux))",
		}, []string{
			"linux-doc-6.1_6.1.99-1_all.deb (quiet): linux-doc-6.1 is not needed: it holds neither kernel headers nor a kernel",
			"linux-headers-6.1.0-9-all-amd64_6.1.99-1_amd64.deb (quiet): linux-headers-6.1.0-9-all-amd64 is not needed: it only names the header packages of all flavours",
			"linux-headers-amd64_6.1.99-1_amd64.deb (quiet): linux-headers-amd64 is not needed: it holds neither kernel headers nor a kernel",
			"linux-image-6.1.0-9-amd64-dbg_6.1.99-1_amd64.deb (quiet): linux-image-6.1.0-9-amd64-dbg is not needed: it holds debugging data, and headers and image say the same",
			"linux-image-6.1.0-9-amd64-unsigned_6.1.99-1_amd64.deb (quiet): linux-image-6.1.0-9-amd64-unsigned is not needed: linux-image-6.1.0-9-amd64 has the same kernel",
			"linux-kbuild-6.1_6.1.99-1_amd64.deb (quiet): linux-kbuild-6.1 is not needed: it holds neither kernel headers nor a kernel",
		}},
		{"image in parts", func(t *testing.T, dir string) {
			deb(t, dir, "linux-headers-7.3.4+deb13-amd64", "7.3.4-1", "amd64", "linux-base-7.3.4+deb13-amd64, linux-headers-7.3.4+deb13-common (= 7.3.4-1)")
			deb(t, dir, "linux-headers-7.3.4+deb13-common", "7.3.4-1", "all", "")
			deb(t, dir, "linux-image-7.3.4+deb13-amd64", "7.3.4-1", "amd64", "linux-binary-7.3.4+deb13-amd64 (= 7.3.4-1), linux-modules-7.3.4+deb13-amd64")
			deb(t, dir, "linux-binary-7.3.4+deb13-amd64", "7.3.4-1", "amd64", "")
			deb(t, dir, "linux-modules-7.3.4+deb13-amd64", "7.3.4-1", "amd64", "")
		}, []string{
			"7.3.4+deb13-amd64 amd64: linux-headers-7.3.4+deb13-amd64=7.3.4-1 linux-headers-7.3.4+deb13-common=7.3.4-1 + linux-binary-7.3.4+deb13-amd64",
		}, []string{
			"linux-image-7.3.4+deb13-amd64_7.3.4-1_amd64.deb (quiet): linux-image-7.3.4+deb13-amd64 is not needed: the kernel itself is in linux-binary-7.3.4+deb13-amd64",
			"linux-modules-7.3.4+deb13-amd64_7.3.4-1_amd64.deb (quiet): linux-modules-7.3.4+deb13-amd64 is not needed: it holds neither kernel headers nor a kernel",
		}},
		{"Ubuntu", func(t *testing.T, dir string) {
			deb(t, dir, "linux-headers-5.15.0-25-generic", "5.15.0-25.25", "amd64", "linux-headers-5.15.0-25, libc6 (>= 2.34)")
			deb(t, dir, "linux-headers-5.15.0-25", "5.15.0-25.25", "all", "")
			deb(t, dir, "linux-headers-5.15.0-1001-aws", "5.15.0-1001.2", "amd64", "linux-aws-headers-5.15.0-1001")
			deb(t, dir, "linux-aws-headers-5.15.0-1001", "5.15.0-1001.2", "all", "")
			deb(t, dir, "linux-image-unsigned-5.15.0-25-generic", "5.15.0-25.25", "amd64", "")
			deb(t, dir, "linux-source-5.15.0", "5.15.0-25.25", "all", "")
		}, []string{
			"5.15.0-1001-aws amd64: linux-headers-5.15.0-1001-aws=5.15.0-1001.2 linux-aws-headers-5.15.0-1001=5.15.0-1001.2",
			"5.15.0-25-generic amd64: linux-headers-5.15.0-25-generic=5.15.0-25.25 linux-headers-5.15.0-25=5.15.0-25.25 + linux-image-unsigned-5.15.0-25-generic < linux-source-5.15.0_5.15.0-25.25_all.deb",
		}, nil},
		{"make bindeb-pkg", func(t *testing.T, dir string) {
			deb(t, dir, "linux-headers-6.8.0-mine", "6.8.0-1", "amd64", "")
			deb(t, dir, "linux-image-6.8.0-mine", "6.8.0-1", "amd64", "")
		}, []string{"6.8.0-mine amd64: linux-headers-6.8.0-mine=6.8.0-1 + linux-image-6.8.0-mine"}, nil},
		{"without the shared part", func(t *testing.T, dir string) {
			deb(t, dir, "linux-headers-6.1.0-9-amd64", "6.1.99-1", "amd64", "linux-headers-6.1.0-9-common (= 6.1.99-1)")
		}, nil, []string{
			"linux-headers-6.1.0-9-amd64_6.1.99-1_amd64.deb: its headers go on in the package linux-headers-6.1.0-9-common, version 6.1.99-1, which is not among the files that can be read <- that package, beside this one",
		}},
		{"shared part of another version", func(t *testing.T, dir string) {
			deb(t, dir, "linux-headers-6.1.0-9-amd64", "6.1.99-1", "amd64", "linux-headers-6.1.0-9-common (= 6.1.99-1)")
			deb(t, dir, "linux-headers-6.1.0-9-common", "6.1.98-1", "all", "")
		}, nil, []string{
			"linux-headers-6.1.0-9-amd64_6.1.99-1_amd64.deb: its headers go on in the package linux-headers-6.1.0-9-common, version 6.1.99-1, which is not among the files that can be read (version 6.1.98-1 is) <- that package, beside this one",
			"linux-headers-6.1.0-9-common_6.1.98-1_all.deb (quiet): linux-headers-6.1.0-9-common is not needed: no flavour's headers among the files are built on it",
		}},
		{"several versions of one release", func(t *testing.T, dir string) {
			for _, v := range []string{"6.1.98-1", "6.1.99-1"} {
				deb(t, dir, "linux-headers-6.1.0-9-amd64", v, "amd64", "linux-headers-6.1.0-9-common (= "+v+")")
				deb(t, dir, "linux-headers-6.1.0-9-common", v, "all", "")
			}
			deb(t, dir, "linux-image-6.1.0-9-amd64", "6.1.99-1", "amd64", "")
			deb(t, dir, "linux-image-6.1.0-9-cloud-amd64", "6.1.99-1", "amd64", "")
		}, []string{
			"6.1.0-9-amd64 amd64: linux-headers-6.1.0-9-amd64=6.1.98-1 linux-headers-6.1.0-9-common=6.1.98-1",
			"6.1.0-9-amd64 amd64: linux-headers-6.1.0-9-amd64=6.1.99-1 linux-headers-6.1.0-9-common=6.1.99-1 + linux-image-6.1.0-9-amd64",
		}, []string{
			"linux-image-6.1.0-9-cloud-amd64_6.1.99-1_amd64.deb: there are no headers of the kernel 6.1.0-9-cloud-amd64 for amd64 among the files <- the header package of that kernel",
		}},
		{"image of another version", func(t *testing.T, dir string) {
			deb(t, dir, "linux-headers-6.8.0-mine", "6.8.0-1", "amd64", "")
			deb(t, dir, "linux-image-6.8.0-mine", "6.8.0-2", "amd64", "")
		}, []string{"6.8.0-mine amd64: linux-headers-6.8.0-mine=6.8.0-1"}, []string{
			"linux-image-6.8.0-mine_6.8.0-2_amd64.deb: it is version 6.8.0-2 of the kernel 6.8.0-mine, and the headers are of version 6.8.0-1 <- the image of version 6.8.0-1",
		}},
		{"copies and namesakes", func(t *testing.T, dir string) {
			deb(t, dir, "linux-headers-6.8.0-mine", "6.8.0-1", "amd64", "")
			deb(t, filepath.Join(dir, "again"), "linux-headers-6.8.0-mine", "6.8.0-1", "amd64", "")
			archivetest.Write(t, filepath.Join(dir, "other.deb"), archivetest.Deb(t, archivetest.Control("linux-headers-6.8.0-mine", "6.8.0-1", "amd64", ""), ".gz", archivetest.File{Name: "./x", Text: "other content"}))
			must(t, os.Symlink("other.deb", filepath.Join(dir, "link.deb")))
		}, []string{
			"6.8.0-mine amd64: linux-headers-6.8.0-mine=6.8.0-1",
			"6.8.0-mine amd64: linux-headers-6.8.0-mine=6.8.0-1",
		}, []string{
			"linux-headers-6.8.0-mine_6.8.0-1_amd64.deb (quiet): it is the same as again/linux-headers-6.8.0-mine_6.8.0-1_amd64.deb",
		}},
		{"namesakes of a shared part", func(t *testing.T, dir string) {
			deb(t, dir, "linux-headers-6.1.0-9-amd64", "6.1.99-1", "amd64", "linux-headers-6.1.0-9-common (= 6.1.99-1)")
			deb(t, dir, "linux-headers-6.1.0-9-common", "6.1.99-1", "all", "")
			archivetest.Write(t, filepath.Join(dir, "other.deb"), archivetest.Deb(t, archivetest.Control("linux-headers-6.1.0-9-common", "6.1.99-1", "all", ""), ".gz", archivetest.File{Name: "./x", Text: "other content"}))
		}, []string{
			"6.1.0-9-amd64 amd64: linux-headers-6.1.0-9-amd64=6.1.99-1 linux-headers-6.1.0-9-common=6.1.99-1",
			"6.1.0-9-amd64 amd64: linux-headers-6.1.0-9-amd64=6.1.99-1 linux-headers-6.1.0-9-common=6.1.99-1",
		}, nil},
		{"files that are nothing", func(t *testing.T, dir string) {
			archivetest.Write(t, filepath.Join(dir, "empty.deb"), nil)
			archivetest.Write(t, filepath.Join(dir, "page.deb"), []byte("<html>not found</html>"))
			archivetest.Write(t, filepath.Join(dir, "cut.deb"), flavourDeb(t, ".xz")[:500])
			archivetest.Write(t, filepath.Join(dir, "readme.txt"), []byte("no package"))
			archivetest.Write(t, filepath.Join(dir, "photos.tar"), archivetest.Tar(t, archivetest.File{Name: "a/b.jpg", Text: "x"}))
			archivetest.Write(t, filepath.Join(dir, "cut.tar.xz"), archivetest.Pack(t, ".xz", archivetest.Tar(t, sourceFiles("linux-6.1.99/")...))[:200])
			must(t, os.Symlink("nowhere", filepath.Join(dir, "dangling.deb")))
		}, nil, []string{
			"cut.deb: damaged: entry \"data.tar.xz\": it ends too early <- fetch the file again",
			"cut.tar.xz: damaged: xz: data is truncated or corrupt <- fetch the file again",
			"dangling.deb: stat dangling.deb: no such file or directory",
			"empty.deb: damaged: it is empty <- fetch the file again",
			"page.deb: not a kernel package: it is neither a .deb nor an .rpm file <- give .deb or .rpm files, a tarball or the folder of a kernel tree",
			"photos.tar (quiet): it holds neither a build tree nor a kernel's source",
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			c.make(t, dir)
			sets, skipped := told(t, dir)
			if diff := cmp.Diff(c.sets, sets); diff != "" {
				t.Errorf("sets: %s", diff)
			}
			if diff := cmp.Diff(c.skipped, skipped); diff != "" {
				t.Errorf("skipped: %s", diff)
			}
		})
	}
}

// writeTree puts files where a package would.
func writeTree(t testing.TB, root string, files []archivetest.File) {
	t.Helper()
	for _, f := range files {
		path := filepath.Join(root, f.Name)
		if f.Link == "" {
			archivetest.Write(t, path, []byte(f.Text))
			continue
		}
		must(t, os.MkdirAll(filepath.Dir(path), 0o755))
		must(t, os.Symlink(f.Link, path))
	}
}

func TestFindTrees(t *testing.T) {
	full := append(sourceFiles("./"), configured("./", "6.1.99-mine")...)
	slices.SortFunc(full, func(a, b archivetest.File) int { return strings.Compare(a.Name, b.Name) }) // as tar would pack a folder
	for _, c := range []struct {
		name          string
		make          func(t *testing.T, dir string)
		sets, skipped []string
	}{
		{"unpacked packages", func(t *testing.T, dir string) {
			writeTree(t, dir, flavourFiles())
			writeTree(t, dir, plain(commonDir))
		}, []string{"6.1.0-9-amd64 amd64: usr/src/linux-headers-6.1.0-9-amd64"}, nil},
		{"with an image package and sources", func(t *testing.T, dir string) {
			writeTree(t, dir, flavourFiles())
			writeTree(t, dir, plain(commonDir))
			archivetest.Write(t, filepath.Join(dir, "image.deb"), imageDeb(t, ".gz"))
			writeTree(t, dir, sourceFiles("./linux-6.1.99/"))
			archivetest.Write(t, filepath.Join(dir, "linux-6.1.98.tar.gz"), archivetest.Pack(t, ".gz", archivetest.Tar(t, editMakefile(sourceFiles("linux-6.1.98/"), "98")...)))
		}, []string{"6.1.0-9-amd64 amd64: usr/src/linux-headers-6.1.0-9-amd64 + linux-image-6.1.0-9-amd64 < linux-6.1.99"}, []string{
			"linux-6.1.98.tar.gz: it is the source of version 6.1.98, and the kernels found are of 6.1.99 <- headers of the same version, or their own source",
		}},
		{"built in place", func(t *testing.T, dir string) {
			writeTree(t, filepath.Join(dir, "linux"), full)
		}, []string{"6.1.99-mine amd64: linux < linux"}, nil},
		{"built in place, packed", func(t *testing.T, dir string) {
			archivetest.Write(t, filepath.Join(dir, "linux.tar.zst"), archivetest.Pack(t, ".zst", archivetest.Tar(t, prefixed("linux/", full)...)))
		}, []string{"6.1.99-mine amd64: linux.tar.zst=6.1.99-mine < linux.tar.zst"}, nil},
		{"built in place, packed without a folder", func(t *testing.T, dir string) {
			archivetest.Write(t, filepath.Join(dir, "linux.tar"), archivetest.Tar(t, full...))
		}, []string{"6.1.99-mine amd64: linux.tar=6.1.99-mine < linux.tar"}, nil},
		{"unpacked packages, packed", func(t *testing.T, dir string) {
			archivetest.Write(t, filepath.Join(dir, "headers.tgz"), archivetest.Pack(t, ".gz", archivetest.Tar(t, append(flavourFiles(), plain(commonDir)...)...)))
			archivetest.Write(t, filepath.Join(dir, "linux-6.1.99.tar.xz"), archivetest.Pack(t, ".xz", archivetest.Tar(t, sourceFiles("linux-6.1.99/")...)))
		}, []string{"6.1.0-9-amd64 amd64: headers.tgz=6.1.0-9-amd64 < linux-6.1.99.tar.xz"}, nil},
		{"two build trees in a tarball", func(t *testing.T, dir string) {
			archivetest.Write(t, filepath.Join(dir, "two.tar"), archivetest.Tar(t, append(prefixed("a/", full), prefixed("b/", full)...)...))
		}, nil, []string{"two.tar: it holds 2 build trees <- unpack it and give the folder"}},
		{"a source beside headers of another version in a tarball", func(t *testing.T, dir string) {
			writeTree(t, dir, flavourFiles())
			writeTree(t, dir, plain(commonDir))
			both := append(plain("./headers/"), editMakefile(sourceFiles("./linux-6.1.98/"), "98")...)
			archivetest.Write(t, filepath.Join(dir, "both.tar"), archivetest.Tar(t, both...))
		}, []string{"6.1.0-9-amd64 amd64: usr/src/linux-headers-6.1.0-9-amd64"}, []string{
			"both.tar: it is the source of version 6.1.98, and the kernels found are of 6.1.99 <- headers of the same version, or their own source",
		}},
		{"source alone", func(t *testing.T, dir string) {
			writeTree(t, dir, sourceFiles("./linux-6.1.99/"))
			archivetest.Write(t, filepath.Join(dir, "source.deb"), sourceDeb(t))
		}, nil, []string{
			"linux-6.1.99: it is a kernel's source, and no headers of its version were found <- the header packages of the same version",
			"source.deb: it is a kernel's source, and no headers of its version were found <- the header packages of the same version",
		}},
		{"never configured", func(t *testing.T, dir string) {
			writeTree(t, dir, plain(commonDir))
			writeTree(t, filepath.Join(dir, "half"), []archivetest.File{{Name: "include/generated/autoconf.h", Text: ""}, {Name: "include/linux/tracepoint.h", Text: ""}})
		}, nil, []string{"half: the kernel tree is not configured: half has no include/config/auto.conf; run make olddefconfig prepare there, or use a distribution's header package"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			c.make(t, dir)
			sets, skipped := told(t, dir)
			if diff := cmp.Diff(c.sets, sets); diff != "" {
				t.Errorf("sets: %s", diff)
			}
			if diff := cmp.Diff(c.skipped, skipped); diff != "" {
				t.Errorf("skipped: %s", diff)
			}
		})
	}
}

func prefixed(dir string, files []archivetest.File) []archivetest.File {
	var all []archivetest.File
	for _, f := range files {
		f.Name = dir + strings.TrimPrefix(f.Name, "./")
		all = append(all, f)
	}
	return all
}

func editMakefile(files []archivetest.File, sublevel string) []archivetest.File {
	for i, f := range files {
		if strings.HasSuffix(f.Name, "/Makefile") && strings.Contains(f.Text, "SUBLEVEL") {
			files[i].Text = strings.Replace(f.Text, "SUBLEVEL = 99", "SUBLEVEL = "+sublevel, 1)
		}
	}
	return files
}

// What was named and is not there is said, and the rest is found; /lib/modules
// leads to trees by its build links.
func TestFindPaths(t *testing.T) {
	dir := t.TempDir()
	writeTree(t, dir, flavourFiles())
	writeTree(t, dir, plain(commonDir))
	modules := filepath.Join(dir, "lib/modules")
	must(t, os.MkdirAll(filepath.Join(modules, "gone"), 0o755))
	must(t, os.Symlink("/usr/src/nowhere", filepath.Join(modules, "gone/build")))
	const tree = "6.1.0-9-amd64 amd64: usr/src/linux-headers-6.1.0-9-amd64"
	for _, paths := range [][]string{
		{dir}, {modules}, {filepath.Join(modules, "6.1.0-9-amd64")}, {filepath.Join(dir, flavourDir)},
		{dir, modules, filepath.Join(dir, flavourDir), dir},
	} {
		sets, skipped := told(t, dir, paths...)
		if diff := cmp.Diff([]string{tree}, sets); diff != "" || len(skipped) > 0 {
			t.Errorf("%v: %s, skipped %v", paths, diff, skipped)
		}
	}
	pipe := filepath.Join(dir, "pipe.deb")
	must(t, syscall.Mkfifo(pipe, 0o600))
	sets, skipped := told(t, dir, filepath.Join(dir, "none"), pipe, filepath.Join(dir, commonDir))
	want := []string{
		"none: there is no such file or folder",
		"pipe.deb: it is neither a file nor a folder <- write what it gives to a file, and give that",
		"usr/src/linux-headers-6.1.0-9-common: it is the shared part of a kernel's headers, without a configuration <- give the folder of the flavour's headers",
	}
	if diff := cmp.Diff(want, skipped); diff != "" || len(sets) > 0 {
		t.Errorf("%v, %s", sets, diff)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, _, err := Find(ctx, []string{dir}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

func TestKernelVersion(t *testing.T) {
	for version, want := range map[string]string{
		"6.1.192-2": "6.1.192", "7.3.4-1~bpo13+1": "7.3.4", "6.12-1~exp1": "6.12.0", "6.9~rc3-1~exp1": "6.9.0-rc3",
		"1:6.1.99-1": "6.1.99", "6.8.5-301.fc40": "6.8.5", "5.10.0-8": "", "5.15.0-25.25": "", "5.14.0-362.el9": "", "x": "", "": "",
	} {
		got, ok := kernelVersion(version)
		if got != want || ok != (want != "") {
			t.Errorf("%q: %q, %v, want %q", version, got, ok, want)
		}
	}
	for text, want := range map[string]string{
		"VERSION = 6\nPATCHLEVEL = 1\nSUBLEVEL = 192\nEXTRAVERSION =\nNAME = Curry Ramen\n": "6.1.192",
		"VERSION = 7\nPATCHLEVEL = 0\nSUBLEVEL = 0\nEXTRAVERSION = -rc5\n":                  "7.0.0-rc5",
		"VERSION = 6\nPATCHLEVEL = 1\n":                                                     "",
		"VERSION = x\nPATCHLEVEL = 1\nSUBLEVEL = 1\n":                                       "",
	} {
		if got, ok := sourceVersion([]byte(text)); got != want || ok != (want != "") {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
	for text, want := range map[string]string{
		"#define LINUX_VERSION_CODE 393664\n#define LINUX_VERSION_SUBLEVEL 192\n": "6.1.192",
		"#define LINUX_VERSION_CODE 330511\n":                                     "5.11.15",
		"#define LINUX_VERSION_CODE 265983\n#define LINUX_VERSION_SUBLEVEL 300\n": "4.14.300",
		"#define LINUX_VERSION_CODE 393472\n":                                     "",
		"":                                                                        "",
	} {
		if got := headerVersion([]byte(text)); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
