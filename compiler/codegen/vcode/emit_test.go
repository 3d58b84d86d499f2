package vcode

import (
	"testing"

	"github.com/cilium/ebpf/asm"
)

// A place is of the instructions from its own on up to the next one's, so no
// two of them have the same; the context that stays where it is becomes none.
func TestPlacesGoUp(t *testing.T) {
	f := New()
	ctx, x := f.Reg(), f.Reg()
	f.Place(1, 1)
	f.Context(ctx)
	f.Place(2, 5)
	f.Load(x, Mem{ctx, 8}, asm.DWord)
	f.Place(3, 1)
	f.Store(f.Stack(8), x, asm.DWord)
	f.Exit()
	insns, places, err := f.Emit()
	if err != nil {
		t.Fatal(err)
	}
	if insns[0].OpCode.Class() != asm.LdXClass {
		t.Fatalf("the context is moved, so this tests nothing:\n%v", insns)
	}
	want := []Place{{0, 2, 5}, {1, 3, 1}}
	if len(places) != 2 || places[0] != want[0] || places[1] != want[1] {
		t.Errorf("places %v, want %v:\n%v", places, want, insns)
	}
}
