package reports

import (
	"fmt"
	"math"
	"strings"

	"tunelab/reports/internal/number"
	"tunelab/reports/internal/plain"
	"tunelab/results"
)

// A claimRow is a claim in ready strings.
type claimRow struct {
	ID, Says string
	Claimed  string // the published figure
	Measured string // the same, as measured, with its interval
	Verdict  string
	Why      string
}

// A missingRow is a case or a variant without a number.
type missingRow struct {
	Name, Why string
}

// An outcomeRow counts how the trials of one variant ended in one case.
type outcomeRow struct {
	Case, Variant            string
	OK, Failed, Timeout, OOM int
}

// Bad is how many trials did not end well.
func (o outcomeRow) Bad() int { return o.Failed + o.Timeout + o.OOM }

// A failureRow is a trial that did not end well.
type failureRow struct {
	Title  string // "trial 7, block 3: atomic in CommitIndex/readers=8: timeout"
	Why    string
	Output string // its last lines
}

// A checkRow is a variant's correctness test.
type checkRow struct {
	Variant string
	Passed  bool
	Tests   string
	Output  string
}

// A variantRow is what a variant sets.
type variantRow struct {
	Name, Sets, Binary, Build string
	Base                      bool
	Made                      string // size of its binary, what its build and its training took
}

func (s *Summary) setRecords() {
	run := s.File.Run
	for i, c := range s.Claims {
		s.claims = append(s.claims, claimView(c, run.Claims[i]))
	}
	for _, u := range run.NotMeasured {
		name := u.Case
		switch {
		case u.Case == "":
			name = u.Variant
		case u.Variant != "":
			name = u.Variant + " in " + u.Case
		}
		s.missing = append(s.missing, missingRow{plain.Clean(name), plain.Clean(u.Why)})
	}
	for _, c := range run.Checks {
		s.checks = append(s.checks, checkRow{plain.Clean(c.Variant), c.Passed, count(c.Tests, "test", "tests"), plain.CleanLines(c.Output)})
	}
	for _, v := range run.Variants {
		s.variants = append(s.variants, variantRow{plain.Clean(v.Name), plain.Clean(v.Sets), plain.Clean(v.Binary), plain.CleanLines(v.Build), v.Base, made(v)})
	}
	s.setOutcomes()
	s.setWarnings()
}

// made says how large the variant's binary is and what making it took, "" where the file does not say.
func made(v results.Variant) string {
	var parts []string
	if v.Bytes > 0 {
		parts = append(parts, number.Value(float64(v.Bytes), "binary-bytes"))
	}
	if v.BuildMS > 0 {
		parts = append(parts, "built in "+number.Milliseconds(float64(v.BuildMS))+" with what Go's cache had")
	}
	if v.Profile != "" {
		text := "profile " + plain.Clean(v.Profile)
		if v.TrainMS > 0 {
			text += ", trained in " + number.Milliseconds(float64(v.TrainMS))
		}
		parts = append(parts, text)
	}
	if len(v.Allow) > 0 {
		parts = append(parts, "may end "+cleanList(v.Allow))
	}
	return strings.Join(parts, "; ")
}

// severalBuilds reports whether variants differ in their binaries.
func (s *Summary) severalBuilds() bool {
	for _, v := range s.variants {
		if v.Binary != s.variants[0].Binary {
			return true
		}
	}
	return false
}

func claimView(c results.JudgedClaim, declared results.Claim) claimRow {
	row := claimRow{ID: plain.Clean(c.ID), Says: plain.Clean(c.Says), Verdict: c.Verdict, Why: plain.Clean(c.Why)}
	format := func(v float64) string { return fmt.Sprintf("%.3g", v) }
	measured := c.Ratio
	switch c.Kind {
	case "ratio":
		if c.Claimed != nil {
			row.Claimed = "ratio " + format(*c.Claimed)
		}
	case "value":
		measured = c.Value
		format = func(v float64) string { return number.Value(v, declared.Metric) }
		if c.Claimed != nil {
			row.Claimed = format(*c.Claimed)
		}
	default:
		row.Claimed = "a fact, decided by a test"
	}
	if measured != nil && isFinite(*measured) {
		row.Measured = format(*measured) + number.Interval(format, orNaN(c.Lo), orNaN(c.Hi))
	}
	return row
}

