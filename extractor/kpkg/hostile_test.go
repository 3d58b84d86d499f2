package kpkg

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// openBytes opens a package of the tiny release from a folder of its own. It
// fails the test when anything is outside of the scratch folder afterwards, or
// in it.
func openBytes(t testing.TB, data []byte, format Format, limits Limits) error {
	t.Helper()
	above := t.TempDir()
	scratch := filepath.Join(above, "a", "b", "scratch")
	must(t, os.MkdirAll(scratch, 0o755))
	p := Package{Path: write(t, filepath.Join(above, "package"), data), Format: format, Name: "p"}
	opened, err := NewOpener(scratch, limits).Open(context.Background(), Set{Release: tinyRelease, Headers: []Package{p}})
	if err == nil {
		for name, text := range filesBelow(t, scratch) {
			if target, link := strings.CutPrefix(text, "-> "); link {
				inside(t, scratch, name, target)
			}
		}
		must(t, opened.Close())
	}
	for name := range filesBelow(t, above) {
		if name != "package" {
			t.Errorf("%s was left (error %v)", name, err)
		}
	}
	return err
}

// inside checks that a link leads below the scratch folder, or nowhere.
func inside(t testing.TB, scratch, name, target string) {
	t.Helper()
	root, err := filepath.EvalSymlinks(scratch)
	must(t, err)
	real, err := filepath.EvalSymlinks(filepath.Join(scratch, name))
	if errors.Is(err, os.ErrNotExist) {
		real = filepath.Join(root, filepath.Dir(name), target)
	}
	if real != root && !strings.HasPrefix(real, root+"/") {
		t.Errorf("the link %s -> %s leads to %s", name, target, real)
	}
}

