package gate

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"
	"time"

	"tunelab/harness"
	"tunelab/results"
)

// linkingTime is for layouts, on top of the budget, as builds are: without them a verdict would be about two binaries.
const linkingTime = time.Minute

func (q *Question) options(budget time.Duration, family float64) harness.Options {
	return harness.Options{
		Results: q.Results, Budget: max(budget, time.Second), Seed: q.nextSeed(), Command: q.Command, Tell: q.Tell,
		FamilyError: family, Linking: max(linkingTime, budget/4), Hold: q.Hold, Carry: q.Carry,
	}
}

// measure gives each package its share of the budget, in proportion to its benchmarks; what one leaves is the others'. What
// all of them leave goes to the cases that some had no room for, as often as there is time. The chance of a false alarm is
// shared out in the same way: half of it to the first round, a quarter to the second, and so on.
func (r *Report) measure(ctx context.Context) error {
	left := r.Question.Budget
	todo := slices.DeleteFunc(slices.Clone(r.Packages), func(p *Package) bool { return p.State != NotMeasured || p.Why != "" })
	slices.SortStableFunc(todo, r.Question.compare)
	least := min(leastTime, left) // a short budget is one for what fits it
	weight := 0
	for _, p := range todo {
		weight += len(p.Benchmarks)
	}
	for round := 1; len(todo) > 0; round++ {
		family := RoundError(r.Question.FamilyError, round)
		var again []*Package
		spentAny := false
		rest := 0
		for _, p := range todo {
			rest += len(p.Benchmarks)
		}
		for _, p := range todo {
			share := time.Duration(float64(left) * float64(len(p.Benchmarks)) / float64(max(1, rest)))
			rest -= len(p.Benchmarks)
			if share = max(share, min(least, left)); share < least {
				if len(p.Runs) == 0 {
					p.Why = fmt.Sprintf("the budget of %v is used up by the packages before it", r.Question.Budget)
				}
				continue
			}
			spent, err := r.one(ctx, p, share, family*float64(len(p.Benchmarks))/float64(max(1, weight)))
			if err != nil {
				return err
			}
			left -= spent
			spentAny = spentAny || spent > 0
			if p.State == Measured && len(p.unreached()) > 0 {
				again = append(again, p)
			}
		}
		if todo = again; !spentAny || left < least {
			break
		}
	}
	return nil
}

// RoundError is the part of a family's error that a round has, from the first, which is 1: all rounds together have no more
// than the whole.
func RoundError(family float64, round int) float64 { return math.Ldexp(family, -round) }

// unreached are the cases that the package's last run had no room for.
func (p *Package) unreached() []string {
	if len(p.Runs) == 0 {
		return nil
	}
	var out []string
	for _, u := range p.Runs[len(p.Runs)-1].File.Run.NotMeasured {
		if u.Variant == "" && u.Code == results.NoRoom && !p.has(u.Case) {
			out = append(out, u.Case)
		}
	}
	return out
}

// pattern matches the benchmark functions of the cases.
func pattern(cases []string) string {
	var names []string
	for _, c := range cases {
		function, _, _ := strings.Cut("Benchmark"+c, "/")
		if name := regexp.QuoteMeta(function); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return "^(" + strings.Join(names, "|") + ")$"
}

// compare puts packages first whose code changed or in which the last night left something open, then those that were not
// measured for longest, then those with fewer benchmarks.
func (q *Question) compare(a, b *Package) int {
	return cmp.Or(q.urgency(b)-q.urgency(a), q.Since.oldest(a.ImportPath).Compare(q.Since.oldest(b.ImportPath)), len(a.Benchmarks)-len(b.Benchmarks))
}

// urgency is higher for packages that time goes to first.
func (q *Question) urgency(p *Package) int {
	if slices.ContainsFunc(q.First, func(first string) bool { return first == p.Dir || first == p.ImportPath }) {
		return 1
	}
	return 0
}

// one measures a package, or what its last run had no room for, and returns how much of the budget that took.
func (r *Report) one(ctx context.Context, p *Package, budget time.Duration, family float64) (time.Duration, error) {
	q := r.Question
	sc := p.scenario
	if cases := p.unreached(); len(cases) > 0 && q.narrows() && budget > 2*p.overhead()+leastTime {
		var err error
		if sc, err = q.scenario(p.Package, pattern(cases)); err != nil {
			return 0, err
		}
	} else if len(p.Runs) > 0 {
		return 0, nil
	}
	o := q.options(budget, family)
	o.Last = append(slices.Clone(q.Last), p.told()...)
	o.Since = q.Since[p.ImportPath]
	out, err := harness.Run(ctx, sc, o)
	if err != nil && out.Dir == "" && !fatal(ctx, err) {
		if len(p.Runs) == 0 {
			r.fail(p, err)
		}
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	file, err := results.Read(out.Dir)
	if err != nil {
		return 0, err
	}
	p.State = Measured
	p.Runs = append(p.Runs, Run{File: file, Comparisons: p.news(file.Compare()), Failures: out.Failures})
	return time.Duration(file.Done.ElapsedMS) * time.Millisecond, nil
}

// overhead is how long the package's last run took before its first trial.
func (p *Package) overhead() time.Duration {
	if trials := p.Runs[len(p.Runs)-1].File.Trials; len(trials) > 0 {
		return time.Duration(trials[0].StartMS) * time.Millisecond
	}
	return 0
}

// narrows reports whether a pattern of the user's leaves room for one of ours.
func (q *Question) narrows() bool { return q.Bench == "" || q.Bench == "." }

// told are the cases that have comparisons.
func (p *Package) told() []string {
	var out []string
	for _, c := range p.Comparisons() {
		if !slices.Contains(out, c.Case) {
			out = append(out, c.Case)
		}
	}
	return out
}

func (p *Package) has(name string) bool { return slices.Contains(p.told(), name) }

// news leaves out comparisons that an earlier run made: looking twice at one would double its chance of a false alarm.
func (p *Package) news(list []results.Comparison) []results.Comparison {
	return slices.DeleteFunc(list, func(c results.Comparison) bool { return p.has(c.Case) })
}
