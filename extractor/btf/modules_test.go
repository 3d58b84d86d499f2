package btf

import (
	"bytes"
	"context"
	"encoding/binary"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	cbtf "github.com/cilium/ebpf/btf"
	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/gzip"

	"github.com/tpinfo/tpinfo"
)

// moduleBTF is the BTF of a module that has an event of its own. Ids and names
// go on where those of the image end (Documentation/bpf/btf.rst).
func moduleBTF(t *testing.T, event string) []byte {
	t.Helper()
	return moduleOf(t, event, event, 16)
}

// moduleOf has a class of another name, with records of a size.
func moduleOf(t *testing.T, event, class string, size uint32) []byte {
	t.Helper()
	spec, err := Parse(context.Background(), sampleBTF(t))
	if err != nil {
		t.Fatal(err)
	}
	image := spec.parts[0]
	idOf := func(name string, into any) uint32 {
		if err := image.spec.TypeByName(name, into); err != nil {
			t.Fatal(err)
		}
		var typ cbtf.Type
		switch p := into.(type) {
		case **cbtf.Struct:
			typ = *p
		case **cbtf.Int:
			typ = *p
		}
		id, err := image.spec.TypeID(typ)
		if err != nil {
			t.Fatal(err)
		}
		return uint32(id)
	}
	var st *cbtf.Struct
	var number *cbtf.Int
	entry, task, integer := idOf("trace_entry", &st), idOf("task_struct", &st), idOf("int", &number)
	first := uint32(image.end)
	names := binary.LittleEndian.Uint32(sampleBTF(t)[20:])
	m := names + 1
	return splitBTF(binary.LittleEndian, names, []rawType{
		{kind: kindPointer, size: task}, // first
		{kind: kindFuncProto, members: 2, size: integer, rest: []uint32{m, first, m, first}}, // first + 1
		{name: iterPrefix + event, kind: kindFunc, size: first + 1},
		{name: recordPrefix + class, kind: kindStruct, members: 2, size: size, rest: []uint32{m, entry, 0, m, first, 64}},
	})
}

// sysfs makes a folder that shows the given blobs.
func sysfs(t *testing.T, blobs map[string][]byte) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "kernel", "btf"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, data := range blobs {
		if err := os.WriteFile(filepath.Join(dir, "kernel", "btf", name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestRunningModules(t *testing.T) {
	ctx := context.Background()
	zebra := moduleBTF(t, "stripes")
	dangling := slices.Clone(zebra)
	binary.LittleEndian.PutUint32(dangling[24+8:], 1<<20) // what the first type points to
	dir := sysfs(t, map[string][]byte{
		"vmlinux": sampleBTF(t), "zebra": zebra, "ant": moduleBTF(t, "legs"),
		"torn": zebra[:len(zebra)/2], "dangling": dangling, "empty": nil,
	})
	spec, err := Running(ctx, dir)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"ant", "zebra"}, spec.Modules()); diff != "" {
		t.Errorf("modules, -want +got:\n%s", diff)
	}
	var skipped []string
	for _, p := range spec.Problems() {
		skipped = append(skipped, p.Subject)
		if p.Code != tpinfo.InputSkipped || !strings.HasPrefix(p.Message, "BTF of the module: "+ErrDamaged.Error()) {
			t.Errorf("problem %+v", p)
		}
	}
	if diff := cmp.Diff([]string{"dangling", "empty", "torn"}, skipped); diff != "" {
		t.Errorf("modules left out, -want +got:\n%s", diff)
	}
	tp, err := spec.Tracepoints()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for i := range tp.Events {
		names = append(names, tp.Events[i].Name)
	}
	if diff := cmp.Diff([]string{"legs", "older", "stripes", "wakeup"}, names); diff != "" {
		t.Fatalf("events, -want +got:\n%s", diff)
	}
	legs := tp.Events[0]
	// Its types are the image's.
	if diff := cmp.Diff([]tpinfo.Arg{{Name: "m", Type: "struct task_struct *", Size: 8}}, legs.Args); diff != "" {
		t.Errorf("arguments of legs, -want +got:\n%s", diff)
	}
	if legs.Class != "legs" || legs.Record == nil || legs.Record.Size != 16 || len(legs.Record.Fields) != 5 {
		t.Errorf("legs has class %q and record %+v", legs.Class, legs.Record)
	} else if f := legs.Record.Fields[4]; f.Name != "m" || f.Type != "struct task_struct *" || f.Offset != 8 {
		t.Errorf("the field of legs: %+v", f)
	}
	types, err := spec.Types()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"struct trace_event_raw_legs", "struct trace_event_raw_stripes", "struct task_struct"} {
		if n := len(slices.DeleteFunc(slices.Clone(types), func(typ tpinfo.Type) bool { return typ.Name != name })); n != 1 {
			t.Errorf("%d definitions of %s", n, name)
		}
	}
}

// Two modules may each have a class of one name, as bcache and bcachefs do; one
// that has none uses the image's.
func TestRecordOf(t *testing.T) {
	spec, err := Running(context.Background(), sysfs(t, map[string][]byte{
		"vmlinux": sampleBTF(t), "a": moduleOf(t, "first", "shared", 16), "b": moduleOf(t, "second", "shared", 24),
	}))
	if err != nil {
		t.Fatal(err)
	}
	tp, err := spec.Tracepoints()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		event, class string
		size         tpinfo.Bytes
	}{
		{"first", "shared", 16}, {"second", "shared", 24}, {"elsewhere", "shared", 16},
		{"second", "wakeup", tp.Records["wakeup"].Size},
	} {
		if r := tp.RecordOf(c.event, c.class); r == nil || r.Size != c.size {
			t.Errorf("record %s of %s: %+v, want %s bytes", c.class, c.event, r, c.size)
		}
	}
	if r := tp.RecordOf("first", "none"); r != nil {
		t.Errorf("record of a class that is not there: %+v", r)
	}
}

