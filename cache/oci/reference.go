package oci

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"

	"oras.land/oras-go/v2/registry"
)

// Scheme begins every reference.
const Scheme = "oci://"

// ErrReference is a reference that cannot be understood; errors wrap it and say
// what is wrong with it.
var ErrReference = errors.New("not a place in an OCI registry")

// Reference says where in a registry something is. At least one of Tag and
// Digest is there; with both, Digest decides.
type Reference struct {
	// Registry is HOST or HOST:PORT.
	Registry   string
	Repository string // "kernels", "team/kernels"
	Tag        string
	Digest     string // "sha256:…", of an index or of one kernel's manifest
}

// ParseReference reads "oci://HOST[:PORT]/REPOSITORY[:TAG][@DIGEST]".
func ParseReference(text string) (Reference, error) {
	bad := func(why string) (Reference, error) {
		return Reference{}, fmt.Errorf("%q is %w: %s", text, ErrReference, why)
	}
	rest, ok := strings.CutPrefix(text, Scheme)
	if !ok {
		return bad("it begins with oci://, as in oci://registry.example.com/team/kernels:stable")
	}
	host, path, ok := strings.Cut(rest, "/")
	if !ok || host == "" || path == "" {
		return bad("it needs a registry and a repository: oci://HOST[:PORT]/REPOSITORY:TAG")
	}
	r := Reference{Registry: host}
	path, r.Digest, ok = strings.Cut(path, "@")
	if ok {
		if err := (registry.Reference{Reference: r.Digest}).ValidateReferenceAsDigest(); err != nil {
			return bad("after the @ comes a digest: sha256: and 64 hexadecimal digits")
		}
	}
	r.Repository, r.Tag, ok = strings.Cut(path, ":")
	if ok {
		if err := (registry.Reference{Reference: r.Tag}).ValidateReferenceAsTag(); err != nil {
			return bad("a tag is up to 128 letters, digits, dots, dashes and underscores")
		}
	}
	if err := (registry.Reference{Registry: r.Registry}).ValidateRegistry(); err != nil {
		return bad("the registry is a host name or address, with a port where it needs one")
	}
	if err := (registry.Reference{Repository: r.Repository}).ValidateRepository(); err != nil {
		return bad("a repository is words of lower-case letters and digits, with slashes, dots, dashes and underscores between them")
	}
	if r.Tag == "" && r.Digest == "" {
		return bad("it has no tag: add one, as in " + text + ":stable")
	}
	return r, nil
}

// String is the reference as ParseReference reads it.
func (r Reference) String() string {
	s := Scheme + r.Registry + "/" + r.Repository
	if r.Tag != "" {
		s += ":" + r.Tag
	}
	if r.Digest != "" {
		s += "@" + r.Digest
	}
	return s
}

// name is what the registry is asked for.
func (r Reference) name() string {
	if r.Digest != "" {
		return r.Digest
	}
	return r.Tag
}

// Loopback reports whether the registry is on this machine, by its name alone.
func (r Reference) Loopback() bool {
	host := r.Registry
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	addr, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return host == "localhost" || err == nil && addr.IsLoopback()
}
