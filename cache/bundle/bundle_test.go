package bundle

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/klauspost/compress/zstd"
)

func write(t testing.TB, key ed25519.PrivateKey, payload []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	err := Write(&out, key, func(w io.Writer) error {
		_, err := w.Write(payload)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func read(file []byte, trusted ...ed25519.PublicKey) ([]byte, error) {
	r, err := Open(bytes.NewReader(file), trusted...)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(r)
}

func testKey(n byte) (ed25519.PrivateKey, ed25519.PublicKey) {
	key := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{n}, ed25519.SeedSize))
	public, _ := key.Public().(ed25519.PublicKey)
	return key, public
}

func TestRoundTrip(t *testing.T) {
	key, public := testKey(1)
	large := bytes.Repeat([]byte("struct page *"), 1<<20)
	for _, payload := range [][]byte{nil, []byte("x"), large} {
		file := write(t, key, payload)
		if !bytes.Equal(file, write(t, key, payload)) {
			t.Error("the same payload gives different bytes")
		}
		got, err := read(file, public)
		if err != nil || !bytes.Equal(got, payload) {
			t.Errorf("%d bytes come back as %d (%v)", len(payload), len(got), err)
		}
	}
	sum := sha256.Sum256([]byte("x"))
	want := "tpinfo export 1\ndigest sha256:" + hex.EncodeToString(sum[:]) + "\n\n"
	if file := write(t, nil, []byte("x")); !strings.HasPrefix(string(file), want) {
		t.Errorf("it begins with %q, want %q", file[:min(len(file), len(want))], want)
	}
	failed := errors.New("failed")
	if err := Write(io.Discard, nil, func(io.Writer) error { return failed }); !errors.Is(err, failed) {
		t.Errorf("an error in the payload: %v", err)
	}
}

// Compressed by another program, at another level, the signature holds.
func TestCompressedAgain(t *testing.T) {
	key, public := testKey(1)
	payload := bytes.Repeat([]byte("struct page *"), 1000)
	file := write(t, key, payload)
	at := bytes.Index(file, []byte("\n\n")) + 2
	z, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest))
	if err != nil {
		t.Fatal(err)
	}
	again := z.EncodeAll(payload, bytes.Clone(file[:at]))
	if got, err := read(again, public); err != nil || !bytes.Equal(got, payload) {
		t.Errorf("%d bytes come back as %d (%v)", len(payload), len(got), err)
	}
}

func TestRefused(t *testing.T) {
	key, public := testKey(1)
	_, other := testKey(2)
	payload := []byte(strings.Repeat("struct page *", 100))
	signed, unsigned := write(t, key, payload), write(t, nil, payload)
	with := func(file []byte, old, instead string) []byte {
		if !bytes.Contains(file, []byte(old)) {
			t.Fatalf("no %q in the file", old)
		}
		return bytes.Replace(file, []byte(old), []byte(instead), 1)
	}
	flipped := bytes.Clone(signed)
	flipped[len(flipped)-3] ^= 1
	foreign := append(bytes.Clone(signed[:bytes.Index(signed, []byte("\n\n"))+2]), unsigned[bytes.Index(unsigned, []byte("\n\n"))+2:]...)
	if got, err := read(foreign, public); err != nil || !bytes.Equal(got, payload) {
		t.Errorf("the same payload under its own header: %v", err)
	}
	for _, test := range []struct {
		name    string
		file    []byte
		trusted []ed25519.PublicKey
		want    error
		says    string
	}{
		{"empty", nil, nil, ErrNotBundle, ""},
		{"a database", []byte("SQLite format 3\x00" + strings.Repeat("\x00", 100)), nil, ErrNotBundle, ""},
		{"one long line", bytes.Repeat([]byte{'x'}, 1<<20), nil, ErrNotBundle, ""},
		{"its first line", []byte("tpinfo export 1"), nil, ErrDamaged, "ends in its header"},
		{"newer", with(unsigned, "export 1\n", "export 2\n"), nil, ErrNewer, `has format "2", this one reads 1`},
		{"no digest", with(unsigned, "digest", "digets"), nil, ErrDamaged, "no digest"},
		{"half a digest", with(unsigned, "sha256:"+string(unsigned[len("tpinfo export 1\ndigest sha256:"):][:4]), "sha256:"), nil, ErrDamaged, "no digest"},
		{"no signature", with(signed, "signature ed25519:", "signature ed448:"), nil, ErrDamaged, "no signature"},
		{"a line too many", with(signed, "\n\n", "\nmore\n\n"), nil, ErrDamaged, "does not end"},
		{"a line without end", with(signed, "digest sha256:", "digest sha256:"+strings.Repeat("0", 4096)), nil, ErrDamaged, "without end"},
		{"half a header", unsigned[:40], nil, ErrDamaged, "ends in its header"},
		{"cut", unsigned[:len(unsigned)-4], nil, ErrDamaged, ""},
		{"no payload", signed[:bytes.Index(signed, []byte("\n\n"))+2], nil, ErrDamaged, ""},
		{"a bit", flipped, nil, ErrDamaged, ""},
		{"garbage behind it", append(bytes.Clone(unsigned), "more"...), nil, ErrDamaged, ""},
		{"a payload behind it", append(bytes.Clone(unsigned), unsigned[bytes.Index(unsigned, []byte("\n\n"))+2:]...), nil, ErrDamaged, "does not have the digest"},
		{"another's digest", with(signed, string(signed[30:40]), "0000000000"), nil, ErrSignature, "does not fit"},
		{"another's signature", with(signed, hex.EncodeToString(public), hex.EncodeToString(other)), nil, ErrSignature, "does not fit"},
		{"not signed", unsigned, []ed25519.PublicKey{other}, ErrSignature, "is not signed, and a signature by ed25519:" + hex.EncodeToString(other[:8])},
		{"by another", signed, []ed25519.PublicKey{other}, ErrSignature, "it is by ed25519:" + hex.EncodeToString(public[:8])},
	} {
		got, err := read(test.file, test.trusted...)
		if !errors.Is(err, test.want) || !strings.Contains(fmt.Sprint(err), test.says) {
			t.Errorf("%s: %v, want %v that says %q", test.name, err, test.want, test.says)
		}
		if len(got) > len(payload) && test.name != "a payload behind it" {
			t.Errorf("%s: %d bytes came through", test.name, len(got))
		}
	}
}

