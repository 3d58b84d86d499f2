package render

import (
	"fmt"
	"strings"

	"github.com/tpinfo/tpinfo/compiler/ir"
)

// headerSize is what comes before the slots: kind and site, 32 bits each.
const headerSize = 8

// Record is one record of the ring buffer.
type Record struct {
	Kind   uint32 // ir.RecordPrint and its like
	Site   int
	Values []Value // one a slot; those that an error record leaves out are zero
}

// Decode takes a record apart into r, whose Values it reuses. A record that
// names no site or does not hold the site's slots is an error.
func (p *Printer) Decode(r *Record, sites []ir.Site, record []byte) error {
	if len(record) < headerSize {
		return fmt.Errorf("a record of %d bytes: it needs %d; the object and the runner do not fit together", len(record), headerSize)
	}
	r.Kind = p.Order.Uint32(record)
	index := p.Order.Uint32(record[4:])
	r.Site, r.Values = 0, r.Values[:0]
	switch r.Kind {
	case ir.RecordExit:
		return nil
	case ir.RecordPrint, ir.RecordError:
	default:
		return fmt.Errorf("a record of kind %d: kinds go up to %d; the object and the runner do not fit together", r.Kind, ir.RecordExit)
	}
	if uint64(index) >= uint64(len(sites)) {
		return fmt.Errorf("a record of site %d of %d; the object and the runner do not fit together", index, len(sites))
	}
	r.Site = int(index)
	rest := record[headerSize:]
	for i := range sites[index].Slots {
		slot := &sites[index].Slots[i]
		size := (slot.Size + 7) &^ 7
		switch {
		case slot.Size <= 0 || slot.Type == ir.Long && slot.Size != 8:
			return fmt.Errorf("slot %d of site %d has %d bytes; the object is damaged", i, index, slot.Size)
		case size <= len(rest):
			r.Values = append(r.Values, p.value(slot, rest[:slot.Size]))
			rest = rest[size:]
		case r.Kind == ir.RecordError && len(rest) == 0:
			r.Values = append(r.Values, Value{Type: slot.Type})
		default:
			return fmt.Errorf("a record of site %d ends in slot %d: %d bytes for %d; the object and the runner do not fit together", index, i, len(rest), size)
		}
	}
	return nil
}

func (p *Printer) value(slot *ir.Slot, b []byte) Value {
	switch slot.Type {
	case ir.Long:
		return Value{Type: ir.Long, Int: int64(p.Order.Uint64(b))}
	case ir.String:
		text := string(b)
		if nul := strings.IndexByte(text, 0); nul >= 0 {
			text = text[:nul]
		}
		return Value{Type: ir.String, Str: text}
	default:
		return Value{Type: ir.Void, Str: string(b)}
	}
}
