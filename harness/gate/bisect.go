package gate

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"time"

	"tunelab/harness"
	"tunelab/results"
	"tunelab/results/nights"
	"tunelab/results/verdict"
)

// A Suspect is a change that the nights show and nobody has confirmed.
type Suspect struct {
	Package   string // import path
	Benchmark string // without "Benchmark"
	Metric    string
	From, To  string // full hashes of the last night before the change and of the first one after it
}

// confirmError is the chance that a confirmation finds a change in equal sides.
const confirmError = 0.01

// A bisection is one suspect under investigation.
type bisection struct {
	q     Question
	s     Suspect
	steps int
	flags verdict.Verdict // what the whole span was called
}

// Bisect measures both sides of a suspect anew and, where that confirms it and several commits lie between, halves them
// until two neighbours are left, which are compared once more. The question says where and how: its repository, metrics
// and results; its budget is one comparison's.
//
// Halving goes wrong when a step finds nothing though there is something; the last comparison, of the two neighbours,
// tells. Where it does not confirm them, the confirmation is about the whole span and says so.
func Bisect(ctx context.Context, q Question, s Suspect) (nights.Confirmation, error) {
	out := nights.Confirmation{Package: s.Package, Benchmark: s.Benchmark, Metric: s.Metric, From: s.From, To: s.To, Before: s.From, After: s.To}
	if s.From == s.To {
		out.Verdict, out.Made = verdict.Same, time.Now().UTC().Truncate(time.Second)
		out.Why = "both nights are of one commit: something else than the code changed"
		return out, nil
	}
	release, err := q.take()
	if err != nil {
		return out, err
	}
	defer release()
	b := &bisection{q: q, s: s}
	whole, err := b.compare(ctx, s.From, s.To)
	if err != nil {
		return out, err
	}
	fill(&out, whole)
	b.flags = whole.Verdict
	if b.changed(whole) {
		err = b.narrow(ctx, &out)
	}
	out.Steps, out.Made = b.steps, time.Now().UTC().Truncate(time.Second)
	if c, err := q.Repo.Resolve(ctx, out.After); err == nil {
		out.Subject = c.Subject
	}
	return out, err
}

// narrow halves the span of a confirmed change.
func (b *bisection) narrow(ctx context.Context, out *nights.Confirmation) error {
	commits, err := b.q.Repo.Between(ctx, b.s.From, b.s.To)
	if err != nil {
		out.Why = err.Error()
		return nil
	}
	span := append([]string{b.s.From}, commits...)
	if len(span) <= 2 {
		return nil
	}
	for len(span) > 2 {
		middle, x, err := b.tryMiddle(ctx, span)
		if err != nil {
			return err
		}
		if middle < 0 {
			out.Why = fmt.Sprintf("none of the %d commits between %.12s and %.12s can be built", len(span)-2, span[0], span[len(span)-1])
			break
		}
		if b.changed(x) && x.Verdict == b.flags {
			span = span[:middle+1]
		} else {
			span = span[middle:]
		}
	}
	end := len(span) - 1
	last, err := b.compare(ctx, span[0], span[end])
	if err != nil {
		return err
	}
	if !b.changed(last) || last.Verdict != b.flags {
		out.Why = fmt.Sprintf("halving led to %.12s, which does not confirm it: of the %d commits it is not known which", span[end], len(commits))
		return nil
	}
	out.Before, out.After = span[0], span[end]
	fill(out, last)
	return nil
}

// tryMiddle compares the span's first commit with the one nearest to its middle that can be built, and returns which; -1
// for none.
func (b *bisection) tryMiddle(ctx context.Context, span []string) (int, results.Comparison, error) {
	for _, i := range fromMiddle(len(span)) {
		x, err := b.compare(ctx, span[0], span[i])
		if err == nil || !errors.Is(err, harness.ErrFailed) || ctx.Err() != nil {
			return i, x, err
		}
	}
	return -1, results.Comparison{}, nil
}

// fromMiddle returns the indices within a span of n, its ends left out, the nearest to its middle first.
func fromMiddle(n int) []int {
	var out []int
	for i := 1; i < n-1; i++ {
		out = append(out, i)
	}
	away := func(i int) int { return max(i-n/2, n/2-i) }
	slices.SortFunc(out, func(a, b int) int { return cmp.Or(away(a)-away(b), b-a) })
	return out
}

func fill(out *nights.Confirmation, x results.Comparison) {
	out.Ratio, out.Lo, out.Hi, out.Verdict = x.Ratio, x.Lo, x.Hi, x.Verdict
}

// changed reports whether the comparison is confirmed.
func (b *bisection) changed(x results.Comparison) bool {
	return (x.Verdict == verdict.Better || x.Verdict == verdict.Worse) && (x.Exact || x.Flagged != nil && x.Flagged.Confirmed)
}

// compare measures the suspect's benchmark between two commits.
func (b *bisection) compare(ctx context.Context, old, tip string) (results.Comparison, error) {
	b.steps++
	q := b.q
	var err error
	if q.Old, err = MakeSide(ctx, q.Repo, old); err != nil {
		return results.Comparison{}, err
	}
	if q.New, err = MakeSide(ctx, q.Repo, tip); err != nil {
		return results.Comparison{}, err
	}
	q.Old.Name, q.New.Name = "before", "after"
	q.Kind, q.FamilyError, q.Bench = "bisect", confirmError, harness.Anchored("Benchmark"+b.s.Benchmark)
	if q.Prefix, q.Patterns, err = b.folder(ctx, tip); err != nil {
		return results.Comparison{}, err
	}
	r, err := Compare(ctx, &q)
	if err != nil {
		return results.Comparison{}, err
	}
	for _, p := range r.Packages {
		for _, x := range p.Comparisons() {
			if x.Case == b.s.Benchmark && x.Metric == b.s.Metric {
				return x, nil
			}
		}
		switch p.State {
		case Alike:
			one := 1.0
			return results.Comparison{Verdict: verdict.Same, Ratio: &one}, nil
		case Measured:
		default:
			return results.Comparison{}, fmt.Errorf("%w: comparing %.12s with %.12s: %s %s", harness.ErrFailed, old, tip, p.State, p.Why)
		}
	}
	return results.Comparison{Verdict: verdict.Undecided}, nil
}

// folder finds the suspect's package in the repository: its folder, and the pattern for that.
func (b *bisection) folder(ctx context.Context, rev string) (string, []string, error) {
	list, err := b.q.Repo.Packages(ctx, rev, "")
	if err != nil {
		return "", nil, err
	}
	for _, p := range list {
		if module, err := b.q.Repo.ModulePath(ctx, rev, p.Module); err == nil && path.Join(module, inModule(p)) == b.s.Package {
			return p.Dir, []string{"."}, nil
		}
	}
	return "", nil, fmt.Errorf("%w: the package %s is not in the repository at %.12s", harness.ErrFailed, b.s.Package, rev)
}
