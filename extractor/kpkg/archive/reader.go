package archive

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"io/fs"
	"os"
)

// Format is the kind of a package file.
type Format string

// The formats.
const (
	Deb Format = "deb" // ar of control.tar and data.tar, gz, xz or zstd (deb(5))
	RPM Format = "rpm" // lead, headers, cpio payload
	Tar Format = "tar" // of a tree; plain, gz, xz, zstd or bz2
)

// Reader reads a file once, from its start to its end, and hashes it on the
// way. Errors have the file's path; those that are the file's fault are an
// [*Error].
type Reader struct {
	path string
	f    *os.File
	stat fs.FileInfo
	from *packed
	hash hash.Hash
	head []byte    // read ahead and not yet hashed
	data *arMember // of a .deb, when what stands before it was read
}

// Open opens a file. Reading it ends with ctx.
func Open(ctx context.Context, path string) (*Reader, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	stat, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, err
	}
	return &Reader{path: path, f: f, stat: stat, from: &packed{ctx: ctx, r: fileReader{f}}, hash: sha256.New()}, nil
}

// Close closes the file.
func (r *Reader) Close() error { return r.f.Close() }

// Size is how many bytes the file had when it was opened.
func (r *Reader) Size() int64 { return r.stat.Size() }

// hashing is a Reader's file as the formats' readers see it.
type hashing struct{ *Reader }

func (r hashing) Read(p []byte) (int, error) {
	if len(r.head) > 0 {
		n := copy(p, r.head)
		r.head = r.head[n:]
		return n, nil
	}
	n, err := r.from.Read(p)
	r.hash.Write(p[:n])
	return n, err
}

// fileReader marks failures to read a file as the machine's.
type fileReader struct{ f *os.File }

func (r fileReader) Read(p []byte) (int, error) {
	n, err := r.f.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = machine(err)
	}
	return n, err
}

// Format tells what a file is from its first bytes, which stay to be read.
// Whatever is no package may be a tarball.
func (r *Reader) Format() (Format, error) {
	format, err := r.format()
	return format, at(r.path, err)
}

func (r *Reader) format() (Format, error) {
	head := make([]byte, len(arMagic))
	n, err := io.ReadFull(hashing{r}, head)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return "", err
	}
	r.head = head[:n]
	switch {
	case n == 0:
		return "", problem(ErrDamaged, "", "it is empty")
	case string(head) == arMagic:
		return Deb, nil
	case n >= len(rpmMagic) && string(head[:len(rpmMagic)]) == rpmMagic:
		return RPM, nil
	}
	return Tar, nil
}

// About reads what a package says of itself, as far as that stands in it. The
// error is of the kind [ErrUnknownFormat] when the file is neither a .deb nor
// an .rpm file.
func (r *Reader) About() (*About, error) {
	said, err := r.about()
	return said, at(r.path, err)
}

func (r *Reader) about() (*About, error) {
	if !r.stat.Mode().IsRegular() {
		return nil, problem(ErrUnknownFormat, "", "it is no file")
	}
	format, err := r.format()
	if err != nil {
		return nil, err
	}
	switch format {
	case Deb:
		a, err := newArReader(hashing{r})
		if err != nil {
			return nil, err
		}
		said, err := readControl(r.from.ctx, a)
		if err != nil {
			return nil, err
		}
		// A package whose data is not there is known to be damaged before a
		// build counts on it.
		r.data, err = debMember(a, dataTar)
		return said, err
	case RPM:
		return readRPM(hashing{r})
	}
	return nil, problem(ErrUnknownFormat, "", "it is neither a .deb nor an .rpm file")
}

// Walk calls visit for each entry of the file's data. It gives back the error
// of a visit, [ErrStop] too, which leaves the rest of the file unread.
func (r *Reader) Walk(format Format, limits Limits, visit func(*Entry) error) error {
	return at(r.path, walk(r.from.ctx, hashing{r}, format, limits, visit))
}

// Digest reads what is left of the file and gives the SHA-256 of all of it, in
// hexadecimal. A .deb of which not all data is there is damaged, when it was
// asked what it says of itself.
func (r *Reader) Digest() (string, error) {
	if r.data != nil {
		if _, err := io.Copy(io.Discard, r.data.body); err != nil {
			return "", at(r.path, in(r.data.name, err))
		}
	}
	if _, err := io.Copy(io.Discard, hashing{r}); err != nil {
		return "", at(r.path, err)
	}
	if r.from.n != r.Size() {
		return "", at(r.path, problem(ErrDamaged, "", "it changed while it was read"))
	}
	return hex.EncodeToString(r.hash.Sum(nil)), nil
}
