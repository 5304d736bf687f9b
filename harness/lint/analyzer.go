package lint

import (
	"go/ast"
	"go/constant"
	"go/token"
	"go/types"
	"path/filepath"
	"reflect"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/types/typeutil"

	"tunelab/results/misuse"
)

// Analyzer returns the part of the package that reads source. Its diagnostics have the [Code] as their category. It looks at
// test files only.
func Analyzer() *analysis.Analyzer {
	return &analysis.Analyzer{
		Name:       "benchmarks",
		Doc:        "reports benchmarks that misuse b.N or the timer",
		Run:        func(pass *analysis.Pass) (any, error) { return read(pass), nil },
		ResultType: reflect.TypeFor[*source](),
	}
}

// A source is what the analyzer found in a package.
type source struct {
	findings []Finding
	loops    []loop
}

// A loop is a for statement over b.N.
type loop struct {
	file        string
	first, last int // lines of what stands before its body
	benchmark   string
	helper      bool // benchmark is a function that benchmarks call
}

// A unit is a function with a parameter that is a *testing.B, or a benchmark whose parameter has no name.
type unit struct {
	node ast.Node // an *ast.FuncDecl or an *ast.FuncLit
	body *ast.BlockStmt
	b    *types.Var // nil without a name
	name string
	root bool // testing calls it: a benchmark, or what b.Run is given
}

// A reader looks at one package.
type reader struct {
	pass    *analysis.Pass
	parents map[ast.Node]ast.Node          // in the test files
	decls   map[types.Object]*ast.FuncDecl // of the package, by function
	counts  map[*types.Var]bool            // what was found about parameters, see mayCount
	roots   map[ast.Node]bool
	units   []*unit
	out     *source
}

// read looks at a package.
func read(pass *analysis.Pass) *source {
	r := &reader{
		pass: pass, parents: map[ast.Node]ast.Node{}, decls: map[types.Object]*ast.FuncDecl{}, counts: map[*types.Var]bool{},
		roots: map[ast.Node]bool{}, out: &source{},
	}
	var tests []*ast.File
	for _, file := range pass.Files {
		if strings.HasSuffix(pass.Fset.File(file.FileStart).Name(), "_test.go") {
			tests = append(tests, file)
		}
		for _, d := range file.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Body != nil {
				r.decls[pass.TypesInfo.Defs[fn.Name]] = fn
			}
		}
		r.climb(file)
	}
	for _, file := range tests {
		r.findRoots(file)
	}
	for _, file := range tests {
		r.findUnits(file)
	}
	for _, u := range r.units {
		r.checkUnit(u)
	}
	return r.out
}

// climb notes the parents of a file's nodes.
func (r *reader) climb(file *ast.File) {
	var stack []ast.Node
	ast.Inspect(file, func(n ast.Node) bool {
		if n == nil {
			stack = stack[:len(stack)-1]
			return true
		}
		if len(stack) > 0 {
			r.parents[n] = stack[len(stack)-1]
		}
		stack = append(stack, n)
		return true
	})
}

// findRoots notes which functions testing calls.
func (r *reader) findRoots(file *ast.File) {
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncDecl:
			if isBenchmark(n) && n.Body != nil && len(r.bParams(n.Type)) == 1 {
				r.roots[n] = true
			}
		case *ast.CallExpr:
			if !r.isRun(n) {
				break
			}
			switch fn := ast.Unparen(n.Args[1]).(type) {
			case *ast.FuncLit:
				r.roots[fn] = true
			case *ast.Ident:
				if decl := r.decls[r.pass.TypesInfo.Uses[fn]]; decl != nil {
					r.roots[decl] = true
				}
			}
		}
		return true
	})
}

// isBenchmark reports whether testing takes the function for a benchmark.
func isBenchmark(fn *ast.FuncDecl) bool {
	rest, ok := strings.CutPrefix(fn.Name.Name, "Benchmark")
	if !ok || fn.Recv != nil || fn.Type.TypeParams != nil || fn.Type.Results != nil || fn.Type.Params.NumFields() != 1 {
		return false
	}
	first, _ := utf8.DecodeRuneInString(rest)
	return rest == "" || !unicode.IsLower(first)
}

