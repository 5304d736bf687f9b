package harness

import (
	"context"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/google/pprof/profile"

	"tunelab/harness/internal/process"
	"tunelab/harness/internal/serve"
	"tunelab/results"
	"tunelab/results/verdict"
	"tunelab/scenarios"
)

// The kinds of profiles.
const (
	CPU    = "cpu"
	Mutex  = "mutex"
	Block  = "block"
	Heap   = "heap"
	Leaked = "goroutineleak"
)

// ProfileKinds are the kinds of profiles that a run can take.
var ProfileKinds = []string{CPU, Mutex, Block, Heap, Leaked}

const (
	// profileRepeats is how many profiles of a kind are taken of each variant: with five, a function that did not change is
	// seldom named (reports/flame.Changes).
	profileRepeats = 5
	// profileTime is how long a benchmark is profiled: 200 samples of each CPU.
	profileTime    = 2 * time.Second
	profileTimeout = 2 * time.Minute
	// heapRate is one sample of the heap for so many bytes allocated.
	heapRate = 64 << 10
)

// profiling is what is kept back from the budget for a profile that nobody asked for: a block of the case that takes
// longest. What --profile asks for comes on top of the budget.
func (s *session) profiling(cases []results.PlannedCase) time.Duration {
	if !s.scenario.HasSubject() || len(s.options.Profiles) > 0 {
		return 0
	}
	longest := 0.0
	for _, c := range cases {
		longest = max(longest, c.BlockMS)
	}
	return time.Duration(longest * float64(time.Millisecond))
}

// takeProfiles runs variants once more, uncounted and after measuring has ended, with a profiler on: what a reader asks
// next is where the time goes. Without --profile it takes one CPU profile of every variant's subject, if there is one.
// Repeats of the variants take turns, so that both sides of a difference had the same minutes. What fails changes
// nothing; the file says why there is no profile.
func (s *session) takeProfiles(ctx context.Context) {
	kinds, repeats := s.options.Profiles, profileRepeats
	if len(kinds) == 0 && s.scenario.HasSubject() {
		kinds, repeats = []string{CPU}, 1
	}
	if len(kinds) == 0 || len(s.trials) == 0 {
		return
	}
	if err := os.MkdirAll(s.profiles, 0o777); err != nil {
		s.profileRecord(results.Profile{Kind: kinds[0], Why: err.Error()})
		return
	}
	defer os.Remove(s.profiles) // it stays when there is something in it
	s.draw, s.inStage = 0, 1    // as the linker has it
	random := rand.New(rand.NewPCG(s.seed, profileStream))
	for _, kind := range kinds {
		for _, c := range s.profiledCases() {
			if s.takeKind(ctx, kind, c, repeats, random) || ctx.Err() != nil {
				break
			}
		}
	}
}

// profileStream keeps the order of profiles apart from other draws of the seed. ("prof" in ASCII.)
const profileStream = 0x70726f66

// profiledCases are the cases in the order in which a profile is tried of them: first that with the largest change.
func (s *session) profiledCases() []results.PlannedCase {
	cases := slices.Clone(s.run.Plan.Cases)
	largest := map[string]float64{}
	for _, c := range results.NewJudge(s.run).Compare(s.trials, results.Over) {
		if c.Ratio != nil && *c.Ratio > 0 && (c.Verdict == verdict.Better || c.Verdict == verdict.Worse) {
			largest[c.Case] = max(largest[c.Case], math.Abs(math.Log(*c.Ratio)))
		}
	}
	slices.SortStableFunc(cases, func(a, b results.PlannedCase) int {
		switch x, y := largest[a.Case], largest[b.Case]; {
		case x > y:
			return -1
		case x < y:
			return 1
		}
		return 0
	})
	return cases
}

