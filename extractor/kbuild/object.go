package kbuild

import (
	"fmt"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/tpinfo/tpinfo/extractor/kbuild/makefile"
)

// Status says whether a source file is part of the configured kernel.
type Status int

// The statuses.
const (
	// Unclear: the Makefiles do not tell without running commands.
	Unclear Status = iota
	// NotBuilt: no object is made of the file.
	NotBuilt
	// Built: it is part of the kernel or of a module.
	Built
)

func (s Status) String() string { return [...]string{"unclear", "not built", "built"}[s] }

// Object is what the Makefiles say about one source file.
type Object struct {
	Status Status
	// Module: the object is part of a module, not of the kernel itself.
	Module bool
	// Into is the object that it becomes part of, without a suffix:
	// "fs/ext4/ext4". Its last element is KBUILD_MODNAME, with "_" for "-".
	// Empty when it is not built.
	Into string
	// Option is the configuration option, "CONFIG_EXT4_FS", that a file which
	// is not built waits for; empty when it is no single one.
	Option string
	// Place is the line that decides, "fs/Makefile:62"; empty for none.
	Place string
	// Reason says in a sentence why the file is not built, or why that is
	// unclear.
	Reason string
	// Flags compile it; of a file that is not built, those that would.
	Flags ObjectFlags
}

// File answers for the source file at rel, a path below the source tree with
// slashes: "fs/ext4/super.c".
func (s *Source) File(rel string) Object {
	s.asked.Lock()
	defer s.asked.Unlock()
	if s.rules == nil {
		s.rules = readRules(s)
	}
	r := s.rules
	key := strings.TrimSuffix(path.Clean(rel), path.Ext(rel))
	if b, ok := r.built[key]; ok {
		return Object{Status: Built, Module: b.module, Into: b.into, Flags: r.flags(b.in, b.stem, b.module)}
	}
	w := r.why(key, 0)
	o := Object{Status: NotBuilt, Option: w.option, Place: w.place, Reason: w.text}
	if w.unsure {
		o.Status = Unclear
	}
	in, stem := r.home(key)
	if in != nil {
		o.Flags = r.flags(in, stem, false)
	}
	return o
}

// BuiltIn lists the objects of the kernel itself, without those of modules, as
// paths without a suffix: "fs/open". unsure says, where the Makefiles do not
// tell all of them, why.
func (s *Source) BuiltIn() (objects, unsure []string) {
	s.asked.Lock()
	defer s.asked.Unlock()
	if s.rules == nil {
		s.rules = readRules(s)
	}
	for key, b := range s.rules.built {
		if !b.module {
			objects = append(objects, key)
		}
	}
	for _, f := range s.rules.folders {
		if !f.entered {
			continue
		}
		for _, u := range f.unsure {
			unsure = append(unsure, u.Reason)
		}
	}
	slices.Sort(objects)
	slices.Sort(unsure)
	return objects, slices.Compact(unsure)
}

// home is the folder whose Makefile names the object, or else the nearest
// that has one.
func (r *rules) home(key string) (*folder, string) {
	if asks := r.asks[key]; len(asks) > 0 && asks[0].in.mk != nil {
		return asks[0].in, asks[0].stem
	}
	for dir := path.Dir(key); ; dir = path.Dir(dir) {
		if f := r.folders[dir]; f != nil && f.mk != nil {
			return f, strings.TrimPrefix(strings.TrimPrefix(key, dir), "/")
		}
		if dir == "." || dir == "/" {
			return nil, ""
		}
	}
}

// cause is why something is not built.
type cause struct {
	option, place, text string
	unsure              bool
}

// maxChain bounds how far one cause may lie behind another.
const maxChain = 20

// why finds what keeps an object or a folder (with a slash) from being built.
func (r *rules) why(key string, depth int) cause {
	var best cause
	for _, a := range r.asks[key] {
		c := r.refuse(a, depth)
		if c.unsure {
			return c
		}
		if best.text == "" || best.option == "" && c.option != "" {
			best = c
		}
	}
	if best.option != "" {
		return best
	}
	// Lists that are not whole may ask for it too.
	for dir := path.Dir(strings.TrimSuffix(key, "/")); ; dir = path.Dir(dir) {
		if f := r.folders[dir]; f != nil && f.entered && len(f.unsure) > 0 {
			return cause{text: f.unsure[0].Reason, unsure: true}
		}
		if dir == "." || dir == "/" {
			break
		}
	}
	if best.text == "" {
		best.text = "no Makefile asks for " + key
		if !strings.HasSuffix(key, "/") {
			best.text += ".o"
		}
	}
	return best
}

