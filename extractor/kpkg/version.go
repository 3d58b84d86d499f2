package kpkg

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// upstream matches the kernel's own version at the start of a package's:
// "6.1.192" of "6.1.192-2", "7.3.4" of "7.3.4-1~bpo13+1", "6.9~rc3".
var upstream = regexp.MustCompile(`^(?:\d+:)?(\d+)\.(\d+)(?:\.(\d+))?(?:[~.]?rc(\d+))?(?:[-~+_].*)?$`)

// kernelVersion is the version of the kernel's source that a package version
// names, as the source's Makefile spells it. Distributions that number point
// releases themselves (Ubuntu's 5.15.0-25.25, RHEL's 5.14.0-362.el9) have a
// zero for the third part and do not say which source it is: ok is false.
func kernelVersion(version string) (v string, ok bool) {
	m := upstream.FindStringSubmatch(version)
	if m == nil || m[3] != "" && strings.Trim(m[3], "0") == "" {
		return "", false
	}
	third := m[3]
	if third == "" {
		third = "0"
	}
	v = fmt.Sprintf("%s.%s.%s", m[1], m[2], third)
	if m[4] != "" {
		v += "-rc" + m[4]
	}
	return v, true
}

// makefileVersion matches the lines at the top of a kernel's Makefile.
var makefileVersion = regexp.MustCompile(`(?m)^(VERSION|PATCHLEVEL|SUBLEVEL|EXTRAVERSION)[ \t]*=[ \t]*(\S*)[ \t]*$`)

// sourceVersion is the version that the Makefile of a source tree says.
func sourceVersion(makefile []byte) (string, bool) {
	said := map[string]string{}
	for _, m := range makefileVersion.FindAllSubmatch(makefile, 4) {
		said[string(m[1])] = string(m[2])
	}
	for _, part := range []string{"VERSION", "PATCHLEVEL", "SUBLEVEL"} {
		if _, err := strconv.ParseUint(said[part], 10, 16); err != nil {
			return "", false
		}
	}
	v := fmt.Sprintf("%s.%s.%s", said["VERSION"], said["PATCHLEVEL"], said["SUBLEVEL"])
	if rc := said["EXTRAVERSION"]; strings.HasPrefix(rc, "-rc") {
		v += rc
	}
	return v, true
}
