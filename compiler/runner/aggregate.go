package runner

import (
	"encoding/binary"
	"math/bits"

	"github.com/tpinfo/tpinfo/compiler/ir"
	"github.com/tpinfo/tpinfo/compiler/runner/eval"
)

// sumCPUs sums the copies of an aggregate, one CPU's after another.
func sumCPUs(a *ir.Aggregate, value []byte) *eval.Stat {
	l := a.Layout()
	sum := &eval.Stat{}
	for ; len(value) >= l.Size; value = value[l.Size:] {
		word := func(at int) uint64 {
			if at < 0 {
				return 0
			}
			return binary.NativeEndian.Uint64(value[at:])
		}
		words := func(at, n int) []uint64 {
			if at < 0 {
				return nil
			}
			w := make([]uint64, n)
			for i := range w {
				w[i] = word(at + 8*i)
			}
			return w
		}
		one := &eval.Stat{
			Count: int64(word(l.Count)), Sum: int64(word(l.Sum)),
			Min: ir.MinWord(int64(word(l.Min))), Max: ir.MaxWord(int64(word(l.Max))),
			SquaresLow: word(l.SquaresLow), SquaresHigh: word(l.SquaresHigh),
			Log: words(l.Log, ir.LogBuckets), Linear: words(l.Linear, a.Buckets()),
		}
		merge(sum, one)
	}
	return sum
}

// merge adds what from has to into. An aggregate that nothing was added to has
// no smallest and largest value.
func merge(into, from *eval.Stat) {
	if from.Count == 0 {
		return
	}
	if into.Count == 0 {
		into.Min, into.Max = from.Min, from.Max
	} else {
		into.Min, into.Max = min(into.Min, from.Min), max(into.Max, from.Max)
	}
	into.Count += from.Count
	into.Sum += from.Sum
	var carry uint64
	into.SquaresLow, carry = bits.Add64(into.SquaresLow, from.SquaresLow, 0)
	into.SquaresHigh, _ = bits.Add64(into.SquaresHigh, from.SquaresHigh, carry)
	into.Log = addBuckets(into.Log, from.Log)
	into.Linear = addBuckets(into.Linear, from.Linear)
}

func addBuckets(into, from []uint64) []uint64 {
	if into == nil {
		into = make([]uint64, len(from))
	}
	for i, n := range from {
		into[i] += n
	}
	return into
}
