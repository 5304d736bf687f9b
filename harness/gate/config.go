package gate

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"tunelab/results/nights"
	"tunelab/scenarios"
)

// ConfigFile is what the gate reads where nobody names another file.
const ConfigFile = "tunelab.toml"

// A Config is a gate's settings.
type Config struct {
	Path string `toml:"-"`

	Baseline string             `toml:"baseline"` // the revision that tips are compared with
	Packages []string           `toml:"packages"` // as the go command writes them, relative to the file; ./... when absent
	Bench    string             `toml:"bench"`    // a -test.bench pattern; all benchmarks when absent
	Flags    []string           `toml:"flags"`    // what go test would be given for them, see scenarios.ParseTestFlags
	Budget   scenarios.Duration `toml:"budget"`   // wall time of measuring, builds not counted; 10m when absent
	Carry    []string           `toml:"carry"`    // files and folders, relative to the file, that checkouts get from the work tree where git does not track them
	History  string             `toml:"history"`  // a folder, relative to the file, or "git:BRANCH"; results/history when absent
	// FamilyError is the chance that a night in which nothing differs is red; 0.01 when absent.
	FamilyError *float64 `toml:"family_error"`
	// Least is the smallest confirmed slowdown, as a share, that makes a night red; 0.01 when absent.
	Least *float64 `toml:"least"`
	// Unmeasured is how many of the benchmarks that the gate is asked to watch may be left unmeasured in a night that says
	// something; 0 when absent. Those that are skipped, or that one side does not have, don't count.
	Unmeasured int `toml:"unmeasured"`

	Metrics  Metrics    `toml:"metrics"`
	Canary   CanaryKeys `toml:"canary"`
	Accepted []Accepted `toml:"accepted"`

	flags scenarios.TestFlags
	lines scenarios.LineIndex
}

// CanaryKeys are the settings of the gate's own benchmark.
type CanaryKeys struct {
	Slowdown *float64 `toml:"slowdown"` // that is put in, as a share; 0.05 when absent
}

// Accepted is a regression that somebody decided to live with.
type Accepted struct {
	Package   string  `toml:"package"`   // its folder, relative to the file
	Benchmark string  `toml:"benchmark"` // as the gate writes it, without "Benchmark"
	Metric    string  `toml:"metric"`    // every metric when absent
	Most      float64 `toml:"most"`      // how much worse it may be, as a share: 0.1 for 10 %
	Reason    string  `toml:"reason"`
	Until     Day     `toml:"-"` // the last day on which it holds
	RawUntil  any     `toml:"until"`
}

// A Day is written as 2026-12-31, in quotes or without.
type Day struct{ time.Time }

// parseDay reads a day that stands in quotes or without.
func parseDay(raw any) (Day, error) {
	if raw == nil {
		return Day{}, nil
	}
	t, err := time.Parse(time.DateOnly, fmt.Sprint(raw))
	if err != nil {
		return Day{}, fmt.Errorf("%q is no day like 2026-12-31", fmt.Sprint(raw))
	}
	return Day{t}, nil
}

// Defaults of a configuration.
const (
	DefaultBudget      = 10 * time.Minute
	DefaultFamilyError = 0.01
	DefaultLeast       = 0.01
	DefaultSlowdown    = 0.05
	DefaultHistory     = "results/history"
	DefaultResults     = "results/runs" // where runs go when nobody says where
)

// DefaultMetrics are judged where the file names none.
var DefaultMetrics = []string{"ns/op", "allocs/op"}

// ReadConfig reads and checks a gate's settings. What is wrong with the file is a [*scenarios.Error] with its line.
func ReadConfig(path string) (*Config, error) {
	source, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("there is no %s: write one with tunelab init", path)
	}
	if err != nil {
		return nil, fmt.Errorf("reading the gate's settings: %w", err)
	}
	return ParseConfig(path, source)
}

