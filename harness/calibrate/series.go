package calibrate

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/perf/benchfmt"

	"tunelab/harness"
	"tunelab/scenarios"
)

// recordSeries runs the base's benchmarks as most people do, `-benchtime=100ms -count=10` in a process that is not told
// how many iterations to make, again and again until the time is used up, and returns a recording of each case, of an
// even number of processes: none where not even two fit into twice the time.
func recordSeries(ctx context.Context, sc *scenarios.Scenario, budget time.Duration) ([]Recording, error) {
	release, err := harness.Alone(os.Args)
	if err != nil {
		return nil, err
	}
	defer release()
	dir, err := os.MkdirTemp("", "tunelab-series-")
	if err != nil {
		return nil, fmt.Errorf("making a folder for the test binary: %w", err)
	}
	defer os.RemoveAll(dir)
	base := sc.Base()
	binary := filepath.Join(dir, "bench.test")
	if text, err := command(ctx, sc, base.BuildEnv, "go", slices.Concat([]string{"test", "-c", "-o", binary}, base.Flags, []string{"."})...); err != nil {
		return nil, fmt.Errorf("building the benchmark: %w\n%s", err, text)
	}
	byCase := map[string]*Recording{}
	began, longest := time.Now(), time.Duration(0)
	inTime, cancel := context.WithTimeout(ctx, 2*budget)
	defer cancel()
	for n := 0; n < 2 || n%2 == 1 || time.Since(began)+2*longest < budget; n++ {
		started := time.Now()
		text, err := command(inTime, sc, base.Env, binary, "-test.run=^$", "-test.bench="+sc.BenchPattern(),
			"-test.benchtime="+usualSlice.String(), fmt.Sprintf("-test.count=%d", usualSamples))
		took := time.Since(started)
		longest = max(longest, took)
		if inTime.Err() != nil && ctx.Err() == nil {
			if n < 2 {
				return nil, nil
			}
			break
		}
		if err != nil {
			return nil, fmt.Errorf("running the benchmark: %w\n%s", err, text)
		}
		series, err := seriesOf(text)
		if err != nil {
			return nil, err
		}
		for name, s := range series {
			name, ok := base.Case(name)
			if !ok { // of another variant
				continue
			}
			s.Seconds = took.Seconds() / float64(len(series))
			if byCase[name] == nil {
				byCase[name] = &Recording{Case: name}
			}
			byCase[name].Series = append(byCase[name].Series, s)
		}
	}
	var out []Recording
	for _, name := range slices.Sorted(maps.Keys(byCase)) {
		r := *byCase[name]
		seconds, inside := 0.0, 0.0
		for _, s := range r.Series {
			seconds, inside = seconds+s.Seconds, inside+s.Inside
		}
		r.Inside = inside / seconds
		out = append(out, r)
	}
	return out, nil
}

func command(ctx context.Context, sc *scenarios.Scenario, env map[string]string, path string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Dir = sc.BenchDir()
	cmd.Env = os.Environ()
	for k, v := range env {
		cmd.Env = append(cmd.Env, k+"="+v)
	}
	text, err := cmd.CombinedOutput()
	return text, errors.Join(err, ctx.Err())
}

// seriesOf reads what a test binary printed, by case.
func seriesOf(text []byte) (map[string]Series, error) {
	out := map[string]Series{}
	lines := benchfmt.NewReader(bytes.NewReader(text), "the benchmark's output")
	for lines.Scan() {
		l, ok := lines.Result().(*benchfmt.Result)
		if !ok {
			continue
		}
		ns, ok := l.Value("sec/op") // the reader has seconds where the line has ns/op
		if !ok {
			continue
		}
		name := caseOf(l.Name)
		s := out[name]
		s.NS = append(s.NS, 1e9*ns)
		s.Inside += ns * float64(l.Iters)
		out[name] = s
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("reading the benchmark's output: %w", err)
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("the benchmark printed no result:\n%s", text)
	}
	return out, nil
}

// caseOf is a benchmark's name without the number of processors at its end.
func caseOf(name benchfmt.Name) string {
	base, parts := name.Parts()
	text := string(base)
	for _, p := range parts {
		if p[0] == '/' {
			text += string(p)
		}
	}
	return text
}
