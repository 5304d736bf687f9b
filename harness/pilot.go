package harness

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"tunelab/results"
	"tunelab/scenarios"
)

// list finds the cases: one pass over every variant's benchmarks at one iteration each. It fills s.names and returns
// the cases in the order in which the base has them, those that the base lacks behind.
func (s *session) list(ctx context.Context) ([]string, error) {
	s.names = map[string]map[string]string{}
	var order []string
	failed := map[string]string{} // variant → what its pass ended with
	known := map[string][]string{}
	for _, v := range s.baseFirst() {
		key := s.listKey(v)
		found, ok := known[key]
		if !ok {
			s.tell(Progress{Stage: StagePilot, Text: "finding the cases of " + v.Name})
			var err error
			if found, err = s.listVariant(ctx, v, s.listLimit(), failed); err != nil {
				return nil, err
			}
		}
		if failed[v.Name] == "" {
			known[key] = found
		}
		for _, name := range found {
			part, ok := v.Case(name)
			if !ok {
				continue
			}
			if s.names[part] == nil {
				s.names[part] = map[string]string{}
				order = append(order, part)
			}
			if other, ok := s.names[part][v.Name]; ok && other != name {
				return nil, fmt.Errorf("%s: variant %s selects both Benchmark%s and Benchmark%s for the case %s; select a part that only one of them has",
					s.scenario.Position("variant"), v.Name, other, name, part)
			}
			s.names[part][v.Name] = name
		}
	}
	s.unlisted = failed
	s.assume(failed)
	return order, s.checkSelection(order, failed)
}

// listKey tells variants apart that may have other benchmarks: those of another test binary, with another select, or
// with variables that the benchmark itself may look at.
func (s *session) listKey(v scenarios.Variant) string {
	b := s.binaries[v.Name]
	env := ""
	for name, value := range v.Env {
		if b.subject == nil && !slices.Contains(watched, name) {
			env += name + "=" + value + "\x00"
		}
	}
	return b.bench.sha256 + v.Select + "\x00" + v.Rename + "\x00" + env
}

// baseFirst returns the variants that may be measured, the base first.
func (s *session) baseFirst() []scenarios.Variant {
	list := slices.Clone(s.variants)
	slices.SortStableFunc(list, func(a, b scenarios.Variant) int {
		switch {
		case a.Base:
			return -1
		case b.Base:
			return 1
		}
		return 0
	})
	return list
}

func (s *session) listVariant(ctx context.Context, v scenarios.Variant, limit time.Duration, failed map[string]string) ([]string, error) {
	args := []string{"-test.run=^$", "-test.bench=" + s.scenario.BenchPattern(), "-test.benchtime=1x", "-test.v=test2json", "-test.timeout=0"}
	if skip := othersPattern(s.scenario.Variants, v); skip != "" {
		args = append(args, "-test.skip="+skip)
	}
	spec := s.spec(v, limit, args...)
	exit, err := s.children.Run(ctx, spec)
	if err != nil {
		return nil, fmt.Errorf("finding the benchmarks of variant %s: %w", v.Name, err)
	}
	var names []string
	for _, l := range listed(exit.Stdout) {
		if !slices.Contains(names, l.name) {
			names = append(names, l.name)
		}
	}
	// A benchmark that panics lets the testing package go on while the panic is still being printed, and at times the
	// process ends with status 0 before the panic has ended it.
	silent := len(names) == 0 && bytes.Contains(exit.Stdout, []byte("\x16=== RUN ")) && !bytes.Contains(exit.Stdout, []byte("--- SKIP: "))
	switch {
	case !exit.Ok():
		failed[v.Name] = exit.Why(spec) + "\n" + exit.Tail(maxTail)
	case silent:
		failed[v.Name] = "it ended with status 0 and printed no result\n" + exit.Tail(maxTail)
	}
	return names, nil
}

// listLimit keeps a benchmark that hangs from using up the budget before anything was measured.
func (s *session) listLimit() time.Duration {
	limit := listTimeout
	if t := time.Duration(s.scenario.Bench.Timeout); t > 0 {
		limit = min(limit, 4*t)
	}
	return min(limit, max(s.options.Budget/2, 2*time.Second))
}

