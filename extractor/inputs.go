package extractor

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/tpinfo/tpinfo/extractor/kbuild"
	"github.com/tpinfo/tpinfo/extractor/traceheaders"
	"github.com/tpinfo/tpinfo/headers"
)

// compilerHeaders differ with the compiler that reads the tree, not with the
// kernel: they take no part in a kernel's identity.
var compilerHeaders = []string{
	"include/linux/compiler-gcc.h", "include/linux/compiler-clang.h", "include/linux/compiler-intel.h",
}

// contents are the digests of files, by "role:path".
type contents map[string][sha256.Size]byte

// readContents digests every file in the list. One that is gone is an
// fs.ErrNotExist.
func readContents(ctx context.Context, roots []kbuild.Root, files []string) (contents, error) {
	dirs := map[string]string{}
	for _, root := range roots {
		dirs[root.Role] = root.Dir
	}
	sums := make([][sha256.Size]byte, len(files))
	g, ctx := errgroup.WithContext(ctx)
	workers := runtime.GOMAXPROCS(0)
	for n := range workers {
		g.Go(func() error {
			for i := n; i < len(files); i += workers {
				if err := ctx.Err(); err != nil {
					return err
				}
				role, rel, _ := strings.Cut(files[i], ":")
				dir, ok := dirs[role]
				if !ok {
					return fmt.Errorf("%s: %w", files[i], fs.ErrNotExist)
				}
				var err error
				if sums[i], err = digestFile(dir, rel); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	c := make(contents, len(files))
	for i, f := range files {
		c[f] = sums[i]
	}
	return c, nil
}

// identity is the name of the kernel that the trees headers describe: the
// digest of the files that the public trace headers read, whatever else was
// read beside them, without its release.
func (c contents) identity(tree *kbuild.Tree, files []string) string {
	h := sha256.New()
	fmt.Fprintf(h, "arch %s %d %s\noverrides %s\n", tree.Arch.Name, tree.Arch.WordSize, tree.Arch.Order, headers.Digest())
	for _, f := range files {
		_, rel, _ := strings.Cut(f, ":")
		if !slices.Contains(compilerHeaders, rel) {
			fmt.Fprintf(h, "%s %x\n", rel, c[f])
		}
	}
	return hex.EncodeToString(h.Sum(nil))[:32]
}

// inputs is the digest of all that an extraction read and was told: files of
// the tree, flags, and the list of trace headers that a plan would compile, so
// that one that appears or goes changes it too. The files of a full source
// take part in fromSource alone.
func (c contents) inputs(tree *kbuild.Tree, files []string, found []traceheaders.Header) string {
	h := sha256.New()
	fmt.Fprintf(h, "arch %s %d %s\noverrides %s\nflags %q\n",
		tree.Arch.Name, tree.Arch.WordSize, tree.Arch.Order, headers.Digest(), tree.Flags(kbuild.GCC))
	for _, f := range files {
		if role, rel, _ := strings.Cut(f, ":"); role != fullRole {
			fmt.Fprintf(h, "%s %x\n", rel, c[f])
		}
	}
	for _, header := range found {
		fmt.Fprintf(h, "trace %s\n", header.Include)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// fromSource is the digest of what a full source adds: its files, and what its
// Makefiles say of those that instantiate tracepoints.
func (c contents) fromSource(files []string, source *sourceTree) (string, error) {
	h := sha256.New()
	for _, f := range files {
		if role, rel, _ := strings.Cut(f, ":"); role == fullRole {
			fmt.Fprintf(h, "%s %x\n", rel, c[f])
		}
	}
	fmt.Fprintf(h, "headers %q\nforeign %q\n", source.found.Headers, source.found.Foreign)
	for _, rel := range source.found.Sources {
		object, by, err := source.object(rel)
		if err != nil {
			return "", err
		}
		flags := strings.ReplaceAll(fmt.Sprintf("%q", flagsOf(object)), source.dir, "")
		fmt.Fprintf(h, "source %s %q %s %s %s\n", rel, by, object.Status, object.Reason, flags)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// digestFile leaves out what only names the release: kernels that differ in
// nothing else are one, whichever of them is extracted.
func digestFile(dir, rel string) (sum [sha256.Size]byte, err error) {
	text, err := os.ReadFile(filepath.Join(dir, rel))
	if err != nil || kbuild.OnlyRelease(rel) {
		return sum, err
	}
	return sha256.Sum256(kbuild.WithoutRelease(rel, text)), nil
}

// isGone reports whether err says that a file recorded as input is missing.
func isGone(err error) bool { return errors.Is(err, fs.ErrNotExist) }
