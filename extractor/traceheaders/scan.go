package traceheaders

import (
	"bytes"
	"cmp"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/tpinfo/tpinfo/extractor/kbuild"
)

// Header is one trace header of a tree, as a scan of its text shows it.
type Header struct {
	Path    string // absolute
	Include string // what stands between < and > in a unit: "trace/events/sched.h"
	Size    int    // bytes of text, a measure of the work it makes
	// System is the TRACE_SYSTEM that it sets, where it sets one value only:
	// linux/module.h's sets it under a condition that no reader of it meets.
	System string
	// Guard is the macro that says the header was read: it is read again all
	// the same while TRACE_HEADER_MULTI_READ is defined. Empty for none.
	Guard string
	// Once are macros of its own that guard parts to be read once, such as
	// the enums of rxrpc.h. Two headers of 6.1 share one by mistake.
	Once []string
	// Quoted are includes by relative path, as written.
	Quoted []string
	// Network: it includes headers of the network, which read most of the
	// others of the network.
	Network bool
	// Lacks is a header that it includes and the tree does not have, as those
	// of another architecture; empty for none. That may be fatal to a unit,
	// and may be under a condition that is not met.
	Lacks string
}

// traceDirs are the folders of a tree that hold trace headers, under each
// include folder: <trace/…>, <ras/…> and the architecture's <asm/…>.
var traceDirs = []string{"trace", "ras", "asm"}

// machinery are headers of the kernel that turn trace headers into code; they
// set TRACE_SYSTEM to nothing of their own.
var machinery = map[string]bool{
	"trace/define_trace.h": true, "trace/define_custom_trace.h": true,
	"trace/trace_events.h": true, "trace/trace_custom_events.h": true,
}

var (
	definesSystem  = regexp.MustCompile(`(?m)^[ \t]*#[ \t]*define[ \t]+TRACE_SYSTEM\b[ \t]*(\S*)`)
	mainGuard      = regexp.MustCompile(`(?m)^[ \t]*#[ \t]*if[ \t]+!?[ \t]*defined[ \t]*\(?[ \t]*(\w+)\)?[ \t]*\|\|[ \t\\\n]*defined[ \t]*\(?[ \t]*TRACE_HEADER_MULTI_READ`)
	onceGuard      = regexp.MustCompile(`(?m)^[ \t]*#[ \t]*ifndef[ \t]+(\w+)[ \t]*\n(?:[ \t]*\n)*[ \t]*#[ \t]*define[ \t]+(\w+)[ \t]*$`)
	angleInclude   = regexp.MustCompile(`(?m)^[ \t]*#[ \t]*include[ \t]+<([^>]+)>`)
	networkInclude = regexp.MustCompile(`(?m)^[ \t]*#[ \t]*include[ \t]+<(?:net/|rdma/|linux/(?:sunrpc/|skbuff|netdevice|tcp|udp|in6|ipv6|errqueue|icmp)\b)`)
	quotedInclude  = regexp.MustCompile(`(?m)^[ \t]*#[ \t]*include[ \t]+"([^"]+)"`)
)

// Scan finds the tree's trace headers: those that set TRACE_SYSTEM. They come
// sorted by what a unit includes.
func Scan(tree *kbuild.Tree) ([]Header, error) {
	include := tree.IncludeDirs()
	seen := map[string]bool{}
	there := map[string]bool{} // what was looked for, and whether it was there
	var found []Header
	for _, dir := range include {
		for _, sub := range traceDirs {
			// Ubuntu's flavours have a link to the common headers in its place:
			// with a slash behind it, it is walked all the same.
			err := filepath.WalkDir(filepath.Join(dir, sub)+"/", func(path string, d fs.DirEntry, err error) error {
				switch {
				case err != nil:
					if os.IsNotExist(err) {
						return nil
					}
					return err
				case d.IsDir() || filepath.Ext(path) != ".h":
					return nil
				case sub == "asm" && !strings.Contains(strings.TrimPrefix(path, dir), "trace"):
					return nil
				}
				rel, err := filepath.Rel(dir, path)
				if err != nil || seen[rel] || machinery[filepath.ToSlash(rel)] {
					return err
				}
				seen[rel] = true
				text, err := os.ReadFile(path)
				if err != nil {
					return err
				}
				if h, ok := readTraceHeader(text); ok {
					h.Path, h.Include, h.Size = path, filepath.ToSlash(rel), len(text)
					h.Lacks = lacks(text, include, there)
					found = append(found, h)
				}
				return nil
			})
			if err != nil {
				return nil, fmt.Errorf("looking for trace headers: %w", err)
			}
		}
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("no trace headers under %s: is it a kernel's source part? (include/trace/events is missing)", tree.Source)
	}
	slices.SortFunc(found, func(a, b Header) int { return cmp.Compare(a.Include, b.Include) })
	return found, nil
}

// lacks returns the first header that text includes and no folder has.
func lacks(text []byte, include []string, there map[string]bool) string {
	for _, m := range angleInclude.FindAllSubmatch(text, -1) {
		name := string(m[1])
		is, known := there[name]
		if !known {
			is = slices.ContainsFunc(include, func(dir string) bool {
				_, err := os.Stat(filepath.Join(dir, name))
				return err == nil
			})
			there[name] = is
		}
		if !is {
			return name
		}
	}
	return ""
}

// readTraceHeader tells what a unit has to know about a header; false for one
// that defines no events of its own. The kernel's machinery undefines
// TRACE_SYSTEM but never sets it.
func readTraceHeader(text []byte) (Header, bool) {
	var h Header
	if !bytes.Contains(text, []byte("TRACE_SYSTEM")) {
		return h, false
	}
	systems := definesSystem.FindAllSubmatch(text, -1)
	if len(systems) == 0 {
		return h, false
	}
	h.System = string(systems[0][1])
	for _, m := range systems {
		if string(m[1]) != h.System {
			h.System = ""
			break
		}
	}
	if m := mainGuard.FindSubmatch(text); m != nil {
		h.Guard = string(m[1])
	}
	for _, m := range onceGuard.FindAllSubmatch(text, -1) {
		if name := string(m[1]); name == string(m[2]) && name != h.Guard {
			h.Once = append(h.Once, name)
		}
	}
	h.Network = networkInclude.Match(text)
	for _, m := range quotedInclude.FindAllSubmatch(text, -1) {
		h.Quoted = append(h.Quoted, string(m[1]))
	}
	return h, true
}
