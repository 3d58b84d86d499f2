package check

import (
	"github.com/tpinfo/tpinfo/compiler/check/infer"
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
		return s.Node(ir.Block, ir.Void, at, s.statements(st.List)...)
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
		v, stmt := s.call(x, infer.Open)
		if stmt != nil {
			return stmt
		}
		return s.Node(ir.Eval, ir.Void, x.Span, v.Node)
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
	v := s.expr(x, infer.Open)
	return s.Node(ir.Eval, ir.Void, x.Place(), v.Node)
}

// branch lowers an if that the script did not write as one.
func (s *scope) branch(st *syntax.If) *ir.Node {
	if n := s.ifStmt(st); n != nil {
		return n
	}
	return s.Node(ir.Block, ir.Void, st.Span)
}

func (s *scope) ifStmt(st *syntax.If) *ir.Node {
	cond := s.expr(st.Cond, ir.Long).Node
	if cond.Op == ir.Const {
		switch {
		case cond.Int != 0:
			return s.stmt(st.Then)
		case st.Else != nil:
			return s.stmt(st.Else)
		}
		return nil
	}
	n := s.Node(ir.If, ir.Void, st.Span, cond, s.inner(st.Then))
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
	return s.Node(ir.Block, ir.Void, st.Place())
}

func (s *scope) jump(st *syntax.Jump) *ir.Node {
	switch st.Word {
	case "break", "continue":
		if s.loops == 0 {
			s.Errorf(st.Span, "", "%s stands outside of any loop", st.Word)
			return nil
		}
		if st.Word == "break" {
			return s.Node(ir.Break, ir.Void, st.Span)
		}
		return s.Node(ir.Continue, ir.Void, st.Span)
	}
	if s.fn != nil {
		s.Errorf(st.Span, "a function returns", "next stands in a function, and ends probes")
		return nil
	}
	return s.Node(ir.Next, ir.Void, st.Span)
}

func (s *scope) returnStmt(st *syntax.Return) *ir.Node {
	if s.fn == nil {
		s.Errorf(st.Span, "next ends a probe", "return stands outside of any function")
		return nil
	}
	n := s.Node(ir.Return, ir.Void, st.Span)
	result := s.fn.result
	switch {
	case st.X != nil:
		v := s.expr(st.X, result.Type)
		if v.Node.Type != infer.Open {
			s.Learn(result, v.Node.Type, st.X.Place())
		}
		s.Point(result, v.C)
		n.Args = []*ir.Node{v.Node}
	case s.fn.hasValue:
		n.Args = []*ir.Node{s.Bad(result.Type, st.Span)}
	}
	return n
}

func (s *scope) deleteStmt(st *syntax.Delete) *ir.Node {
	switch x := st.X.(type) {
	case *syntax.Name:
		v := s.Lookup(x.Text)
		switch {
		case v.Global == nil:
			return s.Node(ir.Eval, ir.Void, st.Span, s.Node(ir.Set, v.Type, st.Span, s.Get(v, x.Span), s.Bad(v.Type, x.Span)))
		case v.Shape == infer.Array:
			n := s.Node(ir.Delete, ir.Void, st.Span)
			n.Int = int64(s.GlobalIndex(v))
			return n
		}
		return s.Node(ir.Delete, ir.Void, st.Span, s.Get(v, x.Span))
	case *syntax.Index:
		if v := s.arrayOf(x.X); v != nil {
			return s.Node(ir.Delete, ir.Void, st.Span, s.element(v, x).Node)
		}
	}
	s.Errorf(st.X.Place(), "", "delete takes an element, an array or a variable")
	return nil
}

func (s *scope) try(st *syntax.Try) *ir.Node {
	n := s.Node(ir.Try, ir.Void, st.Span, s.inner(st.Body))
	n.Int = -1
	var after *ir.Node
	if st.Message != nil {
		v := s.Lookup(st.Message.Text)
		s.LearnShape(v, infer.Scalar, st.Message.Span)
		s.Learn(v, ir.String, st.Message.Span)
		v.Assigned = true
		if v.Global != nil {
			temp := s.Temp(ir.String)
			n.Int = int64(s.Local(temp))
			set := s.Node(ir.Set, ir.String, st.Message.Span, s.Get(v, st.Message.Span), s.Get(temp, st.Message.Span))
			after = s.Node(ir.Eval, ir.Void, st.Message.Span, set)
		} else {
			n.Int = int64(s.Local(v))
		}
	}
	catch := s.inner(st.Catch)
	if after != nil {
		catch = s.Node(ir.Block, ir.Void, st.Catch.Span, after, catch)
	}
	n.Args = append(n.Args, catch)
	return n
}
