package kpkg

import (
	"archive/tar"
	"errors"
	"io"
	"io/fs"
	"path"
	"strings"
)

// kind is what an entry of an archive is.
type kind uint8

const (
	regular kind = iota
	folder
	symlink
	hardlink
)

// entry is one entry of a tar or cpio archive, checked: its name is relative,
// clean and free of "..", its kind one of the above.
type entry struct {
	name   string
	kind   kind
	size   int64
	target string // of a link, as the archive has it
	body   io.Reader
}

// errStop ends a walk early, with all well.
var errStop = errors.New("enough")

// guard checks entries before anything else sees them. What is refused here is
// refused whether the entry would have been kept or not: a package that holds
// such a thing is not a kernel's.
type guard struct {
	limits Limits
	count  int
}

// admit checks a name, size and mode; the name comes back clean.
func (g *guard) admit(name string, size int64, mode fs.FileMode) (string, error) {
	if g.count++; g.count > g.limits.Files {
		return "", problem(ErrTooLarge, "", "it has more than %d entries", g.limits.Files)
	}
	if size < 0 || size > g.limits.Bytes {
		return "", problem(ErrTooLarge, short(name), "it claims %d bytes, over the %d of a whole package", size, g.limits.Bytes)
	}
	clean, err := g.path(name)
	if err != nil {
		return "", err
	}
	if mode.IsRegular() && mode&(fs.ModeSetuid|fs.ModeSetgid) != 0 {
		return "", problem(ErrHostile, short(name), "it is a file with the mode %v", mode)
	}
	if t := mode.Type(); t != 0 && t != fs.ModeDir && t != fs.ModeSymlink {
		return "", problem(ErrHostile, short(name), "it is %s", specialKind(t))
	}
	return clean, nil
}

func specialKind(t fs.FileMode) string {
	switch {
	case t&fs.ModeDevice != 0:
		return "a device"
	case t&fs.ModeNamedPipe != 0:
		return "a named pipe"
	case t&fs.ModeSocket != 0:
		return "a socket"
	}
	return "of an unknown kind"
}

// path checks and cleans the name of an entry. RPM's names and old tars' start
// with "./" or, in RPM's header only, "/".
func (g *guard) path(name string) (string, error) {
	switch {
	case name == "":
		return "", problem(ErrHostile, "", "an entry has no name")
	case len(name) > g.limits.PathLength:
		return "", problem(ErrTooLarge, short(name), "its name has %d bytes, over the limit of %d", len(name), g.limits.PathLength)
	case strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return "", problem(ErrHostile, short(name), "its name has a control character")
	case name[0] == '/':
		return "", problem(ErrHostile, short(name), "its name is an absolute path")
	}
	depth := 0
	for element := range strings.SplitSeq(name, "/") {
		switch {
		case element == "..":
			return "", problem(ErrHostile, short(name), "its name leads upwards")
		case len(element) > maxNameElement:
			return "", problem(ErrTooLarge, short(name), "a part of its name has %d bytes, over the limit of %d", len(element), maxNameElement)
		case element != "" && element != ".":
			depth++
		}
	}
	if depth > maxDepth {
		return "", problem(ErrTooLarge, short(name), "it lies %d folders deep, over the limit of %d", depth, maxDepth)
	}
	return path.Clean(name), nil
}

// target checks the target of a link for its length; whether it may lead there
// is for who writes it to say.
func (g *guard) target(e *entry) error {
	if len(e.target) > g.limits.PathLength {
		return problem(ErrTooLarge, short(e.name), "it is a link to a name of %d bytes, over the limit of %d", len(e.target), g.limits.PathLength)
	}
	return nil
}

// short is a name that fits in a message.
func short(name string) string {
	if len(name) > 100 {
		return name[:100] + "..."
	}
	return name
}

// walkTar calls visit for each entry of a tar archive.
func walkTar(r io.Reader, limits Limits, visit func(*entry) error) error {
	g := guard{limits: limits}
	tr := tar.NewReader(r)
	for any := false; ; any = true {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			if !any {
				return problem(ErrDamaged, "", "it is empty")
			}
			return nil
		}
		if err != nil {
			return damaged("", err)
		}
		if h.Typeflag == tar.TypeXGlobalHeader {
			continue // git archive puts the commit there
		}
		e := entry{size: h.Size, target: h.Linkname, body: tr}
		switch h.Typeflag {
		case tar.TypeReg:
			e.kind = regular
		case tar.TypeDir:
			e.kind = folder
		case tar.TypeSymlink:
			e.kind = symlink
		case tar.TypeLink:
			e.kind = hardlink
		case tar.TypeChar, tar.TypeBlock, tar.TypeFifo:
		default:
			return problem(ErrHostile, short(h.Name), "it is of tar's type %q", h.Typeflag)
		}
		for key := range h.PAXRecords {
			if strings.HasPrefix(key, "GNU.sparse.") {
				return problem(ErrHostile, short(h.Name), "it is a sparse file")
			}
		}
		if e.name, err = g.admit(h.Name, h.Size, h.FileInfo().Mode()); err != nil {
			return err
		}
		if err := g.target(&e); err != nil {
			return err
		}
		if err := visit(&e); err != nil {
			return err
		}
	}
}
