package format

import (
	"reflect"
	"strings"
	"testing"

	"github.com/tpinfo/tpinfo/compiler/ir"
)

func TestParse(t *testing.T) {
	literal := func(text string) Directive {
		return Directive{Part: ir.Part{Text: text, Width: ir.NoNumber, Prec: ir.NoNumber}}
	}
	for text, want := range map[string][]Directive{
		"":        nil,
		"100%% a": {literal("100% a")},
		"%-5.2d!": {{Part: ir.Part{Verb: 'd', Minus: true, Width: 5, Prec: 2}, Source: "%-5.2d"}, literal("!")},
		"%+ #0lx": {{Part: ir.Part{Verb: 'x', Plus: true, Space: true, Alt: true, Zero: true, Width: ir.NoNumber, Prec: ir.NoNumber}, Source: "%+ #0lx"}},
		"%*.*s":   {{Part: ir.Part{Verb: 's', Width: ir.FromSlot, Prec: ir.FromSlot}, Source: "%*.*s"}},
		"%.s":     {{Part: ir.Part{Verb: 's', Width: ir.NoNumber}, Source: "%.s"}},
		"%4b%b":   {{Part: ir.Part{Verb: 'b', Bytes: 4, Width: ir.NoNumber, Prec: ir.NoNumber}, Source: "%4b"}, {Part: ir.Part{Verb: 'b', Bytes: 8, Width: ir.NoNumber, Prec: ir.NoNumber}, Source: "%b"}},
	} {
		if got, why := Parse(text); why != "" || !reflect.DeepEqual(got, want) {
			t.Errorf("%q: %+v %s\nwant %+v", text, got, why, want)
		}
	}
	for text, want := range map[string]string{
		"a%": `"%" is no directive`, "%5": `"%5" is no directive`, "%y": `"%y" is no directive: there are %d %i %u %x %X %o %c %s %p %b %m %M`,
		"%4097d": `"%4097" is too wide: fields have at most 4096 characters`, "%.99999999999999999999d": `"%.99999999999999999999": a precision is at most 4096`,
		"%3b": `"%3b": %b writes 1, 2, 4 or 8 bytes`,
	} {
		if parts, why := Parse(text); why != want || parts != nil {
			t.Errorf("%q: %s, want %s (%+v)", text, why, want, parts)
		}
	}
}

// FuzzParse: what is understood is what stands there, written again it is the
// same, and its fields are within their bounds.
func FuzzParse(f *testing.F) {
	for _, s := range []string{"%-5d|%+i|% u|%#x\n", "%*d %-*.*s %4b %.8M %#.4m", "100%% %s%", "%lld%hhx", "%.99999999999d", "%ü"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		parts, why := Parse(text)
		if why != "" {
			if parts != nil {
				t.Fatalf("%q: %s, and %+v", text, why, parts)
			}
			return
		}
		var again strings.Builder
		for _, d := range parts {
			if d.Verb == 0 {
				again.WriteString(strings.ReplaceAll(d.Text, "%", "%%"))
				continue
			}
			again.WriteString(d.Source)
			if d.Width > MaxField || d.Prec > MaxField || d.Width < 0 && d.Width != ir.NoNumber && d.Width != ir.FromSlot {
				t.Fatalf("%q: %+v", text, d)
			}
		}
		if again.String() != text {
			t.Fatalf("%q became %q", text, again.String())
		}
	})
}
