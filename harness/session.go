package harness

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"time"

	"tunelab/harness/internal/process"
	"tunelab/harness/lock"
	"tunelab/harness/machine"
	"tunelab/harness/repo"
	"tunelab/results"
	"tunelab/results/calibration"
	"tunelab/scenarios"
)

// ErrFailed is in every error about a build or a trial that failed, as opposed to unusable input.
var ErrFailed = errors.New("failed")

// ErrNoBenchmarks is in the error about a package in which no benchmark ran at all: none is there with these build tags, or
// all were skipped.
var ErrNoBenchmarks = errors.New("no benchmark ran")

// defaultBudget is the wall time of a run, builds not counted.
const defaultBudget = 3 * time.Minute

// DefaultBudget is the wall time that a run of sc takes when nobody says how much, builds not counted: what its quick
// form asks for, or 3 minutes.
func DefaultBudget(sc *scenarios.Scenario) time.Duration {
	if sc.Quick.Budget > 0 {
		return time.Duration(sc.Quick.Budget)
	}
	return defaultBudget
}

// FullBudget is the wall time in which all of sc's cases can be measured, builds not counted: what the file says, or else
// [DefaultBudget].
func FullBudget(sc *scenarios.Scenario) time.Duration {
	if sc.Full.Budget > 0 {
		return time.Duration(sc.Full.Budget)
	}
	return DefaultBudget(sc)
}

// tooShort reports whether it is clear before anything is built that the budget is one for the quick form: the variants
// that only the others need may take minutes to build.
func tooShort(sc *scenarios.Scenario, budget time.Duration) bool {
	return len(sc.Quick.Cases)+len(sc.Quick.Variants) > 0 && budget < time.Duration(sc.Full.Budget)/2
}

// Limits of one child.
const (
	maxOutput   = 64 << 20 // bytes that it may print
	listTimeout = 5 * time.Minute
)

// Options are a run's settings that the scenario does not hold.
type Options struct {
	Results string        // the folder that run folders go in
	Budget  time.Duration // wall time for everything after the builds and the tests of facts; DefaultBudget of the scenario when 0
	Seed    *uint64       // of the order of blocks and the sign vectors; random when nil
	Quick   bool          // only the scenario's quick cases
	// Profiles are the kinds of profiles to take when measuring has ended, in trials of their own on top of the budget.
	Profiles []string
	// FamilyError is the chance that the run calls anything better or worse though nothing is, where a second stage shall
	// keep it below the plan's alpha, also for a single comparison. 0: as usual.
	FamilyError float64
	Carry       []string             // files and folders of the work tree, relative to the repository's root, that checkouts get where git does not track them
	Hold        *Hold                // the machine, where it is taken already
	Last        []string             // cases that a tight budget keeps last
	Since       map[string]time.Time // by case, when it was measured last; a tight budget keeps those longest not measured first
	Linking     time.Duration        // what linking layouts may take; a share of the budget when 0
	OwnLayouts  bool                 // builds don't share the seeds of layouts, as if each had another number of functions
	Trace       bool                 // measure until the budget is used up, whatever is decided; there is no second stage
	Command     []string             // the command line, for the record and the lock
	Tell        func(Progress)       // called from one goroutine, between trials; may be nil
}

// Outcome is what a run came to.
type Outcome struct {
	Dir      string   // the run's folder, "" when it did not get so far
	Failures []string // undeclared failures of variants and trials, for people
}

// WatchIfAsked turns this process into the watcher that ends a killed run's children, if it was started as one; it
// then returns true when its work is done. Programs that call [Run] or [Resume] call it first in main.
func WatchIfAsked() bool { return process.WatchIfAsked() || lintIfAsked() }

// Run measures a scenario: builds, checks, pilot, plan, blocks. It returns where the results are, and an error when
// there are none or they are incomplete: ctx's error after an interruption, one with [ErrFailed] for a build or base
// that failed, others for input that can't be used.
func Run(ctx context.Context, sc *scenarios.Scenario, o Options) (Outcome, error) {
	s, err := open(sc, o)
	if err != nil {
		return Outcome{}, err
	}
	if err = results.CheckRoot(o.Results); err == nil {
		err = s.fresh(ctx)
	}
	return s.end(err)
}

// makeDir makes the run's folder, unless it is there: not before there is something to put in it.
func (s *session) makeDir() (err error) {
	if s.profiles != "" {
		return nil
	}
	if s.dir, err = results.NewDir(s.options.Results, s.scenario.Name, s.started); err == nil {
		s.profiles, err = filepath.Abs(filepath.Join(s.dir, profilesDir))
	}
	return err
}

