package oci

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Media types. That of the index is the standard's own and says nothing of us,
// so annotations do: tools that copy between registries and are older than
// image-spec 1.1 (skopeo of Debian 12) leave an index's artifactType out, and
// with it the index would lose its digest.
const (
	KernelType = "application/vnd.tpinfo.kernel.v1" // artifactType of a kernel's manifest
	BundleType = "application/vnd.tpinfo.bundle.v1" // media type of its one layer
)

// form is the number of what this package writes. What older programs would
// misread gets a new one.
const form = "1"

// BundleSuffix ends the name of a bundle's file, for tools that save layers as
// files.
const BundleSuffix = ".tpinfo"

// Annotations of a kernel's manifest, and of its descriptor in the index.
const (
	annotationForm     = "io.github.tpinfo.form" // of the index, too
	annotationID       = "io.github.tpinfo.id"
	annotationReleases = "io.github.tpinfo.releases" // with spaces between
	annotationArch     = "io.github.tpinfo.arch"
	annotationEvents   = "io.github.tpinfo.events"
	annotationContent  = "io.github.tpinfo.content"
	annotationSigner   = "io.github.tpinfo.signer" // missing when not signed
	annotationSize     = "io.github.tpinfo.size"   // bytes of the bundle
)

// Entry is what the index says of one kernel. Until the bundle itself was read
// it is no more than a claim.
type Entry struct {
	ID string // tpinfo.Kernel.ID
	// Releases are the kernel's names, at least one, sorted.
	Releases []string
	Arch     string // the kernel's word, "x86"
	Events   int
	// Content is a digest, in hexadecimal, of all that is known of the kernel:
	// who has ID and Content has the bundle.
	Content string
	// Signer is the key that signed the bundle, as the cache names keys; empty
	// when it is not signed.
	Signer string
	Size   int64 // bytes of the bundle

	manifest ocispec.Descriptor
}

// Digest is that of the kernel's manifest, "sha256:…": a reference to it is a
// reference to this bundle alone. It is empty for what is not published yet.
func (e *Entry) Digest() string { return e.manifest.Digest.String() }

// same reports whether a bundle of one is as good as one of the other.
func (e *Entry) same(o *Entry) bool {
	return e.ID == o.ID && e.Content == o.Content && e.Signer == o.Signer && slices.Equal(e.Releases, o.Releases)
}

var (
	hexadecimal = regexp.MustCompile(`^[0-9a-f]{8,128}$`)
	word        = regexp.MustCompile(`^[0-9A-Za-z_.:+/=-]{1,128}$`)
)

// maxRelease is how long a release may be: the kernel's own limit
// (__NEW_UTS_LEN in include/uapi/linux/utsname.h) is 64.
const maxRelease = 128

// check holds an entry to its form: it is printed, and compared.
func (e *Entry) check() error {
	switch {
	case !hexadecimal.MatchString(e.ID):
		return fmt.Errorf("%.80q is no kernel id", e.ID)
	case len(e.Releases) == 0:
		return errors.New("it names no release")
	case !word.MatchString(e.Arch):
		return fmt.Errorf("%.80q is no architecture", e.Arch)
	case e.Events < 0 || e.Size < 0:
		return errors.New("a count is negative")
	case !hexadecimal.MatchString(e.Content):
		return fmt.Errorf("%.80q is no digest of content", e.Content)
	case e.Signer != "" && !word.MatchString(e.Signer):
		return fmt.Errorf("%.80q is no signer", e.Signer)
	}
	for _, r := range e.Releases {
		if r == "" || len(r) > maxRelease || !utf8.ValidString(r) || strings.ContainsFunc(r, func(c rune) bool { return unicode.IsSpace(c) || !unicode.IsPrint(c) }) {
			return fmt.Errorf("%.80q is no release", r)
		}
	}
	if !slices.IsSorted(e.Releases) || len(slices.Compact(slices.Clone(e.Releases))) != len(e.Releases) {
		return errors.New("its releases are out of order")
	}
	return nil
}

func (e *Entry) annotations() map[string]string {
	a := map[string]string{
		annotationForm: form, annotationID: e.ID, annotationReleases: strings.Join(e.Releases, " "), annotationArch: e.Arch,
		annotationEvents: strconv.Itoa(e.Events), annotationContent: e.Content, annotationSize: strconv.FormatInt(e.Size, 10),
		ocispec.AnnotationTitle: "Linux " + strings.Join(e.Releases, ", ") + " (" + e.Arch + ")",
	}
	if e.Signer != "" {
		a[annotationSigner] = e.Signer
	}
	return a
}

func entryOf(annotations map[string]string) (Entry, error) {
	e := Entry{
		ID: annotations[annotationID], Arch: annotations[annotationArch],
		Content: annotations[annotationContent], Signer: annotations[annotationSigner],
	}
	if r := annotations[annotationReleases]; r != "" {
		e.Releases = strings.Split(r, " ")
	}
	var eerr, serr error
	e.Events, eerr = strconv.Atoi(annotations[annotationEvents])
	e.Size, serr = strconv.ParseInt(annotations[annotationSize], 10, 64)
	if eerr != nil || serr != nil {
		return e, errors.New("a count is no number")
	}
	return e, e.check()
}

