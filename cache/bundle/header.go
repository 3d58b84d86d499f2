package bundle

import (
	"bufio"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Magic is how every exported file begins; its format's number and the end of
// the line follow.
const Magic = "tpinfo export "

// version is that of the format, the header's and the payload's.
const version = "1"

// What can be wrong with an exported file; errors wrap one of these.
var (
	ErrNotBundle = errors.New("not a file that tpinfo exported")
	ErrNewer     = errors.New("exported by a newer tpinfo")
	ErrDamaged   = errors.New("the exported file is damaged")
	ErrSignature = errors.New("the signature is refused")
	ErrOther     = errors.New("the exported file holds another kernel than it should")
)

const (
	digestLine    = "digest sha256:"
	signatureLine = "signature ed25519:"
)

// maxLine bounds a line of the header.
const maxLine = 512

type header struct {
	digest [sha256.Size]byte
	signer ed25519.PublicKey // nil: not signed
	sig    []byte
}

// signed is what a signature covers.
func (h *header) signed() string {
	return Magic + version + "\n" + digestLine + hex.EncodeToString(h.digest[:]) + "\n"
}

func (h *header) sign(key ed25519.PrivateKey) {
	h.signer, _ = key.Public().(ed25519.PublicKey)
	h.sig = ed25519.Sign(key, []byte(h.signed()))
}

// String is the header as it stands in the file.
func (h *header) String() string {
	s := h.signed()
	if h.signer != nil {
		s += signatureLine + hex.EncodeToString(h.signer) + " " + base64.StdEncoding.EncodeToString(h.sig) + "\n"
	}
	return s + "\n"
}

func readHeader(r *bufio.Reader) (*header, error) {
	line, err := readLine(r)
	number, ours := strings.CutPrefix(line, Magic)
	switch {
	case !ours:
		return nil, ErrNotBundle
	case err != nil:
		return nil, err
	case number != version:
		return nil, fmt.Errorf("%w: it has format %q, this one reads %s", ErrNewer, number, version)
	}
	h := &header{}
	if line, err = readLine(r); err != nil {
		return nil, err
	}
	digest, ok := strings.CutPrefix(line, digestLine)
	if raw, err := hex.DecodeString(digest); !ok || err != nil || len(raw) != len(h.digest) {
		return nil, fmt.Errorf("%w: its header has no digest", ErrDamaged)
	} else {
		copy(h.digest[:], raw)
	}
	if line, err = readLine(r); err != nil || line == "" {
		return h, err
	}
	if err := h.readSignature(line); err != nil {
		return nil, err
	}
	if line, err = readLine(r); err == nil && line != "" {
		err = fmt.Errorf("%w: its header does not end", ErrDamaged)
	}
	return h, err
}

func (h *header) readSignature(line string) error {
	text, ok := strings.CutPrefix(line, signatureLine)
	signer, sig, two := strings.Cut(text, " ")
	key, kerr := hex.DecodeString(signer)
	raw, serr := base64.StdEncoding.DecodeString(sig)
	if !ok || !two || kerr != nil || serr != nil || len(key) != ed25519.PublicKeySize || len(raw) != ed25519.SignatureSize {
		return fmt.Errorf("%w: its header has a line that is no signature", ErrDamaged)
	}
	h.signer, h.sig = key, raw
	return nil
}

// readLine reads a line without its end.
func readLine(r *bufio.Reader) (string, error) {
	var line []byte
	for {
		c, err := r.ReadByte()
		switch {
		case err != nil:
			return string(line), fmt.Errorf("%w: it ends in its header", ErrDamaged)
		case c == '\n':
			return string(line), nil
		case len(line) == maxLine:
			return string(line), fmt.Errorf("%w: its header has a line without end", ErrDamaged)
		}
		line = append(line, c)
	}
}

// verify checks the signature that is there, and that it is by one of those
// who are trusted; without any, that of anybody and none at all will do.
func (h *header) verify(trusted []ed25519.PublicKey) error {
	if h.signer != nil && !ed25519.Verify(h.signer, []byte(h.signed()), h.sig) {
		return fmt.Errorf("%w: it does not fit the content, which was changed after signing", ErrSignature)
	}
	switch {
	case len(trusted) == 0:
		return nil
	case h.signer == nil:
		return fmt.Errorf("%w: the file is not signed, and a signature by %s is asked for", ErrSignature, names(trusted))
	case !slices.ContainsFunc(trusted, func(k ed25519.PublicKey) bool { return k.Equal(h.signer) }):
		return fmt.Errorf("%w: it is by %s, and one by %s is asked for", ErrSignature, Name(h.signer), names(trusted))
	}
	return nil
}

func names(keys []ed25519.PublicKey) string {
	var all []string
	for _, k := range keys {
		all = append(all, Name(k))
	}
	return strings.Join(all, " or ")
}
