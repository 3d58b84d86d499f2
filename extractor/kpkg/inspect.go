package kpkg

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"io"
	"os"
	"path/filepath"
)

// Inspect reads what a .deb or .rpm file says of itself, and its digest, in
// one reading. The error is an [*Error] where the file is at fault.
func Inspect(ctx context.Context, path string) (Package, error) {
	p, _, err := inspect(ctx, path, func(*about) bool { return true })
	return p, err
}

// inspect is Inspect with all that a package says. Of packages that wanted
// declines the digest is left out, and the rest of the file unread.
func inspect(ctx context.Context, path string, wanted func(*about) bool) (Package, *about, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return Package{}, nil, err
	}
	f, err := os.Open(abs)
	if err != nil {
		return Package{}, nil, err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return Package{}, nil, err
	}
	if !st.Mode().IsRegular() {
		return Package{}, nil, at(abs, problem(ErrUnknownFormat, "", "it is no file"))
	}
	d := &digester{from: &packed{ctx: ctx, r: fileReader{f}}, hash: sha256.New()}
	p := Package{Path: abs, Size: st.Size()}
	said, err := d.about(ctx, &p, wanted)
	if err != nil {
		return Package{}, nil, at(abs, err)
	}
	p.Name, p.Version, p.Arch = said.name, said.version, said.arch
	for _, rel := range said.depends {
		p.Depends = append(p.Depends, rel.name)
	}
	if !wanted(said) {
		return p, said, nil
	}
	if p.Digest, err = d.rest(); err != nil {
		return Package{}, nil, at(abs, err)
	}
	if d.from.n != st.Size() {
		return Package{}, nil, at(abs, problem(ErrDamaged, "", "it changed while it was read"))
	}
	return p, said, nil
}

// digester hashes a file while its start is being understood.
type digester struct {
	from *packed
	hash hash.Hash
	head []byte // read ahead and not yet hashed
}

func (d *digester) Read(p []byte) (int, error) {
	if len(d.head) > 0 {
		n := copy(p, d.head)
		d.head = d.head[n:]
		return n, nil
	}
	n, err := d.from.Read(p)
	d.hash.Write(p[:n])
	return n, err
}

// format tells what a file is from its first bytes, which stay to be read.
// Whatever is no package may be a tarball.
func (d *digester) format() (Format, error) {
	head := make([]byte, len(arMagic))
	n, err := io.ReadFull(d, head)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return "", err
	}
	d.head = head[:n]
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

// about reads what a package says of itself.
func (d *digester) about(ctx context.Context, p *Package, wanted func(*about) bool) (*about, error) {
	var err error
	if p.Format, err = d.format(); err != nil {
		return nil, err
	}
	switch p.Format {
	case Deb:
		a, err := newArReader(d)
		if err != nil {
			return nil, err
		}
		said, err := readControl(ctx, a)
		if err != nil {
			return nil, err
		}
		// A package whose data is not there, or not all of it, is known to be
		// damaged before a build counts on it.
		m, err := debMember(a, dataTar)
		if err != nil || !wanted(said) {
			return said, err
		}
		_, err = io.Copy(io.Discard, m.body)
		return said, in(m.name, err)
	case RPM:
		return readRPM(d)
	}
	return nil, problem(ErrUnknownFormat, "", "it is neither a .deb nor an .rpm file")
}

// rest hashes what was not read yet.
func (d *digester) rest() (string, error) {
	if _, err := io.Copy(io.Discard, d); err != nil {
		return "", err
	}
	return hex.EncodeToString(d.hash.Sum(nil)), nil
}
