package archivetest

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

// The formats of ar, RPM and cpio once more, for archives are written here from
// their specifications and not as they are read:
// https://rpm-software-management.github.io/rpm/manual/format_v4.html, cpio(5)
// and rpm's lib/rpmtag.h.
const (
	ArMagic = "!<arch>\n"

	RPMMagic       = "\xed\xab\xee\xdb"
	RPMLeadSize    = 96
	RPMHeaderMagic = "\x8e\xad\xe8\x01"

	CpioNew      = "070701"
	CpioCRC      = "070702"
	CpioStripped = "07070X"
	CpioTrailer  = "TRAILER!!!"

	TagName           = 1000
	TagVersion        = 1001
	TagRelease        = 1002
	TagArch           = 1022
	TagFileSizes      = 1028
	TagFileModes      = 1030
	TagSourceRPM      = 1044
	TagRequireFlags   = 1048
	TagRequireName    = 1049
	TagRequireVersion = 1050
	TagFileInodes     = 1096
	TagDirIndexes     = 1116
	TagBaseNames      = 1117
	TagDirNames       = 1118
	TagPayloadFormat  = 1124

	requireEqual = 0x08
)

// RPM is an RPM file.
type RPM struct {
	Name, Version, Release, Arch string
	Requires                     [][2]string // name, exact version
	Files                        []File      // with names as in a .deb
	Format                       string      // of the payload's entries: CpioNew by default
	Packing                      string      // of the payload: ".gz", ".xz", ".zst" or none
	Source                       bool
	Inodes                       []uint32 // of the files; none where links are not told
	Tags                         []Tag    // more, behind the others
}

// Tag is one value of a header; Kind is its type, 6 a text, 8 several.
type Tag struct {
	Tag, Kind, Count uint32
	Data             []byte
}

// Texts are the bytes of texts in a header.
func Texts(all ...string) []byte { return []byte(strings.Join(all, "\x00") + "\x00") }

// Numbers are the bytes of numbers in a header.
func Numbers[T uint16 | uint32](all ...T) []byte {
	var b bytes.Buffer
	if err := binary.Write(&b, binary.BigEndian, all); err != nil {
		panic(err)
	}
	return b.Bytes()
}

// RPMHeader writes a header, and padding behind it where padded.
func RPMHeader(tags []Tag, padded bool) []byte {
	var index, data bytes.Buffer
	for _, tag := range tags {
		for data.Len()%4 != 0 {
			data.WriteByte(0)
		}
		index.Write(Numbers(tag.Tag, tag.Kind, uint32(data.Len()), tag.Count))
		data.Write(tag.Data)
	}
	out := append([]byte(RPMHeaderMagic), 0, 0, 0, 0)
	out = append(out, Numbers(uint32(len(tags)), uint32(data.Len()))...)
	out = append(out, index.Bytes()...)
	out = append(out, data.Bytes()...)
	for padded && len(out)%8 != 0 {
		out = append(out, 0)
	}
	return out
}

// Cpio writes a payload; files are in the order of the header's.
func Cpio(format string, files []File) []byte {
	var b bytes.Buffer
	align := func() {
		for b.Len()%4 != 0 {
			b.WriteByte(0)
		}
	}
	entry := func(i int, name string, mode uint32, text string) {
		if format == CpioStripped {
			fmt.Fprintf(&b, "%s%08x", CpioStripped, i)
		} else {
			fmt.Fprintf(&b, "%s%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%s\x00", format,
				i+1, mode, 0, 0, 1, 0, len(text), 0, 0, 0, 0, len(name)+1, 0, name)
		}
		align()
		b.WriteString(text)
		align()
	}
	for i, f := range files {
		entry(i, f.Name, rpmMode(f), f.Text+f.Link)
	}
	format = CpioNew
	entry(-1, CpioTrailer, 0, "")
	return b.Bytes()
}

