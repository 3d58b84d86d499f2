package tracefs

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tpinfo/tpinfo"
)

// FuzzParse holds that whatever comes out is well formed, is the same each
// time, and that anything else is ErrFormat.
func FuzzParse(f *testing.F) {
	for _, c := range formats {
		f.Add(header(c.event) + c.body + "\nprint fmt: \"%d\", REC->x\n")
	}
	f.Add("name: x\n\tfield:__data_loc __rel_loc char[] a;\toffset:8;\tsize:4;\tsigned:0;\n")
	f.Add("name: x\n\tfield:int (*a)[3];\toffset:8;\tsize:8;\tsigned:0;\n")
	f.Fuzz(func(t *testing.T, text string) {
		got, err := Parse("sys", strings.NewReader(text))
		again, err2 := Parse("sys", strings.NewReader(text))
		if (err == nil) != (err2 == nil) || !cmp.Equal(got, again) {
			t.Fatalf("read twice, differently: %s", cmp.Diff(got, again))
		}
		if err != nil {
			if !errors.Is(err, ErrFormat) || got != nil {
				t.Fatalf("%+v, error %v, which is not ErrFormat", got, err)
			}
			return
		}
		if got.Name == "" || got.System != "sys" || got.Record == nil || got.Args != nil {
			t.Fatalf("half an event: %+v", got)
		}
		fields := 0
		for line := range strings.Lines(text) {
			if strings.Contains(line, "field:") {
				fields++
			}
		}
		if len(got.Record.Fields) > fields {
			t.Fatalf("%d fields from %d lines", len(got.Record.Fields), fields)
		}
		for _, fd := range got.Record.Fields {
			if fd.Name == "" || strings.ContainsAny(fd.Name, " \t*)]") || !fd.Offset.Known() || !fd.Size.Known() {
				t.Errorf("field %+v", fd)
			}
			// What can be spelled is spelled one way only.
			if e, err := tpinfo.ParseExpr(fd.Type); err == nil && e.String() != fd.Type {
				t.Errorf("field %s: type %q should read %q", fd.Name, fd.Type, e)
			}
		}
	})
}
