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
	for i := range 1000 {
		paths = append(paths, fmt.Sprintf("build:include/%s/%d/%d.h", folder, i*i%977, i))
	}
	return strings.Join(paths, "\n")
}

// What packs long texts reads them back, and refuses what would not end.
func TestPackAfter(t *testing.T) {
	base := headerPaths("linux")
	for text, most := range map[string]int{"": 100, "a": 100, base: 100, base + "\nx": 100, headerPaths("uapi"): len(base)} {
		body, err := PackAfter([]byte(text), []byte(base))
		if err != nil {
			t.Fatal(err)
		}
		if len(body) > most {
			t.Errorf("%.20q takes %d bytes, more than %d", text, len(body), most)
		}
		got, err := UnpackAfter(body, []byte(base))
		if err != nil || string(got) != text {
			t.Errorf("%.20q: %.20q, %v", text, got, err)
		}
	}
	bomb, err := PackAfter(make([]byte, MaxBody+1), []byte(base))
	if err != nil {
		t.Fatal(err)
	}
	if text, err := UnpackAfter(bomb, []byte(base)); !errors.Is(err, errTooLarge) {
		t.Errorf("%d bytes gave %d, %v", len(bomb), len(text), err)
	}
	if text, err := UnpackAfter([]byte("no zstd"), []byte(base)); !errors.Is(err, ErrDamaged) {
		t.Errorf("what is no zstd gave %d bytes, %v", len(text), err)
	}
}
