package lint

import (
	"go/ast"
	"go/token"
	"go/types"
	"slices"

	"golang.org/x/tools/go/types/typeutil"

	"tunelab/results/misuse"
)

// checkSizeInLoop reports what takes b.N as a size in every iteration.
func (r *reader) checkSizeInLoop(u *unit, l iteration) {
	if l.by == byParallel {
		return
	}
	ast.Inspect(l.body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.IfStmt, *ast.SwitchStmt, *ast.TypeSwitchStmt, *ast.SelectStmt, *ast.FuncLit, *ast.GoStmt, *ast.DeferStmt:
			return false // perhaps not in every iteration
		case *ast.CallExpr:
			for i, arg := range n.Args {
				if r.plainN(arg, u.b) && (r.isSize(n, i) || r.branches(n, i)) {
					r.report(u, n.Pos(), misuse.SizeByN)
				}
			}
		case *ast.ForStmt:
			cond, ok := n.Cond.(*ast.BinaryExpr)
			init, ok2 := n.Init.(*ast.AssignStmt)
			_, ok3 := n.Post.(*ast.IncDecStmt)
			if ok && ok2 && ok3 && init.Tok == token.DEFINE && r.isN(cond.Y, u.b) && !breaks(n.Body) {
				r.report(u, n.Pos(), misuse.SizeByN)
			}
		case *ast.RangeStmt:
			if r.isN(n.X, u.b) && !breaks(n.Body) {
				r.report(u, n.Pos(), misuse.SizeByN)
			}
		}
		return true
	})
}

// breaks reports whether a loop may end early.
func breaks(body *ast.BlockStmt) bool {
	found := false
	ast.Inspect(body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit:
			return false
		case *ast.ReturnStmt:
			found = true
		case *ast.BranchStmt:
			found = found || n.Tok != token.CONTINUE
		}
		return !found
	})
	return found
}

// plainN reports whether e is b.N, converted perhaps.
func (r *reader) plainN(e ast.Expr, b *types.Var) bool {
	if call, ok := ast.Unparen(e).(*ast.CallExpr); ok && len(call.Args) == 1 && r.pass.TypesInfo.Types[call.Fun].IsType() {
		e = call.Args[0]
	}
	return r.isN(e, b)
}

// isSize reports whether the argument of a call is the size of what it makes.
func (r *reader) isSize(call *ast.CallExpr, arg int) bool {
	switch fn := typeutil.Callee(r.pass.TypesInfo, call).(type) {
	case *types.Builtin:
		return fn.Name() == "make" && arg > 0
	case *types.Func:
		switch fn.Origin().FullName() {
		case "strings.Repeat", "bytes.Repeat", "slices.Repeat":
			return arg == 1
		}
	}
	return false
}

// branches reports whether the function that is called, which must be one of this package, calls itself more than once with
// less than what it was given, as fib does: then its work is not in proportion to the argument.
func (r *reader) branches(call *ast.CallExpr, arg int) bool {
	fn := typeutil.StaticCallee(r.pass.TypesInfo, call)
	if fn == nil || fn.Signature().Variadic() || r.decls[fn.Origin()] == nil {
		return false
	}
	param := fn.Origin().Signature().Params().At(arg)
	inner := 0
	ast.Inspect(r.decls[fn.Origin()].Body, func(n ast.Node) bool {
		if c, ok := n.(*ast.CallExpr); ok && arg < len(c.Args) {
			f := typeutil.StaticCallee(r.pass.TypesInfo, c)
			if less, ok := ast.Unparen(c.Args[arg]).(*ast.BinaryExpr); ok && f != nil && f.Origin() == fn.Origin() && less.Op == token.SUB && r.is(less.X, param) {
				inner++
			}
		}
		return true
	})
	return inner > 1
}

// checkSizeOutside reports what takes b.N as the size of work that is done once.
func (r *reader) checkSizeOutside(u *unit, loops []iteration) {
	m := r.measureOf(u)
	stopped := r.lastCall(u, "StopTimer", u.body.End())
	ast.Inspect(u.body, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		for i, arg := range call.Args {
			exact, derived := r.follows(arg, u.b, m)
			if exact && len(loops) == 0 && r.branches(call, i) {
				r.report(u, call.Pos(), misuse.SizeByN)
			}
			if derived && i == 0 && r.sorts(call) && !stopped.IsValid() && r.measuredOnce(u, call, loops) {
				r.report(u, call.Pos(), misuse.SizeByN)
			}
		}
		return true
	})
}

// sorts reports whether the call sorts its first argument, which takes more than in proportion to its length.
func (r *reader) sorts(call *ast.CallExpr) bool {
	fn := typeutil.StaticCallee(r.pass.TypesInfo, call)
	return fn != nil && slices.Contains([]string{
		"sort.Ints", "sort.Float64s", "sort.Strings", "sort.Slice", "sort.SliceStable", "sort.Sort", "sort.Stable",
		"slices.Sort", "slices.SortFunc", "slices.SortStableFunc",
	}, fn.Origin().FullName())
}

// measuredOnce reports whether the call is what a benchmark measures, once: it stands in no loop and none is behind it, and
// the timer was reset before, after the loops that prepare, or there are none.
func (r *reader) measuredOnce(u *unit, call *ast.CallExpr, loops []iteration) bool {
	reset := r.lastCall(u, "ResetTimer", call.Pos())
	for _, l := range loops {
		if !reset.IsValid() || l.stmt.Pos() > reset {
			return false
		}
	}
	for n := r.parents[call]; n != nil && n != u.node; n = r.parents[n] {
		switch n.(type) {
		case *ast.FuncLit, *ast.ForStmt, *ast.RangeStmt, *ast.DeferStmt:
			return false
		}
	}
	return true
}

// lastCall returns where b's method of this name was last called before a place.
func (r *reader) lastCall(u *unit, name string, before token.Pos) token.Pos {
	at := token.NoPos
	r.calls(u.body, u.b, func(call *ast.CallExpr, called string) {
		if called == name && call.Pos() < before {
			at = call.Pos()
		}
	})
	return at
}
