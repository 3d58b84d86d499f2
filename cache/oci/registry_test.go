package oci

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/tpinfo/tpinfo/fixtures/registry"
	"github.com/tpinfo/tpinfo/fixtures/tier"
)

// at opens a place of a registry, without TLS.
func at(t *testing.T, host, place string) *Repository {
	t.Helper()
	ref, err := ParseReference(Scheme + host + "/" + place)
	if err != nil {
		t.Fatal(err)
	}
	r, err := Open(ref, Options{PlainHTTP: true, UserAgent: "tpinfo-test", Patience: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	return r
}

// blobs are the files of all that a registry holds.
func blobs(t *testing.T, s *registry.Server) []string {
	t.Helper()
	var found []string
	err := filepath.WalkDir(filepath.Join(s.Storage, "docker/registry/v2/blobs"), func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			found = append(found, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestRegistry(t *testing.T) {
	s := registry.Start(t, registry.Options{})
	t.Setenv("DOCKER_CONFIG", s.DockerConfig)
	r := at(t, s.Host, "team/kernels:stable")
	if _, err := r.Index(t.Context()); err == nil || err.Error() != `no tag "stable" in oci://`+s.Host+`/team/kernels` {
		t.Errorf("an empty registry: %v", err)
	}
	a, b := bundle("6.1.0-56-amd64", 1), bundle("5.10.0-46-amd64", 1)
	first, became := publish(t, r, PushOptions{}, a, b)
	if want := map[string]Status{"6.1.0-56-amd64": New, "5.10.0-46-amd64": New}; !cmp.Equal(became, want) {
		t.Errorf("%v, want %v", became, want)
	}
	x, err := r.Index(t.Context())
	if err != nil || x.Digest != first.Digest || !cmp.Equal(releases(x), []string{"5.10.0-46-amd64", "6.1.0-56-amd64"}) {
		t.Fatalf("%+v, %v", x, err)
	}
	if got, err := r.Bundle(t.Context(), x.Kernels[1]); err != nil || !bytes.Equal(got, data(t, a)) {
		t.Errorf("%q, %v", got, err)
	}

	before := blobs(t, s)
	again, _ := publish(t, r, PushOptions{}, a, b)
	if after := blobs(t, s); again.Digest != first.Digest || !cmp.Equal(before, after) {
		t.Errorf("a second push: %s after %s; %s", again.Digest, first.Digest, cmp.Diff(before, after))
	}
	// Another tag of the repository shares the bundles: the same index, in fact.
	if other, _ := publish(t, at(t, s.Host, "team/kernels:other"), PushOptions{}, b, a); other.Digest != first.Digest || !cmp.Equal(before, blobs(t, s)) {
		t.Errorf("another tag: %s, %s", other.Digest, cmp.Diff(before, blobs(t, s)))
	}
	if one, err := at(t, s.Host, "team/kernels@"+x.Kernels[0].Digest()).Index(t.Context()); err != nil || !cmp.Equal(releases(one), []string{"5.10.0-46-amd64"}) {
		t.Errorf("%+v, %v", one, err)
	}
	_, err = at(t, s.Host, "team/kernels:stabel").Index(t.Context())
	if want := `no tag "stabel" in oci://` + s.Host + `/team/kernels; did you mean stable, other?`; err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}

	// Eight pushes to one tag at once.
	var all sync.WaitGroup
	for n := range 8 {
		r := at(t, s.Host, "team/kernels:stable")
		all.Go(func() {
			if _, err := r.Push(t.Context(), []Bundle{bundle(fmt.Sprintf("6.%d.0-amd64", n+20), 1)}, PushOptions{}); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if x, err := r.Index(t.Context()); err != nil || len(x.Kernels) != 10 {
		t.Errorf("after eight pushes at once: %v, %v", releases(x), err)
	}
}

// What happens to the registry's storage is noticed.
func TestRegistryDamaged(t *testing.T) {
	s := registry.Start(t, registry.Options{})
	t.Setenv("DOCKER_CONFIG", s.DockerConfig)
	r := at(t, s.Host, "kernels:stable")
	a, b := bundle("6.1.0-56-amd64", 1), bundle("5.10.0-46-amd64", 1)
	x, _ := publish(t, r, PushOptions{}, a, b)
	file := s.Blob(describe(BundleType, data(t, a)).Digest.String())
	damaged := data(t, a)
	damaged = append([]byte("X"), damaged[1:]...)
	if err := os.WriteFile(file, damaged, 0o644); err != nil {
		t.Fatal(err)
	}
	if got, err := r.Bundle(t.Context(), x.Kernels[1]); !errors.Is(err, ErrDamaged) || got != nil {
		t.Errorf("%q, %v; want %v", got, err, ErrDamaged)
	}
	if got, err := r.Bundle(t.Context(), x.Kernels[0]); err != nil || !bytes.Equal(got, data(t, b)) {
		t.Errorf("the other one: %q, %v", got, err)
	}
	// One that is cut short, and one that is gone; the latter a push brings back.
	if err := os.WriteFile(file, damaged[:10], 0o644); err != nil {
		t.Fatal(err)
	}
	if got, err := r.Bundle(t.Context(), x.Kernels[1]); !errors.Is(err, ErrDamaged) || got != nil {
		t.Errorf("cut short: %q, %v; want %v", got, err, ErrDamaged)
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	var missing *NotFoundError
	if _, err := r.Bundle(t.Context(), x.Kernels[1]); !errors.As(err, &missing) || missing.What != "bundle" {
		t.Errorf("gone: %v", err)
	}
	again, became := publish(t, r, PushOptions{}, a, b)
	if again.Digest != x.Digest || became["6.1.0-56-amd64"] != Changed || became["5.10.0-46-amd64"] != Unchanged {
		t.Errorf("%s after %s, %v", again.Digest, x.Digest, became)
	}
	if got, err := r.Bundle(t.Context(), x.Kernels[1]); err != nil || !bytes.Equal(got, data(t, a)) {
		t.Errorf("%q, %v", got, err)
	}
	// A damaged index is not trusted either.
	index := s.Blob(x.Digest)
	text, err := os.ReadFile(index)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(index, bytes.Replace(text, []byte("6.1.0-56"), []byte("6.1.0-66"), 1), 0o644); err != nil {
		t.Fatal(err)
	}
	if x, err := r.Index(t.Context()); !errors.Is(err, ErrDamaged) || x != nil {
		t.Errorf("a damaged index: %v, want %v", err, ErrDamaged)
	}
}

func TestRegistryPasswords(t *testing.T) {
	s := registry.Start(t, registry.Options{Passwords: true})
	r := func() *Repository { return at(t, s.Host, "kernels:stable") }
	a := bundle("6.1.0-56-amd64", 1)
	t.Setenv("DOCKER_CONFIG", t.TempDir())
	config := filepath.Join(os.Getenv("DOCKER_CONFIG"), "config.json")
	log := "log in with 'docker login " + s.Host + "' or 'skopeo login --authfile ~/.docker/config.json " + s.Host + "'"
	if _, err := r().Push(t.Context(), []Bundle{a}, PushOptions{}); !errors.Is(err, ErrDenied) || !strings.HasSuffix(err.Error(),
		s.Host+" wants a user name and password, and "+config+" has none for it; "+log) {
		t.Errorf("no password: %v", err)
	}
	if err := os.WriteFile(config, fmt.Appendf(nil, `{"auths":{"%s":{"auth":"ZmxlZXQ6d3Jvbmc="}}}`, s.Host), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := r().Index(t.Context()); !errors.Is(err, ErrDenied) || !strings.Contains(err.Error(), "takes neither user name nor password (401, ") || !strings.HasSuffix(err.Error(), log) {
		t.Errorf("a wrong password: %v", err)
	}
	if err := os.WriteFile(config, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(Reference{Registry: s.Host, Repository: "a", Tag: "b"}, Options{}); err == nil || !strings.Contains(err.Error(), "docker's configuration: ") || !strings.Contains(err.Error(), config) {
		t.Errorf("a broken file: %v", err)
	}
	t.Setenv("DOCKER_CONFIG", s.DockerConfig)
	x, _ := publish(t, r(), PushOptions{}, a)
	if got, err := r().Bundle(t.Context(), x.Kernels[0]); err != nil || !bytes.Equal(got, data(t, a)) {
		t.Errorf("%q, %v", got, err)
	}
}

func TestRegistryReadOnly(t *testing.T) {
	s := registry.Start(t, registry.Options{ReadOnly: true})
	t.Setenv("DOCKER_CONFIG", s.DockerConfig)
	_, err := at(t, s.Host, "kernels:stable").Push(t.Context(), []Bundle{bundle("6.1", 1)}, PushOptions{})
	if !errors.Is(err, ErrDenied) || !strings.Contains(err.Error(), s.Host+` says 405, `) {
		t.Errorf("%v, want %v", err, ErrDenied)
	}
}

// TLS: an authority that is not known, and HTTP spoken to each other's ports.
func TestRegistryTLS(t *testing.T) {
	s, plain := registry.Start(t, registry.Options{TLS: true}), registry.Start(t, registry.Options{})
	t.Setenv("DOCKER_CONFIG", s.DockerConfig)
	ask := func(host string, withTLS bool) error {
		t.Helper()
		r, err := Open(Reference{Registry: host, Repository: "kernels", Tag: "stable"}, Options{PlainHTTP: !withTLS})
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		_, err = r.Index(t.Context())
		return err
	}
	if err := ask(s.Host, true); !errors.Is(err, ErrUnreachable) || !strings.HasSuffix(err.Error(), "certificate signed by unknown authority; when its certificate is by an authority of your own, name that one's file in SSL_CERT_FILE") {
		t.Errorf("%v", err)
	}
	if err := ask(plain.Host, true); !errors.Is(err, ErrUnreachable) || !strings.HasSuffix(err.Error(), "it speaks HTTP without TLS: --plain-http when you trust the way to it") {
		t.Errorf("%v", err)
	}
	if err := ask(s.Host, false); !errors.Is(err, ErrDenied) || !strings.HasSuffix(err.Error(), s.Host+" takes no HTTP without TLS; leave --plain-http out, or give --plain-http=false for a registry on this machine") {
		t.Errorf("%v", err)
	}
}

// Registries that do not answer as they should.
func TestRegistryUnreachable(t *testing.T) {
	t.Setenv("DOCKER_CONFIG", t.TempDir())
	over := make(chan struct{})
	t.Cleanup(func() { close(over) })
	say := func(status int, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			fmt.Fprint(w, body)
		}
	}
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := closed.Close(); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		host   string // empty: one that answers
		answer http.HandlerFunc
		is     error
		want   string // HOST stands for the host
	}{
		"refused":     {closed.Addr().String(), nil, ErrUnreachable, "connection refused; check its name and port"},
		"no name":     {"registry.invalid", nil, ErrUnreachable, "check the name"},
		"web":         {"", say(200, "<html>Welcome!</html>"), ErrNotOurs, `it is of type "text/html"`},
		"web, empty":  {"", say(200, ""), ErrNotOurs, "does not say of what type its answer is; is it an OCI registry?"},
		"web, no":     {"", say(418, "<html>Teapot</html>"), ErrDenied, "is it an OCI registry?"},
		"forbidden":   {"", say(403, `{"errors":[{"code":"DENIED","message":"not your team's"}]}`), ErrDenied, `this user may not do that on HOST (403, "not your team's"); ask for the right, or log in`},
		"escape":      {"", say(403, `{"errors":[{"code":"DENIED","message":"\u001b[2J"}]}`), ErrDenied, `(403, "\x1b[2J")`},
		"overrun":     {"", say(429, ``), ErrDenied, "has had too many requests"},
		"broken down": {"", say(503, ``), ErrUnreachable, "is out of order (503, \"Service Unavailable\"); try again later"},
		"silent": {"", func(_ http.ResponseWriter, req *http.Request) {
			select {
			case <-req.Context().Done():
			case <-over:
			}
		}, ErrUnreachable, "check that it is up and that no firewall is between, or try again"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			host := c.host
			if host == "" {
				web := httptest.NewServer(c.answer)
				defer web.Close()
				host = strings.TrimPrefix(web.URL, "http://")
			}
			start := time.Now()
			_, err := at(t, host, "kernels:stable").Index(t.Context())
			if !errors.Is(err, c.is) || !strings.Contains(err.Error(), strings.ReplaceAll(c.want, "HOST", host)) {
				t.Errorf("%v, want %v: %s", err, c.is, c.want)
			}
			if took := time.Since(start); took > 10*time.Second {
				t.Errorf("it took %v", took)
			}
		})
	}
}

func TestRegistryInterrupted(t *testing.T) {
	t.Setenv("DOCKER_CONFIG", t.TempDir())
	for name, after := range map[string]func(*http.Request){
		"before the answer": func(req *http.Request) { <-req.Context().Done() },
		"as it answers":     func(*http.Request) {},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			web := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) {
				cancel()
				after(req)
			}))
			defer web.Close()
			if _, err := at(t, strings.TrimPrefix(web.URL, "http://"), "kernels:stable").Index(ctx); !errors.Is(err, context.Canceled) {
				t.Errorf("a request that was interrupted: %v", err)
			}
		})
	}
}

// A transfer that goes on too slowly is given up.
func TestRegistrySlow(t *testing.T) {
	t.Setenv("DOCKER_CONFIG", t.TempDir())
	over := make(chan struct{})
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", ocispec.MediaTypeImageManifest)
		w.Header().Set("Content-Length", "1000")
		fmt.Fprint(w, "{")
		http.NewResponseController(w).Flush() //nolint:errcheck // the client sees it, or not
		<-over
	}))
	defer web.Close()
	defer close(over)
	r := at(t, strings.TrimPrefix(web.URL, "http://"), "kernels:stable")
	r.patience = 100 * time.Millisecond
	_, err := r.Bundle(t.Context(), Entry{Releases: []string{"6.1"}, manifest: ocispec.Descriptor{MediaType: ocispec.MediaTypeImageManifest, Digest: someDigest, Size: 1000}})
	if !errors.Is(err, ErrUnreachable) || !strings.Contains(err.Error(), "the transfer takes too long") {
		t.Errorf("%v, want %v", err, ErrUnreachable)
	}
}

