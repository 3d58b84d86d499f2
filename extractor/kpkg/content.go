package kpkg

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"os"
	"strings"
)

// TreeDigest is the digest of an unpacked build tree's headers, as
// Opened.Headers is made of.
func TreeDigest(ctx context.Context, dir string) (string, error) {
	sums, err := hashTree(ctx, dir)
	return strings.Join(sums, " "), err
}

// SourceDigest is the digest of a full source: of a packed one its bytes, of an
// unpacked one all that an extraction could read.
func SourceDigest(ctx context.Context, path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return "", err
	}
	if st.IsDir() {
		return hashFolder(ctx, path, sourceFile, sourceNeeded)
	}
	h := sha256.New()
	if _, err := io.Copy(h, &packed{ctx: ctx, r: f}); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
