package syntax

import "github.com/tpinfo/tpinfo/compiler/diag"

// File is a script.
type File struct {
	Globals   []*Global
	Functions []*Function
	Aliases   []*Alias
	Probes    []*Probe
}

// Type is the type that a name was declared with.
type Type string

// The types that can be written: "function f:long(s:string)".
const (
	Untyped    Type = ""
	LongType   Type = "long"
	StringType Type = "string"
)

// Global declares a variable that probes share.
type Global struct {
	Span    diag.Span
	Name    string
	Private bool
	// Size is the number of elements an array may have, nil where it is not
	// said; Wraps lets the oldest make place for the newest ("a%[N]").
	Size  *NumberLit
	Array bool // "[" stands behind it, or "%"
	Wraps bool
	Init  Expr // a literal, or nil
}

// Function declares a function.
type Function struct {
	Span    diag.Span
	Name    string
	Private bool
	Type    Type
	Params  []*Param
	Body    *Block
}

// Param is a parameter of a function.
type Param struct {
	Span diag.Span
	Name string
	Type Type
}

// Alias gives probe points a name, with statements of its own in front of
// ("=") or behind ("+=") those of whoever probes it.
type Alias struct {
	Span   diag.Span
	Names  []*Point
	Behind bool
	Points []*Point
	Body   *Block
}

// Probe is a handler and where it is called.
type Probe struct {
	Span   diag.Span
	Points []*Point
	Body   *Block
}

// Point is one probe point: kernel.trace("sched:*").record?
type Point struct {
	Span       diag.Span
	Components []*Component
	Optional   bool // "?": no error when nothing matches
	Sufficient bool // "!": what follows in the list is not looked at when it matches
}

// Component is a part of a probe point: "trace" with the argument "sched:*".
type Component struct {
	Span diag.Span
	Name string // "*" stands for any letters
	Arg  Expr   // a literal, or nil
}

// Stmt is a statement.
type Stmt interface{ Place() diag.Span }

// The statements.
type (
	// Block is "{ … }".
	Block struct {
		Span diag.Span
		List []Stmt
	}
	// ExprStmt evaluates X for its effect.
	ExprStmt struct{ X Expr }
	// Empty is ";".
	Empty struct{ Span diag.Span }
	// If is "if (Cond) Then else Else"; Else may be nil.
	If struct {
		Span       diag.Span
		Cond       Expr
		Then, Else Stmt
	}
	// Loop is "while (Cond)" when Init and Post are nil and For is not set,
	// else "for (Init; Cond; Post)".
	Loop struct {
		Span             diag.Span
		For              bool
		Init, Cond, Post Expr
		Body             Stmt
	}
	// Foreach visits the elements of an array.
	Foreach struct {
		Span  diag.Span
		Value *Name // "v = [k] in a", or nil
		Keys  []*ForKey
		Array Expr // a Name, or an Index whose keys may be nil for "*"
		// Order is the key that decides the order, 0 for the value and -1
		// for none; Descending its direction. SortBy names the statistic that
		// an aggregate is sorted by, "@count", or "".
		Order      int
		Descending bool
		SortBy     string
		Limit      Expr // or nil
		Body       Stmt
	}
	// Jump is "break", "continue" or "next".
	Jump struct {
		Span diag.Span
		Word string
	}
	// Return ends a function; X may be nil.
	Return struct {
		Span diag.Span
		X    Expr
	}
	// Delete takes an element out, or resets a variable.
	Delete struct {
		Span diag.Span
		X    Expr
	}
	// Try runs Body; an error in it runs Catch, with its text in Message.
	Try struct {
		Span    diag.Span
		Body    *Block
		Message *Name // or nil
		Catch   *Block
	}
)

// ForKey is one key of a Foreach.
type ForKey struct{ Name *Name }

// Expr is an expression.
type Expr interface{ Place() diag.Span }