func TestOpenRefuses(t *testing.T) {
	const in = flavourDir + "include/"
	special := func(name string, kind byte, mode int64) file {
		return file{name: name, header: &tar.Header{Name: name, Typeflag: kind, Mode: mode, Devmajor: 1, Devminor: 3}}
	}
	hard := func(name, target string) file {
		return file{name: name, header: &tar.Header{Name: name, Typeflag: tar.TypeLink, Linkname: target}}
	}
	deep := strings.Repeat("d/", 70)
	for _, c := range []struct {
		name   string
		files  []file
		kind   error
		reason string
	}{
		{"absolute path", []file{{name: "/etc/cron.d/evil", text: "x"}}, ErrHostile, "absolute path"},
		{"absolute path to what is kept", []file{{name: "/usr/src/linux-headers-6.1.0-9-amd64/include/a.h", text: "x"}}, ErrHostile, "absolute path"},
		{"upwards", []file{{name: "../../evil", text: "x"}}, ErrHostile, "leads upwards"},
		{"upwards inside", []file{{name: in + "../../../../../evil", text: "x"}}, ErrHostile, "leads upwards"},
		{"upwards at the end", []file{{name: in + "..", text: ""}}, ErrHostile, "leads upwards"},
		{"link out", []file{{name: in + "evil.h", link: "../../../../../etc/passwd"}}, ErrHostile, "leaves the package"},
		{"link to an absolute path", []file{{name: in + "evil.h", link: "/etc/passwd"}}, ErrHostile, "absolute path"},
		{"link to nothing", []file{{name: in + "evil.h", header: &tar.Header{Name: in + "evil.h", Typeflag: tar.TypeSymlink}}}, ErrHostile, "is nothing"},
		{"link that goes down and up", []file{{name: in + "deep", link: "a/b/c"}, {name: in + "evil.h", link: "deep/../../../../../../../etc/passwd"}}, ErrHostile, "goes up after it went down"},
		{"include is a link", []file{{name: flavourDir + "include", link: "/etc"}}, ErrHostile, "absolute path"},
		{"file below a link", []file{{name: in + "way", link: "../../../../"}, {name: in + "way/evil", text: "x"}}, ErrHostile, "a folder where a file or link is"},
		{"folder that is a link", []file{{name: in + "way", link: "other"}, {name: in + "way/"}}, ErrHostile, "a folder where a file or link is"},
		{"file through include that is a link", []file{{name: flavourDir + "include", link: "../x"}, {name: in + "evil.h", text: "x"}}, ErrHostile, "a folder where a file or link is"},
		{"hard link out", []file{hard(in+"evil.h", "../../../../../etc/passwd")}, ErrHostile, "no file before it"},
		{"hard link to an absolute path", []file{hard(in+"evil.h", "/etc/passwd")}, ErrHostile, "no file before it"},
		{"hard link to a link", []file{{name: in + "a.h", link: "b.h"}, hard(in+"evil.h", in+"a.h")}, ErrHostile, "no file before it"},
		{"hard link to a later file", []file{hard(in+"evil.h", in+"a.h"), {name: in + "a.h", text: "x"}}, ErrHostile, "no file before it"},
		{"device", []file{special(in+"null", tar.TypeChar, 0o666)}, ErrHostile, "a device"},
		{"block device elsewhere", []file{special("./dev/sda", tar.TypeBlock, 0o666)}, ErrHostile, "a device"},
		{"pipe", []file{special(in+"pipe", tar.TypeFifo, 0o666)}, ErrHostile, "a named pipe"},
		{"setuid", []file{special("./usr/bin/su", tar.TypeReg, 0o4755)}, ErrHostile, "a file with the mode"},
		{"setgid", []file{special(in+"a.h", tar.TypeReg, 0o2755)}, ErrHostile, "a file with the mode"},
		{"twice", []file{{name: in + "a.h", text: "x"}, {name: in + "a.h", text: "y"}}, ErrHostile, "there twice"},
		{"twice in other words", []file{{name: in + "a.h", text: "x"}, {name: in + ".//a.h", text: "y"}}, ErrHostile, "there twice"},
		{"link over a file", []file{{name: in + "a.h", text: "x"}, {name: in + "a.h", link: "b.h"}}, ErrHostile, "there twice"},
		{"file where a folder is", []file{{name: in + "a/b.h", text: "x"}, {name: in + "a", text: "y"}}, ErrHostile, "stands where a folder is"},
		{"folder where a file is", []file{{name: in + "a", text: "x"}, {name: in + "a/b.h", text: "y"}}, ErrHostile, "a folder where a file or link is"},
		{"newline", []file{{name: in + "a\nb.h", text: "x"}}, ErrHostile, "control character"},
		{"escape sequence", []file{{name: in + "a\x1b[2Jb.h", text: "x"}}, ErrHostile, "control character"},
		{"long name", []file{{name: in + strings.Repeat("long/", 250) + "a.h", text: "x"}}, ErrTooLarge, "over the limit of 1024"},
		{"long part of a name", []file{{name: in + strings.Repeat("l", 300), text: "x"}}, ErrTooLarge, "over the limit of 255"},
		{"deep", []file{{name: in + deep + "a.h", text: "x"}}, ErrTooLarge, "folders deep"},
		{"empty", nil, ErrIncomplete, "no kernel headers"},
		{"only a program", []file{{name: "./usr/bin/x", text: "x"}}, ErrIncomplete, "no kernel headers"},
		{"without a configuration", plain(flavourDir), ErrIncomplete, "no configured build tree"},
	} {
		t.Run(c.name, func(t *testing.T) {
			data := debOf(t, control("p", "1", "amd64", ""), ".gz", append(c.files, file{name: "./usr/share/doc/p", text: "p"})...)
			wantError(t, openBytes(t, data, Deb, Limits{}), c.kind, c.reason)
		})
	}
}

// rawTar is a tar of one header that archive/tar would not write, and text
// behind it.
func rawTar(t testing.TB, name string, kind byte, size int64, text string, change func(block []byte)) []byte {
	t.Helper()
	data := tarOf(t, file{header: &tar.Header{Name: name, Mode: 0o644, Typeflag: tar.TypeReg}})[:512]
	data[156] = kind
	copy(data[124:136], fmt.Sprintf("%011o\x00", size))
	if change != nil {
		change(data)
	}
	copy(data[148:156], "        ")
	sum := 0
	for _, b := range data {
		sum += int(b)
	}
	copy(data[148:156], fmt.Sprintf("%06o\x00 ", sum))
	data = append(data, text...)
	for len(data)%512 != 0 {
		data = append(data, 0)
	}
	return append(data, make([]byte, 1024)...)
}

