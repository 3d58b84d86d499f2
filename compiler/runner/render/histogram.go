package render

import (
	"fmt"
	"strconv"

	"github.com/tpinfo/tpinfo/compiler/ir"
)

const (
	barWidth = 50 // HIST_WIDTH: the most "@" of a bar
	elision  = 2  // HIST_ELISION: empty rows before and after others that stay
)

// Histogram appends the histogram that kind, "log" or "linear", names: a
// heading, a row a bucket and an empty line. buckets has ir.LogBuckets or
// a.Buckets() counts; anything else is an error.
func Histogram(dst []byte, a *ir.Aggregate, kind string, buckets []uint64) ([]byte, error) {
	h := histogram{Aggregate: a, linear: kind == "linear", buckets: buckets}
	want := ir.LogBuckets
	if h.linear {
		if !a.Linear || a.Width <= 0 {
			return dst, fmt.Errorf("a linear histogram of an aggregate that keeps none; the object is damaged")
		}
		want = a.Buckets()
	}
	if len(buckets) != want || want < 3 {
		return dst, fmt.Errorf("a %s histogram of %d buckets has %d; the object is damaged", kind, want, len(buckets))
	}
	return h.show(dst), nil
}

type histogram struct {
	*ir.Aggregate
	linear  bool
	buckets []uint64
}

// label is what stands in front of bucket i: the least of its values, or of
// those above all others.
func (h *histogram) label(i int) (prefix string, value int64) {
	switch {
	case !h.linear && i == ir.LogZero:
		return "", 0
	case !h.linear && i < ir.LogZero:
		return "", -1 << 63 >> i
	case !h.linear:
		return "", 1 << (i - ir.LogZero - 1)
	case i == 0:
		return "<", h.Start
	case i == len(h.buckets)-1:
		return ">", h.Start + int64(i-2)*h.Width
	default:
		return "", h.Start + int64(i-1)*h.Width
	}
}

// rows is the range of buckets shown: those that count something and up to two
// empty ones on either side, without the negative half of a logarithmic one and
// without empty ones beyond the range of a linear one.
func (h *histogram) rows() (low, high int, most uint64) {
	low = -1
	for i, n := range h.buckets {
		if n > 0 {
			high = i
			if low < 0 {
				low = i
			}
		}
		most = max(most, n)
	}
	last := len(h.buckets) - 1
	for range elision {
		if low > 0 && (h.linear || low != ir.LogZero) {
			low--
		}
		if high < last {
			high++
		}
	}
	if h.linear {
		if low == 0 && h.buckets[0] == 0 {
			low++
		}
		if high == last && h.buckets[last] == 0 {
			high--
		}
	}
	return max(low, 0), high, most
}

func (h *histogram) show(dst []byte) []byte {
	low, high, most := h.rows()
	scale := max((most+barWidth-1)/barWidth, 1)
	countWidth := len(strconv.FormatUint(most, 10))
	width := h.labelWidth(low, high)

	dst = fmt.Appendf(dst, "%*s |", width, "value")
	dst = repeat(dst, '-', barWidth)
	dst = append(dst, " count\n"...)
	eliding := false
	for i := low; i <= high; i++ {
		if h.elided(i, low, high) {
			eliding = true
			continue
		}
		if eliding {
			dst = fmt.Appendf(dst, "%*s ~\n", width, "")
			eliding = false
		}
		prefix, value := h.label(i)
		number := strconv.FormatInt(value, 10)
		dst = fmt.Appendf(dst, "%*s%s |", width-len(number), prefix, number)
		bar := int(h.buckets[i] / scale)
		dst = repeat(dst, '@', bar)
		dst = fmt.Appendf(dst, "%*d\n", barWidth-bar+1+countWidth, h.buckets[i])
	}
	return append(dst, '\n')
}

// labelWidth is what the labels at both ends take. Of a linear histogram
// SystemTap takes Start and the end of the last bucket, wherever the rows begin.
func (h *histogram) labelWidth(low, high int) int {
	_, first := h.label(low)
	_, last := h.label(high)
	under, over := 0, 0
	if h.linear {
		first, last = h.Start, h.Start+h.Width*int64(high)
		if low == 0 {
			under = 1
		}
		if high == len(h.buckets)-1 {
			over = 1
		}
	}
	return max(len(strconv.FormatInt(first, 10))+under, len(strconv.FormatInt(last, 10))+over, len("value"))
}

// elided reports whether row i and its neighbours count nothing.
func (h *histogram) elided(i, low, high int) bool {
	for k := max(i-elision, low); k <= min(i+elision, high); k++ {
		if h.buckets[k] != 0 {
			return false
		}
	}
	return true
}
