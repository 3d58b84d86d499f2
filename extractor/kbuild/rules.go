package kbuild

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/tpinfo/tpinfo/extractor/kbuild/makefile"
)

// rules is what all Makefiles of a source tree say under one configuration.
// It follows scripts/Makefile.build and scripts/Makefile.lib of 5.10 to 7.3.
type rules struct {
	src *Source
	// world is what every folder's Makefile finds: the functions of
	// scripts/Kbuild.include, and what the top Makefile exports.
	world  makefile.Setting
	top    *makefile.Makefile // the top Makefile; nil when it cannot be read
	common commonFlags

	folders map[string]*folder // by path, "." for the top
	built   map[string]part    // by path without suffix: "fs/ext4/super"
	asks    map[string][]ask   // likewise; folders end in a slash
}

// folder is one folder and its Makefile.
type folder struct {
	rel string
	mk  *makefile.Makefile
	by  *folder // the folder that asks for it; nil for the top
	// entered, and what for: the objects of the kernel itself, and modules.
	entered, builtin, modules bool
	inherited                 words // subdir-ccflags-y of the folders above
	// unsure is what makes its lists incomplete.
	unsure []makefile.Unknown
}

// part is an object that is part of the kernel or of a module.
type part struct {
	in     *folder
	stem   string // as its Makefile names it
	into   string // the object that it becomes part of, itself if none
	module bool
}

// ask is a line that asks for an object or a folder, whether or not it counts.
type ask struct {
	in   *folder
	stem string
	line *makefile.Assignment
}

// words are words of a variable and what is unknown among them.
type words struct {
	list    []string
	missing []makefile.Unknown
}

func (w words) and(more words) words {
	return words{slices.Concat(w.list, more.list), slices.Concat(w.missing, more.missing)}
}

func wordsOf(mk *makefile.Makefile, names ...string) (w words) {
	for _, name := range names {
		text := mk.Value(name)
		w.list = append(w.list, strings.Fields(makefile.Known(text))...)
		w.missing = append(w.missing, mk.Unknowns(text)...)
	}
	return w
}

// readRules reads every Makefile that another asks for, from the top.
func readRules(s *Source) *rules {
	r := &rules{src: s, folders: map[string]*folder{}, built: map[string]part{}, asks: map[string][]ask{}}
	root, extra := r.root()
	r.folders["."] = root
	todo := []*folder{root}
	for len(todo) > 0 {
		f := todo[0]
		todo = todo[1:]
		for _, c := range r.children(f, extra) {
			if r.enter(f, c) {
				todo = append(todo, r.folders[c.rel])
			}
		}
	}
	// Then those that are not entered: why not, and with what flags their
	// files would compile.
	for _, f := range r.folders {
		todo = append(todo, f)
	}
	slices.SortFunc(todo, func(a, b *folder) int { return strings.Compare(a.rel, b.rel) })
	for len(todo) > 0 {
		f := todo[0]
		todo = todo[1:]
		if f.mk == nil {
			continue
		}
		folders := r.index(f, f.mk)
		if f.by == nil && r.top != nil {
			folders = append(folders, r.index(f, r.top)...)
		}
		for _, rel := range folders {
			if r.folders[rel] == nil {
				r.folders[rel] = r.open(rel, f)
				todo = append(todo, r.folders[rel])
			}
		}
	}
	for _, f := range r.folders {
		if f.entered {
			r.link(f)
		}
	}
	return r
}

// child is a folder that another enters.
type child struct {
	rel              string
	builtin, modules bool
}

// children lists the folders that f enters. extra are those that the top
// Makefile names itself.
func (r *rules) children(f *folder, extra []child) []child {
	var all []child
	if f.by == nil {
		all = extra
	}
	if f.mk == nil {
		return all
	}
	objY, objM := wordsOf(f.mk, "obj-y"), wordsOf(f.mk, "obj-m")
	for _, w := range objY.list {
		if strings.HasSuffix(w, "/") {
			all = append(all, child{path.Join(f.rel, w), f.builtin, f.modules})
		}
	}
	for _, w := range objM.list {
		if strings.HasSuffix(w, "/") {
			all = append(all, child{path.Join(f.rel, w), false, f.modules})
		}
	}
	for _, w := range wordsOf(f.mk, "subdir-y", "subdir-m").list {
		all = append(all, child{path.Join(f.rel, w), false, false})
	}
	return all
}

// enter notes that f enters c, and reports whether that is news.
func (r *rules) enter(f *folder, c child) bool {
	g := r.folders[c.rel]
	if g == nil {
		g = r.open(c.rel, f)
		r.folders[c.rel] = g
	}
	if g.entered && (g.builtin || !c.builtin) && (g.modules || !c.modules) {
		return false
	}
	g.entered, g.builtin, g.modules = true, g.builtin || c.builtin, g.modules || c.modules
	return true
}

