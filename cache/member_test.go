package cache

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/fixtures/snapshots"
)

func TestMemberPaths(t *testing.T) {
	ctx := context.Background()
	db := openTemp(t)
	put(t, db, snapshots.Tangled())
	k := kernel(t, db, "")
	for _, test := range []struct {
		typ, path string
		want      Place
	}{
		{"tangle", "", Place{Type: "struct tangle", Offset: 0, Size: 200}},
		{"alias_t", "", Place{Type: "const link_t", Offset: 0, Size: 16}},
		{"alias_t", "next", Place{Type: "link_t *", Offset: 0, Size: 8}},
		{"tangle", "here.next", Place{Type: "link_t *", Offset: 8, Size: 8}},
		{"tangle", "here.low", Place{Type: "int", Offset: 16, Size: 4, BitSize: 3}},
		{"tangle", "here.high", Place{Type: "int", Offset: 17, Size: 4, BitOffset: 2, BitSize: 5}},
		{"tangle", "rows", Place{Type: "row_t[3]", Offset: 24, Size: 96}},
		{"tangle", "rows[2]", Place{Type: "row_t", Offset: 88, Size: 32}},
		{"tangle", "rows[2][1]", Place{Type: "alias_t", Offset: 104, Size: 16}},
		{"tangle", "rows[2][1].high", Place{Type: "int", Offset: 113, Size: 4, BitOffset: 2, BitSize: 5}},
		{"tangle", "rows[0x1][0].next", Place{Type: "link_t *", Offset: 56, Size: 8}},
		{"tangle", "one.inside", Place{Type: "int", Offset: 124, Size: 4}},
		{"unnamed_t", "inside", Place{Type: "int", Offset: 4, Size: 4}},
		{"tangle", "list[1]", Place{Type: "struct {...}", Offset: 136, Size: 8}},
		{"tangle", "list[1].a", Place{Type: "int", Offset: 136, Size: 4}},
		{"tangle", "list[1].b", Place{Type: "int", Offset: 140, Size: 4}},
		{"tangle", "list[1].bits", Place{Type: "int", Offset: 141, Size: 4, BitOffset: 6, BitSize: 2}},
		{"tangle", "calls[1]", Place{Type: "int (*)(void)", Offset: 160, Size: 8}},
		{"tangle", "links[1]", Place{Type: "struct link *", Offset: 176, Size: 8}},
		{"tangle", "secret", Place{Type: "hidden_t", Offset: 184, Size: tpinfo.Unknown}},
		{"tangle", "tail[0]", Place{Type: "long", Offset: 200, Size: 8}},
		{"tangle", "tail[1000]", Place{Type: "long", Offset: 8200, Size: 8}},
		// What nobody measured stays unknown however deep one goes.
		{"tangle", "nowhere", Place{Type: "struct link", Offset: tpinfo.Unknown, Size: 16}},
		{"tangle", "nowhere.next", Place{Type: "link_t *", Offset: tpinfo.Unknown, Size: 8}},
		{"tangle", "nowhere.high", Place{Type: "int", Offset: tpinfo.Unknown, Size: 4, BitOffset: 2, BitSize: 5}},
		{"tangle", "where.lost", Place{Type: "int[2]", Offset: tpinfo.Unknown, Size: 8}},
		{"tangle", "where.lost[1]", Place{Type: "int", Offset: tpinfo.Unknown, Size: 4}},
	} {
		got, err := k.Member(ctx, test.typ, test.path)
		got.Anon = nil
		if err != nil || got != test.want {
			t.Errorf("%s %q: %+v (%v), want %+v", test.typ, test.path, got, err, test.want)
		}
	}
}

func TestMemberErrors(t *testing.T) {
	ctx := context.Background()
	db := openTemp(t)
	put(t, db, snapshots.Tangled())
	k := kernel(t, db, "")
	for _, test := range []struct{ typ, path, want string }{
		{"tangle", "here.next.low", "struct tangle.here.next is a pointer (link_t *): what it points at lies elsewhere; ask for link_t"},
		{"tangle", "links[1].low", "struct tangle.links[1] is a pointer (struct link *): what it points at lies elsewhere; ask for struct link"},
		{"tangle", "links.low", "struct tangle.links is struct link *[2], which has no members"},
		{"tangle", "rows[1].low", "struct tangle.rows[1] is alias_t[2], which has no members"},
		{"tangle", "rows[1][0].low.x", "struct tangle.rows[1][0].low is int, which has no members"},
		{"tangle", "rows[3]", "index [3] is beyond the array row_t[3]"},
		{"tangle", "rows[0][2]", "index [2] is beyond the array row_t"},
		{"tangle", "rows[-1]", "index [-1] is not a number"},
		{"tangle", "rows[]", "index [] is not a number"},
		{"tangle", "rows[1", "index [1 lacks its ]"},
		{"tangle", "rows[[1]]", "index [[1] is not a number"},
		{"tangle", "rows[99999999999999999999]", "is not a number"},
		{"tangle", "tail[9223372036854775807]", "beyond any memory"},
		{"tangle", "here[0]", "alias_t is not an array: [0] does not apply"},
		{"tangle", "call[0]", "int (*)(void) is not an array"},
		{"tangle", "secrets[0]", "the size of hidden_t is not known"},
		{"tangle", "secret.x", `no type "struct hidden" in 6.1.0-1`},
		{"tangle", "odd.x", `type "["`},
		{"tangle", "odd[0]", `type "["`},
		{"tangle", "", ""},
		{"tangle", ".", "empty member name"},
		{"tangle", "here.", "empty member name"},
		{"tangle", "here..low", "empty member name"},
		{"self_t", "x", "self_t: typedefs without end"},
		{"self_t", "[1]", "typedefs without end"},
		{"int", "x", "int is int, which has no members"},
		{"tangel", "here", `no type "tangel" in 6.1.0-1; did you mean struct tangle?`},
	} {
		_, err := k.Member(ctx, test.typ, test.path)
		if test.want == "" {
			if err != nil {
				t.Errorf("%s %q: %v", test.typ, test.path, err)
			}
			continue
		}
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s %q: %v, want %s", test.typ, test.path, err, test.want)
		}
	}
	for _, test := range []struct {
		path, name, in string
		near           []string
	}{
		{"here.hihg", "hihg", "struct tangle.here", []string{"high"}},
		{"list[1].bist", "bist", "struct tangle.list[1]", []string{"bits"}},
		{"list[1].bit", "bit", "struct tangle.list[1]", []string{"bits"}},
		{"her", "her", "struct tangle", []string{"here", "nowhere", "where"}},
		{"zebra", "zebra", "struct tangle", nil},
	} {
		var missing *NotFoundError
		if _, err := k.Member(ctx, "tangle", test.path); !errors.As(err, &missing) {
			t.Errorf("%s: %v, want a NotFoundError", test.path, err)
			continue
		}
		if missing.What != "member" || missing.Name != test.name || missing.In != test.in || !slices.Equal(missing.Near, test.near) {
			t.Errorf("%s: %+v, want %q of %q near %v", test.path, missing, test.name, test.in, test.near)
		}
	}
}
