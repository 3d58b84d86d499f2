package kpkg

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestInspectDeb(t *testing.T) {
	for _, packing := range []string{"", ".gz", ".xz", ".zst"} {
		t.Run("tar"+packing, func(t *testing.T) {
			data := flavourDeb(t, packing)
			path := write(t, filepath.Join(t.TempDir(), "x.deb"), data)
			got, err := Inspect(context.Background(), path)
			must(t, err)
			sum := sha256.Sum256(data)
			want := Package{
				Path: path, Format: Deb, Name: "linux-headers-6.1.0-9-amd64", Version: "6.1.99-1", Arch: "amd64",
				Depends: []string{"linux-headers-6.1.0-9-common", "linux-kbuild-6.1", "gcc-12"},
				Digest:  hex.EncodeToString(sum[:]), Size: int64(len(data)),
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestInspectRPM(t *testing.T) {
	data := fedoraDevel().build(t)
	path := write(t, filepath.Join(t.TempDir(), "x.rpm"), data)
	got, said, err := inspect(context.Background(), path, func(*about) bool { return true })
	must(t, err)
	sum := sha256.Sum256(data)
	want := Package{
		Path: path, Format: RPM, Name: "kernel-devel", Version: "6.1.99-300.fc40", Arch: "x86_64",
		Depends: []string{"findutils"}, Digest: hex.EncodeToString(sum[:]), Size: int64(len(data)),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if said.release != "6.1.99-300.fc40.x86_64" || said.roles != (rpmRoles{build: true}) {
		t.Errorf("release %q, roles %+v", said.release, said.roles)
	}
}

// The signature of an error: its kind, a part of its reason, and whether it
// says what to do.
func wantError(t *testing.T, err, kind error, reason string) {
	t.Helper()
	var own *Error
	switch {
	case !errors.As(err, &own):
		t.Errorf("error %v, want one of a package: %v, %q", err, kind, reason)
	case !errors.Is(err, kind) || !strings.Contains(own.Error(), reason):
		t.Errorf("error %q, want kind %q and %q in it", err, kind, reason)
	case own.Path == "" || len(own.Supply) == 0:
		t.Errorf("error %q names no file or nothing to do", err)
	}
}

func TestInspectRefuses(t *testing.T) {
	version := member{"debian-binary", []byte("2.0\n")}
	data := member{"data.tar", tarOf(t, file{name: "./x", text: "x"})}
	ctrl := func(files ...file) member { return member{"control.tar", tarOf(t, files...)} }
	good := file{name: "./control", text: control("p", "1", "all", "")}
	header := func(tags ...rpmTag) []byte {
		lead := append([]byte(rpmMagic), make([]byte, rpmLeadSize-4)...)
		return append(append(lead, rpmHeaderOf([]rpmTag{{1, 4, 1, numbers(uint32(0))}}, true)...), rpmHeaderOf(tags, false)...)
	}
	for _, c := range []struct {
		name   string
		data   []byte
		kind   error
		reason string
	}{
		{"empty file", nil, ErrDamaged, "it is empty"},
		{"text", []byte("hello, world"), ErrUnknownFormat, "neither a .deb nor an .rpm"},
		{"other ar", arOf(t, member{"x.o", []byte("x")}), ErrUnknownFormat, "no Debian package"},
		{"ar alone", []byte(arMagic), ErrDamaged, "no control.tar"},
		{"format 3", arOf(t, member{"debian-binary", []byte("3.0\n")}, ctrl(good), data), ErrUnknownFormat, `version "3.0`},
		{"no control.tar", arOf(t, version, data), ErrHostile, "stands where control.tar must be"},
		{"no data.tar", arOf(t, version, ctrl(good)), ErrDamaged, "no data.tar"},
		{"odd member", arOf(t, version, member{"evil", []byte("x")}, ctrl(good), data), ErrHostile, "stands where control.tar must be"},
		{"member with a path", arOf(t, version, member{"../evil", []byte("x")}), ErrHostile, "has the name"},
		{"many members", arOf(t, append([]member{version}, manyMembers(40)...)...), ErrHostile, "more than 16 members"},
		{"bad ar size", append([]byte(arMagic), []byte(strings.Replace(arHeader("debian-binary", "4"), "4         `", "-4        `", 1))...), ErrDamaged, "its size is"},
		{"bad ar end", append([]byte(arMagic), []byte(strings.Replace(arHeader("debian-binary", "4"), "`\n", "xx", 1))...), ErrDamaged, "does not end"},
		{"control without control", arOf(t, version, ctrl(file{name: "./postinst", text: "rm -rf /"}), data), ErrDamaged, "no control file"},
		{"control a link", arOf(t, version, ctrl(file{name: "./control", link: "/etc/passwd"}), data), ErrHostile, "a control file is a file"},
		{"control leads out", arOf(t, version, ctrl(file{name: "../control", text: "x"}), data), ErrHostile, "leads upwards"},
		{"control huge", arOf(t, version, ctrl(file{name: "./control", text: strings.Repeat("A: b\n", 1<<18)}), data), ErrHostile, "at most 1048576 bytes"},
		{"control without version", arOf(t, version, ctrl(file{name: "./control", text: "Package: x\nArchitecture: all\n"}), data), ErrDamaged, `its Version is ""`},
		{"control with a path for a name", arOf(t, version, ctrl(file{name: "./control", text: control("a/../b", "1", "all", "")}), data), ErrDamaged, "its Package is"},
		{"control depends on odd bytes", arOf(t, version, ctrl(file{name: "./control", text: control("p", "1", "all", "a, l\xf5nux-kbuild-6.1")}), data), ErrDamaged, "it depends on"},
		{"control nonsense", arOf(t, version, ctrl(file{name: "./control", text: "\x00\x01\x02\n"}), data), ErrDamaged, "has the line"},
		{"control a bomb", arOf(t, version, member{"control.tar.gz", pack(t, ".gz", make([]byte, maxControlTar+1))}, data), ErrDamaged, "it is empty"},
		{"control tar of zeros then more", arOf(t, version, member{"control.tar.xz", pack(t, ".xz", tarOf(t, file{name: "./big", text: strings.Repeat("\x00", maxControlTar)}))}, data), ErrTooLarge, "unpack"},
		{"lzma", arOf(t, version, member{"control.tar.lzma", []byte("\x5d\x00\x00\x80\x00\xff\xff")}, data), ErrUnknownFormat, "packed with lzma"},
		{"rpm lead alone", append([]byte(rpmMagic), make([]byte, rpmLeadSize-4)...), ErrDamaged, "ends too early"},
		{"rpm without name", header(rpmTag{tagVersion, 6, 1, texts("1")}), ErrDamaged, `its name is ""`},
		{"rpm of another payload", header(rpmTag{tagPayloadFormat, 6, 1, texts("drpm")}), ErrUnknownFormat, `format "drpm"`},
		{"rpm tag outside", header(rpmTag{tagName, 4, 1 << 30, texts("x")}), ErrDamaged, "lies outside"},
		{"rpm text without end", header(rpmTag{tagName, 8, 9, texts("x")}), ErrDamaged, "lies outside"},
		{"rpm files without folders", header(rpmTag{tagName, 6, 1, texts("x")}, rpmTag{tagVersion, 6, 1, texts("1")}, rpmTag{tagArch, 6, 1, texts("a")}, rpmTag{tagBaseNames, 8, 1, texts("b")}), ErrDamaged, "1 file names and 0 folders"},
		{"rpm huge header", append(append([]byte(rpmMagic), make([]byte, rpmLeadSize-4)...), append([]byte(rpmHeaderMagic+"\x00\x00\x00\x00"), numbers(uint32(1<<31), uint32(1<<31))...)...), ErrTooLarge, "RPM header has"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := write(t, filepath.Join(t.TempDir(), "x.deb"), c.data)
			_, err := Inspect(context.Background(), path)
			wantError(t, err, c.kind, c.reason)
		})
	}
}

func manyMembers(n int) (all []member) {
	for range n {
		all = append(all, member{"_x", []byte("x")})
	}
	return all
}

func arHeader(name, size string) string {
	pad := func(s string, n int) string { return s + strings.Repeat(" ", n-len(s)) }
	return pad(name, 16) + pad("0", 12) + pad("0", 6) + pad("0", 6) + pad("100644", 8) + pad(size, 10) + "`\n" + "2.0\n"
}

// A package that ends anywhere is damaged and nothing else, and opening one
// leaves nothing behind.
func TestTruncated(t *testing.T) {
	for _, c := range []struct {
		name string
		data []byte
	}{{"x.deb", flavourDeb(t, ".xz")}, {"x.deb", flavourDeb(t, ".zst")}, {"x.deb", flavourDeb(t, ".gz")}, {"x.deb", flavourDeb(t, "")}, {"x.rpm", fedoraDevel().build(t)}} {
		step := max(1, len(c.data)/80)
		dir, scratch := t.TempDir(), t.TempDir()
		for n := 1; n < len(c.data); n += step {
			path := write(t, filepath.Join(dir, c.name), c.data[:n])
			p, err := Inspect(context.Background(), path)
			if err == nil {
				_, err = NewOpener(scratch, Limits{}).Open(context.Background(), Set{Release: tinyRelease, Headers: []Package{p}})
				if left := filesBelow(t, scratch); len(left) > 0 {
					t.Errorf("%d of %d bytes left %v", n, len(c.data), left)
				}
			}
			if n >= len(arMagic) && !errors.Is(err, ErrDamaged) || n < len(arMagic) && !errors.Is(err, ErrUnknownFormat) && !errors.Is(err, ErrDamaged) {
				t.Errorf("%d of %d bytes of %s: %v", n, len(c.data), c.name, err)
			}
		}
	}
}

func TestRelations(t *testing.T) {
	said, err := parseControl(strings.NewReader("Package: p\nVersion: 1\nArchitecture: all\nPre-Depends: dpkg (>= 1.17)\n" +
		"Depends: a (= 1.2-3), b:any (>> 2) | c, :any, , d\n (= 4) [amd64],\n e | f (= 5)\n"))
	must(t, err)
	want := []relation{{"dpkg", ""}, {"a", "1.2-3"}, {"b", ""}, {"d", "4"}, {"e", ""}}
	if diff := cmp.Diff(want, said.depends, cmp.AllowUnexported(relation{})); diff != "" {
		t.Error(diff)
	}
}
