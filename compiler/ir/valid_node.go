package ir

import (
	"errors"
	"fmt"
	"slices"
)

// shape is what an operator takes and gives. Operators without one have rules
// of their own.
type shape struct {
	args   []Type
	result Type
}

var (
	unary   = shape{[]Type{Long}, Long}
	numbers = shape{[]Type{Long, Long}, Long}
)

// shapes of the expressions whose types alone say whether they are right.
var shapes = map[Op]shape{
	Const: {nil, Long},
	Text:  {nil, String},
	Neg:   unary, Com: unary, Not: unary,
	Add: numbers, Sub: numbers, Mul: numbers, Div: numbers, Mod: numbers,
	And: numbers, Or: numbers, Xor: numbers, Shl: numbers, Shr: numbers,
	AndAnd: numbers, OrOr: numbers,
	Concat:  {[]Type{String, String}, String},
	Match:   {[]Type{String}, Long},
	Context: {nil, Long},
}

// kernelOnly are the operators that read the kernel's memory.
var kernelOnly = []Op{Arg, Load, ReadText, Context, Bytes}

var (
	comparisons = []Op{Eq, Ne, Lt, Le, Gt, Ge}
	updates     = []Op{Add, Sub, Mul, Div, Mod, And, Or, Xor, Shl, Shr}
	statistics  = []string{"count", "sum", "avg", "min", "max", "variance"}
	sortedBy    = []string{"", "count", "sum", "min", "max", "avg"}
)

// at puts the place of a node in front of what is wrong with it, once.
func (n *Node) at(err error) error {
	var placed *nodeError
	if err == nil || errors.As(err, &placed) {
		return err
	}
	return &nodeError{n, err}
}

type nodeError struct {
	node *Node
	err  error
}

func (e *nodeError) Error() string {
	return fmt.Sprintf("%d:%d: %s: %v", e.node.Line, e.node.Column, e.node.Op, e.err)
}

func (e *nodeError) Unwrap() error { return e.err }

func (v *validator) enter() error {
	if v.depth++; v.depth > MaxNesting {
		return fmt.Errorf("nested more than %d deep", MaxNesting)
	}
	return nil
}

// expression checks a node whose value is used.
func (v *validator) expression(n *Node) error {
	if n == nil {
		return errors.New("an expression is missing")
	}
	if err := v.enter(); err != nil {
		return n.at(err)
	}
	defer func() { v.depth-- }()
	if n.Size < 0 || n.Size > v.program.StringSize || n.Size%8 != 0 {
		return n.at(fmt.Errorf("%d bytes of a string: not a multiple of 8 up to %d", n.Size, v.program.StringSize))
	}
	if v.user && slices.Contains(kernelOnly, n.Op) {
		return n.at(errors.New("it reads the kernel's memory in user space"))
	}
	return n.at(v.operator(n))
}

func (v *validator) operator(n *Node) error {
	if s, ok := shapes[n.Op]; ok {
		return v.shaped(n, s.result, s.args...)
	}
	if slices.Contains(comparisons, n.Op) {
		if len(n.Args) == 2 && n.Args[0] != nil && n.Args[0].Type == String {
			return v.shaped(n, Long, String, String)
		}
		return v.shaped(n, Long, Long, Long)
	}
	switch n.Op {
	case GetLoc, GetGlo, Elem:
		return v.place(n)
	case Choose:
		if n.Type != Long && n.Type != String {
			return fmt.Errorf("it is a %v", n.Type)
		}
		return v.shaped(n, n.Type, Long, n.Type, n.Type)
	case In:
		g, err := v.array(n.Int)
		if err != nil {
			return err
		}
		return v.shaped(n, Long, g.Keys...)
	case Set:
		if err := v.assigned(n, n.Type); err != nil {
			return err
		}
		if n.Type != Long && n.Type != String {
			return fmt.Errorf("it is a %v", n.Type)
		}
		return v.shaped(n, n.Type, n.Type, n.Type)
	case Update:
		if !slices.Contains(updates, n.How) {
			return fmt.Errorf("how %q", n.How)
		}
		if err := v.assigned(n, Long); err != nil {
			return err
		}
		return v.shaped(n, Long, Long, Long)
	case Stat:
		if !slices.Contains(statistics, n.Str) {
			return fmt.Errorf("no statistic is named %q", n.Str)
		}
		if err := v.assigned(n, Stats); err != nil {
			return err
		}
		return v.shaped(n, Long, Stats)
	case Call:
		if n.Int < 0 || n.Int >= int64(len(v.program.Funcs)) {
			return fmt.Errorf("function %d of %d", n.Int, len(v.program.Funcs))
		}
		f := &v.program.Funcs[n.Int]
		if f.Params < 0 || f.Params > len(f.Locals) {
			return fmt.Errorf("function %s has %d parameters of %d locals", f.Name, f.Params, len(f.Locals))
		}
		var params []Type
		for _, l := range f.Locals[:f.Params] {
			params = append(params, l.Type)
		}
		return v.shaped(n, f.Result, params...)
	case Builtin:
		f, ok := v.builtins[n.Str]
		if !ok {
			return fmt.Errorf("no function is named %q", n.Str)
		}
		if v.user && f.Sides&InUser == 0 {
			return fmt.Errorf("%s() in user space", n.Str)
		}
		return v.shaped(n, f.Result, f.Params...)
	case Sprint:
		if n.Type != String {
			return fmt.Errorf("it is a %v", n.Type)
		}
		return v.printed(n)
	}
	return v.memory(n)
}