func TestOpenRefusesTar(t *testing.T) {
	const name = flavourDir + "include/a.h"
	sparse := func(block []byte) {
		copy(block[257:265], "ustar  \x00") // GNU's own
		copy(block[386:398], "00000000000\x00")
		copy(block[398:410], "00000000004\x00")
		copy(block[483:495], fmt.Sprintf("%011o\x00", int64(8)<<30))
	}
	var pax bytes.Buffer
	for _, record := range []string{"GNU.sparse.major=1", "GNU.sparse.minor=0", "GNU.sparse.name=" + name, "GNU.sparse.realsize=4"} {
		n := len(record) + 4
		fmt.Fprintf(&pax, "%d %s\n", n, record)
	}
	for _, c := range []struct {
		name   string
		tar    []byte
		kind   error
		reason string
	}{
		{"unknown type", rawTar(t, name, 'Z', 0, "", nil), ErrHostile, "of tar's type 'Z'"},
		{"sparse of old", rawTar(t, name, tar.TypeGNUSparse, 4, "text", sparse), ErrHostile, "of tar's type 'S'"},
		{"sparse of pax", append(rawTar(t, "./PaxHeaders/a", 'x', int64(pax.Len()), pax.String(), nil)[:1024], rawTar(t, name, '0', 1024, "1\n0\n4\n"+strings.Repeat("\x00", 505)+"text", nil)...), ErrHostile, "sparse file"},
		{"size of eight gigabytes", rawTar(t, name, '0', 8<<30-1, "x", nil), ErrTooLarge, "over the"},
		{"name with a zero", rawTar(t, name, '0', 0, "", func(b []byte) { copy(b, strings.Repeat("x", 100)); copy(b[345:], "/etc\x00/x") }), ErrHostile, "absolute path"},
		{"checksum", bytes.Replace(rawTar(t, name, '0', 0, "", nil), []byte("a.h"), []byte("b.h"), 1), ErrDamaged, "invalid tar header"},
		{"zeros", make([]byte, 4096), ErrDamaged, "it is empty"},
		{"noise", []byte(strings.Repeat("noise", 400)), ErrDamaged, "invalid tar header"},
		{"an archive in the archive", rawTar(t, name, '0', 0, "", func(b []byte) { copy(b, "./control.tar.gz\x00") }), ErrIncomplete, "no kernel headers"},
	} {
		t.Run(c.name, func(t *testing.T) {
			data := arOf(t, member{"debian-binary", []byte("2.0\n")},
				member{"control.tar", tarOf(t, file{name: "./control", text: control("p", "1", "all", "")})}, member{"data.tar", c.tar})
			wantError(t, openBytes(t, data, Deb, Limits{}), c.kind, c.reason)
		})
	}
}

// A second control.tar, or a data.tar before it, is not what dpkg reads.
func TestOpenRefusesMembers(t *testing.T) {
	version := member{"debian-binary", []byte("2.0\n")}
	ctrl := member{"control.tar.gz", pack(t, ".gz", tarOf(t, file{name: "./control", text: control("p", "1", "all", "")}))}
	data := member{"data.tar.gz", pack(t, ".gz", tarOf(t, flavourFiles()...))}
	for _, c := range []struct {
		name    string
		members []member
		kind    error
		reason  string
	}{
		{"nested", []member{version, ctrl, {"inner.deb", nil}, data}, ErrHostile, "stands where data.tar must be"},
		{"no data", []member{version, ctrl}, ErrDamaged, "no data.tar"},
		{"data that is not packed as named", []member{version, ctrl, {"data.tar.xz", []byte("not xz")}}, ErrDamaged, "ends too early"},
		{"xz with a broken check", []member{version, ctrl, {"data.tar.xz", breakAt(pack(t, ".xz", tarOf(t, flavourFiles()...)), -30)}}, ErrDamaged, ""},
		{"gzip with a broken check", []member{version, ctrl, {"data.tar.gz", breakAt(data.data, -6)}}, ErrDamaged, "checksum"},
	} {
		t.Run(c.name, func(t *testing.T) {
			wantError(t, openBytes(t, arOf(t, c.members...), Deb, Limits{}), c.kind, c.reason)
		})
	}
	// Members of later versions stand between.
	good := arOf(t, version, member{"_gpgorigin", []byte("signature")}, ctrl, member{"_x", nil}, data)
	must(t, openBytes(t, good, Deb, Limits{}))
}

