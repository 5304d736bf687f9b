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
	CSS                     template.CSS
	Badges                  []badge
	Claims                  []claimRow
	Figures                 []figureView
	Metrics                 []pageMetric
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
	Cases    []pageCase
	Open     bool // the evidence is unfolded
}

// A pageCase is the evidence of one case by one metric.
type pageCase struct {
	Case          string
	Spread, Order template.HTML
}

// maxQuestion is how much of a question stands as the title: more is not a question.
const maxQuestion = 300

// openCases is up to how many cases the evidence stands unfolded.
const openCases = 4

func (s *Summary) page() (*page, error) {
	p := &page{
		Title: plain.Elide(s.Question, 120), Question: plain.Elide(s.Question, maxQuestion), Answer: bound(s.Answer), Name: s.Name, Ended: s.ended,
		Machine: s.machineLine(), CSS: template.CSS(stylesheet),
		Claims: s.claims, Others: s.others, Outcomes: s.outcomes, AnyBad: len(s.failures) > 0, Failures: s.failures,
		Missing: s.missing, Checks: s.checks, FailedChecks: len(s.failedChecks()), Variants: s.variants, Plan: s.plan,
		Cases: s.perCase, MachineFacts: s.machine, Warnings: s.warnings, Noise: s.noise, Problems: s.problems,
		Commands: s.commands(), Badges: s.badges(),
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
		svg, err := plots.Forest(d)
		if err != nil {
			return out, err
		}
		out.Forests = append(out.Forests, template.HTML(svg))
	}
	for _, c := range s.File.Run.Plan.Cases {
		spread := s.spread(c, m.Unit)
		if len(spread.Rows) == 0 {
			continue
		}
		first, err := plots.Spread(spread)
		if err != nil {
			return out, err
		}
		second, err := plots.Order(s.order(c, m.Unit))
		if err != nil {
			return out, err
		}
		out.Cases = append(out.Cases, pageCase{plain.Clean(c.Case), template.HTML(first), template.HTML(second)})
	}
	out.Open = len(out.Cases) <= openCases
	return out, nil
}
