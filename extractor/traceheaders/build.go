package traceheaders

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/extractor/cc"
	"github.com/tpinfo/tpinfo/extractor/compile"
)

// maxRounds bounds how often units are compiled again. Every round either
// repairs or gives up something, so a few are enough; the bound is there for
// a compiler that contradicts itself.
const maxRounds = 20

// builder compiles the units of one tree until each one passes.
type builder struct {
	*compile.Workshop
	jobs   int
	shared map[string]bool // guards
	seek   *seeker
}

// Build compiles and mines the units, so many at once, until each one passes.
// A header that does not compile leaves its unit, so that the others go on, and
// comes back with what the compiler's words suggest; what resists is returned
// as a problem. report hears of every round, the first of which is 1, and of
// how much there is to compile in it.
func Build(ctx context.Context, shop *compile.Workshop, units []*Unit, jobs int, report func(round int, detail string)) ([]*compile.Made, []tpinfo.Problem, error) {
	b := &builder{Workshop: shop, jobs: jobs, shared: sharedGuards(units), seek: &seeker{tree: shop.Tree}}
	if err := b.standIns(units); err != nil {
		return nil, nil, fmt.Errorf("scratch folder: %w", err)
	}
	var built []passed
	var failed []tpinfo.Problem
	for round := 1; len(units) > 0; round++ {
		if round > maxRounds {
			return nil, nil, fmt.Errorf("gave up after %d rounds of repairs: %s", maxRounds, describe(units))
		}
		report(round, describe(units))
		answers, err := b.round(ctx, units)
		if err != nil {
			return nil, nil, err
		}
		sorted := make([]blamed, len(units))
		for i, u := range units {
			if answers[i].made != nil {
				continue
			}
			if sorted[i] = b.sort(u, answers[i].said); sorted[i].stray {
				if err := b.CheckPrefix(ctx); err != nil {
					return nil, nil, err
				}
			}
		}
		if round == 1 {
			if err := b.hopeless(units, sorted); err != nil {
				return nil, nil, err
			}
		}
		var again []*Unit
		var mended []member
		for i, u := range units {
			if made := answers[i].made; made != nil {
				built = append(built, passed{u.name, made})
				continue
			}
			kept, blamed := sorted[i].kept, sorted[i].broken
			if len(blamed) == 0 {
				again = append(again, halve(u)...)
				continue
			}
			if len(kept) > 0 {
				again = append(again, &Unit{name: u.name, members: kept})
			}
			for _, broken := range blamed {
				m, ok := b.repair(u, broken)
				switch {
				case !ok:
					failed = append(failed, b.failure(broken))
				case m.need.Alone:
					again = append(again, &Unit{name: fmt.Sprintf("round%d_%d", round, len(again)), members: []member{m}})
				default:
					mended = append(mended, m)
				}
			}
		}
		if len(mended) > 0 {
			again = append(again, &Unit{name: fmt.Sprintf("round%d", round), members: mended})
		}
		units = again
	}
	return inOrder(built), failed, nil
}

// passed is what came of a unit of this name.
type passed struct {
	unit string
	made *compile.Made
}

// inOrder sorts by the names of units. Their order decides which of two
// conflicting types is kept, so it must not depend on which compiler run ended
// first.
func inOrder(built []passed) []*compile.Made {
	slices.SortFunc(built, func(a, b passed) int { return strings.Compare(a.unit, b.unit) })
	made := make([]*compile.Made, len(built))
	for i := range built {
		made[i] = built[i].made
	}
	return made
}

// standIns makes one for each private header that a trace header includes by a
// path that the tree does not have.
func (b *builder) standIns(units []*Unit) error {
	for _, u := range units {
		for _, m := range u.members {
			for _, name := range m.Quoted {
				if err := b.StandIn(m.Path, name); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// answer is what came of compiling a unit: made, or what is said against it.
type answer struct {
	made *compile.Made
	said []cc.Diagnostic
}

// round compiles units on all cores, and mines each object as soon as it is
// there; the answers are in the order of units.
func (b *builder) round(ctx context.Context, units []*Unit) ([]answer, error) {
	answers := make([]answer, len(units))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(b.jobs)
	for i, u := range units {
		g.Go(func() (err error) {
			answers[i].made, answers[i].said, err = b.Make(ctx, u.compiled(b.shared))
			return err
		})
	}
	return answers, g.Wait()
}

// describe says how much there is to compile.
func describe(units []*Unit) string {
	n := 0
	for _, u := range units {
		n += len(u.members)
	}
	return fmt.Sprintf("%d trace headers in %d units", n, len(units))
}