// memory checks the operators that read the kernel's memory.
func (v *validator) memory(n *Node) error {
	switch n.Op {
	case Arg, Load:
		if n.Mem == nil {
			return errors.New("nothing says what it reads")
		}
		if err := n.Mem.validate(); err != nil {
			return err
		}
		if n.Op == Load {
			return v.shaped(n, Long, Long)
		}
		if n.Int < 0 {
			return fmt.Errorf("offset %d in the context", n.Int)
		}
		return v.shaped(n, Long)
	case ReadText:
		if n.Int < 0 {
			return fmt.Errorf("at most %d bytes", n.Int)
		}
		if len(n.Args) == 2 {
			return v.shaped(n, String, Long, String)
		}
		return v.shaped(n, String, Long)
	case Bytes:
		return errors.New("it stands where nothing prints it")
	}
	return fmt.Errorf("no expression is named %q", n.Op)
}

// shaped checks a node's type and its operands'.
func (v *validator) shaped(n *Node, result Type, args ...Type) error {
	if n.Type != result {
		return fmt.Errorf("it is a %v instead of a %v", n.Type, result)
	}
	return v.operands(n, n.Args, args)
}

func (v *validator) operands(n *Node, args []*Node, types []Type) error {
	if len(args) != len(types) {
		return fmt.Errorf("%d operands instead of %d", len(args), len(types))
	}
	for i, a := range args {
		if err := v.expression(a); err != nil {
			return n.at(err)
		}
		if a.Type != types[i] {
			return fmt.Errorf("operand %d is a %v instead of a %v", i+1, a.Type, types[i])
		}
	}
	return nil
}

// place checks a local, a scalar global or an element.
func (v *validator) place(n *Node) error {
	if n.Op == GetLoc {
		if n.Int < 0 || n.Int >= int64(len(v.locals)) {
			return fmt.Errorf("local %d of %d", n.Int, len(v.locals))
		}
		return v.shaped(n, v.locals[n.Int].Type)
	}
	if n.Int < 0 || n.Int >= int64(len(v.program.Globals)) {
		return fmt.Errorf("global %d of %d", n.Int, len(v.program.Globals))
	}
	g := &v.program.Globals[n.Int]
	if g.Array() != (n.Op == Elem) {
		return fmt.Errorf("global %s has %d keys", g.Name, len(g.Keys))
	}
	return v.shaped(n, g.Type, g.Keys...)
}

// assigned checks that the first operand is a place of a type; what else there
// is to say of it, shaped does.
func (v *validator) assigned(n *Node, t Type) error {
	if len(n.Args) == 0 || n.Args[0] == nil {
		return errors.New("nothing is named")
	}
	if op := n.Args[0].Op; op != GetGlo && op != Elem && (op != GetLoc || t == Stats) {
		return fmt.Errorf("%s is no place for a %v", op, t)
	}
	return nil
}

func (v *validator) array(index int64) (*Global, error) {
	if index < 0 || index >= int64(len(v.program.Globals)) {
		return nil, fmt.Errorf("global %d of %d", index, len(v.program.Globals))
	}
	g := &v.program.Globals[index]
	if !g.Array() {
		return nil, fmt.Errorf("global %s is no array", g.Name)
	}
	return g, nil
}

func (v *validator) siteAt(index int64) (*Site, error) {
	if index < 0 || index >= int64(len(v.program.Sites)) {
		return nil, fmt.Errorf("site %d of %d", index, len(v.program.Sites))
	}
	return &v.program.Sites[index], nil
}

// printed checks the operands of what a site formats against its slots.
func (v *validator) printed(n *Node) error {
	s, err := v.siteAt(n.Int)
	if err != nil {
		return err
	}
	if len(n.Args) != len(s.Slots) {
		return fmt.Errorf("%d values for %d slots", len(n.Args), len(s.Slots))
	}
	for i, a := range n.Args {
		slot := &s.Slots[i]
		if slot.Type != Void {
			if err := v.operands(n, n.Args[i:i+1], []Type{slot.Type}); err != nil {
				return fmt.Errorf("slot %d: %w", i, err)
			}
			continue
		}
		if a == nil || a.Op != Bytes || a.Int < 1 || a.Int > int64(slot.Size) {
			return fmt.Errorf("slot %d: it takes up to %d bytes of memory", i, slot.Size)
		}
		if v.user {
			return fmt.Errorf("slot %d: it reads the kernel's memory in user space", i)
		}
		if err := v.operands(a, a.Args, []Type{Long}); err != nil {
			return err
		}
	}
	return nil
}
