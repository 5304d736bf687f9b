package reports

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"tunelab/reports/internal/plain"
	"tunelab/reports/internal/shell"
)

// TextOptions says what the terminal can show.
type TextOptions struct {
	Width int  // columns; 0 for 80, and less than 40 counts as 40
	Color bool // verdicts in colour, by escape sequences
}

// Text writes the summary for a terminal: the question, the answer, a table as benchstat's for each primary metric,
// every verdict, the claims, what was not measured, what to beware of, and last the commands. No line is wider than
// the terminal.
func Text(w io.Writer, s *Summary, o TextOptions) error {
	p := newPrinter(o.Width, o.Color)
	p.head(s)
	for _, t := range s.judged {
		p.title("%s, %s is better", t.Unit, t.Better)
		p.metricTable(t)
	}
	for _, g := range s.groups {
		p.verdicts(g)
	}
	p.claims(s)
	p.figures(s)
	p.others(s)
	p.builds(s)
	p.missing(s)
	p.warnings(s)
	p.commands(s)
	if _, err := w.Write(p.buf.Bytes()); err != nil {
		return fmt.Errorf("writing the text of run %s: %w", s.Name, err)
	}
	return nil
}

// mostOthers is how many lines of tables that nobody judges a terminal is given; there may be a thousand.
const mostOthers = 60

// others writes the units that get no verdict, or only their names when the tables would push the verdicts out of
// sight.
func (p *printer) others(s *Summary) {
	if len(s.others) == 0 {
		return
	}
	tables := newPrinter(p.width, p.color)
	units := make([]string, len(s.others))
	for i, t := range s.others {
		units[i] = t.Unit
		tables.blank()
		tables.line(t.Unit)
		tables.metricTable(t)
	}
	p.title("Also measured, not judged")
	if bytes.Count(tables.buf.Bytes(), []byte("\n")) > mostOthers {
		p.wrap("", strings.Join(units, ", ")+": their tables are in the page, and benchstat prints them.")
		return
	}
	p.blank()
	p.buf.Write(tables.buf.Bytes())
}

func (p *printer) head(s *Summary) {
	if s.Question != "" {
		p.title("%s", s.Question)
		p.blank()
	}
	p.wrap("", s.Answer)
	p.blank()
	p.wrap("", fmt.Sprintf("%s: %s", s.Name, s.ended))
	if line := s.machineLine(); line != "" {
		p.wrap("", line)
	}
	if cores := plain.Clean(s.File.Run.Cores); cores != "" {
		p.wrap("", cores)
	}
	if s.File.Run.Protocol > 1 {
		if len(s.File.Run.Flags) > 0 {
			p.wrap("", "flags of go test: "+plain.Clean(strings.Join(s.File.Run.Flags, " ")))
		}
		if unlike := s.unlike(); unlike != "" {
			p.wrap("", "unlike go test: "+unlike)
		}
		if layouts := s.layouts(); layouts != "" {
			p.wrap("", "layouts: "+layouts)
		}
		if placement := s.placement(); placement != "" {
			p.wrap("", placement)
		}
		p.wrap("", s.trust())
	}
}

// metricTable writes one unit: medians with their intervals, and against the base what our verdict says.
func (p *printer) metricTable(t metricTable) {
	labels := make([]string, len(t.Rows))
	for i, row := range t.Rows {
		labels[i] = row.Case
	}
	full := t.textColumns(true)
	if brief := t.textColumns(false); !t.NeedsP && (p.tooWide(full) || len(p.chunks(p.width*2/5, brief)) < len(p.chunks(p.width*2/5, full))) {
		full = brief // the p-values stand beside the verdicts too
	}
	p.columns(labels, full)
	for i, note := range t.Notes {
		p.wrap(superscript(i+1)+" ", note)
	}
}

// textColumns lays the cells of every variant out, one below the other.
func (t *metricTable) textColumns(withP bool) []textColumn {
	var out []textColumn
	for j, column := range t.Columns {
		cells := make([]string, len(t.Rows))
		verdicts := make([]string, len(t.Rows))
		part := func(align func(string, int) string, before string, text func(c tableCell) string) {
			width := 0
			for _, row := range t.Rows {
				width = max(width, plain.Width(text(row.Cells[j])))
			}
			if width == 0 {
				return
			}
			for i, row := range t.Rows {
				lead := before
				if text(row.Cells[j]) == "" {
					lead = plain.Left("", plain.Width(before))
				}
				cells[i] += lead + align(text(row.Cells[j]), width)
			}
		}
		part(plain.Right, "", func(c tableCell) string { return c.Value })
		part(plain.Right, " ± ", func(c tableCell) string { return c.Range })
		part(plain.Left, "", func(c tableCell) string { return marks(c.Notes) })
		part(plain.Right, "  ", func(c tableCell) string { return c.Delta })
		if withP {
			part(plain.Left, " ", func(c tableCell) string {
				if c.P == "" {
					return ""
				}
				return "(" + c.P + ")"
			})
		}
		part(plain.Left, "", func(c tableCell) string { return marks(c.DeltaNotes) })
		for i, row := range t.Rows {
			verdicts[i] = row.Cells[j].Verdict
		}
		c := newTextColumn(column.Name, column.Sub, cells, verdicts)
		out = append(out, c)
	}
	return out
}

func marks(notes []int) string {
	out := ""
	for i, n := range notes {
		if i > 0 {
			out += " "
		}
		out += superscript(n)
	}
	return out
}

