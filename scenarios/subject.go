package scenarios

import (
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// How the load generator and the subject share the machine.
const (
	Shared = "shared" // both may run on every core
	Split  = "split"  // on different cores, half each; the odd one is the subject's
)

// Subject is a program that is built once per variant and driven by the benchmark. Where there is one, a variant's
// env, limits, flags, buildenv, pgo and rewrite are the subject's, and the benchmark's own binary is the same for all.
type Subject struct {
	Dir     string `toml:"dir"`     // a folder of the module that holds it, relative to the file
	Package string `toml:"package"` // the main package, as go build in Dir takes it; "." when absent
}

// HasSubject reports whether the scenario has a program under test beside its benchmark.
func (s *Scenario) HasSubject() bool { return s.Subject.Dir != "" }

// SubjectDir returns the folder of the subject, as a path that works from here.
func (s *Scenario) SubjectDir() string { return s.relative(s.Subject.Dir) }

// relative returns a path of the file as one that works from here.
func (s *Scenario) relative(path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(filepath.Dir(s.Path), path)
}

// Training says what the CPU profile is taken of that a variant is built with: a case of the scenario's own benchmark
// in the base variant, or another program's benchmark.
type Training struct {
	Case string // a case, or the leading parts of the names of several; "" when Dir is set
	Dir  string // a folder with a Go package of benchmarks, as a path that works from here
	Run  string // a -test.bench pattern in Dir
}

func (t Training) String() string {
	if t.Dir == "" {
		return t.Case
	}
	return t.Run + " of " + filepath.Base(t.Dir)
}

// Trains reports whether the case is one that the profile is taken of.
func (t Training) Trains(name string) bool {
	return t.Dir == "" && (name == t.Case || strings.HasPrefix(name, t.Case+"/"))
}

// Rewrite is exact text that is replaced in one file of the build.
type Rewrite struct {
	Module string `toml:"module"` // path of a module of the build, the main module included
	File   string `toml:"file"`   // relative to the module's root, with slashes
	Old    string `toml:"old"`    // must be in the file exactly once
	New    string `toml:"new"`
}

// Limits are those of a cgroup round the subject if there is one, else round the trial. Zero is no limit.
type Limits struct {
	Memory Bytes   `toml:"memory"` // page cache and kernel memory included, no swap beyond it
	CPUs   float64 `toml:"cpus"`   // CPU seconds a second
}

func (l Limits) String() string {
	var parts []string
	if l.Memory > 0 {
		parts = append(parts, "memory limit "+l.Memory.String())
	}
	if l.CPUs > 0 {
		parts = append(parts, fmt.Sprintf("CPU limit %g", l.CPUs))
	}
	return strings.Join(parts, ", ")
}

// Bytes is a number of bytes, written as "512MiB".
type Bytes int64

var byteUnits = []struct {
	suffix string
	factor float64
}{{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"TiB", 1 << 40}, {"kB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"B", 1}}

// UnmarshalText parses a number and a unit, binary (MiB) or decimal (MB).
func (b *Bytes) UnmarshalText(text []byte) error {
	for _, u := range byteUnits {
		number, ok := strings.CutSuffix(string(text), u.suffix)
		if !ok {
			continue
		}
		v, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
		if err != nil || !(v > 0) || v*u.factor >= math.MaxInt64 {
			break
		}
		*b = Bytes(v * u.factor)
		return nil
	}
	return fmt.Errorf("%q is no amount of memory like \"512MiB\"", text)
}

func (b Bytes) String() string {
	for _, u := range []struct {
		suffix string
		factor Bytes
	}{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}} {
		if b >= u.factor && b%u.factor == 0 {
			return strconv.FormatInt(int64(b/u.factor), 10) + u.suffix
		}
	}
	return strconv.FormatInt(int64(b), 10) + "B"
}

// memoryLimit is the variable that may be given as a share of the cgroup's limit.
const memoryLimit = "GOMEMLIMIT"

// Environment returns what the variant sets in the environment: Env with a GOMEMLIMIT such as "90%" in bytes.
func (v Variant) Environment() map[string]string {
	share, ok := percentOf(v.Env[memoryLimit])
	if !ok {
		return v.Env
	}
	out := map[string]string{}
	for key, value := range v.Env {
		out[key] = value
	}
	out[memoryLimit] = strconv.FormatInt(int64(share*float64(v.Limits.Memory)), 10)
	return out
}

// percentOf parses "90%" as 0.9.
func percentOf(text string) (float64, bool) {
	number, ok := strings.CutSuffix(text, "%")
	if !ok {
		return 0, false
	}
	v, err := strconv.ParseFloat(number, 64)
	return v / 100, err == nil && v > 0
}

// RewrittenModules returns the modules that any variant rewrites, in the order of their paths.
func (s *Scenario) RewrittenModules() []string {
	var out []string
	for _, v := range s.Variants {
		for _, r := range v.Rewrite {
			out = append(out, r.Module)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
