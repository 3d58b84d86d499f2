package oci

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2"
	"oras.land/oras-go/v2/content"
)

var update = flag.Bool("update", false, "write the golden files anew")

func TestPush(t *testing.T) {
	s := newMemoryStore()
	r := s.open(t, "kernels:stable")
	a, b, c := bundle("6.1.0-56-amd64", 1), bundle("5.10.0-46-amd64", 1), bundle("6.12.1-amd64", 1)
	first, became := publish(t, r, PushOptions{}, a, b)
	if want := map[string]Status{"6.1.0-56-amd64": New, "5.10.0-46-amd64": New}; !cmp.Equal(became, want) {
		t.Errorf("%v, want %v", became, want)
	}
	x, err := r.Index(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if x.Digest != first.Digest || !cmp.Equal(releases(x), []string{"5.10.0-46-amd64", "6.1.0-56-amd64"}) {
		t.Errorf("%s %v, pushed %s", x.Digest, releases(x), first.Digest)
	}
	for i, b := range []Bundle{b, a} {
		got, err := r.Bundle(t.Context(), x.Kernels[i])
		if err != nil {
			t.Fatal(err)
		}
		if want := data(t, b); string(got) != string(want) || x.Kernels[i].Size != int64(len(want)) {
			t.Errorf("%d bytes %q, want %q", x.Kernels[i].Size, got, want)
		}
		if e := x.Kernels[i]; e.ID != b.ID || e.Content != b.Content || e.Arch != "x86" || e.Events != 41 || e.Signer != "" {
			t.Errorf("%+v, want %+v", e, b.Entry)
		}
	}

	// What is there is neither exported nor sent again, and the tag stays.
	puts, tags := len(s.pushed), s.tagged
	a.Export = func(context.Context) ([]byte, error) { return nil, errors.New("exported without need") }
	again, became := publish(t, r, PushOptions{}, a)
	if again.Digest != first.Digest || len(s.pushed) != puts || s.tagged != tags || became[a.Releases[0]] != Unchanged {
		t.Errorf("again: %s after %s, %d puts, %d tags, %v", again.Digest, first.Digest, len(s.pushed)-puts, s.tagged-tags, became)
	}

	// Another kernel joins them; a new edition takes the place of an old one.
	b = bundle("5.10.0-46-amd64", 2)
	merged, became := publish(t, r, PushOptions{}, b, c)
	if want := map[string]Status{"5.10.0-46-amd64": Changed, "6.12.1-amd64": New}; !cmp.Equal(became, want) {
		t.Errorf("%v, want %v", became, want)
	}
	if want := []string{"5.10.0-46-amd64", "6.1.0-56-amd64", "6.12.1-amd64"}; !cmp.Equal(releases(merged), want) {
		t.Errorf("%v, want %v", releases(merged), want)
	}
	if got, err := r.Bundle(t.Context(), merged.Kernels[0]); err != nil || string(got) != string(data(t, b)) {
		t.Errorf("%q, %v", got, err)
	}
	// What was there before is still to be had by its digest.
	if old, err := s.open(t, "kernels@"+first.Digest).Index(t.Context()); err != nil || len(old.Kernels) != 2 || old.Digest != first.Digest {
		t.Errorf("%+v, %v", old, err)
	}
	// So is one kernel by that of its manifest.
	one, err := s.open(t, "kernels:stable@"+merged.Kernels[2].Digest()).Index(t.Context())
	if err != nil || !cmp.Equal(releases(one), []string{"6.12.1-amd64"}) {
		t.Fatalf("%+v, %v", one, err)
	}
	if got, err := r.Bundle(t.Context(), one.Kernels[0]); err != nil || string(got) != string(data(t, c)) {
		t.Errorf("%q, %v", got, err)
	}

	replaced, _ := publish(t, r, PushOptions{Replace: true}, c)
	if want := []string{"6.12.1-amd64"}; !cmp.Equal(releases(replaced), want) {
		t.Errorf("%v, want %v", releases(replaced), want)
	}
	if _, err := s.open(t, "kernels@"+first.Digest).Push(t.Context(), []Bundle{c}, PushOptions{}); !errors.Is(err, ErrReference) {
		t.Errorf("a push to a digest: %v", err)
	}
}

// The order of pushes and kernels makes no difference to what is there.
func TestPushOrder(t *testing.T) {
	a, b := bundle("6.1.0-56-amd64", 1), bundle("5.10.0-46-amd64", 1)
	digests := map[string]bool{}
	for _, order := range [][][]Bundle{{{a, b}}, {{b, a}}, {{a}, {b}}, {{b}, {a}, {b}}} {
		r := newMemoryStore().open(t, "kernels:stable")
		for _, bundles := range order {
			publish(t, r, PushOptions{}, bundles...)
		}
		x, err := r.Index(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		digests[x.Digest] = true
	}
	if len(digests) != 1 {
		t.Errorf("%v, want one", digests)
	}
}

// The form of what is published, which other programs and later versions read.
func TestForm(t *testing.T) {
	s := newMemoryStore()
	r := s.open(t, "kernels:stable")
	b := bundle("6.1.0-56-amd64", 1)
	b.Releases = append(b.Releases, "6.1.0-56-amd64-again")
	b.Signer = "ed25519:c29tZWJvZHk="
	x, _ := publish(t, r, PushOptions{}, b)
	for name, digest := range map[string]string{"index.json": x.Digest, "manifest.json": x.Kernels[0].Digest()} {
		_, text, err := oras.FetchBytes(t.Context(), s, digest, oras.FetchBytesOptions{})
		if name == "index.json" {
			_, text, err = oras.FetchBytes(t.Context(), s, "stable", oras.FetchBytesOptions{})
		} else if err != nil {
			text, err = content.FetchAll(t.Context(), s, x.Kernels[0].manifest)
		}
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join("testdata", name)
		if *update {
			if err := os.WriteFile(file, append(text, '\n'), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), string(text)+"\n"); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// A push that fails leaves the tag as it was.
func TestPushFails(t *testing.T) {
	s := newMemoryStore()
	r := s.open(t, "kernels:stable")
	a := bundle("6.1.0-56-amd64", 1)
	before, _ := publish(t, r, PushOptions{}, a)
	bad := bundle("6.12.1-amd64", 1)
	bad.Export = func(context.Context) ([]byte, error) { return nil, errors.New("the cache is damaged") }
	large := bundle("6.13.1-amd64", 1)
	large.Export = func(context.Context) ([]byte, error) { return make([]byte, MaxBundle+1), nil }
	nameless := bundle("x", 1)
	nameless.Releases = nil
	for _, c := range []struct {
		add  Bundle
		want string
	}{
		{bad, "oci://registry.example/kernels:stable: 6.12.1-amd64: the cache is damaged"},
		{large, "oci://registry.example/kernels:stable: 6.13.1-amd64: larger than allowed: its bundle has 67108865 bytes, at most 67108864 are published"},
		{nameless, "oci://registry.example/kernels:stable: kernel " + nameless.ID[:12] + " cannot be published: it names no release"},
	} {
		_, err := r.Push(t.Context(), []Bundle{bundle("5.10.0-46-amd64", 1), c.add}, PushOptions{})
		if err == nil || err.Error() != c.want {
			t.Errorf("%v, want %s", err, c.want)
		}
		if x, err := r.Index(t.Context()); err != nil || x.Digest != before.Digest {
			t.Errorf("the tag changed: %v, %v", x, err)
		}
	}
}

// A registry that lost something gets it again; what it damaged it would keep.
func TestPushRepairs(t *testing.T) {
	s := newMemoryStore()
	r := s.open(t, "kernels:stable")
	b := bundle("6.1.0-56-amd64", 1)
	x, _ := publish(t, r, PushOptions{}, b)
	layer := describe(BundleType, data(t, b))
	for _, lost := range []digest.Digest{layer.Digest, x.Kernels[0].manifest.Digest} {
		s.lost = map[digest.Digest]bool{lost: true}
		again, became := publish(t, r, PushOptions{}, b)
		if again.Digest != x.Digest || became[b.Releases[0]] != Changed || s.lost[lost] {
			t.Errorf("%s after %s, %v; it lacks %v", again.Digest, x.Digest, became, s.lost)
		}
	}
	s.mangle = func(_ ocispec.Descriptor, text []byte) []byte { text[10] ^= 1; return text }
	if _, err := r.Push(t.Context(), []Bundle{b}, PushOptions{}); !errors.Is(err, ErrDamaged) {
		t.Errorf("%v, want %v", err, ErrDamaged)
	}
}

// Something else at the tag is left alone; what a newer program put into the
// index stays in it.
func TestPushBesideOthers(t *testing.T) {
	s := newMemoryStore()
	image, err := oras.PackManifest(t.Context(), s, oras.PackManifestVersion1_1, "application/vnd.example.sbom", oras.PackManifestOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Store.Tag(t.Context(), image, "image"); err != nil {
		t.Fatal(err)
	}
	for _, replace := range []bool{false, true} {
		_, err = s.open(t, "kernels:image").Push(t.Context(), []Bundle{bundle("6.1", 1)}, PushOptions{Replace: replace})
		if want := `oci://registry.example/kernels:image: not published by tpinfo: it is of type "application/vnd.example.sbom", and stays as it is; choose another tag`; err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
	newer := fmt.Sprintf(`{"schemaVersion":2,"mediaType":%q,"annotations":{%q:"1"},"manifests":[{"mediaType":%q,"annotations":{%[2]q:"2"},"digest":%[4]q,"size":%d}]}`,
		ocispec.MediaTypeImageIndex, annotationForm, image.MediaType, image.Digest, image.Size)
	if _, err := oras.TagBytes(t.Context(), s, ocispec.MediaTypeImageIndex, []byte(newer), "newer"); err != nil {
		t.Fatal(err)
	}
	r := s.open(t, "kernels:newer")
	publish(t, r, PushOptions{}, bundle("6.1", 1))
	x, err := r.Index(t.Context())
	if err != nil || x.Newer != 1 || len(x.Kernels) != 1 || x.others[0].Digest != image.Digest {
		t.Errorf("%+v, %v", x, err)
	}
}

// Many pushes to one tag at once: each of them that ends well is there.
func TestPushRace(t *testing.T) { synctest.Test(t, testPushRace) }

func testPushRace(t *testing.T) {
	s := newMemoryStore()
	const stay = 200 * time.Millisecond
	s.delay = func() { time.Sleep(time.Duration(time.Now().UnixNano()%7) * 5 * time.Millisecond) }
	var all sync.WaitGroup
	const pushers = 8
	for n := range pushers {
		r := s.open(t, "kernels:stable")
		r.settle = stay
		all.Go(func() {
			own := bundle(fmt.Sprintf("6.%d.0-amd64", n), 1)
			// One kernel that all of them have, each in an edition of its own.
			if _, err := r.Push(t.Context(), []Bundle{own, bundle("5.10.0-46-amd64", n)}, PushOptions{}); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	x, err := s.open(t, "kernels:stable").Index(t.Context())
	if err != nil || len(x.Kernels) != pushers+1 {
		t.Errorf("%v, %v; want %d kernels", releases(x), err, pushers+1)
	}
	t.Logf("%d changes of the tag for %d pushes", s.tagged, pushers)
}

// A push whose kernels are taken out again and again gives up and says so.
func TestPushContended(t *testing.T) {
	s := newMemoryStore()
	r := s.open(t, "kernels:stable")
	publish(t, r, PushOptions{}, bundle("6.1", 1))
	old, err := s.Resolve(t.Context(), "stable")
	if err != nil {
		t.Fatal(err)
	}
	r.store = &undoing{store: s, old: old, most: 1000}
	if _, err := r.Push(t.Context(), []Bundle{bundle("6.2", 1)}, PushOptions{}); !errors.Is(err, ErrContended) {
		t.Errorf("%v, want %v", err, ErrContended)
	}
}

// A push whose index is overwritten by one that looked before it wrote puts its
// kernels back, new editions of old ones too; a later edition by another push
// it leaves.
func TestPushOverwritten(t *testing.T) {
	for name, c := range map[string]struct {
		stale bool // the other push writes what was there before
		want  int  // the edition in the end
	}{"stale": {true, 2}, "later": {false, 3}} {
		t.Run(name, func(t *testing.T) {
			s := newMemoryStore()
			r := s.open(t, "kernels:stable")
			publish(t, r, PushOptions{}, bundle("6.1", 1))
			other := s.open(t, "kernels:other")
			if !c.stale {
				publish(t, other, PushOptions{}, bundle("6.1", 3))
			} else {
				publish(t, other, PushOptions{}, bundle("6.1", 1))
			}
			theirs, err := s.Resolve(t.Context(), "other")
			if err != nil {
				t.Fatal(err)
			}
			r.store = &undoing{store: s, old: theirs, most: 1}
			x, _ := publish(t, r, PushOptions{}, bundle("6.1", 2))
			if got, err := r.Bundle(t.Context(), x.Kernels[0]); err != nil || string(got) != string(data(t, bundle("6.1", c.want))) {
				t.Errorf("%q (%v), want edition %d", got, err, c.want)
			}
		})
	}
}

// An interrupted push leaves the tag as it was.
func TestPushInterrupted(t *testing.T) {
	s := newMemoryStore()
	r := s.open(t, "kernels:stable")
	before, _ := publish(t, r, PushOptions{}, bundle("6.1", 1))
	ctx, cancel := context.WithCancel(t.Context())
	b := bundle("6.2", 1)
	export := b.Export
	b.Export = func(ctx context.Context) ([]byte, error) { cancel(); return export(ctx) }
	if _, err := r.Push(ctx, []Bundle{b, bundle("6.3", 1)}, PushOptions{}); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want %v", err, context.Canceled)
	}
	if x, err := r.Index(t.Context()); err != nil || x.Digest != before.Digest {
		t.Errorf("the tag changed: %v, %v", x, err)
	}
}

// undoing has another push write right after each change of a tag.
type undoing struct {
	store
	old  ocispec.Descriptor // what the other one writes
	most int                // times
}

func (u *undoing) Tag(ctx context.Context, d ocispec.Descriptor, tag string) error {
	if u.most--; u.most >= 0 {
		d = u.old
	}
	return u.store.Tag(ctx, d, tag)
}

// An index that registries would not take is refused here.
func TestPushTooMany(t *testing.T) {
	var all []Bundle
	for n := range 8000 {
		all = append(all, bundle(fmt.Sprintf("6.%d.0-amd64", n), 1))
	}
	_, err := newMemoryStore().open(t, "kernels:stable").Push(t.Context(), all, PushOptions{})
	if !errors.Is(err, ErrTooLarge) || !strings.Contains(err.Error(), "spread them over several tags") {
		t.Errorf("%v, want %v", err, ErrTooLarge)
	}
}

func TestIndexRefused(t *testing.T) {
	s := newMemoryStore()
	r := s.open(t, "kernels:stable")
	x, _ := publish(t, r, PushOptions{}, bundle("6.1.0-56-amd64", 1))
	good, err := x.encode()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.open(t, "kernels:stabel").Index(t.Context()); err == nil || err.Error() != `no tag "stabel" in oci://registry.example/kernels; did you mean stable?` {
		t.Errorf("%v", err)
	}
	gone := digest.FromString("gone").String()
	if _, err := s.open(t, "kernels@"+gone).Index(t.Context()); err == nil || err.Error() != `no digest "`+gone+`" in oci://registry.example/kernels` {
		t.Errorf("%v", err)
	}
	swap := func(old, other string) string {
		t.Helper()
		if !strings.Contains(string(good), old) {
			t.Fatalf("%s is not in %s", old, good)
		}
		return strings.ReplaceAll(string(good), old, other)
	}
	for name, c := range map[string]struct {
		text string
		is   error
		want string
	}{
		"another": {`{"schemaVersion":2,"manifests":[]}`, ErrNotOurs, "it is a container image"},
		"typed":   {`{"schemaVersion":2,"artifactType":"application/vnd.else","manifests":[]}`, ErrNotOurs, `it is of type "application/vnd.else"`},
		"newer":   {`{"schemaVersion":2,"annotations":{"io.github.tpinfo.form":"2"},"manifests":[]}`, ErrNewer, `it has form "2", this one reads 1`},
		"id":      {swap(x.Kernels[0].ID, "../../etc"), ErrDamaged, `": "../../etc" is no kernel id; publish it anew with 'tpinfo push --replace'`},
		"release": {swap(`"6.1.0-56-amd64"`, `"6.1\u001b[2J"`), ErrDamaged, `"6.1\x1b[2J" is no release`},
		"events":  {swap(`"41"`, `"-41"`), ErrDamaged, "a count is negative"},
		"number":  {swap(`"41"`, `"many"`), ErrDamaged, "a count is no number"},
		"arch":    {swap(`"x86"`, `""`), ErrDamaged, `"" is no architecture`},
		"digest":  {swap(x.Kernels[0].Digest(), "sha256:1"), ErrDamaged, "invalid checksum digest length"},
		"size":    {swap(fmt.Sprintf(`"size":%d,`, x.Kernels[0].manifest.Size), `"size":99999999999,`), ErrDamaged, "its manifest has 99999999999 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := oras.TagBytes(t.Context(), s, ocispec.MediaTypeImageIndex, []byte(c.text), "bad"); err != nil {
				t.Fatal(err)
			}
			_, err := s.open(t, "kernels:bad").Index(t.Context())
			if !errors.Is(err, c.is) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %v: %s", err, c.is, c.want)
			}
		})
	}
	if _, err := decodeIndex([]byte("hello")); !errors.Is(err, ErrNotOurs) || !strings.Contains(err.Error(), "its index is not JSON") {
		t.Errorf("%v", err)
	}
	// One that is damaged can be replaced, and only so.
	bad := s.open(t, "kernels:bad")
	if _, err := oras.TagBytes(t.Context(), s, ocispec.MediaTypeImageIndex, []byte(swap(`"41"`, `"-4"`)), "bad"); err != nil {
		t.Fatal(err)
	}
	if _, err := bad.Push(t.Context(), []Bundle{bundle("6.1", 1)}, PushOptions{}); !errors.Is(err, ErrDamaged) {
		t.Errorf("%v, want %v", err, ErrDamaged)
	}
	if fixed, _ := publish(t, bad, PushOptions{Replace: true}, bundle("6.1", 1)); len(fixed.Kernels) != 1 {
		t.Errorf("%+v", fixed)
	}
}

func TestBundleRefused(t *testing.T) {
	s := newMemoryStore()
	r := s.open(t, "kernels:stable")
	x, _ := publish(t, r, PushOptions{}, bundle("6.1.0-56-amd64", 1), bundle("6.2.0-amd64", 1))
	e := x.Kernels[0]
	only := func(mediaType string, change func([]byte) []byte) func(ocispec.Descriptor, []byte) []byte {
		return func(d ocispec.Descriptor, data []byte) []byte {
			if d.MediaType != mediaType {
				return data
			}
			return change(data)
		}
	}
	for name, c := range map[string]struct {
		mangle func(ocispec.Descriptor, []byte) []byte
		is     error
		want   string
	}{
		"a byte":   {only(BundleType, func(b []byte) []byte { b[3] ^= 4; return b }), ErrDamaged, "the registry sent other bytes than the digest says"},
		"longer":   {only(BundleType, func(b []byte) []byte { return append(b, 0) }), ErrDamaged, "the registry sent other bytes than the digest says"},
		"shorter":  {only(BundleType, func(b []byte) []byte { return b[1:] }), ErrUnreachable, "registry.example broke off"},
		"manifest": {only(ocispec.MediaTypeImageManifest, func(b []byte) []byte { b[3] ^= 4; return b }), ErrDamaged, "the registry sent other bytes than the digest says"},
	} {
		t.Run(name, func(t *testing.T) {
			s.mangle = c.mangle
			_, err := r.Bundle(t.Context(), e)
			if !errors.Is(err, c.is) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %v: %s", err, c.is, c.want)
			}
		})
	}
	s.mangle = nil
	// The index says one kernel and leads to another one's manifest.
	lie := e
	lie.manifest = x.Kernels[1].manifest
	if _, err := r.Bundle(t.Context(), lie); !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), "say different things") {
		t.Errorf("%v", err)
	}
	// Sizes that are said and not sent cost nothing.
	layer := describe(BundleType, []byte("x"))
	layer.Size = MaxBundle + 1
	large := e
	large.Size = layer.Size
	text, err := large.encodeManifest(layer)
	if err != nil {
		t.Fatal(err)
	}
	large.manifest, err = oras.PushBytes(t.Context(), s, ocispec.MediaTypeImageManifest, text)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Bundle(t.Context(), large); !errors.Is(err, ErrTooLarge) {
		t.Errorf("%v, want %v", err, ErrTooLarge)
	}
	gone := e
	gone.manifest.Digest = digest.FromString("gone")
	if _, err := r.Bundle(t.Context(), gone); err == nil || err.Error() != `no bundle "6.1.0-56-amd64" in oci://registry.example/kernels:stable, though its index names it: publish it anew` {
		t.Errorf("%v", err)
	}
}