func breakAt(data []byte, i int) []byte {
	data = bytes.Clone(data)
	data[len(data)+i] ^= 0x55
	return data
}

func TestLimits(t *testing.T) {
	const in = flavourDir + "include/"
	noise := make([]byte, 1<<20)
	random := rand.New(rand.NewPCG(1, 2))
	for i := 0; i < len(noise); i += 8 {
		binary.LittleEndian.PutUint64(noise[i:], random.Uint64())
	}
	var many []file
	for i := range 50 {
		many = append(many, file{name: fmt.Sprintf("%sa%d.h", in, i), text: "x"})
	}
	bomb := file{name: in + "bomb.h", text: strings.Repeat("\x00", 40<<20)}
	for _, c := range []struct {
		name    string
		packing string
		files   []file
		limits  Limits
		reason  string // "" where the limits leave room
	}{
		{"bytes", ".gz", []file{{name: in + "a.h", text: string(noise)}}, Limits{Bytes: 1 << 20}, "unpacks to more than 1048576 bytes"},
		{"bytes of what is skipped", ".gz", []file{{name: "./usr/share/a", text: string(noise)}}, Limits{Bytes: 1 << 20}, "unpacks to more than 1048576 bytes"},
		{"bytes claimed", "", []file{{name: in + "a.h", text: string(noise)}}, Limits{Bytes: 200_000}, "over the 200000 of a whole package"},
		{"bytes enough", ".gz", []file{{name: in + "a.h", text: string(noise)}}, Limits{Bytes: 2 << 20}, ""},
		{"files", ".gz", many, Limits{Files: 40}, "more than 40 entries"},
		{"files enough", ".gz", many, Limits{Files: 200}, ""},
		{"path", ".gz", []file{{name: in + strings.Repeat("a", 60), text: "x"}}, Limits{PathLength: 80}, "over the limit of 80"},
		{"ratio of gzip", ".gz", []file{bomb}, Limits{}, "over 100 times as many"},
		{"ratio of xz", ".xz", []file{bomb}, Limits{}, "over 100 times as many"},
		{"ratio of zstd", ".zst", []file{bomb}, Limits{}, "over 100 times as many"},
		{"ratio of what is skipped", ".zst", []file{{name: "./usr/share/bomb", text: bomb.text}}, Limits{}, "over 100 times as many"},
		{"ratio enough", ".gz", []file{bomb}, Limits{Ratio: 2000}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			data := debOf(t, control("p", "1", "amd64", ""), c.packing, append(flavourFiles(), c.files...)...)
			err := openBytes(t, data, Deb, c.limits)
			if c.reason == "" {
				must(t, err)
				return
			}
			wantError(t, err, ErrTooLarge, c.reason)
		})
	}
}

// What the machine does wrong is not the package's fault.
func TestMachineFails(t *testing.T) {
	dir := t.TempDir()
	p := Package{Path: write(t, filepath.Join(dir, "a.deb"), flavourDeb(t, ".gz")), Format: Deb}
	_, err := NewOpener(filepath.Join(dir, "none"), Limits{}).Open(context.Background(), Set{Headers: []Package{p}})
	var own *Error
	if !errors.Is(err, os.ErrNotExist) || errors.As(err, &own) {
		t.Errorf("a scratch folder that is not there gave %v", err)
	}
	p.Path = filepath.Join(dir, "gone.deb")
	_, err = NewOpener(dir, Limits{}).Open(context.Background(), Set{Headers: []Package{p}})
	if !errors.Is(err, os.ErrNotExist) || errors.As(err, &own) {
		t.Errorf("a package that is not there gave %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Inspect(ctx, filepath.Join(dir, "a.deb")); !errors.Is(err, context.Canceled) || errors.As(err, &own) {
		t.Errorf("a cancelled inspection gave %v", err)
	}
}
