package statemachine

import (
	"embed"
	"go/ast"
	"go/parser"
	"go/scanner"
	"go/token"
	"slices"
	"strings"
	"testing"
)

// sources is this package's code without its tests, so that a compiled
// benchmark can count it anywhere.
//
//go:embed *.go
var sources embed.FS

// BenchmarkComplexity counts the code of each variant: its own file and, where
// it uses it, the table of transitions. The counts are exact; ns/op is what
// counting takes.
func BenchmarkComplexity(b *testing.B) {
	for _, v := range Variants() {
		b.Run("impl="+v.Name, func(b *testing.B) {
			var c complexity
			for range b.N {
				c = complexity{}
				for _, file := range v.Sources {
					source, err := sources.ReadFile(file)
					if err != nil {
						b.Fatal(err)
					}
					one, err := complexityOf(source)
					if err != nil {
						b.Fatal(err)
					}
					c.lines += one.lines
					c.cyclomatic += one.cyclomatic
					c.functions += one.functions
				}
			}
			b.ReportMetric(float64(c.lines), "code-lines")
			b.ReportMetric(float64(c.cyclomatic), "cyclomatic")
			b.ReportMetric(float64(c.functions), "functions")
		})
	}
}

type complexity struct {
	lines      int // that hold more than a comment
	cyclomatic int // McCabe's, summed over all functions
	functions  int
}

// complexityOf counts a Go file. A function counts 1, and 1 more for each if,
// for, case, && and ||; defaults don't count: the rules of gocyclo. A function
// literal is part of the function that it stands in.
func complexityOf(source []byte) (complexity, error) {
	var c complexity
	files := token.NewFileSet()
	parsed, err := parser.ParseFile(files, "", source, 0)
	if err != nil {
		return c, err
	}
	ast.Inspect(parsed, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncDecl:
			c.functions++
			c.cyclomatic++
		case *ast.IfStmt, *ast.ForStmt, *ast.RangeStmt:
			c.cyclomatic++
		case *ast.CaseClause:
			if n.List != nil {
				c.cyclomatic++
			}
		case *ast.CommClause:
			if n.Comm != nil {
				c.cyclomatic++
			}
		case *ast.BinaryExpr:
			if n.Op == token.LAND || n.Op == token.LOR {
				c.cyclomatic++
			}
		}
		return true
	})
	c.lines = codeLines(source)
	return c, nil
}

// codeLines is the number of lines on which a token begins or ends.
func codeLines(source []byte) int {
	file := token.NewFileSet().AddFile("", -1, len(source))
	var s scanner.Scanner
	s.Init(file, source, nil, 0)
	lines := map[int]bool{}
	for {
		pos, tok, text := s.Scan()
		if tok == token.EOF {
			return len(lines)
		}
		if tok == token.SEMICOLON && text != ";" {
			continue // the scanner's own, at the end of a line
		}
		line := file.Line(pos)
		lines[line] = true
		lines[line+strings.Count(text, "\n")] = true
	}
}

func TestComplexityOf(t *testing.T) {
	const source = `package x

// A comment does not count.
func a(x int) bool { // 1
	if x > 1 && x < 5 || x == 7 { // 3
		return true
	}
	/* Nor does
	   this. */
	for range x { // 1
	}
	switch { // 0
	case x == 2, x == 3: // 1
	default: // 0
	}
	return false
}

func b(c chan int) { // 1
	f := func() {
		for { // 1
		}
	}
	select {
	case <-c: // 1
		f()
	default: // 0
	}
}
`
	got, err := complexityOf([]byte(source))
	if err != nil {
		t.Fatal(err)
	}
	if want := (complexity{lines: 24, cyclomatic: 9, functions: 2}); got != want {
		t.Errorf("counted %+v, want %+v", got, want)
	}
	if _, err := complexityOf([]byte("no Go")); err == nil {
		t.Error("no error for a file that is no Go")
	}
}

// What is counted as a variant's code must be what it is made of: a file of its
// own, and the table of transitions just if it uses it.
func TestSourcesOfVariants(t *testing.T) {
	for _, v := range Variants() {
		own, err := sources.ReadFile(v.Sources[0])
		if err != nil {
			t.Fatal(err)
		}
		uses := strings.Contains(string(own), ".proceed(")
		if counted := slices.Contains(v.Sources, "transition.go"); counted != uses {
			t.Errorf("%s uses the table of transitions: %v; counts it: %v", v.Name, uses, counted)
		}
		for _, o := range Variants() {
			if o.Name != v.Name && o.Sources[0] == v.Sources[0] {
				t.Errorf("%s and %s share the file %s", v.Name, o.Name, v.Sources[0])
			}
		}
	}
}