// assume gives a variant whose pass failed the cases that the base has, so that its trials show how it fails and the
// verdict counts them, instead of the variant silently having fewer cases.
func (s *session) assume(failed map[string]string) {
	base := s.scenario.Base()
	for _, v := range s.variants {
		if _, ok := failed[v.Name]; !ok || v.Base {
			continue
		}
		for _, names := range s.names {
			name, ok := names[base.Name]
			if _, has := names[v.Name]; ok && !has {
				names[v.Name] = reselect(name, base, v)
			}
		}
	}
}

// reselect returns the benchmark of variant v that corresponds to the base's.
func reselect(name string, base, v scenarios.Variant) string {
	switch {
	case base.Select == "" || v.Select == "":
		return name
	case base.Rename != "":
		return v.Select + strings.TrimPrefix(name, base.Select)
	}
	parts := strings.Split(name, "/")
	if i := slices.Index(parts[1:], base.Select); i >= 0 {
		parts[i+1] = v.Select
	}
	return strings.Join(parts, "/")
}

// checkSelection refuses patterns that select nothing.
func (s *session) checkSelection(order []string, failed map[string]string) error {
	base := s.scenario.Base()
	has := func(v scenarios.Variant) bool {
		return slices.ContainsFunc(order, func(c string) bool { return s.names[c][v.Name] != "" })
	}
	if why, ok := failed[base.Name]; ok && !has(base) {
		return fmt.Errorf("%w: no benchmark of the base %s ran to its end: %s", ErrFailed, base.Name, why)
	} else if ok {
		s.failures = append(s.failures, "benchmarks of the base fail: "+firstLine(why))
		s.run.Warnings = append(s.run.Warnings, "some benchmarks of the base fail and are left out: "+why)
	}
	if len(order) == 0 {
		return fmt.Errorf("%w: %s: no benchmark in %s matches the pattern %q and a variant's select; `go test -list Benchmark .` there shows the names",
			ErrNoBenchmarks, s.scenario.Position("bench.run"), s.benchDir, s.scenario.Bench.Run)
	}
	for _, v := range s.scenario.Variants {
		mayBe := slices.ContainsFunc(s.variants, func(x scenarios.Variant) bool { return x.Name == v.Name })
		if mayBe && !has(v) {
			hint := ""
			if v.Rename == "" && v.Select != "" {
				hint = "; to select a whole benchmark by its name, add rename"
			}
			return fmt.Errorf("%w: %s: variant %s selects %q, and no benchmark that %q matches has that%s",
				ErrNoBenchmarks, s.scenario.VariantPosition(v.Name, "select"), v.Name, v.Select, s.scenario.Bench.Run, hint)
		}
	}
	return nil
}

func firstLine(s string) string {
	first, _, _ := strings.Cut(s, "\n")
	return first
}

// errCase is in the error about a case that the pilot could not run: the case is left out, the run goes on.
var errCase = errors.New("the pilot failed")

// errAllowed ends a pilot whose outcome is one that the scenario allows.
var errAllowed = errors.New("the pilot ended as it may")

