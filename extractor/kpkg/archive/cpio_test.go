package archive_test

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tpinfo/tpinfo/extractor/kpkg/archive"
	"github.com/tpinfo/tpinfo/extractor/kpkg/archive/archivetest"
)

// payloadRPM is an RPM with any payload.
func payloadRPM(payload []byte) []byte {
	return archivetest.RPM{Name: "p", Version: "1", Release: "1", Arch: "x86_64"}.With(payload)
}

func TestWalkRefusesCpio(t *testing.T) {
	payload := func(write func(b *bytes.Buffer)) []byte {
		var b bytes.Buffer
		write(&b)
		archivetest.CpioEntry(&b, archivetest.CpioTrailer, 0, 0, 1, "")
		return b.Bytes()
	}
	entry := func(name string, mode uint32, text string) []byte {
		return payload(func(b *bytes.Buffer) { archivetest.CpioEntry(b, name, 1, mode, 1, text) })
	}
	for _, c := range []struct {
		name    string
		payload []byte
		kind    error
		reason  string
	}{
		{"absolute path", entry("/etc/passwd", 0o100644, "x"), archive.ErrHostile, "absolute path"},
		{"upwards", entry(in+"../../../../../x", 0o100644, "x"), archive.ErrHostile, "leads upwards"},
		{"name with a zero", entry(in+"a\x00b", 0o100644, "x"), archive.ErrHostile, "control character"},
		{"no name", entry("", 0o100644, "x"), archive.ErrHostile, "no name"},
		{"long name", entry(in+strings.Repeat("x", 5000), 0o100644, "x"), archive.ErrTooLarge, "over the limit of 1024"},
		{"link out", entry(in+"a", 0o120777, "../../../../../../etc/passwd"), archive.ErrHostile, "leaves the package"},
		{"long link", entry(in+"a", 0o120777, strings.Repeat("x/", 2000)), archive.ErrTooLarge, "a link to a name of"},
		{"device", entry(in+"a", 0o020644, ""), archive.ErrHostile, "a device"},
		{"block device", entry(in+"a", 0o060644, ""), archive.ErrHostile, "a device"},
		{"pipe", entry(in+"a", 0o010644, ""), archive.ErrHostile, "a named pipe"},
		{"socket", entry(in+"a", 0o140644, ""), archive.ErrHostile, "a socket"},
		{"unknown kind", entry(in+"a", 0o150644, ""), archive.ErrHostile, "of an unknown kind"},
		{"setuid", entry("./usr/bin/su", 0o104755, "x"), archive.ErrHostile, "a file with the mode"},
		{"twice", payload(func(b *bytes.Buffer) {
			archivetest.CpioEntry(b, in+"a.h", 1, 0o100644, 1, "x")
			archivetest.CpioEntry(b, in+"a.h", 2, 0o100644, 1, "y")
		}), archive.ErrHostile, "there twice"},
		{"old format", []byte("070707" + strings.Repeat("0", 100)), archive.ErrDamaged, `starts with "070707"`},
		{"size that is no number", []byte(archivetest.CpioNew + strings.Repeat("zzzzzzzz", 13)), archive.ErrDamaged, "the number"},
		{"size of four gigabytes", bytes.Replace(entry(in+"a", 0o100644, "x"), []byte("00000001000000000000000000000000000000000000"), []byte("ffffffff000000000000000000000000000000000000"), 1), archive.ErrDamaged, "ends too early"},
		{"number of no file", []byte(archivetest.CpioStripped + "000000ff\x00\x00"), archive.ErrDamaged, "has file 255"},
		{"without a trailer", entry(in+"a", 0o100644, "x")[:200], archive.ErrDamaged, "ends too early"},
		{"nothing", nil, archive.ErrDamaged, "ends too early"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := unpack(t, payloadRPM(c.payload), archive.RPM, archive.Limits{})
			archivetest.WantError(t, err, c.kind, c.reason)
		})
	}
}

// Files of several names have their content with the last one (newc), or with
// the last of the header's list (stripped).
func TestHardlinksCpio(t *testing.T) {
	var b bytes.Buffer
	archivetest.CpioEntry(&b, in+"one.h", 7, 0o100644, 3, "")
	archivetest.CpioEntry(&b, in+"empty.h", 8, 0o100644, 2, "")
	archivetest.CpioEntry(&b, in+"two.h", 7, 0o100644, 3, "")
	archivetest.CpioEntry(&b, in+"three.h", 7, 0o100644, 3, "text")
	archivetest.CpioEntry(&b, in+"empty2.h", 8, 0o100644, 2, "")
	archivetest.CpioEntry(&b, archivetest.CpioTrailer, 0, 0, 1, "")
	got, err := unpack(t, payloadRPM(b.Bytes()), archive.RPM, archive.Limits{})
	archivetest.Must(t, err)
	want := map[string]string{}
	for name, text := range map[string]string{"one.h": "text", "two.h": "text", "three.h": "text", "empty.h": "", "empty2.h": ""} {
		want[filepath.Join(in, name)] = text
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// The content is there for the names that are wanted, when its last one is not.
func TestHardlinksUnwanted(t *testing.T) {
	var b bytes.Buffer
	archivetest.CpioEntry(&b, in+"one.h", 7, 0o100644, 4, "")
	archivetest.CpioEntry(&b, "./usr/share/one.h", 7, 0o100644, 4, "")
	archivetest.CpioEntry(&b, in+"two.h", 7, 0o100644, 4, "")
	archivetest.CpioEntry(&b, "./usr/share/two.h", 7, 0o100644, 4, "text")
	archivetest.CpioEntry(&b, in+"three.h", 8, 0o100644, 1, "other")
	archivetest.CpioEntry(&b, archivetest.CpioTrailer, 0, 0, 1, "")
	got, err := unpack(t, payloadRPM(b.Bytes()), archive.RPM, archive.Limits{})
	archivetest.Must(t, err)
	want := map[string]string{filepath.Join(in, "one.h"): "text", filepath.Join(in, "two.h"): "text", filepath.Join(in, "three.h"): "other"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// In the form for sizes that do not fit, the header says which files are one.
func TestHardlinksStripped(t *testing.T) {
	p := archivetest.RPM{
		Name: "p", Version: "1", Release: "1", Arch: "x86_64", Format: archivetest.CpioStripped,
		Files:  []archivetest.File{{Name: in + "a.h"}, {Name: in + "b.h", Text: "other"}, {Name: in + "c.h", Text: "text"}},
		Inodes: []uint32{7, 8, 7},
	}
	got, err := unpack(t, p.Build(t), archive.RPM, archive.Limits{})
	archivetest.Must(t, err)
	want := map[string]string{filepath.Join(in, "a.h"): "text", filepath.Join(in, "b.h"): "other", filepath.Join(in, "c.h"): "text"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
