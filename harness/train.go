package harness

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/google/pprof/profile"

	"tunelab/harness/internal/process"
	"tunelab/scenarios"
)

const (
	// profilesDir is where a run keeps the CPU profiles that were taken.
	profilesDir = "profiles"
	// trainPasses is how many processes each case of a training workload runs in. With passes of ten seconds and the
	// profiler's 100 samples a second of CPU that makes some 2,000 to 4,000 samples a case.
	trainPasses  = 2
	trainTimeout = 5 * time.Minute
)

// train returns the file with the profile that variant v is built with: of its training workload in the base variant,
// all passes merged. It takes the profile unless the run's folder has it already, as it has for a second variant with
// the same training and on resume.
func (s *session) train(ctx context.Context, b *builder, v scenarios.Variant) (path string, fresh bool, err error) {
	sum := sha256.Sum256([]byte(v.PGO.Case + "\x00" + filepath.Base(v.PGO.Dir) + "\x00" + v.PGO.Run))
	name := fmt.Sprintf("train-%x.pprof", sum[:6])
	if s.profiles != "" {
		path = filepath.Join(s.profiles, name)
		if _, err := os.Stat(path); err == nil {
			return path, false, nil
		}
	}
	base := s.scenario.Base()
	if _, ok := s.binaries[base.Name]; !ok { // the base is itself built with a profile
		base.PGO = nil
		if err := s.build(ctx, b, base, ""); err != nil {
			return "", false, err
		}
		defer delete(s.binaries, base.Name)
	}
	var passes []*profile.Profile
	if v.PGO.Dir != "" {
		passes, err = s.trainOther(ctx, b, *v.PGO)
	} else {
		passes, err = s.trainOwn(ctx, base, v)
	}
	if err != nil {
		return "", false, err
	}
	if err = s.makeDir(); err == nil { // the profile is the first thing to put in it, and its path is in the build
		err = os.MkdirAll(s.profiles, 0o777)
	}
	if err != nil {
		return "", false, fmt.Errorf("making the folder of profiles: %w", err)
	}
	path = filepath.Join(s.profiles, name)
	return path, true, writeMerged(path, passes)
}

// trainOwn takes profiles of the scenario's own benchmarks.
func (s *session) trainOwn(ctx context.Context, base, v scenarios.Variant) ([]*profile.Profile, error) {
	s.tell(Progress{Stage: StageBuild, Text: fmt.Sprintf("finding the workload that trains %s", v.Name)})
	found, err := s.listVariant(ctx, base, trainTimeout, trainTimeout) // before the budget begins
	if err != nil {
		return nil, err
	}
	var workload, cases []string
	for _, name := range found.names {
		if part, ok := base.Case(name); ok {
			cases = append(cases, part)
			if v.PGO.Trains(part) {
				workload = append(workload, name)
			}
		}
	}
	if len(workload) == 0 {
		position := s.scenario.VariantPosition(v.Name, "pgo")
		if len(found.broken) > 0 {
			return nil, fmt.Errorf("%w: %s: no case %q ran to its end in the base: %s", ErrFailed, position, v.PGO.Case, found.broken[0].why)
		}
		return nil, fmt.Errorf("%s: pgo names %q, and the base has only %q", position, v.PGO.Case, cases)
	}
	var passes []*profile.Profile
	for _, benchmark := range workload {
		for pass := range trainPasses {
			s.tell(Progress{Stage: StageBuild, Text: fmt.Sprintf("training %s on %s, pass %d of %d", v.Name, benchmark, pass+1, trainPasses)})
			file := filepath.Join(s.scratch, "pass.pprof")
			spec := s.spec(base, trainTimeout, trainArgs(Anchored("Benchmark"+benchmark), time.Duration(s.scenario.Bench.Training), s.ownProfile(file)...)...)
			if s.scenario.HasSubject() {
				spec.Env = withEnv(spec.Env, map[string]string{profileVar: file})
			}
			p, err := s.trained(ctx, spec, file)
			if err != nil {
				return nil, fmt.Errorf("the workload %s: %w", benchmark, err)
			}
			passes = append(passes, p)
		}
	}
	return passes, nil
}

// ownProfile is the argument by which a test binary profiles itself; a subject is profiled by its driver.
func (s *session) ownProfile(file string) []string {
	if s.scenario.HasSubject() {
		return nil
	}
	return []string{"-test.cpuprofile=" + file}
}

func trainArgs(pattern string, each time.Duration, more ...string) []string {
	args := []string{"-test.run=^$", "-test.bench=" + pattern, "-test.benchtime=" + each.String(), "-test.timeout=0"}
	return append(args, more...)
}

// trainOther takes a profile of another program's benchmark: a placebo, or a workload that is at home elsewhere.
func (s *session) trainOther(ctx context.Context, b *builder, t scenarios.Training) ([]*profile.Profile, error) {
	dir, err := filepath.Abs(t.Dir)
	if err != nil {
		return nil, fmt.Errorf("finding %s: %w", t.Dir, err)
	}
	bin, err := b.build(ctx, "the workload "+t.String(), target{dir: dir, pkg: ".", test: true}, settings{})
	if err != nil {
		return nil, err
	}
	s.tell(Progress{Stage: StageBuild, Text: "training on " + t.String()})
	file := filepath.Join(s.scratch, "pass.pprof")
	spec := process.Spec{
		Path: bin.path, Args: trainArgs(t.Run, time.Second, "-test.cpuprofile="+file), Dir: dir,
		Env: withEnv(os.Environ(), map[string]string{"PWD": dir}), Timeout: trainTimeout, MaxOutput: maxOutput,
	}
	p, err := s.trained(ctx, spec, file)
	if err != nil {
		return nil, fmt.Errorf("the workload %s: %w", t, err)
	}
	return []*profile.Profile{p}, nil
}

// trained runs the child and reads the profile that it leaves in file.
func (s *session) trained(ctx context.Context, spec process.Spec, file string) (*profile.Profile, error) {
	os.Remove(file)
	exit, err := s.children.Run(ctx, spec)
	if err != nil {
		return nil, err
	}
	p, err := profileOf(exit, spec, file)
	if err == nil && len(p.Sample) == 0 {
		return nil, fmt.Errorf("%w: its profile has no sample", ErrFailed)
	}
	return p, err
}

// profileOf reads the profile that a child left in file.
func profileOf(exit process.Exit, spec process.Spec, file string) (*profile.Profile, error) {
	if !exit.Ok() {
		return nil, fmt.Errorf("%w: %s\n%s", ErrFailed, exit.Why(spec), indent(exit.Tail(maxTail)))
	}
	p, err := readProfile(file)
	if err != nil {
		return nil, fmt.Errorf("%w: its profile: %w\n%s", ErrFailed, err, indent(exit.Tail(maxTail)))
	}
	return p, nil
}

func readProfile(file string) (*profile.Profile, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	p, err := profile.Parse(f)
	if err != nil {
		return nil, err
	}
	return p, nil
}

// writeMerged writes the profiles as one. The file is whole or absent.
func writeMerged(path string, passes []*profile.Profile) error {
	// Profiles of one binary merge as they are; what differs between passes is where the kernel's own mappings lie.
	merged, err := profile.Merge(passes)
	if err != nil {
		return fmt.Errorf("merging %d profiles: %w", len(passes), err)
	}
	f, err := os.Create(path + ".new")
	if err != nil {
		return fmt.Errorf("keeping a profile: %w", err)
	}
	err = errors.Join(merged.Write(f), f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(path+".new", path)
	}
	if err != nil {
		return fmt.Errorf("keeping a profile: %w", err)
	}
	return nil
}