// Module files, as a package installs them.
func TestWithModules(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	write := func(name string, data []byte) string {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	image := write("boot/vmlinux", elfWith(".BTF", sampleBTF(t), ""))
	zebra := moduleBTF(t, "stripes")
	quiet := bytes.ReplaceAll(zebra, []byte(iterPrefix), []byte("__nothing___"))
	var packed bytes.Buffer
	packWith(t, gzip.NewWriter(&packed), &packed, elfWith(".BTF", moduleBTF(t, "legs"), ""))
	write("lib/kernel/zebra-horse.ko", elfWith(".BTF", zebra, ""))
	write("lib/kernel/sub/ant.ko.gz", packed.Bytes())
	write("lib/kernel/quiet.ko", elfWith(".BTF", quiet, ""))
	write("lib/kernel/bare.ko", elfWith(".text", nil, ""))
	write("lib/kernel/torn.ko", elfWith(".BTF", zebra[:len(zebra)-20], ""))
	write("lib/modules.order", []byte("kernel/zebra-horse.ko\n"))
	write("lib/other.kop", zebra)
	spec, err := WithModules(ctx, image, filepath.Join(dir, "lib"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"ant", "zebra_horse"}, spec.Modules()); diff != "" {
		t.Errorf("modules, -want +got:\n%s", diff)
	}
	if p := spec.Problems(); len(p) != 1 || p[0].Subject != "torn" || p[0].Code != tpinfo.InputSkipped {
		t.Errorf("problems %v, want that torn.ko is damaged", p)
	}
	tp, err := spec.Tracepoints()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for i := range tp.Events {
		names = append(names, tp.Events[i].Name)
	}
	if diff := cmp.Diff([]string{"legs", "older", "stripes", "wakeup"}, names); diff != "" {
		t.Errorf("events, -want +got:\n%s", diff)
	}
	alone, err := Load(ctx, image)
	if err != nil {
		t.Fatal(err)
	}
	if alone.Digest() == spec.Digest() {
		t.Error("the digest does not tell the modules")
	}
	of, err := spec.Image().Types()
	if err != nil {
		t.Fatal(err)
	}
	all, err := spec.Types()
	if err != nil {
		t.Fatal(err)
	}
	if n := len(all) - len(of); n != 2 {
		t.Errorf("the modules have %d types of their own, want 2, their records", n)
	}
	if _, err := WithModules(ctx, image, filepath.Join(dir, "nowhere")); err == nil {
		t.Error("a folder that is not there is read")
	}
}

// The digest tells when anything that was read changed, and only then.
func TestRunningDigest(t *testing.T) {
	digest := func(blobs map[string][]byte) string {
		spec, err := Running(context.Background(), sysfs(t, blobs))
		if err != nil {
			t.Fatal(err)
		}
		return spec.Digest()
	}
	image, module := sampleBTF(t), moduleBTF(t, "stripes")
	alone := digest(map[string][]byte{"vmlinux": image})
	with := digest(map[string][]byte{"vmlinux": image, "zebra": module})
	if alone == with {
		t.Error("a module more, and the digest stays")
	}
	if again := digest(map[string][]byte{"vmlinux": image, "zebra": module}); again != with {
		t.Error("the same, and the digest changes")
	}
	if renamed := digest(map[string][]byte{"vmlinux": image, "horse": module}); renamed == with {
		t.Error("another module of the same content, and the digest stays")
	}
	if broken := digest(map[string][]byte{"vmlinux": image, "zebra": module[:30]}); broken != alone {
		t.Error("a module that was not read changes the digest")
	}
}

// BTF of a big-endian machine of 32 bits. What is in it tells so.
func TestBigEndian(t *testing.T) {
	raw := rawBTF(binary.BigEndian, []rawType{
		{name: "long unsigned int", kind: kindInt, size: 4, rest: []uint32{32}},
		{kind: kindPointer, size: 1},
		// A bitfield's width is in the upper eight bits, where the flag says so.
		{name: "s", kind: 1<<7 | kindStruct, members: 3, size: 12, rest: []uint32{1, 1, 3 << 24, 1, 1, 29<<24 | 3, 1, 2, 32}},
	})
	spec, err := Parse(context.Background(), raw)
	if err != nil {
		t.Fatal(err)
	}
	if spec.ByteOrder() != tpinfo.BigEndian || spec.WordSize() != 4 {
		t.Errorf("%s-endian, %d-byte words", spec.ByteOrder(), spec.WordSize())
	}
	types, err := spec.Types()
	if err != nil {
		t.Fatal(err)
	}
	want := []tpinfo.Type{
		{Kind: tpinfo.KindStruct, Name: "struct s", Size: 12, Members: []tpinfo.Member{
			{Name: "m", Type: "unsigned long", Size: 4, BitSize: 3},
			{Name: "m", Type: "unsigned long", Size: 4, BitOffset: 3, BitSize: 29},
			{Name: "m", Type: "unsigned long *", Offset: 4, Size: 4},
		}},
		{Kind: tpinfo.KindBase, Name: "unsigned long", Size: 4, Encoding: tpinfo.EncUnsigned},
	}
	if diff := cmp.Diff(want, types); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
