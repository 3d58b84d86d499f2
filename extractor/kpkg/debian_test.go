package kpkg

import (
	"archive/tar"
	"cmp"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/tpinfo/tpinfo/extractor/kbuild"
	"github.com/tpinfo/tpinfo/extractor/kpkg/archive"
	"github.com/tpinfo/tpinfo/extractor/kpkg/archive/archivetest"
	"github.com/tpinfo/tpinfo/fixtures/kernels"
	"github.com/tpinfo/tpinfo/fixtures/tier"
)

// packages are the .deb files of a real kernel's parts.
func packages(t *testing.T, spec kernels.Spec, parts ...kernels.Part) (paths []string) {
	t.Helper()
	tier.Need(t, tier.Trees)
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	for _, part := range parts {
		found, err := kernels.Packages(ctx, spec, part)
		if errors.Is(err, kernels.ErrUnavailable) {
			tier.Skip(t, "no packages of %v: %v", spec, err)
		}
		must(t, err)
		paths = append(paths, found...)
	}
	return paths
}

// inMemory is a folder for some ten thousand files that live for seconds, in
// memory where the machine has such a place.
func inMemory(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "kpkg-test-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { must(t, os.RemoveAll(dir)) })
	return dir
}

// dpkgFiles adds what dpkg-deb says a package installs.
func dpkgFiles(t *testing.T, path string, files map[string]string) {
	t.Helper()
	cmd := exec.Command("dpkg-deb", "--fsys-tarfile", path)
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	for r := tar.NewReader(out); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		must(t, err)
		name := strings.TrimPrefix(h.Name, "./")
		switch {
		case h.Typeflag == tar.TypeSymlink:
			files[name] = "-> " + h.Linkname
		case h.Typeflag == tar.TypeReg && !strings.HasPrefix(name, "lib/modules/"):
			text, err := io.ReadAll(r)
			must(t, err)
			files[name] = string(text)
		}
	}
	must(t, cmd.Wait())
}

// Debian's packages are unpacked to what dpkg-deb makes of them, as far as it
// is kept, and kbuild finds the tree.
func TestDebian(t *testing.T) {
	for _, c := range []struct {
		spec  kernels.Spec
		arch  string
		parts []kernels.Part
	}{
		{kernels.Spec{Series: "6.1"}, "x86", []kernels.Part{kernels.Headers, kernels.Image}},
		{kernels.Spec{Series: "6.1", Flavour: "arm64"}, "arm64", []kernels.Part{kernels.Headers}},
		{kernels.Spec{Series: "7"}, "x86", []kernels.Part{kernels.Headers, kernels.Image}},
	} {
		t.Run(c.spec.Series+c.spec.Flavour, func(t *testing.T) {
			paths := packages(t, c.spec, c.parts...)
			set := findOne(t, paths...)
			scratch := inMemory(t)
			opened, err := NewOpener(scratch, archive.Limits{}).Open(context.Background(), set)
			must(t, err)
			tree, err := kbuild.Find(opened.Build)
			must(t, err)
			if tree.Release != set.Release || tree.Arch.Name != c.arch || !strings.HasPrefix(tree.Source, scratch) {
				t.Errorf("release %s of %s, source %s; the set is of %s", tree.Release, tree.Arch.Name, tree.Source, set.Release)
			}
			theirs := map[string]string{}
			for _, p := range append(set.Headers, set.Image...) {
				dpkgFiles(t, p.Path, theirs)
			}
			compared := 0
			for _, ours := range []string{tree.Build, tree.Source} {
				real, err := filepath.EvalSymlinks(ours)
				must(t, err)
				want := map[string]string{}
				for name, text := range theirs {
					if rel, below := strings.CutPrefix(name, "usr/src/"+filepath.Base(ours)+"/"); below && headerFile(rel) {
						want[rel] = text
					}
				}
				got := archivetest.Below(t, real)
				compared += len(got)
				if diff := gocmp.Diff(want, got); diff != "" {
					t.Errorf("%s: %.2000s", ours, diff)
				}
			}
			if compared < 5000 {
				t.Errorf("only %d files were compared", compared)
			}
			if len(c.parts) == 1 {
				return
			}
			image, err := os.ReadFile(opened.BTF)
			must(t, err)
			want := cmp.Or(theirs["boot/vmlinuz-"+set.Release], theirs["usr/lib/modules/"+set.Release+"/vmlinuz"])
			if string(image) != want || len(want) < 5<<20 {
				t.Errorf("the image has %d bytes, dpkg-deb's %d, or they differ", len(image), len(want))
			}
		})
	}
}

// A neighbour build whose headers only differ in its name has the same digest.
// Debian's two last builds need not be such; then what differs is in a header.
func TestDebianNeighbour(t *testing.T) {
	digest := func(spec kernels.Spec) (string, map[string]string) {
		paths := packages(t, spec, kernels.Headers)
		opened, err := NewOpener(inMemory(t), archive.Limits{}).Open(context.Background(), findOne(t, paths...))
		must(t, err)
		tree, err := kbuild.Find(opened.Build)
		must(t, err)
		files := map[string]string{}
		for role, dir := range map[string]string{"build/": tree.Build, "source/": tree.Source} {
			real, err := filepath.EvalSymlinks(dir)
			must(t, err)
			for name, text := range archivetest.Below(t, real) {
				if isHeader(name) && !kbuild.OnlyRelease(name) {
					files[role+name] = strings.ReplaceAll(text, tree.Release, "RELEASE")
				}
			}
		}
		return opened.Headers, files
	}
	newest, a := digest(kernels.Spec{Series: "6.1"})
	before, b := digest(kernels.Spec{Series: "6.1", Neighbour: true})
	if same := gocmp.Equal(a, b); same != (newest == before) {
		t.Errorf("the headers are the same: %v; digests %s, %s", same, newest, before)
	}
}
