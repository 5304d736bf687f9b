package gate

import (
	"context"
	"errors"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"tunelab/harness"
	"tunelab/harness/lock"
	"tunelab/harness/repo"
	"tunelab/results"
	"tunelab/results/verdict"
	"tunelab/scenarios"
)

// State is what became of a package.
type State string

// The states of a package.
const (
	Measured    State = "measured"
	Alike       State = "alike"        // both sides are built into the same bytes: nothing can differ
	OnlyOld     State = "only old"     // its benchmarks are on the old side only
	OnlyNew     State = "only new"     // or on the new one
	Failed      State = "failed"       // it could not be built or measured; Why says why
	NotMeasured State = "not measured" // the budget did not reach it
)

// A Package is what became of one package.
type Package struct {
	repo.Package
	State            State
	Why              string
	OnlyOld, OnlyNew []string // benchmark functions that the other side lacks

	Run         string        // folder of its run, "" without one
	File        *results.File // of that
	Comparisons []results.Comparison
	Failures    []string // trials that ended badly

	scenario *scenarios.Scenario
}

// A Report is what came of a question.
type Report struct {
	Question *Question
	Started  time.Time
	Took     time.Duration
	Packages []*Package
}

// leastTime is worth beginning a package with.
const leastTime = 5 * time.Second

// Compare measures. The error is for questions that can't be put, for wrong use, and for an interruption: then the report
// has what was measured before.
func Compare(ctx context.Context, q *Question) (*Report, error) {
	q.distinct()
	if q.Tell == nil {
		q.Tell = func(harness.Progress) {}
	}
	r := &Report{Question: q, Started: time.Now().UTC()}
	defer func() { r.Took = time.Since(r.Started) }()
	if err := r.find(ctx); err != nil {
		return r, err
	}
	if err := r.build(ctx); err != nil {
		return r, err
	}
	return r, r.measure(ctx)
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
	all := map[string]*Package{}
	for _, p := range old {
		all[p.Dir] = &Package{Package: p, State: OnlyOld, OnlyOld: p.Benchmarks}
	}
	for _, p := range tip {
		before := all[p.Dir]
		if before == nil {
			all[p.Dir] = &Package{Package: p, State: OnlyNew, OnlyNew: p.Benchmarks}
			continue
		}
		before.State = NotMeasured
		before.OnlyOld, before.OnlyNew = without(before.Benchmarks, p.Benchmarks), without(p.Benchmarks, before.Benchmarks)
		before.Package = p
	}
	pattern, err := regexp.Compile(strings.SplitN(q.Bench, "/", 2)[0])
	if err != nil {
		return fmt.Errorf("the pattern of benchmarks %q: %w", q.Bench, err)
	}
	var both []repo.Package
	for _, p := range all {
		others := func(name string) bool { return !pattern.MatchString(name) }
		p.Benchmarks, p.OnlyOld, p.OnlyNew = slices.DeleteFunc(p.Benchmarks, others), slices.DeleteFunc(p.OnlyOld, others), slices.DeleteFunc(p.OnlyNew, others)
		if len(p.Benchmarks) > 0 {
			both = append(both, p.Package)
		}
	}
	patterns := q.Patterns
	if len(patterns) == 0 {
		patterns = []string{"./..."}
	}
	chosen, err := repo.Select(both, q.Prefix, patterns)
	if err != nil {
		return err
	}
	for _, p := range chosen {
		r.Packages = append(r.Packages, all[p.Dir])
	}
	return nil
}

func without(list, other []string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(name string) bool { return slices.Contains(other, name) })
}

// build builds both sides of every package and finds those that are alike.
func (r *Report) build(ctx context.Context) error {
	q := r.Question
	differ := map[string]bool{}
	if q.Old.Rev != "" {
		files, err := q.Repo.Differing(ctx, q.Old.Commit.Hash, q.New.Commit.Hash)
		if err != nil {
			return err
		}
		for _, f := range files {
			differ[f] = true
		}
	}
	for _, p := range r.Packages {
		if p.State != NotMeasured {
			continue
		}
		var err error
		if p.scenario, err = q.scenario(p.Package); err != nil {
			return err
		}
		alike, err := harness.Alike(ctx, p.scenario, q.options(0, 0, 0))
		switch {
		case err != nil && !fatal(ctx, err):
			p.State, p.Why = Failed, readable(err)
		case err != nil:
			return err
		case alike && q.Old.Rev != "" && !reads(p.Package, differ):
			p.State, p.Why = Alike, "both sides are built into the same bytes"
		}
	}
	return nil
}

