package scenarios

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/pelletier/go-toml/v2"
)

// Read reads and checks a scenario file. What is wrong with the file is an [*Error] with its line.
func Read(path string) (*Scenario, error) {
	source, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading a scenario: %w", err)
	}
	return Parse(path, source)
}

// Parse is [Read] of a file's contents. The path says where relative paths begin.
func Parse(path string, source []byte) (*Scenario, error) {
	return parse(&Scenario{Path: path, Name: strings.TrimSuffix(filepath.Base(path), ".toml"), Source: source})
}

// ParseGenerated is [Parse] of a scenario that nobody wrote: messages call it what about says, and name no file and no line.
func ParseGenerated(name, about string, source []byte) (*Scenario, error) {
	return parse(&Scenario{Path: name + ".toml", Name: name, Source: source, about: about})
}

func parse(s *Scenario) (*Scenario, error) {
	path, source := s.Path, s.Source
	if s.about != "" {
		path = s.about
	}
	if err := Decode(path, source, s); err != nil {
		return nil, err
	}
	s.setDefaults()
	s.lines = IndexLines(source)
	c := checker{s: s, lines: s.lines}
	c.check()
	if len(c.errs) > 0 {
		return nil, errors.Join(c.errs...)
	}
	return s, nil
}

// Decode parses a TOML file into what to points to. An unknown key or a value of the wrong type is an [*Error] with its
// line.
func Decode(path string, source []byte, to any) error {
	err := toml.NewDecoder(bytes.NewReader(source)).DisallowUnknownFields().Decode(to)
	if err == nil {
		return nil
	}
	var missing *toml.StrictMissingError
	if errors.As(err, &missing) {
		var errs []error
		for _, e := range missing.Errors {
			line, _ := e.Position()
			errs = append(errs, &Error{path, line, fmt.Sprintf("unknown key %q", strings.Join(e.Key(), "."))})
		}
		return errors.Join(errs...)
	}
	var decode *toml.DecodeError
	if errors.As(err, &decode) {
		line, _ := decode.Position()
		return &Error{path, line, strings.TrimPrefix(decode.Error(), "toml: ")}
	}
	return &Error{path, 0, err.Error()}
}

// Defaults of a scenario file.
const (
	DefaultSlice     = 200 * time.Millisecond
	DefaultTraining  = 10 * time.Second
	DefaultMargin    = 0.03
	DefaultTolerance = 0.1
)

func (s *Scenario) setDefaults() {
	if s.Bench.Slice == 0 {
		s.Bench.Slice = Duration(DefaultSlice)
	}
	if s.Bench.Training == 0 {
		s.Bench.Training = Duration(DefaultTraining)
	}
	if len(s.Metrics.Primary) == 0 {
		s.Metrics.Primary = []string{"ns/op"}
	}
	if s.Metrics.Margin == nil {
		m := DefaultMargin
		s.Metrics.Margin = &m
	}
	if s.Metrics.Better == nil {
		s.Metrics.Better = map[string]string{}
	}
	for unit, better := range knownBetter {
		if _, ok := s.Metrics.Better[unit]; !ok {
			s.Metrics.Better[unit] = better
		}
	}
	s.written = len(s.Variants)
	if len(s.Matrix.Axes) > 0 {
		s.Variants = append(s.Variants, s.Matrix.variants()...)
	}
	for i := range s.Claims {
		if s.Claims[i].Tolerance == nil {
			t := DefaultTolerance
			s.Claims[i].Tolerance = &t
		}
	}
}

// knownBetter are the units whose direction need not be given: the four that golang.org/x/perf knows, MB/s, and ours.
var knownBetter = map[string]string{"ns/op": "lower", "B/op": "lower", "allocs/op": "lower", "instructions/op": "lower", "B/s": "higher", "MB/s": "higher"}

// KnowsBetter reports whether it is known which direction of the unit is better.
func KnowsBetter(unit string) bool { return knownBetter[unit] != "" }