// A session is one call of Run or Resume.
type session struct {
	scenario *scenarios.Scenario
	options  Options
	system   machine.System
	lock     *lock.Lock
	children *process.Supervisor
	scratch  string
	started  time.Time
	dir      string // the run's folder, "" until there is something to put in it
	benchDir string // the measuring program's, absolute
	profiles string // folder of CPU profiles in the run's, "" like that
	cpus     division
	led      int // how many parties were given a CPU to begin their slices on

	run      *results.Run
	writer   *results.Writer
	trials   []results.Trial
	variants []scenarios.Variant          // those that may be measured
	revised  map[string]revised           // by variant, those that name a revision
	trees    map[string]*repo.Tree        // their checkouts by folder, unless a hold has them
	binaries map[string]built             // by variant
	names    map[string]map[string]string // by case and variant: the benchmark's name
	listings map[string]*listing          // by variant
	staged   int                          // processes that were started to run benchmarks on command
	began    time.Time                    // when the budget began to run
	planned  time.Duration                // of it used before the first block
	earlier  time.Duration                // of it used by sessions before a resume
	parties  int                          // how many blocks alternated so far
	seed     uint64                       // of everything that is drawn
	layouts  results.Layouts
	reject   results.Reject // by the machine's calibration
	builder  *builder
	inStage  int // 1 or 2
	draw     int // the layout in which the block that is running has its binaries; 0: as linked
	failures []string
}

// open takes the machine: the lock, what a dead run left, the supervisor.
func open(sc *scenarios.Scenario, o Options) (*session, error) {
	if o.Budget <= 0 {
		o.Budget = DefaultBudget(sc)
	}
	if o.Tell == nil {
		o.Tell = func(Progress) {}
	}
	if !o.Quick && tooShort(sc, o.Budget) {
		o.Quick = true
		o.Tell(Progress{Stage: StageBuild, Text: fmt.Sprintf("%v is less than half of the %v that all cases need (--full): the quick ones are measured", o.Budget, FullBudget(sc))})
	}
	dir, err := filepath.Abs(sc.BenchDir())
	if err != nil {
		return nil, fmt.Errorf("finding the benchmarks: %w", err)
	}
	if info, err := os.Stat(dir); (err != nil || !info.IsDir()) && !allRevised(sc) {
		return nil, fmt.Errorf("%s: bench.dir: there is no folder %s", sc.Position("bench.dir"), dir)
	}
	hold := o.Hold
	var dead []lock.Holder
	if hold == nil {
		l, token, left, err := acquire(o.Command)
		if err != nil {
			return nil, err
		}
		hold, dead = &Hold{lock: l, token: token}, left
	}
	s := &session{
		scenario: sc, options: o, lock: hold.lock, benchDir: dir, started: time.Now(), variants: slices.Clone(sc.Variants),
		trees: map[string]*repo.Tree{},
	}
	s.seed = rand.Uint64() >> 11 // every JSON reader holds 53 bits
	if o.Seed != nil {
		s.seed = *o.Seed
	}
	if o.Quick { // the others need not even be built
		s.variants = slices.DeleteFunc(s.variants, func(v scenarios.Variant) bool { return !sc.IsQuick(v.Name) })
	}
	s.cpus, err = divide(sc.Bench.Cores, process.UsableCPUs())
	if err != nil {
		err = fmt.Errorf("%s: %w", sc.Position("bench.cores"), err)
	} else {
		err = s.prepare(hold.token, dead)
	}
	if err != nil {
		return nil, errors.Join(err, s.release())
	}
	return s, nil
}

// release gives the machine back, unless whoever started the run holds it for others too.
func (s *session) release() error {
	if s.options.Hold != nil {
		return nil
	}
	return s.lock.Release()
}

// acquire takes the machine's lock. Token marks the processes that its holder starts.
func acquire(command []string) (l *lock.Lock, token string, dead []lock.Holder, err error) {
	cwd, _ := os.Getwd()
	token = fmt.Sprintf("%d-%016x", os.Getpid(), rand.Uint64())
	l, dead, err = lock.Acquire(lock.Path(), lock.Holder{PID: os.Getpid(), Token: token, Command: command, Dir: cwd, Since: time.Now()})
	return l, token, dead, err
}

// cleanUp ends and removes what killed runs have left.
func cleanUp(l *lock.Lock, dead []lock.Holder, say func(text string)) error {
	for _, d := range dead {
		n, err := process.EndLeftovers(d.Token)
		if err != nil {
			return fmt.Errorf("ending what a killed run (process %d) left: %w", d.PID, err)
		}
		if err := errors.Join(os.RemoveAll(scratchDir(d.Token)), os.RemoveAll(moreDir(d.Token))); err != nil {
			say(fmt.Sprintf("what a killed run (process %d) left can't be removed: %v", d.PID, err))
		}
		if n > 0 {
			say(fmt.Sprintf("ended %d processes that a killed run (process %d) had left", n, d.PID))
		}
	}
	if len(dead) > 0 {
		if err := l.Settle(); err != nil {
			return fmt.Errorf("writing the machine's lock: %w", err)
		}
	}
	return nil
}

