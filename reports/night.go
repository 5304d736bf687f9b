package reports

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"tunelab/reports/internal/number"
	"tunelab/reports/internal/plain"
	"tunelab/results/nights"
)

// nightTitles are the headings of what a night has to say, in the order in which they are told.
var nightTitles = []struct {
	kind  nights.Kind
	title string
}{
	{nights.Regression, "Regressions, confirmed"},
	{nights.Fails, "Benchmarks that fail at the tip and not at the baseline"},
	{nights.Broken, "Could not be built or measured"},
	{nights.NotMeasured, "Not measured"},
	{nights.OnlyOld, "Disappeared"},
	{nights.Accepted, "Regressions that were accepted"},
	{nights.Small, "Slower, confirmed, and too little to matter"},
	{nights.Flagged, "Stood out, and were not confirmed"},
	{nights.Improvement, "Better, confirmed"},
	{nights.OnlyNew, "New: nothing to compare with"},
	{nights.Skipped, "Skipped: build tags keep them out, or they skip themselves"},
	{nights.Misused, "They measure something else than they say"},
	{nights.Alike, "Built into the same bytes on both sides: nothing can differ"},
}

// NightText writes what a night's gate came to, for a terminal.
func NightText(w io.Writer, n *nights.Night, o TextOptions) error {
	p := newPrinter(o.Width, o.Color)
	code := "33"
	switch n.Exit {
	case 0:
		code = "32"
	case 1:
		code = "31"
	}
	p.line(p.paint(code, strings.ToUpper(n.Outcome())))
	for _, text := range n.Says {
		p.wrap("", plain.Clean(text))
	}
	p.findings(n)
	_, err := w.Write(p.buf.Bytes())
	return wrapped(err)
}

// FindingsText writes what a comparison of two revisions has to say of benchmarks and packages, for a terminal.
func FindingsText(w io.Writer, n *nights.Night, o TextOptions) error {
	p := newPrinter(o.Width, o.Color)
	p.findings(n)
	_, err := w.Write(p.buf.Bytes())
	return wrapped(err)
}

func wrapped(err error) error {
	if err != nil {
		return fmt.Errorf("writing what the night came to: %w", err)
	}
	return nil
}

// findings writes what there is to say, and of what.
func (p *printer) findings(n *nights.Night) {
	for _, t := range nightTitles {
		list := findingsOf(n, t.kind)
		if len(list) == 0 {
			continue
		}
		p.title("%s", t.title)
		for _, f := range list {
			p.wrap("  ", findingText(f))
		}
	}
	p.blank()
	p.wrap("", nightSides(n))
	p.wrap("", nightCounts(n))
	if text := canaryText(n.Canary); text != "" {
		p.wrap("", text)
	}
}

// findingsOf returns the night's findings of one kind, the worst first.
func findingsOf(n *nights.Night, kind nights.Kind) []nights.Finding {
	list := slices.DeleteFunc(slices.Clone(n.Findings), func(f nights.Finding) bool { return f.Kind != kind })
	slices.SortStableFunc(list, func(a, b nights.Finding) int { return -compareFloats(size(a), size(b)) })
	return list
}

func size(f nights.Finding) float64 {
	if f.Metric == "" {
		return 0
	}
	return math.Abs(f.Worse())
}

// findingText is one finding as a sentence: "codec Encode/size=1k ns/op: 5.1 % higher [4.2 %, 6.0 %], 412.0ns to 433.0ns".
func findingText(f nights.Finding) string {
	subject := plain.Elide(plain.Clean(f.Package), maxNameShown)
	if f.Package == "." {
		subject = ""
	}
	if f.Benchmark != "" {
		subject += " " + plain.Elide(plain.Clean(f.Benchmark), maxNameShown)
	}
	var parts []string
	if f.Metric != "" {
		subject += " " + plain.Elide(plain.Clean(f.Metric), maxNameWidth)
		parts = append(parts, findingFigures(f)...)
	}
	if f.Why != "" {
		parts = append(parts, plain.Elide(plain.Clean(f.Why), 600))
	}
	subject = strings.TrimSpace(subject)
	if subject == "" {
		subject = "the package at the root"
	}
	if len(parts) == 0 {
		return subject
	}
	return subject + ": " + strings.Join(parts, "; ")
}

func findingFigures(f nights.Finding) []string {
	var parts []string
	if f.Ratio != nil {
		parts = append(parts, number.Effect(*f.Ratio, orNaN(f.Lo), orNaN(f.Hi)))
	}
	if f.From != nil && f.To != nil {
		scale := number.Common([]float64{*f.From, *f.To}, f.Metric)
		parts = append(parts, scale.Format(*f.From)+" to "+scale.Format(*f.To))
	}
	return parts
}

