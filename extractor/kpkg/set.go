package kpkg

import "github.com/tpinfo/tpinfo/extractor/kpkg/archive"

// Package is one package file and what it says of itself.
type Package struct {
	Path   string         `json:"path"` // absolute
	Format archive.Format `json:"format"`
	Name   string         `json:"name"` // "linux-headers-6.1.0-56-cloud-amd64"
	// Version and Arch are the distribution's: "6.1.192-2", "amd64", "all".
	Version string   `json:"version"`
	Arch    string   `json:"arch"`
	Depends []string `json:"depends,omitempty"` // first choice of each, names alone
	Digest  string   `json:"digest"`            // SHA-256 of the file, in hexadecimal
	Size    int64    `json:"size"`              // bytes of the file
}

// Set is what makes up one kernel.
type Set struct {
	Release string `json:"release"` // "6.1.0-56-cloud-amd64"
	Arch    string `json:"arch"`    // the packages' word: "amd64", "arm64"
	// Headers hold the build tree, the flavour's own package first, then the
	// ones it shares with others. Empty when Tree is set.
	Headers []Package `json:"headers,omitempty"`
	// Image are packages with the kernel's image, for its BTF. May be empty.
	Image []Package `json:"image,omitempty"`
	// Tree is an unpacked build tree, instead of Headers; absolute.
	Tree string `json:"tree,omitempty"`
	// Source is a full source tree of the same version, or a package or
	// tarball of one. Empty for none.
	Source string `json:"source,omitempty"`
	// NoSource is why a source of the same version that was given is not used,
	// one sentence in lower case. Empty where none is left out.
	NoSource string `json:"no_source,omitempty"`
}
