package codegen

import (
	"encoding/binary"
	"strings"

	"github.com/tpinfo/tpinfo"
	"github.com/tpinfo/tpinfo/compiler/ir"
)

// kernelMemory is what lies at the addresses of objects, by address.
func kernelMemory(order binary.AppendByteOrder) map[uint64][]byte {
	object := func(next uint64, name string) []byte {
		data := append([]byte{0x81, 2, 0xf3, 0x84, 0xff, 0xee, 0x9d, 0}, 0xf0, 1, 2, 3, 4, 5, 6, 0xf7)
		data = order.AppendUint64(data, next)
		data = append(data, name...)
		data = append(data, make([]byte, 40-len(data))...)
		return append(data, "\xaa\x55\xaa\x55\xaa\x55\xaa\x55\xd6\xa9\x3c\xe1\x17\x88\x01\x02"...)
	}
	return map[uint64][]byte{
		0xffff888000001000: object(0xffff888000002000, "an object"), 0xffff888000002000: object(0, "123456789012345"),
	}
}

// simulate makes functions of a program of what reads the kernel's memory.
func simulate(p *ir.Program) {
	var order binary.AppendByteOrder = binary.LittleEndian
	big := p.Kernel.ByteOrder == tpinfo.BigEndian
	if big {
		order = binary.BigEndian
	}
	memory := kernelMemory(order)
	addr := &ir.Node{Op: ir.GetLoc, Type: ir.Long}
	// function makes one of an address: what it gives for each that is right,
	// and what it does for others.
	function := func(t ir.Type, value func(data []byte) *ir.Node, off int64, otherwise *ir.Node) int64 {
		var body []*ir.Node
		for at, data := range memory {
			for from := range int64(len(data)) { // an address may have an offset of its own
				if from+off < 0 || from+off >= int64(len(data)) {
					continue
				}
				if v := value(data[from+off:]); v != nil {
					body = append(body, &ir.Node{Op: ir.If, Args: []*ir.Node{
						long(ir.Eq, addr, number(int64(at)+from)), {Op: ir.Return, Args: []*ir.Node{v}},
					}})
				}
			}
		}
		p.Funcs = append(p.Funcs, ir.Func{Name: "read", Result: t, Size: p.StringSize, Params: 1,
			Locals: []ir.Local{{Name: "addr", Type: ir.Long}}, Body: block(append(body, otherwise)...)})
		return int64(len(p.Funcs) - 1)
	}
	fails := func(n *ir.Node) *ir.Node {
		return &ir.Node{Op: ir.Fail, Args: []*ir.Node{{Op: ir.Text, Type: ir.String, Str: faultText(n.Mem)}}}
	}
	call := func(t ir.Type, function int64, arg *ir.Node) *ir.Node {
		return &ir.Node{Op: ir.Call, Type: t, Int: function, Args: []*ir.Node{arg}, Size: p.StringSize}
	}
	probe := &p.Probes[0]
	var visit func(n *ir.Node)
	visit = func(n *ir.Node) {
		if n == nil {
			return
		}
		for _, a := range n.Args {
			visit(a)
		}
		switch n.Op {
		case ir.Load:
			*n = *call(ir.Long, function(ir.Long, func(data []byte) *ir.Node {
				if len(data) < n.Mem.Size {
					return nil
				}
				return number(reckonMember(data, n.Mem, big))
			}, n.Int, fails(n)), n.Args[0])
		case ir.ReadText:
			// Only what a name is.
			text := func(data []byte) *ir.Node {
				if len(data) != 32 {
					return nil
				}
				s, _, _ := strings.Cut(string(data), "\x00")
				if n.Int > 0 {
					s = s[:min(len(s), int(n.Int)-1)]
				}
				return &ir.Node{Op: ir.Text, Type: ir.String, Str: s}
			}
			if len(n.Args) < 2 {
				*n = *call(ir.String, function(ir.String, text, 0, fails(n)), n.Args[0])
				return
			}
			probe.Locals = append(probe.Locals, ir.Local{Name: "addr", Type: ir.Long})
			local := &ir.Node{Op: ir.GetLoc, Type: ir.Long, Int: int64(len(probe.Locals) - 1)}
			known := function(ir.Long, func(data []byte) *ir.Node {
				if text(data) == nil {
					return nil
				}
				return number(1)
			}, 0, &ir.Node{Op: ir.Return, Args: []*ir.Node{number(0)}})
			read := function(ir.String, text, 0, fails(n))
			*n = ir.Node{Op: ir.Choose, Type: ir.String, Size: n.Size, Args: []*ir.Node{
				call(ir.Long, known, set(local, n.Args[0])), call(ir.String, read, local), n.Args[1],
			}}
		}
	}
	visit(probe.Body)
}
