package layout

import (
	"encoding/binary"
	"fmt"
	"slices"
)

// EncodeList writes which layouts something has, by their numbers from 1: in
// ascending order, each once, as differences. It sorts numbers.
func EncodeList(numbers []int64) []byte {
	slices.Sort(numbers)
	numbers = slices.Compact(numbers)
	var out []byte
	last := int64(0)
	for _, n := range numbers {
		out = binary.AppendUvarint(out, uint64(n-last))
		last = n
	}
	return out
}

// DecodeList reads what EncodeList wrote. Its errors wrap ErrDamaged.
func DecodeList(body []byte) ([]int64, error) {
	numbers := make([]int64, 0, len(body))
	last := int64(0)
	for len(body) > 0 {
		d, n := binary.Uvarint(body)
		if n <= 0 || d == 0 || d > 1<<40 {
			return nil, fmt.Errorf("list of layouts: %w", ErrDamaged)
		}
		last += int64(d)
		numbers = append(numbers, last)
		body = body[n:]
	}
	return numbers, nil
}
