package kpkg

import (
	"cmp"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/tpinfo/tpinfo/extractor/kbuild"
)

// join makes the sets: headers first, then images and sources to them.
func (f *finder) join() {
	f.dropCopies()
	sets := f.trees
	for _, c := range f.packages {
		if c.role == flavour {
			sets = append(sets, f.flavourSets(c)...)
		}
	}
	f.joinImages(sets)
	f.joinSources(sets)
	for _, c := range f.packages {
		if c.role == shared && !c.used {
			f.skip(Skipped{Path: c.Path, Reason: fmt.Sprintf("%s is not needed: no flavour's headers among the files are built on it", c.Name), NotNeeded: true})
		}
	}
	slices.SortStableFunc(sets, func(a, b *builtSet) int {
		return cmp.Or(strings.Compare(a.Release, b.Release), strings.Compare(a.Arch, b.Arch), strings.Compare(a.version, b.version))
	})
	for _, s := range sets {
		f.sets = append(f.sets, s.Set)
	}
}

// dropCopies keeps one of packages with the same content.
func (f *finder) dropCopies() {
	first := map[string]string{}
	f.packages = slices.DeleteFunc(f.packages, func(c *candidate) bool {
		at, again := first[c.Digest]
		if again {
			f.skip(Skipped{Path: c.Path, Release: c.release, Reason: "it is the same as " + at, NotNeeded: true})
		} else {
			first[c.Digest] = c.Path
		}
		return again
	})
}

// flavourSets are the sets of a flavour's package: one for each choice of the
// packages it shares headers with, and that is one choice unless files of the
// same name and version differ.
func (f *finder) flavourSets(c *candidate) []*builtSet {
	choices := [][]Package{{c.Package}}
	var realtime bool
	for _, need := range parts(c.said) {
		var found []*candidate
		var versions []string
		for _, p := range f.packages {
			if p.role != shared || p.Name != need.Name || p.Format != c.Format {
				continue
			}
			if p.Version == need.Version {
				found = append(found, p)
			} else {
				versions = append(versions, p.Version)
			}
		}
		if len(found) == 0 {
			s := Skipped{Path: c.Path, Release: c.release, Arch: c.Arch,
				Reason: fmt.Sprintf("its headers go on in the package %s, version %s, which is not among the files that can be read", need.Name, need.Version),
				Supply: []string{"that package, beside this one"}}
			if len(versions) > 0 {
				s.Reason += fmt.Sprintf(" (version %s is)", strings.Join(versions, ", "))
			}
			f.skip(s)
			return nil
		}
		var more [][]Package
		for _, chosen := range choices {
			for _, p := range found {
				p.used = true
				more = append(more, append(slices.Clone(chosen), p.Package))
			}
		}
		choices = more
		realtime = realtime || debRealTime.MatchString(need.Name)
	}
	kernel, _ := kernelVersion(c.Version)
	var sets []*builtSet
	for _, chosen := range choices {
		sets = append(sets, &builtSet{
			Set:     Set{Release: c.release, Arch: c.Arch, Headers: chosen},
			version: c.Version, kernel: kernel, realtime: realtime,
		})
	}
	return sets
}

// joinImages gives each set the package with its kernel. One is enough, and
// the signed and the unsigned have the same kernel.
func (f *finder) joinImages(sets []*builtSet) {
	for _, c := range f.packages {
		if c.role != image {
			continue
		}
		s := Skipped{Path: c.Path, Release: c.release, Arch: c.Arch,
			Reason: fmt.Sprintf("there are no headers of the kernel %s for %s among the files", c.release, c.Arch),
			Supply: []string{"the header package of that kernel"}}
		for _, set := range sets {
			switch {
			case set.Release != c.release || !sameArch(set.Arch, c.Arch):
			case set.version != "" && set.version != c.Version:
				s.Reason = fmt.Sprintf("it is version %s of the kernel %s, and the headers are of version %s", c.Version, c.release, set.version)
				s.Supply = []string{"the image of version " + set.version}
			case len(set.Image) > 0:
				s.Reason, s.Supply, s.NotNeeded = fmt.Sprintf("%s is not needed: %s has the same kernel", c.Name, set.Image[0].Name), nil, true
			default:
				set.Image = append(set.Image, c.Package)
				c.used = true
			}
		}
		if !c.used {
			f.skip(s)
		}
	}
}

// archWords are the words of Debian's packages for RPM's.
var archWords = map[string]string{"x86_64": "amd64", "aarch64": "arm64", "i686": "i386"}

func sameArch(a, b string) bool {
	return cmp.Or(archWords[a], a) == cmp.Or(archWords[b], b)
}

// joinSources gives each set the source that fits it best: the package of its
// own version, then any of the same version of the kernel.
func (f *finder) joinSources(sets []*builtSet) {
	for _, c := range f.packages {
		if c.role == sources {
			f.sources = append(f.sources, sourceTree{path: c.Path, version: c.Version})
		}
	}
	used := map[string]bool{}
	var versions []string
	realtime := false
	for _, set := range sets {
		versions = append(versions, cmp.Or(set.kernel, set.version, set.Release))
		if set.Source != "" {
			used[set.Source] = true
			continue
		}
		best := 0
		for _, src := range f.sources {
			fits := src.fits(set)
			if fits > 0 && set.realtime {
				realtime = true
				set.NoSource = fmt.Sprintf("its private tracepoints are left out: it was built with real-time patches, which %s lacks (%s)",
					filepath.Base(src.path), kbuild.RealTimePatches)
				continue
			}
			if fits > best {
				best, set.Source = fits, src.path
			}
		}
		used[set.Source] = true
	}
	slices.Sort(versions)
	versions = slices.Compact(versions)
	for _, src := range f.sources {
		if used[src.path] {
			continue
		}
		s := Skipped{Path: src.path, Reason: fmt.Sprintf("it is the source of version %s, and the kernels found are of %s", cmp.Or(src.kernel, src.version), list(versions)),
			Supply: []string{"headers of the same version, or their own source"}}
		switch {
		case len(sets) == 0:
			s.Reason, s.Supply = "it is a kernel's source, and no headers of its version were found", []string{"the header packages of the same version"}
		case realtime:
			s.Reason = fmt.Sprintf("the real-time kernels found were built with patches that this source lacks (%s)", kbuild.RealTimePatches)
			s.Supply = []string{"tpinfo extract --source DIR, with a source that has them"}
		case slices.ContainsFunc(sets, func(set *builtSet) bool { return src.fits(set) > 0 }):
			s.Reason, s.Supply, s.NotNeeded = fmt.Sprintf("%s is not needed: another source of the same version fits as well or better", filepath.Base(src.path)), nil, true
		}
		f.skip(s)
	}
}

// fits grades how well a source fits a set; 0 is not at all.
func (src sourceTree) fits(set *builtSet) int {
	if src.version != "" && src.version == set.version {
		return 3
	}
	kernel := src.kernel
	if src.version != "" {
		kernel, _ = kernelVersion(src.version)
	}
	if kernel == "" || kernel != set.kernel {
		return 0
	}
	if src.version != "" {
		return 2
	}
	return 1
}

// list is at most five texts, for a message.
func list(all []string) string {
	const most = 5
	if len(all) > most {
		return strings.Join(all[:most], ", ") + fmt.Sprintf(" and %d more", len(all)-most)
	}
	return strings.Join(all, ", ")
}
