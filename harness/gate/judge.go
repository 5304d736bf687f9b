package gate

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"tunelab/results"
	"tunelab/results/nights"
	"tunelab/results/verdict"
)

// leastFailures is how often a benchmark must fail on the new side, and never on the old one, to count as one that fails:
// as often as a run tries.
const leastFailures = 3

// findings judges every comparison and package of the report. The config's accepted regressions count on the given day;
// config may be nil.
func (r *Report) findings(c *Config, now time.Time) []nights.Finding {
	var out []nights.Finding
	for _, p := range r.Packages {
		out = append(out, p.about(r.Question)...)
		for _, run := range p.Runs {
			out = append(out, run.findings(p, r.Question.Prefix, c, now)...)
		}
	}
	return out
}

func (run Run) findings(p *Package, prefix string, c *Config, now time.Time) []nights.Finding {
	var out []nights.Finding
	for _, x := range run.Comparisons {
		f := nights.Finding{
			Package: p.Dir, Benchmark: x.Case, Metric: x.Metric, Better: x.Better, Ratio: x.Ratio, Lo: x.Lo, Hi: x.Hi,
			From: x.BaseMedian, To: x.VariantMedian, Verdict: x.Verdict, Run: run.File.Run.ID,
		}
		var say bool
		if f.Kind, f.Why, say = run.judge(f, x, prefix, c, now); say {
			if len(p.Tests) > 0 {
				f.Why = strings.TrimPrefix(f.Why+"; the benchmark may be another: the sides differ in "+strings.Join(p.Tests, ", "), "; ")
			}
			out = append(out, f)
		}
	}
	return out
}

// judge returns the finding's kind and why, and whether there is something to say.
func (run Run) judge(f nights.Finding, x results.Comparison, prefix string, c *Config, now time.Time) (kind nights.Kind, why string, say bool) {
	bad := failing(run.File, x)
	switch {
	case bad >= leastFailures:
		return nights.Fails, lastWarning(x), x.Metric == run.firstMetric(x.Case) // once, not for every metric
	case x.Flagged != nil && !x.Flagged.Confirmed:
		return nights.Flagged, "called " + string(x.Flagged.Verdict) + " by the first stage, not confirmed by the second", true
	case x.Verdict == verdict.Better && bad == 0:
		return nights.Improvement, "", true
	case x.Verdict != verdict.Worse:
		return "", "", false
	case bad > 0:
		return nights.Flagged, lastWarning(x), true
	case c == nil:
		return nights.Regression, "", true
	case f.Worse() < *c.Least:
		return nights.Small, "", true
	}
	for _, a := range c.Accepted {
		if a.covers(f, prefix, now) {
			return nights.Accepted, "until " + a.Until.Format(time.DateOnly) + ": " + a.Reason, true
		}
	}
	return nights.Regression, "", true
}

// failing counts the new side's trials that ended badly, where the old side has none.
func failing(file *results.File, x results.Comparison) int {
	_, old := file.Values(x.Case, x.Base, x.Metric)
	_, tip := file.Values(x.Case, x.Variant, x.Metric)
	if old > 0 {
		return 0
	}
	return tip
}

func (run Run) firstMetric(name string) string {
	for _, x := range run.Comparisons {
		if x.Case == name {
			return x.Metric
		}
	}
	return ""
}

func lastWarning(x results.Comparison) string {
	for _, w := range slices.Backward(x.Warnings) {
		if strings.Contains(w, "ended badly") {
			return strings.ReplaceAll(w, "\x16", "")
		}
	}
	return ""
}

// about is what is to be said of the package itself.
func (p *Package) about(q *Question) []nights.Finding {
	var out []nights.Finding
	add := func(kind nights.Kind, names []string, why string) {
		out = append(out, nights.Finding{Kind: kind, Package: p.Dir, Why: why, Benchmark: strings.Join(names, ", ")})
	}
	switch p.State {
	case Failed:
		add(nights.Broken, nil, p.Why)
	case NotMeasured:
		add(nights.NotMeasured, p.Benchmarks, p.Why)
	case Skips:
		add(nights.Skipped, p.Benchmarks, p.Why)
	case Alike:
		add(nights.Alike, nil, p.Why)
	}
	if len(p.OnlyOld) > 0 {
		add(nights.OnlyOld, p.OnlyOld, "")
	}
	if len(p.OnlyNew) > 0 {
		add(nights.OnlyNew, p.OnlyNew, "")
	}
	if len(p.Runs) > 0 {
		for _, f := range p.Runs[0].File.Run.Misuses {
			add(nights.Misused, []string{strings.TrimPrefix(f.Benchmark, "Benchmark")}, fmt.Sprintf("%s:%d: it %s", f.File, f.Line, f.Sentence()))
		}
	}
	for i, run := range p.Runs {
		for _, u := range run.File.Run.NotMeasured {
			function, _, _ := strings.Cut("Benchmark"+u.Case, "/")
			switch {
			case p.has(u.Case): // another run had room
			case slices.Contains(p.OnlyOld, function) || slices.Contains(p.OnlyNew, function): // said already
			case u.Code == results.OnlyIn && u.In == q.Old.Name:
				add(nights.OnlyOld, []string{u.Case}, "")
			case u.Code == results.OnlyIn && u.In == q.New.Name:
				add(nights.OnlyNew, []string{u.Case}, "")
			case u.Code == results.Skipped:
				add(nights.Skipped, []string{u.Case}, u.Why)
			case i == len(p.Runs)-1 || u.Code != results.NoRoom: // a later run had room, or says it too
				add(nights.NotMeasured, []string{u.Case}, u.Why)
			}
		}
	}
	return out
}

// points are the night's, of every comparison that has values.
func (r *Report) points() []nights.Point {
	var out []nights.Point
	for _, p := range r.Packages {
		for _, run := range p.Runs {
			out = append(out, run.points()...)
		}
	}
	return out
}

func (run Run) points() []nights.Point {
	var out []nights.Point
	for _, x := range run.Comparisons {
		point := nights.Point{
			Package: run.File.Run.Package, Benchmark: x.Case, Metric: x.Metric, Better: x.Better, Margin: x.Margin,
			Blocks: x.Blocks, Ratio: x.Ratio, Lo: x.Lo, Hi: x.Hi, Verdict: x.Verdict, Exact: x.Exact, Run: run.File.Run.ID,
		}
		point.Baseline, _ = run.File.Values(x.Case, x.Base, x.Metric)
		point.Tip, _ = run.File.Values(x.Case, x.Variant, x.Metric)
		if c, ok := run.File.Run.Plan.Case(x.Case); ok {
			point.Iterations, point.Procs = c.N, max(1, c.Procs)
		}
		if len(point.Tip) > 0 && len(point.Baseline) > 0 {
			out = append(out, point)
		}
	}
	return out
}

// counts counts verdicts and packages.
func (r *Report) counts() nights.Counts {
	var c nights.Counts
	for _, p := range r.Packages {
		switch p.State {
		case Alike:
			c.Alike++
		case Failed:
			c.Broken++
		}
		for _, x := range p.Comparisons() {
			c.Add(x.Verdict)
		}
	}
	return c
}
