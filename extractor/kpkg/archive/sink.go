package archive

import (
	"crypto/sha256"
	"hash"
	"io"
	"os"
	"path"
	"strings"
)

// Sink writes entries below a root. Every name of it that exists was made by
// it, each only once, and no link of it leads out:
//
//   - a parent is a folder that the sink made, never a link or a file,
//   - a symbolic link is relative, goes up at its start only and not above the
//     root; as no parent is a link, it lies where its name says, and the rest
//     of its target may pass over links of the same kind only,
//   - a hard link names a file that the sink wrote.
//
// os.Root holds the same at every step, should a check be wrong.
type Sink struct {
	root  *os.Root
	made  map[string]Kind   // all names, folders too
	sums  map[string]string // SHA-256 of each file; "->" and the target for a link
	links map[string]string // targets of symbolic links
	// in is the folder that the last entry lay in: entries come folder by
	// folder.
	in     *os.Root
	inName string
	buf    []byte
	hash   hash.Hash
}

// NewSink makes a sink that writes below dir, which must exist. What lies there
// already is not written over.
func NewSink(dir string) (*Sink, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	return &Sink{
		root: root, made: map[string]Kind{".": Folder}, sums: map[string]string{}, links: map[string]string{},
		buf: make([]byte, 64<<10), hash: sha256.New(),
	}, nil
}

// Close lets go of the folder. What was written stays.
func (s *Sink) Close() {
	s.leave()
	s.root.Close()
}

// leave closes the folder that files are written to.
func (s *Sink) leave() {
	if s.in != nil {
		s.in.Close()
		s.in = nil
	}
}

// Sums are the SHA-256 of the files that were written, 32 bytes each, by name.
// A symbolic link to a file has that file's; any other has "-> " and its
// target.
func (s *Sink) Sums() map[string]string {
	all := make(map[string]string, len(s.sums))
	for name, sum := range s.sums {
		if target, link := s.links[name]; link {
			if of, ok := s.sums[path.Join(path.Dir(name), target)]; ok {
				sum = of
			}
		}
		all[name] = sum
	}
	return all
}

// ReadFile reads what was written under a name, links followed.
func (s *Sink) ReadFile(name string) ([]byte, error) { return s.root.ReadFile(name) }

// Put writes an entry under a name that may be another than its own. An error
// is an [*Error] where the archive is to blame.
func (s *Sink) Put(e *Entry, name string) error {
	if e.Kind == Folder {
		return s.folder(name)
	}
	if had, ok := s.made[name]; ok {
		if had == Folder {
			return problem(ErrHostile, Short(e.Name), "it stands where a folder is")
		}
		return problem(ErrHostile, Short(e.Name), "it is there twice")
	}
	if err := s.enter(path.Dir(name)); err != nil {
		return err
	}
	s.made[name] = e.Kind
	switch e.Kind {
	case Symlink:
		if err := checkTarget(e, name); err != nil {
			return err
		}
		s.sums[name], s.links[name] = "-> "+e.Target, e.Target
		return machine(s.in.Symlink(e.Target, path.Base(name)))
	case Hardlink:
		return s.hardlink(e, name)
	}
	return s.file(e, name)
}

// checkTarget holds a symbolic link to its rule.
func checkTarget(e *Entry, name string) error {
	refuse := func(why string) error {
		return problem(ErrHostile, Short(e.Name), "it is a link to %q, which %s", Short(e.Target), why)
	}
	switch {
	case e.Target == "":
		return refuse("is nothing")
	case path.IsAbs(e.Target):
		return refuse("is an absolute path")
	case strings.ContainsFunc(e.Target, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return refuse("has a control character")
	}
	up, down := 0, false
	for element := range strings.SplitSeq(e.Target, "/") {
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

func (s *Sink) hardlink(e *Entry, name string) error {
	target := path.Clean(e.Target)
	if path.IsAbs(e.Target) || s.made[target] != Regular || s.sums[target] == "" {
		return problem(ErrHostile, Short(e.Name), "it is another name of %q, which is no file before it", Short(e.Target))
	}
	s.sums[name] = s.sums[target]
	return machine(s.root.Link(target, name))
}

// folder makes a folder and those above it.
func (s *Sink) folder(name string) error {
	switch had, ok := s.made[name]; {
	case ok && had == Folder:
		return nil
	case ok:
		return problem(ErrHostile, Short(name), "it is a folder where a file or link is")
	}
	if err := s.folder(path.Dir(name)); err != nil {
		return err
	}
	if err := s.root.Mkdir(name, 0o755); err != nil {
		return machine(err)
	}
	s.made[name] = Folder
	return nil
}

// enter makes a folder the one that files are written to.
func (s *Sink) enter(dir string) error {
	if s.in != nil && s.inName == dir {
		return nil
	}
	if err := s.folder(dir); err != nil {
		return err
	}
	s.leave()
	in, err := s.root.OpenRoot(dir)
	if err != nil {
		return machine(err)
	}
	s.in, s.inName = in, dir
	return nil
}

// file writes a file and notes its digest.
func (s *Sink) file(e *Entry, name string) error {
	f, err := s.in.OpenFile(path.Base(name), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return machine(err)
	}
	s.hash.Reset()
	for {
		n, err := e.Body.Read(s.buf)
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
			return damaged(Short(e.Name), err)
		}
	}
	s.sums[name] = string(s.hash.Sum(nil))
	return machine(f.Close())
}
