package oci

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2"
	"oras.land/oras-go/v2/content"
	"oras.land/oras-go/v2/errdef"
	"oras.land/oras-go/v2/registry"
	"oras.land/oras-go/v2/registry/remote"
	"oras.land/oras-go/v2/registry/remote/auth"
	"oras.land/oras-go/v2/registry/remote/credentials"
	"oras.land/oras-go/v2/registry/remote/retry"
)

// What is read of a registry is bounded, in bytes.
const (
	// maxIndex is the most that registries take as a manifest (4 MiB is the
	// distribution's limit, and the one that the specification asks for): some
	// 6000 kernels.
	maxIndex    = 4 << 20
	maxManifest = 64 << 10
	// MaxBundle is far above a kernel's bundle, which has a few hundred kB.
	MaxBundle = 64 << 20
)

const (
	// patience is how long a registry may take to connect and to begin an
	// answer, unless Options say otherwise.
	patience = 30 * time.Second
	// slowest is the rate, in bytes a second, below which a transfer is given up.
	slowest = 8 << 10
	// maxTags bounds the tags looked through, in pages of the registry's choice.
	maxTagPages = 20
)

// Docker's own media types for what OCI calls an index and a manifest.
const (
	dockerIndex    = "application/vnd.docker.distribution.manifest.list.v2+json"
	dockerManifest = "application/vnd.docker.distribution.manifest.v2+json"
)

// errSlow ends a transfer that takes too long.
var errSlow = errors.New("the transfer takes too long")

// Options are how a registry is reached. TLS trusts the system's authorities
// (SSL_CERT_FILE and SSL_CERT_DIR change them); proxies are those of
// HTTPS_PROXY, HTTP_PROXY and NO_PROXY; credentials are those of docker's
// configuration file and its helpers.
type Options struct {
	// PlainHTTP is for a registry without TLS.
	PlainHTTP bool
	// UserAgent is how the program calls itself: "tpinfo/1.2".
	UserAgent string
	// Patience is how long the registry may take to connect and to begin an
	// answer; 30 seconds when zero.
	Patience time.Duration
}

// Repository is a place in a registry. It is safe for concurrent use.
type Repository struct {
	ref            Reference
	store          store
	patience       time.Duration
	settle         time.Duration
	credentialFile string
	close          func()
}

// store is what a Repository needs of oras.
type store interface {
	oras.Target
	registry.TagLister
}

// Open prepares requests and makes none.
func Open(ref Reference, opts Options) (*Repository, error) {
	repo, err := remote.NewRepository(ref.Registry + "/" + ref.Repository)
	if err != nil {
		return nil, fmt.Errorf("%q is %w: %w", ref, ErrReference, err)
	}
	docker, err := credentials.NewStoreFromDocker(credentials.StoreOptions{})
	if err != nil {
		return nil, fmt.Errorf("docker's configuration: %w; correct the file, or name the folder of another with DOCKER_CONFIG", err)
	}
	if opts.Patience == 0 {
		opts.Patience = patience
	}
	base, ok := http.DefaultTransport.(*http.Transport)
	if !ok {
		base = &http.Transport{Proxy: http.ProxyFromEnvironment}
	}
	base = base.Clone()
	base.DialContext = (&net.Dialer{Timeout: opts.Patience}).DialContext
	base.TLSHandshakeTimeout = opts.Patience
	base.ResponseHeaderTimeout = opts.Patience
	base.MaxIdleConnsPerHost = transfers
	repo.Client = &auth.Client{
		Client:     &http.Client{Transport: &retry.Transport{Base: base, Policy: retryPolicy}},
		Header:     http.Header{"User-Agent": {opts.UserAgent}},
		Cache:      auth.NewCache(),
		Credential: credentials.Credential(docker),
	}
	repo.PlainHTTP = opts.PlainHTTP
	repo.ManifestMediaTypes = []string{
		ocispec.MediaTypeImageIndex, ocispec.MediaTypeImageManifest,
		// So that what else may be there is told from nothing at all.
		dockerIndex, dockerManifest,
	}
	repo.MaxMetadataBytes = maxIndex
	repo.TagListMaxPages = maxTagPages
	return &Repository{
		ref: ref, store: repo, patience: opts.Patience, settle: settle, credentialFile: docker.ConfigPath(), close: base.CloseIdleConnections,
	}, nil
}

// retryPolicy tries again what may pass: overload, a connection that broke.
// What took all the time there was is not waited for again.
func retryPolicy() retry.Policy {
	return &retry.GenericPolicy{
		Retryable: func(resp *http.Response, err error) (bool, error) {
			var timeout net.Error
			if errors.As(err, &timeout) && timeout.Timeout() {
				return false, nil
			}
			return retry.DefaultPredicate(resp, err)
		},
		Backoff: retry.DefaultBackoff, MinWait: 200 * time.Millisecond, MaxWait: 3 * time.Second, MaxRetry: 3,
	}
}

// Close lets go of connections.
func (r *Repository) Close() { r.close() }

