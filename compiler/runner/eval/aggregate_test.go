package eval

import (
	"errors"
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/tpinfo/tpinfo/compiler/ir"
)

func statistic(of *ir.Node, name string) *ir.Node {
	n := op(ir.Stat, ir.Long, of)
	n.Str = name
	return n
}

func add(to *ir.Node, n int64) *ir.Node { return op(ir.StatAdd, ir.Void, to, lit(n)) }

func everything() *ir.Aggregate {
	return &ir.Aggregate{Sum: true, Min: true, Max: true, Variance: true, Log: true, Linear: true, Start: 0, Stop: 10, Width: 5}
}

func TestStatistics(t *testing.T) {
	s := newScript(ir.Global{Name: "x", Type: ir.Stats, Stats: everything()})
	x := global(0, ir.Stats)
	body := []*ir.Node{s.print(statistic(x, "count"), statistic(x, "sum"))}
	for i := range int64(5) {
		body = append(body, add(x, i+1))
	}
	body = append(body, s.print(
		statistic(x, "count"), statistic(x, "sum"), statistic(x, "min"), statistic(x, "max"), statistic(x, "avg"), statistic(x, "variance"),
	), op(ir.Delete, ir.Void, x), s.print(statistic(x, "count")))
	s.prints(t, "0 0\n5 15 1 5 3 2\n0\n", body...)
}

func TestEmptyAggregate(t *testing.T) {
	s := newScript(ir.Global{Name: "x", Type: ir.Stats, Stats: everything()})
	s.Sites = []ir.Site{{Hist: "log"}}
	for _, n := range []*ir.Node{
		do(statistic(global(0, ir.Stats), "avg")), do(statistic(global(0, ir.Stats), "min")),
		do(statistic(global(0, ir.Stats), "max")), do(statistic(global(0, ir.Stats), "variance")),
		op(ir.Histogram, ir.Void, global(0, ir.Stats)),
	} {
		_, err := s.run(t, n)
		var failed *RuntimeError
		if !errors.As(err, &failed) || failed.Message != "empty aggregate" || failed.Line != 7 {
			t.Errorf("%s: %v", n.Op, err)
		}
	}
}

func TestForeachByStatistic(t *testing.T) {
	g := array("a", ir.Stats, 10, ir.String)
	g.Stats = everything()
	values := map[string][]int64{"a": {1, 1, 1}, "b": {9}, "c": {-4, 7}}
	for by, want := range map[string]string{
		"": "b c a", "count": "b c a", "sum": "a c b", "min": "c a b", "max": "a c b", "avg": "a c b",
	} {
		s := newScript(g)
		k := s.local("k", ir.String)
		var body []*ir.Node
		for _, name := range []string{"a", "b", "c"} {
			for _, n := range values[name] {
				body = append(body, add(elem(0, ir.Stats, quoted(name)), n))
			}
		}
		body = append(body, &ir.Node{Op: ir.ForEach, Each: &ir.Each{Keys: []int{0}, Value: -1, By: by}, Args: []*ir.Node{s.print(k)}})
		s.prints(t, strings.ReplaceAll(want, " ", "\n")+"\n", body...)
	}
}

func TestHistogram(t *testing.T) {
	s := newScript(ir.Global{Name: "x", Type: ir.Stats, Stats: everything()})
	s.Sites = []ir.Site{{Hist: "log"}, {Hist: "linear", Parts: []ir.Part{{Text: "--\n"}}}}
	hist := func(site int64) *ir.Node {
		n := op(ir.Histogram, ir.Void, global(0, ir.Stats))
		n.Int = site
		return n
	}
	bar := strings.Repeat("-", 50)
	row := func(label, bar, count string) string {
		return label + " |" + bar + strings.Repeat(" ", 52-len(bar)-len(count)) + count + "\n"
	}
	s.prints(t, "value |"+bar+" count\n"+
		row("    0", "", "0")+row("    1", "@@", "2")+row("    2", "@", "1")+row("    4", "", "0")+row("    8", "", "0")+"\n"+
		"value |"+bar+" count\n"+
		row("    0", "@@@", "3")+row("    5", "", "0")+row("   10", "", "0")+"\n--\n",
		add(global(0, ir.Stats), 1), add(global(0, ir.Stats), 1), add(global(0, ir.Stats), 2), hist(0), hist(1),
	)
}

func TestBuckets(t *testing.T) {
	for n, want := range map[int64]int{
		0: 64, 1: 65, 2: 66, 3: 66, 4: 67, math.MaxInt64: 127, 1 << 62: 127,
		-1: 63, -2: 62, -3: 62, -4: 61, math.MinInt64: 0, math.MinInt64 + 1: 1,
	} {
		if got := LogBucket(n); got != want {
			t.Errorf("%d is in bucket %d, want %d", n, got, want)
		}
	}
	a := &ir.Aggregate{Linear: true, Start: -10, Stop: 10, Width: 5} // <-10, -10, -5, 0, 5, 10, >
	for n, want := range map[int64]int{
		-11: 0, -10: 1, -6: 1, -5: 2, 0: 3, 4: 3, 9: 4, 10: 5, 14: 5, 15: 6, math.MaxInt64: 6, math.MinInt64: 0,
	} {
		if got := LinearBucket(a, n); got != want {
			t.Errorf("%d is in linear bucket %d, want %d", n, got, want)
		}
	}
}

// The variance is the whole part of the exact one; of numbers so large that
// their squares leave 64 bits, too.
func TestVariance(t *testing.T) {
	for _, c := range []struct {
		values []int64
		want   int64
	}{
		{[]int64{5}, 0},
		{[]int64{1, 2, 3, 4, 5}, 2},
		{[]int64{-3, 3}, 18},
		{[]int64{1 << 40, 1<<40 + 2}, 2},
		{[]int64{1 << 62, 1<<62 - 2}, 2},
		{[]int64{math.MaxInt64, math.MinInt64}, math.MaxInt64},
	} {
		var s Stat
		for _, n := range c.values {
			s.Add(&ir.Aggregate{Variance: true}, n)
		}
		if got := s.Variance(); got != c.want {
			t.Errorf("of %v it is %d, want %d", c.values, got, c.want)
		}
	}
	rapid.Check(t, func(r *rapid.T) {
		values := rapid.SliceOfN(rapid.Int64Range(-1000, 1000), 2, 20).Draw(r, "values")
		var s Stat
		var sum, squares float64
		for _, n := range values {
			s.Add(&ir.Aggregate{Variance: true}, n)
			sum += float64(n)
		}
		for _, n := range values {
			d := float64(n) - sum/float64(len(values))
			squares += d * d
		}
		exact := squares / float64(len(values)-1)
		if got := float64(s.Variance()); got > exact+1e-6 || got < exact-1-1e-6 {
			r.Fatalf("of %v it is %v, want the whole part of %v", values, got, exact)
		}
	})
}
