package kpkg

import (
	"context"
	"errors"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/tpinfo/tpinfo/extractor/kpkg/archive"
)

// sourceTarball matches where a distribution's source package has the tree:
// usr/src/linux-source-6.1.tar.xz (Debian),
// usr/src/linux-source-5.15.0/linux-source-5.15.0.tar.bz2 (Ubuntu).
var sourceTarball = regexp.MustCompile(`^usr/src/(?:[^/]+/)?linux-source-[^/]+\.tar(?:\.[a-z0-9]+)?$`)

// source fills a part with a source tree: a folder as it is, a tarball or a
// package with one unpacked, as far as extracting needs it.
func (o *Opener) source(ctx context.Context, p *part, from string) error {
	st, err := os.Stat(from)
	if err != nil {
		return err
	}
	if st.IsDir() {
		if p.sum, err = hashFolder(ctx, from, sourceFile, sourceNeeded); err == nil {
			p.dir = from
		}
		return err
	}
	if p.scratch, err = o.folder("source"); err != nil {
		return err
	}
	out, err := archive.NewSink(p.scratch)
	if err != nil {
		return err
	}
	defer out.Close()
	buf := make([]byte, sourceStart)
	keep := func(e *archive.Entry) error {
		_, rel := sourceRoot(e.Name)
		if e.Kind == archive.Folder || !sourceFile(rel) {
			return nil
		}
		if e.Kind == archive.Regular {
			start, err := e.Start(buf)
			if err != nil || !sourceNeeded(rel, start) {
				return err
			}
		}
		return out.Put(e, e.Name)
	}
	if err := walkSource(ctx, from, o.limits, keep); err != nil {
		return err
	}
	sums := out.Sums()
	top, ok := sourceTop(sums)
	if !ok {
		return &archive.Error{Kind: ErrIncomplete, Path: from, Reason: "it holds no kernel source tree (Makefile and init/main.c)", Supply: []string{"give the kernel's full source"}}
	}
	if p.sum, err = treeSum(sums, top, func(string) bool { return true }, out.ReadFile); err != nil {
		return err
	}
	p.dir = filepath.Join(p.scratch, top)
	return nil
}

// walkSource calls visit for each entry of the source tree in a tarball or a
// package.
func walkSource(ctx context.Context, from string, limits archive.Limits, visit func(*archive.Entry) error) error {
	r, err := archive.Open(ctx, from)
	if err != nil {
		return err
	}
	defer r.Close()
	format, err := r.Format()
	if err != nil {
		return err
	}
	inTar := visit
	if format != archive.Tar {
		visit = func(e *archive.Entry) error {
			if e.Kind != archive.Regular || !sourceTarball.MatchString(e.Name) {
				return nil
			}
			if err := e.WalkTar(ctx, limits, inTar); err != nil {
				return err
			}
			return archive.ErrStop
		}
	}
	if err := r.Walk(format, limits, visit); !errors.Is(err, archive.ErrStop) {
		return err
	}
	return nil
}

// kernelFolders are the folders at the top of a kernel's source, by which a
// tarball of its content is told from one of a folder with it.
var kernelFolders = map[string]bool{
	"Documentation": true, "LICENSES": true, "arch": true, "block": true, "certs": true, "crypto": true,
	"drivers": true, "fs": true, "include": true, "init": true, "io_uring": true, "ipc": true, "kernel": true,
	"lib": true, "mm": true, "net": true, "rust": true, "samples": true, "scripts": true, "security": true,
	"sound": true, "tools": true, "usr": true, "virt": true,
}

// sourceRoot splits the name of an entry of a source tarball into the tree's
// folder and the rest.
func sourceRoot(name string) (root, rel string) {
	first, rest, deeper := strings.Cut(name, "/")
	if !deeper || kernelFolders[first] {
		return ".", name
	}
	return first, rest
}

// sourceTop is the folder of the source tree among files by their names.
func sourceTop(files map[string]string) (top string, ok bool) {
	for name := range files {
		root, rel := sourceRoot(name)
		if rel == "init/main.c" && (!ok || root < top) {
			if _, has := files[path.Join(root, "Makefile")]; has {
				top, ok = root, true
			}
		}
	}
	return top, ok
}