// Alone takes the machine for something that measures without [Run], until release is called or the process ends.
func Alone(command []string) (release func() error, err error) {
	l, _, dead, err := acquire(command)
	if err != nil {
		return nil, err
	}
	if err := cleanUp(l, dead, func(string) {}); err != nil {
		return nil, errors.Join(err, l.Release())
	}
	return l.Release, nil
}

func (s *session) prepare(token string, dead []lock.Holder) (err error) {
	if err := cleanUp(s.lock, dead, func(text string) { s.tell(Progress{Stage: StageBuild, Text: text}) }); err != nil {
		return err
	}
	s.scratch = scratchDir(token)
	if err := os.Mkdir(s.scratch, 0o700); err != nil {
		return fmt.Errorf("making a folder for binaries: %w", err)
	}
	s.children, err = process.NewSupervisor(token)
	return err
}

func scratchDir(token string) string { return filepath.Join(os.TempDir(), "tunelab-"+token) }

func (s *session) tell(p Progress) { s.options.Tell(p) }

// end gives everything back that open took, whatever happened.
func (s *session) end(err error) (Outcome, error) {
	if s.writer != nil {
		err = errors.Join(err, s.writer.Close())
	}
	if err != nil {
		if hints := s.explained(err.Error()); hints != "" {
			err = fmt.Errorf("%w\n%s", err, hints)
		}
	}
	for i, text := range s.failures {
		if hints := s.explained(text); hints != "" {
			s.failures[i] += "\n" + hints
		}
	}
	err = errors.Join(err, s.children.Close(), os.RemoveAll(s.scratch), s.release())
	out := Outcome{Dir: s.dir, Failures: s.failures}
	if s.writer == nil && s.dir != "" {
		os.RemoveAll(s.dir) // nothing was measured; no header was written
		out.Dir = ""
	}
	return out, err
}

// fresh does a run from its beginning.
func (s *session) fresh(ctx context.Context) error {
	if err := s.buildAll(ctx, wanted(s.scenario)); err != nil {
		return err
	}
	s.describe(ctx)
	s.findMisuse(ctx)
	if err := s.findFacts(ctx); err != nil { // they may build and download, so that they are not in the budget either
		return err
	}
	s.began = time.Now()
	if err := s.checkLimits(); err != nil {
		return err
	}
	if err := s.checkAll(ctx); err != nil {
		return err
	}
	if err := s.plan(ctx); err != nil {
		return err
	}
	if err := s.makeDir(); err != nil {
		return err
	}
	s.run.ID = filepath.Base(s.dir)
	if err := os.WriteFile(filepath.Join(s.dir, "scenario.toml"), s.scenario.Source, 0o666); err != nil {
		return fmt.Errorf("keeping the scenario beside the results: %w", err)
	}
	var err error
	if s.writer, err = results.Create(s.dir, s.run); err != nil {
		return fmt.Errorf("%w: %w", ErrFailed, err)
	}
	return s.measure(ctx)
}

// watched are the environment variables that change how a Go program runs.
var watched = []string{"GOGC", "GOMEMLIMIT", "GOMAXPROCS", "GODEBUG", "GOTRACEBACK"}

// describe writes down who measures what, where, before anything is decided.
func (s *session) describe(ctx context.Context) {
	base := s.binaries[s.scenario.Base().Name].bench
	id := s.system.Identity()
	s.run = &results.Run{
		Scenario: s.scenario.Name, Question: s.scenario.Question, Protocol: results.Protocol,
		Started: time.Now().UTC().Truncate(time.Second), Command: s.options.Command, Commit: revision(ctx, s.benchDir),
		Package: base.pkg, Dir: s.scenario.Bench.Dir, ScenarioSHA256: sha256Hex(s.scenario.Source),
		Quick: s.options.Quick, Subject: s.subjectName(), Cores: s.cpus.String(),
		Host: hostOf(id, s.goVersion()), Flags: s.scenario.TestFlags().All(),
	}
	if c, err := calibration.Read(s.options.Results); err != nil {
		s.run.Warnings = append(s.run.Warnings, err.Error())
	} else if c != nil {
		s.run.Calibration, s.reject = c.Trust(s.run.Host), c.Reject(s.run.Host)
	}
	for _, c := range s.system.Checks() {
		if c.State == machine.Warn || c.State == machine.Bad {
			s.run.Host.Noise = append(s.run.Host.Noise, fmt.Sprintf("%s (%s): %s. %s", c.Name, c.State, c.Found, c.Effect))
		}
	}
	for _, name := range watched {
		if value, ok := os.LookupEnv(name); ok {
			s.run.Warnings = append(s.run.Warnings, fmt.Sprintf("%s=%s is set in the environment, for every variant that does not set it itself", name, value))
		}
	}
	s.run.Warnings = append(s.run.Warnings, s.remarks()...)
	for _, v := range s.variants {
		s.run.Warnings = append(s.run.Warnings, s.binaries[v.Name].varied().unknownSettings(v)...)
		s.run.Variants = append(s.run.Variants, s.variantOf(v))
	}
	for _, unit := range s.scenario.Metrics.Primary {
		s.run.Metrics = append(s.run.Metrics, results.Metric{
			Unit: unit, Better: s.scenario.Metrics.Better[unit], Margin: s.scenario.MarginOf(unit),
			MarginAbs: s.scenario.Metrics.MarginAbs[unit], Exact: isCount(unit),
		})
	}
	for _, c := range s.scenario.Claims {
		s.run.Claims = append(s.run.Claims, claimOf(c))
	}
	for _, f := range s.scenario.Figures {
		s.run.Figures = append(s.run.Figures, figureOf(f))
	}
}