// open reads the Makefile of the folder rel, which by asks for.
func (r *rules) open(rel string, by *folder) *folder {
	f := &folder{rel: rel, by: by, inherited: by.inherited}
	if by.mk != nil {
		f.inherited = by.inherited.and(wordsOf(by.mk, "subdir-ccflags-y"))
	}
	dir := filepath.Join(r.src.Dir, rel)
	name := filepath.Join(dir, "Kbuild")
	if !exists(name) {
		name = filepath.Join(dir, "Makefile")
	}
	set := r.world
	set.Fixed = map[string]string{"obj": rel, "src": rel, "kbuild-dir": dir, "kbuild-file": name}
	if r.src.tree.Version.AtLeast(6, 10) {
		set.Fixed["src"] = dir
	}
	for k, v := range r.world.Fixed {
		set.Fixed[k] = v
	}
	mk, err := makefile.Read(name, set)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		f.unsure = []makefile.Unknown{{Reason: rel + " has no Makefile"}}
	case err != nil:
		f.unsure = []makefile.Unknown{{Reason: err.Error()}}
	default:
		f.mk = mk
	}
	return f
}

// root reads the Makefile of the top and that of the architecture, and lists
// the folders that they name themselves: all of them before 6.1, later those
// reach the Kbuild file by export.
func (r *rules) root() (*folder, []child) {
	s, t := r.src, r.src.tree
	dirs := []string{t.Build, s.Dir}
	fixed := map[string]string{
		"srctree": s.Dir, "objtree": t.Build, "srcroot": s.Dir, "abs_srctree": s.Dir, "abs_objtree": t.Build,
		"ARCH": t.Arch.Name, "SRCARCH": t.Arch.Name, "SUBARCH": t.Arch.Name, "KBUILD_EXTMOD": "",
	}
	r.world = makefile.Setting{
		Fixed: fixed, Dirs: dirs,
		Lookup: func(name string) (string, bool) {
			name, is := strings.CutPrefix(name, "CONFIG_")
			if !is {
				return "", false
			}
			v, has := t.Config[name]
			return v, has
		},
		Name: func(p string) string {
			if rel, err := filepath.Rel(s.Dir, p); err == nil && !strings.HasPrefix(rel, "../") {
				return filepath.ToSlash(rel)
			}
			return p
		},
	}
	root := &folder{rel: ".", entered: true, builtin: true, modules: t.Config.On("MODULES")}
	set := r.world
	set.Outer = map[string]makefile.Variable{}
	for name, value := range map[string]string{
		"MAKE_VERSION": "4.3", "sub_make_done": "1", "need-config": "1", "KBUILD_BUILTIN": "1", "KBUILD_MODULES": "1",
		// As of the make that the first one runs.
		"CURDIR": t.Build, "MAKEFLAGS": "rR --no-print-directory", ".FEATURES": "output-sync",
		"KERNELRELEASE": t.Release, "CC_VERSION_TEXT": t.Config["CC_VERSION_TEXT"],
	} {
		set.Outer[name] = makefile.Variable{Text: value, Simple: true}
	}
	mk, err := makefile.Read(filepath.Join(s.Dir, "Makefile"), set)
	if err != nil {
		root.unsure = []makefile.Unknown{{Reason: err.Error()}}
		return root, nil
	}
	r.top, r.common = mk, commonOf(mk)
	if a := passedOver(mk); a != nil {
		root.unsure = append(root.unsure, makefile.Unknown{
			Reason: fmt.Sprintf("%s:%d: this line, which counts in every kernel, was passed over under: %s", a.File, a.Line, a.Kept.Text),
		})
	}
	r.world.Outer, r.world.Unknowns = mk.Exported()
	for _, name := range []string{"scripts/Kbuild.include", "scripts/Makefile.compiler"} {
		file := filepath.Join(s.Dir, name)
		if !exists(file) {
			continue
		}
		functions, err := makefile.Read(file, r.world)
		if err != nil {
			root.unsure = append(root.unsure, makefile.Unknown{Reason: err.Error()})
			continue
		}
		var more map[string]makefile.Variable
		more, r.world.Unknowns = functions.Variables()
		for k, v := range more {
			r.world.Outer[k] = v
		}
	}
	var extra []child
	for _, list := range topLists {
		for _, w := range wordsOf(mk, list+"y").list {
			if strings.HasSuffix(w, "/") {
				extra = append(extra, child{path.Clean(w), true, root.modules})
			}
		}
		for _, w := range wordsOf(mk, list+"m").list {
			if strings.HasSuffix(w, "/") {
				extra = append(extra, child{path.Clean(w), false, root.modules})
			}
		}
		for _, suffix := range []string{"y", "m"} {
			root.unsure = append(root.unsure, wordsOf(mk, list+suffix).missing...)
		}
	}
	opened := r.open(".", root)
	opened.by = nil
	root.mk, root.unsure = opened.mk, append(root.unsure, opened.unsure...)
	return root, extra
}

