package cache

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/fixtures/snapshots"
)

// whole compares a stored kernel with the snapshot it came from.
func whole(t testing.TB, k *Kernel, want *tpinfo.Snapshot) {
	t.Helper()
	ctx := context.Background()
	events, err := k.Events(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want.Events, events, snapshots.Alike); diff != "" {
		t.Errorf("events of %s (-want +got):\n%s", k.Info().Release, diff)
	}
	types, err := k.Types(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want.Types, types); diff != "" {
		t.Errorf("types of %s (-want +got):\n%s", k.Info().Release, diff)
	}
	if diff := cmp.Diff(want.Kernel, k.Info().Kernel); diff != "" {
		t.Errorf("kernel %s (-want +got):\n%s", k.Info().Release, diff)
	}
}

func TestPutAndRead(t *testing.T) {
	ctx := context.Background()
	db := openTemp(t)
	snap := sample("6.1.0-1", 0)
	if res := put(t, db, snap); res.Known || res.NewLayouts != 13 || res.ID != snap.Kernel.ID {
		t.Errorf("first put: %+v, want 13 new layouts", res)
	}
	k := kernel(t, db, "")
	whole(t, k, snap)
	if i := k.Info(); i.Events != 4 || i.Incomplete != 2 || i.Types != 9 {
		t.Errorf("counts: %d events, %d incomplete, %d types; want 4, 2, 9", i.Events, i.Incomplete, i.Types)
	}
	recorded, err := db.Recorded(ctx, "6.1.0-1", "")
	if err != nil {
		t.Fatal(err)
	}
	want := []Recorded{{KernelID: snap.Kernel.ID, Tree: snap.Kernel.Tree, Inputs: snap.Inputs}}
	if diff := cmp.Diff(want, recorded); diff != "" {
		t.Errorf("recorded (-want +got):\n%s", diff)
	}
	sound(t, db)
}

