package gate

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"tunelab/harness"
	"tunelab/harness/repo"
	"tunelab/results"
	"tunelab/results/nights"
	"tunelab/results/verdict"
)

// The exit statuses of a gate.
const (
	Pass       = 0
	Red        = 1 // a confirmed regression
	NothingSay = 2 // nothing can be said
)

// Options are a night's settings that the configuration does not hold.
type Options struct {
	Baseline string        // instead of the configuration's
	Budget   time.Duration // likewise, when not 0
	Results  string        // the folder that run folders go in
	Seed     *uint64
	Command  []string
	Tell     func(harness.Progress)
	Before   []*nights.Night // those of this machine that are on record
	Now      time.Time
}

// A Result is what a night came to.
type Result struct {
	Night  *nights.Night
	Report *Report
	Canary string // folder of the canary's run, "" without one
	Dirty  bool   // the tip is a work tree that no commit has, so that it has no place in a history
}

// Runs are the folders of the night's runs, the canary's first.
func (r *Result) Runs() []string {
	var out []string
	if r.Canary != "" {
		out = append(out, r.Canary)
	}
	if r.Report != nil {
		out = append(out, r.Report.Runs()...)
	}
	return out
}

// Gate measures a night: the canary, then the tip against the baseline. The tip is HEAD, or the work tree where tracked
// files differ from it. An error means that nothing can be said and no night is there.
func Gate(ctx context.Context, c *Config, o Options) (*Result, error) {
	q, dirty, err := c.question(ctx, o)
	if err != nil {
		return nil, err
	}
	r := &Result{Dirty: dirty, Night: &nights.Night{
		Started: o.Now.UTC().Truncate(time.Second), Commit: q.New.Commit.Hash, Subject: q.New.Commit.Subject,
		Baseline: q.Old.Commit.Hash, Named: q.Old.Rev, Protocol: results.Protocol, Host: harness.Host(),
	}}
	budget := q.Budget
	canary, run, took, err := measureCanary(ctx, *c.Canary.Slowdown, harness.Options{
		Results: q.Results, Budget: canaryBudget(budget), Seed: q.seed(1 << 20), Command: q.Command, Tell: q.Tell, Linking: linkingTime,
	})
	r.Canary = run
	if err != nil && fatal(ctx, err) {
		return nil, err
	} else if err != nil {
		r.Night.Says = append(r.Night.Says, firstLine(err.Error()))
	}
	r.Night.Canary = &canary
	q.Budget = max(budget-took, leastTime)
	if r.Report, err = Compare(ctx, q); err != nil {
		return nil, err
	}
	r.Night.Module = r.Report.module()
	r.Night.Points, r.Night.Counts = r.Report.points(), r.Report.counts()
	r.Night.Findings = r.Report.findings(c, o.Now)
	r.judge(c, o)
	return r, nil
}

// question is what the configuration asks of the tip.
func (c *Config) question(ctx context.Context, o Options) (q *Question, dirty bool, err error) {
	r, prefix, err := repo.Open(ctx, filepath.Dir(c.Path))
	if err != nil {
		return nil, false, err
	}
	baseline := c.Baseline
	if o.Baseline != "" {
		baseline = o.Baseline
	}
	q = &Question{
		Repo: r, Prefix: prefix, Patterns: c.Packages, Bench: c.Bench, Metrics: c.Metrics, Budget: time.Duration(c.Budget),
		FamilyError: *c.FamilyError, Kind: "gate", Results: o.Results, Seed: o.Seed, Command: o.Command, Tell: o.Tell,
		First: undecided(o.Before),
	}
	if o.Budget > 0 {
		q.Budget = o.Budget
	}
	if q.Old, err = MakeSide(ctx, r, baseline); err != nil {
		return nil, false, fmt.Errorf("the baseline of %s: %w", c.Path, err)
	}
	if q.New, err = MakeSide(ctx, r, "HEAD"); err != nil {
		return nil, false, err
	}
	if dirty, err = r.Changed(ctx); err != nil {
		return nil, false, err
	}
	q.Old.Name, q.New.Name = "baseline", "tip"
	if dirty {
		q.New.Rev, q.New.Commit = "", repo.Commit{Hash: "", Subject: "the work tree"}
	}
	changed, err := r.Differing(ctx, q.Old.Commit.Hash, q.New.Commit.Hash)
	if err != nil {
		return nil, false, err
	}
	for _, f := range changed {
		if dir := filepath.ToSlash(filepath.Dir(f)); !slices.Contains(q.First, dir) {
			q.First = append(q.First, dir)
		}
	}
	return q, dirty, nil
}

// undecided returns the paths of packages in which the last night left something open.
func undecided(before []*nights.Night) []string {
	var out []string
	if len(before) == 0 {
		return nil
	}
	for _, p := range before[len(before)-1].Points {
		if p.Verdict == verdict.Undecided && !slices.Contains(out, p.Package) {
			out = append(out, p.Package)
		}
	}
	return out
}

// module is the path of the module that was measured, as far as a run tells.
func (r *Report) module() string {
	for _, p := range r.Packages {
		if p.File != nil {
			return p.File.Run.Package
		}
	}
	return ""
}

// judge decides the night's exit status and says why.
func (r *Result) judge(c *Config, o Options) {
	n := r.Night
	say := func(format string, args ...any) { n.Says = append(n.Says, fmt.Sprintf(format, args...)) }
	flagged, all := twins(o.Before, n.Canary)
	suspect := twinIsSuspect(flagged, all)
	regressions, broken := 0, 0
	for _, f := range n.Findings {
		if f.Red() {
			regressions++
		}
		if f.Kind == nights.Broken {
			broken++
		}
	}
	compared, _ := r.Report.Comparisons()
	n.Exit = NothingSay
	switch {
	case suspect:
		say("the gate can't be trusted here: equal sides of its own benchmark were called different in %s", nightsOf(flagged, all))
	case regressions > 0:
		n.Exit = Red
		say("%s", count(regressions, "confirmed regression", "confirmed regressions"))
	case !n.Canary.Found:
		say("the machine was too noisy: the slowdown of %.3g %% that was put into the gate's own benchmark was not found", 100*n.Canary.Slowdown)
	case broken > 0:
		say("%s could not be built or measured", count(broken, "package", "packages"))
	case compared == 0 && n.Counts.Alike == 0:
		say("nothing was measured")
	default:
		n.Exit = Pass
		say("no regression")
	}
	for _, text := range c.Expired(o.Now) {
		say("%s", text)
	}
	if r.Dirty {
		say("the tip is a work tree with changes that no commit has: the night is not kept in the history")
	}
}

// twins counts the nights in which the canary's twin was flagged, this one included, of the last that many.
func twins(before []*nights.Night, now *nights.Canary) (flagged, all int) {
	const most = 100
	list := []*nights.Canary{now}
	for _, n := range slices.Backward(before) {
		if n.Canary != nil && len(list) < most {
			list = append(list, n.Canary)
		}
	}
	for _, c := range list {
		if c.TwinFlag {
			flagged++
		}
	}
	return flagged, len(list)
}

func nightsOf(k, n int) string { return fmt.Sprintf("%d of %s", k, count(n, "night", "nights")) }

func firstLine(text string) string {
	for i, c := range text {
		if c == '\n' {
			return text[:i]
		}
	}
	return text
}