// pilot finds, on the base alone, how many iterations make a trial of the wanted length, and what a trial costs. It is one
// of so many cases.
// Where only other variants have the case, the first of them stands in. A pilot that ends in a way which the scenario
// allows takes the number of iterations from a case before, so that how the trials end can be counted.
func (s *session) pilot(ctx context.Context, name string, quick bool, cases int, before []results.PlannedCase) (results.PlannedCase, error) {
	v := s.pilotVariant(name)
	slice := s.scenario.SliceOf(name, quick)
	c := results.PlannedCase{Case: name}
	timeout := time.Duration(s.scenario.Bench.Timeout)
	pilotTimeout := timeout
	if pilotTimeout == 0 {
		pilotTimeout = 20*slice*time.Duration(1+s.warmups(name)) + 30*time.Second
	}
	attempt := func(benchtime string, n int) (attempt, error) {
		a, err := s.attempt(ctx, v, name, benchtime, n, pilotTimeout)
		if err != nil {
			return a, err
		}
		c.Pilot = append(c.Pilot, a.exit.Wall.Milliseconds())
		if like, ok := alike(name, before); ok && s.allowed(v.Name, a.outcome) {
			c.N, c.Procs, c.Metrics, c.TimeoutMS = like.N, like.Procs, like.Metrics, like.TimeoutMS
			c.BlockMS = max(ms(a.took), like.BlockMS/float64(len(like.Variants)))
			c.Warnings = append(c.Warnings, fmt.Sprintf("the pilot of %s ended %s; the number of iterations is that of %s", v.Name, a.outcome, like.Case))
			return a, errAllowed
		}
		if a.outcome != results.OK {
			return a, fmt.Errorf("%w: %s of variant %s: %s\n%s", errCase, name, v.Name, a.why, a.exit.Tail(maxTail))
		}
		return a, nil
	}
	short := max(slice/4, time.Millisecond)
	a, err := attempt(short.String(), 0)
	if errors.Is(err, errAllowed) {
		return c, nil
	}
	if err != nil {
		return c, err
	}
	n := iterations(slice, short, a.line)
	for range 2 { // the second time only where the first guess was far off
		a, err = attempt(fmt.Sprintf("%dx", n), n)
		if errors.Is(err, errAllowed) {
			return c, nil
		}
		if err != nil {
			return c, err
		}
		better := iterations(slice, slice, a.line)
		if nsPerOp(a.line) == 0 || n == 1 && better == 1 || within(n, better, 1.5) {
			break
		}
		n = better
	}
	c.N = n
	c.Procs = a.line.procs
	c.BlockMS = ms(a.took)
	if timeout == 0 {
		timeout = 10*a.exit.Wall + 10*time.Second
	}
	c.TimeoutMS = timeout.Milliseconds()
	for _, unit := range s.scenario.Metrics.Primary {
		if slices.ContainsFunc(a.line.values, func(v results.Value) bool { return v.Unit == unit }) {
			c.Metrics = append(c.Metrics, unit)
		}
	}
	if len(c.Metrics) == 0 {
		var has []string
		for _, v := range a.line.values {
			has = append(has, v.Unit)
		}
		return c, fmt.Errorf("%w: the case reports none of the primary metrics; it reports %s", errCase, strings.Join(has, ", "))
	}
	if err := s.planCount(ctx, &c, v, nsPerOp(a.line)); errors.Is(err, errCounting) {
		c.Warnings = append(c.Warnings, err.Error())
	} else if err != nil {
		return c, err
	}
	return c, s.levels(ctx, &c, v, nsPerOp(a.line), cases)
}

// alike returns the last case before that is of the same benchmark.
func alike(name string, before []results.PlannedCase) (results.PlannedCase, bool) {
	benchmark, _, _ := strings.Cut(name, "/")
	for _, c := range slices.Backward(before) {
		if first, _, _ := strings.Cut(c.Case, "/"); first == benchmark {
			return c, true
		}
	}
	return results.PlannedCase{}, false
}

func (s *session) pilotVariant(name string) scenarios.Variant {
	for _, v := range s.baseFirst() {
		if s.names[name][v.Name] != "" {
			return v
		}
	}
	return s.scenario.Base()
}

func nsPerOp(l *line) float64 {
	for _, v := range l.values {
		if v.Unit == "ns/op" {
			return v.Value
		}
	}
	return 0
}

// iterations returns how many make a slice, by a trial that was asked for benchtime: two significant digits, rounded
// up from a quarter of the last on, so that a schedule's round number of operations, on which its quantiles depend,
// stays that number.
func iterations(slice, benchtime time.Duration, l *line) int {
	n := float64(slice) / float64(benchtime) * float64(l.n) // when the benchmark hides its time
	if per := nsPerOp(l); per > 0 {
		n = float64(slice) / per
	}
	n = min(max(n, 1), 1e12)
	if n < 10 {
		return int(math.Ceil(n - 0.5))
	}
	unit := math.Pow(10, math.Floor(math.Log10(n))-1)
	return int(math.Ceil(n/unit-0.25) * unit)
}

func within(a, b int, factor float64) bool {
	r := float64(a) / float64(b)
	return r <= factor && r >= 1/factor
}
