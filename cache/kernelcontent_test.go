package cache

import (
	"slices"
	"testing"

	"github.com/tpinfo/tpinfo"
)

// What two caches know of a kernel is the same by its digest, whichever tree
// it came from and whatever else is there; releases are listed apart.
func TestContents(t *testing.T) {
	ctx := t.Context()
	a, b := openTemp(t), openTemp(t)
	put(t, a, sample("6.1.0-1-amd64", 1))
	put(t, a, sample("6.1.0-2-amd64", 2))
	other := sample("6.1.0-2-amd64", 2)
	other.Kernel.Tree, other.Kernel.Compiler = "/elsewhere", "clang 19.1.7"
	other.Kernel.Extracted = other.Kernel.Extracted.AddDate(1, 0, 0)
	put(t, b, other)
	if err := b.AddAlias(ctx, other.Kernel.ID, tpinfo.Kernel{Release: "6.1.0-10-amd64"}, tpinfo.Origin{}); err != nil {
		t.Fatal(err)
	}
	ca, err := a.Contents(ctx)
	if err != nil {
		t.Fatal(err)
	}
	cb, err := b.Contents(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if len(ca) != 2 || len(cb) != 1 || ca[0].ID != other.Kernel.ID || cb[0].ID != other.Kernel.ID {
		t.Fatalf("%+v\n%+v", ca, cb)
	}
	if ca[0].Digest != cb[0].Digest || ca[0].Digest == ca[1].Digest || len(ca[0].Digest) != 32 {
		t.Errorf("%s and %s, another kernel %s", ca[0].Digest, cb[0].Digest, ca[1].Digest)
	}
	if want := []string{"6.1.0-10-amd64", "6.1.0-2-amd64"}; !slices.Equal(cb[0].Releases, want) || !slices.Equal(ca[0].Releases, want[1:]) {
		t.Errorf("%v and %v", cb[0].Releases, ca[0].Releases)
	}
	if ca[0].Events != 4 || ca[0].Arch != "x86" {
		t.Errorf("%+v", ca[0].Info)
	}
	more := sample("6.1.0-2-amd64", 2)
	more.Events = more.Events[1:]
	put(t, b, more)
	if cb, err = b.Contents(ctx); err != nil || cb[0].Digest == ca[0].Digest {
		t.Errorf("less is known, and the digest is the same: %v", err)
	}
}
