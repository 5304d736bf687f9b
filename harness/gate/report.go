package gate

import (
	"context"
	"fmt"
	"strings"
	"time"

	"tunelab/harness"
	"tunelab/harness/repo"
	"tunelab/results"
	"tunelab/results/nights"
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
	Skips       State = "skips"        // none of its benchmarks runs: build tags keep them out, or they skip themselves
)

// A Package is what became of one package.
type Package struct {
	repo.Package
	ImportPath       string // "" when its go.mod can't be read
	State            State
	Why              string
	OnlyOld, OnlyNew []string // benchmark functions that the other side lacks
	Tests            []string // test files in which the sides differ: what is measured may be another thing
	Runs             []Run    // the first one, and those of cases that it had no room for

	scenario *scenarios.Scenario
}

// A Run is one of a package.
type Run struct {
	File        *results.File
	Comparisons []results.Comparison
	Failures    []string // trials that ended badly
}

// A Report is what came of a question.
type Report struct {
	Question *Question
	Started  time.Time
	Packages []*Package
}

// Comparisons are those of all of the package's runs.
func (p *Package) Comparisons() []results.Comparison {
	var out []results.Comparison
	for _, run := range p.Runs {
		out = append(out, run.Comparisons...)
	}
	return out
}

// Comparisons counts those that have been measured, and those that came to a verdict or to as many blocks as a plan has at
// least.
func (r *Report) Comparisons() (all, told int) {
	for _, p := range r.Packages {
		for _, c := range p.Comparisons() {
			if all++; c.Verdict != verdict.Undecided || c.Blocks >= harness.LeastBlocks {
				told++
			}
		}
	}
	return all, told
}

// Night is the report as a night has it, without canary and verdict. The config's accepted regressions count on the day on
// which it began; config may be nil.
func (r *Report) Night(ctx context.Context, c *Config) *nights.Night {
	q := r.Question
	return &nights.Night{
		Started: r.Started, Commit: q.New.Commit.Hash, Subject: q.New.Commit.Subject, Baseline: q.Old.Commit.Hash, Named: q.Old.Rev,
		Protocol: results.Protocol, Host: harness.Host(), Module: r.module(ctx), Points: r.points(), Counts: r.counts(),
		Findings: r.findings(c, r.Started),
	}
}

// module is the path of the module that was measured, "" where that is not known.
func (r *Report) module(ctx context.Context) string {
	q := r.Question
	for _, p := range r.Packages {
		if path, err := q.Repo.ModulePath(ctx, q.New.Commit.Hash, p.Module); err == nil {
			return path
		}
	}
	return ""
}

// Files are those of the report's runs.
func (r *Report) Files() []*results.File {
	var out []*results.File
	for _, p := range r.Packages {
		for _, run := range p.Runs {
			out = append(out, run.File)
		}
	}
	return out
}

// Err says what could not be built or measured, with [harness.ErrFailed]; nil when all could.
func (r *Report) Err() error {
	var failed []string
	for _, p := range r.Packages {
		if p.State == Failed {
			failed = append(failed, here(p.Dir)+": "+firstLine(p.Why))
		}
		for _, run := range p.Runs {
			failed = append(failed, run.Failures...)
		}
	}
	if len(failed) == 0 {
		return nil
	}
	return fmt.Errorf("%w: %s", harness.ErrFailed, strings.Join(failed, "; "))
}
