package cache

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/cache/bundle"
	"github.com/tpinfo/tpinfo/cache/layout"
)

// forged is an exported file that somebody wrote by hand.
type forged struct{ bytes.Buffer }

func (f *forged) add(t *testing.T, tag byte, fill func(*layout.Encoder)) *forged {
	t.Helper()
	var e layout.Encoder
	fill(&e)
	if err := newRecordWriter(f).record(tag, e.Bytes()); err != nil {
		t.Fatal(err)
	}
	return f
}

func (f *forged) layout(t *testing.T, kind int, name string, body []byte) *forged {
	return f.add(t, tagLayout, func(e *layout.Encoder) {
		e.Number(int64(kind))
		e.Text(name)
		e.Raw(body...)
	})
}

func (f *forged) kernel(t *testing.T, change func(*forgedKernel)) *forged {
	k := forgedKernel{
		id: "abcdef0123456789", arch: "x86", wordSize: 8, problems: []tpinfo.Problem{}, places: []int64{1},
		aliases: []layout.Alias{{Release: "6.1.0-1", Tree: "tree"}}, lists: []int64{1}, origin: "key",
	}
	if change != nil {
		change(&k)
	}
	return f.add(t, tagKernel, func(e *layout.Encoder) {
		problems := k.rawProblems
		if problems == nil {
			problems, _ = json.Marshal(k.problems)
		}
		e.Text(k.id, k.arch, "little")
		e.Number(int64(k.wordSize))
		e.Text("dwarf", string(problems), string(layout.EncodeList(k.places)))
		e.Number(int64(len(k.aliases)))
		for i, a := range k.aliases {
			e.Text(a.Release, a.Tree, "gcc", "digest", "")
			e.Number(k.lists[min(i, len(k.lists)-1)])
		}
		e.Number(1)
		e.Text(k.origin, "headers")
		e.Raw(k.more...)
	})
}

type forgedKernel struct {
	id, arch    string
	wordSize    int
	problems    []tpinfo.Problem
	rawProblems []byte
	places      []int64
	aliases     []layout.Alias
	lists       []int64
	origin      string
	more        []byte
}

