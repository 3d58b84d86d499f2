package btf

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/fixtures/kernels"
	"github.com/tpinfo/tpinfo/fixtures/tier"
)

// paholeStructs are large, or have what is hard: bitfields among plain
// members, unnamed unions in unnamed structs, function pointers.
var paholeStructs = []string{
	"task_struct", "sk_buff", "page", "inode", "dentry", "file", "super_block", "mm_struct", "net_device", "sock",
	"bio", "request", "request_queue", "cred", "module", "signal_struct", "trace_entry", "trace_event_raw_sched_switch",
	"iphdr", "tcphdr", "file_operations",
}

// pahole reads the same BTF without any code of ours.
func TestAgainstPahole(t *testing.T) {
	tier.Need(t, tier.Trees)
	tier.NeedTool(t, "pahole", "dwarves")
	for _, series := range []string{"5.10", "6.1"} {
		t.Run(series, func(t *testing.T) {
			k := kernels.Get(t, kernels.Spec{Series: series}, kernels.Image)
			spec, err := Load(context.Background(), k.Image)
			if err != nil {
				t.Fatal(err)
			}
			if spec.Release() != k.Release || spec.WordSize() != 8 || spec.ByteOrder() != tpinfo.LittleEndian {
				t.Errorf("release %q, %d-byte words, %s-endian; want %q", spec.Release(), spec.WordSize(), spec.ByteOrder(), k.Release)
			}
			types, err := spec.Types()
			if err != nil {
				t.Fatal(err)
			}
			raw := rawOf(t, k.Image)
			for _, name := range paholeStructs {
				i := slices.IndexFunc(types, func(typ tpinfo.Type) bool { return typ.Name == "struct "+name })
				if i < 0 {
					t.Errorf("no struct %s", name)
					continue
				}
				size, members := pahole(t, raw, name)
				if types[i].Size != size {
					t.Errorf("struct %s: size %v, pahole says %v", name, types[i].Size, size)
				}
				if diff := cmp.Diff(members, places(&types[i], 0)); diff != "" {
					t.Errorf("struct %s, -pahole +read:\n%s", name, diff)
				}
			}
		})
	}
}

// rawOf unpacks the BTF of an image into a file that pahole can read.
func rawOf(t *testing.T, image string) string {
	t.Helper()
	data, err := os.ReadFile(image)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := (&Spec{}).find(context.Background(), data)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "raw")
	if err := os.WriteFile(path, raw, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

var (
	// "	unsigned int  sched_migrated:1;     /*  2340: 2  4 */", also with the
	// name inside: "	int  (*open)(struct inode *, struct file *); /* 104  8 */".
	paholeMember = regexp.MustCompile(`^\t+(.*);\s+/\*\s*(\d+)(?::\s*(\d+))?\s+(\d+) \*/$`)
	paholeName   = regexp.MustCompile(`^(\w+)(?:\[\d*\])*(?::(\d+))?$`)
	paholeFunc   = regexp.MustCompile(`\(\*+(?:const )?(\w+)(?:\[\d*\])*\)\(`)
	paholeSize   = regexp.MustCompile(`^\t/\* size: (\d+), `)
	paholeAlign  = regexp.MustCompile(` __attribute__\(\(.*\)\)`)
)

// pahole tells the size of a struct, and the place of every member that has a
// name, those of structs that are defined inside included: sorted.
func pahole(t *testing.T, raw, name string) (tpinfo.Bytes, []string) {
	t.Helper()
	out, err := exec.Command("pahole", "-F", "btf", "-C", name, raw).CombinedOutput()
	if err != nil {
		t.Fatalf("pahole %s: %v\n%s", name, err, out)
	}
	size := tpinfo.Unknown
	var members []string
	for line := range strings.Lines(string(out)) {
		line = strings.TrimRight(line, "\n")
		if m := paholeSize.FindStringSubmatch(line); m != nil {
			n, _ := strconv.Atoi(m[1])
			size = tpinfo.Bytes(n)
			continue
		}
		m := paholeMember.FindStringSubmatch(paholeAlign.ReplaceAllString(line, ""))
		if m == nil || strings.HasSuffix(m[1], "}") {
			continue
		}
		offset, _ := strconv.Atoi(m[2])
		bit, _ := strconv.Atoi(m[3])
		name, width := "", ""
		if f := paholeFunc.FindStringSubmatch(m[1]); f != nil {
			name = f[1]
		} else if f := paholeName.FindStringSubmatch(m[1][strings.LastIndexAny(m[1], " \t*")+1:]); f != nil {
			name, width = f[1], f[2]
		}
		members = append(members, place(name, 8*offset+bit, width, m[4]))
	}
	slices.Sort(members)
	return size, members
}

func place(name string, bit int, width, size string) string {
	if width != "" {
		return fmt.Sprintf("%s: %s bits from bit %d", name, width, bit)
	}
	return fmt.Sprintf("%s: %s bytes from byte %d", name, size, bit/8)
}

// places is what pahole would say, of what was read.
func places(def *tpinfo.Type, base tpinfo.Bytes) []string {
	var out []string
	for i := range def.Members {
		m := &def.Members[i]
		width := ""
		if m.BitSize > 0 {
			width = strconv.Itoa(m.BitSize)
		}
		if m.Name != "" {
			out = append(out, place(m.Name, 8*int(base+m.Offset)+m.BitOffset, width, m.Size.String()))
		}
		if m.Anon != nil && !strings.Contains(m.Type, "*") {
			out = append(out, places(m.Anon, base+m.Offset)...)
		}
	}
	slices.Sort(out)
	return out
}
