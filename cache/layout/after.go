package layout

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/klauspost/compress/zstd"
)

// window is how far back PackAfter looks, in bytes: over a text and its base of
// some 50 kB each. An encoder takes memory by it.
const window = 256 << 10

// PackAfter packs a text that is much like another, with that as its dictionary.
func PackAfter(text, base []byte) ([]byte, error) {
	w, err := zstd.NewWriter(nil, zstd.WithEncoderDictRaw(0, base), zstd.WithEncoderLevel(zstd.SpeedBetterCompression),
		zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(window), zstd.WithLowerEncoderMem(true), zstd.WithEncoderCRC(false), zstd.WithSingleSegment(true))
	if err != nil {
		return nil, err
	}
	return w.EncodeAll(text, nil), w.Close()
}

// UnpackAfter undoes PackAfter, for the same base. Its errors wrap ErrDamaged.
func UnpackAfter(body, base []byte) ([]byte, error) {
	r, err := zstd.NewReader(bytes.NewReader(nil), zstd.WithDecoderDictRaw(0, base), zstd.WithDecoderConcurrency(1),
		zstd.WithDecoderMaxMemory(MaxBody))
	if err != nil {
		return nil, err
	}
	defer r.Close()
	text, err := r.DecodeAll(body, nil)
	if errors.Is(err, zstd.ErrDecoderSizeExceeded) {
		return nil, errTooLarge
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return text, nil
}
