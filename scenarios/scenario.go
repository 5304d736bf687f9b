// Package scenarios reads and checks the questions: one TOML file each.
//
//  1. [Read] parses a file strictly: an unknown key, a value of the wrong type or a rule that is broken is an error
//     with file and line, so that a misspelt margin never becomes "no margin".
//  2. Defaults are filled in, names checked, references between tables (a claim's variant, a claim's metric) resolved.
//  3. What comes out is a [Scenario]: plain data. What benchmarks exist, which cases they have and what they cost is
//     not known here; the harness finds out.
//
// Paths in a file are relative to it and may lead to any Go module. The raw bytes are kept ([Scenario.Source]),
// because a run stores a copy beside its results.
package scenarios

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// A Scenario is one question.
type Scenario struct {
	Path     string `toml:"-"` // the file, as it was given
	Name     string `toml:"-"` // the file's name without .toml
	Source   []byte `toml:"-"` // the file's bytes
	Question string `toml:"question"`
	Long     bool   `toml:"long"` // it takes hours, builds included: for the night, or when asked for

	// Parts are the names of scenarios beside this file that belong to the same question and need other benchmarks or
	// another base. They are run after it, each a run with a budget of its own.
	Parts []string `toml:"parts"`

	Bench    Bench     `toml:"bench"`
	Subject  Subject   `toml:"subject"`
	Metrics  Metrics   `toml:"metrics"`
	Quick    Quick     `toml:"quick"`
	Full     Full      `toml:"full"`
	Matrix   Matrix    `toml:"matrix"`
	Variants []Variant `toml:"variant"` // those that the matrix makes included
	Claims   []Claim   `toml:"claim"`
	Figures  []Figure  `toml:"figure"`

	lines   LineIndex
	flags   TestFlags // of Bench.Flags
	about   string    // what messages call it when nobody wrote it, else ""
	written int       // how many of Variants are tables of the file; the matrix made the others
}

// TestFlags are Bench.Flags, sorted by who gets them.
func (s *Scenario) TestFlags() TestFlags { return s.flags }

// table returns the key of the table that made variant i.
func (s *Scenario) table(i int) string {
	if i >= s.written {
		return "matrix"
	}
	return fmt.Sprintf("variant[%d]", i)
}

// VariantPosition returns "file:line" of a variant's key, for messages; of the variant where key is "".
func (s *Scenario) VariantPosition(name, key string) string {
	if s.about != "" {
		return s.about
	}
	for i, v := range s.Variants {
		if v.Name == name {
			return s.Position(strings.TrimSuffix(s.table(i)+"."+key, "."))
		}
	}
	return s.Path
}

// Position returns "file:line" of a key, such as "bench.run" or "variant[1].select", for messages; of the table that
// it belongs in when the file does not have it.
func (s *Scenario) Position(key string) string {
	if s.about != "" {
		return s.about
	}
	if line := s.lines.Of(key); line > 0 {
		return fmt.Sprintf("%s:%d", s.Path, line)
	}
	return s.Path
}

// Bench is the measuring program: a Go package with benchmarks.
type Bench struct {
	Dir      string              `toml:"dir"`      // the package's folder, relative to the file
	Run      string              `toml:"run"`      // a -test.bench pattern; all benchmarks when empty
	Check    string              `toml:"check"`    // a -test.run pattern that every variant must pass first; none when empty
	Slice    Duration            `toml:"slice"`    // wanted length of a trial, 200ms when absent
	Slices   map[string]Duration `toml:"slices"`   // the same for cases that have this name part
	Warmup   Duration            `toml:"warmup"`   // wanted length of what each trial runs first and throws away
	Timeout  Duration            `toml:"timeout"`  // ends a trial; when absent, ten times what the pilot saw and 10 s
	Training Duration            `toml:"training"` // length of a pass that trains a profile, 10s when absent; another program's benchmarks train for 1s each
	Cores    string              `toml:"cores"`    // Shared, the default, or Split

	// Flags are what a user would give go test besides: -short, -cpu=4, -tags=x, -race, flags of the tests' own, and -args.
	// See ParseTestFlags.
	Flags []string `toml:"flags"`
	// Processes is Fresh to have every trial run alone in a process of its own; when absent, the processes of a block
	// live side by side and alternate short slices wherever a rule, which the report states, finds that they can.
	Processes string `toml:"processes"`
	// Layouts is how many link layouts (-ldflags=-randlayout) every build is measured in, at random: 0, or at least
	// LeastLayouts. When absent, up to 16, as many as are linked in a quarter of the budget's length. 0: as the linker has
	// it, which makes a verdict one about two binaries, not about the code.
	Layouts *int `toml:"layouts"`
}

