package kpkg

import (
	"fmt"
	"regexp"
	"strings"
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
	if p.format == RPM {
		switch {
		case p.arch == "src":
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
	if debDebug.MatchString(p.name) {
		return other, "", "it holds debugging data, and headers and image say the same"
	}
	if m := debHeaders.FindStringSubmatch(p.name); m != nil {
		switch {
		case debEvery.MatchString(p.name):
			return other, "", "it only names the header packages of all flavours"
		case p.arch == "all":
			return shared, "", ""
		}
		return flavour, m[1], ""
	}
	if m := debImage.FindStringSubmatch(p.name); m != nil {
		for _, d := range p.depends {
			if debBinary.MatchString(d.name) {
				return other, "", fmt.Sprintf("the kernel itself is in %s", d.name)
			}
		}
		return image, m[1], ""
	}
	if debSource.MatchString(p.name) {
		return sources, "", ""
	}
	return other, "", "it holds neither kernel headers nor a kernel"
}

// parts are the packages that a flavour's headers lie in besides its own. They
// are built together: where the dependency names no version, the flavour's own
// is meant.
func parts(p *about) []relation {
	pattern := debHeaders
	if p.format == RPM {
		pattern = rpmHeaders
	}
	var all []relation
	for _, d := range p.depends {
		if d.name == p.name || !pattern.MatchString(d.name) {
			continue
		}
		if d.version == "" {
			d.version = p.version
		}
		if _, after, epoch := strings.Cut(d.version, ":"); epoch && p.format == RPM {
			d.version = after
		}
		all = append(all, d)
	}
	return all
}