// reads reports whether benchmarks of the package could read one of the files when they run: those that are not compiled,
// in its folder and below, or in a testdata folder of its module.
func reads(p repo.Package, files map[string]bool) bool {
	for f := range files {
		module := p.Module == "." || strings.HasPrefix(f, p.Module+"/")
		own := path.Dir(f) == p.Dir || p.Dir != "." && strings.HasPrefix(f, p.Dir+"/")
		switch {
		case module && strings.Contains("/"+f, "/testdata/"):
			return true
		case own && !strings.HasPrefix(path.Base(f), ".") && path.Base(f) != ConfigFile && !slices.Contains(compiled, path.Ext(f)):
			return true
		}
	}
	return false
}

// compiled are the endings of files that a binary holds or nobody reads.
var compiled = []string{".go", ".mod", ".sum", ".s", ".md"}

// fatal reports whether an error is not one package's, but ends the whole.
func fatal(ctx context.Context, err error) bool {
	var held *lock.HeldError
	return ctx.Err() != nil || errors.As(err, &held)
}

// measure gives each package its share of the budget, in proportion to its benchmarks; what one leaves is the others'.
func (r *Report) measure(ctx context.Context) error {
	q := r.Question
	todo := slices.DeleteFunc(slices.Clone(r.Packages), func(p *Package) bool { return p.State != NotMeasured })
	slices.SortStableFunc(todo, func(a, b *Package) int { return q.urgency(b) - q.urgency(a) })
	weight := 0
	for _, p := range todo {
		weight += len(p.Benchmarks)
	}
	left, rest := q.Budget, weight
	for i, p := range todo {
		share := time.Duration(float64(left) * float64(len(p.Benchmarks)) / float64(max(1, rest)))
		rest -= len(p.Benchmarks)
		if share < leastTime {
			share = min(leastTime, left)
		}
		if share < leastTime {
			p.Why = fmt.Sprintf("the budget of %v is used up by the packages before it", q.Budget)
			continue
		}
		family := q.FamilyError * float64(len(p.Benchmarks)) / float64(max(1, weight))
		spent, err := r.one(ctx, p, q.options(i, share, family))
		if err != nil {
			return err
		}
		left -= spent
	}
	return nil
}

// urgency is higher for packages that time goes to first.
func (q *Question) urgency(p *Package) int {
	if slices.ContainsFunc(q.First, func(first string) bool { return first == p.Dir || strings.HasSuffix(first, "/"+p.Dir) }) {
		return 1
	}
	return 0
}

// linkingTime is for layouts, on top of the budget, as builds are: without them a verdict would be about two binaries.
const linkingTime = time.Minute

func (q *Question) options(i int, budget time.Duration, family float64) harness.Options {
	return harness.Options{
		Results: q.Results, Budget: max(budget, time.Second), Seed: q.seed(i), Command: q.Command, Tell: q.Tell,
		FamilyError: family, Linking: max(linkingTime, budget/4),
	}
}

// one measures a package and returns how much of the budget that took.
func (r *Report) one(ctx context.Context, p *Package, o harness.Options) (time.Duration, error) {
	out, err := harness.Run(ctx, p.scenario, o)
	p.Run, p.Failures = out.Dir, out.Failures
	if err != nil && out.Dir == "" && !fatal(ctx, err) {
		p.State, p.Why = Failed, readable(err)
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	file, err := results.Read(out.Dir)
	if err != nil {
		return 0, err
	}
	p.State, p.File, p.Comparisons = Measured, file, file.Compare()
	return time.Duration(file.Done.ElapsedMS) * time.Millisecond, nil
}

// Comparisons counts those that have been measured, and those that were decided.
func (r *Report) Comparisons() (all, decided int) {
	for _, p := range r.Packages {
		for _, c := range p.Comparisons {
			if all++; c.Verdict != verdict.Undecided {
				decided++
			}
		}
	}
	return all, decided
}

// scratch matches the folders that checkouts are in, which are gone when anybody reads of them.
var scratch = regexp.MustCompile(`[^\s]*/tunelab-\d+-[0-9a-f]+/rev-`)

// readable is an error for people who look later.
func readable(err error) string {
	return strings.TrimPrefix(scratch.ReplaceAllString(err.Error(), ""), harness.ErrFailed.Error()+": ")
}