// isRun reports whether a call is of b.Run.
func (r *reader) isRun(call *ast.CallExpr) bool {
	fn, ok := typeutil.Callee(r.pass.TypesInfo, call).(*types.Func)
	return ok && fn.FullName() == "(*testing.B).Run" && len(call.Args) == 2
}

// bParams returns the parameters of type *testing.B; a name that is missing or "_" gives nil.
func (r *reader) bParams(t *ast.FuncType) []*types.Var {
	var list []*types.Var
	for _, field := range t.Params.List {
		if !isB(r.pass.TypesInfo.TypeOf(field.Type)) {
			continue
		}
		if len(field.Names) == 0 {
			list = append(list, nil)
		}
		for _, name := range field.Names {
			v, _ := r.pass.TypesInfo.Defs[name].(*types.Var)
			if name.Name == "_" {
				v = nil
			}
			list = append(list, v)
		}
	}
	return list
}

// isB reports whether t is *testing.B.
func isB(t types.Type) bool { return isTesting(t, "B") }

// isTesting reports whether t is a pointer to testing's type of that name.
func isTesting(t types.Type, name string) bool {
	p, ok := types.Unalias(t).(*types.Pointer)
	if !ok {
		return false
	}
	n, ok := types.Unalias(p.Elem()).(*types.Named)
	return ok && n.Obj().Name() == name && n.Obj().Pkg() != nil && n.Obj().Pkg().Path() == "testing"
}

// findUnits lists the functions of a file that have a *testing.B.
func (r *reader) findUnits(file *ast.File) {
	ast.Inspect(file, func(n ast.Node) bool {
		var t *ast.FuncType
		var body *ast.BlockStmt
		switch n := n.(type) {
		case *ast.FuncDecl:
			t, body = n.Type, n.Body
		case *ast.FuncLit:
			t, body = n.Type, n.Body
		default:
			return true
		}
		if params := r.bParams(t); len(params) == 1 && body != nil && (params[0] != nil || r.roots[n]) {
			r.units = append(r.units, &unit{node: n, body: body, b: params[0], name: r.nameOf(n), root: r.roots[n]})
		}
		return true
	})
}

// nameOf returns the name of the function that n is in, with the names that b.Run is given on the way where they are
// constants.
func (r *reader) nameOf(n ast.Node) string {
	name := ""
	for ; n != nil; n = r.parents[n] {
		switch n := n.(type) {
		case *ast.FuncDecl:
			return n.Name.Name + name
		case *ast.CallExpr:
			if r.isRun(n) {
				if v := r.pass.TypesInfo.Types[n.Args[0]].Value; v != nil && v.Kind() == constant.String {
					name = "/" + strings.ReplaceAll(constant.StringVal(v), " ", "_") + name
				}
			}
		}
	}
	return strings.TrimPrefix(name, "/")
}

// report notes something that is wrong with a unit.
func (r *reader) report(u *unit, pos token.Pos, code Code) {
	p := r.pass.Fset.Position(pos)
	f := Finding{File: p.Filename, Line: p.Line, Benchmark: u.name, Code: code}
	if abs, err := filepath.Abs(f.File); err == nil {
		f.File = abs
	}
	r.out.findings = append(r.out.findings, f)
	r.pass.Report(analysis.Diagnostic{Pos: pos, Category: string(code), Message: u.name + " " + misuse.Finding{Code: code}.Sentence()})
}

// checkUnit looks at one function.
func (r *reader) checkUnit(u *unit) {
	if u.root {
		r.checkIterates(u)
	}
	if u.b == nil {
		return
	}
	r.checkParallel(u)
	r.checkAssigned(u)
	loops := r.loopsOf(u)
	for _, l := range loops {
		if l.by == byN {
			r.note(u, l)
		}
		if l.each {
			r.checkTimer(u, l)
			r.checkSizeInLoop(u, l)
		}
	}
	r.checkSizeOutside(u, loops)
}

// note adds a loop to those that the binary is asked about.
func (r *reader) note(u *unit, l iteration) {
	first, last := r.pass.Fset.Position(l.stmt.Pos()), r.pass.Fset.Position(l.body.Lbrace)
	r.out.loops = append(r.out.loops, loop{file: first.Filename, first: first.Line, last: last.Line, benchmark: u.name, helper: !u.root})
}