// Fresh is a value of Bench.Processes.
const Fresh = "fresh"

// LeastLayouts is the smallest number of layouts whose means can be tested: with fewer a chance of 1 % is out of reach.
const LeastLayouts = 8

// Metrics says which units get verdicts, and how.
type Metrics struct {
	Primary   []string           `toml:"primary"`    // ns/op when absent
	Better    map[string]string  `toml:"better"`     // "lower" or "higher" by unit
	Margin    *float64           `toml:"margin"`     // 0.03 when absent
	Margins   map[string]float64 `toml:"margins"`    // by unit, instead of Margin
	MarginAbs map[string]float64 `toml:"margin_abs"` // by unit, where values can be 0
}

// Quick is what --quick and tight budgets measure.
type Quick struct {
	Cases    []string `toml:"cases"`    // in the order in which a tight budget keeps them
	Variants []string `toml:"variants"` // all when empty
	Slice    Duration `toml:"slice"`    // instead of all of Bench's slices
	Budget   Duration `toml:"budget"`   // that a run takes when none is given; 3 minutes when absent
}

// Full says what it takes to measure every case, for `tunelab list`.
type Full struct {
	Budget Duration `toml:"budget"` // enough for twelve blocks of every case on two cores
}

// Variant is one answer to try.
type Variant struct {
	Name     string            `toml:"name"`
	Base     bool              `toml:"base"`
	Select   string            `toml:"select"` // a name part at any level; a whole benchmark name when Rename is set
	Rename   string            `toml:"rename"` // what the case is called instead of Select
	Env      map[string]string `toml:"env"`
	Flags    []string          `toml:"flags"`    // of the build
	BuildEnv map[string]string `toml:"buildenv"` // GOEXPERIMENT, GOAMD64, …
	PGO      *Training         `toml:"-"`        // what trains the profile that it is built with; nil for none
	Rewrite  []Rewrite         `toml:"rewrite"`
	// Rev is a git revision of the repository that holds what the variant builds: the subject where there is one, else the
	// measuring program. It is built from a checkout of its own; the user's is not touched. When absent, what the folder
	// holds now.
	Rev    string   `toml:"rev"`
	Limits Limits   `toml:"limits"`
	Allow  []string `toml:"allow"` // outcomes that are results, not failures of the run: failed, timeout, oom

	Axes   map[string]string `toml:"-"` // by axis, for a variant that the matrix made
	RawPGO any               `toml:"pgo"`
}

// Claim is a figure or a fact that somebody published.
type Claim struct {
	ID        string         `toml:"id"`
	Says      string         `toml:"says"`
	Kind      string         `toml:"kind"`
	Case      string         `toml:"case"`
	Metric    string         `toml:"metric"`
	Variant   string         `toml:"variant"`
	Against   string         `toml:"against"` // the base when empty
	Ratio     *float64       `toml:"ratio"`
	Value     *float64       `toml:"value"`
	Tolerance *float64       `toml:"tolerance"` // 0.1 when absent
	Test      string         `toml:"test"`
	Requires  map[string]int `toml:"requires"`
}

