package points_test

import (
	"context"
	"strings"
	"testing"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/compiler/check"
	"github.com/tpinfo/tpinfo/compiler/check/checktest"
)

// An event without a tracepoint of its own is probed by its record, whether
// or not the script says so, and a glob over tracepoints leaves it out.
func TestRecordOnly(t *testing.T) {
	k := checktest.New()
	k.Tracepoints = append(k.Tracepoints, tpinfo.Tracepoint{
		System: "syscalls", Name: "sys_enter_openat", Source: tpinfo.FromSource, Args: []tpinfo.Arg{},
		Record:   &tpinfo.Record{Size: 24, Fields: append(checktest.CommonFields(), tpinfo.Field{Name: "dfd", Type: "int", Offset: 16, Size: 8})},
		Problems: []tpinfo.Problem{{Code: tpinfo.RecordOnly, Message: "it is no tracepoint of its own"}},
	})
	for _, text := range []string{`probe kernel.trace("syscalls:sys_enter_openat") { println($dfd) }`, `probe kernel.trace("sys_enter_openat").record { println($dfd) }`} {
		p, err := checktest.Check(k, text, check.Options{})
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		const want = `kernel.trace("syscalls:sys_enter_openat").record`
		if len(p.Probes) != 1 || p.Probes[0].Point != want || p.Probes[0].Event != "sys_enter_openat" {
			t.Errorf("%s: %+v", text, p.Probes)
		}
	}
	events, err := k.Events(context.Background(), "*sys_enter*")
	if err != nil || len(events) != 2 {
		t.Fatalf("%d events, %v", len(events), err)
	}
	p, err := checktest.Check(k, `probe kernel.trace("*sys_enter*") { println(1) }`, check.Options{})
	if err != nil || len(p.Probes) != 1 || p.Probes[0].Event != "sys_enter" {
		t.Errorf("a glob: %+v, %v", p, err)
	}
	_, err = checktest.Check(k, `probe kernel.trace("sys_enter_openat") { println($filename) }`, check.Options{})
	if err == nil || !strings.Contains(err.Error(), "has no field $filename") {
		t.Errorf("a field that it has not: %v", err)
	}
}
