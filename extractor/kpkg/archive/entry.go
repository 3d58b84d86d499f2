package archive

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"path"
	"strings"
)

// Kind is what an entry of an archive is.
type Kind uint8

// The kinds. Archives with anything else in them are refused.
const (
	Regular Kind = iota
	Folder
	Symlink
	Hardlink
)

// Entry is one entry of a tar or cpio archive, checked: its name is relative,
// clean and free of "..", its kind one of the above.
type Entry struct {
	Name   string
	Kind   Kind
	Size   int64     // bytes of a regular file
	Target string    // of a link, as the archive has it
	Body   io.Reader // of a regular file; to be read before the next entry is asked for
}

// ErrStop ends a walk early, with all well: the walk gives it back.
var ErrStop = errors.New("enough")

// Start reads what fits into buf of the start of a regular file. It stays to
// be read, from buf.
func (e *Entry) Start(buf []byte) ([]byte, error) {
	start := buf[:min(e.Size, int64(len(buf)))]
	if _, err := io.ReadFull(e.Body, start); err != nil {
		return nil, damaged(Short(e.Name), err)
	}
	e.Body = io.MultiReader(bytes.NewReader(start), e.Body)
	return start, nil
}

// ReadAll reads a regular file of at most limit bytes.
func (e *Entry) ReadAll(limit int64) ([]byte, error) {
	if e.Size > limit {
		return nil, problem(ErrTooLarge, Short(e.Name), "it has %d bytes, over the limit of %d", e.Size, limit)
	}
	return io.ReadAll(e.Body)
}

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
		return "", problem(ErrTooLarge, Short(name), "it claims %d bytes, over the %d of a whole package", size, g.limits.Bytes)
	}
	clean, err := g.path(name)
	if err != nil {
		return "", err
	}
	if mode.IsRegular() && mode&(fs.ModeSetuid|fs.ModeSetgid) != 0 {
		return "", problem(ErrHostile, Short(name), "it is a file with the mode %v", mode)
	}
	if t := mode.Type(); t != 0 && t != fs.ModeDir && t != fs.ModeSymlink {
		return "", problem(ErrHostile, Short(name), "it is %s", specialKind(t))
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
		return "", problem(ErrTooLarge, Short(name), "its name has %d bytes, over the limit of %d", len(name), g.limits.PathLength)
	case strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return "", problem(ErrHostile, Short(name), "its name has a control character")
	case name[0] == '/':
		return "", problem(ErrHostile, Short(name), "its name is an absolute path")
	}
	depth := 0
	for element := range strings.SplitSeq(name, "/") {
		switch {
		case element == "..":
			return "", problem(ErrHostile, Short(name), "its name leads upwards")
		case len(element) > maxNameElement:
			return "", problem(ErrTooLarge, Short(name), "a part of its name has %d bytes, over the limit of %d", len(element), maxNameElement)
		case element != "" && element != ".":
			depth++
		}
	}
	if depth > MaxDepth {
		return "", problem(ErrTooLarge, Short(name), "it lies %d folders deep, over the limit of %d", depth, MaxDepth)
	}
	return path.Clean(name), nil
}

// target checks the target of a link for its length; whether it may lead there
// is for who writes it to say.
func (g *guard) target(e *Entry) error {
	if len(e.Target) > g.limits.PathLength {
		return problem(ErrTooLarge, Short(e.Name), "it is a link to a name of %d bytes, over the limit of %d", len(e.Target), g.limits.PathLength)
	}
	return nil
}

// readUpTo reads n bytes and does not set memory aside for bytes that are
// only claimed.
func readUpTo(r io.Reader, n int64) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, n))
	if err == nil && int64(len(data)) < n {
		err = io.ErrUnexpectedEOF
	}
	return data, err
}

// Short is a name that fits in a message.
func Short(name string) string {
	if len(name) > 100 {
		return name[:100] + "..."
	}
	return name
}
