package object_test

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/compiler/ir"
	"github.com/tpinfo/tpinfo/compiler/object"
)

// script finds the content of .tpinfo.
func script(t testing.TB, data []byte) []byte {
	t.Helper()
	f, err := elf.NewFile(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	s := f.Section(".tpinfo")
	return data[s.Offset : s.Offset+s.Size]
}

// header finds the header of a section.
func header(t testing.TB, data []byte, name string) []byte {
	t.Helper()
	f, err := elf.NewFile(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	at := binary.LittleEndian.Uint64(data[40:])
	for i, s := range f.Sections {
		if s.Name == name {
			return data[at+uint64(i)*64:][:64]
		}
	}
	t.Fatalf("no section %s", name)
	return nil
}

func TestReadTruncated(t *testing.T) {
	for _, order := range orders {
		data := write(t, sample(order))
		for n := range data {
			if _, err := object.Read(data[:n]); err == nil {
				t.Fatalf("%s: the first %d of %d bytes are read without an error", order, n, len(data))
			}
		}
		_, err := object.Read(data[:len(data)-1])
		want := fmt.Sprintf("cut short: it has %d bytes and its section headers end at %d", len(data)-1, len(data))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}

// A damaged byte is an error or does no harm.
func TestReadDamaged(t *testing.T) {
	data := write(t, sample(tpinfo.LittleEndian))
	flips := []byte{0x01, 0x80, 0xff}
	for i := range data {
		flip := flips[i%len(flips)]
		data[i] ^= flip
		readAny(t, data)
		data[i] ^= flip
	}
}

// readAny holds what Read promises of any data.
func readAny(t *testing.T, data []byte) {
	f, err := object.Read(data)
	if err != nil {
		return
	}
	if err := f.Script.Validate(); err != nil {
		t.Errorf("Read let an invalid script pass: %v", err)
	}
	if err := f.Describe(io.Discard); err != nil {
		t.Errorf("an object that was read cannot be described: %v", err)
	}
	for i := range f.Script.Globals {
		g := &f.Script.Globals[i]
		if m := f.Spec.Maps[g.Name]; g.Mapped() && len(f.Spec.Programs) > 0 && (int(m.KeySize) != g.KeySize() || int(m.ValueSize) != g.Size) {
			t.Errorf("map of %s: %v", g.Name, m)
		}
	}
}

func TestReadHostile(t *testing.T) {
	le := binary.LittleEndian
	for _, c := range []struct {
		name   string
		change func(data []byte) []byte
		want   string
	}{
		{"empty", func([]byte) []byte { return nil }, "not an object file"},
		{"a script", func([]byte) []byte { return []byte("probe begin { }") }, "not an object file"},
		{"ELF magic alone", func(d []byte) []byte { return d[:4] }, "cut short: 4 bytes"},
		{"32 bits", func(d []byte) []byte { d[4] = 1; return d }, "ELF class 1"},
		{"byte order", func(d []byte) []byte { d[5] = 3; return d }, "byte order 3"},
		{"machine", func(d []byte) []byte { le.PutUint16(d[18:], 62); return d }, "it is for machine 62 (EM_X86_64)"},
		{"executable", func(d []byte) []byte { le.PutUint16(d[16:], 2); return d }, "ELF type 2"},
		{"no headers", func(d []byte) []byte { le.PutUint16(d[60:], 0); return d }, "0 section headers"},
		{"headers far away", func(d []byte) []byte { le.PutUint64(d[40:], 1<<63); return d }, "cut short"},
		{"headers at the very end", func(d []byte) []byte { le.PutUint64(d[40:], ^uint64(0)-100); return d }, "cut short"},
		{"section far away", func(d []byte) []byte { le.PutUint64(header(t, d, ".BTF")[24:], 1<<40); return d }, "of a file of"},
		{"section that wraps", func(d []byte) []byte { le.PutUint64(header(t, d, ".BTF")[32:], ^uint64(0)-10); return d }, "of a file of"},
		{"huge .bss", func(d []byte) []byte { le.PutUint64(header(t, d, ".bss")[32:], 1<<32); return d }, "section 3 asks for 4294967296 bytes of memory"},
		{"compressed", func(d []byte) []byte { h := header(t, d, ".BTF"); h[9] |= 8; return d }, "section 7 is compressed"},
		{"overlap", func(d []byte) []byte {
			h := header(t, d, ".rodata")
			le.PutUint64(h[24:], 0)
			le.PutUint64(h[32:], uint64(len(d)))
			return d
		}, "sections overlap"},
		{"no script", func(d []byte) []byte { copy(header(t, d, ".tpinfo"), header(t, d, ".bss")[:4]); return d }, `two sections are named ".bss"`},
		{"not ours", func(d []byte) []byte {
			return bytes.Replace(d, []byte("\x00.tpinfo\x00"), []byte("\x00.tpinfa\x00"), 1)
		}, "no section .tpinfo: an eBPF object, but not one of tpinfo's"},
		{"symbol", func(d []byte) []byte {
			h := header(t, d, ".relraw_tp/sched_switch")
			le.PutUint32(d[le.Uint64(h[24:])+12:], 999)
			return d
		}, "relocation 0 against symbol 999 of 10"},
		{"symbol 0", func(d []byte) []byte {
			h := header(t, d, ".relraw_tp/sched_switch")
			le.PutUint32(d[le.Uint64(h[24:])+12:], 0)
			return d
		}, "against symbol 0 of 10"},
		{"overlapping programs", func(d []byte) []byte {
			h := header(t, d, ".symtab")
			le.PutUint64(d[le.Uint64(h[24:])+6*24+8:], 0)
			le.PutUint64(d[le.Uint64(h[24:])+6*24+16:], 400)
			return d
		}, `symbol "sched_switch_2" overlaps another`},
		{"magic", func(d []byte) []byte { script(t, d)[1] = 'x'; return d }, "section .tpinfo: it does not begin as it should"},
		{"newer", func(d []byte) []byte { le.PutUint32(script(t, d)[4:], ir.Version+1); return d }, "a newer tpinfo made it (version 2, this one reads 1): update"},
		{"older", func(d []byte) []byte { le.PutUint32(script(t, d)[4:], 0); return d }, "an older tpinfo made it"},
		{"length", func(d []byte) []byte { le.PutUint32(script(t, d)[8:], 5); return d }, "bytes and says 5"},
		{"JSON", func(d []byte) []byte { script(t, d)[12] = '['; return d }, "section .tpinfo: the script's typed form: "},
		{"index", func(d []byte) []byte {
			return bytes.Replace(d, []byte(`{"op":"eval","args":[{"op":"builtin"`), []byte(`{"op":"evil","args":[{"op":"builtin"`), 1)
		}, `probe 2 (timer.s(1)): 5:20: evil: no statement is named "evil"`},
		{"order", func(d []byte) []byte {
			return bytes.Replace(d, []byte(`"byte_order":"little","word_size":8`), []byte(`"byte_order":"big",   "word_size":8`), 1)
		}, "the file is LittleEndian, its script for a big-endian kernel"},
		{"program", func(d []byte) []byte {
			return bytes.Replace(d, []byte(`"program":"sched_switch_2"`), []byte(`"program":"sched_switch_3"`), 1)
		}, `the program "sched_switch_3" of the probe kernel.trace("sched:sched_switch") is not there`},
		{"kind", func(d []byte) []byte {
			return bytes.Replace(d, []byte(`"kind":"raw_tracepoint"`), []byte(`"kind":"tracepoint"    `), 1)
		}, "is of type RawTracepoint instead of TracePoint"},
		{"map", func(d []byte) []byte {
			return bytes.Replace(d, []byte(`"name":"seen"`), []byte(`"name":"sees"`), 1)
		}, "the map of the global sees is not there"},
		{"map size", func(d []byte) []byte {
			return bytes.Replace(d, []byte(`"key_sizes":[8]`), []byte(`"key_sizes":[ ]`), 1)
		}, "global 1 (seen): 1 keys with 0 sizes"},
		{"data size", func(d []byte) []byte {
			return bytes.Replace(d, []byte(`"data_size":144`), []byte(`"data_size":152`), 1)
		}, "section .bss has 144 bytes, the script's globals take 152"},
	} {
		_, err := object.Read(c.change(write(t, sample(tpinfo.LittleEndian))))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", c.name, err, c.want)
		}
	}
}

// A script whose probes all run in user space has no programs and needs none.
func TestReadUserSide(t *testing.T) {
	o := sample(tpinfo.LittleEndian)
	o.Programs, o.Maps, o.Const, o.Data = nil, nil, nil, 0
	o.Script.Probes = o.Script.Probes[2:]
	f, err := object.Read(write(t, o))
	if err != nil {
		t.Fatal(err)
	}
	if len(f.Spec.Programs)+len(f.Spec.Maps) != 0 || len(f.Script.Globals) != 4 {
		t.Errorf("%d programs, %d maps, %d globals", len(f.Spec.Programs), len(f.Spec.Maps), len(f.Script.Globals))
	}
}

// As many sections as a script with a glob over all events makes.
func TestReadMany(t *testing.T) {
	o := sample(tpinfo.LittleEndian)
	second := o.Programs[1]
	for i := range 3000 {
		p := o.Script.Probes[1]
		second.Name = fmt.Sprintf("p%d", i)
		second.Section = fmt.Sprintf("raw_tp/event%d", i)
		p.Program = second.Name
		o.Programs = append(o.Programs, second)
		o.Script.Probes = append(o.Script.Probes, p)
	}
	f, err := object.Read(write(t, o))
	if err != nil {
		t.Fatal(err)
	}
	if len(f.Spec.Programs) != 3002 || f.Spec.Programs["p2999"].AttachTo != "event2999" {
		t.Errorf("%d programs", len(f.Spec.Programs))
	}
}

// Read's memory is bounded: many small objects take more as Go values than as
// JSON.
func TestReadRefusesAFlood(t *testing.T) {
	o := sample(tpinfo.LittleEndian)
	o.Script.Facts[0].CType = strings.Repeat("{", 1<<18)
	if err := o.Write(io.Discard); err == nil || !strings.Contains(err.Error(), "too many to be read again") {
		t.Errorf("error %v", err)
	}
}

func FuzzRead(f *testing.F) {
	for _, order := range orders {
		data := write(f, sample(order))
		f.Add(data)
		f.Add(data[:len(data)/2])
	}
	f.Fuzz(readAny)
}

// FuzzRoundTrip writes a script with any strings and numbers, and expects it
// back.
func FuzzRoundTrip(f *testing.F) {
	f.Add("a.stp", "text", int64(-1), uint16(3), false)
	f.Add("\xff\x00", "\U0010FE80\xc3", int64(1)<<53+1, uint16(9999), true)
	f.Fuzz(func(t *testing.T, name, text string, n int64, column uint16, big bool) {
		order := tpinfo.LittleEndian
		if big {
			order = tpinfo.BigEndian
		}
		o := sample(order)
		o.Script.Name = name
		o.Script.Sites[0].Parts[1].Text = text
		o.Script.Globals[3].Init.Int = n
		o.Script.Facts[0].CType = text
		o.Script.Probes[2].Body.Args[1].Args[0].Args[0].Str = text
		o.Programs[0].Lines[1].Text = text
		o.Programs[0].Lines[1].Column = int(column)
		got, err := object.Read(write(t, o))
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(o.Script, got.Script, cmpopts.EquateEmpty()); d != "" {
			t.Errorf("(-written +read):\n%s", d)
		}
		line, _, _ := strings.Cut(text, "\x00")
		if src := got.Spec.Programs["sched_switch"].Instructions[2].Source(); src.String() != line {
			t.Errorf("line %q, want %q", src, line)
		}
	})
}

func BenchmarkRead(b *testing.B) {
	data := write(b, sample(tpinfo.LittleEndian))
	var f *object.File
	for b.Loop() {
		var err error
		if f, err = object.Read(data); err != nil {
			b.Fatal(err)
		}
	}
	if f.Spec.Programs["sched_switch"].Type != ebpf.RawTracepoint {
		b.Error("not the sample")
	}
}