// The expressions.
type (
	// Name is a variable.
	Name struct {
		Span diag.Span
		Text string
	}
	// NumberLit is a number; Text is how it was written.
	NumberLit struct {
		Span  diag.Span
		Text  string
		Value int64
	}
	// StringLit is a string.
	StringLit struct {
		Span diag.Span
		Text string
	}
	// Target is "$name" or "$$vars".
	Target struct {
		Span diag.Span
		Text string
	}
	// Builtin is "@cast(…)", "@count(x)", "@defined(…)", "@1".
	Builtin struct {
		Span diag.Span
		Name string
		Args []Expr
	}
	// Member is "X->Name".
	Member struct {
		Span diag.Span
		X    Expr
		Name string
	}
	// Index is "X[Keys…]"; a nil key is "*".
	Index struct {
		Span diag.Span
		X    Expr
		Keys []Expr
	}
	// Pretty is "X$" or "X$$".
	Pretty struct {
		Span diag.Span
		X    Expr
		Deep bool
	}
	// Call is "Name(Args…)".
	Call struct {
		Span diag.Span
		Name string
		Args []Expr
	}
	// Unary is "Op X": ! ~ - + &.
	Unary struct {
		Span diag.Span
		Op   string
		X    Expr
	}
	// Step is "++X", "X++" and the same with "--".
	Step struct {
		Span   diag.Span
		Op     string
		Before bool
		X      Expr
	}
	// Binary is "X Op Y", of every kind but assignments.
	Binary struct {
		Span diag.Span
		Op   string
		X, Y Expr
	}
	// In is "[Keys…] in Array".
	In struct {
		Span  diag.Span
		Keys  []Expr
		Array Expr
	}
	// Cond is "If ? Then : Else".
	Cond struct {
		Span           diag.Span
		If, Then, Else Expr
	}
	// Assign is "X Op Y": = <<< and += and the like.
	Assign struct {
		Span diag.Span
		Op   string
		X, Y Expr
	}
)

// Place implements Stmt.
func (n *Block) Place() diag.Span { return n.Span }

// Place implements Stmt.
func (n *ExprStmt) Place() diag.Span { return n.X.Place() }

// Place implements Stmt.
func (n *Empty) Place() diag.Span { return n.Span }

// Place implements Stmt.
func (n *If) Place() diag.Span { return n.Span }

// Place implements Stmt.
func (n *Loop) Place() diag.Span { return n.Span }

// Place implements Stmt.
func (n *Foreach) Place() diag.Span { return n.Span }

// Place implements Stmt.
func (n *Jump) Place() diag.Span { return n.Span }

// Place implements Stmt.
func (n *Return) Place() diag.Span { return n.Span }

// Place implements Stmt.
func (n *Delete) Place() diag.Span { return n.Span }

// Place implements Stmt.
func (n *Try) Place() diag.Span { return n.Span }

// Place implements Expr.
func (n *Name) Place() diag.Span { return n.Span }

// Place implements Expr.
func (n *NumberLit) Place() diag.Span { return n.Span }

// Place implements Expr.
func (n *StringLit) Place() diag.Span { return n.Span }

// Place implements Expr.
func (n *Target) Place() diag.Span { return n.Span }

// Place implements Expr.
func (n *Builtin) Place() diag.Span { return n.Span }

// Place implements Expr.
func (n *Member) Place() diag.Span { return n.Span }

// Place implements Expr.
func (n *Index) Place() diag.Span { return n.Span }

// Place implements Expr.
func (n *Pretty) Place() diag.Span { return n.Span }

// Place implements Expr.
func (n *Call) Place() diag.Span { return n.Span }

// Place implements Expr.
func (n *Unary) Place() diag.Span { return n.Span }

// Place implements Expr.
func (n *Step) Place() diag.Span { return n.Span }

// Place implements Expr.
func (n *Binary) Place() diag.Span { return n.Span }

// Place implements Expr.
func (n *In) Place() diag.Span { return n.Span }

// Place implements Expr.
func (n *Cond) Place() diag.Span { return n.Span }

// Place implements Expr.
func (n *Assign) Place() diag.Span { return n.Span }
