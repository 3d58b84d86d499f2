package cache

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/cache/bundle"
	"github.com/tpinfo/tpinfo/cache/merge"
)

func export(t testing.TB, db *DB, ids []string, opts ...ExportOption) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := db.Export(context.Background(), &out, ids, opts...); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestExportAndImport(t *testing.T) {
	ctx := context.Background()
	db := openTemp(t)
	snaps := []*tpinfo.Snapshot{sample("6.1.0-9", 0), sample("6.1.0-56", 1), sample("6.12.1", 2)}
	for n, s := range snaps {
		if _, err := db.PutFrom(ctx, s, tpinfo.Origin{Key: fmt.Sprint("key", n), Headers: "headers"}); err != nil {
			t.Fatal(err)
		}
	}
	also := tpinfo.Kernel{Release: "6.1.0-56-rebuilt", Tree: "again.deb", Extracted: time.Now()}
	if err := db.AddAlias(ctx, snaps[1].Kernel.ID, also, tpinfo.Origin{}); err != nil {
		t.Fatal(err)
	}
	if err := db.Fail(ctx, tpinfo.Failure{Key: "other", Reason: "it is cut short"}); err != nil {
		t.Fatal(err)
	}
	before := known(t, db)
	two := []string{snaps[0].Kernel.ID, snaps[1].Kernel.ID}
	file := export(t, db, two)

	there := openTemp(t)
	res, err := there.Import(ctx, bytes.NewReader(file))
	if want := (merge.Result{Kernels: 2, Releases: 3, Layouts: 16}); err != nil || res != want {
		t.Fatalf("%+v (%v), want %+v", res, err, want)
	}
	for n, s := range snaps[:2] {
		// An exported file does not say when, nor in which folder.
		s.Kernel.Tree, s.Kernel.Extracted = s.Kernel.Release, time.Time{}
		whole(t, kernel(t, there, s.Kernel.Release), s)
		if id, err := there.BuiltFrom(ctx, fmt.Sprint("key", n)); err != nil || id != s.Kernel.ID {
			t.Errorf("built from key%d: %q (%v)", n, id, err)
		}
		recorded, err := there.Recorded(ctx, s.Kernel.Release, "")
		want := []Recorded{{s.Kernel.ID, s.Kernel.Tree, s.Inputs}}
		if diff := cmp.Diff(want, recorded); diff != "" || err != nil {
			t.Errorf("recorded (-want +got), %v:\n%s", err, diff)
		}
	}
	if k := kernel(t, there, also.Release); k.Info().ID != snaps[1].Kernel.ID {
		t.Errorf("%s is %s", also.Release, k.Info().ID)
	}
	if failures, err := there.Failures(ctx); err != nil || len(failures) != 0 {
		t.Errorf("failures came along: %v (%v)", failures, err)
	}
	sound(t, there)

	// Again, it brings nothing; what is exported there is the same file.
	res, err = there.Import(ctx, bytes.NewReader(file))
	if want := (merge.Result{Known: 2}); err != nil || res != want {
		t.Errorf("again: %+v (%v), want %+v", res, err, want)
	}
	if !bytes.Equal(export(t, there, nil), file) {
		t.Error("exported again, the file is another")
	}
	if !bytes.Equal(export(t, db, []string{two[1], two[0]}), file) {
		t.Error("the order of the ids makes another file")
	}
	// An import does not make younger what is there, nor list it twice.
	res, err = db.Import(ctx, bytes.NewReader(file))
	if want := (merge.Result{Known: 2}); err != nil || res != want {
		t.Errorf("where it came from: %+v (%v), want %+v", res, err, want)
	}
	if got := kernel(t, db, "6.1.0-9").Info().Extracted; !got.Equal(sample("", 0).Kernel.Extracted) {
		t.Errorf("extracted %v after an import", got)
	}
	if diff := cmp.Diff(before, known(t, db)); diff != "" {
		t.Errorf("an import where it came from changes (-before +after):\n%s", diff)
	}
	// Extracted there as well, the folder is known, and the file is the same.
	put(t, there, sample("6.1.0-9", 0))
	if got := kernel(t, there, "6.1.0-9").Info().Tree; got != sample("6.1.0-9", 0).Kernel.Tree {
		t.Errorf("extracted again, its tree is %s", got)
	}
	if !bytes.Equal(export(t, there, nil), file) {
		t.Error("where a kernel was extracted again, the file is another")
	}
	sound(t, there)
	var missing *NotFoundError
	if err := db.Export(ctx, &bytes.Buffer{}, []string{"nothing"}); !errors.As(err, &missing) {
		t.Errorf("exporting what is not there: %v", err)
	}
}

