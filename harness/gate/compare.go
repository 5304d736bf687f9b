package gate

import (
	"context"
	"errors"
	"fmt"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"tunelab/harness"
	"tunelab/harness/lock"
	"tunelab/harness/repo"
)

// leastTime is worth beginning a package with.
const leastTime = 5 * time.Second

// Compare measures. The error is for questions that can't be put, for wrong use, and for an interruption: then the report
// has what was measured before.
func Compare(ctx context.Context, q *Question) (*Report, error) {
	r, err := prepare(ctx, q)
	if err != nil {
		return r, err
	}
	release, err := q.take()
	if err != nil {
		return r, err
	}
	defer release()
	return r, r.run(ctx)
}

// take takes the machine for all that the question measures, unless whoever asks it has. Release gives back what it took.
func (q *Question) take() (release func(), err error) {
	if q.Hold != nil {
		return func() {}, nil
	}
	say := func(text string) {
		if q.Tell != nil {
			q.Tell(harness.Progress{Stage: harness.StageBuild, Text: text})
		}
	}
	if q.Hold, err = harness.Take(q.Command, say); err != nil {
		return nil, err
	}
	return func() {
		q.Hold.Release()
		q.Hold = nil
	}, nil
}

// prepare finds what there is to compare, before anything is built.
func prepare(ctx context.Context, q *Question) (*Report, error) {
	q.distinct()
	if q.Tell == nil {
		q.Tell = func(harness.Progress) {}
	}
	r := &Report{Question: q, Started: time.Now().UTC()}
	return r, r.find(ctx)
}

// run builds and measures what was found.
func (r *Report) run(ctx context.Context) error {
	if err := r.build(ctx); err != nil {
		return err
	}
	return r.measure(ctx)
}

// find lists the packages of both sides.
func (r *Report) find(ctx context.Context) error {
	q := r.Question
	old, err := q.Repo.Packages(ctx, q.Old.Commit.Hash, "")
	if err != nil {
		return err
	}
	tip, err := q.Repo.Packages(ctx, q.New.Commit.Hash, "")
	if err != nil {
		return err
	}
	pattern, err := regexp.Compile(strings.SplitN(q.Bench, "/", 2)[0])
	if err != nil {
		return fmt.Errorf("the pattern of benchmarks %q: %w", q.Bench, err)
	}
	all := both(old, tip, pattern)
	var there []repo.Package
	for _, p := range all {
		there = append(there, p.Package)
	}
	patterns := q.Patterns
	if len(patterns) == 0 {
		patterns = []string{"./..."}
	}
	var modules []string
	for _, side := range []Side{q.Old, q.New} {
		more, err := q.Repo.Modules(ctx, side.Commit.Hash)
		if err != nil {
			return err
		}
		modules = append(modules, more...)
	}
	chosen, err := repo.Select(there, modules, q.Prefix, patterns)
	if err != nil && len(there) == 0 && q.Bench != "" {
		return fmt.Errorf("no benchmark matches %q", q.Bench)
	}
	if err != nil {
		return err
	}
	if len(chosen.Left) > 0 {
		q.Tell(harness.Progress{Stage: harness.StageBuild, Text: leftOut(chosen.Left)})
	}
	for _, c := range chosen.Packages {
		p := all[c.Dir]
		side := q.New.Commit.Hash
		if p.State == OnlyOld {
			side = q.Old.Commit.Hash
		}
		if module, err := q.Repo.ModulePath(ctx, side, p.Module); err == nil {
			p.ImportPath = path.Join(module, inModule(p.Package))
		}
		r.Packages = append(r.Packages, p)
	}
	return nil
}

// leftOut says that nested modules have benchmarks that are not meant, and how to mean them.
func leftOut(patterns []string) string {
	return "benchmarks of nested modules are left out unless they are named (" + strings.Join(patterns, " ") + ")"
}

// both joins the packages of both sides, by folder, as far as they have benchmarks that match.
func both(old, tip []repo.Package, pattern *regexp.Regexp) map[string]*Package {
	all := map[string]*Package{}
	others := func(name string) bool { return !pattern.MatchString(name) }
	for _, p := range old {
		p.Benchmarks = slices.DeleteFunc(p.Benchmarks, others)
		if len(p.Benchmarks) > 0 {
			all[p.Dir] = &Package{Package: p, State: OnlyOld, OnlyOld: p.Benchmarks}
		}
	}
	for _, p := range tip {
		p.Benchmarks = slices.DeleteFunc(p.Benchmarks, others)
		before := all[p.Dir]
		switch {
		case len(p.Benchmarks) == 0:
		case before == nil:
			all[p.Dir] = &Package{Package: p, State: OnlyNew, OnlyNew: p.Benchmarks}
		default:
			before.State = NotMeasured
			before.OnlyOld, before.OnlyNew = without(before.Benchmarks, p.Benchmarks), without(p.Benchmarks, before.Benchmarks)
			before.Package = p
		}
	}
	return all
}

