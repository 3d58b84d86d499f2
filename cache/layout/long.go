package layout

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/klauspost/compress/zstd"
)

// window is how far back packLong looks, in bytes: over a text and its other of
// some 50 kB each. An encoder takes memory by it.
const window = 256 << 10

// packLong packs a text with another as its dictionary. zstd takes longer to
// begin than a layout takes to pack, and looks back as far as one lets it.
func packLong(text, other []byte) ([]byte, error) {
	w, err := zstd.NewWriter(nil, zstd.WithEncoderDictRaw(0, other), zstd.WithEncoderLevel(zstd.SpeedBetterCompression),
		zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(window), zstd.WithLowerEncoderMem(true), zstd.WithEncoderCRC(false), zstd.WithSingleSegment(true))
	if err != nil {
		return nil, err
	}
	return w.EncodeAll(text, []byte{onLong}), w.Close()
}

// unpackLong undoes packLong, for the same other. Its errors wrap ErrDamaged.
func unpackLong(stored, other []byte) ([]byte, error) {
	if len(other) == 0 {
		return nil, fmt.Errorf("%w: the one that it is packed on is empty", ErrDamaged)
	}
	r, err := zstd.NewReader(bytes.NewReader(nil), zstd.WithDecoderDictRaw(0, other), zstd.WithDecoderConcurrency(1),
		zstd.WithDecoderMaxMemory(MaxBody))
	if err != nil {
		return nil, err
	}
	defer r.Close()
	text, err := r.DecodeAll(stored[1:], nil)
	if errors.Is(err, zstd.ErrDecoderSizeExceeded) {
		return nil, errTooLarge
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return text, nil
}
