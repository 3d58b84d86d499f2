package dwarfx

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// Objects that are none, or not whole: an error that says so, never a panic.
func TestDamagedObjects(t *testing.T) {
	good := smallObject(t, "gcc", "-gdwarf-4", "-O1", "-gz=none")
	path := filepath.Join(t.TempDir(), "bad.o")
	try := func(data []byte, opts Options) error {
		t.Helper()
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
		_, err := Read(context.Background(), path, opts)
		return err
	}
	known := func(err error) bool {
		for _, want := range []error{ErrNotObject, ErrNoDebug, ErrDamaged, ErrTooLarge} {
			if errors.Is(err, want) {
				return true
			}
		}
		return false
	}
	if err := try(nil, Options{}); !errors.Is(err, ErrNotObject) {
		t.Errorf("an empty file: %v", err)
	}
	if err := try([]byte("hello"), Options{}); !errors.Is(err, ErrNotObject) {
		t.Errorf("text: %v", err)
	}
	for n := 0; n < len(good)-1; n += 97 {
		if err := try(good[:n], Options{}); !known(err) {
			t.Fatalf("cut at %d of %d: %v", n, len(good), err)
		}
	}
	for n := 0; n < len(good); n += 61 {
		bad := append([]byte{}, good...)
		bad[n] ^= 0xff
		if err := try(bad, Options{FunctionPrefix: "tp_"}); err != nil && !known(err) {
			t.Fatalf("byte %d turned over: %v", n, err)
		}
	}
	if err := try(good, Options{Limits: Limits{Debug: 100}}); !errors.Is(err, ErrTooLarge) {
		t.Errorf("debug sections beyond the limit: %v", err)
	}
	if err := try(good, Options{Limits: Limits{Entries: 10}}); !errors.Is(err, ErrTooLarge) {
		t.Errorf("entries beyond the limit: %v", err)
	}
	if err := try(good, Options{Limits: Limits{Depth: 2}}); !known(err) {
		t.Errorf("types nested beyond the limit: %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := os.WriteFile(path, good, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Read(ctx, path, Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("a context that has ended: %v", err)
	}
}

// FuzzRead starts from the small object, as two compilers wrote it.
func FuzzRead(f *testing.F) {
	dir := f.TempDir()
	for _, name := range []string{"gcc4.o", "clang5.o"} {
		data, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		path := filepath.Join(dir, "x.o")
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
		opts := Options{FunctionPrefix: "tp_", Sections: []string{".data"}, Limits: Limits{Debug: 1 << 20, Entries: 1 << 14}}
		obj, err := Read(context.Background(), path, opts)
		if err != nil {
			return
		}
		for i := range obj.Types {
			typ := &obj.Types[i]
			if obj.Type(typ.Name) == nil {
				t.Fatalf("%q is listed and not found", typ.Name)
			}
			for j := range typ.Members {
				if m := &typ.Members[j]; m.BitOffset < 0 || m.BitOffset > 7 || m.BitSize < 0 {
					t.Fatalf("%s.%s: %d bits from bit %d", typ.Name, m.Name, m.BitSize, m.BitOffset)
				}
			}
		}
	})
}
