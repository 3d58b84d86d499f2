package verify

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Report is the outcome of one comparison.
type Report struct {
	// Compared counts the events, records or types that both sides describe;
	// Agreed those of them without a difference that is not explained.
	Compared, Agreed int
	// Disagreements come sorted by subject.
	Disagreements []Disagreement
	// OnlyHave and OnlyOracle name what just one side describes, sorted.
	OnlyHave, OnlyOracle []string
}

// Disagreement is one difference.
type Disagreement struct {
	Subject string `json:"subject"` // "sched:sched_switch", "struct page"
	What    string `json:"what"`    // "argument 2 (next): type"
	Have    string `json:"have"`
	Oracle  string `json:"oracle"`
	// Explained says why the difference comes from the oracle's own limits;
	// empty for a real one.
	Explained string `json:"explained"`
}

func (d Disagreement) String() string {
	s := fmt.Sprintf("%s: %s: %s, the other source says %s", d.Subject, d.What, d.Have, d.Oracle)
	if d.Explained != "" {
		s += " (" + d.Explained + ")"
	}
	return s
}

// Unexplained counts the real differences.
func (r *Report) Unexplained() int { return unexplained(r.Disagreements) }

func unexplained(found []Disagreement) int {
	n := 0
	for _, d := range found {
		if d.Explained == "" {
			n++
		}
	}
	return n
}

// Limits are things that an oracle does not know although it seems to say
// them: true where it does not.
type Limits struct {
	CharSign bool // whether char is signed
	EnumSign bool // whether an enum is signed, and constants beyond 32 bits
}

const (
	noCharSign = "this BTF does not tell the sign of char"
	noEnumSign = "this BTF tells neither the sign of enums nor constants beyond 32 bits"
)

// subject collects the differences of one thing.
type subject struct {
	name   string
	limits Limits
	found  []Disagreement
}

func (s *subject) differ(what string, have, oracle any) {
	s.explain(what, have, oracle, "")
}

func (s *subject) explain(what string, have, oracle any, why string) {
	s.found = append(s.found, Disagreement{
		Subject: s.name, What: what, Have: fmt.Sprint(have), Oracle: fmt.Sprint(oracle), Explained: why,
	})
}

// nearer reports whether s differs less than other does: a real difference
// weighs more than any number of explained ones.
func (s *subject) nearer(other *subject) bool {
	return cmp.Or(cmp.Compare(unexplained(s.found), unexplained(other.found)), cmp.Compare(len(s.found), len(other.found))) < 0
}

// close adds what was found about s to the report.
func (r *Report) close(s *subject) {
	r.Compared++
	r.Disagreements = append(r.Disagreements, s.found...)
	if unexplained(s.found) == 0 {
		r.Agreed++
	}
}

func (r *Report) sort() *Report {
	slices.Sort(r.OnlyHave)
	slices.Sort(r.OnlyOracle)
	slices.SortStableFunc(r.Disagreements, func(a, b Disagreement) int { return strings.Compare(a.Subject, b.Subject) })
	return r
}

// same compares what either side may not know.
func same[T cmp.Ordered](a, b, unknown T) bool { return a == b || a == unknown || b == unknown }
