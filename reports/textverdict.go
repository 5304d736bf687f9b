package reports

import (
	"tunelab/reports/internal/plain"
)

// A verdictLayout is how wide the columns of one list of verdicts are.
type verdictLayout struct {
	flat       bool // the case stands in the row
	stacked    bool // the fields stand below the label
	indent     string
	caseWidth  int
	labelWidth int // of variant, or of variant vs base
	withBase   bool
	change     int
	blocks     int
	p          int
}

const (
	verdictWidth = len("undecided")
	leastLabel   = 8  // narrower, a label is no longer read
	wantedLabel  = 16 // narrower, the p-value is left out first
)

// newVerdictLayout finds the widest columns that fit: the case beside the variant if possible, and the base left out
// of the rows before the case gets a line of its own, where all rows have the same.
func newVerdictLayout(g verdictGroup, width int) verdictLayout {
	l := measure(g, true)
	if l.caseWidth+2+l.labelWidth+l.fieldsWidth() <= width {
		l.flat = true
		return l
	}
	if brief := measure(g, false); g.Base != "" {
		if brief.caseWidth+2+brief.labelWidth+brief.fieldsWidth() <= width {
			brief.flat = true
			return brief
		}
		if len(l.indent)+l.labelWidth+l.fieldsWidth() > width {
			l = brief
		}
	}
	if len(l.indent)+min(l.labelWidth, wantedLabel)+l.fieldsWidth() > width {
		l.p = 0
	}
	l.labelWidth = min(l.labelWidth, width-len(l.indent)-l.fieldsWidth())
	if l.labelWidth < leastLabel {
		l.stacked, l.labelWidth = true, width-len(l.indent)
	}
	return l
}

// measure finds how wide each column would like to be.
func measure(g verdictGroup, withBase bool) verdictLayout {
	l := verdictLayout{
		indent: "  ", withBase: withBase, caseWidth: len("case"), labelWidth: len("variant"),
		change: len("change [interval]"), blocks: len("blocks"),
	}
	for _, c := range g.Cases {
		l.caseWidth = max(l.caseWidth, plain.Width(c.Case))
		for _, row := range c.Rows {
			l.labelWidth = max(l.labelWidth, plain.Width(l.label(row)))
			l.change = max(l.change, plain.Width(row.Change))
			l.blocks = max(l.blocks, len("blocks")+plain.Width(marks(row.Notes)))
			l.p = max(l.p, plain.Width(row.P))
		}
	}
	return l
}

// fieldsWidth is how wide everything behind the label is.
func (l verdictLayout) fieldsWidth() int {
	n := 2 + l.change + 2 + verdictWidth + 2 + l.blocks
	if l.p > 0 {
		n += 2 + l.p
	}
	return n
}

func (l verdictLayout) label(row verdictRow) string {
	if !l.withBase {
		return row.Variant
	}
	return row.Variant + " vs " + row.Base
}

func (l verdictLayout) header() string {
	if l.stacked {
		return ""
	}
	lead := l.indent
	if l.flat {
		lead = plain.Left("case", l.caseWidth) + "  "
	}
	line := lead + plain.Left("variant", l.labelWidth) + "  " + plain.Left("change [interval]", l.change) +
		"  " + plain.Left("verdict", verdictWidth) + "  " + plain.Left("blocks", l.blocks)
	if l.p > 0 {
		line += "  p"
	}
	return line
}

func (l verdictLayout) fields(row verdictRow, p *printer) string {
	line := "  " + plain.Left(row.Change, l.change) + "  " + p.verdict(row.Verdict, plain.Left(row.Verdict, verdictWidth)) +
		"  " + plain.Left(plain.Right(row.Blocks, len("blocks"))+marks(row.Notes), l.blocks)
	if l.p > 0 {
		line += "  " + row.P
	}
	return line
}