// takeKind takes profiles of one kind of every variant in a case, and merges the repeats of each. It reports whether there
// is any: in some cases a subject has no part.
func (s *session) takeKind(ctx context.Context, kind string, c results.PlannedCase, repeats int, random *rand.Rand) bool {
	var variants []scenarios.Variant
	for _, v := range s.variants {
		if slices.Contains(c.Variants, v.Name) {
			variants = append(variants, v)
		}
	}
	binaries := map[string]built{}
	if kind == Leaked {
		var err error
		if binaries, err = s.leakBuilds(ctx, variants); err != nil {
			s.profileRecord(results.Profile{Kind: kind, Case: c.Case, Why: firstLine(err.Error())})
			return true // in another case it would be the same
		}
	}
	taken := map[string][]*profile.Profile{}
	failed := map[string]string{}
	for repeat := 1; repeat <= repeats; repeat++ {
		for _, i := range random.Perm(len(variants)) {
			v := variants[i]
			if failed[v.Name] != "" || ctx.Err() != nil {
				continue
			}
			s.tell(Progress{Stage: StageMeasure, Text: fmt.Sprintf("a %s profile of %s (%d of %d), not counted", kind, v.Name, repeat, repeats)})
			p, err := s.takeProfile(ctx, kind, c, v, binaries)
			if err != nil {
				failed[v.Name] = firstLine(err.Error())
				continue
			}
			taken[v.Name] = append(taken[v.Name], p)
			if repeats > 1 {
				s.keepProfile(results.Profile{Kind: kind, Variant: v.Name, Case: c.Case, Repeat: repeat}, p)
			}
		}
		if len(taken) == 0 {
			break
		}
	}
	if len(taken) == 0 && len(s.options.Profiles) == 0 {
		return false
	}
	for _, v := range variants {
		merged := results.Profile{Kind: kind, Variant: v.Name, Case: c.Case}
		if list := taken[v.Name]; len(list) > 0 {
			s.keepProfile(merged, list...)
		} else if ctx.Err() == nil {
			merged.Why = failed[v.Name]
			s.profileRecord(merged)
		}
	}
	return len(taken) > 0
}

// takeProfile runs the variant's benchmark once with the profiler on.
func (s *session) takeProfile(ctx context.Context, kind string, c results.PlannedCase, v scenarios.Variant, leak map[string]built) (*profile.Profile, error) {
	file := filepath.Join(s.scratch, "profile.pprof")
	before := file + ".begin"
	os.Remove(before)
	bin, subject := s.binary(v).bench, s.scenario.HasSubject()
	if b, ok := leak[v.Name]; ok && !subject {
		bin = b.bench
	}
	if kind == Leaked && !subject && !bin.serves {
		return nil, fmt.Errorf("%s can't be run on command: %s", c.Case, bin.unserved)
	}
	n, wanted := c.N, time.Duration(0)
	var more []string
	if !subject && kind != Leaked {
		n, wanted = 0, profileTime
		more = profileArgs(kind, file)
	}
	spec := s.profileSpec(c, v, bin, n, wanted, more)
	if subject {
		set := map[string]string{profileVar: file, profileKindVar: kind}
		if b, ok := leak[v.Name]; ok {
			set[subjectVar] = b.subject.path
		}
		spec.Env = withEnv(spec.Env, set)
	}
	os.Remove(file)
	var exit process.Exit
	var err error
	if bin.serves {
		leaks := ""
		if kind == Leaked && !subject {
			leaks = file
		}
		exit, err = s.profiled(ctx, c, v, bin, spec, n, wanted, leaks)
	} else {
		exit, err = s.limited(ctx, v, spec)
	}
	if err != nil {
		return nil, err
	}
	p, err := profileOf(exit, spec, file)
	if err != nil {
		return nil, err
	}
	if from, err := readProfile(before); err == nil { // what had come together before the window
		from.Scale(-1)
		return profile.Merge([]*profile.Profile{p, from})
	}
	return p, nil
}

// profileSpec is how the benchmark is run for a profile: n iterations, or for the time wanted when n is 0.
func (s *session) profileSpec(c results.PlannedCase, v scenarios.Variant, bin *binary, n int, wanted time.Duration, more []string) process.Spec {
	pattern := Anchored("Benchmark" + s.names[c.Case][v.Name])
	limit := max(profileTimeout, 2*time.Duration(c.TimeoutMS)*time.Millisecond)
	if bin.serves {
		return s.spec(v, limit, s.benchArgs(pattern, more...)...)
	}
	benchtime := wanted.String()
	if n > 0 {
		benchtime = fmt.Sprintf("%dx", n)
	}
	return s.spec(v, limit, s.plainArgs(pattern, append(more, "-test.benchtime="+benchtime)...)...)
}

