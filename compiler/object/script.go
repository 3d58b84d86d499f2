package object

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/tpinfo/tpinfo/compiler/ir"
)

// The section .tpinfo: a header of scriptHeader bytes, the ir.Program as JSON,
// a NUL. libbpf says a word about every section it does not know but for string
// tables; so it is one, which begins and ends with NUL as those do.
const (
	scriptName   = ".tpinfo"
	scriptType   = elf.SHT_STRTAB
	scriptMagic  = "\x00tpi"
	scriptHeader = 12 // the magic, the version, the length of the JSON: 32 bits each
)

// Bounds of what Read decodes. Every object of the JSON becomes a Go value of
// up to 250 bytes, so the second bounds the memory.
const (
	maxScript  = 32 << 20 // bytes
	maxObjects = 1 << 18  // opening braces
)

// scriptSection is the content of .tpinfo.
func scriptSection(p *ir.Program, order endian) ([]byte, error) {
	bare, err := json.Marshal(shipped(p))
	if err != nil {
		return nil, err
	}
	if len(bare) > maxScript || bytes.Count(bare, []byte("{")) > maxObjects {
		return nil, fmt.Errorf("the script's typed form takes %d bytes, too many to be read again: use fewer probe points", len(bare))
	}
	out := []byte(scriptMagic)
	out = order.AppendUint32(out, ir.Version)
	out = order.AppendUint32(out, uint32(len(bare)))
	return append(append(out, bare...), 0), nil
}

// shipped is a copy of p as an object carries it.
func shipped(p *ir.Program) *ir.Program {
	out := *p
	out.Kernel.Extracted = time.Time{}
	out.Kernel.Tree = ""
	out.Kernel.Problems = nil
	out.Probes = append([]ir.Probe(nil), p.Probes...)
	for i := range out.Probes {
		if out.Probes[i].Kind.InKernel() {
			out.Probes[i].Body = nil
			out.Probes[i].Locals = nil
		}
	}
	return mapStrings(reflect.ValueOf(&out), escapeBytes).Interface().(*ir.Program)
}

// readScript decodes the content of .tpinfo, and validates.
func readScript(data []byte, order binary.ByteOrder) (*ir.Program, error) {
	if len(data) < scriptHeader+1 || string(data[:4]) != scriptMagic {
		return nil, errors.New("it does not begin as it should: the file is damaged")
	}
	version, length := order.Uint32(data[4:]), order.Uint32(data[8:])
	if version != ir.Version {
		if version > ir.Version {
			return nil, fmt.Errorf("a newer tpinfo made it (version %d, this one reads %d): update tpinfo and tprun here, or compile with the same version", version, ir.Version)
		}
		return nil, fmt.Errorf("an older tpinfo made it (version %d, this one reads %d): compile the script again", version, ir.Version)
	}
	text := data[scriptHeader : len(data)-1]
	if uint64(length) != uint64(len(text)) {
		return nil, fmt.Errorf("it holds %d bytes and says %d: the file is damaged", len(text), length)
	}
	if n := bytes.Count(text, []byte("{")); len(text) > maxScript || n > maxObjects {
		return nil, fmt.Errorf("%d bytes with %d objects: more than any script has", len(text), n)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	p := &ir.Program{}
	if err := d.Decode(p); err != nil {
		return nil, fmt.Errorf("the script's typed form: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something follows the script's typed form: the file is damaged")
	}
	p = mapStrings(reflect.ValueOf(p), unescapeBytes).Interface().(*ir.Program)
	if err := p.Validate(); err != nil {
		return nil, fmt.Errorf("the script's typed form: %w", err)
	}
	return p, nil
}

// A script's strings are bytes, JSON's are Unicode. A byte that is no part of
// valid UTF-8 is carried as the code point byteBase plus the byte, in a private
// plane; so is each byte of one of these code points itself, so that every
// string comes back as it was.
const byteBase = 0x10FE00

func carriesByte(r rune) bool { return r >= byteBase && r <= byteBase+0xff }

func escapeBytes(s string) string {
	if utf8.ValidString(s) && strings.IndexFunc(s, carriesByte) < 0 {
		return s
	}
	var out strings.Builder
	for len(s) > 0 {
		r, size := utf8.DecodeRuneInString(s)
		if r == utf8.RuneError && size == 1 || carriesByte(r) {
			for _, c := range []byte(s[:size]) {
				out.WriteRune(byteBase + rune(c))
			}
		} else {
			out.WriteString(s[:size])
		}
		s = s[size:]
	}
	return out.String()
}

func unescapeBytes(s string) string {
	if strings.IndexFunc(s, carriesByte) < 0 {
		return s
	}
	var out []byte
	for _, r := range s {
		if carriesByte(r) {
			out = append(out, byte(r-byteBase))
		} else {
			out = utf8.AppendRune(out, r)
		}
	}
	return string(out)
}

// mapStrings copies v with each string in it as change returns it. Copies are
// as deep as pointers and slices go.
func mapStrings(v reflect.Value, change func(string) string) reflect.Value {
	out := reflect.New(v.Type()).Elem()
	out.Set(v)
	switch v.Kind() {
	case reflect.String:
		out.SetString(change(v.String()))
	case reflect.Pointer:
		if !v.IsNil() {
			out.Set(reflect.New(v.Type().Elem()))
			out.Elem().Set(mapStrings(v.Elem(), change))
		}
	case reflect.Slice:
		if !v.IsNil() {
			out.Set(reflect.MakeSlice(v.Type(), v.Len(), v.Len()))
			for i := range v.Len() {
				out.Index(i).Set(mapStrings(v.Index(i), change))
			}
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				out.Field(i).Set(mapStrings(v.Field(i), change))
			}
		}
	}
	return out
}
