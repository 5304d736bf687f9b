package gate

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
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
	Own      []string      // files and folders besides that tunelab writes, as in Question
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
	Says   string // what decided the exit status
	Dirty  bool   // the tip is a work tree that no commit has, so that it has no place in a history

	canary *results.File // its run, nil without one
	dead   error         // why the canary could not be measured
}

// Files are those of the night's runs, the canary's first.
func (r *Result) Files() []*results.File {
	if r.canary == nil {
		return r.Report.Files()
	}
	return append([]*results.File{r.canary}, r.Report.Files()...)
}

// Gate measures a night: the canary, then the tip against the baseline. The tip is HEAD, or the work tree where tracked
// files differ from it. An error means that nothing can be said and no night is there.
func Gate(ctx context.Context, c *Config, o Options) (*Result, error) {
	q, dirty, err := c.question(ctx, o)
	if err != nil {
		return nil, err
	}
	report, err := prepare(ctx, q)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c.Path, err)
	}
	report.Started = o.Now.UTC().Truncate(time.Second)
	release, err := q.take()
	if err != nil {
		return nil, err
	}
	defer release()
	r := &Result{Dirty: dirty, Report: report}
	canary, took, err := r.measureCanary(ctx, *c.Canary.Slowdown, q.options(CanaryBudget(q.Budget), canaryFamily))
	if err != nil && fatal(ctx, err) {
		return nil, err
	}
	r.dead = err
	q.Budget = max(q.Budget-took, leastTime)
	if err := report.run(ctx); err != nil {
		return nil, err
	}
	r.Night = report.Night(ctx, c)
	r.Night.Canary = &canary
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
		Repo: r, Prefix: prefix, Patterns: c.Packages, Bench: c.Bench, Flags: c.flags, Metrics: c.Metrics, Budget: time.Duration(c.Budget),
		FamilyError: *c.FamilyError, Kind: "gate", Results: o.Results, Seed: o.Seed, Command: o.Command, Tell: o.Tell,
	}
	q.Own = append(slices.Clone(o.Own), c.History)
	if !filepath.IsAbs(c.History) {
		q.Own = append(slices.Clone(o.Own), filepath.Join(filepath.Dir(c.Path), c.History))
	}
	for _, name := range c.Carry {
		inside, err := r.Inside(prefix, name)
		if err != nil {
			return nil, false, fmt.Errorf("%s: carry: %w", c.Path, err)
		}
		q.Carry = append(q.Carry, inside)
	}
	q.First, q.Last = lastNight(o.Before)
	q.Since = since(o.Before)
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

// lastNight returns the packages in which the last night left something open, and the cases that it decided.
func lastNight(before []*nights.Night) (open, decided []string) {
	if len(before) == 0 {
		return nil, nil
	}
	for _, p := range before[len(before)-1].Points {
		if p.Verdict != verdict.Undecided {
			decided = append(decided, p.Benchmark)
		} else if !slices.Contains(open, p.Package) {
			open = append(open, p.Package)
		}
	}
	return open, decided
}

// since returns when the nights, oldest first, measured what.
func since(before []*nights.Night) Since {
	out := Since{}
	for _, n := range before {
		for _, p := range n.Points {
			if out[p.Package] == nil {
				out[p.Package] = map[string]time.Time{}
			}
			out[p.Package][p.Benchmark] = n.Started
		}
	}
	return out
}

// judge decides the night's exit status and says why.
func (r *Result) judge(c *Config, o Options) {
	n := r.Night
	say := func(format string, args ...any) { n.Says = append(n.Says, fmt.Sprintf(format, args...)) }
	flagged, all := twins(o.Before, n.Canary)
	by := map[nights.Kind]int{}
	for _, f := range n.Findings {
		by[f.Kind]++
	}
	regressions := by[nights.Regression] + by[nights.Fails]
	compared, told := r.Report.Comparisons()
	lost := r.lost()
	n.Exit = NothingSay
	switch {
	case twinIsSuspect(flagged, all):
		say("the gate can't be trusted here: equal sides of its own benchmark were called different in %s", nightsOf(flagged, all))
	case r.dead != nil:
		say("the gate's own benchmark could not be measured: %s", readable(r.dead))
	case !n.Canary.Found:
		say("the machine was too noisy: the slowdown of %.3g %% that was put into the gate's own benchmark was not found", 100*n.Canary.Slowdown)
	case regressions > 0:
		n.Exit = Red
		say("%s", count(regressions, "confirmed regression", "confirmed regressions"))
	case by[nights.Broken] > 0:
		say("%s could not be built or measured", count(by[nights.Broken], "package", "packages"))
	case lost > c.Unmeasured:
		say("%s that this gate watches: %s (unmeasured in %s), so a regression may be among them", unmeasured(lost), allowed(c.Unmeasured), c.Path)
	case compared == 0 && n.Counts.Alike == 0:
		say("nothing was measured")
	case told == 0 && (compared > 0 || by[nights.NotMeasured] > 0):
		say("nothing was measured long enough to say anything: a larger budget would")
	default:
		n.Exit = Pass
		say("no regression")
	}
	r.Says = n.Says[len(n.Says)-1]
	if regressions > 0 && n.Exit == NothingSay {
		say("%s, which such a night can't vouch for", count(regressions, "regression was confirmed", "regressions were confirmed"))
	}
	if lost > 0 && !strings.HasPrefix(r.Says, unmeasured(lost)) {
		n.Says = append([]string{unmeasured(lost) + ", named below"}, n.Says...)
	}
	for _, text := range c.Expired(o.Now) {
		say("%s", text)
	}
	if r.Dirty {
		say("the tip is a work tree with changes that no commit has: the night is not kept in the history")
	}
}

// lost counts the benchmarks that were to be watched and that nobody measured: those that break or found no room, and
// those of packages that could not be built.
func (r *Result) lost() int {
	n := 0
	for _, f := range r.Night.Findings {
		if f.Kind == nights.NotMeasured && f.Benchmark != "" {
			n += 1 + strings.Count(f.Benchmark, ", ")
		}
	}
	for _, p := range r.Report.Packages {
		if p.State == Failed {
			n += len(p.Benchmarks)
		}
	}
	return n
}

func unmeasured(n int) string {
	return count(n, "benchmark was", "benchmarks were") + " not measured"
}

// allowed says how many may be.
func allowed(n int) string {
	if n == 0 {
		return "none may be"
	}
	return "at most " + strconv.Itoa(n) + " may be"
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
