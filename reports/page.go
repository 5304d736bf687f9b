package reports

import (
	"fmt"
	"html/template"

	"tunelab/reports/internal/plain"
	"tunelab/reports/plots"
	"tunelab/results"
)

// A page is what the template of a run shows: ready strings and pictures, nothing left to compute.
type page struct {
	Title, Question, Answer string
	Name, Ended, Machine    string
	Badges                  []badge
	Claims                  []claimRow
	Figures                 []figureView
	Metrics                 []pageMetric
	Profiles                []profileView
	Others                  []metricTable
	Outcomes                []outcomeRow
	AnyBad                  bool
	Failures                []failureRow
	Missing                 []missingRow
	Checks                  []checkRow
	FailedChecks            int
	Variants                []variantRow
	Plan                    []fact
	Cases                   []plannedCase
	MachineFacts            []fact
	Warnings, Noise         []string
	Problems                []string
	Commands                []namedCommand
}

// A badge is a verdict and how often it was given.
type badge struct {
	Verdict string
	Count   int
}

// A pageMetric is everything about one primary metric.
type pageMetric struct {
	Unit     string
	Table    metricTable
	Verdicts verdictGroup
	Forests  []template.HTML
	Heats    []template.HTML
	Cases    []pageCase
	Left     string // cases whose pictures are left out
	Open     bool   // the evidence is unfolded
}

// A pageCase is the evidence of one case by one metric.
type pageCase struct {
	Case     string
	Pictures []told
}

// A told picture has a few words above it.
type told struct {
	Says    string
	Picture template.HTML
}

// maxQuestion is how much of a question stands as the title: more is not a question.
const maxQuestion = 300

// openCases is up to how many cases the evidence stands unfolded.
const openCases = 4

func (s *Summary) page() (*page, error) {
	p := &page{
		Title: plain.Elide(s.Question, 120), Question: plain.Elide(s.Question, maxQuestion), Answer: bound(s.Answer), Name: s.Name, Ended: s.ended,
		Machine: s.machineLine(),
		Claims:  s.claims, Others: s.others, Outcomes: s.outcomes, AnyBad: len(s.failures) > 0, Failures: s.failures,
		Missing: s.missing, Checks: s.checks, FailedChecks: len(s.failedChecks()), Variants: s.variants, Plan: s.plan,
		Cases: s.perCase, MachineFacts: s.machine, Warnings: s.warnings, Noise: s.noise, Problems: s.problems,
		Commands: s.commands(), Badges: s.badges(), Profiles: s.profiles(),
	}
	if p.Question == "" {
		p.Title, p.Question = s.Name, s.Name
	}
	for _, v := range s.figures {
		var err error
		if v.Pictures, err = s.draw(v); err != nil {
			return nil, fmt.Errorf("drawing %s: %w", v.Title, err)
		}
		p.Figures = append(p.Figures, v)
	}
	for _, m := range s.File.Run.Metrics {
		metric, err := s.pageMetric(m)
		if err != nil {
			return nil, fmt.Errorf("drawing %s: %w", plain.Clean(m.Unit), err)
		}
		if len(metric.Table.Rows) > 0 || len(metric.Verdicts.Cases) > 0 {
			p.Metrics = append(p.Metrics, metric)
		}
	}
	return p, nil
}

func (s *Summary) badges() []badge {
	var out []badge
	for _, b := range []badge{
		{"better", s.Counts.Better}, {"worse", s.Counts.Worse}, {"same", s.Counts.Same}, {"undecided", s.Counts.Undecided},
	} {
		if b.Count > 0 {
			out = append(out, b)
		}
	}
	return out
}

func (s *Summary) pageMetric(m results.Metric) (pageMetric, error) {
	out := pageMetric{Unit: plain.Clean(m.Unit)}
	for _, t := range s.judged {
		if t.Unit == out.Unit {
			out.Table = t
		}
	}
	for _, g := range s.groups {
		if g.Unit == out.Unit {
			out.Verdicts = g
		}
	}
	for _, d := range s.forests(m) {
		svg, err := plots.Forest(d).SVG()
		if err != nil {
			return out, err
		}
		out.Forests = append(out.Forests, template.HTML(svg))
	}
	for _, d := range s.axesHeats(m) {
		svg, err := plots.Heat(d).SVG()
		if err != nil {
			return out, err
		}
		out.Heats = append(out.Heats, template.HTML(svg))
	}
	cases, left := s.pictured(m.Unit)
	if left > 0 {
		out.Left = fmt.Sprintf("Of %d more cases, in which less changed, the pictures are left out: tunelab report --pictures DIR writes all.", left)
	}
	for _, c := range cases {
		drawn := pageCase{Case: plain.Clean(c.Case)}
		for _, p := range s.pictures(c, m.Unit) {
			svg, err := p.Picture.SVG()
			if err != nil {
				return out, err
			}
			drawn.Pictures = append(drawn.Pictures, told{p.Says, template.HTML(svg)})
		}
		if len(drawn.Pictures) > 0 {
			out.Cases = append(out.Cases, drawn)
		}
	}
	out.Open = len(out.Cases) <= openCases
	return out, nil
}
