package ir

import (
	"errors"
	"fmt"
	"strings"
)

// verbs are the directives of a Part.
const verbs = "diuxXocspbmMnr"

func (v *validator) site(s *Site) error {
	if s.Hist != "" && s.Hist != "log" && s.Hist != "linear" {
		return fmt.Errorf("a histogram of kind %q", s.Hist)
	}
	for i := range s.Slots {
		if err := v.slot(&s.Slots[i]); err != nil {
			return fmt.Errorf("slot %d: %w", i, err)
		}
	}
	taken := 0
	number := func(n int) error {
		if n == FromSlot {
			if taken < len(s.Slots) && s.Slots[taken].Type != Long {
				return fmt.Errorf("slot %d: a width that is a %v", taken, s.Slots[taken].Type)
			}
			taken++
			return nil
		}
		if n < NoNumber || n > MaxWidth {
			return fmt.Errorf("a width or precision of %d", n)
		}
		return nil
	}
	for i := range s.Parts {
		p := &s.Parts[i]
		if p.Verb == 0 {
			continue
		}
		if !strings.ContainsRune(verbs, p.Verb) {
			return fmt.Errorf("part %d: directive %q", i, p.Verb)
		}
		if p.Bytes != 0 && p.Bytes != 1 && p.Bytes != 2 && p.Bytes != 4 && p.Bytes != 8 {
			return fmt.Errorf("part %d: %d bytes", i, p.Bytes)
		}
		if err := errors.Join(number(p.Width), number(p.Prec)); err != nil {
			return fmt.Errorf("part %d: %w", i, err)
		}
		taken++
	}
	if taken > len(s.Slots) {
		return fmt.Errorf("its parts take %d of %d slots", taken, len(s.Slots))
	}
	return nil
}

func (v *validator) slot(s *Slot) error {
	if s.Type == Void {
		if s.Size < 8 || s.Size > MaxBytes || s.Size%8 != 0 {
			return fmt.Errorf("%d bytes: not a multiple of 8 from 8 to %d", s.Size, MaxBytes)
		}
	} else if err := v.sized(s.Type, s.Size); err != nil {
		return err
	}
	if r := s.Render; r != nil {
		if s.Type != Long && r.Stack {
			return fmt.Errorf("a stack that is a %v", s.Type)
		}
		if f := Functions()[r.Call]; r.Call != "" && (!ShownBy(f) || f.Params[0] != s.Type) {
			return fmt.Errorf("%q makes no text of a %v", r.Call, s.Type)
		}
		return r.validate(s.Size, 0)
	}
	return nil
}

// maxRender bounds how deep values are shown in one another.
const maxRender = 32

// validate checks that what r shows lies in so many bytes.
func (r *Render) validate(size, depth int) error {
	if depth > maxRender {
		return fmt.Errorf("%s: nested more than %d deep", r.Name, maxRender)
	}
	if r.Mem != nil {
		if err := r.Mem.validate(); err != nil {
			return fmt.Errorf("%s: %w", r.Name, err)
		}
		if r.Offset < 0 || r.Offset > size-r.Mem.Size {
			return fmt.Errorf("%s: %d bytes at %d of %d", r.Name, r.Mem.Size, r.Offset, size)
		}
	}
	if r.Offset < 0 || r.Chars < 0 || r.Chars > size || r.Offset > size-r.Chars {
		return fmt.Errorf("%s: %d chars at %d of %d bytes", r.Name, r.Chars, r.Offset, size)
	}
	for _, m := range r.Members {
		if m == nil {
			return fmt.Errorf("%s: a member is missing", r.Name)
		}
		if err := m.validate(size, depth+1); err != nil {
			return err
		}
	}
	return nil
}

func (m *Mem) validate() error {
	if m.BitSize == 0 && m.BitOffset == 0 {
		if m.Size != 1 && m.Size != 2 && m.Size != 4 && m.Size != 8 {
			return fmt.Errorf("%d bytes of memory", m.Size)
		}
		return nil
	}
	if m.Size < 1 || m.Size > 9 || m.BitSize < 1 || m.BitSize > 64 || m.BitOffset < 0 || m.BitOffset > 8*m.Size-m.BitSize {
		return fmt.Errorf("a bitfield of %d bits at bit %d of %d bytes", m.BitSize, m.BitOffset, m.Size)
	}
	return nil
}
