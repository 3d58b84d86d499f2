package syntax

// Walk visits every expression of a statement, each before its operands.
func Walk(s Stmt, visit func(Expr)) {
	switch s := s.(type) {
	case *Block:
		for _, inner := range s.List {
			Walk(inner, visit)
		}
	case *ExprStmt:
		walkExpr(s.X, visit)
	case *If:
		walkExpr(s.Cond, visit)
		Walk(s.Then, visit)
		Walk(s.Else, visit)
	case *Loop:
		walkExprs(visit, s.Init, s.Cond, s.Post)
		Walk(s.Body, visit)
	case *Foreach:
		walkExprs(visit, s.Array, s.Limit)
		Walk(s.Body, visit)
	case *Return:
		walkExpr(s.X, visit)
	case *Delete:
		walkExpr(s.X, visit)
	case *Try:
		Walk(s.Body, visit)
		Walk(s.Catch, visit)
	}
}

func walkExprs(visit func(Expr), list ...Expr) {
	for _, x := range list {
		walkExpr(x, visit)
	}
}

func walkExpr(x Expr, visit func(Expr)) {
	if x == nil {
		return
	}
	visit(x)
	walkExprs(visit, Operands(x)...)
}

// Operands are the expressions that an expression is made of; nil ones among
// them, where "*" stands for a key.
func Operands(x Expr) []Expr {
	switch x := x.(type) {
	case *Builtin:
		return x.Args
	case *Member:
		return []Expr{x.X}
	case *Index:
		return append([]Expr{x.X}, x.Keys...)
	case *Pretty:
		return []Expr{x.X}
	case *Call:
		return x.Args
	case *Unary:
		return []Expr{x.X}
	case *Step:
		return []Expr{x.X}
	case *Binary:
		return []Expr{x.X, x.Y}
	case *In:
		return append(append([]Expr{}, x.Keys...), x.Array)
	case *Cond:
		return []Expr{x.If, x.Then, x.Else}
	case *Assign:
		return []Expr{x.X, x.Y}
	}
	return nil
}

// ReturnsValue reports whether a function's body says "return" with a value.
func ReturnsValue(s Stmt) bool {
	switch s := s.(type) {
	case *Block:
		for _, inner := range s.List {
			if ReturnsValue(inner) {
				return true
			}
		}
	case *If:
		return ReturnsValue(s.Then) || s.Else != nil && ReturnsValue(s.Else)
	case *Loop:
		return ReturnsValue(s.Body)
	case *Foreach:
		return ReturnsValue(s.Body)
	case *Try:
		return ReturnsValue(s.Body) || ReturnsValue(s.Catch)
	case *Return:
		return s.X != nil
	}
	return false
}
