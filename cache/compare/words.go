package compare

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/tpinfo/tpinfo"
)

// Lines says changes in words, one line a change; neighbours that moved
// together share one. They are of one event or one type.
func Lines(found []Change) []string {
	var out []string
	for len(found) > 0 {
		n := together(found)
		if n >= few {
			first, last, by := &found[0], &found[n-1], distance(&found[0])
			out = append(out, fmt.Sprintf("%ss %s to %s (%d) moved by %+d", first.Part, first.Name, last.Name, n, by))
		} else {
			n = 1
			out = append(out, found[0].String())
		}
		found = found[n:]
	}
	return out
}

// few is from how many on parts that moved together share a line.
const few = 3

// together counts the parts at the start of the list that moved by the same
// distance and did nothing else.
func together(found []Change) int {
	n := 0
	for n < len(found) && len(found[n].How) == 1 && found[n].Is(Moved) && found[n].Part == found[0].Part &&
		distance(&found[n]) != 0 && distance(&found[n]) == distance(&found[0]) {
		n++
	}
	return n
}

// distance is how far a part moved: an argument in arguments, others in bytes.
func distance(c *Change) tpinfo.Bytes {
	switch a := c.Before.(type) {
	case tpinfo.Arg:
		if b, ok := c.After.(tpinfo.Arg); ok {
			return (b.Offset - a.Offset) / tpinfo.ArgSlot
		}
	case tpinfo.Field:
		if b, ok := c.After.(tpinfo.Field); ok {
			return b.Offset - a.Offset
		}
	case tpinfo.Member:
		if b, ok := c.After.(tpinfo.Member); ok && b.BitOffset == a.BitOffset {
			return b.Offset - a.Offset
		}
	}
	return 0
}

// String says the change in words, without the event or type it belongs to:
// "argument prev_state added (unsigned int, 4th)".
func (c *Change) String() string {
	subject := strings.TrimSpace(string(c.Part) + " " + c.Name)
	if c.OnlyUnknown() {
		return c.unknown(subject)
	}
	switch c.Part {
	case PartEvent:
		return c.event()
	case PartClass, PartHeader:
		return fmt.Sprintf("%s %v became %v", subject, c.Before, c.After)
	case PartRecord:
		return c.whole(subject)
	case PartType:
		return c.typ()
	}
	switch {
	case c.Is(Added):
		return fmt.Sprintf("%s added (%s)", subject, describe(c.After))
	case c.Is(Removed):
		return fmt.Sprintf("%s removed (%s)", subject, describe(c.Before))
	}
	parts := make([]string, len(c.How))
	for i, h := range c.How {
		parts[i] = c.way(h)
	}
	return subject + " " + strings.Join(parts, ", ")
}

func (c *Change) unknown(subject string) string {
	switch {
	case c.Why != "":
		return "not known on one side: " + c.Why
	case c.Part == PartArgument && c.Name == "":
		return "arguments known on one side only"
	}
	return subject + ": size, place or type known on one side only"
}

func (c *Change) event() string {
	switch {
	case c.Is(Renamed):
		if e, ok := c.After.(*tpinfo.Tracepoint); ok {
			return "perhaps renamed " + e.FullName()
		}
	case c.Is(Added):
		return "added"
	}
	return "removed"
}

func (c *Change) typ() string {
	switch {
	case c.Is(Added):
		return "added" + definitionOf(c.After)
	case c.Is(Removed):
		return "removed" + definitionOf(c.Before)
	case c.Is(Resized):
		return c.whole("size")
	}
	return fmt.Sprintf("changed from %v to %v", c.Before, c.After)
}

func definitionOf(v any) string {
	if t, ok := v.(*tpinfo.Type); ok && t.Size.Known() {
		return fmt.Sprintf(" (%s)", bytesOf(t.Size))
	}
	return ""
}

// whole says how a record or a type came, went, or grew.
func (c *Change) whole(subject string) string {
	a, _ := c.Before.(tpinfo.Bytes)
	b, _ := c.After.(tpinfo.Bytes)
	switch {
	case c.Is(Added):
		return fmt.Sprintf("%s added (%s)", subject, bytesOf(b))
	case c.Is(Removed):
		return fmt.Sprintf("%s removed (%s)", subject, bytesOf(a))
	case b > a:
		return fmt.Sprintf("%s grew from %s to %s bytes", subject, a, b)
	}
	return fmt.Sprintf("%s shrank from %s to %s bytes", subject, a, b)
}