// ParseConfig is [ReadConfig] of a file's contents.
func ParseConfig(path string, source []byte) (*Config, error) {
	c := &Config{Path: path}
	if err := scenarios.Decode(path, source, c); err != nil {
		return nil, err
	}
	c.lines = scenarios.IndexLines(source)
	c.setDefaults()
	var errs []error
	fail := func(key, format string, args ...any) {
		errs = append(errs, &scenarios.Error{Path: path, Line: c.lines.Of(key), Msg: fmt.Sprintf(format, args...)})
	}
	c.check(fail)
	for i := range c.Accepted {
		a, table := &c.Accepted[i], fmt.Sprintf("accepted[%d]", i)
		var err error
		if a.Until, err = parseDay(a.RawUntil); err != nil {
			fail(table+".until", "%v", err)
			continue
		}
		a.check(table, fail)
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return c, nil
}

func (c *Config) setDefaults() {
	share := func(to **float64, usual float64) {
		if *to == nil {
			*to = &usual
		}
	}
	share(&c.FamilyError, DefaultFamilyError)
	share(&c.Least, DefaultLeast)
	share(&c.Canary.Slowdown, DefaultSlowdown)
	if len(c.Packages) == 0 {
		c.Packages = []string{"./..."}
	}
	if c.Budget == 0 {
		c.Budget = scenarios.Duration(DefaultBudget)
	}
	if c.History == "" {
		c.History = DefaultHistory
	}
	if len(c.Metrics.Primary) == 0 {
		c.Metrics.Primary = DefaultMetrics
	}
}

type failer func(key, format string, args ...any)

func (c *Config) check(fail failer) {
	if strings.TrimSpace(c.Baseline) == "" {
		fail("baseline", `no baseline: name the revision that tips are compared with, baseline = "v1.2.0"`)
	}
	if b := time.Duration(c.Budget); b < 30*time.Second || b > 24*time.Hour {
		fail("budget", "a budget of %v: between 30s and 24h", b)
	}
	if !(*c.FamilyError > 0 && *c.FamilyError <= 0.2) {
		fail("family_error", "a family_error of %v: a share above 0 and up to 0.2, such as 0.01", *c.FamilyError)
	}
	if !(*c.Least >= 0 && *c.Least < 1) {
		fail("least", "least is %v: a share from 0 to below 1, such as 0.01 for 1 %%", *c.Least)
	}
	if s := *c.Canary.Slowdown; !(s >= 0.01 && s <= 0.5) {
		fail("canary.slowdown", "a slowdown of %v: between 0.01 and 0.5", s)
	}
	for _, part := range strings.Split(c.Bench, "/") {
		if _, err := regexp.Compile(part); err != nil {
			fail("bench", "bench: %v", err)
		}
	}
	if c.Unmeasured < 0 {
		fail("unmeasured", "unmeasured is %d: a number of benchmarks, 0 or more", c.Unmeasured)
	}
	var packages []string
	var err error
	if c.flags, packages, err = scenarios.ParseTestFlags(c.Flags); err != nil {
		fail("flags", "flags: %v", err)
	} else if len(packages) > 0 {
		fail("flags", "flags: %q is no flag: packages are named by packages, and a flag of the tests' own has its value in one word or stands behind -args", packages[0])
	}
	c.checkMetrics(fail)
}

// checkMetrics asks package scenarios, which knows the rules.
func (c *Config) checkMetrics(fail failer) {
	_, err := withMetrics(c.Metrics).parse("metrics", c.Path)
	for _, err := range flatten(err) {
		var e *scenarios.Error
		if errors.As(err, &e) {
			fail("metrics", "%s", e.Msg)
		}
	}
}

// withMetrics is a scenario of which nothing but its metrics can be wrong.
func withMetrics(m Metrics) scenarioFile {
	return scenarioFile{Question: "?", Bench: benchTable{Dir: "."}, Metrics: m, Variants: []variantTable{{Name: "a", Base: true}, {Name: "b"}}}
}

func flatten(err error) []error {
	if list, ok := err.(interface{ Unwrap() []error }); ok {
		return list.Unwrap()
	}
	if err == nil {
		return nil
	}
	return []error{err}
}

func (a Accepted) check(table string, fail failer) {
	if a.Benchmark == "" {
		fail(table, "an accepted regression names its benchmark")
	}
	if strings.TrimSpace(a.Reason) == "" {
		fail(table, "an accepted regression needs a reason")
	}
	if a.Until.IsZero() {
		fail(table, `an accepted regression needs an end date, until = "2026-12-31"`)
	}
	if !(a.Most > 0) || math.IsInf(a.Most, 0) {
		fail(table+".most", "most is %v: how much worse it may be, a share above 0 such as 0.1 for 10 %%", a.Most)
	}
}

// covers reports whether the regression is accepted on that day. The prefix is the configuration's folder in the repository.
func (a Accepted) covers(f nights.Finding, prefix string, now time.Time) bool {
	own := path.Join(".", prefix, filepath.ToSlash(a.Package))
	return (a.Package == "" || own == f.Package) && strings.TrimPrefix(a.Benchmark, "Benchmark") == f.Benchmark &&
		(a.Metric == "" || a.Metric == f.Metric) && f.Worse() <= a.Most && !now.After(a.Until.AddDate(0, 0, 1))
}

// Expired returns what was accepted until a day that is over, for people.
func (c *Config) Expired(now time.Time) []string {
	var out []string
	for i, a := range c.Accepted {
		if now.After(a.Until.AddDate(0, 0, 1)) {
			out = append(out, fmt.Sprintf("%s:%d: %s was accepted until %s (%s)", c.Path, c.lines.Of(fmt.Sprintf("accepted[%d]", i)),
				a.Benchmark, a.Until.Format(time.DateOnly), a.Reason))
		}
	}
	return out
}

// Template is a commented configuration with the baseline and the budget filled in.
func Template(baseline string, packages []string) []byte {
	var out bytes.Buffer
	fmt.Fprintf(&out, template, quote(baseline), list(slices.Clone(packages)))
	return out.Bytes()
}

const template = `# What tunelab gate does each night. An unknown key is an error.

# The revision that the tip is compared with: a tag or a commit, so that slow drift is seen too.
# Move it when a release is out, or when a regression was accepted for good.
baseline = %s

# The packages whose benchmarks are measured, relative to this file, and which of them (a -test.bench pattern).
# Packages that are built into the same bytes on both sides are passed over: nothing can differ.
packages = %s
bench = "."

# What go test would be given besides.
# flags = ["-short", "-tags=integration", "-args", "-data=small"]

# Wall time of measuring; builds are not counted. --budget overrides it.
budget = "10m"

# Where nights are kept: a folder, or "git:BRANCH", a branch of this repository that is never checked out.
history = "results/history"

# Files and folders that git does not track and the benchmarks need, such as generated code: copied into every checkout.
# carry = ["gen", "testdata/large"]

# The chance that a night in which nothing differs is red.
family_error = 0.01

# The smallest confirmed slowdown that makes a night red, as a share.
least = 0.01

# How many benchmarks may be left unmeasured, because they break or the budget has no room for them, in a night that passes.
# With more it says nothing (exit 2).
unmeasured = 0

[metrics]
primary = ["ns/op", "allocs/op"]
margin = 0.03 # "same" means a ratio within 1/1.03 and 1.03
# better = { "req/s" = "higher" } # for units of your own

# Each night a benchmark of the gate's own gets this slowdown. A night that does not find it says nothing (exit 2).
[canary]
slowdown = 0.05

# A regression that you decided to live with:
#
# [[accepted]]
# package = "./codec"
# benchmark = "Encode/size=1k"
# metric = "ns/op"
# most = 0.10            # up to 10 %% slower than the baseline
# reason = "the new checksum, see issue 123"
# until = "2027-01-31"
`
