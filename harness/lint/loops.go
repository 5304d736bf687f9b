package lint

import (
	"go/ast"
	"go/token"
	"go/types"

	"golang.org/x/tools/go/types/typeutil"

	"tunelab/results/misuse"
)

// What a loop counts by.
const (
	byN        = iota // b.N, or what was made of it
	byLoop            // b.Loop
	byParallel        // pb.Next
)

// An iteration is a loop that a benchmark counts by.
type iteration struct {
	stmt ast.Stmt
	body *ast.BlockStmt
	by   int
	each bool // its body is one iteration, and not a batch of them
}

// A measure holds the variables of a unit that follow from b.N.
type measure struct {
	exact, derived map[types.Object]bool // those that are b.N; those that were made of it, such as b.N/4 or make([]T, b.N)
}

// measureOf finds the variables that follow from b.N.
func (r *reader) measureOf(u *unit) measure {
	m := measure{exact: map[types.Object]bool{}, derived: map[types.Object]bool{}}
	set := func(name, value ast.Expr) {
		id, ok := name.(*ast.Ident)
		if !ok {
			return
		}
		if obj := r.pass.TypesInfo.ObjectOf(id); obj != nil {
			exact, derived := r.follows(value, u.b, m)
			m.exact[obj] = m.exact[obj] || exact
			m.derived[obj] = m.derived[obj] || derived
		}
	}
	ast.Inspect(u.body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.AssignStmt:
			for i := range n.Lhs {
				if len(n.Lhs) == len(n.Rhs) {
					set(n.Lhs[i], n.Rhs[i])
				}
			}
		case *ast.ValueSpec:
			for i := range n.Names {
				if len(n.Names) == len(n.Values) {
					set(n.Names[i], n.Values[i])
				}
			}
		}
		return true
	})
	return m
}

// follows reports whether e is b.N, or as long as b.N, and whether it was made of b.N at all.
func (r *reader) follows(e ast.Expr, b *types.Var, m measure) (exact, derived bool) {
	switch e := ast.Unparen(e).(type) {
	case *ast.SelectorExpr:
		is := r.isN(e, b)
		return is, is
	case *ast.Ident:
		obj := r.pass.TypesInfo.Uses[e]
		return m.exact[obj], m.derived[obj]
	case *ast.BinaryExpr:
		_, x := r.follows(e.X, b, m)
		_, y := r.follows(e.Y, b, m)
		return false, x || y
	case *ast.SliceExpr:
		_, x := r.follows(e.X, b, m)
		return false, x
	case *ast.CallExpr:
		// A conversion, make, len, or a function such as min.
		_, builtin := typeutil.Callee(r.pass.TypesInfo, e).(*types.Builtin)
		if !builtin && !r.pass.TypesInfo.Types[e.Fun].IsType() {
			return false, false
		}
		for _, arg := range e.Args {
			x, d := r.follows(arg, b, m)
			exact, derived = exact || x && len(e.Args) <= 2, derived || d
		}
		return exact, derived
	}
	return false, false
}

// loopsOf returns the loops that a unit counts by.
func (r *reader) loopsOf(u *unit) []iteration {
	m := r.measureOf(u)
	var list []iteration
	ast.Inspect(u.body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.ForStmt:
			if n.Cond == nil {
				break
			}
			if l, ok := r.forLoop(n, u, m); ok {
				list = append(list, l)
			}
		case *ast.RangeStmt:
			if exact, derived := r.follows(n.X, u.b, m); derived {
				list = append(list, iteration{stmt: n, body: n.Body, by: byN, each: exact})
			}
		}
		return true
	})
	return list
}

// forLoop returns how a for statement counts; false when it is by none of these.
func (r *reader) forLoop(n *ast.ForStmt, u *unit, m measure) (iteration, bool) {
	l := iteration{stmt: n, body: n.Body, each: true}
	found := false
	ast.Inspect(n.Cond, func(c ast.Node) bool {
		if call, ok := c.(*ast.CallExpr); ok {
			if sel, ok := call.Fun.(*ast.SelectorExpr); ok {
				switch {
				case r.method(call, u.b) == "Loop":
					l.by, found = byLoop, true
				case sel.Sel.Name == "Next" && isTesting(r.pass.TypesInfo.TypeOf(sel.X), "PB") && r.innermost(n) == u:
					l.by, found = byParallel, true
				}
			}
		}
		return !found
	})
	if found {
		return l, true
	}
	ast.Inspect(n.Cond, func(c ast.Node) bool {
		if e, ok := c.(ast.Expr); ok && !found {
			_, found = r.follows(e, u.b, m)
		}
		return !found
	})
	l.each = r.oneByOne(n, u, m)
	return l, found
}

// innermost returns the unit that n is in.
func (r *reader) innermost(n ast.Node) *unit {
	for ; n != nil; n = r.parents[n] {
		for _, u := range r.units {
			if u.node == n {
				return u
			}
		}
	}
	return nil
}