var optionName = regexp.MustCompile(`CONFIG_\w+`)

// missing is the first option in text that is not set.
func (r *rules) missing(text string) string {
	for _, option := range optionName.FindAllString(text, -1) {
		if !r.src.tree.Config.On(strings.TrimPrefix(option, "CONFIG_")) {
			return option
		}
	}
	return ""
}

// refuse says why a line that asks for something does not get it.
func (r *rules) refuse(a ask, depth int) cause {
	c := cause{place: fmt.Sprintf("%s:%d", a.line.File, a.line.Line)}
	if k := a.line.Kept; k != nil {
		switch c.option = r.missing(k.Text); {
		case k.Unsure != nil:
			return cause{place: c.place, text: k.Unsure.Reason, unsure: true}
		case k.Else:
			c.option = ""
			c.text = fmt.Sprintf("%s asks for it in the else of: %s", c.place, k.Text)
		default:
			c.text = fmt.Sprintf("%s asks for it under: %s", c.place, k.Text)
		}
		return c
	}
	i := strings.LastIndexByte(a.line.Name, '-')
	list, state := a.line.Name[:i], a.line.Name[i+1:]
	if state == "" || state == "n" {
		if c.option = r.missing(a.line.Written); c.option != "" {
			c.text = c.option + " is not set"
		} else {
			c.text = fmt.Sprintf("%s does not ask for it: %s", c.place, a.line.Written)
		}
		return c
	}
	switch list {
	case "obj", "lib", "extra", "subdir", "core", "drivers", "libs":
		switch {
		case !a.in.entered && depth < maxChain:
			return r.why(a.in.rel+"/", depth+1)
		case a.in.builtin:
			c.text = c.place + " asks for it, and a later line takes that back"
		default:
			c.text = fmt.Sprintf("%s asks for it in the kernel itself, and the folder is entered only for modules", c.place)
		}
		return c
	}
	whole := path.Join(a.in.rel, list)
	if len(r.asks[whole]) == 0 || depth >= maxChain {
		c.text = fmt.Sprintf("%s lists it in %s, and no Makefile asks for %s.o", c.place, a.line.Name, whole)
		return c
	}
	return r.why(whole, depth+1)
}

// ObjectFlags are the compiler's flags for one object that its Makefiles add
// to those of the whole kernel (Tree.Flags), as far as they bear on what is
// declared. Warnings, optimisation and instrumentation are left out.
type ObjectFlags struct {
	Include    []string // folders of -I and -isystem, absolute, in order
	Define     []string // "-DNAME=VALUE" and "-UNAME", in order, as the compiler gets them
	Preinclude []string // files of -include, absolute where they exist
	Other      []string // flags that change layouts: "-fms-extensions"
	// Unknown says which flags could not be told. Those that cannot bear on
	// what is declared are not listed.
	Unknown []string
}

// layoutFlags are the flags that change what headers declare or how structs
// are laid out.
var layoutFlags = regexp.MustCompile(`^-f(no-)?(ms-extensions|plan9-extensions|short-enums|short-wchar|pack-struct\b.*|unsigned-char|signed-char)$|^-std=`)

// bears reports whether unknown text may hold a flag that counts.
func bears(u makefile.Unknown) bool {
	if u.Text == "" {
		return true
	}
	for _, w := range strings.Fields(u.Text) {
		for _, p := range []string{"-I", "-D", "-U", "-i", "-std=", "$"} {
			if strings.HasPrefix(w, p) {
				return true
			}
		}
		if layoutFlags.MatchString(w) {
			return true
		}
	}
	return false
}

// commonFlags are the flags of the whole kernel, from the top Makefile: a
// folder that sets them itself is seen by the difference.
type commonFlags struct {
	all    map[string]bool
	module words
}

// wholeKernel are the variables with them.
var wholeKernel = []string{"KBUILD_CPPFLAGS", "KBUILD_CFLAGS"}

func commonOf(mk *makefile.Makefile) commonFlags {
	c := commonFlags{all: map[string]bool{}, module: wordsOf(mk, "KBUILD_CFLAGS_MODULE", "CFLAGS_MODULE")}
	for _, w := range wordsOf(mk, wholeKernel...).list {
		c.all[w] = true
	}
	return c
}

