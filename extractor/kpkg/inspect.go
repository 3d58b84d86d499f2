package kpkg

import (
	"context"
	"path/filepath"

	"github.com/tpinfo/tpinfo/extractor/kpkg/archive"
)

// about is what a package says of itself, and of a kernel.
type about struct {
	archive.About
	// release is the kernel's that an RPM's files lie under, and roles those
	// of its files; a .deb says it by its name.
	release string
	roles   rpmRoles
}

// Inspect reads what a .deb or .rpm file says of itself, and its digest, in
// one reading. The error is an [*archive.Error] where the file is at fault.
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
	r, err := archive.Open(ctx, abs)
	if err != nil {
		return Package{}, nil, err
	}
	defer r.Close()
	its, err := r.About()
	if err != nil {
		return Package{}, nil, err
	}
	said := &about{About: *its}
	said.release, said.roles = rpmContents(said.Files)
	said.Files = nil // what they tell is known, and those of a thousand packages take room
	if !archive.Printable(said.release) {
		return Package{}, nil, archive.Errorf(archive.ErrDamaged, abs, "", "its files are of the kernel %q", archive.Short(said.release))
	}
	p := Package{Path: abs, Format: said.Format, Name: said.Name, Version: said.Version, Arch: said.Arch, Size: r.Size()}
	for _, rel := range said.Depends {
		p.Depends = append(p.Depends, rel.Name)
	}
	if wanted(said) {
		p.Digest, err = r.Digest()
	}
	if err != nil {
		return Package{}, nil, err
	}
	return p, said, nil
}
