package natsqueue

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tpinfo/tpinfo/extractor/fleet"
	"github.com/tpinfo/tpinfo/extractor/kpkg"
	"github.com/tpinfo/tpinfo/extractor/kpkg/archive"
)

func anOffer() *offer {
	return &offer{Version: version(), Task: fleet.Task{Key: "k", CC: "gcc-12", Set: kpkg.Set{
		Release: "6.1.0-1-amd64", Arch: "amd64", Source: "/src/linux.tar.xz",
		Headers: []kpkg.Package{{Path: "/p/own.deb", Format: archive.Deb, Digest: sum([]byte("own")), Size: 3}},
	}}, Source: &parcel{Path: "/src/linux.tar.xz", Digest: sum([]byte("source")), Size: 6}}
}

// A message of the task stream may come from anybody.
func TestReadOffer(t *testing.T) {
	good := anOffer()
	id := idOf(good.Task)
	got, err := readOffer(id, encode(good))
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(good, got); d != "" {
		t.Error(d)
	}
	for _, c := range []struct {
		name   string
		change func(*offer)
		says   string
	}{
		{"no task", func(o *offer) { o.Task.Key = "" }, "of which task"},
		{"a folder of the worker", func(o *offer) { o.Task.Set.Tree = "/etc" }, "does not travel"},
		{"a file of the worker", func(o *offer) { o.Source = nil }, "half there"},
		{"a program of the worker", func(o *offer) { o.Task.CC = "/bin/sh" }, `compiler "/bin/sh"`},
		{"another one", func(o *offer) { o.Task.CC = "gcc -B/tmp" }, "compiler"},
		{"what a terminal obeys", func(o *offer) { o.Task.Set.Release = "6.1\x1b[2J" }, "for a kernel"},
		{"a path for a digest", func(o *offer) { o.Task.Set.Headers[0].Digest = "../../etc" }, "no SHA-256"},
		{"a size", func(o *offer) { o.Task.Set.Headers[0].Size = 1 << 50 }, "no SHA-256 or no size"},
		{"another task", func(o *offer) { o.Task.Key = "other" }, "id of another task"},
	} {
		o := anOffer()
		c.change(o)
		if _, err := readOffer(id, encode(o)); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: error %v, want %q", c.name, err, c.says)
		}
	}
	other := anOffer()
	other.Version = "another"
	if got, err := readOffer(id, encode(other)); err != nil || got.Version != "another" {
		t.Errorf("one of another version: %v", err) // it is left to workers of that version
	}
}

// FuzzReadOffer holds that what is taken names files by their digest and stays
// within the worker's folder.
func FuzzReadOffer(f *testing.F) {
	f.Add(idOf(anOffer().Task), encode(anOffer()))
	f.Add(strings.Repeat("0", 32), []byte(`{"task":{"key":"k","set":{"headers":[{"path":"..","digest":"","size":-1}]}}}`))
	f.Fuzz(func(t *testing.T, id string, data []byte) {
		o, err := readOffer(id, data)
		if err != nil {
			return
		}
		for _, p := range o.parcels() {
			path := filepath.Join("/shelf", p.Digest, p.name())
			if filepath.Dir(path) != "/shelf/"+p.Digest || len(p.Digest) != 64 {
				t.Errorf("%q would lie at %q", p.Path, path)
			}
		}
		again, err := json.Marshal(o)
		if err != nil {
			t.Fatal(err)
		}
		if back, err := readOffer(id, again); err != nil || !cmp.Equal(o, back) {
			t.Errorf("read again: %v %s", err, cmp.Diff(o, back))
		}
	})
}
