package kbuild

import "regexp"

// releaseFiles are generated headers that only name the release, the package
// or the time of the build (scripts/mkcompile_h, Makefile; package.h is
// Debian's).
var releaseFiles = map[string]bool{
	"include/generated/utsrelease.h": true,
	"include/generated/utsversion.h": true,
	"include/generated/compile.h":    true,
	"include/generated/package.h":    true,
}

// configFiles repeat the configuration, and with it the options that only
// name the release.
var configFiles = map[string]bool{
	"include/config/auto.conf":     true,
	"include/generated/autoconf.h": true,
}

// releaseOption matches a line that sets one of them: init/Kconfig's
// BUILD_SALT and LOCALVERSION, Ubuntu's VERSION_SIGNATURE.
var releaseOption = regexp.MustCompile(`(?m)^(?:#define )?CONFIG_(?:BUILD_SALT|LOCALVERSION|VERSION_SIGNATURE)[ =].*\n?`)

// OnlyRelease reports whether a file of a build tree says nothing but which
// release it is of. Trees that differ in such files alone, and in what
// WithoutRelease leaves out, have the same metadata.
func OnlyRelease(rel string) bool { return releaseFiles[rel] }

// HasRelease reports whether WithoutRelease may leave something out.
func HasRelease(rel string) bool { return configFiles[rel] }

// WithoutRelease is the text of a file of a build tree without the options
// that only name the release.
func WithoutRelease(rel string, text []byte) []byte {
	if !configFiles[rel] {
		return text
	}
	return releaseOption.ReplaceAll(text, nil)
}
