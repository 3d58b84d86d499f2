package probe

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/tpinfo/tpinfo/cache/compare"
	"github.com/tpinfo/tpinfo/cmd/tpinfo/cli"
	"github.com/tpinfo/tpinfo/compiler/diag"
	"github.com/tpinfo/tpinfo/compiler/matrix"
)

// reason is a reason for verdicts and the kernels that it holds for.
type reason struct {
	diag.Error
	on []bool // by kernel
}

// sort turns reasons by kernel into kernels by reason, in the order of the
// script.
func (v *verdicts) sort() {
	at := map[diag.Error]int{}
	for i := range v.results {
		v.kernels = append(v.kernels, v.results[i].Kernel)
		for _, e := range v.shown(&v.results[i]) {
			n, seen := at[e]
			if !seen {
				n = len(v.reasons)
				at[e] = n
				v.reasons = append(v.reasons, reason{e, make([]bool, len(v.results))})
			}
			v.reasons[n].on[i] = true
		}
	}
	slices.SortStableFunc(v.reasons, func(a, b reason) int { return a.Span.Start - b.Span.Start })
}

// print writes the table, then the reasons.
func (v *verdicts) print(w io.Writer) error {
	if v.Settings.Format == "json" {
		return v.printJSON(w)
	}
	against := ", held against " + v.against
	if v.against == "" {
		against = ", compiles for none"
		if v.alike() {
			fmt.Fprintf(w, "%s  on %s%s\n", v.Style.Bold(v.src.Name), cli.Plural(len(v.kernels), "kernel"), against)
			v.printReasons(w)
			return nil
		}
	}
	fmt.Fprintf(w, "%s  on %s%s\n\n", v.Style.Bold(v.src.Name), cli.Plural(len(v.kernels), "kernel"), against)
	if err := v.table(w); err != nil {
		return err
	}
	v.printReasons(w)
	count := map[matrix.Verdict]int{}
	for i := range v.results {
		count[v.results[i].Verdict]++
	}
	if !v.Settings.Quiet {
		fmt.Fprintf(w, "\nmeans the same on %d, something else on %d, does not compile for %d\n", count[matrix.Same], count[matrix.Differs], count[matrix.Fails])
	}
	return nil
}

// alike reports whether all reasons hold for all kernels.
func (v *verdicts) alike() bool {
	return !slices.ContainsFunc(v.reasons, func(r reason) bool { return slices.Contains(r.on, false) })
}

// symbols are how verdicts are drawn.
type symbols map[matrix.Verdict]string

func (v *verdicts) symbols() symbols {
	if v.Style.On && utf8Locale() {
		return symbols{matrix.Same: "✓", matrix.Differs: "~", matrix.Fails: "✗", matrix.Absent: "·"}
	}
	return symbols{matrix.Same: "=", matrix.Differs: "~", matrix.Fails: "x", matrix.Absent: "-"}
}

// utf8Locale reports whether the terminal shows more than ASCII, as locale(7)
// has it: the first of these that is set counts.
func utf8Locale() bool {
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if value := os.Getenv(name); value != "" {
			value = strings.ToLower(value)
			return strings.Contains(value, "utf-8") || strings.Contains(value, "utf8")
		}
	}
	return false
}

// widestTable is up to how many characters the names of probe points stand
// above the columns; where they take more, numbers do.
const widestTable = 100

func (v *verdicts) table(w io.Writer) error {
	sym := v.symbols()
	values := make([]int, len(v.results))
	groups := map[string]int{}
	for i := range v.results {
		key := fmt.Sprint(v.results[i].Verdict, v.results[i].Cells)
		if _, ok := groups[key]; !ok {
			groups[key] = len(groups)
		}
		values[i] = groups[key]
	}
	t := &cli.Table{Right: []bool{false, false, false, true}}
	paint := func(s string) string {
		switch strings.TrimSpace(s) {
		case sym[matrix.Same]:
			return v.Style.Good(s)
		case sym[matrix.Differs]:
			return v.Style.Warn(s)
		case sym[matrix.Fails]:
			return v.Style.Bad(s)
		}
		return v.Style.Dim(s)
	}
	t.Paint = []func(string) string{paint, v.Style.Name, nil, v.Style.Dim}
	head := []string{"", "RELEASES", "FLAVOURS", "KERNELS"}
	numbers := v.numbered()
	for n, c := range v.columns {
		t.Paint = append(t.Paint, paint)
		if numbers {
			head = append(head, strconv.Itoa(n+1))
		} else {
			head = append(head, c.Point)
		}
	}
	t.Add(head...)
	used := map[matrix.Verdict]bool{}
	for _, r := range compare.Fold(v.kernels, values) {
		first := &v.results[r.Kernels[0]]
		releases, flavours := r.Name(v.kernels)
		row := []string{sym[first.Verdict], releases, flavours, strconv.Itoa(len(r.Kernels))}
		used[first.Verdict] = true
		for _, c := range first.Cells {
			row = append(row, sym[c])
			used[c] = true
		}
		t.Add(row...)
	}
	if err := t.Print(w, ""); err != nil {
		return err
	}
	var legend []string
	for _, m := range []struct {
		v    matrix.Verdict
		text string
	}{{matrix.Same, "means the same"}, {matrix.Differs, "something else"}, {matrix.Fails, "does not compile"}, {matrix.Absent, "not there, as the script allows"}} {
		if used[m.v] {
			legend = append(legend, sym[m.v]+" "+m.text)
		}
	}
	if !v.Settings.Quiet {
		fmt.Fprintln(w, v.Style.Dim(strings.Join(legend, "   ")))
	}
	if numbers {
		fmt.Fprintln(w)
		for n, c := range v.columns {
			fmt.Fprintf(w, "%3d  %s\n", n+1, v.Style.Name(c.Point))
		}
	}
	return nil
}

func (v *verdicts) numbered() bool {
	width := 50
	for _, c := range v.columns {
		width += 2 + len(c.Point)
	}
	return width > widestTable
}

// printReasons says why, reasons that hold for the same kernels together.
func (v *verdicts) printReasons(w io.Writer) {
	done := make([]bool, len(v.reasons))
	for i := range v.reasons {
		if done[i] {
			continue
		}
		l := &diag.List{Source: v.src}
		for j := i; j < len(v.reasons); j++ {
			if !done[j] && slices.Equal(v.reasons[i].on, v.reasons[j].on) {
				l.Errors = append(l.Errors, v.reasons[j].Error)
				done[j] = true
			}
		}
		fmt.Fprintf(w, "\n%s\n%s\n", v.Style.Bold(v.named(v.reasons[i].on)+":"), l)
	}
}

// named names some of the kernels.
func (v *verdicts) named(on []bool) string {
	values := make([]int, len(on))
	for i := range on {
		if on[i] {
			values[i] = 1
		}
	}
	var names []string
	for _, r := range compare.Fold(v.kernels, values) {
		if r.Value == 1 {
			releases, flavours := r.Name(v.kernels)
			names = append(names, releases+" "+flavours)
		}
	}
	if !slices.Contains(on, false) && len(on) > 1 {
		return "all " + cli.Plural(len(on), "kernel")
	}
	return strings.Join(names, ", ")
}
