package inspect

import (
	"fmt"
	"io"
	"strings"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/cmd/tpinfo/cli"
)

// draw writes a definition as C, places in comments behind the members, as
// pahole does.
func draw(a *cli.App, w io.Writer, t *tpinfo.Type, indent string) {
	d := &drawing{style: a.Style}
	d.add(t, indent)
	d.print(w)
}

func (d *drawing) add(t *tpinfo.Type, indent string) {
	switch t.Kind {
	case tpinfo.KindTypedef:
		d.typedef(t, indent)
	case tpinfo.KindEnum:
		d.enum(t, indent)
	case tpinfo.KindStruct, tpinfo.KindUnion:
		d.line(indent + t.Name + " {")
		d.members(t, 0, indent+"    ")
		d.note(indent+"    ", fmt.Sprintf("size: %s, members: %d", t.Size, len(t.Members)))
		d.line(indent + "};")
	default:
		d.placed(indent+t.Name+";", fmt.Sprintf("%s, %s", bytesOf(t.Size), t.Encoding))
	}
}

// drawing collects lines, so that comments can stand in one column.
type drawing struct {
	style cli.Style
	lines []drawn
}

type drawn struct{ text, comment string }

func (d *drawing) line(text string) { d.lines = append(d.lines, drawn{text: text}) }

func (d *drawing) placed(text, comment string) { d.lines = append(d.lines, drawn{text, comment}) }

func (d *drawing) note(indent, comment string) {
	d.line(indent + "/* " + comment + " */")
}

// widest is up to which width of text the comments are lined up.
const widest = 56

func (d *drawing) print(w io.Writer) {
	column := 0
	for _, l := range d.lines {
		if n := len(l.text); l.comment != "" && n <= widest {
			column = max(column, n)
		}
	}
	for _, l := range d.lines {
		if l.comment == "" {
			fmt.Fprintln(w, l.text)
			continue
		}
		pad := strings.Repeat(" ", max(column-len(l.text), 0))
		fmt.Fprintf(w, "%s%s  %s\n", l.text, pad, d.style.Dim("/* "+l.comment+" */"))
	}
}

func (d *drawing) typedef(t *tpinfo.Type, indent string) {
	if t.Anon == nil {
		d.placed(indent+"typedef "+cli.Declare(t.Of, t.Name)+";", bytesOf(t.Size))
		return
	}
	d.line(indent + "typedef " + string(t.Anon.Kind) + " {")
	d.members(t.Anon, 0, indent+"    ")
	d.note(indent+"    ", fmt.Sprintf("size: %s, members: %d", t.Size, len(t.Anon.Members)))
	d.line(indent + "} " + behind(t.Of, t.Name) + ";")
}

// behind is the declarator of name as of type spelling, without the unnamed
// struct or union at its bottom.
func behind(spelling, name string) string {
	s := cli.Declare(spelling, name)
	for _, anon := range []string{tpinfo.AnonStruct, tpinfo.AnonUnion} {
		s = strings.TrimPrefix(s, anon)
	}
	return strings.TrimSpace(s)
}

func (d *drawing) enum(t *tpinfo.Type, indent string) {
	name := t.Name
	if strings.Contains(name, "{") {
		name = "enum"
	}
	d.line(indent + name + " {")
	for _, e := range t.Enumerators {
		d.line(fmt.Sprintf("%s    %s = %d,", indent, e.Name, e.Value))
	}
	d.note(indent+"    ", fmt.Sprintf("size: %s, constants: %d", t.Size, len(t.Enumerators)))
	d.line(indent + "};")
}

// members draws those of t, which starts at offset of the outermost type.
// Holes between the members of a struct are pointed out.
func (d *drawing) members(t *tpinfo.Type, offset tpinfo.Bytes, indent string) {
	end := 0 // in bits from the start of t
	for i := range t.Members {
		m := &t.Members[i]
		start := int(m.Offset)*8 + m.BitOffset
		if t.Kind == tpinfo.KindStruct && m.Offset.Known() {
			d.hole(indent, start-end)
			width := int(max(m.Size, 0)) * 8
			if m.BitSize > 0 {
				width = m.BitSize
			}
			end = start + width
		}
		at := fmt.Sprintf("%5d %5s", offset+m.Offset, m.Size)
		if m.BitSize > 0 {
			at = fmt.Sprintf("%5d %5s  bits %d to %d", offset+m.Offset, m.Size, m.BitOffset, m.BitOffset+m.BitSize-1)
		}
		if m.Anon != nil {
			d.line(indent + string(m.Anon.Kind) + " {")
			d.members(m.Anon, offset+m.Offset, indent+"    ")
			d.placed(strings.TrimRight(indent+"} "+behind(m.Type, m.Name), " ")+";", at)
			continue
		}
		text := cli.Declare(m.Type, m.Name)
		if m.BitSize > 0 {
			text += fmt.Sprintf(":%d", m.BitSize)
		}
		d.placed(indent+text+";", at)
	}
	if t.Kind == tpinfo.KindStruct && t.Size.Known() && len(t.Members) > 0 {
		d.hole(indent, int(t.Size)*8-end)
	}
}

func (d *drawing) hole(indent string, bits int) {
	switch {
	case bits <= 0:
	case bits%8 == 0:
		d.note(indent, cli.Plural(bits/8, "byte")+" hole")
	default:
		d.note(indent, cli.Plural(bits, "bit")+" hole")
	}
}

// bytesOf is a size as people say it.
func bytesOf(n tpinfo.Bytes) string {
	if !n.Known() {
		return "size not known"
	}
	return cli.Plural(int(n), "byte")
}
