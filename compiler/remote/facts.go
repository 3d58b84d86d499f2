package remote

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/tpinfo/tpinfo"
)

// Facts are what a host says about itself.
type Facts struct {
	Release   string           // uname -r
	Machine   string           // uname -m, "x86_64"
	Arch      string           // the kernel's word for it, as tpinfo.Kernel.Arch
	ByteOrder tpinfo.ByteOrder // of the kernel
	User      string           // who runs commands there
	// Capable says that the user's processes may load and attach BPF
	// programs: root, or CAP_BPF and CAP_PERFMON.
	Capable bool
	// Sudo says that sudo gives root without asking for a password.
	Sudo bool

	cache string            // where tprun is kept; empty when the home directory cannot be written
	have  map[string]string // by the digest in its name: each tprun's SHA-256, or its size where there is no sha256sum
}

// machines are the architectures by uname's word for them.
// Source: UTS_MACHINE in the Makefiles of arch/*.
var machines = map[string]struct {
	arch  string
	order tpinfo.ByteOrder
}{
	"x86_64":      {"x86", tpinfo.LittleEndian},
	"aarch64":     {"arm64", tpinfo.LittleEndian},
	"aarch64_be":  {"arm64", tpinfo.BigEndian},
	"armv7l":      {"arm", tpinfo.LittleEndian},
	"ppc64le":     {"powerpc", tpinfo.LittleEndian},
	"ppc64":       {"powerpc", tpinfo.BigEndian},
	"s390x":       {"s390", tpinfo.BigEndian},
	"riscv64":     {"riscv", tpinfo.LittleEndian},
	"loongarch64": {"loongarch", tpinfo.LittleEndian},
}

// mark begins each line of the answer, which may stand among what the login
// shell's start-up files print.
const mark = "tpinfo:"

// factsScript asks for everything at once. It is one line, for csh knows no
// longer words.
const factsScript = `p() { printf "tpinfo:%s %s\n" "$1" "$2"; }; ` +
	`p system "$(uname -s)"; p release "$(uname -r)"; p machine "$(uname -m)"; p user "$(id -un)"; ` +
	`p capabilities "$(sed -n "s/^CapEff:[[:space:]]*//p" /proc/self/status)"; ` +
	`if sudo -n true </dev/null >/dev/null 2>&1; then p sudo yes; fi; ` +
	`d=$HOME/.cache/tpinfo; if [ -n "$HOME" ] && mkdir -p "$d" 2>/dev/null && [ -w "$d" ]; then p cache "$d"; ` +
	`for f in "$d"/tprun-*; do if [ -x "$f" ]; then ` +
	`if command -v sha256sum >/dev/null 2>&1; then s=$(sha256sum <"$f"); else s=$(wc -c <"$f"); fi; ` +
	`p tprun "${f##*-} $s"; fi; done; fi; p end`

// errAnswer is the error of an answer that is none of factsScript's.
var errAnswer = errors.New("the answer is not a Linux shell's")

// Capability numbers; CAP_BPF and CAP_PERFMON exist from Linux 5.8.
// Source: include/uapi/linux/capability.h.
const (
	capSysAdmin = 21
	capPerfmon  = 38
	capBPF      = 39
)

func parseFacts(answer string) (Facts, error) {
	f := Facts{have: map[string]string{}}
	system, whole := "", false
	for line := range strings.Lines(answer) {
		line, ok := strings.CutPrefix(strings.TrimRight(line, "\r\n"), mark)
		if !ok {
			continue
		}
		key, value, _ := strings.Cut(line, " ")
		switch key {
		case "system":
			system = value
		case "release":
			f.Release = value
		case "machine":
			f.Machine = value
		case "user":
			f.User = value
		case "capabilities":
			set, err := strconv.ParseUint(value, 16, 64)
			if err != nil {
				return f, fmt.Errorf("%w: capabilities %q", errAnswer, value)
			}
			has := func(n int) bool { return set>>n&1 == 1 }
			f.Capable = has(capSysAdmin) || has(capBPF) && has(capPerfmon)
		case "sudo":
			f.Sudo = value == "yes"
		case "cache":
			f.cache = value
		case "tprun":
			if words := strings.Fields(value); len(words) >= 2 {
				f.have[words[0]] = words[1]
			}
		case "end":
			whole = true
		}
	}
	switch {
	case system != "" && system != "Linux":
		return f, fmt.Errorf("it runs %s, and tracepoints are Linux's", system)
	case !whole || f.Release == "" || f.Machine == "":
		return f, errAnswer
	}
	m, ok := machines[f.Machine]
	if !ok {
		return f, fmt.Errorf("its architecture %s is not known here", f.Machine)
	}
	f.Arch, f.ByteOrder = m.arch, m.order
	return f, nil
}

// has says whether the host keeps this tprun, whole.
func (f Facts) has(digest string, size int) bool {
	sum, ok := f.have[digest]
	return ok && (sum == digest || sum == strconv.Itoa(size))
}
