package archive

import (
	"archive/tar"
	"errors"
	"io"
	"strings"
)

// walkTar calls visit for each entry of a tar archive.
func walkTar(r io.Reader, limits Limits, visit func(*Entry) error) error {
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
		e := Entry{Size: h.Size, Target: h.Linkname, Body: tr}
		switch h.Typeflag {
		case tar.TypeReg:
			e.Kind = Regular
		case tar.TypeDir:
			e.Kind = Folder
		case tar.TypeSymlink:
			e.Kind = Symlink
		case tar.TypeLink:
			e.Kind = Hardlink
		case tar.TypeChar, tar.TypeBlock, tar.TypeFifo:
		default:
			return problem(ErrHostile, Short(h.Name), "it is of tar's type %q", h.Typeflag)
		}
		for key := range h.PAXRecords {
			if strings.HasPrefix(key, "GNU.sparse.") {
				return problem(ErrHostile, Short(h.Name), "it is a sparse file")
			}
		}
		if e.Name, err = g.admit(h.Name, h.Size, h.FileInfo().Mode()); err != nil {
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
