package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tpinfo/tpinfo/cmd/tpinfo/cli"
	"github.com/tpinfo/tpinfo/fixtures/packed"
	"github.com/tpinfo/tpinfo/fixtures/tier"
)

// The keys of every command's lines, in their order: those and no others,
// whatever there is to say.
var jsonKeys = map[string]string{
	"extract":        "schema kernel id tree status events complete not_built types new_layouts seconds",
	"kernels":        "schema id release releases arch byte_order word_size source compiler tree extracted superseded problems events complete types own_bytes",
	"kernels failed": "schema key release arch subject reason supply tools tries when",
	"list":           "schema kernel system name class header source args record problems",
	"show":           "schema kernel system name class header source args record problems",
	"type":           "schema kernel kind name size encoding of anon members enumerators",
	"type member":    "schema kernel path type offset size bit_offset bit_size",
	"verify":         "schema kernel compares compared agreed disagreements only_here only_there",
	"compile":        "schema kernel id output programs facts",
	"diff":           "schema from to part how event type name before after shifted why",
	"history":        "schema event from to flavours kernels present why changes layout",
	"check":          "schema kernel id arch verdict baseline points reasons",
	"cache stats":    "schema file_schema path bytes kernels events types event_uses type_uses failures content",
	"cache verify":   "schema path faults",
	"cache merge":    "schema file kernels grown known releases layouts failures signer verified",
	"cache export":   "schema file kernels bytes signer",
	"cache gc":       "schema kernels layouts before after dry_run removed",
	"cache remove":   "schema kernel id releases",
	"version":        "schema version revision go platform overrides",
}

// Of what stands inside of a line.
var innerKeys = map[string]string{
	"problems": "code subject message supply",
	"changes":  "part how event type name before after shifted why",
	"points":   "point line verdict",
	"reasons":  "file line column width message hint level",
	"removed":  "kernel id",
}

