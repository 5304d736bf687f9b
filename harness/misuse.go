package harness

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"tunelab/harness/internal/process"
	"tunelab/harness/lint"
	"tunelab/results/misuse"
)

// lintTime is how long looking for misuse may take in one build: it is no part of measuring.
const lintTime = 20 * time.Second

// findMisuse looks for benchmarks that measure nothing, or something else than they say, in every build that is different.
// What can't be looked at is not: that is no reason not to measure.
func (s *session) findMisuse(ctx context.Context) {
	seen := map[string]bool{}
	wd, _ := os.Getwd()
	for _, v := range slices.Backward(s.variants) { // of two sides the newer one's lines are those that a reader has
		b := s.binaries[v.Name]
		t, set := b.target, b.set
		if b.subject != nil {
			t, set = target{dir: s.benchDirOf(v), pkg: ".", test: true}, settings{serve: true, flags: s.scenario.TestFlags().Build}
		}
		key := order{t: t, set: set}.key()
		ready := s.builder.prepared[key]
		if seen[key] || ready == nil {
			continue
		}
		seen[key] = true
		found, err := s.lint(ctx, lintJob{lint.Target{
			Dir: t.dir, Patterns: []string{t.pkg}, Flags: slices.Concat(set.flags, ready.args),
			Env: append(withEnv(nil, set.buildEnv), ready.env...),
		}, b.bench.path})
		if err != nil && ctx.Err() == nil {
			s.tell(Progress{Stage: StageBuild, Text: "the benchmarks' code was not looked at: " + firstLine(err.Error())})
		}
		root := wd
		if r, ok := s.revised[v.Name]; ok {
			root = r.tree.Top
		}
		for _, f := range found {
			s.misused(f.Relative(root))
		}
	}
}

// lintVar asks this program to be a linter, and says of what.
const lintVar = "TUNELAB_LINT"

// A lintJob is what a linter looks at, and a lintResult what it found.
type (
	lintJob struct {
		Target lint.Target
		Binary string
	}
	lintResult struct {
		Found   []misuse.Finding
		Problem string
	}
)

// lint has this same program look, as a child that does not outlive the run: it starts others.
func (s *session) lint(ctx context.Context, job lintJob) ([]misuse.Finding, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(job)
	if err != nil {
		return nil, err
	}
	spec := process.Spec{
		Path: self, Dir: job.Target.Dir, Env: withEnv(os.Environ(), map[string]string{lintVar: string(text), "GOTMPDIR": s.scratch, "PWD": job.Target.Dir}),
		Timeout: lintTime, MaxOutput: maxOutput,
	}
	exit, err := s.children.Run(ctx, spec)
	if err != nil {
		return nil, err
	}
	var result lintResult
	if !exit.Ok() {
		return nil, errors.New(exit.Why(spec))
	}
	if err := json.Unmarshal(exit.Stdout, &result); err != nil {
		return nil, fmt.Errorf("reading what was found: %w", err)
	}
	if result.Problem != "" {
		return result.Found, errors.New(result.Problem)
	}
	return result.Found, nil
}

// lintIfAsked makes this process a linter, if it was started as one, and reports whether it was.
func lintIfAsked() bool {
	text := os.Getenv(lintVar)
	if text == "" {
		return false
	}
	var job lintJob
	var result lintResult
	err := json.Unmarshal([]byte(text), &job)
	if err == nil {
		os.Unsetenv(lintVar)
		result.Found, err = lint.Built(context.Background(), job.Target, job.Binary)
	}
	if err != nil {
		result.Problem = err.Error()
	}
	json.NewEncoder(os.Stdout).Encode(result)
	return true
}

// misused notes a finding, once for all variants.
func (s *session) misused(f misuse.Finding) {
	known := slices.ContainsFunc(s.run.Misuses, func(other misuse.Finding) bool { return other.Benchmark == f.Benchmark && other.Code == f.Code })
	if known {
		return
	}
	s.run.Misuses = append(s.run.Misuses, f)
	s.tell(Progress{Stage: StageBuild, Text: f.String()})
}
