package bundle

import (
	"bufio"
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"

	"github.com/klauspost/compress/zstd"
)

// window is how far back the compression looks: versions of one struct lie a
// kernel apart. A reader needs as much memory.
const window = 32 << 20

// Limits of what a payload may grow to, so that a small file cannot fill the
// memory or the disk of who reads it. Real ones grow by a factor of 10 to 40.
const (
	maxPayload = 4 << 30
	freeGrowth = 64 << 20 // bytes that any file may grow to
	maxGrowth  = 200      // beyond these
)

// Write writes a file with the payload that fill writes, signed when key is
// not nil. The same payload and key give the same bytes.
func Write(w io.Writer, key ed25519.PrivateKey, fill func(io.Writer) error) error {
	var packed bytes.Buffer
	// One goroutine: it then compresses in one way only.
	z, err := zstd.NewWriter(&packed, zstd.WithEncoderLevel(zstd.SpeedBestCompression),
		zstd.WithWindowSize(window), zstd.WithEncoderConcurrency(1), zstd.WithEncoderCRC(false))
	if err != nil {
		return err
	}
	sum := sha256.New()
	buffered := bufio.NewWriterSize(io.MultiWriter(z, sum), 1<<16)
	if err := fill(buffered); err != nil {
		return errors.Join(err, z.Close())
	}
	if err := buffered.Flush(); err != nil {
		return errors.Join(err, z.Close())
	}
	if err := z.Close(); err != nil {
		return err
	}
	var h header
	sum.Sum(h.digest[:0])
	if key != nil {
		h.sign(key)
	}
	if _, err := io.WriteString(w, h.String()); err != nil {
		return err
	}
	_, err = packed.WriteTo(w)
	return err
}

// Reader gives the payload of a file. What it gives is known to be whole, and
// to be what was signed, only when it has ended with io.EOF.
type Reader struct {
	head   *header
	packed *counter
	z      *zstd.Decoder
	sum    hash.Hash
	size   int64
}

// Open reads the header and checks the signature: when keys are given, it must
// be by one of them. Close the reader after use.
func Open(r io.Reader, trusted ...ed25519.PublicKey) (*Reader, error) {
	buffered := bufio.NewReaderSize(r, 1<<16)
	head, err := readHeader(buffered)
	if err != nil {
		return nil, err
	}
	if err := head.verify(trusted); err != nil {
		return nil, err
	}
	packed := &counter{r: buffered}
	z, err := zstd.NewReader(packed, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(window), zstd.WithDecoderLowmem(true))
	if err != nil {
		return nil, err
	}
	return &Reader{head: head, packed: packed, z: z, sum: sha256.New()}, nil
}

// Signer is who signed the file; nil when nobody did.
func (r *Reader) Signer() ed25519.PublicKey { return r.head.signer }

// Read implements io.Reader. Its errors wrap ErrDamaged, or are those of
// reading the file.
func (r *Reader) Read(p []byte) (int, error) {
	n, err := r.z.Read(p)
	r.sum.Write(p[:n])
	r.size += int64(n)
	switch {
	case r.size > maxPayload || r.size > freeGrowth+maxGrowth*r.packed.n:
		return 0, fmt.Errorf("%w: it unpacks to more than a cache could hold (%d bytes from %d)", ErrDamaged, r.size, r.packed.n)
	case err == nil:
		return n, nil
	case r.packed.err != nil:
		return n, r.packed.err
	case !errors.Is(err, io.EOF):
		return n, fmt.Errorf("%w: %w", ErrDamaged, err)
	case [sha256.Size]byte(r.sum.Sum(nil)) != r.head.digest:
		return n, fmt.Errorf("%w: its content does not have the digest in its header", ErrDamaged)
	}
	return n, io.EOF
}

// Close lets go of the memory.
func (r *Reader) Close() { r.z.Close() }

// counter counts what it passes on, and remembers an error that is not the
// end.
type counter struct {
	r   io.Reader
	n   int64
	err error
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	if err != nil && err != io.EOF {
		c.err = err
	}
	return n, err
}
