package traceheaders

import (
	"fmt"
	"strings"
	"testing"

	"github.com/tpinfo/tpinfo/extractor/kbuild"
	"github.com/tpinfo/tpinfo/headers"
)

// Headers of the network come first, those with needs last, those that lack
// something alone; and the units are as many as memory asks for.
func TestPlanUnits(t *testing.T) {
	header := func(name string, size int) Header {
		h := Header{Include: name, Size: size, Network: strings.HasPrefix(name, "net")}
		if name == "lacking" {
			h.Lacks = "asm/none.h"
		}
		return h
	}
	hint := func(name string) (headers.Hint, bool) { return headers.Hint{}, strings.HasPrefix(name, "needy") }
	all := []Header{
		header("a", 100), header("b", 100), header("lacking", 900), header("needy", 100), header("net1", 100), header("net2", 100), header("z", 100),
	}
	for _, test := range []struct {
		most int
		want string
	}{
		{10_000, "net1 net2 a | b z needy | lacking"},
		{300, "net1 net2 a | b z needy | lacking"},
		{299, "net1 net2 | a b | z needy | lacking"},
		{100, "net1 | net2 | a | b | z | needy | lacking"},
	} {
		tree := &kbuild.Tree{Arch: &kbuild.Arch{UnitText: test.most}}
		var got []string
		for i, u := range Plan(tree, all, hint) {
			var names []string
			for _, m := range u.members {
				names = append(names, m.Include)
			}
			got = append(got, strings.Join(names, " "))
			if want := fmt.Sprintf("unit%d", i+1); u.name != want {
				t.Errorf("unit %d is called %s", i+1, u.name)
			}
		}
		if s := strings.Join(got, " | "); s != test.want {
			t.Errorf("at most %d bytes: %s, want %s", test.most, s, test.want)
		}
	}
	if units := Plan(&kbuild.Tree{Arch: &kbuild.Arch{UnitText: 100}}, all[:1], hint); len(units) != 1 {
		t.Errorf("one header in %d units", len(units))
	}
}

func TestNetworkHeaders(t *testing.T) {
	for text, want := range map[string]bool{
		"#include <net/sock.h>\n":              true,
		"#  include <linux/tcp.h>\n":           true,
		"#include <linux/sunrpc/clnt.h>\n":     true,
		"#include <linux/netdevice_other.h>\n": false,
		"#include <linux/tracepoint.h>\n":      false,
		"#include <linux/networking.h>\n":      false,
		"/* <net/sock.h> */\n":                 false,
	} {
		h, ok := readTraceHeader([]byte("#define TRACE_SYSTEM x\n" + text))
		if !ok || h.Network != want {
			t.Errorf("%q: network %v", text, h.Network)
		}
	}
}
