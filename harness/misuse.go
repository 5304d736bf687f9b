package harness

import (
	"context"
	"os"
	"slices"
	"time"

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
		limited, cancel := context.WithTimeout(ctx, lintTime)
		found, err := lint.Built(limited, lint.Target{
			Dir: t.dir, Patterns: []string{t.pkg}, Flags: slices.Concat(set.flags, ready.args),
			Env: append(withEnv(nil, set.buildEnv), ready.env...),
		}, b.bench.path)
		cancel()
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

// misused notes a finding, once for all variants.
func (s *session) misused(f misuse.Finding) {
	known := slices.ContainsFunc(s.run.Misuses, func(other misuse.Finding) bool { return other.Benchmark == f.Benchmark && other.Code == f.Code })
	if known {
		return
	}
	s.run.Misuses = append(s.run.Misuses, f)
	s.tell(Progress{Stage: StageBuild, Text: f.String()})
}
