package harness

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"tunelab/harness/internal/process"
	"tunelab/results"
	"tunelab/scenarios"
)

// The environment by which a benchmark finds its subject; package probe reads it.
const (
	subjectVar        = "TUNELAB_SUBJECT"         // the program
	subjectEnvVar     = "TUNELAB_SUBJECT_ENV"     // JSON array of "K=V": what the variant sets
	subjectCPUsVar    = "TUNELAB_SUBJECT_CPUS"    // such as "1-3,5"
	subjectCgroupsVar = "TUNELAB_SUBJECT_CGROUPS" // directories, joined by ':'
	profileKindVar    = "TUNELAB_PROFILE_KIND"    // which of ProfileKinds that is
	profileVar        = "TUNELAB_PROFILE"         // the file that the subject's CPU profile goes to
	memoryLimitVar    = "TUNELAB_MEMORY_LIMIT"    // bytes of the cgroup round subject or trial
)

// A division says on which CPUs the load generator runs and on which the subject. The zero value: on all.
type division struct{ generator, subject []int }

// divide gives the subject one half of the CPUs, the odd one included, where cores asks for it.
func divide(cores string, cpus []int) (division, error) {
	if cores != scenarios.Split {
		return division{}, nil
	}
	if len(cpus) < 2 {
		return division{}, fmt.Errorf("cores = %q needs two CPUs on Linux, one for the load generator and one for the subject, and has %d", scenarios.Split, len(cpus))
	}
	half := len(cpus) / 2
	return division{cpus[:half], cpus[half:]}, nil
}

func (d division) String() string {
	if len(d.subject) == 0 {
		return "shared: load generator and subject may both run on every core"
	}
	return fmt.Sprintf("split: load generator on CPU %s, subject on CPU %s", cpuList(d.generator), cpuList(d.subject))
}

func cpuList(cpus []int) string {
	var parts []string
	for _, c := range cpus {
		parts = append(parts, strconv.Itoa(c))
	}
	return strings.Join(parts, ",")
}

// buildAll builds what every variant is measured with, in every layout.
func (s *session) buildAll(ctx context.Context, layouts results.Layouts) error {
	b, err := s.buildVariants(ctx)
	if err != nil {
		return err
	}
	return s.relink(ctx, b, layouts)
}

// buildVariants builds every variant as the linker has it. The profiles that some are built with are taken of the base,
// so that those wait for the others.
func (s *session) buildVariants(ctx context.Context) (*builder, error) {
	b := &builder{scratch: s.scratch, children: s.children, tell: s.options.Tell, byKey: map[string]*binary{}, prepared: map[string]*preparation{}}
	s.builder, s.binaries = b, map[string]built{}
	if err := s.checkOut(ctx); err != nil {
		return nil, err
	}
	for _, v := range s.variants {
		if v.PGO != nil {
			continue
		}
		if err := s.build(ctx, b, v, ""); err != nil {
			return nil, err
		}
	}
	for _, v := range s.variants {
		if v.PGO == nil {
			continue
		}
		began := time.Now()
		profile, fresh, err := s.train(ctx, b, v)
		if err != nil {
			return nil, fmt.Errorf("training variant %s: %w", v.Name, err)
		}
		took := time.Since(began)
		if err := s.build(ctx, b, v, profile); err != nil {
			return nil, err
		}
		if fresh {
			done := s.binaries[v.Name]
			done.trained = took
			s.binaries[v.Name] = done
		}
	}
	return b, s.resolvedAlike(ctx, b)
}

