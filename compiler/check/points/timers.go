package points

import (
	"math"

	"github.com/tpinfo/tpinfo/compiler/diag"
	"github.com/tpinfo/tpinfo/compiler/ir"
	"github.com/tpinfo/tpinfo/compiler/syntax"
)

// units are what timers count in, in nanoseconds.
var units = map[string]int64{
	"s": 1e9, "sec": 1e9, "ms": 1e6, "msec": 1e6, "us": 1e3, "usec": 1e3, "ns": 1, "nsec": 1,
	// HZ is a choice of the kernel's configuration, which the cache does not
	// have: a jiffy is taken for 4 ms, as 250 HZ make it (kernel/Kconfig.hz's
	// default).
	"jiffies": 4e6,
}

// profileHz is how often timer.profile fires on each CPU. SystemTap has it at
// the kernel's tick, up to 1000 a second.
const profileHz = 1000

// timer is "timer.s(1)", "timer.ms(5).randomize(2)", "timer.hz(10)" and
// "timer.profile".
func (r *Resolver) timer(pt *syntax.Point) ([]*Handler, error) {
	list := pt.Components
	const form = "as in timer.s(1), timer.ms(100).randomize(10), timer.hz(5) or timer.profile"
	if len(list) < 2 || list[0].Arg != nil {
		r.badPoint(pt, form, "which timer is missing")
		return nil, nil
	}
	unit := list[1].Name
	if unit == "profile" {
		if len(list) > 2 || list[1].Arg != nil {
			r.badPoint(pt, form, "nothing stands behind profile")
			return nil, nil
		}
		h := r.newHandler(pt, ir.PerfEvent)
		h.Probe.Perf = &ir.Perf{Type: perfSoftware, Config: perfCPUClock, Frequency: profileHz}
		return []*Handler{h}, nil
	}
	nanoseconds, known := units[unit]
	if !known && unit != "hz" {
		r.badPoint(pt, diag.DidYouMean(unit, []string{"s", "sec", "ms", "msec", "us", "usec", "ns", "nsec", "jiffies", "hz", "profile"}), "there is no such timer")
		return nil, nil
	}
	n, ok := r.number(list[1])
	if !ok || n <= 0 || unit == "hz" && n > 1e9 || unit != "hz" && n > math.MaxInt64/nanoseconds/4 {
		r.badPoint(pt, form, "it takes a positive number")
		return nil, nil
	}
	h := r.newHandler(pt, ir.Timer)
	if unit == "hz" {
		h.Probe.Interval = 1e9 / n
	} else {
		h.Probe.Interval = n * nanoseconds
	}
	if len(list) == 2 {
		return []*Handler{h}, nil
	}
	spread, ok := r.number(list[2])
	if len(list) > 3 || list[2].Name != "randomize" || unit == "hz" || !ok || spread < 0 || spread > n {
		r.badPoint(pt, form, "randomize takes a number up to the interval, and nothing stands behind it")
		return nil, nil
	}
	// A random number from -spread to +spread is added to the interval (man
	// stapprobes).
	h.Probe.Interval -= spread * nanoseconds
	h.Probe.Random = 2 * spread * nanoseconds
	return []*Handler{h}, nil
}

// Of include/uapi/linux/perf_event.h.
const (
	perfSoftware = 1 // PERF_TYPE_SOFTWARE
	perfCPUClock = 0 // PERF_COUNT_SW_CPU_CLOCK
)

// defaultPeriod is how many events make a sample (man stapprobes, PERF).
const defaultPeriod = 1000000

// perf is "perf.type(N).config(M)" with ".sample(P)" or ".hz(H)".
func (r *Resolver) perf(pt *syntax.Point) ([]*Handler, error) {
	list := pt.Components
	const form = "as in perf.type(0).config(1).sample(1000000) or perf.type(1).config(0).hz(99)"
	if len(list) < 3 || len(list) > 4 || list[0].Arg != nil || list[1].Name != "type" || list[2].Name != "config" {
		r.badPoint(pt, form, "there is no such perf probe")
		return nil, nil
	}
	var numbers [4]int64
	for i, comp := range list[1:] {
		n, ok := r.number(comp)
		if !ok || n < 0 && comp.Name != "config" || i == 2 && n < 1 || i == 0 && n > math.MaxUint32 {
			r.badPoint(pt, form, comp.Name+" takes a number")
			return nil, nil
		}
		numbers[i] = n
	}
	h := r.newHandler(pt, ir.PerfEvent)
	h.Probe.Perf = &ir.Perf{Type: uint32(numbers[0]), Config: uint64(numbers[1]), Period: defaultPeriod}
	if len(list) == 4 {
		switch list[3].Name {
		case "sample":
			h.Probe.Perf.Period = uint64(numbers[2])
		case "hz":
			h.Probe.Perf.Period, h.Probe.Perf.Frequency = 0, uint64(numbers[2])
		default:
			r.badPoint(pt, form, "there are sample and hz, and no "+list[3].Name)
			return nil, nil
		}
	}
	return []*Handler{h}, nil
}
