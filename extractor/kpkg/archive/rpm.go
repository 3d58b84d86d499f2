package archive

import (
	"bytes"
	"encoding/binary"
	"io"
	"io/fs"
	"strings"
)

// The format of RPM files: https://rpm-software-management.github.io/rpm/manual/format_v4.html.
const (
	rpmMagic       = "\xed\xab\xee\xdb"
	rpmLeadSize    = 96
	rpmHeaderMagic = "\x8e\xad\xe8\x01"
	rpmMaxIndex    = 1 << 16 // rpm's own limit of tags in a header
)

// Tags of the header, from rpm's lib/rpmtag.h.
const (
	tagName           = 1000
	tagVersion        = 1001
	tagRelease        = 1002
	tagArch           = 1022
	tagFileSizes      = 1028
	tagFileModes      = 1030
	tagSourceRPM      = 1044
	tagFileInodes     = 1096
	tagRequireFlags   = 1048
	tagRequireName    = 1049
	tagRequireVersion = 1050
	tagDirIndexes     = 1116
	tagBaseNames      = 1117
	tagDirNames       = 1118
	tagPayloadFormat  = 1124
	tagLongFileSizes  = 5008
)

// rpmTypeSize has the size of a value by its type; strings end with a zero.
var rpmTypeSize = map[uint32]int{1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 7: 1}

// requireEqual are the flags of a dependency with an exact version: equal,
// neither less nor greater.
const requireMask, requireEqual = 0x0e, 0x08

// rpmHeader is one header: its values as bytes, by tag.
type rpmHeader struct {
	values map[uint32]rpmValue
}

type rpmValue struct {
	kind, count uint32
	data        []byte
}

// readRPMHeader reads one header and the padding behind it, if it has any.
// go-rpmutils reads the same; it takes offsets and sizes as they are.
func readRPMHeader(r io.Reader, padded bool) (*rpmHeader, error) {
	var intro [16]byte
	if _, err := io.ReadFull(r, intro[:]); err != nil {
		return nil, damaged("", err)
	}
	if string(intro[:4]) != rpmHeaderMagic {
		return nil, problem(ErrDamaged, "", "an RPM header does not start as it must")
	}
	count, size := binary.BigEndian.Uint32(intro[8:]), binary.BigEndian.Uint32(intro[12:])
	if count == 0 || count > rpmMaxIndex || size > maxRPMHeader {
		return nil, problem(ErrTooLarge, "", "its RPM header has %d tags in %d bytes", count, size)
	}
	if padded {
		size = (size + 7) &^ 7
	}
	index := make([]byte, 16*count)
	if _, err := io.ReadFull(r, index); err != nil {
		return nil, damaged("", err)
	}
	data, err := readUpTo(r, int64(size))
	if err != nil {
		return nil, damaged("", err)
	}
	h := &rpmHeader{values: make(map[uint32]rpmValue, count)}
	for ; len(index) > 0; index = index[16:] {
		tag := binary.BigEndian.Uint32(index)
		v := rpmValue{kind: binary.BigEndian.Uint32(index[4:]), count: binary.BigEndian.Uint32(index[12:])}
		offset := binary.BigEndian.Uint32(index[8:])
		if int64(offset) > int64(len(data)) {
			return nil, problem(ErrDamaged, "", "RPM tag %d lies outside of its header", tag)
		}
		v.data = data[offset:]
		if unit, ok := rpmTypeSize[v.kind]; ok {
			if int64(v.count)*int64(unit) > int64(len(v.data)) {
				return nil, problem(ErrDamaged, "", "RPM tag %d lies outside of its header", tag)
			}
			v.data = v.data[:int(v.count)*unit]
		}
		h.values[tag] = v
	}
	return h, nil
}

// strings gives the texts of a tag; none when it is absent.
func (h *rpmHeader) strings(tag uint32) ([]string, error) {
	v, ok := h.values[tag]
	if !ok {
		return nil, nil
	}
	if v.kind != 6 && v.kind != 8 && v.kind != 9 {
		return nil, problem(ErrDamaged, "", "RPM tag %d is no text", tag)
	}
	if err := few(tag, v.count); err != nil {
		return nil, err
	}
	var all []string
	rest := v.data
	for range v.count {
		end := bytes.IndexByte(rest, 0)
		if end < 0 {
			return nil, problem(ErrDamaged, "", "RPM tag %d lies outside of its header", tag)
		}
		all, rest = append(all, string(rest[:end])), rest[end+1:]
	}
	return all, nil
}

// few refuses more values than any package has: in memory they take many times
// the bytes that they have in the header.
func few(tag, count uint32) error {
	if count > maxRPMValues {
		return problem(ErrTooLarge, "", "RPM tag %d has %d values, over the limit of %d", tag, count, maxRPMValues)
	}
	return nil
}

func (h *rpmHeader) text(tag uint32) (string, error) {
	all, err := h.strings(tag)
	if err != nil || len(all) == 0 {
		return "", err
	}
	return all[0], nil
}

// numbers gives the numbers of a tag; none when it is absent.
func (h *rpmHeader) numbers(tag uint32) ([]uint64, error) {
	v, ok := h.values[tag]
	if !ok {
		return nil, nil
	}
	unit := rpmTypeSize[v.kind]
	if unit == 0 {
		return nil, problem(ErrDamaged, "", "RPM tag %d is no number", tag)
	}
	if err := few(tag, v.count); err != nil {
		return nil, err
	}
	all := make([]uint64, 0, v.count)
	for data := v.data; len(data) >= unit; data = data[unit:] {
		var n uint64
		for _, b := range data[:unit] {
			n = n<<8 | uint64(b)
		}
		all = append(all, n)
	}
	return all, nil
}

