package eval

import (
	"math"
	"math/big"
	"math/bits"

	"github.com/tpinfo/tpinfo/compiler/ir"
)

// Stat is an aggregate, summed over all CPUs. What its ir.Aggregate does not
// keep is zero. Log has ir.LogBuckets counts or none, Linear those of
// Aggregate.Buckets or none.
type Stat struct {
	Count, Sum, Min, Max int64
	// The sum of squares, 128 bits.
	SquaresLow, SquaresHigh uint64
	Log, Linear             []uint64
}

// Add adds n to what a keeps.
func (s *Stat) Add(a *ir.Aggregate, n int64) {
	s.Count++
	if a.Sum || a.Variance {
		s.Sum += n
	}
	if a.Min && (s.Count == 1 || n < s.Min) {
		s.Min = n
	}
	if a.Max && (s.Count == 1 || n > s.Max) {
		s.Max = n
	}
	if a.Variance {
		size := magnitude(n)
		high, low := bits.Mul64(size, size)
		var carry uint64
		s.SquaresLow, carry = bits.Add64(s.SquaresLow, low, 0)
		s.SquaresHigh, _ = bits.Add64(s.SquaresHigh, high, carry)
	}
	if a.Log {
		if len(s.Log) == 0 {
			s.Log = make([]uint64, ir.LogBuckets)
		}
		s.Log[LogBucket(n)]++
	}
	if a.Linear && a.Width > 0 {
		if len(s.Linear) == 0 {
			s.Linear = make([]uint64, a.Buckets())
		}
		s.Linear[LinearBucket(a, n)]++
	}
}

// Avg is the average, cut toward zero, of an aggregate that has a count.
func (s *Stat) Avg() int64 {
	if s.Count == 0 {
		return 0
	}
	return s.Sum / s.Count
}

// Variance is the sample variance of what was added, cut to a whole number; 0
// of a single value. It is exact: SystemTap's own @variance(x) works with
// rounded steps (12 of 1, 2, 3, 4, 5, says its manual; here it is 2).
func (s *Stat) Variance() int64 {
	if s.Count < 2 {
		return 0
	}
	count := big.NewInt(s.Count)
	squares := new(big.Int).SetUint64(s.SquaresHigh)
	squares.Lsh(squares, 64).Add(squares, new(big.Int).SetUint64(s.SquaresLow))
	sum := big.NewInt(s.Sum)
	spread := squares.Mul(squares, count)
	spread.Sub(spread, sum.Mul(sum, sum))
	spread.Div(spread, count.Mul(count, big.NewInt(s.Count-1)))
	switch {
	case spread.Sign() < 0: // read while a probe was adding
		return 0
	case !spread.IsInt64():
		return math.MaxInt64
	}
	return spread.Int64()
}

// Statistic returns what name, as of ir.Stat, says of s; known is false for a
// name that is none.
func (s *Stat) Statistic(name string) (n int64, known bool) {
	switch name {
	case "count":
		return s.Count, true
	case "sum":
		return s.Sum, true
	case "min":
		return s.Min, true
	case "max":
		return s.Max, true
	case "avg":
		return s.Avg(), true
	case "variance":
		return s.Variance(), true
	}
	return 0, false
}

// LogBucket is the bucket of a logarithmic histogram that counts n.
func LogBucket(n int64) int {
	if n < 0 {
		return ir.LogZero - bits.Len64(magnitude(n))
	}
	return ir.LogZero + bits.Len64(uint64(n))
}

// LinearBucket is the bucket of a's linear histogram that counts n;
// a.Width must be positive.
func LinearBucket(a *ir.Aggregate, n int64) int {
	if n < a.Start {
		return 0
	}
	return int(min((uint64(n)-uint64(a.Start))/uint64(a.Width)+1, uint64(a.Buckets()-1)))
}

func magnitude(n int64) uint64 {
	if n < 0 {
		return -uint64(n)
	}
	return uint64(n)
}