// oneByOne reports whether the loop counts to b.N or from it in steps of one, which its body does not change.
func (r *reader) oneByOne(n *ast.ForStmt, u *unit, m measure) bool {
	cond, ok := n.Cond.(*ast.BinaryExpr)
	if !ok {
		return false
	}
	step, ok := n.Post.(*ast.IncDecStmt)
	if !ok {
		return false
	}
	counter, ok := step.X.(*ast.Ident)
	if !ok {
		return false
	}
	x, _ := r.follows(cond.X, u.b, m)
	y, _ := r.follows(cond.Y, u.b, m)
	return (x || y) && !r.changes(n.Body, r.pass.TypesInfo.ObjectOf(counter))
}

// changes reports whether the variable is assigned to in n.
func (r *reader) changes(n ast.Node, v types.Object) bool {
	found := false
	ast.Inspect(n, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.AssignStmt:
			for _, left := range n.Lhs {
				found = found || r.is(left, v)
			}
		case *ast.IncDecStmt:
			found = found || r.is(n.X, v)
		case *ast.UnaryExpr:
			found = found || n.Op == token.AND && r.is(n.X, v)
		}
		return !found
	})
	return found
}

// A timing holds where the timer is stopped and reset on the way through every iteration.
type timing struct{ stop, reset token.Pos }

// checkTimer reports what a loop does to the timer in every iteration.
func (r *reader) checkTimer(u *unit, l iteration) {
	var t timing
	r.always(l.body.List, u.b, &t, 0)
	if t.stop.IsValid() {
		r.report(u, t.stop, misuse.TimerInLoop)
	}
	if t.reset.IsValid() {
		r.report(u, t.reset, misuse.ResetInLoop)
	}
}

// maxDepth is how many helpers deep the timer is looked for.
const maxDepth = 3

// always looks for what the statements do to b's timer each time that they are run. It reports whether what follows them is
// run each time too.
func (r *reader) always(list []ast.Stmt, b *types.Var, t *timing, depth int) bool {
	for _, s := range list {
		switch s := s.(type) {
		case *ast.ExprStmt:
			r.timed(s.X, b, t, depth)
		case *ast.AssignStmt:
			for _, e := range s.Rhs {
				r.timed(e, b, t, depth)
			}
		case *ast.BlockStmt:
			if !r.always(s.List, b, t, depth) {
				return false
			}
		case *ast.LabeledStmt:
			if !r.always([]ast.Stmt{s.Stmt}, b, t, depth) {
				return false
			}
		case *ast.ForStmt, *ast.RangeStmt:
			// What an inner loop does is done in every iteration too, if it runs at all: but only a loop over what is
			// there can be empty, and then it is no matter.
			body := loopBody(s)
			r.always(body.List, b, t, depth)
		case *ast.BranchStmt, *ast.ReturnStmt:
			return false
		default:
			if leaves(s) {
				return false
			}
		}
	}
	return true
}

func loopBody(s ast.Stmt) *ast.BlockStmt {
	if s, ok := s.(*ast.ForStmt); ok {
		return s.Body
	}
	return s.(*ast.RangeStmt).Body
}

// leaves reports whether a statement may go on with the next iteration, so that what follows it is not run in each.
func leaves(s ast.Stmt) bool {
	found := false
	ast.Inspect(s, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit, *ast.ForStmt, *ast.RangeStmt:
			return false
		case *ast.BranchStmt:
			found = found || n.Tok == token.CONTINUE || n.Tok == token.GOTO
		}
		return !found
	})
	return found
}

// timed looks at a call that is made in every iteration.
func (r *reader) timed(e ast.Expr, b *types.Var, t *timing, depth int) {
	call, ok := ast.Unparen(e).(*ast.CallExpr)
	if !ok {
		return
	}
	switch r.method(call, b) {
	case "StopTimer":
		t.stop = firstOf(t.stop, call.Pos())
	case "ResetTimer":
		t.reset = firstOf(t.reset, call.Pos())
	}
	if fn, ok := ast.Unparen(call.Fun).(*ast.FuncLit); ok {
		r.always(fn.Body.List, b, t, depth)
		return
	}
	fn := typeutil.StaticCallee(r.pass.TypesInfo, call)
	if fn == nil || depth == maxDepth || fn.Signature().Variadic() {
		return
	}
	decl := r.decls[fn.Origin()]
	if decl == nil {
		return
	}
	for i, arg := range call.Args {
		if r.is(arg, b) {
			var inner timing
			r.always(decl.Body.List, fn.Origin().Signature().Params().At(i), &inner, depth+1)
			if inner.stop.IsValid() {
				t.stop = firstOf(t.stop, call.Pos())
			}
			if inner.reset.IsValid() {
				t.reset = firstOf(t.reset, call.Pos())
			}
		}
	}
}

func firstOf(a, b token.Pos) token.Pos {
	if a.IsValid() {
		return a
	}
	return b
}
