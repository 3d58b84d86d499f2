package tpinfo

import "time"

// ByteOrder is a kernel's byte order.
type ByteOrder string

// The byte orders.
const (
	LittleEndian ByteOrder = "little"
	BigEndian    ByteOrder = "big"
)

// Kernel is one identity: a configuration of one content for one architecture.
// Release names are aliases; two trees with one release and different content
// are two kernels.
type Kernel struct {
	// ID is the content's digest in hexadecimal: architecture,
	// configuration, every tree header that the compile of the public trace
	// headers read, and the override headers; or the BTF it was read from.
	// A full source tree or BTF beside the headers tells more of the same
	// kernel, and leaves the ID as it is.
	ID      string `json:"id"`
	Release string `json:"release"` // "6.1.0-56-cloud-amd64"
	// Arch is the kernel's own word for the architecture, the name of its
	// folder under arch/: "x86", "arm64".
	Arch      string    `json:"arch"`
	ByteOrder ByteOrder `json:"byte_order"`
	WordSize  int       `json:"word_size"` // bytes of a long and of a pointer
	Source    Source    `json:"source"`
	// Compiler is what compiled the headers, "gcc 12.2.0"; empty for BTF.
	Compiler string `json:"compiler,omitempty"`
	// Tree is the build tree or the BTF file the kernel was read from, as the
	// machine that extracted it knew it.
	Tree      string    `json:"tree"`
	Extracted time.Time `json:"extracted"` // UTC
	// Problems concern the kernel as a whole: headers that failed, inputs
	// left out. Those of an event are in Tracepoint.Problems.
	Problems []Problem `json:"problems"`
}

// Inputs says what an extraction depended on, so that a later one can tell
// without compiling whether anything changed.
type Inputs struct {
	// Files are the files read, each "root:path" where root is the role of a
	// folder of the tree ("build", "source"; "full" for a full source tree
	// beside them) and path is relative to it, sorted; files of the compiler
	// itself are not among them.
	Files []string `json:"files"`
	// Digest covers the content of Files, the list of trace headers found,
	// the override headers and the flags, in hexadecimal. Behind a dash it
	// covers what a full source tree added.
	Digest string `json:"digest"`
	// Compiler and BTF name what else took part: the compiler ("gcc 12.2.0")
	// and the digest of the BTF. Empty where none did.
	Compiler string `json:"compiler,omitempty"`
	BTF      string `json:"btf,omitempty"`
}

// Snapshot is everything one extraction learned about one kernel.
type Snapshot struct {
	Kernel Kernel
	// Events are sorted by system, then name.
	Events []Tracepoint
	// Types are the named definitions, sorted by name, each name once.
	Types  []Type
	Inputs Inputs
}
