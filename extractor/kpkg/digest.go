package kpkg

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/tpinfo/tpinfo/extractor/kbuild"
	"github.com/tpinfo/tpinfo/extractor/kpkg/archive"
)

// contentSum is the digest of header content: of sorted names and of the
// SHA-256 of each file, or what stands for it. Files that only name the
// release are left out, and of those that repeat the configuration what only
// names the release; read gives their text.
func contentSum(sums map[string]string, read func(rel string) ([]byte, error)) (string, error) {
	names := make([]string, 0, len(sums))
	for rel := range sums {
		if !kbuild.OnlyRelease(rel) {
			names = append(names, rel)
		}
	}
	slices.Sort(names)
	all := sha256.New()
	for _, rel := range names {
		sum := sums[rel]
		if kbuild.HasRelease(rel) {
			text, err := read(rel)
			if err != nil {
				return "", err
			}
			own := sha256.Sum256(kbuild.WithoutRelease(rel, text))
			sum = string(own[:])
		}
		fmt.Fprintf(all, "%s\x00%d:%s", rel, len(sum), sum)
	}
	return hex.EncodeToString(all.Sum(nil)), nil
}

// isHeader reports whether a kept file counts as header content.
func isHeader(rel string) bool {
	return strings.HasPrefix(rel, "include/") || strings.HasPrefix(rel, "arch/")
}

// treeSum is the digest of what was unpacked below root and counts tells of;
// all are the sums of what was unpacked, and read gives its text.
func treeSum(all map[string]string, root string, counts func(rel string) bool, read func(name string) ([]byte, error)) (string, error) {
	sums := map[string]string{}
	for name, sum := range all {
		rel, below := name, true
		if root != "." {
			rel, below = strings.CutPrefix(name, root+"/")
		}
		if below && counts(rel) {
			sums[rel] = sum
		}
	}
	return contentSum(sums, func(rel string) ([]byte, error) { return read(path.Join(root, rel)) })
}

// hashTree gives the digests of an unpacked build tree and of the folder it
// is split from, as of the packages they come from.
func hashTree(ctx context.Context, dir string) ([]string, error) {
	t, err := kbuild.Find(dir)
	if err != nil {
		return nil, err
	}
	build, err := hashFolder(ctx, t.Build, treeHeader, nil)
	if err != nil {
		return nil, err
	}
	sums := []string{"build " + build}
	if t.Source != t.Build {
		source, err := hashFolder(ctx, t.Source, treeHeader, nil)
		if err != nil {
			return nil, err
		}
		sums = append(sums, "shared "+source)
	}
	return sums, nil
}

func treeHeader(rel string) bool { return isHeader(rel) && headerFile(rel) }

// hashFolder hashes the files of a folder that count by their names and, where
// needed is given, by their start. Links are followed, as a compiler follows
// them, but for those that lead to a folder that they lie in: they add nothing.
func hashFolder(ctx context.Context, dir string, counts func(rel string) bool, needed func(rel string, start []byte) bool) (string, error) {
	sums := map[string]string{}
	h, buf := sha256.New(), make([]byte, sourceStart)
	var above []fs.FileInfo
	var visit func(rel string) error
	visit = func(rel string) error {
		if len(above) > archive.MaxDepth {
			return fmt.Errorf("%s: folders more than %d deep", filepath.Join(dir, rel), archive.MaxDepth)
		}
		self, err := os.Stat(filepath.Join(dir, rel))
		if err != nil {
			return err
		}
		if slices.ContainsFunc(above, func(a fs.FileInfo) bool { return os.SameFile(a, self) }) {
			return nil
		}
		above = append(above, self)
		defer func() { above = above[:len(above)-1] }()
		entries, err := os.ReadDir(filepath.Join(dir, rel))
		if err != nil {
			return err
		}
		for _, e := range entries {
			if err := ctx.Err(); err != nil {
				return err
			}
			name := path.Join(rel, e.Name())
			kind := e.Type()
			if kind&fs.ModeSymlink != 0 {
				st, err := os.Stat(filepath.Join(dir, name))
				if errors.Is(err, fs.ErrNotExist) {
					continue
				}
				if err != nil {
					return err
				}
				kind = st.Mode().Type()
			}
			switch {
			case kind.IsDir():
				if err := visit(name); err != nil {
					return err
				}
			case kind.IsRegular() && counts(name):
				sum, err := hashFile(filepath.Join(dir, name), h, buf, func(start []byte) bool {
					return needed == nil || needed(name, start)
				})
				if err != nil {
					return err
				}
				if sum != "" {
					sums[name] = sum
				}
			}
		}
		return nil
	}
	if err := visit("."); err != nil {
		return "", err
	}
	return contentSum(sums, func(rel string) ([]byte, error) { return os.ReadFile(filepath.Join(dir, rel)) })
}

// hashFile gives the digest of a file, "" when its start says that it does not
// count.
func hashFile(path string, h hash.Hash, buf []byte, counts func(start []byte) bool) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	n, err := io.ReadFull(f, buf)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return "", err
	}
	if !counts(buf[:n]) {
		return "", nil
	}
	h.Reset()
	h.Write(buf[:n])
	if _, err := io.CopyBuffer(h, struct{ io.Reader }{f}, buf); err != nil {
		return "", err
	}
	return string(h.Sum(nil)), nil
}