// What is there already costs nothing again.
func TestLayoutsOnce(t *testing.T) {
	ctx := context.Background()
	db := openTemp(t)
	put(t, db, sample("6.1.0-1", 0))
	if res := put(t, db, sample("6.1.0-1", 0)); !res.Known || res.NewLayouts != 0 {
		t.Errorf("the same again: %+v, want it known", res)
	}
	// One event, struct page and its typedef.
	if res := put(t, db, sample("6.1.0-2", 1)); res.Known || res.NewLayouts != 3 {
		t.Errorf("a neighbour: %+v, want 3 new layouts", res)
	}
	s, err := db.Stats(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if s.Kernels != 2 || s.Events != 5 || s.EventUses != 8 || s.Types != 11 || s.TypeUses != 18 {
		t.Errorf("statistics %+v, want 2 kernels, 5 events for 8 uses, 11 types for 18", s)
	}
	own, err := db.OwnBytes(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for id, n := range own {
		if n < 100 || n > 1000 {
			t.Errorf("kernel %.12s alone needs %d bytes; it has three small layouts of its own", id, n)
		}
	}
	whole(t, kernel(t, db, "6.1.0-1"), sample("6.1.0-1", 0))
	whole(t, kernel(t, db, "6.1.0-2"), sample("6.1.0-2", 1))
}

// A kernel extracted again with more sources takes the place of what was known.
func TestPutMore(t *testing.T) {
	db := openTemp(t)
	put(t, db, sample("6.1.0-1", 0))
	more := sample("6.1.0-1", 0)
	more.Events[1].Record.Size = 40
	more.Events[1].Problems = nil
	if res := put(t, db, more); res.Known || res.NewLayouts != 1 {
		t.Errorf("with more known: %+v, want one new layout", res)
	}
	whole(t, kernel(t, db, "6.1.0-1"), more)
	sound(t, db)
}

func TestRemoveAndGC(t *testing.T) {
	ctx := context.Background()
	db := openTemp(t)
	put(t, db, sample("6.1.0-1", 0))
	put(t, db, sample("6.1.0-2", 1))
	if err := db.Remove(ctx, sample("", 0).Kernel.ID); err != nil {
		t.Fatal(err)
	}
	res, err := db.GC(ctx, GCRequest{})
	// One of the three that went with the kernel is what another is packed on.
	if err != nil || res.Layouts != 2 {
		t.Errorf("collected %d layouts (%v), want 2 of the 3 of the kernel that went", res.Layouts, err)
	}
	whole(t, kernel(t, db, ""), sample("6.1.0-2", 1))
	sound(t, db)
	var missing *NotFoundError
	if err := db.Remove(ctx, "nothing"); !errors.As(err, &missing) {
		t.Errorf("removing what is not there: %v", err)
	}
	// A layout that comes back gets a row of its own, whoever had its id.
	put(t, db, sample("6.1.0-1", 0))
	whole(t, kernel(t, db, "6.1.0-1"), sample("6.1.0-1", 0))
}

func TestSelect(t *testing.T) {
	ctx := context.Background()
	db := openTemp(t)
	if _, err := db.Kernel(ctx, ""); err == nil || !strings.Contains(err.Error(), "it is empty") {
		t.Errorf("an empty cache: %v", err)
	}
	put(t, db, sample("6.1.0-9-amd64", 0))
	put(t, db, sample("6.1.0-56-amd64", 1))
	put(t, db, sample("6.12.1-amd64", 2))
	elsewhere := sample("6.12.1-amd64", 3)
	elsewhere.Kernel.Tree += "-elsewhere"
	put(t, db, elsewhere)
	// Extracted again a second later, with another outcome.
	put(t, db, sample("6.13.1-amd64", 4))
	put(t, db, sample("6.13.1-amd64", 5))
	for _, test := range []struct{ selector, want string }{
		{"6.1.0-9-amd64", "abc0000"},
		{"6.1.0-5*", "abc0001"},
		{sample("", 2).Kernel.ID[:32], "abc0002"},
		{"6.12.1-amd64", "ambiguous"},
		{"6.1*", "ambiguous"},
		{"6.13.1-amd64", "abc0005"},
		{"6.13*", "abc0005"},
		{sample("", 4).Kernel.ID[:32], "abc0004"},
		{"", "which kernel?"},
		{"6.1.0-56-arm64", "did you mean 6.1.0-56-amd64"},
		{"[", "syntax error"},
	} {
		k, err := db.Kernel(ctx, test.selector)
		got := ""
		if err != nil {
			got = err.Error()
		} else {
			got = k.Info().ID
		}
		if !strings.Contains(got, test.want) {
			t.Errorf("%q: %s, want %s", test.selector, got, test.want)
		}
	}
	ids := func(list func(context.Context, ...string) ([]*Kernel, error), selectors ...string) string {
		found, err := list(ctx, selectors...)
		if err != nil {
			return err.Error()
		}
		var of []string
		for _, k := range found {
			of = append(of, k.Info().ID[25:])
		}
		return strings.Join(of, " ")
	}
	old := sample("", 4).Kernel.ID[:32]
	// Two places hold it; what one of them holds since supersedes it nowhere.
	for n, tree := range []string{"/one", "/two", "/two"} {
		k := sample("6.14.1-amd64", 6+n/2)
		k.Kernel.Tree, k.Kernel.Extracted = tree, k.Kernel.Extracted.Add(time.Duration(n)*time.Minute)
		put(t, db, k)
	}
	if _, err := db.Kernel(ctx, "6.14.1-amd64"); err == nil || !strings.Contains(err.Error(), "ambiguous") {
		t.Errorf("two places hold different kernels: %v", err)
	}
	for got, want := range map[string]string{
		ids(db.Releases):                  "abc0000 abc0001 abc0002 abc0003 abc0005 abc0006 abc0007",
		ids(db.EveryRelease):              "abc0000 abc0001 abc0002 abc0003 abc0004 abc0005 abc0006 abc0007",
		ids(db.Releases, "6.13*"):         "abc0005",
		ids(db.EveryRelease, "6.13*"):     "abc0004 abc0005",
		ids(db.Releases, "6.13*", old):    "abc0004 abc0005",
		ids(db.EveryRelease, old):         "abc0004",
		ids(db.Releases, "6.1.0-9-amd64"): "abc0000",
	} {
		if got != want {
			t.Errorf("kernels %s, want %s", got, want)
		}
	}
	infos, err := db.Kernels(ctx)
	if err != nil {
		t.Fatal(err)
	}
	var releases []string
	for _, i := range infos {
		releases = append(releases, i.Release)
	}
	if want := []string{"6.14.1-amd64", "6.14.1-amd64", "6.13.1-amd64", "6.13.1-amd64", "6.12.1-amd64", "6.12.1-amd64", "6.1.0-56-amd64", "6.1.0-9-amd64"}; !slices.Equal(releases, want) {
		t.Errorf("kernels %v, want the newest first: %v", releases, want)
	}
}

func TestEvents(t *testing.T) {
	ctx := context.Background()
	db := openTemp(t)
	put(t, db, sample("6.1.0-1", 0))
	k := kernel(t, db, "")
	names := func(events []tpinfo.Tracepoint) string {
		var s []string
		for i := range events {
			s = append(s, events[i].FullName())
		}
		return strings.Join(s, " ")
	}
	for _, test := range []struct {
		patterns []string
		want     string
	}{
		{nil, "mmc:request nbd:request sched:sched_bare sched:sched_switch"},
		{[]string{"sched:*"}, "sched:sched_bare sched:sched_switch"},
		{[]string{"request"}, "mmc:request nbd:request"},
		{[]string{"*:request", "s*:*[h]"}, "mmc:request nbd:request sched:sched_switch"},
		{[]string{"sched[:]sched_bare", `sched\:sched_sw*`}, "sched:sched_bare sched:sched_switch"},
		{[]string{"n?d:*", "sched_s*"}, "nbd:request sched:sched_switch"},
		{[]string{"sched:*", "irq:*"}, `no event "irq:*" in 6.1.0-1`},
		{[]string{"[z"}, `pattern "[z": syntax error in pattern`},
	} {
		events, err := k.Events(ctx, test.patterns...)
		got := names(events)
		if err != nil {
			got = err.Error()
		}
		if got != test.want {
			t.Errorf("%v: %s, want %s", test.patterns, got, test.want)
		}
	}
	for _, test := range []struct{ name, want string }{
		{"sched:sched_switch", "sched:sched_switch"},
		{"sched_switch", "sched:sched_switch"},
		{"nbd:request", "nbd:request"},
		{"request", `event "request" is ambiguous: mmc:request, nbd:request`},
		{"sched_swich", `no event "sched_swich" in 6.1.0-1; did you mean sched_switch?`},
		{"mmc:requets", `no event "mmc:requets" in 6.1.0-1; did you mean mmc:request?`},
	} {
		e, err := k.Event(ctx, test.name)
		got := ""
		if err != nil {
			got = err.Error()
		} else {
			got = e.FullName()
		}
		if got != test.want {
			t.Errorf("%s: %s, want %s", test.name, got, test.want)
		}
	}
}

func TestTypes(t *testing.T) {
	ctx := context.Background()
	db := openTemp(t)
	put(t, db, sample("6.1.0-1", 0))
	k := kernel(t, db, "")
	for _, test := range []struct{ name, want string }{
		{"page", "struct page"}, {"struct page", "struct page"}, {" struct   page ", "struct page"},
		{"colour", "enum colour"}, {"page_t", "page_t"}, {"int", "int"},
		{"struct pag", `no type "struct pag" in 6.1.0-1; did you mean struct page?`},
	} {
		got := ""
		if typ, err := k.Type(ctx, test.name); err != nil {
			got = err.Error()
		} else {
			got = typ.Name
		}
		if got != test.want {
			t.Errorf("%q: %s, want %s", test.name, got, test.want)
		}
	}
	if names, err := k.TypeNames(ctx, "*page*"); err != nil || !slices.Equal(names, []string{"page_t", "struct page"}) {
		t.Errorf("*page*: %v (%v)", names, err)
	}
	if typ, err := k.TypeIfKnown(ctx, "nothing"); typ != nil || err != nil {
		t.Errorf("a type that is not there: %v (%v)", typ, err)
	}
}

func TestMember(t *testing.T) {
	ctx := context.Background()
	db := openTemp(t)
	put(t, db, sample("6.1.0-1", 0))
	k := kernel(t, db, "")
	for _, test := range []struct {
		typ, path string
		want      Place
	}{
		{"page", "flags", Place{Type: "int", Offset: 0, Size: 4, BitSize: 3}},
		{"page", "locked", Place{Type: "int", Offset: 0, Size: 4, BitOffset: 3, BitSize: 1}},
		{"page", "next", Place{Type: "struct page *", Offset: 8, Size: 8}},
		{"page", "order", Place{Type: "int", Offset: 12, Size: 4}},
		{"page", "deep", Place{Type: "int", Offset: 16, Size: 4}},
		{"page", "grid[1]", Place{Type: "int[3]", Offset: 32, Size: 12}},
		{"page", "grid[1][2]", Place{Type: "int", Offset: 40, Size: 4}},
		{"page", "table[1].deep", Place{Type: "int", Offset: 56, Size: 4}},
		{"page", "pairs[1].high", Place{Type: "u16", Offset: 50, Size: 2}},
		{"page_t", "next", Place{Type: "struct page *", Offset: 8, Size: 8}},
		{"pair_t", "[1].low", Place{Type: "u16", Offset: 4, Size: 2}},
	} {
		got, err := k.Member(ctx, test.typ, test.path)
		got.Anon = nil
		if err != nil || got != test.want {
			t.Errorf("%s.%s: %+v (%v), want %+v", test.typ, test.path, got, err, test.want)
		}
	}
	for _, test := range []struct{ typ, path, want string }{
		{"page", "flgas", `no member "flgas" in struct page; did you mean flags?`},
		{"page", "next.order", "struct page.next is a pointer (struct page *): what it points at lies elsewhere; ask for struct page"},
		{"page", "grid[2]", "index [2] is beyond the array int[2][3]"},
		{"page", "grid[x]", "index [x] is not a number"},
		{"page", "deep.er", "struct page.deep is int, which has no members"},
		{"page", "deep[0]", "int is not an array: [0] does not apply"},
		{"loop_a", "x", "typedefs without end"},
		{"loop_a", "[0]", "typedefs without end"},
		{"page", "..x", "empty member name"},
	} {
		if _, err := k.Member(ctx, test.typ, test.path); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s.%s: %v, want %s", test.typ, test.path, err, test.want)
		}
	}
}

// Another program sees only whole kernels, and does not disturb.
func TestReadersBesideAWriter(t *testing.T) {
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "cache.db")
	writer := openAt(t, path)
	put(t, writer, sample("6.1.0-1", 0))
	reader := openAt(t, path, ReadOnly())
	k := kernel(t, reader, "6.1.0-1")
	tx, err := writer.writer.BeginTx(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.ExecContext(ctx, "DELETE FROM kernel"); err != nil {
		t.Fatal(err)
	}
	whole(t, k, sample("6.1.0-1", 0))
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	if _, err := reader.Put(ctx, sample("6.1.0-2", 1)); !errors.Is(err, ErrReadOnly) {
		t.Errorf("writing where reading was asked for: %v", err)
	}
}
