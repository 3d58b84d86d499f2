package compile

import (
	"os"
	"path/filepath"
	"strings"
)

// standIns is the folder that "…" is looked up in after the including file's
// own. It lies deep, so that a path with several ".." stays in scratch.
func (w *Workshop) standIns() string { return filepath.Join(w.dir, "private/1/2/3/4/5/6/7") }

// StandIn makes an empty file for a quoted include of a header, by a path that
// the tree does not have: a missing include is fatal to the whole unit.
func (w *Workshop) StandIn(header, name string) error {
	if filepath.IsAbs(name) {
		return nil
	}
	for _, dir := range append([]string{filepath.Dir(header)}, w.include...) {
		if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
			return nil
		}
	}
	path := filepath.Join(w.standIns(), name)
	if !strings.HasPrefix(path, w.dir+string(filepath.Separator)) {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, nil, 0o644)
}
