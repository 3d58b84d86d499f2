package main

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/cache"
	"github.com/tpinfo/tpinfo/cache/oci"
	"github.com/tpinfo/tpinfo/cmd/tpinfo/cli"
	"github.com/tpinfo/tpinfo/fixtures/registry"
)

// fleetCache writes a cache of small kernels.
func fleetCache(t testing.TB, file string, releases ...string) {
	t.Helper()
	db, err := cache.Open(context.Background(), file)
	if err != nil {
		t.Fatal(err)
	}
	for n, release := range releases {
		_, err := db.Put(context.Background(), &tpinfo.Snapshot{
			Kernel: tpinfo.Kernel{
				ID: fmt.Sprintf("%x", sha256.Sum256([]byte(release)))[:32], Release: release, Arch: "x86", ByteOrder: tpinfo.LittleEndian, WordSize: 8,
				Source: tpinfo.FromDWARF, Compiler: "gcc 12.2.0", Tree: "/usr/src/" + release,
				Extracted: time.Date(2026, 1, 2, 3, 4, n, 0, time.UTC), Problems: []tpinfo.Problem{},
			},
			Events: []tpinfo.Tracepoint{{
				System: "sched", Name: "sched_switch", Class: "sched_switch", Header: "include/trace/events/sched.h", Source: tpinfo.FromDWARF,
				Args:   []tpinfo.Arg{{Name: "preempt", Type: "bool", Offset: 0, Size: 1}},
				Record: &tpinfo.Record{Size: tpinfo.Bytes(64 + 8*n), Fields: []tpinfo.Field{}},
			}},
			Types: []tpinfo.Type{{Kind: tpinfo.KindBase, Name: "bool", Size: 1, Encoding: tpinfo.EncBool}},
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

// keyPair writes NAME.pem and NAME.pub, as openssl does.
func keyPair(t testing.TB, dir, name string) {
	t.Helper()
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	write := func(suffix, kind string, der []byte, err error) {
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name+suffix), pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	write(".pem", "PRIVATE KEY", der, err)
	der, err = x509.MarshalPKIXPublicKey(public)
	write(".pub", "PUBLIC KEY", der, err)
}

// TestRegistry runs the sessions under testdata/registry. Each has fleet.db, a
// cache of three kernels, more.db with another one, two key pairs, and $REGISTRY, a registry without
// passwords; $LOCKED is one with TLS by the authority in $CA, and with
// passwords, which the folder $LOGIN has.
func TestRegistry(t *testing.T) {
	open, locked := registry.Start(t, registry.Options{}), registry.Start(t, registry.Options{TLS: true, Passwords: true})
	testscript.Run(t, testscript.Params{
		Dir:           "testdata/registry",
		UpdateScripts: os.Getenv("UPDATE_SCRIPTS") != "",
		Setup: func(env *testscript.Env) error {
			fleetCache(t, filepath.Join(env.WorkDir, "fleet.db"), "5.10.0-46-amd64", "6.1.0-55-amd64", "6.1.0-56-amd64")
			fleetCache(t, filepath.Join(env.WorkDir, "more.db"), "6.12.9-arm64")
			keyPair(t, env.WorkDir, "key")
			keyPair(t, env.WorkDir, "other")
			env.Setenv("REGISTRY", open.Host)
			env.Setenv("LOCKED", locked.Host)
			env.Setenv("CA", locked.CA)
			env.Setenv("LOGIN", locked.DockerConfig)
			env.Setenv("DOCKER_CONFIG", filepath.Join(env.WorkDir, "docker"))
			env.Setenv("TPINFO_CACHE", filepath.Join(env.WorkDir, "cache.db"))
			env.Setenv("XDG_CONFIG_HOME", filepath.Join(env.WorkDir, "config"))
			return nil
		},
	})
}

// told is what tests look for in what a push or a pull tells of a kernel.
type told struct {
	Kernel, Status, Digest string
	Size                   int64
}

// published are the kernels that a push or a pull tells of, in JSON.
func published(t *testing.T, out string) []told {
	t.Helper()
	var all []told
	for d := json.NewDecoder(strings.NewReader(out)); d.More(); {
		var p told
		if err := d.Decode(&p); err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	return all
}

// What is pulled answers as what was pushed, and gives the same index when it
// is published in turn.
func TestPullEqualsPush(t *testing.T) {
	s := registry.Start(t, registry.Options{})
	t.Setenv("DOCKER_CONFIG", s.DockerConfig)
	dir := t.TempDir()
	from, to := filepath.Join(dir, "from.db"), filepath.Join(dir, "to.db")
	fleetCache(t, from, "5.10.0-46-amd64", "6.1.0-55-amd64", "6.1.0-56-amd64")
	do(t, exitDone, "push", "--cache", from, s.Reference("kernels:stable"))
	do(t, exitDone, "pull", "--cache", to, s.Reference("kernels:stable"))
	// But for how large the file is, and for when and in which folder, of which
	// a bundle says nothing.
	same := cmp.FilterPath(func(p cmp.Path) bool { return p.Last().String() == ".Bytes" || p.Last().String() == ".Extracted" }, cmp.Ignore())
	want := held(t, from)
	for i := range want {
		want[i].Tree = filepath.Base(want[i].Tree)
	}
	if diff := cmp.Diff(want, held(t, to), same); diff != "" {
		t.Error(diff)
	}
	for _, release := range []string{"5.10.0-46-amd64", "6.1.0-56-amd64"} {
		a, _ := do(t, exitDone, "show", "sched_switch", "-f", "json", "-k", release, "--cache", from)
		if b, _ := do(t, exitDone, "show", "sched_switch", "-f", "json", "-k", release, "--cache", to); a != b {
			t.Errorf("%s after %s", b, a)
		}
	}
	first, _ := do(t, exitDone, "push", "--cache", from, s.Reference("kernels:first"))
	second, _ := do(t, exitDone, "push", "--cache", to, s.Reference("kernels:second"))
	if a, b := digestOf(t, first), digestOf(t, second); a != b {
		t.Errorf("published in turn it has digest %s, not %s", b, a)
	}
}

// digestOf is the one that stands at the end of what push says.
func digestOf(t *testing.T, out string) string {
	t.Helper()
	_, digest, ok := strings.Cut(out, "@sha256:")
	if !ok {
		t.Fatalf("no digest in %q", out)
	}
	return strings.TrimSpace(digest)
}

// One bundle that is damaged costs no other.
func TestPullDamaged(t *testing.T) {
	s := registry.Start(t, registry.Options{})
	t.Setenv("DOCKER_CONFIG", s.DockerConfig)
	dir := t.TempDir()
	from, to := filepath.Join(dir, "from.db"), filepath.Join(dir, "to.db")
	fleetCache(t, from, "5.10.0-46-amd64", "6.1.0-55-amd64", "6.1.0-56-amd64")
	place := s.Reference("kernels:stable")
	out, _ := do(t, exitDone, "push", "--cache", from, "-f", "json", place)
	var victim told
	for _, p := range published(t, out) {
		if p.Kernel == "6.1.0-55-amd64" {
			victim = p
		}
	}
	file := s.Blob(layerOf(t, s, victim.Digest))
	data, err := os.ReadFile(file)
	if err != nil || int64(len(data)) != victim.Size {
		t.Fatalf("%d bytes of %d, %v", len(data), victim.Size, err)
	}
	data[len(data)/2] ^= 1
	if err := os.WriteFile(file, data, 0o644); err != nil {
		t.Fatal(err)
	}
	out, errs := do(t, exitFailed, "pull", "--cache", to, "-f", "json", place)
	status := map[string]string{}
	for _, p := range published(t, out) {
		status[p.Kernel] = p.Status
	}
	if want := map[string]string{"5.10.0-46-amd64": "new", "6.1.0-55-amd64": "failed", "6.1.0-56-amd64": "new"}; !cmp.Equal(status, want) {
		t.Errorf("%v, want %v", status, want)
	}
	if !strings.HasPrefix(errs, "tpinfo: 6.1.0-55-amd64: damaged: the registry sent other bytes than the digest says") ||
		!strings.HasSuffix(errs, "\ntpinfo: 1 of 3 kernels failed; the others are in the cache\n") {
		t.Errorf("%q", errs)
	}
	if k := held(t, to); len(k) != 2 || k[0].Release != "6.1.0-56-amd64" || k[1].Release != "5.10.0-46-amd64" {
		t.Errorf("%+v", k)
	}
}

// layerOf is the digest of the bundle that a manifest in a registry's storage
// leads to.
func layerOf(t *testing.T, s *registry.Server, manifest string) string {
	t.Helper()
	text, err := os.ReadFile(s.Blob(manifest))
	if err != nil {
		t.Fatal(err)
	}
	var m struct {
		Layers []struct{ MediaType, Digest string }
	}
	if err := json.Unmarshal(text, &m); err != nil || len(m.Layers) != 1 || m.Layers[0].MediaType != oci.BundleType {
		t.Fatalf("%s, %v", text, err)
	}
	return m.Layers[0].Digest
}

// A registry whose bundles are not what its index says: each is refused with
// its reason, and nothing of it comes in.
func TestPullMislabelled(t *testing.T) {
	s := registry.Start(t, registry.Options{})
	t.Setenv("DOCKER_CONFIG", s.DockerConfig)
	dir := t.TempDir()
	from, to := filepath.Join(dir, "from.db"), filepath.Join(dir, "to.db")
	fleetCache(t, from, "5.10.0-46-amd64", "6.1.0-55-amd64")
	db, err := cache.Open(t.Context(), from, cache.ReadOnly())
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	all, err := db.Contents(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	victim := all[0] // 6.1.0-55-amd64
	good, other := exported(t, db, victim.ID), exported(t, db, all[1].ID)
	ref, err := oci.ParseReference(s.Reference("kernels:stable"))
	if err != nil {
		t.Fatal(err)
	}
	repo, err := oci.Open(ref, oci.Options{PlainHTTP: true})
	if err != nil {
		t.Fatal(err)
	}
	defer repo.Close()
	for name, c := range map[string]struct {
		bundle []byte
		want   string
	}{
		"another kernel":  {other, "the exported file holds another kernel than it should: 5.10.0-46-amd64 with id "},
		"a newer form":    {bytes.Replace(good, []byte("export 1"), []byte("export 9"), 1), `exported by a newer tpinfo: it has format "9", this one reads 1`},
		"something else":  {[]byte("#!/bin/sh\n"), "not a file that tpinfo exported"},
		"changed inside":  {append(bytes.Clone(good[:len(good)-1]), good[len(good)-1]^1), "the exported file is damaged"},
		"cut short":       {good[:len(good)-10], "the exported file is damaged"},
		"nothing at all":  {nil, "not a file that tpinfo exported"},
		"another content": {good, ""}, // than the index says; still that kernel
	} {
		t.Run(name, func(t *testing.T) {
			content := fmt.Sprintf("%x", sha256.Sum256(c.bundle))
			_, err := repo.Push(t.Context(), []oci.Bundle{{
				Entry:  oci.Entry{ID: victim.ID, Releases: victim.Releases, Arch: victim.Arch, Events: victim.Events, Content: content},
				Export: func(context.Context) ([]byte, error) { return c.bundle, nil },
			}}, oci.PushOptions{Replace: true})
			if err != nil {
				t.Fatal(err)
			}
			want := exitFailed
			if c.want == "" {
				want = exitDone
			}
			file := to + content
			_, errs := do(t, want, "pull", "--cache", file, ref.String())
			if want == exitDone {
				return
			}
			if !strings.HasPrefix(errs, "tpinfo: 6.1.0-55-amd64: "+c.want) || !strings.HasSuffix(errs, "\ntpinfo: 1 kernel failed; the cache is as it was\n") {
				t.Errorf("%q, want %s", errs, c.want)
			}
			if k := held(t, file); len(k) != 0 {
				t.Errorf("%+v came in", k)
			}
		})
	}
}

// ^C in the middle: what was imported is whole, the rest is not there.
func TestPullInterrupted(t *testing.T) {
	s := registry.Start(t, registry.Options{})
	t.Setenv("DOCKER_CONFIG", s.DockerConfig)
	dir := t.TempDir()
	from, to := filepath.Join(dir, "from.db"), filepath.Join(dir, "to.db")
	var releases []string
	for n := range 30 {
		releases = append(releases, fmt.Sprintf("6.%d.0-amd64", n))
	}
	fleetCache(t, from, releases...)
	do(t, exitDone, "push", "--cache", from, s.Reference("kernels:stable"))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var errs bytes.Buffer
	out := &trigger{word: "6.25.0-amd64", do: cancel}
	status := run(ctx, []string{"pull", "--cache", to, s.Reference("kernels:stable")}, cli.Streams{In: strings.NewReader(""), Out: out, Err: &errs})
	if status != exitInterrupted || errs.String() != "tpinfo: interrupted\n" {
		t.Errorf("status %d, %q", status, errs.String())
	}
	k := held(t, to)
	if len(k) < 5 || len(k) > 7 || k[0].Release != "6.29.0-amd64" || k[0].Events != 1 {
		t.Errorf("%d kernels: %+v", len(k), k)
	}
}

// exported is the bundle of one kernel.
func exported(t *testing.T, db *cache.DB, id string) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := db.Export(t.Context(), &out, []string{id}); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}
