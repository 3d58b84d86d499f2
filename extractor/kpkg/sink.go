package kpkg

import (
	"crypto/sha256"
	"hash"
	"io"
	"os"
	"path"
	"strings"
)

// sink writes entries below a root. Every name of it that exists was made by
// it, each only once, and no link of it leads out:
//
//   - a parent is a folder that the sink made, never a link or a file,
//   - a symbolic link is relative, goes up at its start only and not above the
//     root; as no parent is a link, it lies where its name says, and the rest
//     of its target may pass over links of the same kind only,
//   - a hard link names a file that the sink wrote.
//
// os.Root holds the same at every step, should a check be wrong.
type sink struct {
	root  *os.Root
	made  map[string]kind   // all names, folders too
	sums  map[string]string // SHA-256 of each file; "->" and the target for a link
	links map[string]string // targets of symbolic links
	// in is the folder that the last entry lay in: entries come folder by
	// folder.
	in     *os.Root
	inName string
	buf    []byte
	hash   hash.Hash
}

func newSink(root *os.Root) *sink {
	return &sink{
		root: root, made: map[string]kind{".": folder}, sums: map[string]string{}, links: map[string]string{},
		buf: make([]byte, 64<<10), hash: sha256.New(),
	}
}

func (s *sink) close() {
	if s.in != nil {
		s.in.Close()
		s.in = nil
	}
}

// put writes an entry under another name.
func (s *sink) put(e *entry, name string) error {
	if e.kind == folder {
		return s.folder(name)
	}
	if had, ok := s.made[name]; ok {
		if had == folder {
			return problem(ErrHostile, short(e.name), "it stands where a folder is")
		}
		return problem(ErrHostile, short(e.name), "it is there twice")
	}
	if err := s.enter(path.Dir(name)); err != nil {
		return err
	}
	s.made[name] = e.kind
	switch e.kind {
	case symlink:
		if err := checkTarget(e, name); err != nil {
			return err
		}
		s.sums[name], s.links[name] = "-> "+e.target, e.target
		return machine(s.in.Symlink(e.target, path.Base(name)))
	case hardlink:
		return s.hardlink(e, name)
	}
	return s.file(e, name)
}

// checkTarget holds a symbolic link to its rule.
func checkTarget(e *entry, name string) error {
	refuse := func(why string) error {
		return problem(ErrHostile, short(e.name), "it is a link to %q, which %s", short(e.target), why)
	}
	switch {
	case e.target == "":
		return refuse("is nothing")
	case path.IsAbs(e.target):
		return refuse("is an absolute path")
	case strings.ContainsFunc(e.target, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return refuse("has a control character")
	}
	up, down := 0, false
	for element := range strings.SplitSeq(e.target, "/") {
		switch element {
		case "", ".":
		case "..":
			if down {
				return refuse("goes up after it went down")
			}
			up++
		default:
			down = true
		}
	}
	if up > strings.Count(name, "/") {
		return refuse("leaves the package")
	}
	return nil
}

func (s *sink) hardlink(e *entry, name string) error {
	target := path.Clean(e.target)
	if path.IsAbs(e.target) || s.made[target] != regular || s.sums[target] == "" {
		return problem(ErrHostile, short(e.name), "it is another name of %q, which is no file before it", short(e.target))
	}
	s.sums[name] = s.sums[target]
	return machine(s.root.Link(target, name))
}

// folder makes a folder and those above it.
func (s *sink) folder(name string) error {
	switch had, ok := s.made[name]; {
	case ok && had == folder:
		return nil
	case ok:
		return problem(ErrHostile, short(name), "it is a folder where a file or link is")
	}
	if err := s.folder(path.Dir(name)); err != nil {
		return err
	}
	if err := s.root.Mkdir(name, 0o755); err != nil {
		return machine(err)
	}
	s.made[name] = folder
	return nil
}

// enter makes a folder the one that files are written to.
func (s *sink) enter(dir string) error {
	if s.in != nil && s.inName == dir {
		return nil
	}
	if err := s.folder(dir); err != nil {
		return err
	}
	s.close()
	in, err := s.root.OpenRoot(dir)
	if err != nil {
		return machine(err)
	}
	s.in, s.inName = in, dir
	return nil
}

// file writes a file and notes its digest.
func (s *sink) file(e *entry, name string) error {
	f, err := s.in.OpenFile(path.Base(name), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return machine(err)
	}
	s.hash.Reset()
	for {
		n, err := e.body.Read(s.buf)
		s.hash.Write(s.buf[:n])
		if _, werr := f.Write(s.buf[:n]); werr != nil {
			f.Close()
			return machine(werr)
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			f.Close()
			return damaged(short(e.name), err)
		}
	}
	s.sums[name] = string(s.hash.Sum(nil))
	return machine(f.Close())
}
