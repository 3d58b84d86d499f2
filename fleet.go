package tpinfo

import "time"

// Origin says what a kernel was built from, so that the same is not built
// twice.
type Origin struct {
	// Key is the digest of the packages (or of the tree) that went in and of
	// the override headers, in hexadecimal: what has the same key gives the
	// same kernel.
	Key string `json:"key"`
	// Headers is the digest of all headers that a compile could read and of
	// the flags, in hexadecimal. Packages that differ otherwise, in release
	// name or documentation, share it and the kernel. Empty when unknown.
	Headers string `json:"headers,omitempty"`
}

// Failure is a kernel that could not be built: one entry of the ledger.
type Failure struct {
	// Key is what was tried, as in Origin.
	Key     string `json:"key"`
	Release string `json:"release"` // empty when not even that is known
	// Arch as in Kernel; the packages' word where it is not known.
	Arch string `json:"arch,omitempty"`
	// Subject is the package, header or folder at fault; empty for the whole.
	Subject string `json:"subject,omitempty"`
	// Reason is one sentence in lower case, with the compiler's words where
	// they help; Supply is what to do about it, as Problem has it.
	Reason string   `json:"reason"`
	Supply []string `json:"supply,omitempty"`
	// Tools names the compiler and the program: when they change, the kernel
	// is tried again.
	Tools string    `json:"tools,omitempty"`
	Tries int       `json:"tries"`
	When  time.Time `json:"when"` // UTC, of the last try
}