// nightSides says what was compared.
func nightSides(n *nights.Night) string {
	tip := "the work tree"
	if n.Commit != "" {
		tip = short(n.Commit)
	}
	if n.Subject != "" && n.Commit != "" {
		tip += " (" + plain.Elide(plain.Clean(n.Subject), maxNameWidth) + ")"
	}
	base := short(n.Baseline)
	if n.Named != "" && !strings.HasPrefix(n.Baseline, n.Named) {
		base = plain.Elide(plain.Clean(n.Named), maxNameWidth) + " (" + base + ")"
	}
	return fmt.Sprintf("%s against %s, on %s", tip, cmp.Or(base, "the work tree"), strings.TrimSpace(plain.Clean(n.Host.CPU)+" "+plain.Clean(n.Host.Go)))
}

func short(hash string) string { return plain.Clean(hash[:min(12, len(hash))]) }

// nightCounts says how many verdicts there were.
func nightCounts(n *nights.Night) string {
	c := n.Counts
	text := fmt.Sprintf("%s: %d worse, %d better, %d the same, %d undecided", count(c.Total(), "comparison", "comparisons"), c.Worse, c.Better, c.Same, c.Undecided)
	if c.Alike > 0 {
		text += "; " + count(c.Alike, "package needs no measuring", "packages need no measuring")
	}
	return text
}

// canaryText says whether the gate proved that it was alive.
func canaryText(c *nights.Canary) string {
	if c == nil {
		return ""
	}
	found := "was not found"
	if c.Found {
		found = "was found"
		if c.Ratio != nil {
			found += " (measured " + number.Change(*c.Ratio) + ")"
		}
	}
	twin := "its equal twin was not called different"
	if c.TwinFlag {
		twin = "its equal twin was called different"
	}
	return fmt.Sprintf("the gate's own benchmark: a slowdown of %s %s, %s", number.Margin(c.Slowdown), found, twin)
}

// NightMarkdown writes what a night came to for a CI summary: at most 65,536 characters. Link tells where a run's page is;
// nil, or "", for nowhere.
func NightMarkdown(w io.Writer, title string, n *nights.Night, link func(run string) string) error {
	m := &markdownWriter{}
	m.add("### %s\n", markdownText(title))
	for _, text := range n.Says {
		m.add("%s\n", markdownText(plain.Clean(text)))
	}
	for _, t := range nightTitles {
		if list := findingsOf(n, t.kind); len(list) > 0 {
			m.findings(t.title, list, link)
		}
	}
	m.add("%s. %s.", markdownText(nightSides(n)), markdownText(nightCounts(n)))
	if text := canaryText(n.Canary); text != "" {
		m.add("%s.", markdownText(strings.ToUpper(text[:1])+text[1:]))
	}
	if m.left > 0 {
		fmt.Fprintf(&m.buf, "\n%d lines were left out: they are in the pages.\n", m.left)
	}
	_, err := w.Write(m.buf.Bytes())
	return wrapped(err)
}

func (m *markdownWriter) findings(title string, list []nights.Finding, link func(string) string) {
	m.add("#### %s\n", markdownText(title))
	if list[0].Metric == "" {
		for _, f := range list {
			m.add("- %s", markdownText(findingText(f)))
		}
		m.add("")
		return
	}
	m.add("| package | benchmark | metric | change [interval] | from, to | |\n| --- | --- | --- | --: | --- | --- |")
	for _, f := range list {
		figures := findingFigures(f)
		for len(figures) < 2 {
			figures = append([]string{""}, figures...)
		}
		why := markdownText(plain.Elide(plain.Clean(f.Why), 600))
		if link != nil && f.Run != "" && link(f.Run) != "" {
			why = strings.TrimSpace(why + " [trials](" + link(f.Run) + ")")
		}
		m.add("| %s | %s | %s | %s | %s | %s |", markdownCode(f.Package), markdownCode(f.Benchmark), markdownText(f.Metric), figures[0], figures[1], why)
	}
	m.add("")
}

// Annotations writes what a night came to as commands of GitHub Actions, which shows them beside the commit.
// See https://docs.github.com/actions/reference/workflow-commands-for-github-actions.
func Annotations(w io.Writer, n *nights.Night) error {
	say := func(level, title, text string) error {
		_, err := fmt.Fprintf(w, "::%s title=%s::%s\n", level, annotationProperty(plain.Clean(title)), annotationText(plain.Clean(text)))
		return err
	}
	for _, t := range nightTitles {
		level := ""
		switch t.kind {
		case nights.Regression, nights.Fails:
			level = "error"
		case nights.Broken, nights.Flagged, nights.OnlyOld:
			level = "warning"
		case nights.Improvement:
			level = "notice"
		default:
			continue
		}
		for _, f := range atMostFindings(findingsOf(n, t.kind)) {
			if err := say(level, t.title, findingText(f)); err != nil {
				return wrapped(err)
			}
		}
	}
	level := map[int]string{0: "notice", 1: "error"}[n.Exit]
	return wrapped(say(cmp.Or(level, "warning"), "tunelab gate: "+n.Outcome(), strings.Join(n.Says, "; ")))
}

// atMostFindings keeps what Actions shows of one level in one step.
func atMostFindings(list []nights.Finding) []nights.Finding { return list[:min(len(list), 9)] }

func annotationText(text string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A").Replace(text)
}

func annotationProperty(text string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C").Replace(text)
}