// verdicts writes every comparison by one metric: flat where that fits, else under a line for each case.
func (p *printer) verdicts(g verdictGroup) {
	against := ""
	if g.Base != "" {
		against = ", against " + g.Base
	}
	p.title("Verdicts by %s%s (%s is better, same means within %s)", g.Unit, against, g.Better, g.Margin)
	l := newVerdictLayout(g, p.width)
	if header := l.header(); header != "" {
		p.line(header)
	}
	for _, c := range g.Cases {
		if !l.flat {
			for _, line := range wrapLabel(c.Case, p.width) {
				p.line(line)
			}
		}
		for i, row := range c.Rows {
			p.verdictRow(l, c.Case, row, i == 0)
		}
	}
	for i, note := range g.Notes {
		p.wrap(superscript(i+1)+" ", note)
	}
}

func (p *printer) verdictRow(l verdictLayout, name string, row verdictRow, first bool) {
	labels := wrapLabel(l.label(row), l.labelWidth)
	lead := l.indent
	if l.flat {
		if !first {
			name = ""
		}
		lead = plain.Left(name, l.caseWidth) + "  "
	}
	line := lead + plain.Left(labels[0], l.labelWidth)
	if !l.stacked {
		line += l.fields(row, p)
	}
	p.line(line)
	for _, more := range labels[1:] {
		p.line(plain.Left("", plain.Width(lead)) + more)
	}
	if l.stacked {
		p.wrap(l.indent+"  ", fmt.Sprintf("%s, %s, %s blocks%s", row.Change, row.Verdict, row.Blocks, marks(row.Notes)))
	}
	if row.Settle != "" {
		p.wrap(l.indent+"  ", row.Settle)
	}
}

func (p *printer) claims(s *Summary) {
	if len(s.claims) == 0 {
		return
	}
	p.title("Claims")
	for _, c := range s.claims {
		figures := ""
		if c.Claimed != "" {
			figures = "claimed " + c.Claimed
		}
		if c.Measured != "" {
			figures += ", measured " + c.Measured
		}
		p.line(plain.Elide(c.ID, p.width-20) + "  " + p.verdict(c.Verdict, c.Verdict))
		for _, text := range []string{c.Says, figures, c.Why} {
			if text != "" {
				p.wrap("    ", text)
			}
		}
	}
}

// figures writes what the scenario works out of several comparisons, each as a table that is turned into a list where
// the terminal is too narrow.
func (p *printer) figures(s *Summary) {
	var empty []string
	for _, v := range s.figures {
		if v.computed.Why != "" {
			empty = append(empty, "“"+v.Title+"”: "+plain.Clean(v.computed.Why))
			continue
		}
		p.title("%s", v.Title)
		for _, text := range v.Findings {
			p.wrap("", text)
		}
		if len(v.Rows) == 0 {
			continue
		}
		labels := make([]string, len(v.Rows))
		for i, row := range v.Rows {
			labels[i] = row[0]
		}
		var columns []textColumn
		for j := 1; j < len(v.Head); j++ {
			cells := make([]string, len(v.Rows))
			for i, row := range v.Rows {
				cells[i] = row[j]
			}
			columns = append(columns, newTextColumn(v.Head[j], "", cells, make([]string, len(cells))))
		}
		p.columns(labels, columns)
	}
	for i, text := range empty {
		if i == 0 {
			p.title("Figures without data")
		}
		p.wrap("  ", text)
	}
}

// builds tells what the variants' binaries are, where they are not one and the same: their time is not in the budget.
func (p *printer) builds(s *Summary) {
	if !s.severalBuilds() {
		return
	}
	p.title("Builds, not in the budget")
	for _, v := range s.variants {
		p.wrap("  ", v.Name+": "+strings.TrimSuffix(v.Sets+"; "+v.Made, "; "))
	}
}

func (p *printer) missing(s *Summary) {
	if len(s.missing) > 0 {
		p.title("Not measured")
	}
	for i, m := range s.missing {
		if i > 0 && s.missing[i-1].Why == m.Why {
			continue // named with the first that has the same reason
		}
		names := []string{}
		for _, other := range s.missing[i:] {
			if other.Why != m.Why {
				break
			}
			if other.Name != "" {
				names = append(names, other.Name)
			}
		}
		p.wrap("  ", strings.TrimPrefix(strings.Join(names, ", ")+": ", ": ")+m.Why)
	}
	for i, c := range s.failedChecks() {
		if i == 0 {
			p.title("Failed correctness tests")
		}
		p.wrap("  ", c.Variant+": it gets no number")
	}
	for i, f := range s.failures {
		if i == 0 {
			p.title("Trials that ended badly")
		}
		if i == maxFailuresTold {
			p.line(fmt.Sprintf("  and %d more", len(s.failures)-i))
			break
		}
		p.wrap("  ", f.Title+": "+f.Why)
	}
}

// maxFailuresTold is how many failed trials the terminal and Markdown list; the page has them all.
const maxFailuresTold = 10

func (p *printer) warnings(s *Summary) {
	for i, w := range append(append([]string{}, s.warnings...), s.noise...) {
		if i == 0 {
			p.title("Beware")
		}
		p.wrap("  ", w)
	}
	for i, line := range s.problems {
		if i == 0 {
			p.title("Lines of the file that could not be used")
		}
		p.wrap("  ", line)
	}
}

func (p *printer) commands(s *Summary) {
	for _, c := range s.commands() {
		p.title("%s", c.Name)
		for _, line := range shell.Lines(c.args, p.width) {
			p.line(line)
		}
	}
}
