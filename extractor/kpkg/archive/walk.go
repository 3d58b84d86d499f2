package archive

import (
	"context"
	"io"
)

// walk calls visit for each entry of an archive's data.
func walk(ctx context.Context, r io.Reader, format Format, limits Limits, visit func(*Entry) error) error {
	limits = limits.filled()
	member := ""
	var files []File
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

// WalkTar calls visit for each entry of a tarball, packed or not, that an
// entry is. It gives back the error of a visit, [ErrStop] too.
func (e *Entry) WalkTar(ctx context.Context, limits Limits, visit func(*Entry) error) error {
	return in(e.Name, walk(ctx, e.Body, Tar, limits, visit))
}
