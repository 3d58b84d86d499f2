package object_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/compiler/ir"
	"github.com/tpinfo/tpinfo/compiler/object"
)

func TestDescribe(t *testing.T) {
	o := sample(tpinfo.LittleEndian)
	o.Script.Name = "sam\x1b[2Jple.stp"
	o.Script.Facts = append(o.Script.Facts,
		ir.Fact{Type: "struct task_struct", Member: "se.on_rq", Offset: 120, Size: 4, CType: "unsigned int"},
		ir.Fact{Type: "struct task_struct", Member: "sched_contributes_to_load", Offset: 1196, Size: 4, BitOffset: 1, BitSize: 1, CType: "unsigned int"},
		ir.Fact{Event: "sched_switch", Record: true, Member: "prev_pid", Offset: 24, Size: 4, CType: "pid_t"})
	f, err := object.Read(write(t, o))
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if err := f.Describe(&out); err != nil {
		t.Fatal(err)
	}
	want := `script  sam�[2Jple.stp
kernel  6.1.0-56-cloud-amd64, x86, little-endian
id      1234

probes
  kernel.trace("sched:sched_switch")  line 2  sched_switch in raw_tp/sched_switch, 44 instructions
  kernel.trace("sched:sched_switch")  line 7  sched_switch_2 in raw_tp/sched_switch, 6 instructions
  timer.s(1)                          line 5  user space

maps
  .bss         Array, 144 bytes
  .rodata      Array, 8 bytes
  seen         Hash, up to 1000 of 8 bytes, keys of 8
  sizes        PerCPUArray, 16 bytes
  tpinfo.ring  RingBuf, 65536 bytes

facts
  sched_switch $prev                            struct task_struct *  8 bytes at 8
  struct task_struct se.on_rq                   unsigned int          4 bytes at 120
  struct task_struct sched_contributes_to_load  unsigned int          1 bits at byte 1196, bit 1
  sched_switch.record $prev_pid                 pid_t                 4 bytes at 24
`
	if d := cmp.Diff(want, out.String()); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}
