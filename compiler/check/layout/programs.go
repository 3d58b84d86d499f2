package layout

import (
	"strconv"
	"strings"

	"github.com/tpinfo/tpinfo/compiler/ir"
)

// maxProgramName is BPF_OBJ_NAME_LEN without its NUL (include/uapi/linux/bpf.h).
const maxProgramName = 15

// namePrograms names the eBPF programs after their events.
func namePrograms(p *ir.Program) {
	taken := map[string]bool{}
	for i := range p.Probes {
		p := &p.Probes[i]
		if !p.Kind.InKernel() {
			continue
		}
		base := p.Event
		if base == "" {
			base = "perf"
			if strings.HasPrefix(p.Point, "timer") {
				base = "profile"
			}
		}
		base = identifier(base)
		name := base[:min(len(base), maxProgramName)]
		for n := 2; taken[name]; n++ {
			suffix := "_" + strconv.Itoa(n)
			name = base[:min(len(base), maxProgramName-len(suffix))] + suffix
		}
		taken[name] = true
		p.Program = name
	}
}

// identifier makes a C identifier of a name.
func identifier(name string) string {
	out := []byte(name)
	for i, b := range out {
		letter := b == '_' || b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z'
		if !letter && (i == 0 || b < '0' || b > '9') {
			out[i] = '_'
		}
	}
	if len(out) == 0 {
		return "_"
	}
	return string(out)
}
