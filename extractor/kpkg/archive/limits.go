package archive

import (
	"context"
	"io"
)

// Limits bound what one package may unpack to. One that is not above zero is
// the default.
type Limits struct {
	Bytes      int64 // of a decompressed archive, headers and skipped entries included
	Files      int   // entries of an archive, skipped ones included
	Ratio      int64 // decompressed bytes for each packed one
	PathLength int   // bytes of an entry's name, and of a link's target
}

// defaultLimits leave room for the largest real packages of 2026: linux-source
// is 1.4 GB in 90,000 entries, its ratio 10; a flavour's headers have names of
// up to 160 bytes.
var defaultLimits = Limits{
	Bytes:      6 << 30,
	Files:      400_000,
	Ratio:      100,
	PathLength: 1024,
}

// Bounds that no user needs to move.
const (
	ratioFree      = 16 << 20 // bytes an archive may unpack to whatever its ratio: runs of zeros are legitimate
	maxWindow      = 64 << 20 // dictionary or window of a decoder; xz -9 and zstd -19 --long=26 need this much
	maxControl     = 1 << 20  // bytes of a control file; real ones have 1 KB
	maxControlTar  = 32 << 20 // bytes of a control.tar with its scripts and checksums
	maxRPMHeader   = 64 << 20 // bytes of an RPM header; kernel-devel's has 3 MB
	maxRPMValues   = 1 << 20  // of one tag; kernel-devel's lists 20,000 files
	maxNameElement = 255      // bytes between two slashes; NAME_MAX
	maxMembers     = 16       // of an ar; a .deb has three, signed ones four
)

// MaxDepth is how many folders deep an entry may lie.
const MaxDepth = 64

// filled has the default wherever l has nothing.
func (l Limits) filled() Limits {
	d := defaultLimits
	if l.Bytes <= 0 {
		l.Bytes = d.Bytes
	}
	if l.Files <= 0 {
		l.Files = d.Files
	}
	if l.Ratio <= 0 {
		l.Ratio = d.Ratio
	}
	if l.PathLength <= 0 {
		l.PathLength = d.PathLength
	}
	return l
}

// packed counts the packed bytes that a decoder took, and ends with ctx.
type packed struct {
	ctx context.Context
	r   io.Reader
	n   int64
}

func (s *packed) Read(p []byte) (int, error) {
	if err := s.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := s.r.Read(p)
	s.n += int64(n)
	return n, err
}

// bounded stops a decoder that gives more than the limits allow.
type bounded struct {
	r      io.Reader
	from   *packed
	limits Limits
	n      int64
}

func (b *bounded) Read(p []byte) (int, error) {
	if err := b.from.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := b.r.Read(p)
	b.n += int64(n)
	switch {
	case b.n > b.limits.Bytes:
		return 0, problem(ErrTooLarge, "", "it unpacks to more than %d bytes", b.limits.Bytes)
	case b.n > ratioFree && b.n/b.limits.Ratio > b.from.n:
		return 0, problem(ErrTooLarge, "", "%d packed bytes unpack to more than %d, over %d times as many", b.from.n, b.n, b.limits.Ratio)
	}
	return n, err
}
