package headers

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

//go:embed c/*.h c/trace/*.h
var files embed.FS

// Names of the headers that a unit includes, in this order: Compiler right
// after the kernel's kconfig.h, Events when linux/trace_events.h has been read.
const (
	Compiler = "tpinfo_compiler.h"
	Events   = "tpinfo_events.h"
)

// Marks that the override headers leave in an object; c/tpinfo_events.h tells
// what they hold.
const (
	Section      = "tpinfo_events"    // section of the event and class marks
	ArgsPrefix   = "__tpinfo_args_"   // functions with an event's parameters
	RecordPrefix = "trace_event_raw_" // structs, as the kernel names them
	Location     = "__tpinfo_location"
	Element      = "__tpinfo_element"
)

// Knobs that a unit defines as 1 before the trace headers; c/tpinfo_events.h
// tells what they do. NoArgs and NoRecord are completed by a name.
const (
	NoArgs    = "__TPINFO_NO_ARGS_"
	NoRecord  = "__TPINFO_NO_RECORD_"
	NamesOnly = "__TPINFO_NAMES_ONLY"
)

// Write puts the override headers into the folder dir.
func Write(dir string) error {
	return each(func(name string, text []byte) error {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		return os.WriteFile(path, text, 0o644)
	})
}

// Digest is the SHA-256 in hexadecimal of the override headers and of the
// tables of this package: where it differs, a tree may extract differently.
func Digest() string {
	h := sha256.New()
	err := each(func(name string, text []byte) error {
		_, err := fmt.Fprintf(h, "%s %d\n%s", name, len(text), text)
		return err
	})
	if err != nil {
		// The files are part of the program: they cannot fail to be read.
		panic(err)
	}
	for _, hint := range hints {
		hint.digest(h)
	}
	return hex.EncodeToString(h.Sum(nil))
}

func each(visit func(name string, text []byte) error) error {
	return fs.WalkDir(files, "c", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := files.ReadFile(path)
		if err != nil {
			return err
		}
		return visit(strings.TrimPrefix(path, "c/"), text)
	})
}

func (h Hint) digest(w io.Writer) {
	fmt.Fprintf(w, "%q %q %q %q %d %q\n", h.Header, h.Includes, h.Unknown, h.Unless, h.Until, h.Constants)
}
