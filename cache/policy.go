package cache

import (
	"cmp"
	"slices"
	"time"

	"github.com/tpinfo/tpinfo"
)

// Policy says which kernels a cache can do without: those that all that is set
// picks, and that Keep does not protect. One that sets nothing picks none.
type Policy struct {
	// Newest is how many releases of each series and flavour stay; superseded
	// kernels do not stay for it.
	Newest int
	// Older picks those that were last extracted so long ago. Of a kernel out
	// of an exported file it is not known when that was; it stays.
	Older time.Duration
	// Matching and Keep are globs over releases, or starts of ids.
	Matching, Keep []string
}

// Choose picks from all releases of a cache's kernels, as EveryRelease lists them.
// A kernel that is known under several releases is picked when each of them
// is.
func (p Policy) Choose(kernels []*Kernel, now time.Time) ([]Info, error) {
	if p.Newest == 0 && p.Older == 0 && len(p.Matching) == 0 {
		return nil, nil
	}
	newest := p.newest(kernels)
	stays := map[string]bool{} // by id
	for _, k := range kernels {
		i := &k.info
		matching, err := anyFits(p.Matching, i)
		if err != nil {
			return nil, err
		}
		protected, err := anyFits(p.Keep, i)
		if err != nil {
			return nil, err
		}
		old := !i.Extracted.IsZero() && now.Sub(i.Extracted) > p.Older
		if protected || newest[i.Release] && !i.Superseded || p.Older > 0 && !old || len(p.Matching) > 0 && !matching {
			stays[i.ID] = true
		}
	}
	var picked []Info
	for _, k := range kernels {
		if !stays[k.info.ID] {
			picked = append(picked, k.info)
			stays[k.info.ID] = true // it is listed once
		}
	}
	return picked, nil
}

// Named tells what Matching leads to: the selectors that name no kernel, and the
// releases that kernels have beside those that were named. Such kernels stay.
func (p Policy) Named(kernels []*Kernel) (nothing, beside []string, err error) {
	named, others := map[string]bool{}, map[string][]string{} // by id
	for _, k := range kernels {
		i := &k.info
		matching, err := anyFits(p.Matching, i)
		switch {
		case err != nil:
			return nil, nil, err
		case matching:
			named[i.ID] = true
		default:
			others[i.ID] = append(others[i.ID], i.Release)
		}
	}
	for id := range named {
		beside = append(beside, others[id]...)
	}
	slices.SortFunc(beside, func(a, b string) int { return cmp.Or(tpinfo.CompareReleases(a, b), cmp.Compare(a, b)) })
	for _, s := range p.Matching {
		if !slices.ContainsFunc(kernels, func(k *Kernel) bool { is, err := fits(s, &k.info); return is && err == nil }) {
			nothing = append(nothing, s)
		}
	}
	return nothing, beside, nil
}

// newest are the releases that stay as the last ones of their series and
// flavour.
func (p Policy) newest(kernels []*Kernel) map[string]bool {
	out := map[string]bool{}
	if p.Newest == 0 {
		return out
	}
	type line struct{ series, flavour string }
	releases := map[line][]string{}
	for _, k := range kernels {
		r := tpinfo.ParseRelease(k.info.Release)
		at := line{r.Series, r.Flavour}
		if !slices.Contains(releases[at], k.info.Release) {
			releases[at] = append(releases[at], k.info.Release)
		}
	}
	for _, list := range releases {
		slices.SortFunc(list, func(a, b string) int { return cmp.Or(tpinfo.CompareReleases(b, a), cmp.Compare(b, a)) })
		for _, release := range list[:min(p.Newest, len(list))] {
			out[release] = true
		}
	}
	return out
}

// anyFits reports whether one of the selectors names a kernel.
func anyFits(selectors []string, i *Info) (bool, error) {
	for _, s := range selectors {
		if fit, err := fits(s, i); fit || err != nil {
			return fit, err
		}
	}
	return false, nil
}