// readRPM reads the lead and both headers of an RPM file.
func readRPM(r io.Reader) (*About, error) {
	h, err := readRPMHeaders(r)
	if err != nil {
		return nil, err
	}
	said := &About{Format: RPM}
	for _, field := range []struct {
		to   *string
		name string
		tag  uint32
	}{{&said.Name, "name", tagName}, {&said.Version, "version", tagVersion}, {&said.Arch, "architecture", tagArch}} {
		if *field.to, err = h.text(field.tag); err != nil {
			return nil, err
		}
		if *field.to == "" || strings.ContainsRune(*field.to, '/') || !Printable(*field.to) {
			return nil, problem(ErrDamaged, "", "its %s is %q", field.name, Short(*field.to))
		}
	}
	release, err := h.text(tagRelease)
	if err != nil {
		return nil, err
	}
	if !Printable(release) || strings.ContainsRune(release, '/') {
		return nil, problem(ErrDamaged, "", "its release is %q", Short(release))
	}
	said.Version += "-" + release
	if _, binary := h.values[tagSourceRPM]; !binary {
		said.Arch = "src"
	}
	if said.Depends, err = h.requires(); err != nil {
		return nil, err
	}
	said.Files, err = h.files()
	return said, err
}

// readRPMHeaders leaves r at the payload.
func readRPMHeaders(r io.Reader) (*rpmHeader, error) {
	var lead [rpmLeadSize]byte
	if _, err := io.ReadFull(r, lead[:]); err != nil {
		return nil, damaged("", err)
	}
	if string(lead[:4]) != rpmMagic {
		return nil, problem(ErrUnknownFormat, "", "it is no RPM file")
	}
	if _, err := readRPMHeader(r, true); err != nil {
		return nil, err
	}
	h, err := readRPMHeader(r, false)
	if err != nil {
		return nil, err
	}
	if format, err := h.text(tagPayloadFormat); err != nil || format != "" && format != "cpio" {
		return nil, problem(ErrUnknownFormat, "", "its payload is of the format %q, and cpio is known", Short(format))
	}
	return h, nil
}

// requires gives the packages that must be there; capabilities of rpm itself
// and files are left out.
func (h *rpmHeader) requires() ([]Relation, error) {
	names, err := h.strings(tagRequireName)
	if err != nil {
		return nil, err
	}
	versions, err := h.strings(tagRequireVersion)
	if err != nil {
		return nil, err
	}
	flags, err := h.numbers(tagRequireFlags)
	if err != nil {
		return nil, err
	}
	var all []Relation
	seen := map[Relation]bool{}
	for i, name := range names {
		if name == "" || strings.ContainsAny(name, "/(") || !Printable(name) {
			continue
		}
		rel := Relation{Name: name}
		if i < len(versions) && i < len(flags) && flags[i]&requireMask == requireEqual {
			rel.Version = versions[i]
		}
		if !seen[rel] {
			seen[rel] = true
			all = append(all, rel)
		}
	}
	return all, nil
}

// files lists what the package installs.
func (h *rpmHeader) files() ([]File, error) {
	bases, err := h.strings(tagBaseNames)
	if err != nil {
		return nil, err
	}
	dirs, err := h.strings(tagDirNames)
	if err != nil {
		return nil, err
	}
	at, err := h.numbers(tagDirIndexes)
	if err != nil {
		return nil, err
	}
	modes, err := h.numbers(tagFileModes)
	if err != nil {
		return nil, err
	}
	sizes, err := h.numbers(tagLongFileSizes)
	if err == nil && sizes == nil {
		sizes, err = h.numbers(tagFileSizes)
	}
	if err != nil {
		return nil, err
	}
	inodes, err := h.numbers(tagFileInodes)
	if err != nil {
		return nil, err
	}
	if len(at) != len(bases) || len(modes) != len(bases) || len(sizes) != len(bases) {
		return nil, problem(ErrDamaged, "", "its header lists %d file names and %d folders, %d modes, %d sizes for them", len(bases), len(at), len(modes), len(sizes))
	}
	all := make([]File, len(bases))
	for i, base := range bases {
		if at[i] >= uint64(len(dirs)) {
			return nil, problem(ErrDamaged, "", "its header lists a file in a folder that it does not have")
		}
		all[i] = File{strings.TrimPrefix(dirs[at[i]], "/") + base, int64(sizes[i]), unixMode(uint32(modes[i])), i, false}
	}
	if len(inodes) == len(all) {
		last := map[uint64]int{}
		for i, f := range all {
			if f.Mode.IsRegular() {
				last[inodes[i]] = i
			}
		}
		for i, f := range all {
			if of := last[inodes[i]]; f.Mode.IsRegular() && of != i {
				all[i].content, all[of].shared = of, true
			}
		}
	}
	return all, nil
}

// unixMode is a mode as stat(2) has it.
func unixMode(m uint32) fs.FileMode {
	mode := fs.FileMode(m & 0o777)
	switch m & 0o170000 {
	case 0o100000:
	case 0o040000:
		mode |= fs.ModeDir
	case 0o120000:
		mode |= fs.ModeSymlink
	case 0o010000:
		mode |= fs.ModeNamedPipe
	case 0o140000:
		mode |= fs.ModeSocket
	case 0o060000, 0o020000:
		mode |= fs.ModeDevice
	default:
		mode |= fs.ModeIrregular
	}
	if m&0o4000 != 0 {
		mode |= fs.ModeSetuid
	}
	if m&0o2000 != 0 {
		mode |= fs.ModeSetgid
	}
	return mode
}
