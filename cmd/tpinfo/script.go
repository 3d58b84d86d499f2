package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/tpinfo/tpinfo/compiler"
	"github.com/tpinfo/tpinfo/compiler/diag"
)

// scriptFlags are those of commands that take a script.
func scriptFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringP("execute", "e", "", "the script itself, instead of a file")
	f.Int("string-size", 0, "bytes that a string takes at most (default 128)")
	f.Int("map-entries", 0, "elements of an array whose declaration does not say (default 2048)")
	f.Bool("allow-system", false, "let the script run commands with system()")
}

// script is what such a command was given: a text, or an object.
type script struct {
	src    *diag.Source
	object []byte
	opt    compiler.Options
}

// readScript reads the file that the first argument names, "-" for standard
// input, or takes the text of -e; the other arguments are the script's.
func (a *app) readScript(cmd *cobra.Command, args []string) (*script, error) {
	s := &script{}
	f := cmd.Flags()
	text, err := f.GetString("execute")
	must(err)
	s.opt.StringSize, err = f.GetInt("string-size")
	must(err)
	s.opt.MapEntries, err = f.GetInt("map-entries")
	must(err)
	s.opt.AllowSystem, err = f.GetBool("allow-system")
	must(err)
	if f.Changed("execute") {
		s.src, s.opt.Args = &diag.Source{Name: "<-e>", Text: text}, args
		return s, nil
	}
	if len(args) == 0 {
		return nil, usageError{errors.New("expected a script: a file, - for standard input, or -e TEXT")}
	}
	var data []byte
	name := args[0]
	if name == "-" {
		name = "<stdin>"
		data, err = io.ReadAll(io.LimitReader(a.in, maxScript+1))
	} else {
		data, err = readFile(name)
	}
	if err != nil {
		return nil, err
	}
	if bytes.HasPrefix(data, []byte("\x7fELF")) {
		if len(args) > 1 {
			return nil, usageError{fmt.Errorf("unexpected argument %q: an object has its script's arguments in it", args[1])}
		}
		s.object = data
		return s, nil
	}
	if len(data) > maxScript {
		return nil, fmt.Errorf("%s: a script of more than %d MB", name, maxScript>>20)
	}
	s.src, s.opt.Args = &diag.Source{Name: name, Text: string(data)}, args[1:]
	return s, nil
}

// maxScript is the longest script, in bytes. Objects may be longer.
const maxScript = 4 << 20

func readFile(name string) ([]byte, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		return nil, fmt.Errorf("%s is a directory, not a script", name)
	}
	return os.ReadFile(name)
}

// objectName is where an object goes when nobody says: the script's name with
// ".o", in the folder where one is.
func (s *script) objectName() string {
	base := filepath.Base(s.src.Name)
	if s.src.Name == "<-e>" || s.src.Name == "<stdin>" {
		base = "probe"
	}
	if ext := filepath.Ext(base); ext != "" {
		base = base[:len(base)-len(ext)]
	}
	return base + ".o"
}