// describe is what a part is that one side has.
func describe(v any) string {
	switch v := v.(type) {
	case tpinfo.Arg:
		return v.Type + ", " + ordinal(v.Offset)
	case tpinfo.Field:
		return fmt.Sprintf("%s%s, %s at %s", v.Type, where(v.Location), bytesOf(v.Size), v.Offset)
	case tpinfo.Member:
		if v.BitSize > 0 {
			return fmt.Sprintf("%s:%d at %s", v.Type, v.BitSize, bitPlace(&v))
		}
		return fmt.Sprintf("%s, %s at %s", v.Type, bytesOf(v.Size), v.Offset)
	case tpinfo.Enumerator:
		return strconv.FormatInt(v.Value, 10)
	}
	return fmt.Sprint(v)
}

func bytesOf(n tpinfo.Bytes) string {
	switch {
	case !n.Known():
		return "size not known"
	case n == 1:
		return "1 byte"
	}
	return n.String() + " bytes"
}

// ordinal is an argument's place among them: "4th".
func ordinal(offset tpinfo.Bytes) string {
	if !offset.Known() {
		return "place not known"
	}
	n := int(offset/tpinfo.ArgSlot) + 1
	suffix := "th"
	if n/10%10 != 1 {
		switch n % 10 {
		case 1:
			suffix = "st"
		case 2:
			suffix = "nd"
		case 3:
			suffix = "rd"
		}
	}
	return strconv.Itoa(n) + suffix
}

func where(l tpinfo.Location) string {
	switch l {
	case tpinfo.DataLoc:
		return " data_loc"
	case tpinfo.RelLoc:
		return " rel_loc"
	}
	return ""
}

func bitPlace(m *tpinfo.Member) string {
	if m.BitSize == 0 {
		return m.Offset.String()
	}
	return fmt.Sprintf("%s bit %d", m.Offset, m.BitOffset)
}

// value is what way needs to know of a part, whatever part it is.
type value struct {
	name, typ, place, location string
	size                       string
	signed                     bool
	number                     int64
}

func valueOf(v any) value {
	switch v := v.(type) {
	case tpinfo.Arg:
		return value{name: v.Name, typ: v.Type, place: ordinal(v.Offset), size: bytesOf(v.Size), signed: v.Signed}
	case tpinfo.Field:
		l := "in place"
		if v.Location != tpinfo.InPlace {
			l = strings.TrimSpace(where(v.Location))
		}
		return value{name: v.Name, typ: v.Type, place: v.Offset.String(), location: l, size: bytesOf(v.Size), signed: v.Signed}
	case tpinfo.Member:
		size := bytesOf(v.Size)
		if v.BitSize > 0 {
			if size = "1 bit"; v.BitSize > 1 {
				size = strconv.Itoa(v.BitSize) + " bits"
			}
		}
		return value{name: v.Name, typ: v.Type, place: bitPlace(&v), size: size}
	case tpinfo.Enumerator:
		return value{name: v.Name, number: v.Value}
	}
	return value{}
}

// way says one way in which a part that both sides have differs.
func (c *Change) way(h How) string {
	a, b := valueOf(c.Before), valueOf(c.After)
	switch h {
	case Renamed:
		return "perhaps renamed " + b.name
	case Moved:
		return fmt.Sprintf("moved from %s to %s", a.place, b.place)
	case Retyped:
		return fmt.Sprintf("retyped from %s to %s", a.typ, b.typ)
	case Resized:
		return fmt.Sprintf("resized from %s to %s", a.size, b.size)
	case Resigned:
		if b.signed {
			return "now signed"
		}
		return "now unsigned"
	case Located:
		return fmt.Sprintf("now %s, was %s", b.location, a.location)
	case Valued:
		return fmt.Sprintf("changed from %d to %d", a.number, b.number)
	}
	return string(h)
}
