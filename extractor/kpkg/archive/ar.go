package archive

import (
	"errors"
	"io"
	"strconv"
	"strings"
)

const arMagic = "!<arch>\n"

// arMember is one member of an ar archive; its content is to be read before
// the next member is asked for, or is skipped.
type arMember struct {
	name string
	size int64
	body io.Reader
}

// arReader reads the common ar format (deb(5)) strictly: a header that is not
// as it must be is damage. The libraries for it take any number that does not
// parse for zero.
type arReader struct {
	r     io.Reader
	body  *io.LimitedReader
	pad   int64
	count int
	said  bool // whether control.tar was passed
}

func newArReader(r io.Reader) (*arReader, error) {
	magic := make([]byte, len(arMagic))
	if _, err := io.ReadFull(r, magic); err != nil {
		return nil, damaged("", err)
	}
	if string(magic) != arMagic {
		return nil, problem(ErrUnknownFormat, "", "it is no ar archive")
	}
	return &arReader{r: r}, nil
}

// next gives the next member; io.EOF after the last.
func (a *arReader) next() (*arMember, error) {
	if a.body != nil {
		skip := a.body.N + a.pad
		n, err := io.CopyN(io.Discard, a.r, skip)
		// The padding of the last member may be missing.
		if err != nil && (!errors.Is(err, io.EOF) || n < skip-a.pad) {
			return nil, damaged("", err)
		}
	}
	var head [60]byte
	switch n, err := io.ReadFull(a.r, head[:]); {
	case err == io.EOF && n == 0:
		return nil, io.EOF
	case err != nil:
		return nil, damaged("", err)
	}
	if string(head[58:]) != "`\n" {
		return nil, problem(ErrDamaged, "", "an ar header does not end as it must")
	}
	if a.count++; a.count > maxMembers {
		return nil, problem(ErrHostile, "", "it has more than %d members", maxMembers)
	}
	name := strings.TrimSuffix(strings.TrimRight(string(head[:16]), " "), "/")
	if name == "" || strings.ContainsAny(name, "/\x00\n") {
		return nil, problem(ErrHostile, "", "an ar member has the name %q", name)
	}
	size, err := strconv.ParseUint(strings.TrimRight(string(head[48:58]), " "), 10, 40)
	if err != nil {
		return nil, problem(ErrDamaged, name, "its size is %q", head[48:58])
	}
	a.pad = int64(size & 1)
	a.body = &io.LimitedReader{R: a.r, N: int64(size)}
	return &arMember{name: name, size: int64(size), body: whole{a.body}}, nil
}

// whole turns the early end of a bounded reader into an error.
type whole struct{ r *io.LimitedReader }

func (w whole) Read(p []byte) (int, error) {
	n, err := w.r.Read(p)
	if err == io.EOF && w.r.N > 0 {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// debMembers are the members of a .deb, in order (deb(5)).
const (
	debVersion = "debian-binary"
	controlTar = "control.tar"
	dataTar    = "data.tar"
)

// debMember moves to the member of that name, with any extension: the order
// is debian-binary, control.tar, data.tar, and members whose names start with
// an underscore may stand between.
func debMember(a *arReader, want string) (*arMember, error) {
	for {
		m, err := a.next()
		if errors.Is(err, io.EOF) {
			return nil, problem(ErrDamaged, "", "it has no %s", want)
		}
		if err != nil {
			return nil, err
		}
		if a.count == 1 {
			if m.name != debVersion {
				return nil, problem(ErrUnknownFormat, m.name, "an ar archive whose first member is not %s is no Debian package", debVersion)
			}
			version := make([]byte, min(m.size, 8))
			if _, err := io.ReadFull(m.body, version); err != nil {
				return nil, damaged(m.name, err)
			}
			if !strings.HasPrefix(string(version), "2.") {
				return nil, problem(ErrUnknownFormat, m.name, "it is of version %q of Debian's package format, and 2.0 is known", version)
			}
			continue
		}
		is := func(part string) bool { return m.name == part || strings.HasPrefix(m.name, part+".") }
		control := is(controlTar) && !a.said
		a.said = a.said || control
		switch {
		case control && want == controlTar, want == dataTar && is(dataTar):
			return m, nil
		case control, strings.HasPrefix(m.name, "_"):
		default:
			return nil, problem(ErrHostile, m.name, "it stands where %s must be", want)
		}
	}
}
