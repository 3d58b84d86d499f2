package traceheaders

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/tpinfo/tpinfo/extractor/kbuild"
	"github.com/tpinfo/tpinfo/headers"
)

// fewestUnits is in how many units the headers of a tree are spread at least.
// More read the common prefix more often than cores are won; more there are
// only where a unit would take too much memory (kbuild.Arch.UnitText). The
// number follows from the tree, so that the same is extracted on every machine.
const fewestUnits = 2

// Plan spreads the headers over units. Those of the network come first, in as
// few units as hold them: they share includes of two megabytes. Those that need
// something come last in the last unit, so that what is declared for them hides
// nothing from others; hintFor tells what is known of a header's needs
// beforehand. One that includes what is not there would end the unit it is in,
// and so gets its own.
func Plan(tree *kbuild.Tree, found []Header, hintFor func(header string) (headers.Hint, bool)) []*Unit {
	var network, plain, needy, lacking []member
	for _, h := range found {
		m := member{Header: h}
		hint, hinted := hintFor(h.Include)
		if hinted {
			m.need.Includes = existing(tree, hint.Includes)
			if hint.Until == [2]int{} || !tree.Version.AtLeast(hint.Until[0], hint.Until[1]) {
				m.need.Unknown, m.need.Unless = slices.Clone(hint.Unknown), hint.Unless
			}
			m.need.Constants = slices.Clone(hint.Constants)
		}
		switch {
		case h.Lacks != "":
			lacking = append(lacking, m)
		case hinted:
			needy = append(needy, m)
		case h.Network:
			network = append(network, m)
		default:
			plain = append(plain, m)
		}
	}
	plain = append(network, plain...)
	count := max(fewestUnits, (textOf(plain, needy)+tree.Arch.UnitText-1)/tree.Arch.UnitText)
	var units []*Unit
	add := func(members []member) {
		if len(members) == 0 {
			return
		}
		units = append(units, &Unit{name: fmt.Sprintf("unit%d", len(units)+1), members: members})
	}
	for ; count > 1; count-- {
		n := share(plain, textOf(plain, needy)/count)
		add(plain[:n])
		plain = plain[n:]
	}
	add(append(plain, needy...))
	for _, m := range lacking {
		add([]member{m})
	}
	return units
}

// textOf is how much text there is to read.
func textOf(lists ...[]member) (bytes int) {
	for _, m := range slices.Concat(lists...) {
		bytes += m.Size
	}
	return bytes
}

// share is how many headers of the list have about so much text together.
func share(list []member, text int) int {
	n, sum := 0, 0
	for n < len(list) && sum+list[n].Size/2 < text {
		sum += list[n].Size
		n++
	}
	return n
}

// existing keeps the headers that the tree has.
func existing(tree *kbuild.Tree, names []string) []string {
	var kept []string
	for _, name := range names {
		for _, dir := range tree.IncludeDirs() {
			if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
				kept = append(kept, name)
				break
			}
		}
	}
	return kept
}
