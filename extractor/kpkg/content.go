package kpkg

import (
	"context"
	"os"
	"strings"

	"github.com/tpinfo/tpinfo/extractor/kpkg/archive"
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
	if st, err := os.Stat(path); err == nil && st.IsDir() {
		return hashFolder(ctx, path, sourceFile, sourceNeeded)
	}
	r, err := archive.Open(ctx, path)
	if err != nil {
		return "", err
	}
	defer r.Close()
	return r.Digest()
}
