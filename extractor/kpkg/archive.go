package kpkg

import (
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"os"
)

// fileReader marks failures to read a file as the machine's.
type fileReader struct{ f *os.File }

func (r fileReader) Read(p []byte) (int, error) {
	n, err := r.f.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = machine(err)
	}
	return n, err
}

// walk calls visit for each entry of a package's data. A visit that gives
// errStop ends it early and well; otherwise the file must still have the
// digest it was inspected with.
func walk(ctx context.Context, p Package, limits Limits, visit func(*entry) error) error {
	f, err := os.Open(p.Path)
	if err != nil {
		return machine(err)
	}
	defer f.Close()
	d := &digester{from: &packed{ctx: ctx, r: fileReader{f}}, hash: sha256.New()}
	if err := walkData(ctx, d, p.Format, limits, visit); err != nil {
		if errors.Is(err, errStop) {
			return nil
		}
		return at(p.Path, err)
	}
	sum, err := d.rest()
	if err != nil {
		return at(p.Path, err)
	}
	if p.Digest != "" && sum != p.Digest {
		return at(p.Path, problem(ErrDamaged, "", "it is not the file any more that was found before"))
	}
	return nil
}

// walkData is walk on an open file.
func walkData(ctx context.Context, r io.Reader, format Format, limits Limits, visit func(*entry) error) error {
	member := ""
	var files []rpmFile
	switch format {
	case Deb:
		a, err := newArReader(r)
		if err != nil {
			return err
		}
		m, err := debMember(a, dataTar)
		if err != nil {
			return err
		}
		member, r = m.name, m.body
	case RPM:
		h, err := readRPMHeaders(r)
		if err != nil {
			return err
		}
		if files, err = h.files(); err != nil {
			return err
		}
	case Tar:
	default:
		return problem(ErrUnknownFormat, "", "the format %q is not known", format)
	}
	data, done, err := decompress(ctx, r, limits)
	if err != nil {
		return in(member, err)
	}
	defer done()
	if format == RPM {
		err = walkCpio(data, limits, files, visit)
	} else {
		err = walkTar(data, limits, visit)
	}
	if err != nil {
		return in(member, err)
	}
	// Behind the archive's end a decoder still has its checksum to compare,
	// and the file the rest of the member.
	for _, rest := range []io.Reader{data, r} {
		if _, err := io.Copy(io.Discard, rest); err != nil {
			return in(member, err)
		}
	}
	return nil
}
