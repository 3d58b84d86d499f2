package kpkg

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
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
	root, err := os.OpenRoot(p.scratch)
	if err != nil {
		return err
	}
	defer root.Close()
	out := newSink(root)
	defer out.close()
	start := make([]byte, sourceStart)
	keep := func(e *entry) error {
		_, rel := sourceRoot(e.name)
		if e.kind == folder || !sourceFile(rel) {
			return nil
		}
		if e.kind == regular {
			n, err := io.ReadFull(e.body, start)
			if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
				return damaged(short(e.name), err)
			}
			if int64(n) < min(e.size, sourceStart) {
				return damaged(short(e.name), io.ErrUnexpectedEOF)
			}
			if !sourceNeeded(rel, start[:n]) {
				return nil
			}
			e.body = io.MultiReader(bytes.NewReader(start[:n]), e.body)
		}
		return out.put(e, e.name)
	}
	if err := walkSource(ctx, from, o.limits, keep); err != nil {
		return err
	}
	top, ok := sourceTop(out.made)
	if !ok {
		return at(from, &Error{Kind: ErrIncomplete, Reason: "it holds no kernel source tree (Makefile and init/main.c)", Supply: []string{"give the kernel's full source"}})
	}
	if p.sum, err = out.sum(top, func(string) bool { return true }); err != nil {
		return err
	}
	p.dir = filepath.Join(p.scratch, top)
	return nil
}

// walkSource calls visit for each entry of the source tree in a tarball or a
// package.
func walkSource(ctx context.Context, from string, limits Limits, visit func(*entry) error) error {
	f, err := os.Open(from)
	if err != nil {
		return machine(err)
	}
	defer f.Close()
	d := &digester{from: &packed{ctx: ctx, r: fileReader{f}}, hash: sha256.New()}
	format, err := d.format()
	if err != nil {
		return at(from, err)
	}
	if format == Tar {
		err = walkData(ctx, d, Tar, limits, visit)
	} else {
		err = walkData(ctx, d, format, limits, func(e *entry) error {
			if e.kind != regular || !sourceTarball.MatchString(e.name) {
				return nil
			}
			if err := walkData(ctx, e.body, Tar, limits, visit); err != nil {
				return in(e.name, err)
			}
			return errStop
		})
	}
	if errors.Is(err, errStop) {
		err = nil
	}
	return at(from, err)
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

// sourceTop is the folder of the source tree among unpacked names.
func sourceTop(made map[string]kind) (top string, ok bool) {
	for name := range made {
		root, rel := sourceRoot(name)
		if rel == "init/main.c" && (!ok || root < top) {
			if _, has := made[path.Join(root, "Makefile")]; has {
				top, ok = root, true
			}
		}
	}
	return top, ok
}