// profiled runs the benchmark in a process that does so on command, and returns how that ended. Leaks is the file for a
// profile of leaked goroutines, "" for none.
func (s *session) profiled(ctx context.Context, c results.PlannedCase, v scenarios.Variant, bin *binary, spec process.Spec, n int, wanted time.Duration, leaks string) (process.Exit, error) {
	t, err := s.talk(v, bin, spec, nil)
	if err != nil {
		return process.Exit{}, err
	}
	var why error
	if leaks != "" {
		_, why = t.Ask(ctx, serve.Leaks(leaks), serve.End, spec.Timeout)
	}
	if why == nil {
		why = new(attempt).ask(ctx, t, 0, wanted, n, s.names[c.Case][v.Name], spec.Timeout)
	}
	exit, err := t.end(ctx)
	if err == nil && exit.Ok() && why != nil {
		err = why
	}
	return exit, err
}

// profileArgs are the arguments by which a test binary profiles itself.
func profileArgs(kind, file string) []string {
	switch kind {
	case Mutex:
		return []string{"-test.mutexprofile=" + file, "-test.mutexprofilefraction=1"}
	case Block:
		return []string{"-test.blockprofile=" + file, "-test.blockprofilerate=1"}
	case Heap:
		return []string{"-test.memprofile=" + file, fmt.Sprintf("-test.memprofilerate=%d", heapRate)}
	}
	return []string{"-test.cpuprofile=" + file}
}

// leakBuilds builds the variants anew with the experiment that finds leaked goroutines.
func (s *session) leakBuilds(ctx context.Context, variants []scenarios.Variant) (map[string]built, error) {
	const experiment = "goroutineleakprofile"
	kept := maps.Clone(s.binaries)
	defer func() { s.binaries = kept }()
	b := &builder{scratch: s.scratch, children: s.children, tell: s.options.Tell, byKey: map[string]*binary{}, prepared: map[string]*preparation{}}
	out := map[string]built{}
	for _, v := range variants {
		profile := kept[v.Name].profile
		v.BuildEnv = maps.Clone(v.BuildEnv)
		if v.BuildEnv == nil {
			v.BuildEnv = map[string]string{}
		}
		set := v.BuildEnv["GOEXPERIMENT"]
		if set == "" {
			set = os.Getenv("GOEXPERIMENT")
		}
		v.BuildEnv["GOEXPERIMENT"] = strings.TrimPrefix(set+","+experiment, ",")
		if err := s.build(ctx, b, v, profile); err != nil {
			return nil, fmt.Errorf("building with GOEXPERIMENT=%s: %w", experiment, err)
		}
		out[v.Name] = s.binaries[v.Name]
	}
	return out, nil
}

// keepProfile writes profiles of one variant as one file into the run's folder, and that it is there into the run's file.
func (s *session) keepProfile(r results.Profile, list ...*profile.Profile) {
	name := r.Kind + "-" + s.fileName(r.Variant)
	if r.Repeat > 0 {
		name += fmt.Sprintf("-%d", r.Repeat)
	}
	name += ".pprof"
	if err := writeMerged(filepath.Join(s.profiles, name), list); err != nil {
		r.Why = err.Error()
	} else {
		r.File = profilesDir + "/" + name
	}
	s.profileRecord(r)
}

// fileName is the variant's name where it can be a file's, and its place among the variants where it can't.
func (s *session) fileName(variant string) string {
	plain := strings.IndexFunc(variant, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("+=._,", r))
	}) < 0
	if plain && len(variant) <= 100 && !strings.HasPrefix(variant, ".") {
		return variant
	}
	return fmt.Sprintf("variant%d", 1+slices.IndexFunc(s.variants, func(v scenarios.Variant) bool { return v.Name == variant }))
}

// profileRecord keeps what became of a profile. A record that can't be written takes nothing from the measurements.
func (s *session) profileRecord(r results.Profile) {
	if err := s.writer.Profile(r); err != nil {
		s.tell(Progress{Stage: StageMeasure, Text: err.Error()})
	}
}
