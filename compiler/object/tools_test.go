package object_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/fixtures/tier"
)

// run runs a program that has to succeed without a word of complaint, and
// returns its output.
func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(name, args...)
	var out, complaints strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &complaints
	if err := cmd.Run(); err != nil || complaints.Len() > 0 {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, complaints.String())
	}
	return out.String()
}

// files writes the sample in both byte orders.
func files(t *testing.T) map[tpinfo.ByteOrder]string {
	paths := map[tpinfo.ByteOrder]string{}
	for _, order := range orders {
		paths[order] = filepath.Join(t.TempDir(), string(order)+".o")
		if err := os.WriteFile(paths[order], write(t, sample(order)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return paths
}

func expect(t *testing.T, output string, patterns ...string) {
	t.Helper()
	for _, p := range patterns {
		if !regexp.MustCompile("(?m)" + p).MatchString(output) {
			t.Errorf("no %q in:\n%s", p, output)
		}
	}
}

func TestReadelf(t *testing.T) {
	tier.NeedTool(t, "readelf", "binutils")
	data := map[tpinfo.ByteOrder]string{tpinfo.LittleEndian: "little endian", tpinfo.BigEndian: "big endian"}
	for order, path := range files(t) {
		out := run(t, "readelf", "-aW", path)
		if strings.Contains(out, "Warning") || strings.Contains(out, "Error") {
			t.Errorf("readelf complains:\n%s", out)
		}
		expect(t, out,
			`Data: +2's complement, `+data[order],
			`Type: +REL`,
			`Machine: +Linux BPF`,
			`raw_tp/sched_switch PROGBITS .* 000190 00  AX  0   0  8$`,
			`\.relraw_tp/sched_switch REL .* 10   I 10   1  8$`,
			`\.bss +NOBITS .* 000090 00  WA  0   0  8$`,
			`\.rodata +PROGBITS .* 000008 00   A  0   0  8$`,
			`\.maps +PROGBITS .* 000050 00  WA  0   0  8$`,
			`license +PROGBITS .* 000004 00  WA  0   0  1$`,
			`\.tpinfo +STRTAB .* 00      0   0  4$`,
			` 144 OBJECT  GLOBAL DEFAULT +3 tpinfo\.data$`,
			` 352 FUNC    GLOBAL DEFAULT +1 sched_switch$`,
			`0000000000000160 +48 FUNC    GLOBAL DEFAULT +1 sched_switch_2$`,
			` 32 OBJECT  GLOBAL DEFAULT +5 seen$`,
			`^0000000000000068 .* 0000000000000000 seen$`,
			`^00000000000000f0 .* 0000000000000040 tpinfo\.ring$`,
			`^0000000000000018 .* 0000000000000000 \.bss$`)
	}
}

func TestObjdump(t *testing.T) {
	tier.NeedTool(t, "llvm-objdump", "llvm")
	for _, path := range files(t) {
		expect(t, run(t, "llvm-objdump", "-dr", "--no-show-raw-insn", path),
			`<sched_switch>:$`,
			` 3:\s+r1 = 128 ll\n\s+0000000000000018:  R_BPF_64_64\s+\.bss$`,
			` 5:\s+lock \*\(u64 \*\)\(r1 \+ 0\) \+= r2$`,
			` 10:\s+\*\(u64 \*\)\(r10 - 8\) = r0$`,
			` 13:\s+r1 = 0 ll\n\s+0000000000000068:  R_BPF_64_64\s+seen$`,
			` 16:\s+r2 \+= -8$`,
			` 18:\s+if r0 == 0 goto \+3 `,
			` 34:\s+call 131$`,
			`<sched_switch_2>:$`,
			` 44:\s+r1 = 136 ll\n\s+0000000000000160:  R_BPF_64_64\s+\.bss$`)
	}
}

func TestBpftoolReadsTypes(t *testing.T) {
	tier.NeedTool(t, "bpftool", "bpftool")
	for _, path := range files(t) {
		expect(t, run(t, "bpftool", "btf", "dump", "file", path),
			`FUNC_PROTO '\(anon\)' ret_type_id=1 vlen=1\n\t'ctx' type_id=4$`,
			`FUNC 'sched_switch_2' type_id=5 linkage=global$`,
			`DATASEC '\.bss' size=144 vlen=1\n\ttype_id=\d+ offset=0 size=144 \(VAR 'tpinfo\.data'\)$`,
			`DATASEC '\.maps' size=80 vlen=3$`,
			`offset=64 size=16 \(VAR 'tpinfo\.ring'\)$`)
	}
}