// flags are those of the object that f's Makefile calls stem.
func (r *rules) flags(f *folder, stem string, module bool) ObjectFlags {
	var all words
	for _, name := range wholeKernel {
		if own := wordsOf(f.mk, name); len(own.list) > 0 {
			for _, w := range own.list {
				if !r.common.all[w] {
					all.list = append(all.list, w)
				}
			}
		}
	}
	all = all.and(f.inherited).and(wordsOf(f.mk, "subdir-ccflags-y", "ccflags-y", "EXTRA_CFLAGS"))
	all = without(all, wordsOf(f.mk, "ccflags-remove-y"))
	all = all.and(wordsOf(f.mk, "CFLAGS_"+stem+".o"))
	all = without(all, wordsOf(f.mk, "CFLAGS_REMOVE_"+stem+".o"))
	if module {
		all = all.and(r.common.module)
	}
	var o ObjectFlags
	for _, u := range all.missing {
		if bears(u) {
			o.Unknown = append(o.Unknown, u.Reason)
		}
	}
	r.sort(&o, shellWords(strings.Join(all.list, " ")))
	// A kernel built in a folder of its own looks in the file's own last.
	if t := r.src.tree; t.Build != t.Source {
		r.include(&o, filepath.Join(r.src.Dir, f.rel))
		r.include(&o, filepath.Join(t.Build, f.rel))
	}
	return o
}

// without is $(filter-out patterns,w).
func without(w, patterns words) words {
	if len(patterns.list) == 0 {
		return w
	}
	kept := words{missing: append(w.missing, patterns.missing...)}
	for _, word := range w.list {
		if !makefile.MatchAny(patterns.list, word) {
			kept.list = append(kept.list, word)
		}
	}
	return kept
}

// sort parts flags by what they are.
func (r *rules) sort(o *ObjectFlags, flags []string) {
	for i := 0; i < len(flags); i++ {
		operand := func(flag string) (string, bool) {
			rest, ok := strings.CutPrefix(flags[i], flag)
			if ok && rest == "" && i+1 < len(flags) {
				i++
				rest = flags[i]
			}
			return rest, ok && rest != ""
		}
		if f, ok := operand("-include"); ok {
			for _, root := range []string{"", r.src.Dir, r.src.tree.Build} {
				if p := filepath.Join(root, f); filepath.IsAbs(p) && exists(p) {
					f = p
					break
				}
			}
			o.Preinclude = append(o.Preinclude, f)
		} else if d, ok := operand("-isystem"); ok {
			r.include(o, d)
		} else if d, ok := operand("-I"); ok {
			r.include(o, d)
		} else if d, ok := operand("-D"); ok {
			o.Define = append(o.Define, "-D"+d)
		} else if d, ok := operand("-U"); ok {
			o.Define = append(o.Define, "-U"+d)
		} else if layoutFlags.MatchString(flags[i]) {
			o.Other = append(o.Other, flags[i])
		}
	}
}

// include adds a folder of headers. A relative one is the object tree's, and
// of a kernel that was built in its source the source's.
func (r *rules) include(o *ObjectFlags, dir string) {
	dirs := []string{dir}
	if !filepath.IsAbs(dir) {
		dirs = []string{filepath.Join(r.src.tree.Build, dir), filepath.Join(r.src.Dir, dir)}
	}
	for _, d := range dirs {
		d = filepath.Clean(d)
		if exists(d) {
			o.Include = append(o.Include, d)
		}
	}
}

// shellWords parts text as the shell that runs the compiler does: quotes and
// backslashes are taken off.
func shellWords(text string) []string {
	var all []string
	var w strings.Builder
	in, quote := false, byte(0)
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case quote == 0 && (c == ' ' || c == '\t'):
			if in {
				all = append(all, w.String())
				w.Reset()
				in = false
			}
			continue
		case quote == c && c != 0:
			quote = 0
		case quote == 0 && (c == '"' || c == '\''):
			quote = c
		case c == '\\' && quote != '\'' && i+1 < len(text):
			i++
			w.WriteByte(text[i])
		default:
			w.WriteByte(c)
		}
		in = true
	}
	if in {
		all = append(all, w.String())
	}
	return all
}
