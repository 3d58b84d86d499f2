package layout

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

// headerPaths is a list as kernels have it.
func headerPaths(folder string) string {
	var paths []string
	for i := range 1500 {
		paths = append(paths, fmt.Sprintf("build:include/%s/%d/%d.h", folder, i*i%977, i))
	}
	return strings.Join(paths, "\n")
}

// What packs long texts reads them back, and refuses what would not end.
func TestPackLong(t *testing.T) {
	base := headerPaths("linux")
	whole, err := Pack([]byte(base))
	if err != nil {
		t.Fatal(err)
	}
	for text, most := range map[string]int{"": 100, "a": 100, base: 100, base + "\nx": 100, headerPaths("uapi"): len(base)} {
		body, err := PackOn([]byte(text), []byte(base))
		if err != nil {
			t.Fatal(err)
		}
		if len(body) > most {
			t.Errorf("%.20q takes %d bytes, more than %d", text, len(body), most)
		}
		if body[0] != onLong {
			t.Errorf("%.20q has form %d", text, body[0])
		}
		got, err := Packed{Body: body, Whole: whole}.Unpack()
		if err != nil || string(got) != text {
			t.Errorf("%.20q: %.20q, %v", text, got, err)
		}
	}
	bomb, err := packLong(make([]byte, MaxBody+1), []byte(base))
	if err != nil {
		t.Fatal(err)
	}
	if text, err := (Packed{Body: bomb, Whole: whole}).Unpack(); !errors.Is(err, errTooLarge) {
		t.Errorf("%d bytes gave %d, %v", len(bomb), len(text), err)
	}
	if text, err := (Packed{Body: []byte("\x03no zstd"), Whole: whole}).Unpack(); !errors.Is(err, ErrDamaged) {
		t.Errorf("what is no zstd gave %d bytes, %v", len(text), err)
	}
}