func TestJSONKeys(t *testing.T) {
	tier.NeedTool(t, "gcc", "gcc")
	tree, err := filepath.Abs("../../fixtures/tree")
	if err != nil {
		t.Fatal(err)
	}
	formats, err := filepath.Abs("testdata/json/tracefs")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	for _, dir := range []string{"debs", "bad"} {
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	packed.Write(t, "debs", packed.Kernel{ABI: "6.18.0-1", Flavour: "tiny", Arch: "amd64", Replace: []string{"char name[56]", "char name[60]", "bool awake),", "long awake),"}})
	packed.Write(t, "bad", packed.Kernel{ABI: "6.18.0-2", Flavour: "tiny", Arch: "amd64", Replace: []string{"struct module {", "struct module { junk"}})
	const key = "key.pem"
	if err := os.WriteFile(key, []byte(testKey), 0o600); err != nil {
		t.Fatal(err)
	}
	line := func(form string, lines int, args ...string) {
		t.Helper()
		var out, errs bytes.Buffer
		status := run(t.Context(), append(args, "-f", "json", "--cache", "a.db"), cli.Streams{In: strings.NewReader(""), Out: &out, Err: &errs})
		if status > exitFailed || out.Len() == 0 {
			t.Errorf("tpinfo %s: status %d, %q, %s", strings.Join(args, " "), status, &out, &errs)
			return
		}
		got := strings.Split(strings.TrimSpace(out.String()), "\n")
		if lines > 0 && len(got) != lines {
			t.Errorf("tpinfo %s: %d lines, want %d", strings.Join(args, " "), len(got), lines)
		}
		for _, l := range got {
			checkKeys(t, strings.Join(args, " "), []byte(l), jsonKeys[form])
		}
	}
	line("extract", 1, "extract", tree)
	do(t, exitDone, "prebuild", "-q", "--cache", "a.db", "debs")
	do(t, exitFailed, "prebuild", "-q", "--cache", "a.db", "bad")
	line("kernels", 2, "kernels")
	line("kernels failed", 1, "kernels", "--failed")
	const tiny = "6.17.0-tiny"
	line("list", 41, "list", "-k", tiny)
	line("show", 1, "show", "early_bird", "-k", tiny)
	line("type", 0, "type", "*", "-k", tiny)
	line("type member", 1, "type", "module.name", "-k", tiny)
	line("type member", 1, "type", "module.going", "-k", tiny)
	line("verify", 1, "verify", "--tracefs", formats, "-k", tiny)
	line("compile", 1, "compile", "-e", `probe kernel.trace("early_bird") { println($awake) }`, "-o", "x.o", "-k", tiny)
	line("compile", 1, "compile", "-e", `probe begin { println(1) }`, "-o", "x.o", "-k", tiny)
	line("diff", 0, "diff", tiny, "6.18*")
	line("diff", 0, "diff", tiny, "6.18*", "--type", "module", "-v")
	line("history", 0, "history", "*")
	line("check", 2, "check", "-e", `probe kernel.trace("early_bird") { println($awake) }`)
	line("check", 2, "check", "-e", `probe kernel.trace("early_bird") { println($awoke) }`)
	line("cache stats", 1, "cache", "stats")
	line("cache verify", 1, "cache", "verify")
	line("cache export", 1, "cache", "export", "-o", "plain.tpz")
	line("cache export", 1, "cache", "export", "-o", "signed.tpz", "--sign", key)
	line("cache merge", 2, "cache", "merge", "plain.tpz", "signed.tpz")
	line("cache merge", 2, "cache", "import", "plain.tpz", "signed.tpz")
	line("cache gc", 1, "cache", "gc")
	line("cache gc", 1, "cache", "gc", "-k", "6.17*", "--dry-run")
	line("cache remove", 2, "cache", "remove", tiny, "6.18*")
	line("cache gc", 1, "cache", "gc")
	line("cache stats", 1, "cache", "stats")
	do(t, exitDone, "cache", "import", "-q", "--cache", "a.db", "plain.tpz")
	line("kernels", 2, "kernels")
	line("version", 1, "version")
}

// checkKeys looks at a line's keys, and at those of the lists in it.
func checkKeys(t *testing.T, command string, line []byte, want string) {
	t.Helper()
	if got := keysOf(t, line); got != want {
		t.Errorf("tpinfo %s: keys\n  %s, want\n  %s", command, got, want)
	}
	var values map[string]json.RawMessage
	if err := json.Unmarshal(line, &values); err != nil {
		t.Fatal(err)
	}
	for key, keys := range innerKeys {
		var list []json.RawMessage
		if err := json.Unmarshal(values[key], &list); values[key] != nil && (err != nil || list == nil) {
			t.Errorf("tpinfo %s: %s is no list: %s", command, key, values[key])
		}
		for _, item := range list {
			if got := keysOf(t, item); got != keys {
				t.Errorf("tpinfo %s: keys of %s\n  %s, want\n  %s", command, key, got, keys)
			}
		}
	}
	for _, key := range []string{"members", "enumerators", "supply", "flavours", "kernels", "how", "programs", "faults", "releases", "only_here"} {
		if slices.Contains(strings.Fields(want), key) && string(values[key]) == "null" {
			t.Errorf("tpinfo %s: %s is null, want []", command, key)
		}
	}
}

// keysOf are an object's keys, in their order.
func keysOf(t *testing.T, object []byte) string {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(object))
	if _, err := d.Token(); err != nil {
		t.Fatalf("%v: %s", err, object)
	}
	var keys []string
	for d.More() {
		key, err := d.Token()
		if err != nil {
			t.Fatalf("%v: %s", err, object)
		}
		keys = append(keys, key.(string))
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			t.Fatalf("%v: %s", err, object)
		}
	}
	return strings.Join(keys, " ")
}

// testKey is a key of these tests alone.
const testKey = `-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIO6RLGzjNr/FWcD9wJDdZUiojlqcb4z1MTH4uOEOJAqw
-----END PRIVATE KEY-----
`
