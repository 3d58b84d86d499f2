package tpinfo

import (
	"cmp"
	"regexp"
	"strconv"
)

// Release is a release name taken apart, as far as names tell.
type Release struct {
	// Series is the upstream series, "6.1"; the whole name when it starts
	// with no number.
	Series string
	// Version is the name without the flavour: "6.1.0-56".
	Version string
	// Flavour is what a distribution calls this build of the version,
	// "cloud-amd64", "generic", "x86_64"; empty when the name has none.
	Flavour string
}

var (
	seriesPart = regexp.MustCompile(`^\d+\.\d+`)
	// The words at the end: Debian and Ubuntu write them behind a dash,
	// Fedora an architecture behind a dot and what differs behind a plus. Debian's
	// 32-bit x86 begins with digits.
	flavourPart = regexp.MustCompile(`[-.]((?:[a-zA-Z][a-zA-Z0-9_+]*|[56]86)(?:-(?:[0-9]*[a-zA-Z][a-zA-Z0-9_]*|[56]86))*)$`)
	// Upstream's candidates, which are versions.
	candidatePart = regexp.MustCompile(`^rc\d+(-|$)`)
	releasePart   = regexp.MustCompile(`\d+|[a-zA-Z]+`)
)

// ParseRelease takes a release name apart.
func ParseRelease(name string) Release {
	r := Release{Series: seriesPart.FindString(name), Version: name}
	if r.Series == "" {
		r.Series = name
	}
	if at := flavourPart.FindStringSubmatchIndex(name); at != nil && at[0] > 0 && !candidatePart.MatchString(name[at[2]:at[3]]) {
		r.Version, r.Flavour = name[:at[0]], name[at[2]:at[3]]
	}
	return r
}

// CompareReleases orders releases by their numbers: 6.1.9 before 6.1.56, and a
// word before a number.
func CompareReleases(a, b string) int {
	as, bs := releasePart.FindAllString(a, -1), releasePart.FindAllString(b, -1)
	for i := range min(len(as), len(bs)) {
		x, xerr := strconv.Atoi(as[i])
		y, yerr := strconv.Atoi(bs[i])
		switch {
		case xerr == nil && yerr == nil:
			if x != y {
				return cmp.Compare(x, y)
			}
		case (xerr == nil) != (yerr == nil):
			if xerr == nil {
				return 1
			}
			return -1
		case as[i] != bs[i]:
			return cmp.Compare(as[i], bs[i])
		}
	}
	return cmp.Or(cmp.Compare(len(as), len(bs)), cmp.Compare(a, b))
}
