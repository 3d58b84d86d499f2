package symbols

import (
	"os"
	"strings"
	"testing"

	"github.com/tpinfo/tpinfo/compiler/runner/render"
	"github.com/tpinfo/tpinfo/fixtures/tier"
)

const small = `ffffffff81000000 T _stext
ffffffff81000000 T _text
0000000000001234 A absolute
ffffffff81000040 t second
ffffffff81000100 T third
ffffffffc0000000 t in_module	[some_module]
ffffffffc0000080 t last	[some_module]
ffffffffc0002000 t bpf_prog_0123456789abcdef_one	[bpf]
ffffffffc0003000 t bpf_prog_0123456789abcdef_two	[bpf]
`

func TestTable(t *testing.T) {
	table, err := Read(strings.NewReader(small))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		addr  uint64
		want  render.Symbol
		found bool
	}{
		{0xffffffff81000000, render.Symbol{Name: "_stext", Module: "kernel", Size: 0x40}, true},
		{0xffffffff8100003f, render.Symbol{Name: "_stext", Module: "kernel", Offset: 0x3f, Size: 0x40}, true},
		{0xffffffff81000040, render.Symbol{Name: "second", Module: "kernel", Size: 0xc0}, true},
		{0xffffffffc000007f, render.Symbol{Name: "in_module", Module: "some_module", Offset: 0x7f, Size: 0x80}, true},
		// What nothing of its own follows has no size, and not that of a hole.
		{0xffffffff81000101, render.Symbol{Name: "third", Module: "kernel", Offset: 1}, true},
		{0xffffffff81100100, render.Symbol{Name: "third", Module: "kernel", Offset: 0x100000}, false},
		{0xffffffffc0000080, render.Symbol{Name: "last", Module: "some_module"}, true},
		{0xffffffffc0001fff, render.Symbol{Name: "last", Module: "some_module", Offset: 0x1f7f}, true},
		{0xffffffffc0002040, render.Symbol{Name: "bpf_prog_0123456789abcdef_one", Module: "bpf", Offset: 0x40}, true},
		{0xffffffffc0003040, render.Symbol{Name: "bpf_prog_0123456789abcdef_two", Module: "bpf", Offset: 0x40}, true},
		{0xffffffffc0103000, render.Symbol{Name: "bpf_prog_0123456789abcdef_two", Module: "bpf", Offset: 0x100000}, false},
		{0x1234, render.Symbol{}, false},
		{0, render.Symbol{}, false},
	} {
		got, found := table.Symbol(c.addr)
		if got != c.want || found != c.found {
			t.Errorf("%#x is %+v, %v; want %+v, %v", c.addr, got, found, c.want, c.found)
		}
	}
}

func TestReadErrors(t *testing.T) {
	for text, want := range map[string]string{
		"":                                  "all addresses are hidden",
		"0000000000000000 T _text\n":        "all addresses are hidden",
		"ffffffff81000000 T\n":              `line 1 is "ffffffff81000000 T"`,
		"ffffffff81000000 T a\nxyz T b\n":   "line 2",
		strings.Repeat("f", 1<<17) + " T a": "token too long",
	} {
		if _, err := Read(strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q gives %v, want %q", text, err, want)
		}
	}
}

// What this kernel lists under an address is what the table finds there.
func TestKernel(t *testing.T) {
	tier.Need(t, tier.Machine)
	text, err := os.ReadFile("/proc/kallsyms")
	if err != nil {
		t.Fatal(err)
	}
	k := &Kernel{}
	if err := k.Err(); err != nil {
		t.Fatal(err)
	}
	names := map[string][]string{}
	for line := range strings.Lines(string(text)) {
		f := strings.Fields(line)
		names[f[0]] = append(names[f[0]], f[2])
	}
	checked := 0
	for line := range strings.Lines(string(text)) {
		f := strings.Fields(line)
		if len(f) != 3 || strings.ToLower(f[1]) != "t" || f[0] == "0000000000000000" {
			continue
		}
		var addr uint64
		for _, c := range f[0] {
			addr = addr<<4 | uint64(strings.IndexRune("0123456789abcdef", c))
		}
		s, ok := k.Symbol(addr)
		if !ok || s.Name != names[f[0]][0] || s.Offset != 0 {
			t.Fatalf("%s is %+v, want one of %v", f[0], s, names[f[0]])
		}
		checked++
	}
	if checked < 1000 {
		t.Errorf("%d functions looked up", checked)
	}
}

func FuzzRead(f *testing.F) {
	f.Add(small, uint64(0xffffffff81000041))
	f.Add("1 T a\n3 t b [m]\n", uint64(2))
	f.Fuzz(func(t *testing.T, text string, addr uint64) {
		table, err := Read(strings.NewReader(text))
		if err != nil {
			return
		}
		s, found := table.Symbol(addr)
		if found && (s.Name == "" || s.Module == "" || s.Offset > addr || s.Size > 0 && s.Offset >= s.Size) {
			t.Errorf("%#x is %+v", addr, s)
		}
	})
}
