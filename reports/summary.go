package reports

import (
	"path/filepath"

	"tunelab/reports/internal/plain"
	"tunelab/results"
	"tunelab/results/verdict"
)

// A Summary is one run with everything computed that a renderer shows. It is made by [Summarize] and not changed
// afterwards; several renderers may use it one after the other.
type Summary struct {
	File        *results.File
	Comparisons []results.Comparison  // in the order of the plan
	Claims      []results.JudgedClaim // in the order of the scenario

	Name     string         // of the run, fit to be shown
	Question string         // fit to be shown
	Answer   string         // one or two plain sentences, composed by rule from the verdicts; fit to be shown
	Counts   verdict.Counts // of the verdicts

	Repeat    []string // the command that repeats the run
	Resume    []string // the command that goes on with it; nil when measuring ended
	Benchstat []string // the command that makes benchstat show the same file, base first

	judged   []metricTable  // the primary metrics
	others   []metricTable  // units that are shown and not judged
	groups   []verdictGroup // every comparison, by metric and case
	claims   []claimRow     // every claim
	figures  []figureView   // what the scenario works out of several comparisons
	missing  []missingRow   // what has no number, and why
	outcomes []outcomeRow   // trials by case, variant and how they ended
	failures []failureRow   // every trial that did not end well
	checks   []checkRow     // correctness tests
	variants []variantRow   // what each variant sets
	warnings []string       // what a reader must know before believing a number
	noise    []string       // what makes the machine noisy
	problems []string       // lines of the file that could not be used
	ended    string         // how measuring ended
	plan     []fact         // what was fixed before measuring
	machine  []fact         // what it was measured on
	trials   trialsOf       // the trials that ended well
	perCase  []plannedCase  // the plan's table of cases
	byPair   comparisonsOf  // to find a comparison
}

// A fact is a name and what is to be said of it.
type fact struct {
	Name, Value string
}

// Summarize computes every comparison, judges every claim and composes the answer, from the records of f alone.
func Summarize(f *results.File) *Summary {
	comparisons := f.Compare()
	s := &Summary{
		File:        f,
		Comparisons: comparisons,
		Claims:      f.JudgeClaims(comparisons),
		Name:        runName(f),
		Question:    plain.Clean(f.Run.Question),
		trials:      indexTrials(f.Trials),
		byPair:      comparisonsOf{},
	}
	for i := range comparisons {
		c := &s.Comparisons[i]
		s.Counts.Add(c.Verdict)
		s.byPair[pairKey{c.Case, c.Metric, c.Base, c.Variant}] = c
	}
	s.setCommands()
	s.setTables()
	s.setVerdicts()
	s.setFigures()
	s.setRecords()
	s.setPlan()
	s.setMachine()
	s.Answer = s.answer()
	return s
}

// Finished reports whether measuring ended.
func (s *Summary) Finished() bool { return s.File.Done != nil }

// runName is the run's id, or the name of its folder when it has none.
func runName(f *results.File) string {
	if f.Run.ID != "" {
		return plain.Clean(f.Run.ID)
	}
	return plain.Clean(filepath.Base(filepath.Dir(f.Path)))
}

type pairKey struct{ benchCase, metric, base, variant string }

type comparisonsOf map[pairKey]*results.Comparison

// trialsOf are the trials that ended well, by case and variant, in the order in which they ran.
type trialsOf map[string]map[string][]*results.Trial

func indexTrials(trials []results.Trial) trialsOf {
	out := trialsOf{}
	for i := range trials {
		t := &trials[i]
		if t.Outcome != results.OK {
			continue
		}
		if out[t.Case] == nil {
			out[t.Case] = map[string][]*results.Trial{}
		}
		out[t.Case][t.Variant] = append(out[t.Case][t.Variant], t)
	}
	return out
}

// values returns what the trials of a case and variant report in unit, in the order in which they ran.
func (t trialsOf) values(benchCase, variant, unit string) []float64 {
	var out []float64
	for _, trial := range t[benchCase][variant] {
		if v, ok := trial.Get(unit); ok && isFinite(v) {
			out = append(out, v)
		}
	}
	return out
}
