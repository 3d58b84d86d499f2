package extractor

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/tpinfo/tpinfo/extractor/kbuild"
	"github.com/tpinfo/tpinfo/headers"
)

// readDeps lists the tree's files that a unit read, as "role:path", from the
// rule that the compiler wrote (-MD).
func readDeps(path string, tree *kbuild.Tree) ([]string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("list of headers read: %w", err)
	}
	_, list, ok := strings.Cut(string(text), ":")
	if !ok {
		return nil, fmt.Errorf("list of headers read: %s is not a make rule", path)
	}
	var files []string
	for _, f := range splitRule(list) {
		f = filepath.Clean(f)
		for _, root := range tree.Roots() {
			rel, err := filepath.Rel(root.Dir, f)
			if err == nil && rel != ".." && !strings.HasPrefix(rel, "../") {
				files = append(files, root.Role+":"+filepath.ToSlash(rel))
				break
			}
		}
	}
	return files, nil
}

// splitRule splits a make rule's prerequisites: "\ " is a blank in a name,
// "$$" a dollar, "\" before a line's end goes on.
func splitRule(list string) []string {
	var files []string
	var name strings.Builder
	end := func() {
		if name.Len() > 0 {
			files = append(files, name.String())
			name.Reset()
		}
	}
	for i := 0; i < len(list); i++ {
		c := list[i]
		next := byte(0)
		if i+1 < len(list) {
			next = list[i+1]
		}
		switch {
		case c == '\\' && next == '\n':
			i++
			end()
		case c == '\\' && (next == ' ' || next == '#'), c == '$' && next == '$':
			i++
			name.WriteByte(next)
		case c == ' ' || c == '\n' || c == '\t':
			end()
		default:
			name.WriteByte(c)
		}
	}
	end()
	return files
}

// compilerHeaders differ with the compiler that reads the tree, not with the
// kernel: they take no part in a kernel's identity.
var compilerHeaders = []string{
	"include/linux/compiler-gcc.h", "include/linux/compiler-clang.h", "include/linux/compiler-intel.h",
}

// digests are the two names of one set of files.
type digests struct {
	identity string // of the kernel: content of what it is made of
	inputs   string // of the extraction: identity, and what it was looked at with
}

// digest reads every file in the list ("role:path") and digests content and
// place, in the list's order. found is the list of trace headers that a plan
// would compile: one that appears or goes changes the digest too. A file that
// is gone is an fs.ErrNotExist.
func digest(ctx context.Context, tree *kbuild.Tree, files []string, found []traceHeader) (digests, error) {
	dirs := map[string]string{}
	for _, root := range tree.Roots() {
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
				if sums[i], err = digestFile(filepath.Join(dir, rel)); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return digests{}, err
	}
	identity, inputs := sha256.New(), sha256.New()
	fmt.Fprintf(identity, "arch %s %d %s\noverrides %s\n", tree.Arch.Name, tree.Arch.WordSize, tree.Arch.Order, headers.Digest())
	for i, f := range files {
		_, rel, _ := strings.Cut(f, ":")
		line := fmt.Sprintf("%s %x\n", rel, sums[i])
		if !slices.Contains(compilerHeaders, rel) {
			io.WriteString(identity, line)
		}
		io.WriteString(inputs, line)
	}
	id := hex.EncodeToString(identity.Sum(nil))
	fmt.Fprintf(inputs, "identity %s\nflags %q\n", id, tree.Flags(kbuild.GCC))
	for _, h := range found {
		fmt.Fprintf(inputs, "trace %s\n", h.Include)
	}
	return digests{identity: id[:32], inputs: hex.EncodeToString(inputs.Sum(nil))}, nil
}

func digestFile(path string) (sum [sha256.Size]byte, err error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return sum, err
	}
	return sha256.Sum256(text), nil
}

// isGone reports whether err says that a file recorded as input is missing.
func isGone(err error) bool { return errors.Is(err, fs.ErrNotExist) }
