// Package bundle is the form of kernels in an exported file: a header of lines
// that a person can read, and then the payload, compressed with zstd.
//
//	tpinfo export 1
//	digest sha256:5f0c…
//	signature ed25519:9d61… 4Jx0…
//
// The digest is that of the payload before compression, and the signature (its
// line may be missing) covers the first two lines: both outlast a compression
// by another program or at another level. The public key stands in hexadecimal,
// the signature in base64. An empty line ends the header. Without tpinfo, a
// signature is checked by
//
//	head -2 FILE >signed
//	sed -n '3s/.* //p' FILE | base64 -d >signature
//	openssl pkeyutl -verify -pubin -inkey KEY -rawin -in signed -sigfile signature
//	sed '1,/^$/d' FILE | zstd -d | sha256sum
//
//	header   the lines, and the signature in them            header.go
//	stream   the payload in and out, within limits           stream.go
//	key      Ed25519 keys in files                           key.go
//	record   what a payload is made of; a kernel on its way  record.go
//	kernels  to a payload, and back with suspicion           writekernels.go, readkernels.go
//
// Where kernels come from and go to is the business of package cache.
package bundle