// Duration is a time.Duration written as "200ms".
type Duration time.Duration

// UnmarshalText parses what time.ParseDuration does.
func (d *Duration) UnmarshalText(text []byte) error {
	v, err := time.ParseDuration(string(text))
	if err != nil {
		return fmt.Errorf("%q is no duration like \"200ms\"", text)
	}
	*d = Duration(v)
	return nil
}

// Base returns the base variant.
func (s *Scenario) Base() Variant {
	for _, v := range s.Variants {
		if v.Base {
			return v
		}
	}
	return Variant{} // Read lets no such scenario through
}

// Variant returns the variant of that name.
func (s *Scenario) Variant(name string) (Variant, bool) {
	for _, v := range s.Variants {
		if v.Name == name {
			return v, true
		}
	}
	return Variant{}, false
}

// BenchDir returns the folder of the measuring program, as a path that works from here.
func (s *Scenario) BenchDir() string { return s.relative(s.Bench.Dir) }

// BenchPattern returns what -test.bench gets: every benchmark, where the scenario names none.
func (s *Scenario) BenchPattern() string { return cmp.Or(s.Bench.Run, ".") }

// IsQuick reports whether the variant is one that --quick and tight budgets measure.
func (s *Scenario) IsQuick(variant string) bool {
	return len(s.Quick.Variants) == 0 || slices.Contains(s.Quick.Variants, variant)
}

// SliceOf returns the wanted length of a trial of the case.
func (s *Scenario) SliceOf(name string, quick bool) time.Duration {
	if quick && s.Quick.Slice > 0 {
		return time.Duration(s.Quick.Slice)
	}
	slice := s.Bench.Slice
	for _, part := range strings.Split(name, "/") {
		if d, ok := s.Bench.Slices[part]; ok && d > slice {
			slice = d
		}
	}
	return time.Duration(slice)
}

// MarginOf returns the margin of a unit: `same` means a ratio within [1/(1+m), 1+m].
func (s *Scenario) MarginOf(unit string) float64 {
	if m, ok := s.Metrics.Margins[unit]; ok {
		return m
	}
	return *s.Metrics.Margin
}

// Case returns the name of the benchmark without what the variant selects, and whether the variant selects it at all.
func (v Variant) Case(benchmark string) (string, bool) {
	switch {
	case v.Select == "":
		return benchmark, true
	case v.Rename != "":
		rest, ok := strings.CutPrefix(benchmark, v.Select)
		return v.Rename + rest, ok && (rest == "" || rest[0] == '/')
	}
	parts := strings.Split(benchmark, "/")
	for i, p := range parts {
		if p == v.Select && i > 0 {
			return strings.Join(append(parts[:i:i], parts[i+1:]...), "/"), true
		}
	}
	return "", false
}

// Sets says what the variant sets, for people.
func (v Variant) Sets() string {
	var parts []string
	if v.Select != "" {
		parts = append(parts, v.Select)
	}
	if v.Rev != "" {
		parts = append(parts, "revision "+v.Rev)
	}
	for _, key := range sortedKeys(v.Env) {
		parts = append(parts, key+"="+v.Env[key])
	}
	if len(v.Flags) > 0 {
		parts = append(parts, "go build "+strings.Join(v.Flags, " "))
	}
	for _, key := range sortedKeys(v.BuildEnv) {
		parts = append(parts, key+"="+v.BuildEnv[key]+" (build)")
	}
	if v.PGO != nil {
		parts = append(parts, "PGO trained on "+v.PGO.String())
	}
	for _, r := range v.Rewrite {
		if text := "rewritten " + r.Module + "/" + r.File; !slices.Contains(parts, text) {
			parts = append(parts, text)
		}
	}
	if text := v.Limits.String(); text != "" {
		parts = append(parts, text)
	}
	if len(parts) == 0 {
		return "nothing: as it is"
	}
	return strings.Join(parts, ", ")
}