// encodeManifest is the manifest of a kernel whose bundle is the layer.
func (e *Entry) encodeManifest(layer ocispec.Descriptor) ([]byte, error) {
	layer.Annotations = map[string]string{ocispec.AnnotationTitle: e.Releases[0] + BundleSuffix}
	return json.Marshal(ocispec.Manifest{
		Versioned:    specs.Versioned{SchemaVersion: 2},
		MediaType:    ocispec.MediaTypeImageManifest,
		ArtifactType: KernelType,
		Config:       ocispec.DescriptorEmptyJSON,
		Layers:       []ocispec.Descriptor{layer},
		Annotations:  e.annotations(),
	})
}

// decodeManifest reads a kernel's manifest: what it says of the kernel, and
// where the bundle is.
func decodeManifest(text []byte) (Entry, ocispec.Descriptor, error) {
	var m ocispec.Manifest
	if err := json.Unmarshal(text, &m); err != nil {
		return Entry{}, ocispec.Descriptor{}, fmt.Errorf("%w: its manifest is not JSON (%w)", ErrNotOurs, err)
	}
	if err := ours(m.Annotations, m.ArtifactType, m.Config.MediaType); err != nil {
		return Entry{}, ocispec.Descriptor{}, err
	}
	if len(m.Layers) != 1 || m.Layers[0].MediaType != BundleType {
		return Entry{}, ocispec.Descriptor{}, fmt.Errorf("%w: the manifest of a kernel has one layer, a bundle", ErrDamaged)
	}
	e, err := entryOf(m.Annotations)
	if err == nil && e.Size != m.Layers[0].Size {
		err = errors.New("its size is not that of the layer")
	}
	if err == nil {
		err = m.Layers[0].Digest.Validate()
	}
	if err != nil {
		return Entry{}, ocispec.Descriptor{}, fmt.Errorf("%w: a kernel's manifest is not as tpinfo writes it: %w", ErrDamaged, err)
	}
	return e, m.Layers[0], nil
}

// Index is what is published in one place.
type Index struct {
	// Digest pins what was read, "sha256:…".
	Digest  string
	Kernels []Entry // by first release, then id
	// Newer counts what a newer program put there and this one cannot read.
	Newer int

	others []ocispec.Descriptor // those that Newer counts
}

// encode is the index at a tag.
func (x *Index) encode() ([]byte, error) {
	x.sort()
	index := ocispec.Index{
		Versioned:   specs.Versioned{SchemaVersion: 2},
		MediaType:   ocispec.MediaTypeImageIndex,
		Manifests:   []ocispec.Descriptor{},
		Annotations: map[string]string{annotationForm: form, ocispec.AnnotationTitle: "Tracepoint metadata of Linux kernels"},
	}
	for i := range x.Kernels {
		d := x.Kernels[i].manifest
		index.Manifests = append(index.Manifests, ocispec.Descriptor{
			MediaType: d.MediaType, Digest: d.Digest, Size: d.Size, Annotations: x.Kernels[i].annotations(),
		})
	}
	index.Manifests = append(index.Manifests, x.others...)
	return json.Marshal(index)
}

func (x *Index) sort() {
	slices.SortFunc(x.Kernels, func(a, b Entry) int {
		if c := strings.Compare(a.Releases[0], b.Releases[0]); c != 0 {
			return c
		}
		return strings.Compare(a.ID, b.ID)
	})
}

// decodeIndex reads what is at a tag.
func decodeIndex(text []byte) (*Index, error) {
	var index ocispec.Index
	if err := json.Unmarshal(text, &index); err != nil {
		return nil, fmt.Errorf("%w: its index is not JSON (%w)", ErrNotOurs, err)
	}
	if err := ours(index.Annotations, index.ArtifactType, ""); err != nil {
		return nil, err
	}
	x := &Index{}
	seen := map[string]bool{}
	for _, d := range index.Manifests {
		if d.Annotations[annotationForm] != form || d.MediaType != ocispec.MediaTypeImageManifest {
			x.others = append(x.others, d)
			continue
		}
		e, err := entryOf(d.Annotations)
		if err == nil {
			err = d.Digest.Validate()
		}
		if err == nil && (d.Size <= 0 || d.Size > maxManifest) {
			err = fmt.Errorf("its manifest has %d bytes", d.Size)
		}
		if err == nil && seen[e.ID] {
			err = errors.New("it is there twice")
		}
		if err != nil {
			return nil, fmt.Errorf("%w: the index is not as tpinfo writes it: manifest %.80q: %w; publish it anew with 'tpinfo push --replace'", ErrDamaged, d.Digest, err)
		}
		seen[e.ID] = true
		e.manifest = ocispec.Descriptor{MediaType: d.MediaType, Digest: d.Digest, Size: d.Size}
		x.Kernels = append(x.Kernels, e)
	}
	x.Newer = len(x.others)
	x.sort()
	return x, nil
}

// ours tells what tpinfo published from what else there may be, by annotations.
func ours(annotations map[string]string, artifact, config string) error {
	switch number := annotations[annotationForm]; number {
	case form:
		return nil
	case "":
		return notOurs(artifact, config)
	default:
		return fmt.Errorf("%w: it has form %.20q, this one reads %s", ErrNewer, number, form)
	}
}

// notOurs says what else is there.
func notOurs(artifact, config string) error {
	what := "a container image"
	switch {
	case artifact != "":
		what = fmt.Sprintf("of type %.100q", artifact)
	case config != "" && config != ocispec.MediaTypeImageConfig && config != "application/vnd.docker.container.image.v1+json":
		what = fmt.Sprintf("of type %.100q", config)
	}
	return fmt.Errorf("%w: it is %s", ErrNotOurs, what)
}