func TestImportSigned(t *testing.T) {
	ctx := context.Background()
	db := openTemp(t)
	put(t, db, sample("6.1.0-1", 0))
	key := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{1}, ed25519.SeedSize))
	other := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{2}, ed25519.SeedSize))
	public, _ := key.Public().(ed25519.PublicKey)
	otherPublic, _ := other.Public().(ed25519.PublicKey)
	unsigned, signed := export(t, db, nil), export(t, db, nil, Sign(key))
	changed := bytes.Replace(signed, unsigned[:30], unsigned[:30], 1)
	at := bytes.Index(changed, []byte("sha256:")) + len("sha256:")
	changed[at] ^= 1
	for _, test := range []struct {
		name  string
		file  []byte
		trust []ed25519.PublicKey
		says  string
	}{
		{"unsigned", unsigned, nil, ""},
		{"signed", signed, nil, ""},
		{"trusted", signed, []ed25519.PublicKey{otherPublic, public}, ""},
		{"another's", signed, []ed25519.PublicKey{otherPublic}, "it is by " + bundle.Name(public) + ", and one by " + bundle.Name(otherPublic) + " is asked for"},
		{"none", unsigned, []ed25519.PublicKey{public}, "the file is not signed"},
		{"changed", changed, nil, "it does not fit the content"},
		{"changed and trusted", changed, []ed25519.PublicKey{public}, "it does not fit the content"},
	} {
		there := openTemp(t)
		res, err := there.Import(ctx, bytes.NewReader(test.file), Trust(test.trust...))
		if test.says == "" {
			signer := ""
			if !bytes.Equal(test.file, unsigned) {
				signer = bundle.Name(public)
			}
			if err != nil || res.Kernels != 1 || res.Signer != signer {
				t.Errorf("%s: %+v (%v), want a kernel signed by %q", test.name, res, err, signer)
			}
			continue
		}
		if !errors.Is(err, bundle.ErrSignature) || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: %v, want ErrSignature that says %q", test.name, err, test.says)
		}
		if infos, err := there.Kernels(ctx); err != nil || len(infos) != 0 {
			t.Errorf("%s: it left %d kernels (%v)", test.name, len(infos), err)
		}
	}
}

// Whoever asks for one kernel gets no other, and none beside it.
func TestImportOnly(t *testing.T) {
	ctx := context.Background()
	db := openTemp(t)
	a, b := sample("6.1.0-55", 1), sample("6.1.0-56", 2)
	put(t, db, a)
	put(t, db, b)
	one := export(t, db, []string{a.Kernel.ID})
	there := openTemp(t)
	for name, file := range map[string][]byte{
		"the other one": export(t, db, []string{b.Kernel.ID}), "both": export(t, db, nil), "none": export(t, openTemp(t), nil),
	} {
		if res, err := there.Import(ctx, bytes.NewReader(file), Only(a.Kernel.ID)); !errors.Is(err, bundle.ErrOther) || res != (merge.Result{}) {
			t.Errorf("%s: %+v, %v; want %v", name, res, err, bundle.ErrOther)
		}
	}
	if infos, err := there.Kernels(ctx); err != nil || len(infos) != 0 {
		t.Errorf("%+v came in (%v)", infos, err)
	}
	if res, err := there.Import(ctx, bytes.NewReader(one), Only(a.Kernel.ID)); err != nil || res.Kernels != 1 {
		t.Errorf("%+v, %v", res, err)
	}
	sound(t, there)
}
