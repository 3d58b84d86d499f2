package check

import "github.com/tpinfo/tpinfo/compiler/syntax"

// walkStmt visits every expression of a statement, each before its operands.
func walkStmt(s syntax.Stmt, visit func(syntax.Expr)) {
	switch s := s.(type) {
	case *syntax.Block:
		for _, inner := range s.List {
			walkStmt(inner, visit)
		}
	case *syntax.ExprStmt:
		walkExpr(s.X, visit)
	case *syntax.If:
		walkExpr(s.Cond, visit)
		walkStmt(s.Then, visit)
		walkStmt(s.Else, visit)
	case *syntax.Loop:
		walkExprs(visit, s.Init, s.Cond, s.Post)
		walkStmt(s.Body, visit)
	case *syntax.Foreach:
		walkExprs(visit, s.Array, s.Limit)
		walkStmt(s.Body, visit)
	case *syntax.Return:
		walkExpr(s.X, visit)
	case *syntax.Delete:
		walkExpr(s.X, visit)
	case *syntax.Try:
		walkStmt(s.Body, visit)
		walkStmt(s.Catch, visit)
	}
}

func walkExprs(visit func(syntax.Expr), list ...syntax.Expr) {
	for _, x := range list {
		walkExpr(x, visit)
	}
}

func walkExpr(x syntax.Expr, visit func(syntax.Expr)) {
	if x == nil {
		return
	}
	visit(x)
	walkExprs(visit, operands(x)...)
}

// operands are the expressions that an expression is made of; nil ones among
// them, where "*" stands for a key.
func operands(x syntax.Expr) []syntax.Expr {
	switch x := x.(type) {
	case *syntax.Builtin:
		return x.Args
	case *syntax.Member:
		return []syntax.Expr{x.X}
	case *syntax.Index:
		return append([]syntax.Expr{x.X}, x.Keys...)
	case *syntax.Pretty:
		return []syntax.Expr{x.X}
	case *syntax.Call:
		return x.Args
	case *syntax.Unary:
		return []syntax.Expr{x.X}
	case *syntax.Step:
		return []syntax.Expr{x.X}
	case *syntax.Binary:
		return []syntax.Expr{x.X, x.Y}
	case *syntax.In:
		return append(append([]syntax.Expr{}, x.Keys...), x.Array)
	case *syntax.Cond:
		return []syntax.Expr{x.If, x.Then, x.Else}
	case *syntax.Assign:
		return []syntax.Expr{x.X, x.Y}
	}
	return nil
}

// returnsValue reports whether a function's body says "return" with a value.
func returnsValue(s syntax.Stmt) bool {
	switch s := s.(type) {
	case *syntax.Block:
		for _, inner := range s.List {
			if returnsValue(inner) {
				return true
			}
		}
	case *syntax.If:
		return returnsValue(s.Then) || s.Else != nil && returnsValue(s.Else)
	case *syntax.Loop:
		return returnsValue(s.Body)
	case *syntax.Foreach:
		return returnsValue(s.Body)
	case *syntax.Try:
		return returnsValue(s.Body) || returnsValue(s.Catch)
	case *syntax.Return:
		return s.X != nil
	}
	return false
}
