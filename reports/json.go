package reports

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"

	"tunelab/results"
	"tunelab/results/figures"
)

// A jsonRun is one object of `tunelab show --json`. Its keys are a promise to programs that read them.
type jsonRun struct {
	Run            string                `json:"run"`
	Scenario       string                `json:"scenario"`
	Question       string                `json:"question"`
	Protocol       int                   `json:"protocol"`
	Plan           jsonPlan              `json:"plan"`
	Host           results.Host          `json:"host"`
	Finished       bool                  `json:"finished"`
	Done           string                `json:"done"` // why measuring ended, "" when it did not
	Comparisons    []results.Comparison  `json:"comparisons"`
	NotMeasured    []string              `json:"not_measured"`
	NotMeasuredWhy []jsonUnmeasured      `json:"not_measured_why"`
	Claims         []results.JudgedClaim `json:"claims"`
	Figures        []figures.Computed    `json:"figures"`
	Checks         []results.Check       `json:"checks"`
	Warnings       []string              `json:"warnings"`
	Problems       []string              `json:"problems"`
}

// A jsonPlan is the plan with its cases, which the file keeps in records of their own.
type jsonPlan struct {
	results.Plan
	Cases []results.PlannedCase `json:"cases"`
}

type jsonUnmeasured struct {
	Case    string             `json:"case,omitempty"`
	Variant string             `json:"variant,omitempty"`
	Code    results.ReasonCode `json:"code,omitempty"`
	In      string             `json:"in,omitempty"`
	Why     string             `json:"why"`
}

// JSON writes an array of one object per run. Names and texts are as in the file, values carry the unit as declared,
// and a number that is not finite is left out.
func JSON(w io.Writer, summaries []*Summary) error {
	runs := make([]jsonRun, len(summaries))
	for i, s := range summaries {
		runs[i] = s.json()
	}
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(runs); err != nil {
		return fmt.Errorf("writing runs as JSON: %w", err)
	}
	return nil
}

func (s *Summary) json() jsonRun {
	run := s.File.Run
	out := jsonRun{
		Run: run.ID, Scenario: run.Scenario, Question: run.Question, Protocol: run.Protocol,
		Plan: jsonPlan{run.Plan, notNil(run.Plan.Cases)}, Host: run.Host, Finished: s.Finished(),
		Comparisons: make([]results.Comparison, len(s.Comparisons)), NotMeasured: []string{}, NotMeasuredWhy: []jsonUnmeasured{},
		Claims: make([]results.JudgedClaim, len(s.Claims)), Figures: []figures.Computed{}, Checks: notNil(run.Checks),
		Warnings: notNil(run.Warnings), Problems: []string{},
	}
	out.Plan.Looks = notNil(out.Plan.Looks)
	out.Plan.Cases = slices.Clone(out.Plan.Cases)
	for i := range out.Plan.Cases {
		c := &out.Plan.Cases[i]
		c.Variants, c.Pairs, c.Metrics = notNil(c.Variants), notNil(c.Pairs), notNil(c.Metrics)
	}
	if s.Finished() {
		out.Done = s.File.Done.Why
	}
	for i, c := range s.Comparisons {
		out.Comparisons[i] = finiteComparison(c)
	}
	for _, v := range s.figures {
		out.Figures = append(out.Figures, v.computed)
	}
	for i, c := range s.Claims {
		for _, p := range []**float64{&c.Claimed, &c.Ratio, &c.Value, &c.Lo, &c.Hi} {
			*p = finite(*p)
		}
		out.Claims[i] = c
	}
	for _, u := range run.NotMeasured {
		if u.Variant == "" && !slices.Contains(out.NotMeasured, u.Case) {
			out.NotMeasured = append(out.NotMeasured, u.Case)
		}
		out.NotMeasuredWhy = append(out.NotMeasuredWhy, jsonUnmeasured(u))
	}
	for _, p := range s.File.Problems {
		out.Problems = append(out.Problems, p.Error())
	}
	return out
}

func finiteComparison(c results.Comparison) results.Comparison {
	for _, p := range []**float64{&c.BaseMedian, &c.VariantMedian, &c.Ratio, &c.Difference, &c.Lo, &c.Hi, &c.P, &c.Q, &c.MDE} {
		*p = finite(*p)
	}
	for _, v := range []*float64{&c.Confidence, &c.Margin, &c.MarginAbs} {
		if !isFinite(*v) {
			*v = 0
		}
	}
	c.Warnings = notNil(c.Warnings)
	return c
}

// finite is p, or nil where JSON has no number for it.
func finite(p *float64) *float64 {
	if p == nil || !isFinite(*p) {
		return nil
	}
	return p
}

// notNil is list, so that JSON has an array and not null.
func notNil[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}
