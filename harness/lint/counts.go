package lint

import (
	"go/ast"
	"go/constant"
	"go/token"
	"go/types"
	"slices"
	"strings"

	"golang.org/x/tools/go/types/typeutil"

	"tunelab/results/misuse"
)

// checkIterates reports a benchmark that does the same work whatever b.N is.
func (r *reader) checkIterates(u *unit) {
	if u.b != nil && r.mayCount(u.b, u.body) || r.givesUp(u.body) {
		return
	}
	if pos := r.constantLoop(u.body); pos.IsValid() {
		r.report(u, pos, misuse.ConstantLoop)
		return
	}
	r.report(u, u.node.Pos(), misuse.NoLoop)
}

// mayCount reports whether what a function does with its parameter b counts iterations, or may do so where this package
// cannot see it. Of an interface, such as testing.TB, only a type assertion makes a *testing.B.
func (r *reader) mayCount(b *types.Var, body ast.Node) bool {
	if found, ok := r.counts[b]; ok {
		return found
	}
	r.counts[b] = false // a function that calls itself does not count by that
	found := false
	ast.Inspect(body, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok && r.pass.TypesInfo.Uses[id] == b {
			found = found || r.useCounts(id)
		}
		return !found
	})
	r.counts[b] = found
	return found
}

// useCounts is mayCount of one use.
func (r *reader) useCounts(b *ast.Ident) bool {
	node, parent := r.outer(b)
	switch p := parent.(type) {
	case *ast.SelectorExpr:
		call, _ := r.parents[p].(*ast.CallExpr)
		switch name := p.Sel.Name; {
		case name == "N":
			return !r.onlyTold(p)
		case call == nil || call.Fun != p:
			return true // a method as a value
		default:
			return name == "Loop" || name == "RunParallel" || name == "Run"
		}
	case *ast.CallExpr:
		return p.Fun == node || r.calleeCounts(p, slices.Index(p.Args, node.(ast.Expr)))
	case *ast.AssignStmt: // _ = b
		return len(p.Lhs) != 1 || !isBlank(p.Lhs[0])
	}
	return true
}

// outer returns the node that n is in parentheses, and that node's parent.
func (r *reader) outer(n ast.Node) (node, parent ast.Node) {
	for {
		p, ok := r.parents[n].(*ast.ParenExpr)
		if !ok {
			return n, r.parents[n]
		}
		n = p
	}
}

func isBlank(e ast.Expr) bool {
	id, ok := e.(*ast.Ident)
	return ok && id.Name == "_"
}

// onlyTold reports whether b.N is used for nothing but a message or a metric.
func (r *reader) onlyTold(n ast.Node) bool {
	for ; n != nil; n = r.parents[n] {
		switch n := n.(type) {
		case *ast.CallExpr:
			if sel, ok := n.Fun.(*ast.SelectorExpr); ok && isB(r.pass.TypesInfo.TypeOf(sel.X)) {
				switch sel.Sel.Name {
				case "ReportMetric", "Log", "Logf", "Error", "Errorf", "Fatal", "Fatalf":
					return true
				}
			}
		case *ast.FuncLit, ast.Stmt:
			return false
		}
	}
	return false
}

// calleeCounts is mayCount of a function that is called with b.
func (r *reader) calleeCounts(call *ast.CallExpr, arg int) bool {
	fn := typeutil.StaticCallee(r.pass.TypesInfo, call)
	if fn == nil {
		return true
	}
	params := fn.Signature().Params()
	if arg < 0 || params.Len() == 0 {
		return true
	}
	param := params.At(min(arg, params.Len()-1))
	if decl := r.decls[fn.Origin()]; decl != nil && !(fn.Signature().Variadic() && arg >= params.Len()-1) {
		v := fn.Origin().Signature().Params().At(arg)
		return v.Name() != "" && v.Name() != "_" && r.mayCount(v, decl.Body)
	}
	// Another package's function that wants something to fail with, such as require.NoError, does not count, unless it is
	// also given what could be counted.
	i, ok := param.Type().Underlying().(*types.Interface)
	if !ok || i.NumMethods() == 0 || strings.Contains(strings.ToLower(fn.Name()), "bench") {
		return true
	}
	for _, name := range []string{"Run", "Loop", "RunParallel"} {
		if m, _, _ := types.LookupFieldOrMethod(param.Type(), false, nil, name); m != nil {
			return true
		}
	}
	return slices.ContainsFunc(call.Args, func(e ast.Expr) bool {
		_, ok := r.pass.TypesInfo.TypeOf(e).Underlying().(*types.Signature)
		return ok
	})
}

// givesUp reports whether the function ends itself, by b.Skip say, in a statement of its own.
func (r *reader) givesUp(body *ast.BlockStmt) bool {
	return slices.ContainsFunc(body.List, func(s ast.Stmt) bool {
		e, ok := s.(*ast.ExprStmt)
		if !ok {
			return false
		}
		call, ok := e.X.(*ast.CallExpr)
		if !ok {
			return false
		}
		switch fn := ast.Unparen(call.Fun).(type) {
		case *ast.Ident:
			return fn.Name == "panic"
		case *ast.SelectorExpr:
			switch fn.Sel.Name {
			case "Skip", "Skipf", "SkipNow", "Fatal", "Fatalf", "FailNow":
				return true
			}
		}
		return false
	})
}