// variantName is what benchstat's -col takes without quoting.
var variantName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.=+%-]*$`)

// requirements are the words that a claim's `requires` may use.
var requirements = []string{"cores", "memory_gib", "numa_nodes"}

type checker struct {
	s     *Scenario
	lines LineIndex
	errs  []error
}

// fail reports a broken rule at the line of the first of paths that the file has.
func (c *checker) fail(paths []string, format string, args ...any) {
	if c.s.about != "" {
		c.errs = append(c.errs, &Error{c.s.about, 0, fmt.Sprintf(format, args...)})
		return
	}
	c.errs = append(c.errs, &Error{c.s.Path, c.lines.Of(paths...), fmt.Sprintf(format, args...)})
}

func at(paths ...string) []string { return paths }

func (c *checker) check() {
	if strings.TrimSpace(c.s.Question) == "" {
		c.fail(at("question"), `no question: say in one sentence what the run decides, question = "…"`)
	}
	c.checkParts()
	c.checkBench()
	c.checkMetrics()
	c.checkMatrix()
	c.checkVariants()
	c.checkClaims()
	c.checkFigures()
}

func (c *checker) checkBench() {
	b := c.s.Bench
	if b.Dir == "" {
		c.fail(at("bench.dir", "bench"), `no bench.dir: name the folder of the Go package whose benchmarks measure, dir = "…"`)
	}
	c.pattern("bench.run", b.Run)
	c.pattern("bench.check", b.Check)
	c.span("bench.slice", b.Slice, time.Millisecond, 10*time.Minute)
	c.span("quick.slice", c.s.Quick.Slice, time.Millisecond, 10*time.Minute)
	c.span("quick.budget", c.s.Quick.Budget, time.Second, 24*time.Hour)
	c.span("full.budget", c.s.Full.Budget, time.Second, 24*time.Hour)
	c.span("bench.warmup", b.Warmup, time.Millisecond, 10*time.Minute)
	c.span("bench.training", b.Training, 10*time.Millisecond, time.Hour)
	c.span("bench.timeout", b.Timeout, 10*time.Millisecond, 24*time.Hour)
	for part, d := range b.Slices {
		c.span("bench.slices."+part, d, time.Millisecond, 10*time.Minute)
	}
	if b.Processes != "" && b.Processes != Fresh {
		c.fail(at("bench.processes"), "processes is %q: it can be %q, or absent", b.Processes, Fresh)
	}
	if n := b.Layouts; n != nil && *n != 0 && (*n < LeastLayouts || *n > 256) {
		c.fail(at("bench.layouts"), "%d layouts: it can be 0 (as the linker has it) or %d to 256", *n, LeastLayouts)
	}
	var packages []string
	var err error
	if c.s.flags, packages, err = ParseTestFlags(b.Flags); err != nil {
		c.fail(at("bench.flags"), "flags: %v", err)
	} else if len(packages) > 0 {
		c.fail(at("bench.flags"), "flags: %q is no flag: the package is bench.dir, and a flag of the tests' own has its value in one word or stands behind -args", packages[0])
	}
	c.checkSubject()
}

func (c *checker) pattern(key, text string) {
	for _, part := range strings.Split(text, "/") {
		if _, err := regexp.Compile(part); err != nil {
			c.fail(at(key), "%s: %v", key, err)
		}
	}
}

func (c *checker) span(key string, d Duration, lo, hi time.Duration) {
	if v := time.Duration(d); v != 0 && (v < lo || v > hi) {
		c.fail(at(key), "%s is %v, not between %v and %v", key, v, lo, hi)
	}
}

func (c *checker) checkMetrics() {
	m := c.s.Metrics
	for i, unit := range m.Primary {
		if unit == "" || strings.ContainsFunc(unit, isSpace) {
			c.fail(at("metrics.primary"), "metric %q is no benchmark unit", unit)
		} else if slices.Contains(m.Primary[:i], unit) {
			c.fail(at("metrics.primary"), "metric %q is named twice", unit)
		} else if m.Better[unit] == "" {
			c.fail(at("metrics.primary"), `nobody knows whether more %s is better: add better = { %q = "lower" } or "higher" to [metrics]`, unit, unit)
		}
	}
	for unit, better := range m.Better {
		if better != "lower" && better != "higher" {
			c.fail(at("metrics.better."+unit, "metrics.better"), "better of %q is %q, not \"lower\" or \"higher\"", unit, better)
		}
	}
	c.margin("metrics.margin", *m.Margin)
	for _, unit := range sortedKeys(m.Margins) {
		c.primary("metrics.margins", unit)
		c.margin("metrics.margins", m.Margins[unit])
	}
	for _, unit := range sortedKeys(m.MarginAbs) {
		c.primary("metrics.margin_abs", unit)
		if v := m.MarginAbs[unit]; !(v > 0 && v < 1e18) {
			c.fail(at("metrics.margin_abs"), "margin_abs of %q is %v, not above 0", unit, v)
		}
	}
}

func (c *checker) margin(key string, m float64) {
	if !(m > 0 && m <= 1) {
		c.fail(at(key), "a margin of %v: write a share above 0 and up to 1, such as 0.03 for 3 %%", m)
	}
}

func (c *checker) primary(key, unit string) {
	if !slices.Contains(c.s.Metrics.Primary, unit) {
		c.fail(at(key), "%q is not among metrics.primary %q", unit, c.s.Metrics.Primary)
	}
}

func (c *checker) checkVariants() {
	base := -1
	seen := map[string]int{}
	for i, v := range c.s.Variants {
		table := c.s.table(i)
		if !variantName.MatchString(v.Name) {
			c.fail(at(table+".name", table), "variant name %q: letters, digits and _.=+-%% only, a letter or digit first", v.Name)
		} else if first, ok := seen[v.Name]; ok {
			c.fail(at(table+".name"), "a second variant %q, the first is on line %d", v.Name, c.lines.Of(fmt.Sprintf("variant[%d]", first)))
		} else {
			seen[v.Name] = i
		}
		if v.Base && base >= 0 {
			c.fail(at(table+".base"), "two bases: %q is one already, and there is exactly one", c.s.Variants[base].Name)
		} else if v.Base {
			base = i
		}
		if v.Rename != "" && v.Select == "" {
			c.fail(at(table+".rename"), "rename without select: select names the benchmark that is renamed")
		}
		if strings.Contains(v.Select, "/") && v.Rename == "" {
			c.fail(at(table+".select"), "select %q spans several name parts: name one part, or add rename to select a whole benchmark", v.Select)
		}
		c.checkSettings(table, &c.s.Variants[i])
	}
	for _, name := range c.s.Quick.Variants {
		if _, ok := c.s.Variant(name); !ok {
			c.fail(at("quick.variants"), "no variant %q", name)
		}
	}
	if base >= 0 && !c.s.IsQuick(c.s.Variants[base].Name) {
		c.fail(at("quick.variants"), "the base %q is not among them", c.s.Variants[base].Name)
	}
	if len(c.s.Variants) < 2 {
		c.fail(at("variant[0]"), "%d variants: a question needs a base and at least one other", len(c.s.Variants))
	}
	if base < 0 && len(c.s.Variants) > 0 {
		c.fail(at("variant[0]"), "no variant is the base: add base = true to the one that the others are compared with")
	}
}

func (c *checker) envName(key, name string) {
	if name == "" || strings.ContainsAny(name, "=\x00 ") {
		c.fail(at(key), "%q is no name of an environment variable", name)
	}
}

func (c *checker) checkClaims() {
	ids := map[string]bool{}
	for i, claim := range c.s.Claims {
		table := fmt.Sprintf("claim[%d]", i)
		if claim.ID == "" || claim.Says == "" {
			c.fail(at(table), "a claim needs an id and what it says")
		}
		if ids[claim.ID] {
			c.fail(at(table+".id"), "a second claim %q", claim.ID)
		}
		ids[claim.ID] = true
		switch claim.Kind {
		case "ratio":
			c.checkRatio(table, claim)
		case "value":
			c.checkValue(table, claim)
		case "exists", "missing":
			if claim.Test == "" {
				c.fail(at(table+".kind"), "a claim of kind %q names the test that decides it, test = \"TestX\"", claim.Kind)
			}
			c.pattern(table+".test", claim.Test)
		default:
			c.fail(at(table+".kind", table), "kind %q is not ratio, value, exists or missing", claim.Kind)
		}
		for _, name := range sortedKeys(claim.Requires) {
			if !slices.Contains(requirements, name) {
				c.fail(at(table+".requires"), "requires %q: known are %q", name, requirements)
			}
		}
	}
}

func (c *checker) checkRatio(table string, claim Claim) {
	if claim.Ratio == nil {
		c.fail(at(table), "a claim of kind \"ratio\" needs ratio = variant ÷ base, as published")
	} else if !(*claim.Ratio > 0 && *claim.Ratio < 1e9) {
		c.fail(at(table+".ratio"), "a ratio of %v: it is variant ÷ base and above 0", *claim.Ratio)
	}
	c.claimed(table, claim)
	c.primary(table+".metric", claim.Metric)
	against := claim.Against
	if against == "" {
		against = c.s.Base().Name
	} else if _, ok := c.s.Variant(against); !ok {
		c.fail(at(table+".against"), "no variant %q", against)
	}
	if claim.Variant == against {
		c.fail(at(table+".variant"), "the claim compares %q with itself", against)
	}
}

func (c *checker) checkValue(table string, claim Claim) {
	if claim.Value == nil || !(*claim.Value >= 0 && *claim.Value < 1e18) {
		c.fail(at(table+".value"), "a claim of kind \"value\" needs a value of 0 or more")
	}
	if t := *claim.Tolerance; !(t > 0 && t <= 10) {
		c.fail(at(table+".tolerance"), "a tolerance of %v: write a share above 0, such as 0.1", t)
	}
	if claim.Metric == "" {
		c.fail(at(table), "a claim of kind \"value\" names its metric")
	}
	c.claimed(table, claim)
}

func (c *checker) claimed(table string, claim Claim) {
	if claim.Case == "" {
		c.fail(at(table), "the claim names no case")
	}
	if _, ok := c.s.Variant(claim.Variant); !ok {
		c.fail(at(table+".variant", table), "no variant %q", claim.Variant)
	}
}

func isSpace(r rune) bool {
	return r <= ' ' || r == 0x7f || r == 0x85 || r == 0xa0 || r == 0x2028 || r == 0x2029
}
