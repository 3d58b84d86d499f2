package archive

import (
	"io/fs"
	"strings"
)

// About is what a package says of itself. Its texts are [Printable], and no
// name, version or architecture has a slash in it.
type About struct {
	Format Format
	// Name, Version and Arch are the distribution's: "6.1.192-2" or
	// "6.8.5-301.fc40", "amd64", "all"; "src" for an RPM of sources.
	Name, Version, Arch string
	Depends             []Relation
	// Files is what the header of an RPM lists; none of a .deb.
	Files []File
}

// Relation is one dependency: a package and the version it must have, when it
// must have exactly that one.
type Relation struct{ Name, Version string }

// File is a file, folder or link that the header of an RPM lists.
type File struct {
	Name string // relative
	Size int64  // bytes
	Mode fs.FileMode
	// content is the number of the file that has the content: the last one
	// of those that are names of one file, mostly this one itself.
	content int
	shared  bool // whether others have their content here
}

// Printable reports whether a text is of visible ASCII alone, which is fit to
// be shown and to be part of a name.
func Printable(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' })
}
