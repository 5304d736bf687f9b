package harness

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"tunelab/harness/internal/process"
	"tunelab/harness/internal/serve"
	"tunelab/results"
	"tunelab/scenarios"
)

// benchArgs are the arguments that go test gives a test binary for benchmarks that match the pattern.
func (s *session) benchArgs(pattern string, more ...string) []string {
	flags := s.scenario.TestFlags()
	args := []string{"-test.paniconexit0"}
	if !slices.ContainsFunc(flags.Test, func(f string) bool { return strings.HasPrefix(f, "-test.timeout=") }) {
		args = append(args, "-test.timeout=10m0s")
	}
	return slices.Concat(args, []string{"-test.run=^$", "-test.bench=" + pattern}, more, flags.Test, flags.Args)
}

// plainArgs are those of a binary that can't be told anything but by flags: what follows them is seen by benchmarks.
func (s *session) plainArgs(pattern string, more ...string) []string {
	return s.benchArgs(pattern, append(more, "-test.benchmem", "-test.v=test2json")...)
}

var majorVersion = regexp.MustCompile(`^v[0-9]+$`)

// testName is what go test calls the binary.
func (b *binary) testName() string {
	name := path.Base(b.pkg)
	if parent := path.Base(path.Dir(b.pkg)); majorVersion.MatchString(name) && parent != "." && parent != "/" {
		name = parent
	}
	return name + ".test"
}

// A server is a process that runs benchmarks on command.
type server struct {
	*process.Member
	stage *process.Stage
}

// serve starts the program of the spec in the party, to run benchmarks on command. Wrap, if not nil, is asked for the spec of
// a program that runs it.
func (s *session) serve(party *process.Party, bin *binary, spec process.Spec, wrap func(process.Spec) process.Spec) (server, error) {
	s.staged++
	at, err := process.NewStage(filepath.Join(s.scratch, fmt.Sprintf("p%06d", s.staged)), bin.path, bin.testName(), serve.Commands, serve.Answers)
	if err != nil {
		return server{}, err
	}
	spec.Path = at.Program
	if wrap != nil {
		spec = wrap(spec)
	}
	m, err := party.Start(spec, at, serve.Commands, serve.Answers)
	if err != nil {
		return server{}, errors.Join(err, at.Remove())
	}
	return server{m, at}, nil
}

// errEnded is why there is no result of a process that ended; how it did is known when its party is over.
var errEnded = errors.New("the process ended and gave no result")

// run has the process run n iterations of the benchmark, and returns its result. The error is ctx's, or says why there is
// none.
func (m server) run(ctx context.Context, n, cpu int, counts, benchmark string, limit time.Duration) (*line, serve.Answer, error) {
	text, err := m.Ask(ctx, serve.Run(n, cpu, counts), serve.End, limit)
	if ctx.Err() != nil {
		return nil, serve.Answer{}, ctx.Err()
	}
	answer := serve.Read(text)
	if errors.Is(err, process.ErrEnded) {
		err = errEnded
	}
	if err != nil {
		return nil, answer, err
	}
	for _, e := range answer.Events {
		switch e.How {
		case serve.Fail:
			return nil, answer, errors.New(failure(string(m.Printed()), "Benchmark"+benchmark))
		case serve.Skip:
			return nil, answer, errors.New("the benchmark was skipped")
		}
	}
	l, err := parseLine(answer.Result, benchmark)
	if err == nil && l == nil {
		err = fmt.Errorf("there was no result of Benchmark%s", benchmark)
	}
	return l, answer, err
}

// A talk is with one server that is alone.
type talk struct {
	server
	party *process.Party
	fence *process.Fence
}

// talk starts a process of the variant alone, with the variant's limits.
func (s *session) talk(v scenarios.Variant, bin *binary, spec process.Spec, wrap func(process.Spec) process.Spec) (*talk, error) {
	t := &talk{party: s.children.NewParty()}
	if v.Limits != (scenarios.Limits{}) {
		var err error
		if t.fence, err = s.fence(v); err != nil {
			return nil, err
		}
		if s.scenario.HasSubject() {
			spec.Env = withEnv(spec.Env, map[string]string{subjectCgroupsVar: strings.Join(t.fence.Dirs(), ":")})
		} else {
			spec.Fence = t.fence
		}
	}
	var err error
	if t.server, err = s.serve(t.party, bin, spec, wrap); err != nil && t.fence != nil {
		err = errors.Join(err, t.fence.Close())
	}
	return t, err
}

// end ends the process and returns how it ended.
func (t *talk) end(ctx context.Context) (process.Exit, error) {
	exits, err := t.party.Close(ctx)
	exit := exits[0]
	if t.fence != nil {
		if t.fence.OOMKills() > 0 {
			exit.OutOfMemory = true
		}
		err = errors.Join(err, t.fence.Close())
	}
	return exit, errors.Join(err, t.stage.Remove())
}

