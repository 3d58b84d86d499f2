package archive_test

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/tpinfo/tpinfo/extractor/kpkg/archive"
	"github.com/tpinfo/tpinfo/extractor/kpkg/archive/archivetest"
)

func TestLimits(t *testing.T) {
	noise := make([]byte, 1<<20)
	random := rand.New(rand.NewPCG(1, 2))
	for i := 0; i < len(noise); i += 8 {
		binary.LittleEndian.PutUint64(noise[i:], random.Uint64())
	}
	var many []archivetest.File
	for i := range 50 {
		many = append(many, archivetest.File{Name: fmt.Sprintf("%sa%d.h", in, i), Text: "x"})
	}
	bomb := archivetest.File{Name: in + "bomb.h", Text: strings.Repeat("\x00", 40<<20)}
	for _, c := range []struct {
		name    string
		packing string
		files   []archivetest.File
		limits  archive.Limits
		reason  string // "" where the limits leave room
	}{
		{"bytes", ".gz", []archivetest.File{{Name: in + "a.h", Text: string(noise)}}, archive.Limits{Bytes: 1 << 20}, "unpacks to more than 1048576 bytes"},
		{"bytes of what is skipped", ".gz", []archivetest.File{{Name: "./usr/share/a", Text: string(noise)}}, archive.Limits{Bytes: 1 << 20}, "unpacks to more than 1048576 bytes"},
		{"bytes claimed", "", []archivetest.File{{Name: in + "a.h", Text: string(noise)}}, archive.Limits{Bytes: 200_000}, "over the 200000 of a whole package"},
		{"bytes enough", ".gz", []archivetest.File{{Name: in + "a.h", Text: string(noise)}}, archive.Limits{Bytes: 2 << 20}, ""},
		{"files", ".gz", many, archive.Limits{Files: 40}, "more than 40 entries"},
		{"files enough", ".gz", many, archive.Limits{Files: 200}, ""},
		{"path", ".gz", []archivetest.File{{Name: in + strings.Repeat("a", 60), Text: "x"}}, archive.Limits{PathLength: 80}, "over the limit of 80"},
		{"ratio of gzip", ".gz", []archivetest.File{bomb}, archive.Limits{}, "over 100 times as many"},
		{"ratio of xz", ".xz", []archivetest.File{bomb}, archive.Limits{}, "over 100 times as many"},
		{"ratio of zstd", ".zst", []archivetest.File{bomb}, archive.Limits{}, "over 100 times as many"},
		{"ratio of what is skipped", ".zst", []archivetest.File{{Name: "./usr/share/bomb", Text: bomb.Text}}, archive.Limits{}, "over 100 times as many"},
		{"ratio enough", ".gz", []archivetest.File{bomb}, archive.Limits{Ratio: 2000}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			data := archivetest.Deb(t, control(), c.packing, append(treeFiles(), c.files...)...)
			_, err := unpack(t, data, archive.Deb, c.limits)
			if c.reason == "" {
				archivetest.Must(t, err)
				return
			}
			archivetest.WantError(t, err, archive.ErrTooLarge, c.reason)
		})
	}
}
