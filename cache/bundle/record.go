package bundle

import (
	"strings"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/cache/layout"
)

// The payload of an exported file is a row of records, each a tag, a length
// and a body of texts and numbers (layout.Encoder):
//
//	F  a list of headers
//	L  a layout: kind, name, body
//	K  a kernel, with its names and origins; it names lists of headers and
//	   layouts by their place among those before it, counted from 1
//
// Hashes and digests are not in it: who reads it works them out. Nor is when
// something was extracted and in which folder, nor what failed: equal kernels
// give equal files, on every machine.
const (
	tagFiles  = 'F'
	tagLayout = 'L'
	tagKernel = 'K'
)

// maxRecord bounds a record: a body, its name, and the like.
const maxRecord = layout.MaxBody + 1<<20

// Kernel is a kernel on its way from a cache, to another one or to a file, with
// all that goes along.
type Kernel struct {
	// Kernel has the bodies of those layouts that the taker lacks still.
	layout.Kernel
	Aliases []layout.Alias // by release, then tree; one at least
	Origins []tpinfo.Origin
	// Lists are the lists of headers that Aliases name, a path a line, by
	// hash; those that went along with an earlier kernel may be missing.
	Lists map[string]string
}

// Of is a snapshot's kernel on its way, with all bodies.
func Of(snap *tpinfo.Snapshot) (*Kernel, error) {
	k, err := layout.OfKernel(&snap.Kernel)
	if err != nil {
		return nil, err
	}
	k.Layouts = layout.OfSnapshot(snap)
	files := strings.Join(snap.Inputs.Files, "\n")
	hash := layout.FilesHash([]byte(files))
	return &Kernel{
		Kernel: k,
		Aliases: []layout.Alias{{
			Release: snap.Kernel.Release, Tree: snap.Kernel.Tree, Compiler: snap.Kernel.Compiler, Extracted: snap.Kernel.Extracted.Unix(),
			Digest: snap.Inputs.Digest, BTF: snap.Inputs.BTF, Files: hash,
		}},
		Lists: map[string]string{string(hash): files},
	}, nil
}
