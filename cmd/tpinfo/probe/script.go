package probe

import (
	"bytes"
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/tpinfo/tpinfo/cmd/tpinfo/cli"
	"github.com/tpinfo/tpinfo/compiler"
	"github.com/tpinfo/tpinfo/compiler/diag"
	"github.com/tpinfo/tpinfo/compiler/object"
)

// scriptFlags are those of commands that take a script.
func scriptFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.VarP(&once{}, "execute", "e", "the script itself, instead of a file")
	f.Int("string-size", 0, "bytes that a string takes at most (default 128)")
	f.Int("map-entries", 0, "elements of an array whose declaration does not say (default 2048)")
	f.Bool("allow-system", false, "let the script run commands with system()")
	cmd.SetFlagErrorFunc(func(_ *cobra.Command, err error) error {
		var unknown *pflag.NotExistError
		if errors.As(err, &unknown) {
			err = fmt.Errorf("%w; what begins with - and is an argument of the script goes behind --", err)
		}
		return cli.Usage(err)
	})
}

// once is a text that a command line gives at most once.
type once struct {
	text  string
	given bool
}

func (o *once) String() string { return o.text }
func (o *once) Type() string   { return "string" }

func (o *once) Set(text string) error {
	if o.given {
		return errors.New("there is one script already")
	}
	o.text, o.given = text, true
	return nil
}

// script is what such a command was given: a text, or an object.
type script struct {
	src    *diag.Source
	name   string // of the object
	object []byte
	opt    compiler.Options
}

// readScript reads the file that the first argument names, "-" for standard
// input, or takes the text of -e; the other arguments are the script's.
func readScript(a *cli.App, cmd *cobra.Command, args []string) (*script, error) {
	s := &script{}
	s.opt.StringSize, s.opt.MapEntries, s.opt.AllowSystem = a.Settings.StringSize, a.Settings.MapEntries, a.Settings.AllowSystem
	if err := s.opt.Validate(); err != nil {
		return nil, cli.Usage(err)
	}
	if e := cmd.Flags().Lookup("execute"); e.Changed {
		s.src, s.opt.Args = &diag.Source{Name: "<-e>", Text: e.Value.String()}, args
		return s, nil
	}
	if len(args) == 0 {
		return nil, cli.Usagef("expected a script: a file, - for standard input, or -e TEXT")
	}
	name := args[0]
	var data []byte
	var err error
	if name == "-" {
		name = "<stdin>"
		data, err = readInput(a.In)
	} else {
		data, err = readFile(name)
	}
	if err != nil {
		return nil, err
	}
	if isELF(data) {
		if len(args) > 1 {
			return nil, cli.Usagef("unexpected argument %q: an object has its script's arguments in it", args[1])
		}
		s.name, s.object = name, data
		return s, nil
	}
	if len(data) > maxScript {
		return nil, fmt.Errorf("%s is no object, and for a script too long: more than %d MB", name, maxScript>>20)
	}
	if bytes.IndexByte(data, 0) >= 0 {
		return nil, fmt.Errorf("%s is neither a script nor an object: there are zero bytes in it", name)
	}
	s.src, s.opt.Args = &diag.Source{Name: name, Text: string(data)}, args[1:]
	return s, nil
}

// maxScript is the longest script, in bytes. Objects may be longer.
const maxScript = 4 << 20

// readInput reads a script, or the whole of an object.
func readInput(in io.Reader) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(in, maxScript+1))
	if err != nil || !isELF(data) {
		return data, err
	}
	rest, err := io.ReadAll(io.LimitReader(in, object.MaxFile))
	return append(data, rest...), err
}

func isELF(data []byte) bool { return bytes.HasPrefix(data, []byte(elf.ELFMAG)) }

func readFile(name string) ([]byte, error) {
	f, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) && strings.ContainsAny(name, " {") {
		return nil, cli.Usagef("no file %q; the text of a script goes behind -e", name)
	}
	if err != nil {
		return nil, fmt.Errorf("script: %w", err)
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.IsDir() {
		return nil, fmt.Errorf("%s is a directory, not a script", name)
	}
	return readInput(f)
}

// objectFile is what messages call the object.
func (s *script) objectFile() string {
	if s.object == nil {
		return "the object of " + s.src.Name
	}
	return s.name
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
