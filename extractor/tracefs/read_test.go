package tracefs

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/tpinfo/tpinfo"
)

// mount makes a folder that looks like tracefs; formats are by
// "SYSTEM/EVENT".
func mount(t *testing.T, formats map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for event, text := range formats {
		home := filepath.Join(dir, "events", filepath.FromSlash(event))
		if err := os.MkdirAll(home, 0o755); err != nil {
			t.Fatal(err)
		}
		for name, content := range map[string]string{"format": text, "id": "1\n", "enable": "0\n"} {
			if err := os.WriteFile(filepath.Join(home, name), []byte(content), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	return dir
}

const oneField = "	field:int a;	offset:8;	size:4;	signed:1;\n\nprint fmt: \"%d\", REC->a\n"

func names(events []tpinfo.Tracepoint) []string {
	var out []string
	for i := range events {
		out = append(out, events[i].FullName())
	}
	return out
}

func TestRead(t *testing.T) {
	dir := mount(t, map[string]string{
		"sched/sched_switch": header("sched_switch") + oneField,
		"sched/sched_wakeup": header("sched_wakeup") + oneField,
		"ftrace/function":    header("function") + oneField,
		// Two systems may have an event of one name.
		"other/sched_switch": header("sched_switch") + oneField,
	})
	// A system's folder holds files of its own, which are no events.
	if err := os.WriteFile(filepath.Join(dir, "events", "sched", "enable"), []byte("0\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	events, problems, err := Read(context.Background(), dir)
	if err != nil || len(problems) > 0 {
		t.Fatalf("error %v, problems %v", err, problems)
	}
	want := []string{"ftrace:function", "other:sched_switch", "sched:sched_switch", "sched:sched_wakeup"}
	if diff := gocmp.Diff(want, names(events)); diff != "" {
		t.Errorf("events, -want +got:\n%s", diff)
	}
	fields := append(common(), tpinfo.Field{Name: "a", Type: "int", Offset: 8, Size: 4, Signed: true})
	for i := range events {
		if diff := gocmp.Diff(fields, events[i].Record.Fields); diff != "" {
			t.Errorf("%s, -want +got:\n%s", events[i].FullName(), diff)
		}
	}
}

func TestReadLeavesOutBadFiles(t *testing.T) {
	dir := mount(t, map[string]string{
		"good/one":  header("one") + oneField,
		"bad/torn":  "name: torn\n\tfield:int a;\toff",
		"bad/empty": "",
		// The kernel has no such file; cutting it short would lose fields
		// without a word.
		"bad/huge": header("huge") + strings.Repeat("	field:int a;	offset:8;	size:4;	signed:1;\n", 1<<16),
	})
	// A dangling link is what an event of a module that goes away looks like.
	gone := filepath.Join(dir, "events", "good", "gone")
	if err := os.Mkdir(gone, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("nowhere", filepath.Join(gone, "format")); err != nil {
		t.Fatal(err)
	}
	// A folder in the file's place can be opened and not be read.
	if err := os.MkdirAll(filepath.Join(dir, "events", "bad", "folder", "format"), 0o755); err != nil {
		t.Fatal(err)
	}
	events, problems, err := Read(context.Background(), dir)
	if err != nil {
		t.Fatal(err)
	}
	if diff := gocmp.Diff([]string{"good:one"}, names(events)); diff != "" {
		t.Errorf("events, -want +got:\n%s", diff)
	}
	var subjects []string
	for _, p := range problems {
		subjects = append(subjects, p.Subject)
		event := strings.TrimPrefix(p.Subject, "bad:")
		why := map[string]string{"folder": "is a directory", "huge": "larger than 1048576 bytes"}[event]
		if p.Code != tpinfo.InputSkipped || !strings.Contains(p.Message, filepath.Join("bad", event, "format")) ||
			!strings.Contains(p.Message, cmp.Or(why, ErrFormat.Error())) {
			t.Errorf("problem of %s: %s %q; want the path and the reason", p.Subject, p.Code, p.Message)
		}
	}
	if diff := gocmp.Diff([]string{"bad:empty", "bad:folder", "bad:huge", "bad:torn"}, subjects); diff != "" {
		t.Errorf("problems, -want +got:\n%s", diff)
	}
}

func TestReadWithoutTracefs(t *testing.T) {
	dir := t.TempDir()
	_, _, err := Read(context.Background(), dir)
	if !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "mount -t tracefs tracefs "+dir) {
		t.Errorf("error %v does not tell how to mount tracefs", err)
	}
	// Without root, the folder is there and shows nothing.
	if err := os.Mkdir(filepath.Join(dir, "events"), 0o755); err != nil {
		t.Fatal(err)
	}
	if _, _, err := Read(context.Background(), dir); err == nil || !strings.Contains(err.Error(), "root") {
		t.Errorf("error %v does not tell that it takes root", err)
	}
}

func TestReadCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	events, _, err := Read(ctx, mount(t, map[string]string{"a/b": header("b") + oneField}))
	if !errors.Is(err, context.Canceled) || events != nil {
		t.Errorf("events %v, error %v", events, err)
	}
}
