package natsqueue

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/tpinfo/tpinfo/extractor"
	"github.com/tpinfo/tpinfo/extractor/fleet"
	"github.com/tpinfo/tpinfo/extractor/fleet/natsqueue/objects"
	"github.com/tpinfo/tpinfo/extractor/kpkg"
	"github.com/tpinfo/tpinfo/headers"
)

// version is what coordinator and worker must have in common: the override
// headers, which decide what comes out, and the form of results.
func version() string { return headers.Digest() + " " + strings.TrimSpace(fleet.CodecVersion) }

// offer is a task as it waits in the queue.
type offer struct {
	Version string     `json:"version"`
	Task    fleet.Task `json:"task"`
	// Source is the packed source of the task's set, which is not among the
	// packages.
	Source *parcel `json:"source,omitempty"`
}

// idOf names a task on the server: equal tasks of equal versions are one.
func idOf(t fleet.Task) string {
	return sum([]byte(version() + "\x00" + t.Key + "\x00" + t.CC))[:32]
}

// outcome is the record under result.ID.
type outcome struct {
	Worker string `json:"worker"`
	// Object holds the encoded result: of this task, or of another one whose
	// kernel has the same headers, Headers being their digest.
	Object  string `json:"object,omitempty"`
	Headers string `json:"headers,omitempty"`
	// Lacks is the digest of a package that a worker did not find, instead.
	Lacks string `json:"lacks,omitempty"`
}

// record is what is known under tries.ID.
type record struct {
	// Tries are the beginnings that led to no result.
	Tries []try `json:"tries,omitempty"`
	// Refused has the workers that cannot build it, with what they lack.
	Refused map[string]string `json:"refused,omitempty"`
}

// try is one beginning.
type try struct {
	Worker string `json:"worker"`
	// Reason is what the worker said; empty while it builds, and for ever when
	// it went away.
	Reason string `json:"reason,omitempty"`
}

// presence is a worker's answer on whoSubject.
type presence struct {
	Worker   string   `json:"worker"`
	Building []string `json:"building,omitempty"` // ids
}

// parcel is one file that goes to workers.
type parcel struct {
	Path   string `json:"path"`
	Digest string `json:"digest"` // SHA-256, in hexadecimal
	Size   int64  `json:"size"`
}

// object is the name of a parcel in the object store.
func (p *parcel) object() string { return "package." + p.Digest }

// name is what the file is called at a worker.
func (p *parcel) name() string {
	base := filepath.Base(filepath.Clean("/" + p.Path))
	if base == "/" {
		return "package"
	}
	return base
}

// step is how far a worker is, on stepSubject.
type step struct {
	Worker string             `json:"worker"`
	At     extractor.Progress `json:"at"`
}

// kin is the record under headers.DIGEST: a kernel that was built from headers
// with this digest, and the object that holds it; or the worker that is at it,
// with its task.
type kin struct {
	ID     string `json:"id,omitempty"`
	Object string `json:"object,omitempty"`
	Worker string `json:"worker,omitempty"`
	Task   string `json:"task,omitempty"`
}

// encode is the JSON of one of the values above, which cannot fail.
func encode(v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return text
}

func sum(data []byte) string {
	digest := sha256.Sum256(data)
	return hex.EncodeToString(digest[:])
}

func resultKey(id string) string   { return "result." + id }
func triesKey(id string) string    { return "tries." + id }
func kinKey(headers string) string { return "headers." + headers }
func groupKey(group string) string { return "group." + group }

// objectPrefix begins the names of encoded results; their SHA-256 follows.
const objectPrefix = "result."

func parcelOf(p *kpkg.Package) *parcel { return &parcel{Path: p.Path, Digest: p.Digest, Size: p.Size} }

// parcels are the files of an offer.
func (o *offer) parcels() []*parcel {
	var out []*parcel
	for _, list := range [][]kpkg.Package{o.Task.Set.Headers, o.Task.Set.Image} {
		for i := range list {
			out = append(out, parcelOf(&list[i]))
		}
	}
	if o.Source != nil {
		out = append(out, o.Source)
	}
	return out
}

var (
	hexDigest = regexp.MustCompile(`^[0-9a-f]{64}$`)
	hexID     = regexp.MustCompile(`^[0-9a-f]{32}$`)
	// What a worker may be asked to compile with. Any other name would be a
	// program of its machine that somebody else chose.
	compiler = regexp.MustCompile(`^((gcc|clang)(-[0-9]+)?)?$`)
	// word is what is shown to people and looked up.
	word = regexp.MustCompile(`^[!-~]{0,200}$`)
)

// readOffer reads a message of the task stream. It may come from anybody.
func readOffer(id string, data []byte) (*offer, error) {
	o := &offer{}
	if err := json.Unmarshal(data, o); err != nil {
		return nil, err
	}
	switch {
	case !hexID.MatchString(id):
		return nil, fmt.Errorf("%q is no id of a task", id)
	case o.Task.Key == "":
		return nil, errors.New("it does not say of which task")
	case o.Task.Set.Tree != "":
		return nil, errors.New("a tree does not travel")
	case !compiler.MatchString(o.Task.CC):
		return nil, fmt.Errorf("it asks for the compiler %.80q", o.Task.CC)
	case !word.MatchString(o.Task.Set.Release) || !word.MatchString(o.Task.Set.Arch):
		return nil, fmt.Errorf("it is for a kernel %.80q for %.80q", o.Task.Set.Release, o.Task.Set.Arch)
	case (o.Task.Set.Source != "") != (o.Source != nil):
		return nil, errors.New("its source is half there")
	case o.Version == version() && id != idOf(o.Task):
		return nil, errors.New("it stands under the id of another task")
	}
	for _, p := range o.parcels() {
		if !hexDigest.MatchString(p.Digest) || p.Size < 0 || p.Size > objects.MaxSize {
			return nil, fmt.Errorf("package %q has no SHA-256 or no size", p.name())
		}
	}
	return o, nil
}

// CheckCompiler is the error for a compiler that workers do not take from others:
// they take gcc, clang, and a version of either.
func CheckCompiler(name string) error {
	if compiler.MatchString(name) {
		return nil
	}
	return fmt.Errorf("compiler %s: over a queue it is gcc or clang, with a version perhaps (gcc-12); others are given to the workers", name)
}
