package ir

// Op says what a node is.
type Op string

// The expressions. Args are the operands in order; Type is the result's.
const (
	Const  Op = "const"  // Int: the number
	Text   Op = "text"   // Str: the string
	GetLoc Op = "local"  // Int: index of a local of this probe or function
	GetGlo Op = "global" // Int: index of a scalar global
	Elem   Op = "elem"   // Int: index of an array, Args: the keys; 0 or "" where there is none

	Neg Op = "neg"
	Com Op = "com" // ~
	Not Op = "not" // !, 0 or 1

	// Arithmetic on Long, wrapping. Div and Mod round toward zero as C does
	// and are errors for a zero divisor; MinInt64 / -1 is MinInt64, % is 0.
	// Shifts use the low 6 bits of the count; Shr keeps the sign.
	Add Op = "add"
	Sub Op = "sub"
	Mul Op = "mul"
	Div Op = "div"
	Mod Op = "mod"
	And Op = "and"
	Or  Op = "or"
	Xor Op = "xor"
	Shl Op = "shl"
	Shr Op = "shr"

	// Comparisons, 0 or 1: of Longs as signed numbers, of Strings by their
	// bytes, as the type of the operands says.
	Eq Op = "eq"
	Ne Op = "ne"
	Lt Op = "lt"
	Le Op = "le"
	Gt Op = "gt"
	Ge Op = "ge"

	Concat Op = "concat" // String . String, cut at StringSize-1 bytes
	AndAnd Op = "andand" // short-circuit, 0 or 1
	OrOr   Op = "oror"
	Choose Op = "choose" // Args: condition, then, else
	In     Op = "in"     // Int: index of an array, Args: the keys; 0 or 1
	Match  Op = "match"  // Args: a string; Str: the pattern (POSIX extended); 0 or 1

	// Set assigns: Args are a GetLoc, GetGlo or Elem, and the value, which it
	// yields.
	Set Op = "set"
	// Update is "x += y" for Long: Args are a GetLoc, GetGlo or Elem and the
	// operand; How is Add … Shr. It yields the new value, or the old one with
	// Old ("x++"). Add, Sub, And, Or and Xor of globals are atomic.
	Update Op = "update"

	// Stat reads an aggregate: Args[0] is a GetGlo or Elem of type Stats, Str
	// one of count, sum, avg, min, max, variance. An empty one is an error
	// but for count and sum, as in SystemTap.
	Stat Op = "stat"

	Call    Op = "call"    // Int: index of a Func
	Builtin Op = "builtin" // Str: its name, see builtins in package check; Args
	Sprint  Op = "sprint"  // Int: index of a Site: sprintf, sprint and the like

	// The kernel's memory, in kernel-side probes only. Mem has the width.
	Arg Op = "arg" // reads the context at offset Int
	// Load reads memory at the address Args[0] plus Int.
	Load Op = "load"
	// ReadText reads a NUL-terminated string at the address Args[0], at most
	// Int-1 bytes (0: as many as fit); Mem.User for user space's memory.
	// Where it cannot be read: Args[1] if there is one, else an error.
	ReadText Op = "readtext"
	Context  Op = "context" // the address of the context, for dynamic fields of a record
	// Bytes stands as an argument of Print only: Int bytes of memory at the
	// address Args[0], rendered in user space as the Slot's Render says.
	Bytes Op = "bytes"
)

// The statements; their Type is Void.
const (
	Block Op = "block" // Args: statements
	Eval  Op = "eval"  // Args[0]: an expression, for its effect
	If    Op = "if"    // Args: condition, then, and perhaps else
	// Loop: Args are condition, step (an expression) and body; the first two
	// may be nil. Continue goes to the step.
	Loop Op = "loop"
	// ForEach visits an array, as Each says; Args[0] is the body. User side.
	ForEach  Op = "foreach"
	Break    Op = "break"
	Continue Op = "continue"
	Next     Op = "next"   // ends the handler
	Return   Op = "return" // Args[0]: the value, unless the function is Void
	// Delete: Args[0] is a GetGlo (reset to 0, "" or nothing added) or an
	// Elem; or it is absent and Int is the array to empty (user side).
	Delete Op = "delete"
	// Try: Args are the body and what runs after an error in it; Int is the
	// local that gets the error's text, or -1.
	Try Op = "try"
	// StatAdd is "<<<": Args are a GetGlo or Elem of type Stats, and a Long.
	StatAdd Op = "statadd"
	// Print sends or writes: Int is the Site, Args its values.
	Print Op = "print"
	// Histogram prints an aggregate's histogram; Args[0] as of Stat, Int the
	// Site that tells which. User side.
	Histogram Op = "histogram"
	// Fail is error(): Args[0] is the message, Int its Site.
	Fail Op = "fail"
	// Exit is exit(): no probe starts after it, what was printed is printed.
	Exit Op = "exit"
)

// Node is an expression or a statement.
type Node struct {
	Op     Op      `json:"op"`
	Type   Type    `json:"type,omitempty"`
	Int    int64   `json:"int,omitempty"`
	Str    string  `json:"str,omitempty"`
	Args   []*Node `json:"args,omitempty"`
	How    Op      `json:"how,omitempty"` // of Update
	Old    bool    `json:"old,omitempty"` // of Update
	Mem    *Mem    `json:"mem,omitempty"`
	Each   *Each   `json:"each,omitempty"`
	Line   int     `json:"line,omitempty"`
	Column int     `json:"col,omitempty"`
	// Size of a String expression: the most bytes it takes with its NUL, a
	// multiple of 8, at most the program's StringSize.
	Size int `json:"size,omitempty"`
}

// Mem describes a value in memory.
type Mem struct {
	Size   int  `json:"size"` // bytes: 1, 2, 4, 8
	Signed bool `json:"signed,omitempty"`
	// A bitfield is BitSize bits from bit BitOffset of the Size bytes at the
	// offset on, counted from the least significant bit on a little-endian
	// kernel and from the most significant on a big-endian one. Size may be
	// up to 9 for these, counted in whole bytes that hold the field.
	BitOffset int  `json:"bit_offset,omitempty"`
	BitSize   int  `json:"bit_size,omitempty"`
	User      bool `json:"user,omitempty"` // user space's memory
	// What names the place in messages: "$prev->pid".
	What string `json:"what,omitempty"`
}

// Each is the head of a foreach.
type Each struct {
	Global int   `json:"global"`
	Keys   []int `json:"keys"`  // locals that get the keys
	Value  int   `json:"value"` // the local that gets the value, or -1
	// Sort is what decides the order: -1 nothing, 0 the value, 1… a key.
	Sort int  `json:"sort"`
	Desc bool `json:"desc,omitempty"`
	// By names the statistic that aggregates are sorted by: count, sum, min,
	// max, avg; empty means count.
	By    string `json:"by,omitempty"`
	Limit *Node  `json:"limit,omitempty"`
	// Slice, when not nil, has an expression for each key that must be equal
	// to it, nil for any.
	Slice []*Node `json:"slice,omitempty"`
}
