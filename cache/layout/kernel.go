package layout

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"path"
	"slices"
	"time"

	"github.com/tpinfo/tpinfo"
)

// Kernel is a kernel as a list of layouts.
type Kernel struct {
	ID, Arch, ByteOrder string
	WordSize            int // bytes
	Source              string
	Problems            []byte // JSON
	Layouts             []Layout
}

// OfKernel is a kernel without its layouts.
func OfKernel(k *tpinfo.Kernel) (Kernel, error) {
	problems, err := json.Marshal(k.Problems)
	return Kernel{k.ID, k.Arch, string(k.ByteOrder), k.WordSize, string(k.Source), problems, nil}, err
}

// Content digests the kernel, independent of the numbers its layouts have.
func (k *Kernel) Content() []byte {
	var e Encoder
	e.Text(k.ID, k.Arch, k.ByteOrder)
	e.Number(int64(k.WordSize))
	e.Text(k.Source, string(k.Problems))
	hashes := make([]Hash, len(k.Layouts))
	for i := range k.Layouts {
		hashes[i] = k.Layouts[i].Hash
	}
	slices.SortFunc(hashes, Hash.Compare)
	for _, h := range hashes {
		e.buf = binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(e.buf, uint64(h[0])), uint64(h[1]))
	}
	sum := sha256.Sum256(e.buf)
	return sum[:16]
}

// Alias is how a kernel was found, and what the extraction read.
type Alias struct {
	Release, Tree, Compiler string
	Extracted               int64  // seconds since 1970
	Digest, BTF             string // tpinfo.Inputs
	Files                   []byte // FilesHash of the list of headers
}

// TreeName is the tree without its folder.
func (a Alias) TreeName() string {
	if a.Tree == "" {
		return ""
	}
	return path.Base(a.Tree)
}

// Compare orders what two extractions of one tree say: the greater stays.
func (a Alias) Compare(b Alias) int {
	return cmp.Or(cmp.Compare(a.Extracted, b.Extracted), cmp.Compare(a.Compiler, b.Compiler),
		cmp.Compare(a.Digest, b.Digest), cmp.Compare(a.BTF, b.BTF), slices.Compare(a.Files, b.Files))
}

// FilesHash is what a list of headers, a path a line, is addressed by.
func FilesHash(text []byte) []byte {
	sum := sha256.Sum256(text)
	return sum[:16]
}

// UnknownTime is an alias's Extracted where nothing says when: in exported
// files.
var UnknownTime = time.Time{}.Unix()

// Homeless are aliases without the folders of their trees and without times;
// of those that then have one name, the greatest.
func Homeless(aliases []Alias) []Alias {
	aliases = slices.Clone(aliases)
	for i := range aliases {
		aliases[i].Tree, aliases[i].Extracted = aliases[i].TreeName(), UnknownTime
	}
	slices.SortFunc(aliases, func(a, b Alias) int {
		return cmp.Or(cmp.Compare(a.Release, b.Release), cmp.Compare(a.Tree, b.Tree), b.Compare(a))
	})
	return slices.CompactFunc(aliases, func(a, b Alias) bool { return a.Release == b.Release && a.Tree == b.Tree })
}
