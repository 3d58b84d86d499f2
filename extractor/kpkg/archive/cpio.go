package archive

import (
	"errors"
	"io"
	"io/fs"
	"strconv"
	"strings"
)

// The new ASCII format of cpio(5), with and without checksums, and the form of
// it that RPM writes when sizes do not fit: an entry then only has the number
// of its file in the package's header (rpm's lib/cpio.c).
const (
	cpioNew      = "070701"
	cpioCRC      = "070702"
	cpioStripped = "07070X"
	cpioTrailer  = "TRAILER!!!"
)

// cpioHead are the fields behind the magic number, eight hexadecimal digits
// each.
type cpioHead struct {
	ino, mode, uid, gid, nlink, mtime, size  uint32
	devMajor, devMinor, rdevMajor, rdevMinor uint32
	nameSize, check                          uint32
}

func (h *cpioHead) fields() []*uint32 {
	return []*uint32{
		&h.ino, &h.mode, &h.uid, &h.gid, &h.nlink, &h.mtime, &h.size,
		&h.devMajor, &h.devMinor, &h.rdevMajor, &h.rdevMinor, &h.nameSize, &h.check,
	}
}

// counted reads and knows where it is: cpio pads to four bytes.
type counted struct {
	r io.Reader
	n int64
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

func (c *counted) align() error {
	_, err := io.CopyN(io.Discard, c, -c.n&3)
	return err
}

// walkCpio calls visit for each entry of an RPM's payload. files are those of
// its header, for entries that refer to them.
func walkCpio(r io.Reader, limits Limits, files []File, visit func(*Entry) error) error {
	g := guard{limits: limits}
	c := &counted{r: r}
	type inode struct{ major, minor, ino uint32 }
	links := map[inode][]string{} // names that wait for their content, by inode
	for {
		e, head, mode, err := nextCpio(c, &g, files)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return damaged("", err)
		}
		body := &io.LimitedReader{R: c, N: e.Size}
		e.Body = whole{body}
		switch {
		case mode.IsDir():
			e.Kind = Folder
		case mode.IsRegular():
			e.Kind = Regular
		default:
			e.Kind = Symlink
			target, err := readUpTo(body, min(e.Size, int64(limits.PathLength)+1))
			if err != nil {
				return damaged(Short(e.Name), err)
			}
			e.Target = string(target)
			if err := g.target(e); err != nil {
				return err
			}
		}
		// Of files with several names the last has the content.
		id := inode{head.devMajor, head.devMinor, head.ino}
		shared := e.Kind == Regular && head.nlink > 1
		if shared && e.Size == 0 {
			links[id] = append(links[id], e.Name)
			continue
		}
		if err := visit(e); err != nil {
			return err
		}
		if shared {
			// Whoever does not want the content under its last name may want
			// it under another.
			for _, name := range links[id] {
				if body.N == e.Size {
					e = &Entry{Name: name, Kind: Regular, Size: e.Size, Body: whole{body}}
					err = visit(e)
				} else {
					err = visit(&Entry{Name: name, Kind: Hardlink, Target: e.Name})
				}
				if err != nil {
					return err
				}
			}
			delete(links, id)
		}
		if _, err := io.Copy(io.Discard, whole{body}); err != nil {
			return damaged(Short(e.Name), err)
		}
		if err := c.align(); err != nil {
			return damaged("", err)
		}
	}
	// Files with several names and no content at all are empty files.
	for _, names := range links {
		for _, name := range names {
			if err := visit(&Entry{Name: name, Kind: Regular, Body: strings.NewReader("")}); err != nil {
				return err
			}
		}
	}
	return nil
}

// nextCpio reads one header and name; io.EOF at the trailer.
func nextCpio(c *counted, g *guard, files []File) (*Entry, *cpioHead, fs.FileMode, error) {
	var magic [6]byte
	if _, err := io.ReadFull(c, magic[:]); err != nil {
		return nil, nil, 0, damaged("", err)
	}
	switch string(magic[:]) {
	case cpioNew, cpioCRC:
	case cpioStripped:
		return nextStripped(c, g, files)
	default:
		return nil, nil, 0, problem(ErrDamaged, "", "a cpio header starts with %q", magic[:])
	}
	h := &cpioHead{}
	for _, field := range h.fields() {
		var err error
		if *field, err = c.hex(); err != nil {
			return nil, nil, 0, err
		}
	}
	if h.nameSize == 0 || int64(h.nameSize) > int64(g.limits.PathLength)+2 {
		return nil, nil, 0, problem(ErrTooLarge, "", "the name of an entry has %d bytes, over the limit of %d", h.nameSize, g.limits.PathLength)
	}
	name, err := readUpTo(c, int64(h.nameSize))
	if err == nil {
		err = c.align()
	}
	if err != nil {
		return nil, nil, 0, damaged("", err)
	}
	text, terminated := strings.CutSuffix(string(name), "\x00")
	if !terminated {
		return nil, nil, 0, problem(ErrDamaged, Short(text), "its name does not end")
	}
	if text == cpioTrailer {
		return nil, nil, 0, io.EOF
	}
	mode := unixMode(h.mode)
	clean, err := g.admit(text, int64(h.size), mode)
	if err != nil {
		return nil, nil, 0, err
	}
	return &Entry{Name: clean, Size: int64(h.size)}, h, mode, nil
}

// nextStripped reads an entry that is the number of a file.
func nextStripped(c *counted, g *guard, files []File) (*Entry, *cpioHead, fs.FileMode, error) {
	index, err := c.hex()
	if err == nil {
		err = c.align()
	}
	if err != nil {
		return nil, nil, 0, err
	}
	if int64(index) >= int64(len(files)) {
		return nil, nil, 0, problem(ErrDamaged, "", "its payload has file %d, and its header lists %d", index, len(files))
	}
	f := files[index]
	clean, err := g.admit(f.Name, f.Size, f.Mode)
	if err != nil {
		return nil, nil, 0, err
	}
	e := &Entry{Name: clean, Size: f.Size}
	h := &cpioHead{nlink: 1}
	switch {
	case f.Mode.IsDir():
		e.Size = 0 // the header has what stat said of it
	case f.content != int(index):
		e.Size = 0
		fallthrough
	case f.shared:
		h.nlink, h.ino = 2, uint32(f.content)
	}
	return e, h, f.Mode, nil
}

// hex reads a field of eight hexadecimal digits.
func (c *counted) hex() (uint32, error) {
	var digits [8]byte
	if _, err := io.ReadFull(c, digits[:]); err != nil {
		return 0, damaged("", err)
	}
	n, err := strconv.ParseUint(string(digits[:]), 16, 32)
	if err != nil {
		return 0, problem(ErrDamaged, "", "a cpio header has the number %q", digits[:])
	}
	return uint32(n), nil
}