func bodyOfInt(t *testing.T) []byte {
	t.Helper()
	l := layout.OfType(&tpinfo.Type{Kind: tpinfo.KindBase, Name: "int", Size: 4, Encoding: tpinfo.EncSigned})
	body, err := l.Body()
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// What no cache wrote is refused as damaged, whoever signed it, and leaves
// nothing.
func TestForgedFiles(t *testing.T) {
	ctx := context.Background()
	typ := bodyOfInt(t)
	start := func() *forged {
		f := &forged{}
		f.add(t, tagFiles, func(e *layout.Encoder) { e.Raw([]byte("build:a.h")...) })
		return f.layout(t, layout.KindType, "int", typ)
	}
	padded := append(bytes.Clone(typ[:len(typ)-1]), typ[len(typ)-1]|0x80, 0)
	read := func(payload io.Reader) (MergeResult, *DB, error) {
		var file bytes.Buffer
		err := bundle.Write(&file, nil, func(w io.Writer) error {
			_, err := io.Copy(w, payload)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		db := openTemp(t)
		res, err := db.Import(ctx, &file)
		return res, db, err
	}
	res, db, err := read(start().kernel(t, nil))
	if err != nil || res.Kernels != 1 {
		t.Fatalf("what is right: %+v (%v)", res, err)
	}
	sound(t, db)
	if typ, err := kernel(t, db, "").Type(ctx, "int"); err != nil || typ.Size != 4 {
		t.Errorf("its type is %+v (%v)", typ, err)
	}
	for name, f := range map[string]*forged{
		"another record":           start().add(t, 'X', func(*layout.Encoder) {}),
		"no kernel":                start(),
		"a kernel too few":         start().kernel(t, nil).layout(t, layout.KindType, "int", typ),
		"half a record":            {*bytes.NewBuffer(start().Bytes()[:15])},
		"no length":                {*bytes.NewBuffer(append(start().Bytes(), tagLayout))},
		"a long record":            {*bytes.NewBuffer([]byte{tagLayout, 0xff, 0xff, 0xff, 0xff, 0x7f})},
		"a length without end":     {*bytes.NewBuffer(append([]byte{tagLayout}, bytes.Repeat([]byte{0x80}, 20)...))},
		"a layout of no kind":      start().layout(t, 7, "int", typ).kernel(t, func(k *forgedKernel) { k.places = []int64{1, 2} }),
		"a layout that is cut":     start().layout(t, layout.KindType, "long", typ[:3]).kernel(t, func(k *forgedKernel) { k.places = []int64{1, 2} }),
		"a layout spelt otherwise": start().layout(t, layout.KindType, "long", padded).kernel(t, func(k *forgedKernel) { k.places = []int64{1, 2} }),
		"a layout too many":        start().layout(t, layout.KindType, "long", typ).kernel(t, nil),
		"a layout that is missing": start().kernel(t, func(k *forgedKernel) { k.places = []int64{1, 2} }),
		"a list that is missing":   start().kernel(t, func(k *forgedKernel) { k.lists = []int64{2} }),
		"list 0":                   start().kernel(t, func(k *forgedKernel) { k.lists = []int64{0} }),
		"a list too many": start().add(t, tagFiles, func(e *layout.Encoder) { e.Raw([]byte("build:b.h")...) }).
			kernel(t, nil),
		"no id":              start().kernel(t, func(k *forgedKernel) { k.id = "" }),
		"words of 3 bytes":   start().kernel(t, func(k *forgedKernel) { k.wordSize = 3 }),
		"no name":            start().kernel(t, func(k *forgedKernel) { k.aliases = nil }),
		"an empty name":      start().kernel(t, func(k *forgedKernel) { k.aliases[0].Release = "" }),
		"a name twice":       start().kernel(t, func(k *forgedKernel) { k.aliases = append(k.aliases, k.aliases[0]) }),
		"a folder":           start().kernel(t, func(k *forgedKernel) { k.aliases[0].Tree = "/home/me/tree" }),
		"an escape sequence": start().kernel(t, func(k *forgedKernel) { k.aliases[0].Release = "6.1\x1b[2J" }),
		"a line feed":        start().kernel(t, func(k *forgedKernel) { k.arch = "x86\n" }),
		"no key":             start().kernel(t, func(k *forgedKernel) { k.origin = "" }),
		"no problems":        start().kernel(t, func(k *forgedKernel) { k.rawProblems = []byte("none") }),
		"more":               start().kernel(t, func(k *forgedKernel) { k.more = []byte{0} }),
	} {
		res, db, err := read(f)
		if !errors.Is(err, bundle.ErrDamaged) || res != (MergeResult{}) {
			t.Errorf("%s: %+v (%v), want a damaged file", name, res, err)
		}
		if err != nil && strings.Contains(err.Error(), db.Path()) {
			t.Errorf("%s: %v blames the cache", name, err)
		}
		if infos, err := db.Kernels(ctx); err != nil || len(infos) != 0 {
			t.Errorf("%s: it left %d kernels (%v)", name, len(infos), err)
		}
	}
}

// One kernel may be a kernel again, with other names: both are kept.
func TestKernelTwiceInAFile(t *testing.T) {
	typ := bodyOfInt(t)
	f := &forged{}
	f.add(t, tagFiles, func(e *layout.Encoder) { e.Raw([]byte("build:a.h")...) })
	f.layout(t, layout.KindType, "int", typ).kernel(t, nil).kernel(t, func(k *forgedKernel) { k.aliases[0].Release = "6.1.0-2" })
	db := openTemp(t)
	var file bytes.Buffer
	if err := bundle.Write(&file, nil, func(w io.Writer) error { _, err := f.WriteTo(w); return err }); err != nil {
		t.Fatal(err)
	}
	res, err := db.Import(context.Background(), &file)
	if want := (MergeResult{Kernels: 1, Known: 1, Releases: 2, Layouts: 1}); err != nil || res != want {
		t.Errorf("%+v (%v), want %+v", res, err, want)
	}
	for _, release := range []string{"6.1.0-1", "6.1.0-2"} {
		if id := kernel(t, db, release).Info().ID; id != "abcdef0123456789" {
			t.Errorf("%s is %s", release, id)
		}
	}
	sound(t, db)
}
