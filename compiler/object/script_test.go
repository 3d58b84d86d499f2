package object

import (
	"encoding/binary"
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/compiler/ir"
)

// Any bytes come back, and what carries them is UTF-8.
func TestEscapedBytes(t *testing.T) {
	for s, want := range map[string]string{
		"plain é": "plain é",
		"\xff":    "\U0010FEFF",
		"é\xc3":   "é\U0010FEC3",
		// What stands for a byte is itself carried byte by byte.
		"\U0010FEFF": "\U0010FEF4\U0010FE8F\U0010FEBB\U0010FEBF",
	} {
		if got := escapeBytes(s); got != want {
			t.Errorf("%q is carried as %q, want %q", s, got, want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		part := rapid.OneOf(
			rapid.String(),
			rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) }),
			rapid.Map(rapid.Byte(), func(b byte) string { return string(byteBase + rune(b)) }))
		s := strings.Join(rapid.SliceOf(part).Draw(t, "parts"), "")
		carried := escapeBytes(s)
		if !utf8.ValidString(carried) {
			t.Errorf("%q is carried as %q, which is no UTF-8", s, carried)
		}
		if got := unescapeBytes(carried); got != s {
			t.Errorf("%q comes back as %q", s, got)
		}
	})
}

// FuzzScript reads any JSON as a script: what is read is valid, and the same
// when it is written and read again.
func FuzzScript(f *testing.F) {
	for _, p := range []*ir.Program{
		{Version: ir.Version, StringSize: 128, DataSize: 136, Kernel: tpinfo.Kernel{ByteOrder: tpinfo.LittleEndian},
			Globals: []ir.Global{{Name: "x", Type: ir.Long, Size: 8, Offset: 128}},
			Probes: []ir.Probe{{Kind: ir.Begin, Body: &ir.Node{Op: ir.Eval, Args: []*ir.Node{
				{Op: ir.Update, How: ir.Add, Type: ir.Long, Args: []*ir.Node{{Op: ir.GetGlo, Type: ir.Long}, {Op: ir.Const, Type: ir.Long, Int: 1}}},
			}}}}},
		{Version: ir.Version, StringSize: 128, DataSize: 128, Kernel: tpinfo.Kernel{ByteOrder: tpinfo.BigEndian},
			Globals: []ir.Global{{Name: "h", Type: ir.Stats, Keys: []ir.Type{ir.String}, KeySizes: []int{16}, Max: 2, Size: 8 + 8*6,
				Stats: &ir.Aggregate{Linear: true, Stop: 30, Width: 10}}},
			Sites: []ir.Site{{Hist: "linear"}, {Slots: []ir.Slot{{Type: ir.Void, Size: 8, Render: &ir.Render{Chars: 8}}}}},
			Funcs: []ir.Func{{Name: "f", Body: &ir.Node{Op: ir.Loop, Args: []*ir.Node{nil, nil, {Op: ir.Break}}}}},
			Probes: []ir.Probe{{Kind: ir.End, Locals: []ir.Local{{Type: ir.String, Size: 16}}, Body: &ir.Node{Op: ir.ForEach,
				Each: &ir.Each{Keys: []int{0}, Value: -1}, Args: []*ir.Node{{Op: ir.Histogram, Args: []*ir.Node{
					{Op: ir.Elem, Type: ir.Stats, Args: []*ir.Node{{Op: ir.GetLoc, Type: ir.String}}}}}}}}}},
	} {
		if err := p.Validate(); err != nil {
			f.Fatal(err)
		}
		text, err := json.Marshal(p)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		head := binary.LittleEndian.AppendUint32([]byte(scriptMagic), ir.Version)
		head = binary.LittleEndian.AppendUint32(head, uint32(len(text)))
		p, err := readScript(append(append(head, text...), 0), binary.LittleEndian)
		if err != nil {
			return
		}
		again, err := scriptSection(p, binary.LittleEndian)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := readScript(again, binary.LittleEndian); err != nil {
			t.Errorf("read, but not when it is written again: %v", err)
		}
	})
}