// build builds the variant's test binary, and its subject where there is one.
func (s *session) build(ctx context.Context, b *builder, v scenarios.Variant, profile string) error {
	set := settings{
		flags: slices.Concat(s.scenario.TestFlags().Build, v.Flags), buildEnv: v.BuildEnv, profile: profile, rewrites: v.Rewrite,
		modules: s.scenario.RewrittenModules(), position: s.scenario.VariantPosition(v.Name, "rewrite"),
	}
	r, revised := s.revised[v.Name]
	if revised {
		var err error
		if set, err = r.inCheckout(set); err != nil {
			return fmt.Errorf("building variant %s: %w", v.Name, err)
		}
	}
	if s.scenario.HasSubject() { // what go test is given is for the measuring program
		set.flags = v.Flags
	}
	out := built{profile: profile}
	benchmark := target{dir: s.benchDirOf(v), pkg: ".", test: true}
	var err error
	if !s.scenario.HasSubject() {
		set.serve = true
		out.target, out.set = benchmark, set
		out.bench, err = b.build(ctx, "variant "+v.Name, benchmark, set)
		s.binaries[v.Name] = out
		return err
	}
	if out.bench, err = b.build(ctx, "the benchmark", benchmark, settings{serve: true, flags: s.scenario.TestFlags().Build}); err != nil {
		return err
	}
	program := target{pkg: s.scenario.Subject.Package}
	if program.pkg == "" {
		program.pkg = "."
	}
	if program.dir, err = filepath.Abs(s.scenario.SubjectDir()); err != nil {
		return fmt.Errorf("finding the subject: %w", err)
	}
	if revised {
		program.dir = r.dir
	} else if info, err := os.Stat(program.dir); err != nil || !info.IsDir() {
		return fmt.Errorf("%s: subject.dir: there is no folder %s", s.scenario.Position("subject.dir"), program.dir)
	}
	out.target, out.set = program, set
	out.subject, err = b.build(ctx, "subject of variant "+v.Name, program, set)
	s.binaries[v.Name] = out
	return err
}

// spec describes a child that runs the variant's test binary in the package's folder, as go test does. What the
// variant sets in the environment is the subject's where there is one.
func (s *session) spec(v scenarios.Variant, timeout time.Duration, args ...string) process.Spec {
	b := s.binary(v)
	dir := s.benchDirOf(v)
	set := map[string]string{"PWD": dir}
	if v.Limits.Memory > 0 {
		set[memoryLimitVar] = strconv.FormatInt(int64(v.Limits.Memory), 10)
	}
	env := withGoBin(withEnv(os.Environ(), set), b.bench.goroot)
	if b.subject == nil {
		env = withEnv(env, v.Environment())
	} else {
		list, _ := json.Marshal(withEnv([]string{}, v.Environment())) // strings: can't fail
		env = withEnv(env, map[string]string{
			subjectVar: b.subject.path, subjectEnvVar: string(list), subjectCPUsVar: cpuList(s.cpus.subject),
			subjectCgroupsVar: "", profileVar: "",
		})
	}
	return process.Spec{
		Path: b.bench.path, Args: args, Dir: dir, Env: env,
		Timeout: timeout, MaxOutput: maxOutput, OneStream: true, CPUs: s.cpus.generator,
	}
}

// limited runs the child with the variant's limits: round itself, or round the subject that it starts.
func (s *session) limited(ctx context.Context, v scenarios.Variant, spec process.Spec) (process.Exit, error) {
	if v.Limits == (scenarios.Limits{}) {
		return s.children.Run(ctx, spec)
	}
	fence, err := s.fence(v)
	if err != nil {
		return process.Exit{}, err
	}
	if s.scenario.HasSubject() {
		spec.Env = withEnv(spec.Env, map[string]string{subjectCgroupsVar: strings.Join(fence.Dirs(), ":")})
	} else {
		spec.Fence = fence
	}
	exit, err := s.children.Run(ctx, spec)
	if fence.OOMKills() > 0 {
		exit.OutOfMemory = true
	}
	return exit, errors.Join(err, fence.Close())
}

func (s *session) fence(v scenarios.Variant) (*process.Fence, error) {
	return s.children.NewFence(process.Limits{MemoryBytes: int64(v.Limits.Memory), CPUs: v.Limits.CPUs})
}

// checkLimits drops the variants whose limits can't be set here: measured without them they would answer another
// question.
func (s *session) checkLimits() error {
	var left []scenarios.Variant
	for _, v := range s.variants {
		if v.Limits == (scenarios.Limits{}) {
			left = append(left, v)
			continue
		}
		fence, err := s.fence(v)
		if err == nil {
			err = fence.Close()
		}
		if err == nil {
			left = append(left, v)
			continue
		}
		if v.Base {
			return fmt.Errorf("%w: limiting the base %s: %w", ErrFailed, v.Name, err)
		}
		s.failures = append(s.failures, fmt.Sprintf("variant %s gets no number: %v", v.Name, err))
		s.run.NotMeasured = append(s.run.NotMeasured, results.Unmeasured{Variant: v.Name, Code: results.NoLimits, Why: err.Error()})
	}
	s.variants = left
	return nil
}
