package render

import (
	"encoding/binary"
	"reflect"
	"strings"
	"testing"

	"github.com/tpinfo/tpinfo/compiler/ir"
)

var sites = []ir.Site{
	{},
	{
		Line:  2,
		Slots: []ir.Slot{{Type: ir.Long, Size: 8}, {Type: ir.String, Size: 8}, {Type: ir.Void, Size: 5, Render: pair}},
		Parts: []ir.Part{part('d'), {Text: " "}, part('s'), {Text: " "}, part('r')},
	},
}

var pair = &ir.Render{Struct: true, Members: []*ir.Render{
	{Name: "a", Mem: &ir.Mem{Size: 1, Signed: true}},
	{Name: "b", Offset: 1, Mem: &ir.Mem{Size: 4}},
}}

func record(order binary.AppendByteOrder, kind, site uint32, number uint64, rest string) []byte {
	b := order.AppendUint32(nil, kind)
	b = order.AppendUint32(b, site)
	b = order.AppendUint64(b, number)
	return append(b, rest...)
}

func TestDecode(t *testing.T) {
	minus := ^uint64(4)
	for _, c := range []struct {
		p     *Printer
		b     []byte
		want  Record
		shown string
	}{
		{
			&Printer{Order: binary.LittleEndian},
			record(binary.LittleEndian, ir.RecordPrint, 1, minus, "abc\x00junk\xff\x01\x00\x00\x00\x00\x00\x00"),
			Record{ir.RecordPrint, 1, []Value{{-5, "", ir.Long}, {0, "abc", ir.String}, {0, "\xff\x01\x00\x00\x00", ir.Void}}},
			"-5 abc {.a=-1, .b=1}",
		},
		{
			&Printer{Order: binary.BigEndian},
			record(binary.BigEndian, ir.RecordPrint, 1, minus, "nonul123\xff\x01\x00\x00\x00\x00\x00\x00"),
			Record{ir.RecordPrint, 1, []Value{{-5, "", ir.Long}, {0, "nonul123", ir.String}, {0, "\xff\x01\x00\x00\x00", ir.Void}}},
			"-5 nonul123 {.a=-1, .b=16777216}",
		},
	} {
		r := Record{Values: longs(1, 2, 3, 4)}
		if err := c.p.Decode(&r, sites, c.b); err != nil {
			t.Error(err)
			continue
		}
		if !reflect.DeepEqual(r, c.want) {
			t.Errorf("%+v, want %+v", r, c.want)
		}
		if text, err := c.p.Format(nil, &sites[1], r.Values); err != nil || string(text) != c.shown {
			t.Errorf("%q, %v; want %q", text, err, c.shown)
		}
	}
}

func TestDecodeWithoutSlots(t *testing.T) {
	p := &Printer{Order: binary.LittleEndian}
	var r Record
	if err := p.Decode(&r, nil, record(binary.LittleEndian, ir.RecordExit, 99, 0, "")); err != nil || r.Kind != ir.RecordExit {
		t.Error(r, err)
	}
	// An error may leave its values out.
	err := p.Decode(&r, sites, record(binary.LittleEndian, ir.RecordError, 1, 0, "")[:8])
	if want := []Value{{Type: ir.Long}, {Type: ir.String}, {Type: ir.Void}}; err != nil || !reflect.DeepEqual(r.Values, want) {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestDecodeErrors(t *testing.T) {
	p := &Printer{Order: binary.LittleEndian}
	whole := record(binary.LittleEndian, ir.RecordPrint, 1, 5, "abc\x00junk12345678")
	for _, c := range []struct {
		b    []byte
		want string
	}{
		{nil, "a record of 0 bytes"},
		{whole[:7], "a record of 7 bytes"},
		{whole[:8], "ends in slot 0: 0 bytes for 8"},
		{whole[:23], "ends in slot 1: 7 bytes for 8"},
		{whole[:31], "ends in slot 2: 7 bytes for 8"},
		{record(binary.LittleEndian, ir.RecordPrint, 2, 5, ""), "site 2 of 2"},
		{record(binary.LittleEndian, ir.RecordPrint, 1<<31, 5, ""), "site 2147483648 of 2"},
		{record(binary.LittleEndian, 7, 1, 5, ""), "kind 7"},
		{record(binary.BigEndian, ir.RecordError, 1, 5, ""), "kind 16777216"},
	} {
		var r Record
		if err := p.Decode(&r, sites, c.b); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v, want %q", err, c.want)
		}
	}
	for _, slot := range []ir.Slot{{Type: ir.Long, Size: 4}, {Type: ir.String, Size: -8}, {Type: ir.Void}} {
		var r Record
		b := record(binary.LittleEndian, ir.RecordPrint, 0, 5, "")
		if err := p.Decode(&r, []ir.Site{{Slots: []ir.Slot{slot}}}, b); err == nil || !strings.Contains(err.Error(), "damaged") {
			t.Errorf("%+v: %v", slot, err)
		}
	}
}

// No record is read beyond its end, and what was decoded can be printed.
func FuzzDecode(f *testing.F) {
	f.Add(record(binary.LittleEndian, ir.RecordPrint, 1, 5, "abc\x00junk12345678"), true)
	f.Add(record(binary.BigEndian, ir.RecordError, 1, 5, ""), false)
	f.Fuzz(func(t *testing.T, b []byte, little bool) {
		p := &Printer{Order: binary.ByteOrder(binary.BigEndian)}
		if little {
			p.Order = binary.LittleEndian
		}
		var r Record
		if err := p.Decode(&r, sites, b); err != nil || r.Kind == ir.RecordExit {
			return
		}
		if len(r.Values) != len(sites[r.Site].Slots) {
			t.Fatalf("%d values for %d slots", len(r.Values), len(sites[r.Site].Slots))
		}
		if _, err := p.Format(nil, &sites[r.Site], r.Values); err != nil && r.Kind == ir.RecordPrint {
			t.Error(err)
		}
	})
}
