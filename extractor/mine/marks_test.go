package mine

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tpinfo/tpinfo"
)

// Marks as the assembler lays them out, with zero bytes between some; and those
// of an object that was cut or is no object of ours.
func TestReadMarks(t *testing.T) {
	const event = "E\x00kick\x00gadget_class\x00gadget\x00include/trace/events/gadget.h\x00"
	for _, test := range []struct {
		name, section string
		order         tpinfo.ByteOrder
		word          int
		sizes         map[string]uint64
		events        int // less than 0 for an error
	}{
		{"nothing", "", tpinfo.LittleEndian, 8, map[string]uint64{}, 0},
		{"padding", "\x00\x00\x00\x00", tpinfo.LittleEndian, 8, map[string]uint64{}, 0},
		{"two events", event + "\x00\x00" + event, tpinfo.LittleEndian, 8, map[string]uint64{}, 2},
		{"a class", "C\x00gadget_class\x00\x28\x00\x00\x00\x00\x00\x00\x00" + event, tpinfo.LittleEndian, 8, map[string]uint64{"gadget_class": 40}, 1},
		{"big-endian", "C\x00gadget_class\x00\x00\x00\x00\x28" + event, tpinfo.BigEndian, 4, map[string]uint64{"gadget_class": 40}, 1},
		{"cut in a text", event[:len(event)-3], tpinfo.LittleEndian, 8, nil, -1},
		{"cut in a size", "C\x00gadget_class\x00\x28\x00\x00", tpinfo.LittleEndian, 8, nil, -1},
		{"another mark", "X\x00kick\x00", tpinfo.LittleEndian, 8, nil, -1},
	} {
		t.Run(test.name, func(t *testing.T) {
			m, err := readMarks([]byte(test.section), test.order, test.word)
			if test.events < 0 {
				if !errors.Is(err, errMarks) {
					t.Errorf("error %v, want %v", err, errMarks)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.sizes, m.sizes); diff != "" || len(m.events) != test.events {
				t.Errorf("%d events, sizes:\n%s", len(m.events), diff)
			}
			for _, e := range m.events {
				if e != (eventMark{"kick", "gadget_class", "gadget", "include/trace/events/gadget.h"}) {
					t.Errorf("%+v", e)
				}
			}
		})
	}
}
