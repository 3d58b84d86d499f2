package fleet

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Scratch of a process that is gone is removed, of one that lives it is not.
func TestScratch(t *testing.T) {
	dir := t.TempDir()
	lives, err := NewScratch(dir)
	if err != nil {
		t.Fatal(err)
	}
	gone := filepath.Join(dir, scratchPrefix+"gone", "headers-1")
	foreign := filepath.Join(dir, scratchPrefix+"foreign")
	for _, d := range []string{gone, foreign} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, scratchPrefix+"gone"+scratchLock), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	second, err := NewScratch(dir)
	if err != nil {
		t.Fatal(err)
	}
	for path, there := range map[string]bool{lives.Dir: true, second.Dir: true, gone: false, filepath.Dir(gone): false, foreign: true} {
		if _, err := os.Stat(path); (err == nil) != there {
			t.Errorf("%s: %v, want it there: %v", path, err, there)
		}
	}
	for _, s := range []*Scratch{lives, second} {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 1 || left[0].Name() != filepath.Base(foreign) {
		t.Errorf("left are %v (%v), want what is no scratch folder", left, err)
	}
	if _, err := NewScratch(filepath.Join(dir, "none")); err == nil || !strings.Contains(err.Error(), "set TMPDIR") {
		t.Errorf("no folder: %v", err)
	}
}