func (s *session) subjectName() string {
	if bin := s.binaries[s.scenario.Base().Name].subject; bin != nil {
		return bin.pkg
	}
	return ""
}

func (s *session) variantOf(v scenarios.Variant) results.Variant {
	b := s.binaries[v.Name]
	bin := b.varied()
	out := results.Variant{
		Name: v.Name, Base: v.Base, Sets: v.Sets(), Binary: bin.sha256, Build: bin.info, BuildMS: bin.took.Milliseconds(),
		Bytes: bin.bytes, TrainMS: b.trained.Milliseconds(), Allow: v.Allow, Axes: v.Axes, MemoryLimit: int64(v.Limits.Memory),
	}
	if b.profile != "" {
		out.Profile = filepath.Join(profilesDir, filepath.Base(b.profile))
	}
	if b.subject != nil {
		out.Driver = b.bench.sha256
	}
	if r, ok := s.revised[v.Name]; ok {
		out.Commit, out.Subject = r.commit.Hash, r.commit.Subject
	}
	return out
}

// goVersion returns the Go version of all binaries, "" when variants differ in it: a line of the file's configuration
// is a promise that it is the same for all.
func (s *session) goVersion() string {
	version := ""
	for i, v := range s.variants {
		switch goVer := s.binaries[v.Name].varied().goVer; {
		case i == 0:
			version = goVer
		case goVer != version:
			return ""
		}
	}
	return version
}

// Host describes this machine as runs do.
func Host() results.Host { return hostOf(machine.System{}.Identity(), runtime.Version()) }

func hostOf(id machine.Identity, goVer string) results.Host {
	return results.Host{
		GOOS: id.GOOS, GOARCH: id.GOARCH, CPU: id.CPU, Cores: cores(id), MemoryGiB: float64(id.MemoryBytes) / (1 << 30),
		Kernel: id.Kernel, Go: goVer, Machine: id.Machine, Virtual: id.Hypervisor,
	}
}

func cores(id machine.Identity) int {
	if id.CPUs > 0 {
		return id.CPUs
	}
	return runtime.NumCPU()
}

// timed matches units of time, of speed and of shares.
var timed = regexp.MustCompile(`(^|[^a-zA-Z])(ns|us|µs|ms|s|sec|seconds)($|[^a-zA-Z])|share|%`)

// isCount tells units that count things from those that measure time or speed: a count can be free of noise, and two
// constant counts are compared exactly; two equal times are chance.
func isCount(unit string) bool { return !timed.MatchString(unit) }

func figureOf(f scenarios.Figure) results.Figure {
	out := results.Figure{
		Kind: f.Kind, Title: f.Title, Case: f.Case, Cases: f.Cases, Metric: f.Metric, Metrics: f.Metrics, Axis: f.Axis,
		Variants: f.Variants, Factors: f.Factors, Threshold: f.Threshold, Variant: f.Variant, Count: f.Count,
	}
	if f.Limit != nil {
		out.Limit = &results.FigureLimit{Metric: f.Limit.Metric, Most: f.Limit.Most}
	}
	if f.Cost != nil {
		out.Cost = &results.FigureCost{Case: f.Cost.Case, Metric: f.Cost.Metric, Variant: f.Cost.Variant}
	}
	return out
}

func claimOf(c scenarios.Claim) results.Claim {
	out := results.Claim{
		ID: c.ID, Says: c.Says, Kind: c.Kind, Case: c.Case, Metric: c.Metric, Variant: c.Variant, Against: c.Against,
		Test: c.Test, Requires: c.Requires, Tolerance: *c.Tolerance,
	}
	if c.Ratio != nil {
		out.Ratio = *c.Ratio
	}
	if c.Value != nil {
		out.Value = *c.Value
	}
	return out
}

// elapsed is how much of the budget is used.
func (s *session) elapsed() time.Duration { return s.earlier + time.Since(s.began) }
