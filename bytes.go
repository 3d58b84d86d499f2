package tpinfo

import (
	"bytes"
	"fmt"
	"strconv"
)

// Bytes is a size or an offset in bytes. Unknown marks one that nobody could
// measure; it is null in JSON.
type Bytes int64

// Unknown is the size or offset that is not known. It never stands for zero.
const Unknown Bytes = -1

// Known reports whether b was measured.
func (b Bytes) Known() bool { return b >= 0 }

// String gives the number, or "?" for Unknown.
func (b Bytes) String() string {
	if !b.Known() {
		return "?"
	}
	return strconv.FormatInt(int64(b), 10)
}

// MarshalJSON writes the number, or null for Unknown.
func (b Bytes) MarshalJSON() ([]byte, error) {
	if !b.Known() {
		return []byte("null"), nil
	}
	return strconv.AppendInt(nil, int64(b), 10), nil
}

// UnmarshalJSON reads a non-negative number, or null as Unknown.
func (b *Bytes) UnmarshalJSON(text []byte) error {
	if bytes.Equal(text, []byte("null")) {
		*b = Unknown
		return nil
	}
	n, err := strconv.ParseInt(string(text), 10, 64)
	if err != nil || n < 0 {
		return fmt.Errorf("size or offset %q is not a non-negative number", text)
	}
	*b = Bytes(n)
	return nil
}
