package oci

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"

	"oras.land/oras-go/v2/content"
	"oras.land/oras-go/v2/errdef"
	"oras.land/oras-go/v2/registry/remote/auth"
	"oras.land/oras-go/v2/registry/remote/errcode"

	"github.com/tpinfo/tpinfo"
)

// What can be wrong with a registry and what it holds; errors wrap one of these
// and say what to do.
var (
	ErrUnreachable = errors.New("no answer from the registry")
	ErrDenied      = errors.New("the registry refuses")
	ErrNotOurs     = errors.New("not published by tpinfo")
	ErrNewer       = errors.New("published by a newer tpinfo")
	ErrTooLarge    = errors.New("larger than allowed")
	ErrDamaged     = errors.New("damaged")
	ErrContended   = errors.New("other pushes to this tag do not end")
)

// maxNear is how many names an error suggests.
const maxNear = 5

// NotFoundError says that the registry does not have what was asked for.
type NotFoundError struct {
	What string // "tag", "digest", "kernel", "bundle"
	Name string
	In   string // where it was looked for
	// Near are names that were perhaps meant, the nearest first.
	Near []string
}

func (e *NotFoundError) Error() string {
	s := fmt.Sprintf("no %s %q in %s", e.What, e.Name, e.In)
	if len(e.Near) > 0 {
		s += "; did you mean " + strings.Join(e.Near, ", ") + "?"
	}
	return s
}

// Suggestions are the names that were perhaps meant, the nearest first.
func (e *NotFoundError) Suggestions() []string { return e.Near }

// explain turns what oras and net/http say into ours.
func (r *Repository) explain(ctx context.Context, err error) error {
	if err == nil || errors.Is(err, context.Canceled) {
		return err
	}
	if errors.Is(ctx.Err(), context.Canceled) {
		// Half an answer can have arrived before; what is wrong with it is of no interest.
		return fmt.Errorf("%w (%w)", ctx.Err(), err)
	}
	for _, ours := range []error{ErrUnreachable, ErrDenied, ErrNotOurs, ErrNewer, ErrTooLarge, ErrDamaged, ErrContended} {
		if errors.Is(err, ours) {
			return err
		}
	}
	host := r.ref.Registry
	var answer *errcode.ErrorResponse
	switch {
	case errors.As(err, &answer):
		return explainStatus(host, answer)
	case errors.Is(err, auth.ErrBasicCredentialNotFound):
		return fmt.Errorf("%w: %s wants a user name and password, and %s has none for it; %s", ErrDenied, host, r.credentialFile, login(host))
	case errors.Is(err, content.ErrMismatchedDigest), errors.Is(err, content.ErrTrailingData),
		// What oras says of headers, which has no value of its own.
		strings.Contains(err.Error(), "mismatch Content-Length"), strings.Contains(err.Error(), "digest mismatch"):
		return fmt.Errorf("%w: the registry sent other bytes than the digest says (%w); when that does not pass, its storage or a proxy on the way is at fault: have it deleted there and push it again", ErrDamaged, err)
	case errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("%w: %s broke off (%w); try again", ErrUnreachable, host, err)
	case strings.Contains(err.Error(), "invalid response `Content-Type`"), strings.Contains(err.Error(), "invalid response Content-Type"):
		return fmt.Errorf("%w: %s does not say of what type its answer is; is it an OCI registry?", ErrNotOurs, host)
	case errors.Is(err, errdef.ErrSizeExceedsLimit):
		return fmt.Errorf("%w: %w", ErrTooLarge, err)
	}
	return explainNetwork(ctx, host, err)
}

// explainStatus is for answers that say no.
func explainStatus(host string, answer *errcode.ErrorResponse) error {
	if answer.StatusCode == http.StatusBadRequest && answer.URL.Scheme == "http" && len(answer.Errors) == 0 {
		// What servers with TLS say to HTTP, in text that oras does not keep.
		return fmt.Errorf("%w: %s takes no HTTP without TLS; leave --plain-http out, or give --plain-http=false for a registry on this machine", ErrDenied, host)
	}
	said := http.StatusText(answer.StatusCode)
	if len(answer.Errors) > 0 {
		said = answer.Errors[0].Message
		if said == "" {
			said = answer.Errors[0].Code
		}
	}
	said = fmt.Sprintf("%d, %.200q", answer.StatusCode, said)
	switch answer.StatusCode {
	case http.StatusUnauthorized:
		return fmt.Errorf("%w: %s takes neither user name nor password (%s); %s", ErrDenied, host, said, login(host))
	case http.StatusForbidden:
		return fmt.Errorf("%w: this user may not do that on %s (%s); ask for the right, or %s", ErrDenied, host, said, login(host))
	case http.StatusTooManyRequests:
		return fmt.Errorf("%w: %s has had too many requests (%s); wait and try again", ErrDenied, host, said)
	}
	if answer.StatusCode >= http.StatusInternalServerError {
		return fmt.Errorf("%w: %s is out of order (%s); try again later", ErrUnreachable, host, said)
	}
	return fmt.Errorf("%w: %s says %s; is it an OCI registry?", ErrDenied, host, said)
}

func login(host string) string {
	return fmt.Sprintf("log in with 'docker login %[1]s' or 'skopeo login --authfile ~/.docker/config.json %[1]s'", host)
}

// explainNetwork is for registries that cannot be talked to.
func explainNetwork(ctx context.Context, host string, err error) error {
	var dns *net.DNSError
	var authority x509.UnknownAuthorityError
	var name x509.HostnameError
	var invalid x509.CertificateInvalidError
	var verification *tls.CertificateVerificationError
	var timeout net.Error
	short := err
	var requested *url.Error
	if errors.As(err, &requested) {
		short = requested.Err
	}
	next := "check its name and port"
	switch {
	case strings.Contains(err.Error(), "server gave HTTP response to HTTPS client"):
		next = "it speaks HTTP without TLS: --plain-http when you trust the way to it"
	case errors.As(err, &authority), errors.As(err, &name), errors.As(err, &invalid), errors.As(err, &verification):
		next = "when its certificate is by an authority of your own, name that one's file in SSL_CERT_FILE"
	case errors.As(err, &dns):
		next = "check the name"
	case errors.Is(err, errSlow), errors.As(err, &timeout) && timeout.Timeout() && ctx.Err() == nil:
		next = "check that it is up and that no firewall is between, or try again"
	case requested == nil:
		return err // no request that failed
	}
	return fmt.Errorf("%w %s: %w; %s", ErrUnreachable, host, short, next)
}

// nearTags are tags of the repository that were perhaps meant; none when the
// registry does not list them.
func (r *Repository) nearTags(ctx context.Context) []string {
	tags, err := r.Tags(ctx)
	if err != nil {
		return nil
	}
	return tpinfo.Near(r.ref.Tag, tags, maxNear, true)
}
