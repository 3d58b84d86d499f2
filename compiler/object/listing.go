package object

import (
	"fmt"
	"strings"
)

// Listing shows the programs' instructions under the lines of the script that
// they come from.
func Listing(o *Object) string {
	var s strings.Builder
	for i, p := range o.Programs {
		if i > 0 {
			s.WriteByte('\n')
		}
		fmt.Fprintf(&s, "%s: %s\n", p.Name, p.Section)
		at, next := 0, 0
		for n, ins := range p.Insns {
			if next < len(p.Lines) && p.Lines[next].Insn <= n {
				l := p.Lines[next]
				fmt.Fprintf(&s, "; %d: %s\n", l.Line, strings.TrimSpace(l.Text))
				next++
			}
			fmt.Fprintf(&s, "%5d  %v\n", at, ins)
			at += int(ins.Width())
		}
	}
	return s.String()
}
