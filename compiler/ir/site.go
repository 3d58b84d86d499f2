package ir

// Site is a place of the script that prints, makes text, or fails.
//
// A kernel-side site sends one record through the ring buffer: a 32-bit Kind,
// the 32-bit index of the site, then the slots one after another, each of
// Slot.Size bytes: a Long takes 8, a String its capacity with a NUL behind the
// text, Bytes theirs, padded to a multiple of 8; all in the target's byte order.
type Site struct {
	Parts []Part `json:"parts,omitempty"` // what is printed
	Slots []Slot `json:"slots,omitempty"` // the values that Parts consume, in order
	// Stderr: warn(), and what else goes to standard error.
	Stderr bool `json:"stderr,omitempty"`
	// Hist is "log" or "linear", of a Histogram.
	Hist   string `json:"hist,omitempty"`
	Line   int    `json:"line"`
	Column int    `json:"column"`
}

// Slot is one value of a site.
type Slot struct {
	Type Type `json:"type"` // Long, String, or Void for Bytes
	Size int  `json:"size"`
	// Render says how Bytes are shown; those of "%m" and "%M" have none.
	Render *Render `json:"render,omitempty"`
}

// Part is literal text, or a directive when Verb is not 0.
type Part struct {
	Text string `json:"text,omitempty"`
	// Verb is one of d i u x X o c s p b m M n r of man stap's printf; 'r' is
	// a slot with a Render. "%%" is text.
	Verb rune `json:"verb,omitempty"`
	// The flags.
	Minus bool `json:"minus,omitempty"` // left
	Plus  bool `json:"plus,omitempty"`
	Space bool `json:"space,omitempty"`
	Alt   bool `json:"alt,omitempty"` // #
	Zero  bool `json:"zero,omitempty"`
	// Width and Prec; -1 when absent, -2 when a slot before the value has it
	// ("*").
	Width int `json:"width"`
	Prec  int `json:"prec"`
	// Bytes is how many bytes "%4b" writes: 1, 2, 4, 8.
	Bytes int `json:"bytes,omitempty"`
}

// Absent widths and precisions, and those that a slot has.
const (
	NoNumber = -1
	FromSlot = -2
)

// Render describes how bytes of the target's memory are shown: "$x$", "$x$$".
type Render struct {
	Name string `json:"name,omitempty"` // shown in front, of a member or of $$vars
	// Offset in the slot's bytes of a value that is read, one with Mem or Chars,
	// and what it is.
	Offset  int  `json:"offset"`
	Mem     *Mem `json:"mem,omitempty"`   // a number or pointer
	Chars   int  `json:"chars,omitempty"` // a char array of so many bytes, shown as text
	Pointer bool `json:"pointer,omitempty"`
	// Stack: the slot is a Long, the id of a kernel stack, shown a line a frame
	// (print_backtrace).
	Stack bool `json:"stack,omitempty"`
	// Call names a function of user space that makes text of the slot:
	// "symname", "ctime". So a probe in the kernel may print what it cannot
	// compute; see ShownBy.
	Call string `json:"call,omitempty"`
	// Members, of a struct, or elements, of an array.
	Struct  bool      `json:"struct,omitempty"`
	Array   bool      `json:"array,omitempty"`
	Members []*Render `json:"members,omitempty"`
	More    bool      `json:"more,omitempty"` // something was left out: "..."
}