// passedOver is the top Makefile's line that asks for lib/, when it did not
// count: then others that do count did not either.
func passedOver(mk *makefile.Makefile) (found *makefile.Assignment) {
	if slices.Contains(wordsOf(mk, "libs-y").list, "lib/") {
		return nil
	}
	lines := mk.Asked()
	for i := range lines {
		if a := &lines[i]; a.Name == "libs-y" && a.Kept != nil && slices.Contains(mk.Words(a), "lib/") {
			found = a
		}
	}
	return found
}

// topLists are the lists of folders in the top and the architecture's
// Makefile.
var topLists = []string{"init-", "core-", "drivers-", "net-", "virt-", "libs-"}

// index notes what mk, which is read for f, asks for and returns the folders
// among it.
func (r *rules) index(f *folder, mk *makefile.Makefile) (folders []string) {
	lines := mk.Asked()
	for i := range lines {
		a := &lines[i]
		if !strings.Contains(a.Name, "-") && a.Kept == nil {
			continue
		}
		for _, w := range mk.Words(a) {
			w = makefile.Known(w)
			switch stem, isObject := strings.CutSuffix(w, ".o"); {
			case isObject:
				key := path.Join(f.rel, stem)
				r.asks[key] = append(r.asks[key], ask{f, stem, a})
			case strings.HasSuffix(w, "/") || strings.HasPrefix(a.Name, "subdir-"):
				rel := path.Join(f.rel, w)
				if rel == "." || strings.HasPrefix(rel, "../") || strings.HasPrefix(w, "/") || strings.HasPrefix(w, "-") || !exists(filepath.Join(r.src.Dir, rel)) {
					continue
				}
				r.asks[rel+"/"] = append(r.asks[rel+"/"], ask{f, w, a})
				folders = append(folders, rel)
			}
		}
	}
	return folders
}

// link notes the objects that come of an entered folder.
func (r *rules) link(f *folder) {
	if f.mk == nil {
		return
	}
	objY, objM, lib := wordsOf(f.mk, "obj-y"), wordsOf(f.mk, "obj-m"), wordsOf(f.mk, "lib-y", "lib-m")
	extra := wordsOf(f.mk, "extra-y")
	f.unsure = slices.Concat(f.unsure, objY.missing, objM.missing, lib.missing, extra.missing, wordsOf(f.mk, makefile.Whole).missing)
	for i := range f.mk.Asked() {
		// A list whose name cannot be told may be any.
		if a := &f.mk.Asked()[i]; a.Kept != nil && a.Kept.Unsure != nil && makefile.Known(a.Name) != a.Name {
			f.unsure = append(f.unsure, *a.Kept.Unsure)
		}
	}
	inY := map[string]bool{}
	for _, w := range objY.list {
		inY[w] = true
	}
	if f.builtin {
		r.objects(f, objY.list, false)
	}
	r.objects(f, append(lib.list, extra.list...), false)
	if f.modules {
		r.objects(f, slices.DeleteFunc(objM.list, func(w string) bool { return inY[w] }), true)
	}
}

// objects notes what the objects in list consist of.
func (r *rules) objects(f *folder, list []string, module bool) {
	suffixes := []string{"-objs", "-y"}
	if module {
		suffixes = append(suffixes, "-m")
	}
	for _, w := range list {
		stem, ok := strings.CutSuffix(w, ".o")
		if !ok {
			continue
		}
		into := path.Join(f.rel, stem)
		var parts words
		for _, suffix := range suffixes {
			parts = parts.and(wordsOf(f.mk, stem+suffix))
		}
		f.unsure = append(f.unsure, parts.missing...)
		if len(parts.list) == 0 && strings.TrimSpace(f.mk.Value(stem+"-")) == "" {
			parts.list = []string{w}
		}
		for _, p := range parts.list {
			stem, ok := strings.CutSuffix(p, ".o")
			if !ok {
				continue
			}
			key := path.Join(f.rel, stem)
			// Of two, the one that is in the kernel itself counts.
			if old, has := r.built[key]; !has || old.module && !module {
				r.built[key] = part{f, stem, into, module}
			}
		}
	}
}