// inModule is the package's folder relative to its module's.
func inModule(p repo.Package) string {
	if p.Module == "." || p.Module == "" {
		return p.Dir
	}
	return strings.TrimPrefix(strings.TrimPrefix(p.Dir, p.Module), "/")
}

func without(list, other []string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(name string) bool { return slices.Contains(other, name) })
}

// build builds both sides of every package and finds those that are alike.
func (r *Report) build(ctx context.Context) error {
	q := r.Question
	changed, err := q.Repo.Differing(ctx, q.Old.Commit.Hash, q.New.Commit.Hash)
	if err != nil {
		return err
	}
	differ := map[string]bool{}
	for _, f := range changed {
		differ[f] = true
	}
	own, err := q.own()
	if err != nil {
		return err
	}
	places, err := q.Repo.Places(ctx, q.Old.Commit.Hash, q.New.Commit.Hash, own)
	if err != nil {
		return err
	}
	for _, p := range r.Packages {
		if p.State != NotMeasured {
			continue
		}
		p.Tests = testsIn(p.Dir, differ)
		if p.scenario, err = q.scenario(p.Package, ""); err != nil {
			return err
		}
		like, err := harness.Alike(ctx, p.scenario, q.options(0, 0), places)
		switch {
		case err != nil && fatal(ctx, err):
			return err
		case err != nil:
			r.fail(p, err)
		case like.Alike:
			p.State, p.Why = Alike, "both sides are built into the same bytes"
		case like.Bytes:
			q.Tell(harness.Progress{Stage: harness.StageBuild, Text: here(p.Dir) + " is measured though both sides are the same bytes: " + like.Why})
		}
	}
	return nil
}

// own are the places in the repository, relative to its root, that tunelab writes itself.
func (q *Question) own() ([]string, error) {
	var out []string
	names := append([]string{q.Results, DefaultResults, DefaultHistory}, q.Own...)
	if q.Hold != nil { // temporary files may be in the repository
		names = append(names, q.Hold.Dirs()...)
	}
	for _, name := range names {
		if name == "" {
			continue
		}
		abs, err := filepath.Abs(name)
		if err != nil {
			return nil, fmt.Errorf("finding %s: %w", name, err)
		}
		if real, err := filepath.EvalSymlinks(abs); err == nil {
			abs = real
		}
		if inside, err := q.Repo.Inside("", abs); err == nil {
			out = append(out, inside)
		}
	}
	return out, nil
}

// testsIn returns the names of the test files in the folder that are among the files.
func testsIn(dir string, files map[string]bool) []string {
	var out []string
	for f := range files {
		if path.Dir(f) == dir && strings.HasSuffix(f, "_test.go") {
			out = append(out, path.Base(f))
		}
	}
	slices.Sort(out)
	return out
}

// noTests are what the go command says of a package whose benchmarks are not built here.
var noTests = []string{"build constraints exclude all Go files", "has no test files"}

// fail notes why the package could not be built or measured.
func (r *Report) fail(p *Package, err error) {
	p.State, p.Why = Failed, strings.ReplaceAll(readable(err), r.Question.Repo.Top+string(filepath.Separator), "")
	excluded := slices.ContainsFunc(noTests, func(text string) bool { return strings.Contains(p.Why, text) })
	if excluded || errors.Is(err, harness.ErrNoBenchmarks) {
		p.State, p.Why = Skips, "no benchmark ran on one of the sides: build tags keep it out, or it was skipped"
	}
}

// fatal reports whether an error is not one package's, but ends the whole.
func fatal(ctx context.Context, err error) bool {
	var held *lock.HeldError
	return ctx.Err() != nil || errors.As(err, &held)
}

// scratch matches the folders that checkouts are in, which are gone when anybody reads of them; behind it a path goes on as
// the work tree's.
var scratch = regexp.MustCompile(`[^\s]*/tunelab-\d+-[0-9a-f]+(?:-more)?/rev-[0-9a-f]+`)

// readable is an error for people who look later.
func readable(err error) string {
	text := strings.ReplaceAll(scratch.ReplaceAllString(err.Error(), ""), "\x16", "")
	return strings.TrimPrefix(text, harness.ErrFailed.Error()+": ")
}
