package instantiate

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"
)

// Found is what a source tree has to do with tracepoints. Paths are relative
// to the tree, with slashes, and sorted.
type Found struct {
	// Sources instantiate tracepoints: they define CREATE_TRACE_POINTS.
	Sources []string
	// Headers are the trace headers outside of the include folders that any
	// source may include: they set TRACE_SYSTEM.
	Headers []string
	// Foreign are the trace headers of other architectures.
	Foreign []string
}

// largest is the size in bytes beyond which a file is not looked into. The
// largest trace header of 5.10 to 7.3 has 110 kB, the largest instantiating
// source 400 kB; what is larger are tables of registers.
const largest = 1 << 20

// apart are folders of a kernel source that hold no part of a kernel, and
// include, where the public headers are.
var apart = []string{"Documentation", "LICENSES", "include", "scripts", "tools", "usr"}

var (
	definesCreate = regexp.MustCompile(`(?m)^[ \t]*#[ \t]*define[ \t]+CREATE_TRACE_POINTS\b`)
	definesSystem = regexp.MustCompile(`(?m)^[ \t]*#[ \t]*define[ \t]+TRACE_SYSTEM\b`)
)

// Find looks through the source tree at dir for what concerns the
// architecture arch, "x86".
func Find(ctx context.Context, dir, arch string) (*Found, error) {
	paths := make(chan string, 256)
	var mu sync.Mutex
	found := &Found{}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		defer close(paths)
		return walk(ctx, dir, arch, paths)
	})
	for range runtime.GOMAXPROCS(0) {
		g.Go(func() error {
			buf := make([]byte, largest)
			for rel := range paths {
				text, err := start(filepath.Join(dir, rel), buf)
				if err != nil {
					return err
				}
				list := &found.Headers
				switch {
				case filepath.Ext(rel) == ".c":
					list = &found.Sources
					if !bytes.Contains(text, []byte("CREATE_TRACE_POINTS")) || !definesCreate.Match(text) {
						continue
					}
				case !bytes.Contains(text, []byte("TRACE_SYSTEM")) || !definesSystem.Match(text):
					continue
				case foreign(rel, arch):
					list = &found.Foreign
				}
				mu.Lock()
				*list = append(*list, rel)
				mu.Unlock()
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return nil, fmt.Errorf("looking for sources of tracepoints: %w", err)
	}
	for _, list := range [][]string{found.Sources, found.Headers, found.Foreign} {
		slices.Sort(list)
	}
	return found, nil
}

// walk sends the files worth looking into.
func walk(ctx context.Context, dir, arch string, paths chan<- string) error {
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		if d.IsDir() {
			if slices.Contains(apart, rel) || rel != "." && strings.HasPrefix(d.Name(), ".") || public(rel, arch) {
				return filepath.SkipDir
			}
			return nil
		}
		ext := filepath.Ext(rel)
		if !d.Type().IsRegular() || ext != ".h" && (ext != ".c" || foreign(rel, arch)) {
			return nil
		}
		select {
		case paths <- rel:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	})
}

// public reports whether a folder has the architecture's public headers.
func public(rel, arch string) bool { return rel == "arch/"+arch+"/include" }

// foreign reports whether a file belongs to another architecture.
func foreign(rel, arch string) bool {
	rest, ok := strings.CutPrefix(rel, "arch/")
	return ok && strings.Contains(rest, "/") && !strings.HasPrefix(rest, arch+"/")
}

// start reads a file into buf; of one that is larger, nothing.
func start(path string, buf []byte) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	switch n, err := io.ReadFull(f, buf); {
	case err == nil:
		return nil, nil
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return buf[:n], nil
	default:
		return nil, err
	}
}