// A connection that breaks in the middle is made again.
func TestRegistryBreaksOff(t *testing.T) {
	s := registry.Start(t, registry.Options{})
	t.Setenv("DOCKER_CONFIG", s.DockerConfig)
	big := bundle("6.1.0-56-amd64", 1)
	text := bytes.Repeat(data(t, big), 100_000)
	big.Export = func(context.Context) ([]byte, error) { return text, nil }
	x, _ := publish(t, at(t, s.Host, "kernels:stable"), PushOptions{}, big)

	target, err := url.Parse("http://" + s.Host)
	if err != nil {
		t.Fatal(err)
	}
	var breaks atomic.Int32
	proxy := httputil.NewSingleHostReverseProxy(target)
	proxy.ErrorLog = nil
	breaking := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if strings.Contains(req.URL.Path, "/blobs/sha256:") && breaks.Add(-1) >= 0 {
			w.Header().Set("Content-Length", fmt.Sprint(len(text)))
			w.Write(text[:100_000]) //nolint:errcheck // it is to break off
			panic(http.ErrAbortHandler)
		}
		proxy.ServeHTTP(w, req)
	}))
	defer breaking.Close()
	r := at(t, strings.TrimPrefix(breaking.URL, "http://"), "kernels:stable")
	breaks.Store(2)
	if got, err := r.Bundle(t.Context(), x.Kernels[0]); err != nil || !bytes.Equal(got, text) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	breaks.Store(100)
	if _, err := r.Bundle(t.Context(), x.Kernels[0]); !errors.Is(err, ErrUnreachable) || !strings.Contains(err.Error(), "broke off") {
		t.Errorf("%v, want %v", err, ErrUnreachable)
	}
}

