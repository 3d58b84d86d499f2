package traceheaders

import (
	"bytes"
	"cmp"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/tpinfo/tpinfo/extractor/kbuild"
)

// seeker finds the public header that defines a name. It reads the tree's
// headers once, when first asked: most trees never need it.
type seeker struct {
	tree  *kbuild.Tree
	texts []headerText
}

type headerText struct {
	include string
	text    []byte
}

// publicDirs are the parts of an include folder that any source may include.
var publicDirs = []string{"linux", "uapi", "sound", "rdma", "net", "scsi", "media", "drm", "ufs", "crypto", "asm", "asm-generic", "soc", "xen", "acpi", "rv", "target", "video"}

// definer returns the header that defines name ("tid_t", "enum i2c_slave_event",
// "MII_BUS_ID_SIZE"), or "" when no public one does. Of several, the one with
// the shortest path.
func (s *seeker) definer(name string) string {
	if s.texts == nil {
		s.load()
	}
	define := definition(name)
	needle := []byte(name[strings.LastIndexByte(name, ' ')+1:])
	for _, h := range s.texts {
		if bytes.Contains(h.text, needle) && define.Match(h.text) {
			return h.include
		}
	}
	return ""
}

// definition matches what defines a name: a tag with a body, a typedef, a
// macro or a constant of an enum.
func definition(name string) *regexp.Regexp {
	q := regexp.QuoteMeta(name)
	if strings.Contains(name, " ") {
		return regexp.MustCompile(`(?m)^[ \t]*` + strings.ReplaceAll(q, " ", `\s+`) + `\s*\{`)
	}
	return regexp.MustCompile(`(?m)^[ \t]*typedef\b[^;{}]*\b` + q + `\s*(?:\[[^\]]*\])?;` +
		`|^\}\s*` + q + `\s*;` +
		`|^[ \t]*#[ \t]*define[ \t]+` + q + `\b` +
		`|^[ \t]+` + q + `\s*(?:=[^=;]*)?,`)
}

func (s *seeker) load() {
	seen := map[string]bool{}
	for _, dir := range s.tree.IncludeDirs() {
		for _, sub := range publicDirs {
			// A folder that cannot be read defines nothing for us.
			_ = filepath.WalkDir(filepath.Join(dir, sub)+"/", func(path string, d fs.DirEntry, err error) error {
				if err != nil || d.IsDir() || filepath.Ext(path) != ".h" {
					return nil
				}
				rel, err := filepath.Rel(dir, path)
				if err != nil || seen[rel] {
					return nil
				}
				seen[rel] = true
				if text, err := os.ReadFile(path); err == nil {
					s.texts = append(s.texts, headerText{filepath.ToSlash(rel), text})
				}
				return nil
			})
		}
	}
	slices.SortFunc(s.texts, func(a, b headerText) int {
		return cmp.Or(cmp.Compare(len(a.include), len(b.include)), cmp.Compare(a.include, b.include))
	})
}
