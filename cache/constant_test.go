package cache

import (
	"context"
	"strings"
	"testing"
)

func TestEnumerator(t *testing.T) {
	ctx := context.Background()
	db := openTemp(t)
	put(t, db, sample("6.1.0-1-amd64", 0))
	k := kernel(t, db, "")
	for name, want := range map[string]int64{"RED": -2, "BLUE": 1 << 40} {
		if got, known, err := k.Enumerator(ctx, name); got != want || !known || err != nil {
			t.Errorf("%s: %d, %v, %v; want %d", name, got, known, err, want)
		}
	}
	for _, name := range []string{"RE", "REDD", "", "colour", "flags"} {
		if got, known, err := k.Enumerator(ctx, name); known || err != nil {
			t.Errorf("%q: %d, %v, %v; want nothing", name, got, known, err)
		}
	}
}

func TestIdentity(t *testing.T) {
	db := openTemp(t)
	put(t, db, sample("6.1.0-1-amd64", 0))
	k := kernel(t, db, "")
	if got := k.Identity(); got.Release != "6.1.0-1-amd64" || got.WordSize != 8 || got.ID != k.Info().ID {
		t.Errorf("%+v", got)
	}
}

// A type that is not there is told with what would help, and an error of a
// name has its neighbours.
func TestWhatIsMissing(t *testing.T) {
	ctx := context.Background()
	db := openTemp(t)
	put(t, db, sample("6.1.0-1-amd64", 0))
	k := kernel(t, db, "")
	found, err := k.Header(ctx, []string{"linux/a.h", "linux/b.h"}, "gadget")
	if found != nil || err == nil || !strings.Contains(err.Error(), `no type "gadget"`) || !strings.Contains(err.Error(), "<linux/a.h>, <linux/b.h>") || !strings.Contains(err.Error(), "tpinfo extract") {
		t.Errorf("%v, %v", found, err)
	}
	_, err = k.Event(ctx, "sched_swich")
	missing, ok := err.(interface{ Suggestions() []string })
	if !ok || len(missing.Suggestions()) == 0 || missing.Suggestions()[0] != "sched_switch" {
		t.Errorf("%v suggests %v", err, missing)
	}
}
