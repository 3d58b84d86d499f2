package check

import (
	"github.com/tpinfo/tpinfo/compiler/ir"
	"github.com/tpinfo/tpinfo/compiler/syntax"
)

// statements lowers a list; what a constant condition leaves out is not there.
func (s *scope) statements(list []syntax.Stmt) []*ir.Node {
	var out []*ir.Node
	for _, st := range list {
		n := s.stmt(st)
		if n == nil {
			continue
		}
		out = append(out, n)
		if ends(n) {
			break
		}
	}
	return out
}

// ends tells statements that nothing runs behind. What stands there is not
// looked at: "if (@defined(x)) return x" may be followed by what another kernel
// needs.
func ends(n *ir.Node) bool {
	switch n.Op {
	case ir.Return, ir.Next, ir.Break, ir.Continue:
		return true
	case ir.Block:
		return len(n.Args) > 0 && ends(n.Args[len(n.Args)-1])
	}
	return false
}

// stmt lowers a statement; nil when nothing is left of it.
func (s *scope) stmt(st syntax.Stmt) *ir.Node {
	at := st.Place()
	switch st := st.(type) {
	case *syntax.Block:
		return s.node(ir.Block, ir.Void, at, s.statements(st.List)...)
	case *syntax.ExprStmt:
		return s.effect(st.X)
	case *syntax.If:
		return s.ifStmt(st)
	case *syntax.Loop:
		return s.loop(st)
	case *syntax.Foreach:
		return s.foreach(st)
	case *syntax.Jump:
		return s.jump(st)
	case *syntax.Return:
		return s.returnStmt(st)
	case *syntax.Delete:
		return s.deleteStmt(st)
	case *syntax.Try:
		return s.try(st)
	}
	return nil // ";"
}

// effect lowers an expression that stands as a statement.
func (s *scope) effect(x syntax.Expr) *ir.Node {
	switch x := x.(type) {
	case *syntax.Assign:
		if x.Op == "<<<" {
			return s.accumulate(x)
		}
	case *syntax.Call:
		v, stmt := s.call(x, open)
		if stmt != nil {
			return stmt
		}
		return s.node(ir.Eval, ir.Void, x.Span, v.n)
	case *syntax.Binary:
		// "ready && exit()": what has no value may stand on the right.
		then := &syntax.ExprStmt{X: x.Y}
		switch x.Op {
		case "&&":
			return s.branch(&syntax.If{Span: x.Span, Cond: x.X, Then: then})
		case "||":
			return s.branch(&syntax.If{Span: x.Span, Cond: &syntax.Unary{Span: x.X.Place(), Op: "!", X: x.X}, Then: then})
		}
	case *syntax.Cond:
		return s.branch(&syntax.If{Span: x.Span, Cond: x.If, Then: &syntax.ExprStmt{X: x.Then}, Else: &syntax.ExprStmt{X: x.Else}})
	}
	v := s.expr(x, open)
	return s.node(ir.Eval, ir.Void, x.Place(), v.n)
}

// branch lowers an if that the script did not write as one.
func (s *scope) branch(st *syntax.If) *ir.Node {
	if n := s.ifStmt(st); n != nil {
		return n
	}
	return s.node(ir.Block, ir.Void, st.Span)
}

func (s *scope) ifStmt(st *syntax.If) *ir.Node {
	cond := s.expr(st.Cond, ir.Long).n
	if cond.Op == ir.Const {
		switch {
		case cond.Int != 0:
			return s.stmt(st.Then)
		case st.Else != nil:
			return s.stmt(st.Else)
		}
		return nil
	}
	n := s.node(ir.If, ir.Void, st.Span, cond, s.inner(st.Then))
	if st.Else != nil {
		n.Args = append(n.Args, s.inner(st.Else))
	}
	return n
}

// inner lowers a statement that must be there: an empty block when it is none.
func (s *scope) inner(st syntax.Stmt) *ir.Node {
	if n := s.stmt(st); n != nil {
		return n
	}
	return s.node(ir.Block, ir.Void, st.Place())
}

func (s *scope) jump(st *syntax.Jump) *ir.Node {
	switch st.Word {
	case "break", "continue":
		if s.loops == 0 {
			s.errorf(st.Span, "", "%s stands outside of any loop", st.Word)
			return nil
		}
		if st.Word == "break" {
			return s.node(ir.Break, ir.Void, st.Span)
		}
		return s.node(ir.Continue, ir.Void, st.Span)
	}
	if s.fn != nil {
		s.errorf(st.Span, "a function returns", "next stands in a function, and ends probes")
		return nil
	}
	return s.node(ir.Next, ir.Void, st.Span)
}

func (s *scope) returnStmt(st *syntax.Return) *ir.Node {
	if s.fn == nil {
		s.errorf(st.Span, "next ends a probe", "return stands outside of any function")
		return nil
	}
	n := s.node(ir.Return, ir.Void, st.Span)
	result := s.fn.result
	switch {
	case st.X != nil:
		v := s.expr(st.X, result.typ)
		if v.n.Type != open {
			s.learn(result, v.n.Type, st.X.Place())
		}
		s.c.point(result, v.c)
		n.Args = []*ir.Node{v.n}
	case s.fn.hasValue:
		n.Args = []*ir.Node{s.bad(result.typ, st.Span)}
	}
	return n
}

func (s *scope) deleteStmt(st *syntax.Delete) *ir.Node {
	switch x := st.X.(type) {
	case *syntax.Name:
		v := s.lookup(x.Text)
		switch {
		case v.global == nil:
			return s.node(ir.Eval, ir.Void, st.Span, s.node(ir.Set, v.typ, st.Span, s.get(v, x.Span), s.bad(v.typ, x.Span)))
		case v.shape == array:
			n := s.node(ir.Delete, ir.Void, st.Span)
			n.Int = int64(s.c.globalIndex(v))
			return n
		}
		return s.node(ir.Delete, ir.Void, st.Span, s.get(v, x.Span))
	case *syntax.Index:
		if v := s.arrayOf(x.X); v != nil {
			return s.node(ir.Delete, ir.Void, st.Span, s.element(v, x).n)
		}
	}
	s.errorf(st.X.Place(), "", "delete takes an element, an array or a variable")
	return nil
}

func (s *scope) try(st *syntax.Try) *ir.Node {
	n := s.node(ir.Try, ir.Void, st.Span, s.inner(st.Body))
	n.Int = -1
	var after *ir.Node
	if st.Message != nil {
		v := s.lookup(st.Message.Text)
		s.learnShape(v, scalar, st.Message.Span)
		s.learn(v, ir.String, st.Message.Span)
		v.assigned = true
		if v.global != nil {
			temp := s.temp(ir.String)
			n.Int = int64(s.local(temp))
			set := s.node(ir.Set, ir.String, st.Message.Span, s.get(v, st.Message.Span), s.get(temp, st.Message.Span))
			after = s.node(ir.Eval, ir.Void, st.Message.Span, set)
		} else {
			n.Int = int64(s.local(v))
		}
	}
	catch := s.inner(st.Catch)
	if after != nil {
		catch = s.node(ir.Block, ir.Void, st.Catch.Span, after, catch)
	}
	n.Args = append(n.Args, catch)
	return n
}
