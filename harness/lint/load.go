package lint

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/analysis/checker"
	"golang.org/x/tools/go/packages"
)

// A Target is what to look at, and how it is built.
type Target struct {
	Dir      string   // where the go command runs
	Patterns []string // of packages, as the go command takes them there; none: the package in Dir
	Flags    []string // for the go command, such as -tags=large
	Env      []string // "NAME=value", besides the environment of this process
}

// Packages returns what is wrong in the test files of the target's packages. To see what the compiler left of their loops it
// builds a test binary of each that has loops over b.N. The error names the packages that could not be looked at, with the
// files and lines of their mistakes; the findings in the others are returned all the same.
func Packages(ctx context.Context, t Target) ([]Finding, error) {
	return look(ctx, t, func(pkg string, loops []loop) ([]Finding, error) {
		scratch, err := os.MkdirTemp("", "tunelab-lint-")
		if err != nil {
			return nil, fmt.Errorf("making a folder for test binaries: %w", err)
		}
		defer os.RemoveAll(scratch)
		binary := filepath.Join(scratch, "test")
		if err := t.build(ctx, pkg, binary); err != nil {
			return nil, err
		}
		return emptyLoops(binary, loops)
	})
}

// Built is [Packages] of a target that is one package, whose test binary was built before, with the same flags. Nothing is
// built for it but what the go command needs to know the package's types, which is in its cache then.
func Built(ctx context.Context, t Target, binary string) ([]Finding, error) {
	return look(ctx, t, func(_ string, loops []loop) ([]Finding, error) { return emptyLoops(binary, loops) })
}

// look finds what is wrong by the source, and what compiled says of each package's loops.
func look(ctx context.Context, t Target, compiled func(pkg string, loops []loop) ([]Finding, error)) ([]Finding, error) {
	pkgs, err := t.load(ctx)
	if err != nil {
		return nil, err
	}
	graph, err := checker.Analyze([]*analysis.Analyzer{Analyzer()}, pkgs, &checker.Options{Sequential: true})
	if err != nil {
		return nil, fmt.Errorf("looking at the benchmarks in %s: %w", t.Dir, err)
	}
	var findings []Finding
	var broken []error
	loops := map[string][]loop{} // by package that is built
	for _, action := range graph.Roots {
		path := tested(action.Package)
		if err := mistakes(action.Package); err != nil {
			broken = append(broken, err)
			continue
		}
		if action.Err != nil {
			broken = append(broken, fmt.Errorf("looking at the benchmarks of %s: %w", path, action.Err))
			continue
		}
		seen := action.Result.(*source)
		findings = append(findings, seen.findings...)
		loops[path] = append(loops[path], seen.loops...)
	}
	if len(broken) > 0 { // an external test of a package that is broken is broken too, by the same mistake
		broken = slices.CompactFunc(broken, func(a, b error) bool { return a.Error() == b.Error() })
	}
	for _, path := range keys(loops) {
		if len(loops[path]) == 0 {
			continue
		}
		if err := context.Cause(ctx); err != nil {
			broken = append(broken, fmt.Errorf("looking at the loops of %s and what follows it: %w", path, err))
			break
		}
		found, err := compiled(path, loops[path])
		if err != nil {
			broken = append(broken, err)
		}
		findings = append(findings, found...)
	}
	return sorted(findings), errors.Join(broken...)
}

func keys(m map[string][]loop) []string {
	var list []string
	for key := range m {
		list = append(list, key)
	}
	slices.Sort(list)
	return list
}

// load returns the target's packages as they are compiled for their tests: a package with its test files, and its external
// tests.
func (t Target) load(ctx context.Context) ([]*packages.Package, error) {
	patterns := t.Patterns
	if len(patterns) == 0 {
		patterns = []string{"."}
	}
	pkgs, err := packages.Load(&packages.Config{
		Context: ctx, Dir: t.Dir, BuildFlags: t.Flags, Tests: true,
		Env:  slices.Concat(os.Environ(), t.Env, []string{"GOPACKAGESDRIVER=off"}),
		Mode: packages.LoadSyntax | packages.NeedForTest | packages.NeedModule,
	}, patterns...)
	if err == nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("loading %s in %s: %w", strings.Join(patterns, " "), t.Dir, err)
	}
	if len(pkgs) == 0 {
		return nil, fmt.Errorf("loading %s in %s: no Go package is there", strings.Join(patterns, " "), t.Dir)
	}
	return slices.DeleteFunc(pkgs, func(p *packages.Package) bool {
		// A package without tests is of interest only where it is broken.
		return p.ForTest == "" && len(p.Errors) == 0
	}), nil
}

// tested returns the import path of the package whose tests p has.
func tested(p *packages.Package) string {
	if p.ForTest != "" {
		return p.ForTest
	}
	return p.PkgPath
}

// mistakes returns why the package could not be compiled, nil when it could.
func mistakes(p *packages.Package) error {
	if len(p.Errors) == 0 {
		return nil
	}
	first := p.Errors[0]
	where := ""
	if first.Pos != "" && first.Pos != "-" {
		where = first.Pos + ": "
	}
	more := ""
	if n := len(p.Errors) - 1; n > 0 {
		more = fmt.Sprintf(" (and %d more)", n)
	}
	return fmt.Errorf("loading package %s: %s%s%s", tested(p), where, strings.TrimSpace(first.Msg), more)
}

// build writes the test binary of the package to a file.
func (t Target) build(ctx context.Context, pkg, file string) error {
	cmd := exec.CommandContext(ctx, "go", slices.Concat([]string{"test", "-c", "-vet=off", "-o", file}, t.Flags, []string{pkg})...)
	cmd.Dir = t.Dir
	cmd.Env = slices.Concat(os.Environ(), t.Env)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("building the tests of %s in %s: %w\n%s", pkg, t.Dir, err, strings.TrimSpace(string(out)))
	}
	return nil
}