// An error of the file is no damage.
func TestReadError(t *testing.T) {
	file := write(t, nil, bytes.Repeat([]byte("struct page *"), 1000))
	broken := errors.New("the wire broke")
	r, err := Open(io.MultiReader(bytes.NewReader(file[:len(file)-20]), iotest.ErrReader(broken)))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, err := io.ReadAll(r); !errors.Is(err, broken) || errors.Is(err, ErrDamaged) {
		t.Errorf("%v, want the error of the file alone", err)
	}
}

// A small file does not unpack to a large one.
func TestBomb(t *testing.T) {
	var out bytes.Buffer
	block := make([]byte, 1<<20)
	const blocks = 1 << 8
	err := Write(&out, nil, func(w io.Writer) error {
		for range blocks {
			if _, err := w.Write(block); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	r, err := Open(&out)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	n, err := io.Copy(io.Discard, r)
	if !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), "more than a cache could hold") || n > freeGrowth+maxGrowth*1<<20 {
		t.Errorf("%d bytes came through (%v)", n, err)
	}
	// Nor does one that asks for a window of 2 GiB take that memory.
	var h header
	window := append([]byte(h.String()), 0x28, 0xb5, 0x2f, 0xfd, 0x00, 21<<3, 0x01, 0, 0)
	if _, err := read(window); !errors.Is(err, ErrDamaged) {
		t.Errorf("a window of 2 GiB: %v", err)
	}
}

// What is read is what has the digest, and it comes back when written.
func FuzzOpen(f *testing.F) {
	key, public := testKey(1)
	for _, payload := range []string{"", "x", strings.Repeat("struct page *", 100)} {
		f.Add(write(f, key, []byte(payload)))
		f.Add(write(f, nil, []byte(payload)))
	}
	f.Add([]byte("tpinfo export 1\n"))
	f.Fuzz(func(t *testing.T, file []byte) {
		payload, err := read(file)
		if err != nil {
			if !errors.Is(err, ErrNotBundle) && !errors.Is(err, ErrNewer) && !errors.Is(err, ErrDamaged) && !errors.Is(err, ErrSignature) {
				t.Fatalf("an error of another kind: %v", err)
			}
			return
		}
		sum := sha256.Sum256(payload)
		if !bytes.Contains(file, []byte(hex.EncodeToString(sum[:]))) {
			t.Fatal("the payload is another than the header says")
		}
		if got, err := read(write(t, key, payload), public); err != nil || !bytes.Equal(got, payload) {
			t.Fatalf("%d bytes come back as %d (%v)", len(payload), len(got), err)
		}
	})
}
