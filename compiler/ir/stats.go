package ir

import "math"

// The histograms of SystemTap (its runtime/stat.c): a logarithmic one has a
// bucket for 0, one for each power of two up to 2^62, and the same for negative
// values.
const (
	LogBuckets = 128
	LogZero    = 64 // the bucket of 0
)

// Aggregate says what a Stats keeps: just what the script asks for. The value
// is 64-bit words in the target's byte order, one copy a CPU.
type Aggregate struct {
	Sum      bool `json:"sum,omitempty"` // avg and variance need it too
	Min      bool `json:"min,omitempty"`
	Max      bool `json:"max,omitempty"`
	Variance bool `json:"variance,omitempty"` // a 128-bit sum of squares
	Log      bool `json:"log,omitempty"`
	// Linear: buckets of Width from Start to Stop, one below and one above.
	Linear bool  `json:"linear,omitempty"`
	Start  int64 `json:"start,omitempty"`
	Stop   int64 `json:"stop,omitempty"`
	Width  int64 `json:"width,omitempty"`
}

// Buckets is how many words of linear histogram there are: the one below Start,
// those of the range, and the one above Stop.
func (a *Aggregate) Buckets() int {
	if !a.Linear {
		return 0
	}
	return int((a.Stop-a.Start)/a.Width) + 3
}

// Layout is where each part of an aggregate lies, in bytes; -1 for what it
// does not keep. Count is always there, first.
type Layout struct {
	Count, Sum, Min, Max    int
	SquaresLow, SquaresHigh int
	Log, Linear             int
	Size                    int
}

// MinWord is how an aggregate keeps its least value: of two words the greater
// as unsigned numbers is that of the lesser value, and zero, which an aggregate
// begins with, loses against all. So a CPU that adds need not know whether
// another was first. It is its own inverse.
func MinWord(v int64) int64 { return v ^ math.MaxInt64 }

// MaxWord is MinWord for the greatest value.
func MaxWord(v int64) int64 { return v ^ math.MinInt64 }

// Layout places the parts.
func (a *Aggregate) Layout() Layout {
	l := Layout{Size: 8}
	place := func(kept bool, words int) int {
		if !kept {
			return -1
		}
		at := l.Size
		l.Size += 8 * words
		return at
	}
	l.Sum = place(a.Sum || a.Variance, 1)
	l.Min = place(a.Min, 1)
	l.Max = place(a.Max, 1)
	l.SquaresLow = place(a.Variance, 1)
	l.SquaresHigh = place(a.Variance, 1)
	l.Log = place(a.Log, LogBuckets)
	l.Linear = place(a.Linear, a.Buckets())
	return l
}
