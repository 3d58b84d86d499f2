package build

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/tpinfo/tpinfo/cmd/tpinfo/cli"
	"github.com/tpinfo/tpinfo/extractor/cc"
	"github.com/tpinfo/tpinfo/extractor/fleet"
	"github.com/tpinfo/tpinfo/extractor/kbuild"
)

// compilers are those that kernels are built with, each looked for once in a
// run. It is safe for concurrent use.
type compilers struct {
	choice string // of --cc; "" for none

	mu    sync.Mutex
	asked map[string]askedCompiler // by architecture
}

// askedCompiler is a compiler's name, or why there is none.
type askedCompiler struct {
	name string
	err  error
}

// tools names what kernels of an architecture are built with.
func (c *compilers) tools(ctx context.Context, arch string) string {
	of, err := c.of(ctx, arch)
	if err != nil {
		of = "no compiler"
	}
	return cli.ThisProgram().Name() + ", " + of
}

// of names the one for kernels of an architecture, the packages' word.
func (c *compilers) of(ctx context.Context, arch string) (name string, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	a, ok := c.asked[arch]
	if !ok {
		var target *kbuild.Arch
		if target, a.err = kbuild.ArchNamed(arch); a.err == nil {
			var found *cc.Compiler
			if found, a.err = cc.Find(ctx, c.choice, target); a.err == nil {
				a.name = found.String()
			}
		}
		if c.asked == nil {
			c.asked = map[string]askedCompiler{}
		}
		c.asked[arch] = a
	}
	return a.name, a.err
}

// check says before the work for which of the planned kernels there is
// no compiler. They fail, and are tried again once there is one; where there is
// none for any, nothing is begun.
func (c *compilers) check(ctx context.Context, a *cli.App, plan *fleet.Plan) error {
	lacking := map[string]int{} // kernels by architecture
	total := 0
	for _, t := range plan.Tasks {
		if _, err := c.of(ctx, t.Set.Arch); errors.Is(err, cc.ErrNoCompiler) {
			lacking[t.Set.Arch]++
			total++
		}
	}
	for _, arch := range slices.Sorted(maps.Keys(lacking)) {
		_, err := c.of(ctx, arch)
		if total == len(plan.Tasks) {
			return fmt.Errorf("%w; nothing was built", err)
		}
		a.Note("%v; without it %s will fail", err, cli.Plural(lacking[arch], arch+" kernel"))
	}
	return nil
}
