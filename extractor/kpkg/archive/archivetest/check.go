package archivetest

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tpinfo/tpinfo/extractor/kpkg/archive"
)

// Must ends a test that an error spoils.
func Must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Write writes a file, and the folders above it, and gives its path.
func Write(t testing.TB, path string, data []byte) string {
	t.Helper()
	Must(t, os.MkdirAll(filepath.Dir(path), 0o755))
	Must(t, os.WriteFile(path, data, 0o644))
	return path
}

// Below lists what is below a folder: files with their text, links with their
// target.
func Below(t testing.TB, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	Must(t, filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		if d.Type()&os.ModeSymlink != 0 {
			target, err := os.Readlink(path)
			all[rel] = "-> " + target
			return err
		}
		text, err := os.ReadFile(path)
		all[rel] = string(text)
		return err
	}))
	return all
}

// Inside checks that a link leads below the scratch folder, or nowhere.
func Inside(t testing.TB, scratch, name, target string) {
	t.Helper()
	root, err := filepath.EvalSymlinks(scratch)
	Must(t, err)
	real, err := filepath.EvalSymlinks(filepath.Join(scratch, name))
	if errors.Is(err, os.ErrNotExist) {
		real = filepath.Join(root, filepath.Dir(name), target)
	}
	if real != root && !strings.HasPrefix(real, root+"/") {
		t.Errorf("the link %s -> %s leads to %s", name, target, real)
	}
}

// WantError checks the signature of an error: its kind, a part of its reason,
// and whether it names a file and says what to do.
func WantError(t *testing.T, err, kind error, reason string) {
	t.Helper()
	var own *archive.Error
	switch {
	case !errors.As(err, &own):
		t.Errorf("error %v, want one of a package: %v, %q", err, kind, reason)
	case !errors.Is(err, kind) || !strings.Contains(own.Error(), reason):
		t.Errorf("error %q, want kind %q and %q in it", err, kind, reason)
	case own.Path == "" || len(own.Supply) == 0:
		t.Errorf("error %q names no file or nothing to do", err)
	}
}
