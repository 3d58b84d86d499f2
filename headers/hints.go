package headers

// Hint is what one trace header needs so that it compiles at the first try
// outside the source file it was written for. A header without a hint is
// compiled as it is; what then fails is repaired by the extractor from the
// compiler's words, at the price of another run.
type Hint struct {
	// Header as a unit includes it: "trace/events/mdio.h".
	Header string
	// Includes are public headers to read before it. One that a tree does
	// not have is left out.
	Includes []string
	// Unknown names types that only a private header defines: "ext4_group_t",
	// "struct afs_fid", "enum page_type". They are declared as of unknown
	// size. One that the tree's own headers define must not stand here.
	Unknown []string
	// Constants names array lengths that only a private header defines.
	Constants []string
}

// HintFor returns the hint of a trace header, if there is one.
func HintFor(header string) (Hint, bool) {
	for _, h := range hints {
		if h.Header == header {
			return h, true
		}
	}
	return Hint{}, false
}

var hints = []Hint{}