func (s *Summary) setOutcomes() {
	type key struct{ benchCase, variant string }
	at := map[key]int{}
	for _, c := range s.File.Run.Plan.Cases {
		for _, v := range c.Variants {
			at[key{c.Case, v}] = len(s.outcomes)
			s.outcomes = append(s.outcomes, outcomeRow{Case: plain.Clean(c.Case), Variant: plain.Clean(v)})
		}
	}
	for i := range s.File.Trials {
		t := &s.File.Trials[i]
		j, ok := at[key{t.Case, t.Variant}]
		if !ok {
			j = len(s.outcomes)
			at[key{t.Case, t.Variant}] = j
			s.outcomes = append(s.outcomes, outcomeRow{Case: plain.Clean(t.Case), Variant: plain.Clean(t.Variant)})
		}
		row := &s.outcomes[j]
		switch t.Outcome {
		case results.OK:
			row.OK++
			continue
		case results.Timeout:
			row.Timeout++
		case results.OOM:
			row.OOM++
		default:
			row.Failed++
		}
		s.failures = append(s.failures, failureRow{
			Title:  fmt.Sprintf("trial %d, block %d: %s in %s: %s", t.Trial, t.Block, plain.Clean(t.Variant), plain.Clean(t.Case), plain.Clean(string(t.Outcome))),
			Why:    plain.Clean(t.Why),
			Output: plain.CleanLines(t.Output),
		})
	}
}

// setWarnings gathers what a reader must know before believing a number.
func (s *Summary) setWarnings() {
	run := s.File.Run
	for _, f := range run.Misuses {
		s.warnings = append(s.warnings, plain.Clean(f.String()))
	}
	for _, w := range run.Warnings {
		if w != "" {
			s.warnings = append(s.warnings, plain.Clean(w))
		}
	}
	for _, c := range run.Plan.Cases {
		for _, w := range c.Warnings {
			s.warnings = append(s.warnings, plain.Clean(c.Case)+": "+plain.Clean(w))
		}
	}
	if text := s.disturbance(); text != "" {
		s.warnings = append(s.warnings, text)
	}
	for _, line := range run.Host.Noise {
		s.noise = append(s.noise, plain.Clean(line))
	}
	for _, p := range s.File.Problems {
		s.problems = append(s.problems, fmt.Sprintf("%s:%d: %s", plain.Clean(p.Path), p.Line, plain.Clean(p.Msg)))
	}
	if s.File.Torn {
		s.problems = append(s.problems, "the file goes on behind the last whole record: the run was killed while it wrote; what is whole is shown")
	}
}

// disturbance tells how much CPU time the hypervisor and other programs took while trials ran, when it is above one
// percent of the trials' own wall time.
func (s *Summary) disturbance() string {
	var wall, steal, foreign float64
	together := map[int]float64{} // by party: they lived at the same time
	for i := range s.File.Trials {
		t := &s.File.Trials[i]
		if t.Party == 0 {
			wall += t.WallMS
		} else if more := t.WallMS - together[t.Party]; more > 0 {
			wall += more
			together[t.Party] = t.WallMS
		}
		steal += t.StealMS
		foreign += t.ForeignMS
	}
	var parts []string
	for _, p := range []struct {
		ms   float64
		text string
	}{{steal, "stolen by the hypervisor"}, {foreign, "taken by other programs"}} {
		if share := p.ms / wall; wall > 0 && isFinite(share) && share > maxDisturbance {
			parts = append(parts, fmt.Sprintf("%s of CPU time %s", number.Milliseconds(p.ms), p.text))
		}
	}
	if len(parts) == 0 {
		return ""
	}
	cores := math.Max(1, float64(s.File.Run.Host.Cores))
	return fmt.Sprintf("while trials ran (%s on %g cores): %s; ratios of times shrink under such load", number.Milliseconds(wall), cores, strings.Join(parts, " and "))
}

// maxDisturbance is the share of wall time from which foreign CPU time is worth a warning.
const maxDisturbance = 0.01
