package mine

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/tpinfo/tpinfo"
)

// marks is what section tpinfo_events of an object says; c/tpinfo_events.h of
// package headers tells how it is laid out.
type marks struct {
	events []eventMark
	sizes  map[string]uint64 // class to the compiler's sizeof of its record
}

type eventMark struct {
	name, class, system string
	file                string // as the compiler was given it
}

var errMarks = errors.New("section of event marks is damaged")

// readMarks reads the section. The compiler may leave zero bytes between marks.
func readMarks(section []byte, order tpinfo.ByteOrder, wordSize int) (*marks, error) {
	m := &marks{sizes: map[string]uint64{}}
	rest := section
	text := func() (string, error) {
		i := bytes.IndexByte(rest, 0)
		if i < 0 {
			return "", errMarks
		}
		s := string(rest[:i])
		rest = rest[i+1:]
		return s, nil
	}
	for {
		rest = bytes.TrimLeft(rest, "\x00")
		if len(rest) == 0 {
			return m, nil
		}
		kind, err := text()
		if err != nil {
			return nil, err
		}
		switch kind {
		case "E":
			var e eventMark
			for _, into := range []*string{&e.name, &e.class, &e.system, &e.file} {
				if *into, err = text(); err != nil {
					return nil, err
				}
			}
			m.events = append(m.events, e)
		case "C":
			name, err := text()
			if err != nil || len(rest) < wordSize {
				return nil, errMarks
			}
			m.sizes[name] = word(rest[:wordSize], order)
			rest = rest[wordSize:]
		default:
			return nil, fmt.Errorf("%w: unknown mark %q", errMarks, kind)
		}
	}
}

func word(b []byte, order tpinfo.ByteOrder) uint64 {
	var bo binary.ByteOrder = binary.LittleEndian
	if order == tpinfo.BigEndian {
		bo = binary.BigEndian
	}
	if len(b) == 4 {
		return uint64(bo.Uint32(b))
	}
	return bo.Uint64(b)
}
