package compile

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/tpinfo/tpinfo/extractor/kbuild"
)

// readDeps lists the files below roots that a unit read, as "role:path", from
// the rule that the compiler wrote (-MD).
func readDeps(path string, roots []kbuild.Root) ([]string, error) {
	list, err := ruleFiles(path)
	if err != nil {
		return nil, err
	}
	var files []string
	for _, f := range list {
		f = filepath.Clean(f)
		for _, root := range roots {
			if rel, ok := below(root.Dir, f); ok {
				files = append(files, root.Role+":"+rel)
				break
			}
		}
	}
	return files, nil
}

// ruleFiles lists a make rule's prerequisites, as they are written.
func ruleFiles(path string) ([]string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("list of headers read: %w", err)
	}
	_, list, ok := strings.Cut(string(text), ":")
	if !ok {
		return nil, fmt.Errorf("list of headers read: %s is not a make rule", path)
	}
	return splitRule(list), nil
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

// below returns the path of a file relative to dir, with slashes.
func below(dir, path string) (string, bool) {
	rel, err := filepath.Rel(dir, path)
	if err != nil || rel == ".." || strings.HasPrefix(rel, "../") {
		return "", false
	}
	return filepath.ToSlash(rel), true
}
