package bundle

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/cache/layout"
	"github.com/tpinfo/tpinfo/fixtures/snapshots"
)

// forged is an exported file that somebody wrote by hand.
type forged struct{ bytes.Buffer }

func (f *forged) add(t *testing.T, tag byte, fill func(*layout.Encoder)) *forged {
	t.Helper()
	var e layout.Encoder
	fill(&e)
	if err := NewKernelWriter(f).record(tag, e.Bytes()); err != nil {
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

var anInt = tpinfo.Type{Kind: tpinfo.KindBase, Name: "int", Size: 4, Encoding: tpinfo.EncSigned}

func bodyOfInt(t *testing.T) []byte {
	t.Helper()
	l := layout.OfType(&anInt)
	body, err := l.Body()
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// What no cache wrote is refused as damaged, whoever signed it.
func TestForgedFiles(t *testing.T) {
	typ := bodyOfInt(t)
	start := func() *forged {
		f := &forged{}
		f.add(t, tagFiles, func(e *layout.Encoder) { e.Raw([]byte("build:a.h")...) })
		return f.layout(t, layout.KindType, "int", typ)
	}
	padded := append(bytes.Clone(typ[:len(typ)-1]), typ[len(typ)-1]|0x80, 0)
	right, err := readAll(start().kernel(t, nil))
	if err != nil || len(right) != 1 {
		t.Fatalf("what is right: %d kernels (%v)", len(right), err)
	}
	if diff := cmp.Diff(forgedAsRead, right[0], cmpopts.IgnoreFields(layout.Layout{}, "Body")); diff != "" {
		t.Errorf("what is right (-want +got):\n%s", diff)
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
		if _, err := readAll(f); !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: %v, want a damaged file", name, err)
		}
	}
}

// forgedAsRead is the kernel of forged, as it is read.
var forgedAsRead = Kernel{
	Kernel: layout.Kernel{
		ID: "abcdef0123456789", Arch: "x86", ByteOrder: "little", WordSize: 8, Source: "dwarf", Problems: []byte("[]"),
		Layouts: []layout.Layout{layout.OfType(&anInt)},
	},
	Aliases: []layout.Alias{{
		Release: "6.1.0-1", Tree: "tree", Compiler: "gcc", Extracted: time.Time{}.Unix(), Digest: "digest",
		Files: layout.FilesHash([]byte("build:a.h")),
	}},
	Origins: []tpinfo.Origin{{Key: "key", Headers: "headers"}},
	Lists:   map[string]string{string(layout.FilesHash([]byte("build:a.h"))): "build:a.h"},
}

// readAll gives the kernels of a payload.
func readAll(payload io.Reader) (all []Kernel, err error) {
	err = ReadKernels(context.Background(), payload, func(_ context.Context, k *Kernel) error {
		all = append(all, *k)
		return nil
	})
	return all, err
}

// One kernel may be a kernel again, with other names: what it shares with the
// first is not there twice.
func TestKernelTwiceInAFile(t *testing.T) {
	f := &forged{}
	f.add(t, tagFiles, func(e *layout.Encoder) { e.Raw([]byte("build:a.h")...) })
	f.layout(t, layout.KindType, "int", bodyOfInt(t)).kernel(t, nil).kernel(t, func(k *forgedKernel) { k.aliases[0].Release = "6.1.0-2" })
	var out bytes.Buffer
	w := NewKernelWriter(&out)
	want := bytes.Clone(f.Bytes())
	err := ReadKernels(context.Background(), f, func(_ context.Context, k *Kernel) error { return w.Add(k) })
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(out.Bytes(), want) {
		t.Errorf("read and written again, it is\n%q, want\n%q", out.Bytes(), want)
	}
}

// What takes kernels may refuse one: no other comes after it.
func TestTakeFails(t *testing.T) {
	f := &forged{}
	f.add(t, tagFiles, func(e *layout.Encoder) { e.Raw([]byte("build:a.h")...) })
	f.layout(t, layout.KindType, "int", bodyOfInt(t)).kernel(t, nil).kernel(t, nil)
	refused, n := errors.New("refused"), 0
	err := ReadKernels(context.Background(), f, func(context.Context, *Kernel) error { n++; return refused })
	if !errors.Is(err, refused) || errors.Is(err, ErrDamaged) || n != 1 {
		t.Errorf("%v after %d kernels, want that it was refused after 1", err, n)
	}
}

// What reads as kernels is written as records that read as the same.
func FuzzReadKernels(f *testing.F) {
	for editions := range 3 {
		var out bytes.Buffer
		w := NewKernelWriter(&out)
		for n := range editions {
			if err := w.Add(kernelOf(f, snapshots.Sample("6.1.0-1", n))); err != nil {
				f.Fatal(err)
			}
		}
		f.Add(out.Bytes())
		f.Add(out.Bytes()[:out.Len()/2])
	}
	f.Add([]byte{tagFiles, 0, tagKernel, 0})
	f.Add([]byte{tagLayout, 0xff, 0xff, 0xff, 0xff, 0x7f})
	f.Fuzz(func(t *testing.T, payload []byte) {
		first, err := again(payload)
		if err != nil {
			if !errors.Is(err, ErrDamaged) {
				t.Fatalf("an error of another kind: %v", err)
			}
			return
		}
		second, err := again(first)
		if err != nil {
			t.Fatalf("what was read does not come back: %v", err)
		}
		if !bytes.Equal(first, second) {
			t.Fatalf("%d bytes come back as others (%d)", len(first), len(second))
		}
	})
}

// again reads a payload and writes it.
func again(payload []byte) ([]byte, error) {
	var out bytes.Buffer
	w := NewKernelWriter(&out)
	err := ReadKernels(context.Background(), bytes.NewReader(payload), func(_ context.Context, k *Kernel) error { return w.Add(k) })
	return out.Bytes(), err
}

// kernelOf is a snapshot's kernel on its way.
func kernelOf(t testing.TB, snap *tpinfo.Snapshot) *Kernel {
	t.Helper()
	k, err := Of(snap)
	if err != nil {
		t.Fatal(err)
	}
	return k
}
