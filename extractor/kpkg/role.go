package kpkg

import (
	"fmt"
	"path"
	"regexp"
	"strings"

	"github.com/tpinfo/tpinfo/extractor/kpkg/archive"
)

// role is what a package is to a kernel.
type role uint8

const (
	other   role = iota // nothing that metadata comes from
	flavour             // headers of one kernel, with its configuration
	shared              // headers that several flavours have in common
	image               // the kernel itself, for its BTF
	sources             // the full source
)

// Names of Debian's and Ubuntu's packages. Ubuntu's variants have their name
// before "headers" in what flavours share (linux-aws-headers-5.15.0-1001).
var (
	debHeaders  = regexp.MustCompile(`^linux-(?:[a-z0-9.+-]+-)?headers-(\d.*)$`)
	debImage    = regexp.MustCompile(`^linux-(?:image|image-unsigned|binary)-(\d.*?)(?:-unsigned)?$`)
	debBinary   = regexp.MustCompile(`^linux-binary-\d`)
	debSource   = regexp.MustCompile(`^linux-source-\d`)
	debDebug    = regexp.MustCompile(`-(?:dbg|dbgsym)$`)
	debEvery    = regexp.MustCompile(`-all(?:-[a-z0-9]+)?$`) // depends on all flavours and is empty
	rpmHeaders  = regexp.MustCompile(`^kernel-devel(?:-[a-z0-9_]+)?$`)
	debRealTime = regexp.MustCompile(`-common-rt$`)
)

// classify tells what a package is to a kernel, of which release, or why it is
// nothing to one.
func classify(p *about) (r role, release, why string) {
	if p.Format == archive.RPM {
		switch {
		case p.Arch == "src":
			return other, "", "it holds sources as a distribution builds them from; the tree is in the file that unpacks from it"
		case p.roles.build:
			return flavour, p.release, ""
		case p.roles.image:
			return image, p.release, ""
		case p.roles.shared:
			return shared, "", ""
		}
		return other, "", "it holds neither kernel headers nor a kernel"
	}
	if debDebug.MatchString(p.Name) {
		return other, "", "it holds debugging data, and headers and image say the same"
	}
	if m := debHeaders.FindStringSubmatch(p.Name); m != nil {
		switch {
		case debEvery.MatchString(p.Name):
			return other, "", "it only names the header packages of all flavours"
		case p.Arch == "all":
			return shared, "", ""
		}
		return flavour, m[1], ""
	}
	if m := debImage.FindStringSubmatch(p.Name); m != nil {
		for _, d := range p.Depends {
			if debBinary.MatchString(d.Name) {
				return other, "", fmt.Sprintf("the kernel itself is in %s", d.Name)
			}
		}
		return image, m[1], ""
	}
	if debSource.MatchString(p.Name) {
		return sources, "", ""
	}
	return other, "", "it holds neither kernel headers nor a kernel"
}

// parts are the packages that a flavour's headers lie in besides its own. They
// are built together: where the dependency names no version, the flavour's own
// is meant.
func parts(p *about) []archive.Relation {
	pattern := debHeaders
	if p.Format == archive.RPM {
		pattern = rpmHeaders
	}
	var all []archive.Relation
	for _, d := range p.Depends {
		if d.Name == p.Name || !pattern.MatchString(d.Name) {
			continue
		}
		if d.Version == "" {
			d.Version = p.Version
		}
		if _, after, epoch := strings.Cut(d.Version, ":"); epoch && p.Format == archive.RPM {
			d.Version = after
		}
		all = append(all, d)
	}
	return all
}

// rpmRoles is what an RPM holds of a kernel.
type rpmRoles struct {
	build  bool // a configured build tree
	shared bool // headers that build trees of other packages include
	image  bool
}

// rpmContents tells from the files of an RPM what it holds, and of which
// release. RPM packages of one name are laid out differently by each
// distribution; where the files lie is what their own scripts go by.
func rpmContents(files []archive.File) (release string, has rpmRoles) {
	for _, f := range files {
		if root, rel, ok := treeRoot(f.Name); ok {
			switch rel {
			case "include/generated/autoconf.h":
				has.build, release = true, releaseOfRoot(root)
			case "include/linux/tracepoint.h":
				has.shared = true
			}
		}
		if of, ok := imageRelease(f.Name); ok && f.Mode.IsRegular() {
			has.image = true
			if release == "" {
				release = of
			}
		}
	}
	if has.build {
		has.shared = false
	}
	return release, has
}

// releaseOfRoot is the release that a build tree's place names: kernels/REL of
// Fedora, linux-VERSION-obj/ARCH/FLAVOUR of openSUSE, modules/REL/build.
func releaseOfRoot(root string) string {
	dir, base := path.Split(root)
	dir = path.Clean(dir)
	if base == "build" {
		return path.Base(dir)
	}
	if obj, ok := strings.CutSuffix(path.Base(path.Dir(dir)), "-obj"); ok {
		return strings.TrimPrefix(obj, "linux-") + "-" + base
	}
	return base
}
