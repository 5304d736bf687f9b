package harness

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"tunelab/results"
	"tunelab/scenarios"
)

// Resume goes on with the run in dir, which was interrupted. Plan, seed and order stay as they were written; trials
// that are on record, failed ones too, are not run again. It refuses when CPU, kernel, Go version or a binary is not
// the one that the earlier trials were made with, and when the run has ended: more blocks after a look at the result
// would raise the rate of false alarms.
func Resume(ctx context.Context, sc *scenarios.Scenario, dir string, o Options) (Outcome, error) {
	file, err := results.Read(dir)
	if err != nil {
		return Outcome{}, fmt.Errorf("resuming: %w", err)
	}
	if file.Done != nil {
		return Outcome{}, fmt.Errorf("resuming %s: it ended already (%s); its plan can't be extended after its result was seen: start a new run", dir, file.Done.Why)
	}
	if sum := sha256Hex(sc.Source); sum != file.Run.ScenarioSHA256 {
		return Outcome{}, fmt.Errorf("resuming %s: %s is not the file that the run began with; a copy of that is %s", dir, sc.Path, filepath.Join(dir, "scenario.toml"))
	}
	o.Budget = time.Duration(file.Run.Plan.BudgetMS) * time.Millisecond
	o.Results = filepath.Dir(filepath.Dir(file.Path))
	s, err := open(sc, o)
	if err != nil {
		return Outcome{}, err
	}
	s.dir = filepath.Dir(file.Path)
	if s.profiles, err = filepath.Abs(filepath.Join(s.dir, profilesDir)); err == nil {
		err = s.again(ctx, file)
	}
	out, err := s.end(err)
	out.Dir = filepath.Dir(file.Path)
	return out, err
}

func (s *session) again(ctx context.Context, file *results.File) error {
	dir := s.dir
	s.dir = "" // not ours to remove
	s.run, s.trials = file.Run, file.Trials
	s.variants = slices.DeleteFunc(s.variants, func(v scenarios.Variant) bool { // a quick run built some only
		return !slices.ContainsFunc(file.Run.Variants, func(x results.Variant) bool { return x.Name == v.Name })
	})
	s.seed = file.Run.Plan.Seed
	if err := s.buildAll(ctx, file.Run.Plan.Layouts); err != nil {
		return err
	}
	if err := s.sameAsBefore(file.Run); err != nil {
		return fmt.Errorf("resuming %s: %w; start a new run", dir, err)
	}
	s.names = map[string]map[string]string{}
	if err := s.rename(ctx); err != nil {
		return err
	}
	var err error
	if s.writer, err = results.Reopen(file); err != nil {
		return fmt.Errorf("%w: %w", ErrFailed, err)
	}
	s.dir = dir
	if n := len(file.Trials); n > 0 {
		last := file.Trials[n-1]
		s.earlier = time.Duration(float64(last.StartMS)+last.WallMS) * time.Millisecond
	}
	for _, t := range file.Trials {
		s.parties = max(s.parties, t.Party)
	}
	s.began = time.Now()
	s.tell(Progress{Stage: StageMeasure, Text: fmt.Sprintf("resuming after %d trials", len(file.Trials))})
	return s.measure(ctx)
}

// sameAsBefore refuses a machine or binary that the earlier trials were not made with.
func (s *session) sameAsBefore(before *results.Run) error {
	now := hostOf(s.system.Identity(), s.goVersion())
	for _, x := range []struct{ what, was, is string }{
		{"the CPU", before.Host.CPU, now.CPU},
		{"the machine", before.Host.Machine, now.Machine},
		{"the kernel", before.Host.Kernel, now.Kernel},
		{"the Go version", before.Host.Go, now.Go},
	} {
		if x.was != x.is {
			return fmt.Errorf("%s was %s and is %s", x.what, x.was, x.is)
		}
	}
	for _, v := range before.Variants {
		b, ok := s.binaries[v.Name]
		if !ok {
			return fmt.Errorf("variant %s is not in the scenario any more", v.Name)
		}
		if b.subject != nil && b.bench.sha256 != v.Driver {
			return fmt.Errorf("the benchmark's binary differs (sha256 %.12s before, %.12s now): its source, a dependency or the build settings changed", v.Driver, b.bench.sha256)
		}
		if bin := b.varied(); bin.sha256 != v.Binary {
			return fmt.Errorf("the binary of variant %s differs (sha256 %.12s before, %.12s now): its source, a dependency or the build settings changed", v.Name, v.Binary, bin.sha256)
		}
	}
	return nil
}

// rename finds the benchmarks of the planned cases again.
func (s *session) rename(ctx context.Context) error {
	s.began = time.Now()
	if _, err := s.list(ctx); err != nil {
		return err
	}
	for _, c := range s.run.Plan.Cases {
		for _, v := range c.Variants {
			if s.names[c.Case][v] == "" {
				return fmt.Errorf("resuming: variant %s has no benchmark for the case %s any more", v, c.Case)
			}
		}
	}
	return nil
}
