package cache

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"testing"

	"github.com/tpinfo/tpinfo"
)

// Every release of every kernel is there, the oldest first, and what selectors
// name is what comes.
func TestReleases(t *testing.T) {
	ctx := context.Background()
	db := openTemp(t)
	var missing *NotFoundError
	if _, err := db.Releases(ctx); !errors.As(err, &missing) || missing.Name != "" {
		t.Errorf("empty: %v, want that it is", err)
	}
	put(t, db, renamed(sample("", 0), "6.1.0-56-amd64", 1))
	put(t, db, renamed(sample("", 0), "6.1.0-9-amd64", 2)) // the same content
	put(t, db, renamed(sample("", 0), "6.1.0-9-amd64", 3)) // once more
	put(t, db, renamed(sample("", 1), "5.10.0-46-amd64", 2))
	other := renamed(sample("", 2), "6.1.0-9-amd64", 2) // other content, of another folder
	other.Kernel.Tree = "/home/me/linux"
	put(t, db, other)
	id := sample("", 1).Kernel.ID
	for _, test := range []struct {
		selectors, want []string
	}{
		{nil, []string{"5.10.0-46-amd64", "6.1.0-9-amd64", "6.1.0-9-amd64", "6.1.0-56-amd64"}},
		{[]string{"6.1.0-9-amd64"}, []string{"6.1.0-9-amd64", "6.1.0-9-amd64"}},
		{[]string{"6.1*", "5.10.0-46-amd64", "6.1.0-5*"}, []string{"5.10.0-46-amd64", "6.1.0-9-amd64", "6.1.0-9-amd64", "6.1.0-56-amd64"}},
		{[]string{id}, []string{"5.10.0-46-amd64"}},
	} {
		found, err := db.Releases(ctx, test.selectors...)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, k := range found {
			got = append(got, k.Info().Release)
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%q: %q, want %q", test.selectors, got, test.want)
		}
	}
	_, err := db.Releases(ctx, "5.10*", "6.1.0-57-amd64")
	if !errors.As(err, &missing) || missing.Name != "6.1.0-57-amd64" || !slices.Contains(missing.Near, "6.1.0-56-amd64") {
		t.Errorf("%v, want that 6.1.0-57-amd64 is not there and 6.1.0-56-amd64 near", err)
	}
	if _, err := db.Releases(ctx, "["); !errors.Is(err, path.ErrBadPattern) {
		t.Errorf("%v, want a bad pattern", err)
	}
}

func TestEventIn(t *testing.T) {
	ctx := context.Background()
	db := openTemp(t)
	first, second, third := renamed(sample("", 0), "1.0", 1), renamed(sample("", 1), "2.0", 1), renamed(sample("", 2), "3.0", 1)
	third.Events = third.Events[1:] // without mmc:request
	image := renamed(sample("", 3), "4.0", 1)
	image.Events = []tpinfo.Tracepoint{{Name: "request", Source: tpinfo.FromBTF, Args: []tpinfo.Arg{}}}
	for _, s := range []*tpinfo.Snapshot{first, second, third, image} {
		put(t, db, s)
	}
	kernels, err := db.Releases(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string][]string{
		"sched_switch":       {"sched:sched_switch", "sched:sched_switch", "sched:sched_switch", "-"},
		"sched:sched_switch": {"sched:sched_switch", "sched:sched_switch", "sched:sched_switch", "-"},
		"mmc:request":        {"mmc:request 16", "mmc:request 17", "-", "request"},
		"nbd:request":        {"nbd:request", "nbd:request", "nbd:request", "request"},
	} {
		found, err := db.EventIn(ctx, name, kernels)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, e := range found {
			switch {
			case e == nil:
				got = append(got, "-")
			case e.System == "mmc":
				got = append(got, fmt.Sprintf("%s %s", e.FullName(), e.Record.Size))
			default:
				got = append(got, e.FullName())
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if found, err := db.EventIn(ctx, "sched_switch", kernels[:2]); err != nil || found[0] != found[1] {
		t.Errorf("%p and %p (%v), want one value for one layout", found[0], found[1], err)
	}
	for pattern, want := range map[string][]string{
		"*:request":  {"mmc:request", "nbd:request"},
		"req*":       {"mmc:request", "nbd:request"}, // the image's, without a system, is among them
		"sched:*":    {"sched:sched_bare", "sched:sched_switch"},
		"[mn]*:*re*": {"mmc:request", "nbd:request"},
	} {
		if names, err := db.EventNamesIn(ctx, pattern, kernels); err != nil || !slices.Equal(names, want) {
			t.Errorf("%s: %q (%v), want %q", pattern, names, err, want)
		}
	}
	if names, err := db.EventNamesIn(ctx, "req*", kernels[3:]); err != nil || !slices.Equal(names, []string{"request"}) {
		t.Errorf("req* where no system is known: %q (%v)", names, err)
	}
	if _, err := db.EventNamesIn(ctx, "[", kernels); !errors.Is(err, path.ErrBadPattern) {
		t.Errorf("%v, want a bad pattern", err)
	}
	var nothing *NotFoundError
	if names, err := db.EventNamesIn(ctx, "mmc:*", kernels[2:]); !errors.As(err, &nothing) {
		t.Errorf("mmc:* where no kernel has it: %q (%v)", names, err)
	}
	var many *AmbiguousError
	if _, err := db.EventIn(ctx, "request", kernels); !errors.As(err, &many) || !slices.Equal(many.Matches, []string{"mmc:request", "nbd:request"}) {
		t.Errorf("request: %v, want both systems", err)
	}
	var missing *NotFoundError
	for name, in := range map[string]int{"sched_swich": 4, "sched:sched_swich": 1} {
		if _, err := db.EventIn(ctx, name, kernels[:in]); !errors.As(err, &missing) || len(missing.Near) == 0 {
			t.Errorf("%s: %v, want the nearest name", name, err)
		}
	}
	if _, err := db.EventIn(ctx, "mmc:request", kernels[2:3]); !errors.As(err, &missing) {
		t.Errorf("mmc:request in a kernel without it: %v", err)
	}
}
