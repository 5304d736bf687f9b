package harness

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"tunelab/harness/internal/serve"
	"tunelab/results"
	"tunelab/scenarios"
)

// A listing is what a variant's benchmarks are, by running each once.
type listing struct {
	names   []string                 // without "Benchmark", in their order, those with a result
	took    map[string]time.Duration // by name, that one iteration
	broken  []broken
	has     []string // with "Benchmark", all that the binary has, without sub-benchmarks
	quiet   bool     // the process ended with status 0 and ran none
	skipped []string // by name, those that skip themselves
}

// A broken benchmark did not run to its end when it was to run once.
type broken struct {
	name string // without "Benchmark"; "" when the process ended outside of any
	why  string
	slow bool // it did not end in time
	lost bool // nobody came to it
	well bool // its process ended with status 0
}

// of returns why the listing lacks the benchmark, "" where nothing broke that would have run it.
func (l *listing) of(name string) string {
	for _, b := range l.broken {
		if b.name == "" || b.name == name || strings.HasPrefix(name, b.name+"/") {
			return b.why
		}
	}
	return ""
}

// list finds the cases: one pass over every variant's benchmarks at one iteration each. It fills s.names and returns
// the cases in the order in which the base has them, those that the base lacks behind.
func (s *session) list(ctx context.Context) ([]string, error) {
	s.names, s.listings = map[string]map[string]string{}, map[string]*listing{}
	var order []string
	known := map[string]*listing{}
	for _, v := range s.baseFirst() {
		key := s.listKey(v)
		found := known[key]
		if found == nil {
			s.tell(Progress{Stage: StagePilot, Text: "finding the cases of " + v.Name})
			var err error
			if found, err = s.listVariant(ctx, v, s.listLimit(), s.listShare()); err != nil {
				return nil, err
			}
			known[key] = found
		}
		s.listings[v.Name] = found
		for _, name := range found.names {
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
	s.assume()
	if err := s.checkSelection(order); err != nil {
		return nil, err
	}
	s.nameOthers()
	return order, nil
}

// listKey tells variants apart that may have other benchmarks: those of another test binary, with another select, or
// with variables that the benchmark itself may look at.
func (s *session) listKey(v scenarios.Variant) string {
	b := s.binaries[v.Name]
	env := s.benchDirOf(v) + "\x00"
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

const (
	// A benchmark may take 1/listPart of the budget to run once. A slower one could hardly be measured.
	listPart    = 8
	leastToList = 5 * time.Second
)

// listLimit keeps a benchmark that hangs, or takes long, from using up the budget before anything was measured.
func (s *session) listLimit() time.Duration {
	limit := listTimeout
	if t := time.Duration(s.scenario.Bench.Timeout); t > 0 {
		limit = min(limit, 4*t)
	}
	return min(limit, max(s.options.Budget/listPart, min(leastToList, s.options.Budget/2)))
}

// listShare is how long finding the cases of a variant may take.
func (s *session) listShare() time.Duration {
	return max(s.options.Budget/2/time.Duration(len(s.variants)), s.listLimit())
}

// listVariant runs every benchmark of the variant once. What breaks, hangs or takes longer than each costs itself only: its
// process is ended, and the next one goes on behind it. All is how long they may take together.
func (s *session) listVariant(ctx context.Context, v scenarios.Variant, each, all time.Duration) (*listing, error) {
	if !s.binaries[v.Name].bench.serves {
		return s.listPlain(ctx, v, each)
	}
	l := &listing{took: map[string]time.Duration{}}
	until := time.Now().Add(all)
	if err := s.listAll(ctx, v, l, each, all, until); err != nil {
		return nil, err
	}
	err := s.listAlone(ctx, v, l, each, until)
	if _, ok := s.revised[v.Name]; ok {
		for i := range l.broken {
			if hint := s.explained(l.broken[i].why); hint != "" {
				l.broken[i].why += "; " + hint
			}
		}
	}
	return l, err
}

// mostAlone is how many benchmarks are run once more, alone, because they failed behind others.
const mostAlone = 20

// listAlone runs those that failed behind others once more, each in a process of its own: one that leaves a directory or a
// variable changed is not to cost another.
func (s *session) listAlone(ctx context.Context, v scenarios.Variant, l *listing, each time.Duration, until time.Time) error {
	broke := l.broken
	l.broken = nil
	for i, b := range broke {
		if b.name == "" || b.slow || b.lost || i >= mostAlone || time.Now().After(until) {
			l.broken = append(l.broken, b)
			continue
		}
		var done []string
		one := &listing{took: l.took}
		died, err := s.listOnce(ctx, v, Anchored("Benchmark"+b.name), one, &done, min(each, time.Until(until)))
		if err != nil {
			return err
		}
		if died != nil {
			one.broken = append(one.broken, *died)
		}
		l.names, l.skipped, l.broken = append(l.names, one.names...), append(l.skipped, one.skipped...), append(l.broken, one.broken...)
	}
	return nil
}

// listAll runs every benchmark of the variant once, many in a process.
func (s *session) listAll(ctx context.Context, v scenarios.Variant, l *listing, each, all time.Duration, until time.Time) error {
	var done []string // with "Benchmark", those that need not be run again
	for {
		died, err := s.listOnce(ctx, v, s.scenario.BenchPattern(), l, &done, min(each, time.Until(until)))
		if err != nil || died == nil {
			return err
		}
		if died.well && died.name == "" && len(l.has) == 0 {
			l.quiet = true
			return nil
		}
		again := died.name == "" || slices.Contains(done, "Benchmark"+died.name)
		if died.name != "" || len(l.has) == 0 {
			l.broken = append(l.broken, *died)
		}
		if done = append(done, "Benchmark"+died.name); again {
			l.breakRest(done, died.why)
			return nil
		}
		if time.Now().After(until) {
			l.breakRest(done, fmt.Sprintf("finding the cases took longer than %v, and it comes behind those that were found", all.Round(time.Second)))
			return nil
		}
	}
}

// breakRest notes the benchmarks that nobody came to.
func (l *listing) breakRest(done []string, why string) {
	for _, name := range l.has {
		if !slices.Contains(done, name) {
			l.broken = append(l.broken, broken{name: strings.TrimPrefix(name, "Benchmark"), why: why, lost: true})
		}
	}
}

// listOnce is one process's part. Died is the benchmark in which it ended, nil when it came to the end.
func (s *session) listOnce(ctx context.Context, v scenarios.Variant, pattern string, l *listing, done *[]string, limit time.Duration) (died *broken, err error) {
	var more []string
	if skip := othersPattern(s.scenario.Variants, v); skip != "" {
		more = append(more, "-test.skip="+skip)
	}
	spec := s.spec(v, limit, s.benchArgs(pattern, more...)...)
	t, err := s.talk(v, s.binary(v).bench, spec, nil)
	if err != nil {
		return nil, fmt.Errorf("finding the benchmarks of variant %s: %w", v.Name, err)
	}
	text, askErr := t.Ask(ctx, serve.List(*done), serve.End, max(limit, time.Second))
	printed := string(t.Printed())
	exit, err := t.end(ctx)
	if err = errors.Join(ctx.Err(), err); err != nil {
		return nil, fmt.Errorf("finding the benchmarks of variant %s: %w", v.Name, err)
	}
	answer := serve.Read(text)
	if len(answer.Has) > 0 { // a process that ended before it could say so takes nothing back
		l.has = answer.Has
	}
	open := l.read(answer, printed, done)
	if askErr == nil {
		return nil, nil
	}
	died = &broken{why: exit.Why(spec) + reason(exit.Tail(maxTail)), slow: exit.TimedOut}
	if exit.Ok() {
		died.why, died.well = "it ended with status 0 and gave no result", true
	}
	if len(open) > 0 {
		died.name = strings.TrimPrefix(open[len(open)-1], "Benchmark")
	}
	return died, nil
}

// read takes events in, and returns the benchmarks that have begun and not ended, outermost first.
func (l *listing) read(a serve.Answer, printed string, done *[]string) (open []string) {
	for _, e := range a.Events {
		if e.Begins {
			open = append(open, e.Name)
			continue
		}
		if i := slices.Index(open, e.Name); i >= 0 {
			open = open[:i]
		}
		*done = append(*done, e.Name)
		name := strings.TrimPrefix(e.Name, "Benchmark")
		switch e.How {
		case serve.Ok:
			l.names = append(l.names, name)
			l.took[name] = e.Took
		case serve.Skip:
			l.skipped = append(l.skipped, name)
		case serve.Fail:
			if !slices.ContainsFunc(l.broken, func(b broken) bool { return strings.HasPrefix(b.name, name+"/") }) {
				l.broken = append(l.broken, broken{name: name, why: failure(printed, e.Name)})
			}
		}
	}
	return open
}

// crashed matches what a Go program says first when it dies, and where that was in a test.
var (
	crashed = regexp.MustCompile(`(?m)(?:^|\t)(?:panic: |fatal error: |runtime: ).*$`)
	place   = regexp.MustCompile(`(?m)^\s+(\S*_test\.go:\d+)`)
	told    = regexp.MustCompile(`^(…|goos: .*|goarch: .*|pkg: .*|cpu: .*|Benchmark.*|PASS|FAIL|\s*)$`) // by package testing
)

// reason is what a process that died said of why, and where, in a line.
func reason(tail string) string {
	at := crashed.FindStringIndex(tail)
	if at == nil { // what it printed first may say why
		for line := range strings.Lines(tail) {
			if line = strings.TrimRight(line, "\n"); !told.MatchString(line) {
				return ": " + strings.TrimSpace(line)
			}
		}
		return ""
	}
	text := ": " + strings.TrimSpace(tail[at[0]:at[1]])
	if m := place.FindStringSubmatch(tail[at[1]:]); m != nil {
		text += " (" + filepath.Base(m[1]) + ")"
	}
	return text
}

// listPlain is for a binary that runs all its benchmarks in one go: one that breaks takes with it what comes behind it.
func (s *session) listPlain(ctx context.Context, v scenarios.Variant, limit time.Duration) (*listing, error) {
	more := []string{"-test.benchtime=1x"}
	if skip := othersPattern(s.scenario.Variants, v); skip != "" {
		more = append(more, "-test.skip="+skip)
	}
	spec := s.spec(v, limit, s.plainArgs(s.scenario.BenchPattern(), more...)...)
	exit, err := s.children.Run(ctx, spec)
	if err != nil {
		return nil, fmt.Errorf("finding the benchmarks of variant %s: %w", v.Name, err)
	}
	l := &listing{}
	for _, found := range listed(exit.Stdout) {
		if !slices.Contains(l.names, found.name) {
			l.names = append(l.names, found.name)
		}
	}
	// A benchmark that panics lets the testing package go on while the panic is still being printed, and at times the
	// process ends with status 0 before the panic has ended it.
	silent := len(l.names) == 0 && bytes.Contains(exit.Stdout, []byte("\x16=== RUN ")) && !bytes.Contains(exit.Stdout, []byte("--- SKIP: "))
	switch {
	case !exit.Ok():
		l.broken = []broken{{why: exit.Why(spec) + "\n" + exit.Tail(maxTail)}}
	case silent:
		l.broken = []broken{{why: "it ended with status 0 and printed no result\n" + exit.Tail(maxTail)}}
	}
	return l, nil
}

// assume gives a variant the cases that the base has and that broke in its own pass, so that its trials show how they fail
// and the verdict counts them, instead of the variant silently having fewer cases.
func (s *session) assume() {
	base := s.scenario.Base()
	for _, v := range s.variants {
		if v.Base {
			continue
		}
		for _, names := range s.names {
			name, ok := names[base.Name]
			if _, has := names[v.Name]; !ok || has {
				continue
			}
			if own := reselect(name, base, v); s.listings[v.Name].of(own) != "" {
				names[v.Name] = own
			}
		}
	}
}

// nameOthers notes the benchmarks that broke or skipped themselves and are no case of any variant, and that some of the
// base's broke.
func (s *session) nameOthers() {
	told := map[string]bool{}
	for _, v := range s.baseFirst() {
		for _, b := range s.listings[v.Name].broken {
			name, ok := v.Case(b.name)
			if v.Base {
				s.failures = append(s.failures, strings.TrimSpace("benchmarks of the base fail: "+b.name+": "+firstLine(b.why)))
			}
			if b.name == "" || !ok || told[name] || s.names[name] != nil {
				continue
			}
			told[name] = true
			code, how := results.Breaks, "it fails"
			if b.lost {
				code, how = results.Unknown, "nobody came to it"
			}
			s.notMeasured(name, code, v.Name, fmt.Sprintf("%s in %s: %s", how, v.Name, b.why))
		}
		for _, skipped := range s.listings[v.Name].skipped {
			if name, ok := v.Case(skipped); ok && !told[name] && s.names[name] == nil {
				told[name] = true
				s.notMeasured(name, results.Skipped, v.Name, "it skips itself")
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
func (s *session) checkSelection(order []string) error {
	base := s.scenario.Base()
	has := func(v scenarios.Variant) bool {
		return slices.ContainsFunc(order, func(c string) bool { return s.names[c][v.Name] != "" })
	}
	if list := s.listings[base.Name].broken; len(list) > 0 && !has(base) {
		return fmt.Errorf("%w: no benchmark of the base %s ran to its end: %s", ErrFailed, base.Name, strings.TrimSpace(list[0].name+" "+list[0].why))
	}
	if s.listings[base.Name].quiet && len(order) == 0 {
		return fmt.Errorf("%w: the tests in %s end with status 0 before any is run: their TestMain does not call m.Run", ErrNoBenchmarks, s.benchDir)
	}
	if skipped := s.listings[base.Name].skipped; len(order) == 0 && len(skipped) > 0 {
		return fmt.Errorf("%w: those in %s skip themselves: %s", ErrNoBenchmarks, s.benchDir, strings.Join(skipped, ", "))
	}
	if len(order) == 0 {
		return fmt.Errorf("%w: %s: no benchmark in %s matches the pattern %q and a variant's select; `go test -list Benchmark .` there shows the names",
			ErrNoBenchmarks, s.scenario.Position("bench.run"), s.benchDir, s.scenario.BenchPattern())
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
