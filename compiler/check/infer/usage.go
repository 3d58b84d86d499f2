package infer

import "github.com/tpinfo/tpinfo/compiler/syntax"

// Unread are the globals that a script writes and never reads, in bodies of
// probes and in its functions.
func (s *Script) Unread(f *syntax.File, bodies []*syntax.Block) []*Variable {
	u := usage{read: map[string]bool{}, written: map[string]bool{}}
	for _, b := range bodies {
		u.stmt(b)
	}
	for _, fn := range f.Functions {
		u.params = map[string]bool{}
		for _, p := range fn.Params {
			u.params[p.Name] = true
		}
		u.stmt(fn.Body)
	}
	var list []*Variable
	for _, v := range s.Order {
		if u.written[v.Name] && !u.read[v.Name] {
			list = append(list, v)
		}
	}
	return list
}

// usage tells which names a script reads and writes. What only changes its own
// value, as x++ does where nothing takes it, is not read.
type usage struct {
	read, written map[string]bool
	params        map[string]bool // of the function, which hide globals
}

func (u *usage) stmt(s syntax.Stmt) {
	switch s := s.(type) {
	case *syntax.Block:
		for _, inner := range s.List {
			u.stmt(inner)
		}
	case *syntax.ExprStmt:
		u.effect(s.X)
	case *syntax.If:
		u.expr(s.Cond)
		u.stmt(s.Then)
		u.stmt(s.Else)
	case *syntax.Loop:
		u.effect(s.Init)
		u.expr(s.Cond)
		u.effect(s.Post)
		u.stmt(s.Body)
	case *syntax.Foreach:
		for _, k := range s.Keys {
			u.note(u.written, k.Name)
		}
		if s.Value != nil {
			u.note(u.written, s.Value)
		}
		u.expr(s.Array)
		u.expr(s.Limit)
		u.stmt(s.Body)
	case *syntax.Return:
		u.expr(s.X)
	case *syntax.Delete:
		u.place(s.X)
	case *syntax.Try:
		u.stmt(s.Body)
		if s.Message != nil {
			u.note(u.written, s.Message)
		}
		u.stmt(s.Catch)
	}
}

func (u *usage) note(set map[string]bool, name *syntax.Name) {
	if !u.params[name.Text] {
		set[name.Text] = true
	}
}

// effect is an expression whose value nothing takes.
func (u *usage) effect(x syntax.Expr) {
	switch x := x.(type) {
	case *syntax.Assign:
		u.place(x.X)
		u.expr(x.Y)
	case *syntax.Step:
		u.place(x.X)
	default:
		u.expr(x)
	}
}

// place is written to, or deleted.
func (u *usage) place(x syntax.Expr) {
	switch x := x.(type) {
	case *syntax.Name:
		u.note(u.written, x)
	case *syntax.Index:
		u.place(x.X)
		for _, k := range x.Keys {
			u.expr(k)
		}
	default:
		u.expr(x)
	}
}

func (u *usage) expr(x syntax.Expr) {
	switch x := x.(type) {
	case nil:
	case *syntax.Name:
		u.note(u.read, x)
	case *syntax.Assign:
		u.place(x.X)
		if x.Op != "=" {
			u.expr(x.X)
		}
		u.expr(x.Y)
	case *syntax.Step:
		u.place(x.X)
		u.expr(x.X)
	default:
		for _, y := range syntax.Operands(x) {
			u.expr(y)
		}
	}
}
