package eval

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/tpinfo/tpinfo/compiler/ir"
)

// visits makes a script over "global a[…]: long keyed by a string and a number"
// whose foreach prints keys and value.
func visits(each ir.Each) (*script, *ir.Node) {
	s := newScript(array("a", ir.Long, 1000, ir.String, ir.Long))
	k1, k2, v := s.local("k1", ir.String), s.local("k2", ir.Long), s.local("v", ir.Long)
	each.Keys, each.Value = []int{0, 1}, 2
	return s, &ir.Node{Op: ir.ForEach, Each: &each, Args: []*ir.Node{block(s.print(k1, k2, v))}}
}

func fill(s *script, rows [][3]any) {
	s.store = NewMemory(s.Program)
	for _, r := range rows {
		_ = s.store.Set(0, []Value{Text(r[0].(string)), Long(int64(r[1].(int)))}, Long(int64(r[2].(int))))
	}
}

func TestForeach(t *testing.T) {
	rows := [][3]any{{"b", 2, 30}, {"a", 9, 20}, {"c", -1, 30}, {"a", 1, -5}}
	for name, c := range map[string]struct {
		each ir.Each
		want string
	}{
		"as they are":         {ir.Each{Sort: -1}, "b 2 30|a 9 20|c -1 30|a 1 -5"},
		"by value":            {ir.Each{Sort: 0}, "a 1 -5|a 9 20|b 2 30|c -1 30"},
		"by value, down":      {ir.Each{Sort: 0, Desc: true}, "b 2 30|c -1 30|a 9 20|a 1 -5"},
		"by the first key":    {ir.Each{Sort: 1}, "a 9 20|a 1 -5|b 2 30|c -1 30"},
		"by the second, down": {ir.Each{Sort: 2, Desc: true}, "a 9 20|b 2 30|a 1 -5|c -1 30"},
		"limit":               {ir.Each{Sort: 0, Limit: lit(2)}, "a 1 -5|a 9 20"},
		"limit of none":       {ir.Each{Sort: 0, Limit: lit(0)}, ""},
		"limit below":         {ir.Each{Sort: 0, Limit: lit(-3)}, ""},
		"limit above":         {ir.Each{Sort: 1, Limit: lit(1 << 40)}, "a 9 20|a 1 -5|b 2 30|c -1 30"},
		"slice":               {ir.Each{Sort: 0, Slice: []*ir.Node{quoted("a"), nil}}, "a 1 -5|a 9 20"},
		"slice of numbers":    {ir.Each{Sort: 0, Slice: []*ir.Node{nil, lit(2)}}, "b 2 30"},
		"slice, limit":        {ir.Each{Sort: 0, Desc: true, Slice: []*ir.Node{quoted("a"), nil}, Limit: lit(1)}, "a 9 20"},
		"empty slice":         {ir.Each{Sort: 0, Slice: []*ir.Node{quoted("z"), nil}}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s, loop := visits(c.each)
			fill(s, rows)
			got, err := s.run(t, loop)
			if got = strings.TrimSuffix(strings.ReplaceAll(got, "\n", "|"), "|"); err != nil || got != c.want {
				t.Errorf("%q, %v; want %q", got, err, c.want)
			}
		})
	}
}

func TestForeachOrderIsThatOfSort(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		n := rapid.IntRange(0, 60).Draw(r, "n")
		each := ir.Each{Sort: rapid.IntRange(0, 2).Draw(r, "sort"), Desc: rapid.Bool().Draw(r, "desc")}
		var rows [][3]any
		for i := range n {
			rows = append(rows, [3]any{
				rapid.StringN(0, 3, 5).Filter(func(s string) bool { return !strings.ContainsAny(s, "\x00\n") }).Draw(r, "k1"),
				i*1000 + rapid.IntRange(0, 999).Draw(r, "k2"), rapid.IntRange(-5, 5).Draw(r, "v"),
			})
		}
		s, loop := visits(each)
		fill(s, rows)
		got, err := s.run(t, loop)
		slices.SortStableFunc(rows, func(a, b [3]any) int {
			var order int
			switch each.Sort {
			case 0:
				order = cmp.Compare(a[2].(int), b[2].(int))
			case 1:
				order = cmp.Compare(a[0].(string), b[0].(string))
			case 2:
				order = cmp.Compare(a[1].(int), b[1].(int))
			}
			if each.Desc {
				order = -order
			}
			return order
		})
		var want strings.Builder
		for _, row := range rows {
			fmt.Fprintln(&want, row[0], row[1], row[2])
		}
		if err != nil || got != want.String() {
			r.Fatalf("%+v visits\n%s(%v), want\n%s", each, got, err, want.String())
		}
	})
}

// The loop visits what there was when it began.
func TestForeachOfAChangingArray(t *testing.T) {
	s := newScript(array("a", ir.Long, 10, ir.Long))
	k := s.local("k", ir.Long)
	clearAll := &ir.Node{Op: ir.Delete}
	s.prints(t, "1 10\n2 0\n0\n",
		assign(elem(0, ir.Long, lit(1)), lit(10)),
		assign(elem(0, ir.Long, lit(2)), lit(20)),
		&ir.Node{Op: ir.ForEach, Each: &ir.Each{Keys: []int{0}, Value: -1, Sort: 1}, Args: []*ir.Node{block(
			s.print(k, elem(0, ir.Long, k)),
			clearAll,
			assign(elem(0, ir.Long, op(ir.Add, ir.Long, k, lit(100))), lit(1)),
		)}},
		clearAll,
		s.print(elem(0, ir.Long, lit(102))),
	)
}

func TestForeachBreakContinue(t *testing.T) {
	s := newScript(array("a", ir.Long, 10, ir.Long))
	k := s.local("k", ir.Long)
	var body []*ir.Node
	for i := range int64(6) {
		body = append(body, assign(elem(0, ir.Long, lit(i)), lit(i)))
	}
	body = append(body, &ir.Node{Op: ir.ForEach, Each: &ir.Each{Keys: []int{0}, Value: -1, Sort: 1, Desc: true}, Args: []*ir.Node{block(
		op(ir.If, ir.Void, op(ir.Eq, ir.Long, k, lit(4)), op(ir.Continue, ir.Void)),
		op(ir.If, ir.Void, op(ir.Eq, ir.Long, k, lit(2)), op(ir.Break, ir.Void)),
		s.print(k),
	)}}, s.print(k))
	s.prints(t, "5\n3\n2\n", body...)
}
