package runner

import (
	"slices"
	"testing"
	"time"

	"github.com/tpinfo/tpinfo/compiler/ir"
)

func TestSchedule(t *testing.T) {
	ms := int64(time.Millisecond)
	s, err := newSchedule(&ir.Program{Probes: []ir.Probe{
		{Kind: ir.Timer, Point: "a", Interval: 10 * ms},
		{Kind: ir.Begin},
		{Kind: ir.Timer, Point: "b", Interval: 4 * ms},
	}})
	if err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	s.begin(start)
	run := func(at time.Duration) (points []string) {
		for p := s.take(start.Add(at)); p != nil; p = s.take(start.Add(at)) {
			points = append(points, p.Point)
		}
		return points
	}
	for _, c := range []struct {
		at   time.Duration // milliseconds
		want []string
		late int64
	}{
		{3, nil, 0},
		{4, []string{"b"}, 0},
		{5, nil, 0},
		{11, []string{"b", "a"}, 0}, // 8 and 10, a little late
		{12, []string{"b"}, 0},      // no drift
		{41, []string{"b", "a"}, 8}, // b 16, a 20; left out: b 20 to 40, a 30 and 40
		{44, []string{"b"}, 8},      // back in step
		{50, []string{"b", "a"}, 8}, // 48 and 50
	} {
		if got := run(c.at * time.Millisecond); !slices.Equal(got, c.want) || s.late != c.late {
			t.Errorf("after %d ms: %v, %d late; want %v, %d", c.at, got, s.late, c.want, c.late)
		}
	}
	if _, err := newSchedule(&ir.Program{Name: "x.stp", Probes: []ir.Probe{{Kind: ir.Timer, Line: 3, Column: 7}}}); err == nil {
		t.Error("a timer without an interval was taken")
	}
}

func TestRandomInterval(t *testing.T) {
	tm := timer{probe: &ir.Probe{Interval: 100, Random: 10}}
	seen := map[time.Duration]bool{}
	for range 1000 {
		d := tm.pause()
		if d < 100 || d > 110 {
			t.Fatalf("a pause of %d, want 100 to 110", d)
		}
		seen[d] = true
	}
	if len(seen) != 11 {
		t.Errorf("%d different pauses, want 11", len(seen))
	}
}