func rpmMode(f File) uint32 {
	switch {
	case f.Link != "":
		return 0o120777
	case strings.HasSuffix(f.Name, "/"):
		return 0o040755
	}
	return 0o100644
}

// Build makes the RPM.
func (p RPM) Build(t testing.TB) []byte {
	t.Helper()
	if p.Format == "" {
		p.Format = CpioNew
	}
	payload := Pack(t, p.Packing, Cpio(p.Format, p.Files))
	return p.With(payload)
}

// With makes an RPM with any payload.
func (p RPM) With(payload []byte) []byte {
	tags := []Tag{
		{TagName, 6, 1, Texts(p.Name)}, {TagVersion, 6, 1, Texts(p.Version)},
		{TagRelease, 6, 1, Texts(p.Release)}, {TagArch, 6, 1, Texts(p.Arch)},
		{TagPayloadFormat, 6, 1, Texts("cpio")},
	}
	if !p.Source {
		tags = append(tags, Tag{Tag: TagSourceRPM, Kind: 6, Count: 1, Data: Texts("kernel.src.rpm")})
	}
	var names, versions []string
	var flags []uint32
	for _, r := range append(p.Requires, [2]string{"rpmlib(CompressedFileNames)", ""}, [2]string{"/bin/sh", ""}) {
		names, versions = append(names, r[0]), append(versions, r[1])
		if r[1] != "" {
			flags = append(flags, requireEqual)
		} else {
			flags = append(flags, 0)
		}
	}
	n := uint32(len(names))
	tags = append(tags, Tag{Tag: TagRequireName, Kind: 8, Count: n, Data: Texts(names...)}, Tag{Tag: TagRequireVersion, Kind: 8, Count: n, Data: Texts(versions...)}, Tag{Tag: TagRequireFlags, Kind: 4, Count: n, Data: Numbers(flags...)})
	var bases, dirs []string
	var at, sizes []uint32
	var modes []uint16
	for _, f := range p.Files {
		dir, base := filepath.Split(strings.TrimSuffix(strings.TrimPrefix(f.Name, "."), "/"))
		bases, dirs = append(bases, base), append(dirs, dir)
		at, sizes = append(at, uint32(len(at))), append(sizes, uint32(len(f.Text+f.Link)))
		modes = append(modes, uint16(rpmMode(f)))
	}
	if n := uint32(len(bases)); n > 0 {
		tags = append(tags, Tag{Tag: TagBaseNames, Kind: 8, Count: n, Data: Texts(bases...)}, Tag{Tag: TagDirNames, Kind: 8, Count: n, Data: Texts(dirs...)},
			Tag{Tag: TagDirIndexes, Kind: 4, Count: n, Data: Numbers(at...)}, Tag{Tag: TagFileSizes, Kind: 4, Count: n, Data: Numbers(sizes...)}, Tag{Tag: TagFileModes, Kind: 3, Count: n, Data: Numbers(modes...)})
	}
	if n := uint32(len(p.Inodes)); n > 0 {
		tags = append(tags, Tag{TagFileInodes, 4, n, Numbers(p.Inodes...)})
	}
	tags = append(tags, p.Tags...)
	out := make([]byte, RPMLeadSize)
	copy(out, RPMMagic+"\x03\x00")
	out = append(out, RPMHeader([]Tag{{1000, 4, 1, Numbers(uint32(len(payload)))}}, true)...)
	out = append(out, RPMHeader(tags, false)...)
	return append(out, payload...)
}

// CpioEntry writes one entry as it is told to.
func CpioEntry(b *bytes.Buffer, name string, ino, mode, nlink uint32, text string) {
	fmt.Fprintf(b, "%s%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%s\x00", CpioNew,
		ino, mode, 0, 0, nlink, 0, len(text), 0, 0, 0, 0, len(name)+1, 0, name)
	for b.Len()%4 != 0 {
		b.WriteByte(0)
	}
	b.WriteString(text)
	for b.Len()%4 != 0 {
		b.WriteByte(0)
	}
}
