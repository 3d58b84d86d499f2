package archive_test

import (
	"context"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tpinfo/tpinfo/extractor/kpkg/archive"
	"github.com/tpinfo/tpinfo/extractor/kpkg/archive/archivetest"
)

// about is what the bytes of a package say of it, when all of it is there.
func about(t testing.TB, data []byte) (*archive.About, error) {
	t.Helper()
	r, err := archive.Open(context.Background(), archivetest.Write(t, filepath.Join(t.TempDir(), "x.deb"), data))
	archivetest.Must(t, err)
	defer r.Close()
	said, err := r.About()
	if err == nil {
		_, err = r.Digest()
	}
	return said, err
}

func TestAboutRefuses(t *testing.T) {
	version := archivetest.Member{Name: "debian-binary", Data: []byte("2.0\n")}
	data := archivetest.Member{Name: "data.tar", Data: archivetest.Tar(t, archivetest.File{Name: "./x", Text: "x"})}
	ctrl := func(files ...archivetest.File) archivetest.Member {
		return archivetest.Member{Name: "control.tar", Data: archivetest.Tar(t, files...)}
	}
	good := archivetest.File{Name: "./control", Text: control()}
	header := func(tags ...archivetest.Tag) []byte {
		lead := append([]byte(archivetest.RPMMagic), make([]byte, archivetest.RPMLeadSize-4)...)
		return append(append(lead, archivetest.RPMHeader([]archivetest.Tag{{Tag: 1, Kind: 4, Count: 1, Data: archivetest.Numbers(uint32(0))}}, true)...), archivetest.RPMHeader(tags, false)...)
	}
	const controlLimit = 32 << 20 // of a control.tar
	for _, c := range []struct {
		name   string
		data   []byte
		kind   error
		reason string
	}{
		{"empty file", nil, archive.ErrDamaged, "it is empty"},
		{"text", []byte("hello, world"), archive.ErrUnknownFormat, "neither a .deb nor an .rpm"},
		{"other ar", archivetest.Ar(t, archivetest.Member{Name: "x.o", Data: []byte("x")}), archive.ErrUnknownFormat, "no Debian package"},
		{"ar alone", []byte(archivetest.ArMagic), archive.ErrDamaged, "no control.tar"},
		{"format 3", archivetest.Ar(t, archivetest.Member{Name: "debian-binary", Data: []byte("3.0\n")}, ctrl(good), data), archive.ErrUnknownFormat, `version "3.0`},
		{"no control.tar", archivetest.Ar(t, version, data), archive.ErrHostile, "stands where control.tar must be"},
		{"no data.tar", archivetest.Ar(t, version, ctrl(good)), archive.ErrDamaged, "no data.tar"},
		{"odd member", archivetest.Ar(t, version, archivetest.Member{Name: "evil", Data: []byte("x")}, ctrl(good), data), archive.ErrHostile, "stands where control.tar must be"},
		{"two controls", archivetest.Ar(t, version, ctrl(good), ctrl(good), data), archive.ErrHostile, "stands where data.tar must be"},
		{"member with a path", archivetest.Ar(t, version, archivetest.Member{Name: "../evil", Data: []byte("x")}), archive.ErrHostile, "has the name"},
		{"many members", archivetest.Ar(t, append([]archivetest.Member{version}, manyMembers(40)...)...), archive.ErrHostile, "more than 16 members"},
		{"bad ar size", append([]byte(archivetest.ArMagic), []byte(strings.Replace(archivetest.ArHeader("debian-binary", "4"), "4         `", "-4        `", 1))...), archive.ErrDamaged, "its size is"},
		{"bad ar end", append([]byte(archivetest.ArMagic), []byte(strings.Replace(archivetest.ArHeader("debian-binary", "4"), "`\n", "xx", 1))...), archive.ErrDamaged, "does not end"},
		{"control without control", archivetest.Ar(t, version, ctrl(archivetest.File{Name: "./postinst", Text: "rm -rf /"}), data), archive.ErrDamaged, "no control file"},
		{"control a link", archivetest.Ar(t, version, ctrl(archivetest.File{Name: "./control", Link: "/etc/passwd"}), data), archive.ErrHostile, "a control file is a file"},
		{"control leads out", archivetest.Ar(t, version, ctrl(archivetest.File{Name: "../control", Text: "x"}), data), archive.ErrHostile, "leads upwards"},
		{"control huge", archivetest.Ar(t, version, ctrl(archivetest.File{Name: "./control", Text: strings.Repeat("A: b\n", 1<<18)}), data), archive.ErrHostile, "at most 1048576 bytes"},
		{"control without version", archivetest.Ar(t, version, ctrl(archivetest.File{Name: "./control", Text: "Package: x\nArchitecture: all\n"}), data), archive.ErrDamaged, `its Version is ""`},
		{"control with a path for a name", archivetest.Ar(t, version, ctrl(archivetest.File{Name: "./control", Text: archivetest.Control("a/../b", "1", "all", "")}), data), archive.ErrDamaged, "its Package is"},
		{"control depends on odd bytes", archivetest.Ar(t, version, ctrl(archivetest.File{Name: "./control", Text: archivetest.Control("p", "1", "all", "a, l\xf5nux-kbuild-6.1")}), data), archive.ErrDamaged, "it depends on"},
		{"control nonsense", archivetest.Ar(t, version, ctrl(archivetest.File{Name: "./control", Text: "\x00\x01\x02\n"}), data), archive.ErrDamaged, "has the line"},
		{"control a bomb", archivetest.Ar(t, version, archivetest.Member{Name: "control.tar.gz", Data: archivetest.Pack(t, ".gz", make([]byte, controlLimit+1))}, data), archive.ErrDamaged, "it is empty"},
		{"control tar of zeros then more", archivetest.Ar(t, version, archivetest.Member{Name: "control.tar.xz", Data: archivetest.Pack(t, ".xz", archivetest.Tar(t, archivetest.File{Name: "./big", Text: strings.Repeat("\x00", controlLimit)}))}, data), archive.ErrTooLarge, "unpack"},
		{"lzma", archivetest.Ar(t, version, archivetest.Member{Name: "control.tar.lzma", Data: []byte("\x5d\x00\x00\x80\x00\xff\xff")}, data), archive.ErrUnknownFormat, "packed with lzma"},
		{"rpm lead alone", append([]byte(archivetest.RPMMagic), make([]byte, archivetest.RPMLeadSize-4)...), archive.ErrDamaged, "ends too early"},
		{"rpm without name", header(archivetest.Tag{Tag: archivetest.TagVersion, Kind: 6, Count: 1, Data: archivetest.Texts("1")}), archive.ErrDamaged, `its name is ""`},
		{"rpm of another payload", header(archivetest.Tag{Tag: archivetest.TagPayloadFormat, Kind: 6, Count: 1, Data: archivetest.Texts("drpm")}), archive.ErrUnknownFormat, `format "drpm"`},
		{"rpm tag outside", header(archivetest.Tag{Tag: archivetest.TagName, Kind: 4, Count: 1 << 30, Data: archivetest.Texts("x")}), archive.ErrDamaged, "lies outside"},
		{"rpm text without end", header(archivetest.Tag{Tag: archivetest.TagName, Kind: 8, Count: 9, Data: archivetest.Texts("x")}), archive.ErrDamaged, "lies outside"},
		{"rpm files without folders", header(archivetest.Tag{Tag: archivetest.TagName, Kind: 6, Count: 1, Data: archivetest.Texts("x")}, archivetest.Tag{Tag: archivetest.TagVersion, Kind: 6, Count: 1, Data: archivetest.Texts("1")}, archivetest.Tag{Tag: archivetest.TagArch, Kind: 6, Count: 1, Data: archivetest.Texts("a")}, archivetest.Tag{Tag: archivetest.TagBaseNames, Kind: 8, Count: 1, Data: archivetest.Texts("b")}), archive.ErrDamaged, "1 file names and 0 folders"},
		{"rpm with a million texts", header(archivetest.Tag{Tag: archivetest.TagName, Kind: 8, Count: 2 << 20, Data: make([]byte, 2<<20)}), archive.ErrTooLarge, "tag 1000 has 2097152 values"},
		{"rpm huge header", append(append([]byte(archivetest.RPMMagic), make([]byte, archivetest.RPMLeadSize-4)...), append([]byte(archivetest.RPMHeaderMagic+"\x00\x00\x00\x00"), archivetest.Numbers(uint32(1<<31), uint32(1<<31))...)...), archive.ErrTooLarge, "RPM header has"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := about(t, c.data)
			archivetest.WantError(t, err, c.kind, c.reason)
		})
	}
}

func manyMembers(n int) (all []archivetest.Member) {
	for range n {
		all = append(all, archivetest.Member{Name: "_x", Data: []byte("x")})
	}
	return all
}

func TestRelations(t *testing.T) {
	text := "Package: p\nVersion: 1\nArchitecture: all\nPre-Depends: dpkg (>= 1.17)\n" +
		"Depends: a (= 1.2-3), b:any (>> 2) | c, :any, , d\n (= 4) [amd64],\n e | f (= 5)\n"
	said, err := about(t, archivetest.Deb(t, text, ".gz", archivetest.File{Name: "./x"}))
	archivetest.Must(t, err)
	want := []archive.Relation{{Name: "dpkg"}, {Name: "a", Version: "1.2-3"}, {Name: "b"}, {Name: "d", Version: "4"}, {Name: "e"}}
	if diff := cmp.Diff(want, said.Depends); diff != "" {
		t.Error(diff)
	}
}
