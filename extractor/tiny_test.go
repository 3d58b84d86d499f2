package extractor

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/fixtures/tier"
)

var update = flag.Bool("update", false, "write the golden files anew")

// tinyTree is the tree that has everything once.
const tinyTree = "../fixtures/tree"

// extractTiny extracts a tree with a compiler that has to be there.
func extractTiny(t *testing.T, tree, cc string) *tpinfo.Snapshot {
	t.Helper()
	tier.NeedTool(t, cc, cc)
	snap, err := Extract(context.Background(), Request{Tree: tree, CC: cc})
	if err != nil {
		t.Fatalf("extracting with %s: %v", cc, err)
	}
	return snap
}

// golden compares lines of JSON with a file under testdata.
func golden[T any](t *testing.T, name string, values []T) {
	t.Helper()
	var got bytes.Buffer
	e := json.NewEncoder(&got)
	e.SetEscapeHTML(false)
	for i := range values {
		if err := e.Encode(values[i]); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got.String()); diff != "" {
		t.Errorf("%s differs (-want +got); go test ./extractor -update writes it anew:\n%s", path, diff)
	}
}

// Every macro and every kind of field of the tiny tree, from gcc and from
// clang: the same, and as the golden files say.
func TestTinyTree(t *testing.T) {
	for _, cc := range []string{"gcc", "clang"} {
		t.Run(cc, func(t *testing.T) {
			snap := extractTiny(t, tinyTree, cc)
			if cc == "clang" {
				// The golden files quote gcc.
				for i := range snap.Events {
					for j := range snap.Events[i].Problems {
						p := &snap.Events[i].Problems[j]
						p.Message = strings.Replace(p.Message, "array has incomplete", "array type has incomplete", 1)
					}
				}
			}
			golden(t, "tiny-events.jsonl", snap.Events)
			golden(t, "tiny-types.jsonl", snap.Types)
			golden(t, "tiny-problems.jsonl", snap.Kernel.Problems)
		})
	}
}

// The golden files could be written wrong; these are the facts that a reader
// of the tiny tree can see for himself.
func TestTinyFacts(t *testing.T) {
	snap := extractTiny(t, tinyTree, "gcc")
	if got, want := snap.Kernel.Release, "6.17.0-tiny"; got != want {
		t.Errorf("release %q, want %q", got, want)
	}
	event := func(name string) *tpinfo.Tracepoint {
		t.Helper()
		for i := range snap.Events {
			if snap.Events[i].FullName() == name {
				return &snap.Events[i]
			}
		}
		t.Fatalf("no event %s", name)
		return nil
	}
	field := func(e *tpinfo.Tracepoint, name string) tpinfo.Field {
		t.Helper()
		for _, f := range e.Record.Fields {
			if f.Name == name {
				return f
			}
		}
		t.Fatalf("%s has no field %s", e.FullName(), name)
		return tpinfo.Field{}
	}

	if e := event("early:early_bird"); e.Header != "include/trace/events/early.h" || !e.Complete() {
		t.Errorf("an event of a header that the prefix reads: header %q, complete %v", e.Header, e.Complete())
	}
	all := event("fields:all_fields")
	for _, want := range []tpinfo.Field{
		{Name: "ext", Type: "u64", Offset: 16, Size: 8},
		{Name: "comm", Type: "char[16]", Offset: 50, Size: 16}, // char is unsigned from 6.2 on
		{Name: "list_of", Type: "u32[]", Offset: 72, Size: 4, Location: tpinfo.DataLoc},
		{Name: "rel_list", Type: "s32[]", Offset: 100, Size: 4, Signed: true, Location: tpinfo.RelLoc},
		{Name: "last", Type: "bool", Offset: 136, Size: 1},
	} {
		if got := field(all, want.Name); got != want {
			t.Errorf("field %s: %+v, want %+v", want.Name, got, want)
		}
	}
	args := event("fields:all_arguments").Args
	if len(args) != 14 {
		t.Fatalf("%d arguments, want 14", len(args))
	}
	if want := (tpinfo.Arg{Name: "call", Type: "int (*)(struct module *, const char *)", Offset: 80, Size: 8}); args[10] != want {
		t.Errorf("argument call: %+v, want %+v", args[10], want)
	}
	secret := event("private:private_value")
	if a := secret.Args[1]; a.Size.Known() || a.Type != "hidden_t" || a.Offset != 8 {
		t.Errorf("argument of a private type: %+v, want its slot, its type, no size", a)
	}
	if a := secret.Args[2]; a.Offset != 16 || a.Size != 4 {
		t.Errorf("argument behind one of a private type: %+v", a)
	}
	if f := field(secret, "before"); f.Offset != 8 || f.Size != 4 {
		t.Errorf("field before one of a private type: %+v", f)
	}
	if f := field(secret, "after"); f.Offset.Known() || f.Size != 4 {
		t.Errorf("field behind one of a private type: %+v, want its size and no offset", f)
	}
	if secret.Record.Size.Known() {
		t.Errorf("a record with a field of a private type has size %s", secret.Record.Size)
	}
	broken := event("broken:is_broken")
	if len(broken.Args) != 1 || broken.Record == nil || broken.Record.Size.Known() {
		t.Errorf("an event whose record does not compile keeps its arguments, and has an unknown record: %+v", broken)
	}
	for i := range snap.Events {
		e := &snap.Events[i]
		if e.Complete() != (len(e.Problems) == 0) {
			t.Errorf("%s: complete %v with problems %v", e.FullName(), e.Complete(), e.Problems)
		}
	}
	silent := slices.ContainsFunc(snap.Kernel.Problems, func(p tpinfo.Problem) bool {
		return p.Code == tpinfo.HeaderSilent && p.Subject == "include/trace/events/silent.h"
	})
	if !silent {
		t.Errorf("nothing says that silent.h defines no event: %v", snap.Kernel.Problems)
	}
}

// What stands for something unknown is not handed out as a type.
func TestNothingOfOurs(t *testing.T) {
	snap := extractTiny(t, tinyTree, "gcc")
	text, err := json.Marshal(snap)
	if err != nil {
		t.Fatal(err)
	}
	if i := bytes.Index(text, []byte("__tpinfo")); i >= 0 {
		t.Errorf("a name of the override headers shows: …%s…", text[max(i-80, 0):min(i+80, len(text))])
	}
	if bytes.Contains(text, []byte("1048579")) {
		t.Error("the size that stands for an unknown one shows")
	}
}