// Tags lists the repository's tags; with very many of them, the first.
func (r *Repository) Tags(ctx context.Context) ([]string, error) {
	tags, err := registry.Tags(ctx, r.store)
	if errors.Is(err, errdef.ErrTooManyPages) {
		err = nil
	}
	return tags, r.explain(ctx, err)
}

// Index reads what is at the reference: the index that Push made, or one
// kernel's manifest as an index of one.
func (r *Repository) Index(ctx context.Context) (*Index, error) {
	x, err := r.index(ctx)
	if errors.Is(err, errdef.ErrNotFound) {
		return nil, r.nothingThere(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", r.ref, r.explain(ctx, err))
	}
	return x, nil
}

func (r *Repository) nothingThere(ctx context.Context) error {
	where := Scheme + r.ref.Registry + "/" + r.ref.Repository
	if r.ref.Digest != "" {
		return &NotFoundError{What: "digest", Name: r.ref.Digest, In: where}
	}
	return &NotFoundError{What: "tag", Name: r.ref.Tag, In: where, Near: r.nearTags(ctx)}
}

// index leaves errors as they come.
func (r *Repository) index(ctx context.Context) (*Index, error) {
	ctx, done := r.within(ctx, maxIndex)
	defer done()
	// The media type is not asked for, so that what is not ours gives its own.
	desc, text, err := oras.FetchBytes(ctx, r.store, r.ref.name(), oras.FetchBytesOptions{MaxBytes: maxIndex})
	if err != nil {
		return nil, timely(ctx, err)
	}
	var x *Index
	switch desc.MediaType {
	case ocispec.MediaTypeImageIndex:
		x, err = decodeIndex(text)
	case ocispec.MediaTypeImageManifest:
		var e Entry
		e, _, err = decodeManifest(text)
		e.manifest = ocispec.Descriptor{MediaType: desc.MediaType, Digest: desc.Digest, Size: desc.Size}
		x = &Index{Kernels: []Entry{e}}
	case dockerIndex, dockerManifest:
		err = notOurs("", "")
	default:
		err = notOurs(desc.MediaType, "")
	}
	if err != nil {
		return nil, err
	}
	x.Digest = desc.Digest.String()
	return x, nil
}

// Bundle fetches the bundle of a kernel that Index listed. Its bytes are those
// that the index leads to.
func (r *Repository) Bundle(ctx context.Context, e Entry) ([]byte, error) {
	layer, err := r.layer(ctx, e)
	var bundle []byte
	if err == nil {
		bundle, err = r.fetch(ctx, layer, MaxBundle)
	}
	if errors.Is(err, errdef.ErrNotFound) {
		return nil, &NotFoundError{What: "bundle", Name: e.Releases[0], In: r.ref.String() + ", though its index names it: publish it anew"}
	}
	if err != nil {
		return nil, r.explain(ctx, err)
	}
	return bundle, nil
}

// layer reads a kernel's manifest and tells where its bundle is.
func (r *Repository) layer(ctx context.Context, e Entry) (ocispec.Descriptor, error) {
	text, err := r.fetch(ctx, e.manifest, maxManifest)
	if err != nil {
		return ocispec.Descriptor{}, err
	}
	said, layer, err := decodeManifest(text)
	if err == nil && (!said.same(&e) || said.Arch != e.Arch || said.Events != e.Events || said.Size != e.Size) {
		err = fmt.Errorf("%w: the index and the manifest %s say different things of it", ErrDamaged, e.Digest())
	}
	return layer, err
}

// attempts is how often a transfer that breaks off is begun.
const attempts = 3

// fetch gets bytes and holds them to their digest.
func (r *Repository) fetch(ctx context.Context, desc ocispec.Descriptor, most int64) (data []byte, err error) {
	if desc.Size > most {
		return nil, fmt.Errorf("%w: %s has %d bytes, at most %d are read", ErrTooLarge, desc.Digest, desc.Size, most)
	}
	ctx, done := r.within(ctx, desc.Size)
	defer done()
	for range attempts {
		data, err = content.FetchAll(ctx, r.store, desc)
		// Other errors were tried again further down, or will not change.
		if !errors.Is(err, io.ErrUnexpectedEOF) || ctx.Err() != nil {
			break
		}
	}
	return data, timely(ctx, err)
}

// within bounds the time for a transfer, and what comes before it: a connection,
// a token, an answer.
func (r *Repository) within(ctx context.Context, size int64) (context.Context, context.CancelFunc) {
	limit := 3*r.patience + time.Duration(size/slowest)*time.Second
	return context.WithTimeoutCause(ctx, limit, errSlow)
}

// timely names the limit where it ended a transfer.
func timely(ctx context.Context, err error) error {
	if err != nil && errors.Is(context.Cause(ctx), errSlow) {
		return fmt.Errorf("%w (%w)", errSlow, err)
	}
	return err
}

func describe(mediaType string, data []byte) ocispec.Descriptor {
	return ocispec.Descriptor{MediaType: mediaType, Digest: digest.FromBytes(data), Size: int64(len(data))}
}