// constantLoop returns where the first loop of the function that counts to a constant is.
func (r *reader) constantLoop(body *ast.BlockStmt) token.Pos {
	at := token.NoPos
	ast.Inspect(body, func(n ast.Node) bool {
		if at.IsValid() {
			return false
		}
		switch n := n.(type) {
		case *ast.FuncLit:
			return false
		case *ast.ForStmt:
			if cond, ok := n.Cond.(*ast.BinaryExpr); ok && (r.isConstant(cond.X, body) || r.isConstant(cond.Y, body)) {
				at = n.Pos()
			}
		case *ast.RangeStmt:
			if r.isConstant(n.X, body) {
				at = n.Pos()
			}
		}
		return true
	})
	return at
}

// isConstant reports whether e is a constant number, or a variable of the function that is only ever that.
func (r *reader) isConstant(e ast.Expr, body *ast.BlockStmt) bool {
	tv := r.pass.TypesInfo.Types[e]
	if tv.Value != nil {
		b, ok := tv.Type.Underlying().(*types.Basic)
		return ok && b.Info()&types.IsNumeric != 0
	}
	id, ok := ast.Unparen(e).(*ast.Ident)
	if !ok {
		return false
	}
	v := r.pass.TypesInfo.Uses[id]
	assigned, fixed := 0, false
	ast.Inspect(body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.AssignStmt:
			for i, left := range n.Lhs {
				if id, ok := left.(*ast.Ident); ok && r.pass.TypesInfo.ObjectOf(id) == v {
					assigned++
					fixed = len(n.Lhs) == len(n.Rhs) && r.pass.TypesInfo.Types[n.Rhs[i]].Value != nil
				}
			}
		case *ast.IncDecStmt:
			if id, ok := n.X.(*ast.Ident); ok && r.pass.TypesInfo.ObjectOf(id) == v {
				assigned += 2
			}
		}
		return true
	})
	return assigned == 1 && fixed
}

// checkParallel reports functions given to b.RunParallel that do the same work whatever b.N is.
func (r *reader) checkParallel(u *unit) {
	r.calls(u.body, u.b, func(call *ast.CallExpr, name string) {
		if name != "RunParallel" || len(call.Args) != 1 {
			return
		}
		fn, ok := ast.Unparen(call.Args[0]).(*ast.FuncLit)
		if !ok || r.givesUp(fn.Body) {
			return
		}
		for _, field := range fn.Type.Params.List {
			for _, name := range field.Names {
				if pb := r.pass.TypesInfo.Defs[name]; pb != nil && r.mentions(fn.Body, pb) {
					return
				}
			}
		}
		r.report(u, call.Pos(), misuse.NoNext)
	})
}

// calls visits the calls of b's methods.
func (r *reader) calls(body ast.Node, b *types.Var, visit func(call *ast.CallExpr, name string)) {
	ast.Inspect(body, func(n ast.Node) bool {
		if call, ok := n.(*ast.CallExpr); ok {
			if name := r.method(call, b); name != "" {
				visit(call, name)
			}
		}
		return true
	})
}

// method returns the name of b's method that is called, "" when it is none.
func (r *reader) method(call *ast.CallExpr, b *types.Var) string {
	if sel, ok := ast.Unparen(call.Fun).(*ast.SelectorExpr); ok && r.is(sel.X, b) {
		return sel.Sel.Name
	}
	return ""
}

// is reports whether e is the variable.
func (r *reader) is(e ast.Expr, v types.Object) bool {
	id, ok := ast.Unparen(e).(*ast.Ident)
	return ok && v != nil && r.pass.TypesInfo.Uses[id] == v
}

// isN reports whether e is b.N.
func (r *reader) isN(e ast.Expr, b *types.Var) bool {
	sel, ok := ast.Unparen(e).(*ast.SelectorExpr)
	return ok && sel.Sel.Name == "N" && r.is(sel.X, b)
}

// mentions reports whether the variable is used in n.
func (r *reader) mentions(n ast.Node, v types.Object) bool {
	found := false
	ast.Inspect(n, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok && r.pass.TypesInfo.Uses[id] == v {
			found = true
		}
		return !found
	})
	return found
}

// checkAssigned reports assignments to b.N.
func (r *reader) checkAssigned(u *unit) {
	ast.Inspect(u.body, func(n ast.Node) bool {
		var targets []ast.Expr
		switch n := n.(type) {
		case *ast.IfStmt:
			if v := r.pass.TypesInfo.Types[n.Cond].Value; v != nil && v.Kind() == constant.Bool && !constant.BoolVal(v) {
				return false // if debug, say, which it is not
			}
		case *ast.AssignStmt:
			targets = n.Lhs
		case *ast.IncDecStmt:
			targets = []ast.Expr{n.X}
		case *ast.RangeStmt:
			targets = []ast.Expr{n.Key, n.Value}
		}
		for _, e := range targets {
			if e != nil && r.isN(e, u.b) {
				r.report(u, e.Pos(), misuse.AssignsN)
			}
		}
		return true
	})
}