// How a number of iterations is found that takes a wanted time.
const (
	probed     = 0.5 // of the wanted time is enough
	mostGrowth = 100 // times as many are tried next at most
	probing    = 20  // times the wanted time is when trying ends
)

// served is an attempt in a process that runs the benchmark on command: n iterations, or as many as take the time wanted
// when n is 0.
func (s *session) served(ctx context.Context, v scenarios.Variant, name string, wanted time.Duration, n int, timeout time.Duration) (attempt, error) {
	benchmark := s.names[name][v.Name]
	spec := s.spec(v, timeout, s.benchArgs(Anchored("Benchmark"+benchmark))...)
	t, err := s.talk(v, s.binary(v).bench, spec, nil)
	if err != nil {
		return attempt{}, fmt.Errorf("running %s of variant %s: %w", name, v.Name, err)
	}
	a := attempt{outcome: results.OK}
	why := a.ask(ctx, t, s.warmups(name), wanted, n, benchmark, timeout)
	if ctx.Err() != nil {
		_, err := t.end(ctx)
		return a, errors.Join(ctx.Err(), err)
	}
	if why == nil {
		why = a.line.validate(n, s.scenario.Metrics.Primary)
	}
	if a.exit, err = t.end(ctx); err != nil {
		return a, fmt.Errorf("running %s of variant %s: %w", name, v.Name, err)
	}
	if a.judgeExit(spec) && why != nil {
		a.fail(results.Failed, "%v", why)
	}
	return a, nil
}

// ask has the process run the benchmark: first what is thrown away, then n iterations, or ever more until they take the time
// wanted when n is 0. The error says why there is no result.
func (a *attempt) ask(ctx context.Context, t *talk, warmups int, wanted time.Duration, n int, benchmark string, timeout time.Duration) error {
	runs := slices.Repeat([]int{n}, 1+warmups)
	if n == 0 {
		runs = []int{1}
	}
	counts := ""
	var before *line
	var beside, spent time.Duration
	for i := 0; i < len(runs); i++ {
		began := time.Now()
		l, answer, err := t.run(ctx, runs[i], serve.AnyCPU, counts, benchmark, timeout)
		if err != nil {
			return err
		}
		a.wall = time.Since(began)
		spent += a.wall
		timed := time.Duration(nsPerOp(l) * float64(l.n))
		a.beside = max(0, a.wall-timed)
		if before != nil && l.n > before.n {
			a.perOp = max(0, float64(a.wall-timed-beside)/float64(l.n-before.n))
		}
		// The first time, testing itself runs the benchmark, with an iteration more.
		if i > 0 {
			before, beside = l, a.wall-timed
		}
		a.line, counts = l, answer.Counts
		if n == 0 && spent < probing*wanted {
			if next := a.grown(wanted); next > runs[i] {
				runs = append(runs, next)
			}
		}
	}
	return nil
}

// grown returns how many iterations to try next so that their timed loop takes the time wanted; as many as were tried when
// it took a good part of that, or when more would take far longer for what they do while the timer stands.
func (a *attempt) grown(wanted time.Duration) int {
	n := float64(a.line.n)
	timed := nsPerOp(a.line) * n
	if timed == 0 { // the benchmark hides its time
		timed = float64(a.wall)
	}
	if timed >= probed*float64(wanted) {
		return a.line.n
	}
	next := min(float64(wanted)/max(timed, 1)*n, mostGrowth*n, 1e12)
	if hidden := a.hidden(); hidden > 0 {
		next = min(next, probing/2*float64(wanted)/(timed/n+hidden))
	}
	if next < 2*n {
		return a.line.n
	}
	return int(next)
}

// failure is what testing printed of a benchmark that failed.
func failure(printed, name string) string {
	_, rest, ok := strings.Cut(printed, "--- FAIL: "+name)
	if !ok {
		return "the benchmark failed"
	}
	lines := strings.Split(rest, "\n")
	text := "the benchmark failed"
	for _, line := range lines[1:min(len(lines), 6)] {
		if !strings.HasPrefix(line, "    ") {
			break
		}
		text += ": " + strings.TrimSpace(line)
	}
	return text
}

// withGoBin puts the folder of the go command's own programs in front of PATH, as go test does.
func withGoBin(env []string, goroot string) []string {
	if goroot == "" {
		return env
	}
	bin := filepath.Join(goroot, "bin")
	i := slices.IndexFunc(env, func(e string) bool { return strings.HasPrefix(e, "PATH=") })
	switch {
	case i < 0:
		return append(env, "PATH="+bin)
	case env[i] == "PATH="+bin || strings.HasPrefix(env[i], "PATH="+bin+string(os.PathListSeparator)):
		return env
	}
	out := slices.Clone(env)
	out[i] = "PATH=" + bin + string(os.PathListSeparator) + strings.TrimPrefix(env[i], "PATH=")
	return out
}
