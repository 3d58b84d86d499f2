package kpkg

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/tpinfo/tpinfo/extractor/kbuild"
	"github.com/tpinfo/tpinfo/extractor/kpkg/archive"
)

// tarContent is what a tarball of a tree holds.
type tarContent struct {
	pkg    Package
	build  int    // configured trees
	kernel string // version by generated headers; empty for unknown
	source string // version by the Makefile of the full source
}

// maxPeek bounds the files of a tarball that are read whole.
const maxPeek = 8 << 20

var (
	utsRelease = regexp.MustCompile(`#define\s+UTS_RELEASE\s+"([^"]+)"`)
	configOn   = regexp.MustCompile(`(?m)^CONFIG_(\w+)=[ym]$`)
)

// peekTar reads a tarball until it is known what it holds. A source tree that
// was not built is only known as one when its include folder was passed.
func peekTar(ctx context.Context, path string) (*tarContent, error) {
	r, err := archive.Open(ctx, path)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	c := &tarContent{pkg: Package{Path: path, Format: archive.Tar, Name: filepath.Base(path), Size: r.Size()}}
	makefiles := map[string]string{} // version by root
	full := map[string]bool{}        // roots of full sources
	sawInclude := false
	err = r.Walk(archive.Tar, archive.Limits{}, func(e *archive.Entry) error {
		root, rel, _ := tarRoot(e.Name)
		inInclude := strings.HasPrefix(rel, "include/")
		if sawInclude = sawInclude || inInclude; sawInclude && !inInclude && full[root] && c.build == 0 && makefiles[root] != "" {
			return archive.ErrStop
		}
		if e.Kind != archive.Regular {
			return nil
		}
		var text []byte
		var err error
		switch rel {
		case "Makefile":
			if text, err = e.ReadAll(maxPeek); err == nil {
				if v, ok := sourceVersion(text); ok {
					makefiles[root] = v
				}
			}
		case "init/main.c":
			full[root] = true
		case "include/generated/utsrelease.h":
			if text, err = e.ReadAll(maxPeek); err == nil {
				c.build++
				if m := utsRelease.FindSubmatch(text); m != nil && archive.Printable(string(m[1])) {
					c.pkg.Version = string(m[1])
				}
			}
		case "include/generated/uapi/linux/version.h":
			if text, err = e.ReadAll(maxPeek); err == nil {
				c.kernel = headerVersion(text)
			}
		case "include/config/auto.conf":
			if text, err = e.ReadAll(maxPeek); err == nil {
				c.pkg.Arch = archOfConfig(text)
			}
		}
		return err
	})
	if err != nil && !errors.Is(err, archive.ErrStop) {
		return nil, err
	}
	// Of several, the one that is unpacked as the source.
	for _, root := range slices.Sorted(maps.Keys(full)) {
		if c.source = makefiles[root]; c.source != "" {
			break
		}
	}
	if c.build > 0 {
		if c.pkg.Digest, err = r.Digest(); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// archOfConfig is the packages' word for the architecture of a configuration.
func archOfConfig(text []byte) string {
	config := kbuild.Config{}
	for _, m := range configOn.FindAllSubmatch(text, -1) {
		config[string(m[1])] = "y"
	}
	a, ok := kbuild.ArchOf(config)
	if !ok {
		return ""
	}
	return packageArch(a)
}

// tarball notes what a tarball holds.
func (f *finder) tarball(path string, c *tarContent) {
	switch {
	case c.build > 1:
		f.skip(Skipped{Path: path, Reason: fmt.Sprintf("it holds %d build trees", c.build), Supply: []string{"unpack it and give the folder"}})
		return
	case c.build == 1 && c.pkg.Version == "":
		f.skip(Skipped{Path: path, Reason: "its include/generated/utsrelease.h names no release"})
		return
	case c.build == 1 && c.pkg.Arch == "":
		f.skip(Skipped{Path: path, Release: c.pkg.Version, Reason: "the configuration in it (include/config/auto.conf) is for no architecture that is known"})
		return
	case c.build == 1:
		s := &builtSet{Set: Set{Release: c.pkg.Version, Arch: c.pkg.Arch, Headers: []Package{c.pkg}}, kernel: c.kernel}
		if c.source != "" {
			s.Source = path
		}
		f.trees = append(f.trees, s)
	case c.source != "":
		f.sources = append(f.sources, sourceTree{path: path, kernel: c.source})
	default:
		f.skip(Skipped{Path: path, Reason: "it holds neither a build tree nor a kernel's source", NotNeeded: true})
	}
}
