package render

import (
	"encoding/binary"
	"strings"
	"testing"

	"github.com/tpinfo/tpinfo/compiler/ir"
)

func part(verb rune) ir.Part { return ir.Part{Verb: verb, Width: ir.NoNumber, Prec: ir.NoNumber} }

func longs(n ...int64) []Value {
	var values []Value
	for _, v := range n {
		values = append(values, Value{Type: ir.Long, Int: v})
	}
	return values
}

func slots(values []Value) []ir.Slot {
	s := make([]ir.Slot, len(values))
	for i, v := range values {
		s[i] = ir.Slot{Type: v.Type, Size: 8}
	}
	return s
}

// The examples of man stap, and what 64 bits and two byte orders make different
// from C.
func TestFormat(t *testing.T) {
	alt := func(verb rune) ir.Part { p := part(verb); p.Alt = true; return p }
	sized := func(bytes int) ir.Part { p := part('b'); p.Bytes = bytes; return p }
	little, big := &Printer{Order: binary.LittleEndian}, &Printer{Order: binary.BigEndian}
	for _, c := range []struct {
		p      *Printer
		part   ir.Part
		values []Value
		want   string
	}{
		{little, part('c'), longs(97), "a"},
		{little, part('x'), longs(0x1234abcd), "1234abcd"},
		{little, part('X'), longs(0x1234abcd), "1234ABCD"},
		{little, part('p'), longs(0x1234abcd), "0x1234abcd"},
		{little, part('d'), longs(-1), "-1"},
		{little, part('u'), longs(-1), "18446744073709551615"},
		{little, part('d'), longs(1 << 40), "1099511627776"},
		{little, alt('o'), longs(1), "01"},
		{little, alt('x'), longs(2), "0x2"},
		{little, alt('X'), longs(3), "0X3"},
		{little, alt('c'), longs(0), `\000`},
		{little, alt('c'), longs(9), `\t`},
		{little, alt('c'), longs(42), "*"},
		{little, sized(4), longs(0x1234abcd), "\xcd\xab\x34\x12"},
		{big, sized(4), longs(0x1234abcd), "\x12\x34\xab\xcd"},
		{big, sized(2), longs(0x1234abcd), "\xab\xcd"},
		{big, sized(1), longs(0x1234abcd), "\xcd"},
		{big, part('b'), longs(1), "\x00\x00\x00\x00\x00\x00\x00\x01"},
		{little, ir.Part{Verb: 'd', Width: ir.FromSlot, Prec: ir.NoNumber}, longs(4, 7), "   7"},
		{little, ir.Part{Verb: 'd', Width: ir.FromSlot, Prec: ir.NoNumber}, longs(-4, 7), "7   "},
		{little, ir.Part{Verb: 'm', Width: 6, Prec: 4}, []Value{{Str: "ab\x00d\x00\x00\x00\x00"}}, "  ab\x00d"},
		{little, ir.Part{Verb: 'M', Width: 10, Prec: 4}, []Value{{Str: "ab\x00d\x00\x00\x00\x00"}}, "  61620064"},
		{little, part('M'), []Value{{Str: "ab"}}, "61"},
		{little, ir.Part{Verb: 'M', Width: ir.NoNumber, Prec: 99}, []Value{{Str: "ab"}}, "6162"},
		{little, part('s'), []Value{{Type: ir.String, Str: "\xff\xfe"}}, "\xff\xfe"},
	} {
		site := ir.Site{Slots: slots(c.values), Parts: []ir.Part{{Text: "<"}, c.part, {Text: ">"}}}
		got, err := c.p.Format(nil, &site, c.values)
		if err != nil || string(got) != "<"+c.want+">" {
			t.Errorf("%c of %v is %q, %v; want %q", c.part.Verb, c.values, got, err, c.want)
		}
	}
}

// However wide a field asks to be, it takes 8192 bytes at most.
func TestFormatIsBounded(t *testing.T) {
	p := &Printer{Order: binary.LittleEndian}
	for _, width := range []int64{1 << 62, -1 << 63, 1 << 40} {
		values := longs(width, width, 7)
		site := ir.Site{Slots: slots(values), Parts: []ir.Part{{Verb: 'd', Width: ir.FromSlot, Prec: ir.FromSlot}}}
		got, err := p.Format(nil, &site, values)
		if err != nil || len(got) != 8192 {
			t.Errorf("width %d makes %d bytes, %v", width, len(got), err)
		}
	}
}

func TestFormatErrors(t *testing.T) {
	p := &Printer{Order: binary.LittleEndian}
	for _, c := range []struct {
		site   ir.Site
		values []Value
		want   string
	}{
		{ir.Site{Line: 4, Parts: []ir.Part{part('d')}}, nil, "line 4: a format asks for 1 values and has 0"},
		{ir.Site{Parts: []ir.Part{part('d')}}, longs(1), "asks for 1 values and has 0"},
		{ir.Site{Slots: slots(longs(1)), Parts: []ir.Part{{Verb: 'd', Width: ir.FromSlot}}}, longs(1), "asks for 2 values"},
		{ir.Site{Slots: slots(longs(1)), Parts: []ir.Part{part('y')}}, longs(1), "a format with %y"},
	} {
		if _, err := p.Format(nil, &c.site, c.values); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v, want %q", err, c.want)
		}
	}
}

func TestHistogramErrors(t *testing.T) {
	for _, c := range []struct {
		a       ir.Aggregate
		kind    string
		buckets int
	}{
		{ir.Aggregate{Log: true}, "log", 127},
		{ir.Aggregate{Log: true}, "linear", 128},
		{ir.Aggregate{Linear: true, Stop: 10}, "linear", 13},
		{ir.Aggregate{Linear: true, Stop: 10, Width: 1}, "linear", 12},
		{ir.Aggregate{Linear: true, Stop: -10, Width: 1}, "linear", 0},
	} {
		if got, err := Histogram(nil, &c.a, c.kind, make([]uint64, c.buckets)); err == nil {
			t.Errorf("%+v with %d buckets prints %q", c.a, c.buckets, got)
		}
	}
}

func BenchmarkRecord(b *testing.B) {
	p := &Printer{Order: binary.LittleEndian}
	site := ir.Site{
		Slots: []ir.Slot{{Type: ir.Long, Size: 8}, {Type: ir.String, Size: 16}, {Type: ir.Long, Size: 8}},
		Parts: []ir.Part{part('d'), {Text: " "}, part('s'), {Text: " "}, part('x'), {Text: "\n"}},
	}
	record := make([]byte, 40)
	record[8] = 77
	copy(record[16:], "bash")
	var r Record
	var out []byte
	b.ReportAllocs()
	for b.Loop() {
		if err := p.Decode(&r, []ir.Site{site}, record); err != nil {
			b.Fatal(err)
		}
		out, _ = p.Format(out[:0], &site, r.Values)
	}
	if string(out) != "77 bash 0\n" {
		b.Errorf("%q", out)
	}
}