// skopeo, which knows nothing of tpinfo, reads what is published and copies it;
// the copy is as good.
func TestSkopeo(t *testing.T) {
	s := registry.Start(t, registry.Options{})
	tier.NeedTool(t, "skopeo", "skopeo")
	t.Setenv("DOCKER_CONFIG", s.DockerConfig)
	r := at(t, s.Host, "kernels:stable")
	a, b := bundle("6.1.0-56-amd64", 1), bundle("5.10.0-46-amd64", 1)
	x, _ := publish(t, r, PushOptions{}, a, b)
	skopeo := func(args ...string) []byte {
		t.Helper()
		var errs bytes.Buffer
		cmd := exec.Command("skopeo", append([]string{"--insecure-policy"}, args...)...)
		cmd.Stderr = &errs
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("skopeo %v: %v\n%s", args, err, errs.String())
		}
		return out
	}
	var index struct {
		Manifests []struct{ Digest string }
	}
	if err := json.Unmarshal(skopeo("inspect", "--raw", "--tls-verify=false", "docker://"+s.Host+"/kernels:stable"), &index); err != nil {
		t.Fatal(err)
	}
	if len(index.Manifests) != 2 || index.Manifests[0].Digest != x.Kernels[0].Digest() {
		t.Errorf("skopeo reads %+v", index)
	}
	skopeo("copy", "--all", "--preserve-digests", "--src-tls-verify=false", "--dest-tls-verify=false",
		"docker://"+s.Host+"/kernels:stable", "docker://"+s.Host+"/mirror/kernels:stable")
	copied, err := at(t, s.Host, "mirror/kernels:stable").Index(t.Context())
	if err != nil || copied.Digest != x.Digest {
		t.Fatalf("%+v, %v; want %s", copied, err, x.Digest)
	}
	if got, err := at(t, s.Host, "mirror/kernels:stable").Bundle(t.Context(), copied.Kernels[1]); err != nil || !bytes.Equal(got, data(t, a)) {
		t.Errorf("%q, %v", got, err)
	}
}
