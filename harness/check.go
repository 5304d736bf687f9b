package harness

import (
	"cmp"
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"tunelab/results"
	"tunelab/scenarios"
)

// checkTimeout ends a correctness test that hangs.
const checkTimeout = 2 * time.Minute

// checkAll runs every variant's correctness test and drops the variants that fail it: no number without the work
// being verified. A base that fails ends the run.
func (s *session) checkAll(ctx context.Context) error {
	pattern := s.scenario.Bench.Check
	if pattern == "" {
		s.run.Warnings = append(s.run.Warnings, "the scenario names no correctness test (bench.check): that the variants do the same work was not verified")
		return nil
	}
	var left []scenarios.Variant
	for _, v := range s.variants {
		s.tell(Progress{Stage: StageCheck, Text: "checking that " + v.Name + " is correct"})
		check, err := s.check(ctx, v, pattern)
		if err != nil {
			return err
		}
		s.run.Checks = append(s.run.Checks, check)
		if check.Passed {
			left = append(left, v)
			continue
		}
		if v.Base {
			return fmt.Errorf("%w: the base %s fails its correctness test %q, so there is nothing to compare with:\n%s",
				ErrFailed, v.Name, pattern, indent(check.Output))
		}
		s.failures = append(s.failures, fmt.Sprintf("variant %s fails its correctness test and gets no number", v.Name))
		s.run.NotMeasured = append(s.run.NotMeasured, results.Unmeasured{Variant: v.Name, Code: results.Incorrect, Why: "it fails its correctness test"})
	}
	s.variants = left
	return nil
}

func (s *session) check(ctx context.Context, v scenarios.Variant, pattern string) (results.Check, error) {
	args := []string{"-test.run=" + pattern, "-test.v=test2json", "-test.timeout=0"}
	if skip := othersPattern(s.scenario.Variants, v); skip != "" {
		args = append(args, "-test.skip="+skip)
	}
	spec := s.spec(v, checkTimeout, args...)
	exit, err := s.children.Run(ctx, spec)
	if err != nil {
		return results.Check{}, fmt.Errorf("checking variant %s: %w", v.Name, err)
	}
	check := results.Check{Variant: v.Name, Passed: exit.Ok(), Tests: strings.Count(string(exit.Stdout), "\x16--- PASS: ")}
	switch {
	case !exit.Ok():
		check.Output = exit.Why(spec) + "\n" + exit.Tail(maxTail)
	case check.Tests == 0:
		return check, fmt.Errorf("%s: the correctness test %q of variant %s matches no test in %s that ran; `go test -list .` there shows the names",
			s.scenario.Position("bench.check"), pattern, v.Name, s.scenario.BenchDir())
	}
	return check, nil
}

// othersPattern matches tests and benchmarks that have a name part which another variant selects and v does not:
// -test.skip of it leaves those that concern v.
//
// Of several alternatives testing takes the first that fits a name as far as the name goes, and where the name ends
// before the alternative does it skips nothing: so shorter ones come first.
func othersPattern(all []scenarios.Variant, v scenarios.Variant) string {
	var others []string
	for _, o := range all {
		switch {
		case o.Select == "" || concerns(o, v):
		case o.Rename != "": // a whole benchmark; its tests are called otherwise
			others = append(others, Anchored("Benchmark"+o.Select))
		default:
			for level := 1; level <= maxLevel; level++ {
				others = append(others, strings.Repeat("/", level)+"^"+regexp.QuoteMeta(o.Select)+"$")
			}
		}
	}
	slices.SortFunc(others, func(a, b string) int {
		return cmp.Or(cmp.Compare(strings.Count(a, "/"), strings.Count(b, "/")), cmp.Compare(a, b))
	})
	return strings.Join(slices.Compact(others), "|")
}

// concerns reports whether what o selects may be, or hold, what v selects.
func concerns(o, v scenarios.Variant) bool {
	part := func(inner, outer scenarios.Variant) bool {
		return inner.Rename == "" && slices.Contains(strings.Split(outer.Select, "/"), inner.Select)
	}
	within := o.Rename != "" && v.Rename != "" && (strings.HasPrefix(v.Select+"/", o.Select+"/") || strings.HasPrefix(o.Select+"/", v.Select+"/"))
	return o.Select == v.Select || v.Select == "" || part(o, v) || part(v, o) || within
}

// maxLevel is how deep a name part that a variant selects may stand.
const maxLevel = 6

// Anchored returns the -test.bench or -test.run pattern that matches this name and no other.
func Anchored(name string) string {
	parts := strings.Split(name, "/")
	for i, p := range parts {
		parts[i] = "^" + regexp.QuoteMeta(p) + "$"
	}
	return strings.Join(parts, "/")
}

// findFacts runs the tests that decide claims of fact, and records what they saw.
func (s *session) findFacts(ctx context.Context) error {
	for _, c := range s.scenario.Claims {
		if c.Kind != "exists" && c.Kind != "missing" {
			continue
		}
		s.tell(Progress{Stage: StageCheck, Text: "looking into claim " + c.ID})
		spec := s.spec(s.scenario.Base(), checkTimeout, "-test.run="+Anchored(c.Test), "-test.v=test2json", "-test.timeout=0")
		exit, err := s.children.Run(ctx, spec)
		if err != nil {
			return fmt.Errorf("running the test of claim %s: %w", c.ID, err)
		}
		out := string(exit.Stdout)
		if !strings.Contains(out, "\x16--- PASS: ") && !strings.Contains(out, "\x16--- FAIL: ") {
			why := "there is no such test in " + s.scenario.BenchDir()
			if strings.Contains(out, "\x16--- SKIP: ") {
				why = "it was skipped: " + logged(out)
			} else if !exit.Ok() {
				why = exit.Why(spec)
			}
			s.run.Warnings = append(s.run.Warnings, fmt.Sprintf("claim %s: test %s decided nothing: %s", c.ID, c.Test, why))
			continue
		}
		fact := results.Fact{
			Claim: c.ID, Test: c.Test, Passed: exit.Ok(), Saw: clip(logged(out), maxTail),
			Binary: s.binaries[s.scenario.Base().Name].bench.trimmed, WallMS: ms(exit.Wall),
		}
		if !fact.Passed {
			fact.Output = exit.Why(spec) + "\n" + exit.Tail(maxTail)
		}
		s.run.Facts = append(s.run.Facts, fact)
	}
	return nil
}

var logLine = regexp.MustCompile(`^\s+\S+\.go:\d+: (.*)$`)

// logged returns what tests logged, without file and line, as one line.
func logged(out string) string {
	var parts []string
	for _, text := range strings.Split(out, "\n") {
		if m := logLine.FindStringSubmatch(text); m != nil {
			parts = append(parts, m[1])
		}
	}
	if len(parts) == 0 {
		return "it logged nothing"
	}
	return strings.Join(parts, "; ")
}
