package reports

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"tunelab/reports/internal/plain"
	"tunelab/results"
	"tunelab/results/verdict"
)

// Widths of a terminal that are used when none is given, and the least that is laid out for.
const (
	defaultWidth = 80
	leastWidth   = 40
)

// A printer lays text out for a terminal of a fixed width. It writes into memory; whoever made it writes that out.
type printer struct {
	buf   bytes.Buffer
	width int
	color bool
}

func newPrinter(width int, color bool) *printer {
	if width <= 0 {
		width = defaultWidth
	}
	return &printer{width: max(width, leastWidth), color: color}
}

// line writes one line without blanks at its end.
func (p *printer) line(text string) {
	p.buf.WriteString(strings.TrimRight(text, " "))
	p.buf.WriteByte('\n')
}

// blank leaves a line free, once.
func (p *printer) blank() {
	if b := p.buf.Bytes(); len(b) > 0 && !bytes.HasSuffix(b, []byte("\n\n")) {
		p.buf.WriteByte('\n')
	}
}

// wrap writes text over as many lines as it takes, the first behind first and the others behind as many blanks.
func (p *printer) wrap(first, text string) {
	indent := plain.Width(first)
	for i, line := range plain.Wrap(text, max(p.width-indent, 8)) {
		if i > 0 {
			first = strings.Repeat(" ", indent)
		}
		p.line(first + line)
	}
}

// title writes a heading of a section.
func (p *printer) title(format string, args ...any) {
	p.blank()
	for _, line := range plain.Wrap(fmt.Sprintf(format, args...), p.width) {
		p.line(p.paint("1", line))
	}
}

func (p *printer) paint(code, text string) string {
	if !p.color || text == "" {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

// verdict paints a verdict, or a text that stands for it, by what it says.
func (p *printer) verdict(v, text string) string {
	switch v {
	case string(verdict.Better), results.Reproduced:
		return p.paint("32", text)
	case string(verdict.Worse), results.NotReproduced, results.DoesNotExist:
		return p.paint("31", text)
	case string(verdict.Same), results.DirectionOnly:
		return p.paint("36", text)
	}
	return p.paint("33", text)
}

// A textColumn is a column of a table whose cells are laid out already: all of one width.
type textColumn struct {
	head, sub string
	cells     []string
	verdicts  []string // to paint the cells by; nil for none
	width     int
}

// maxHead is how wide a column may become for the sake of its head.
const maxHead = 24

func newTextColumn(head, sub string, cells, verdicts []string) textColumn {
	c := textColumn{head: head, sub: sub, cells: cells, verdicts: verdicts, width: min(plain.Width(head), maxHead)}
	c.width = max(c.width, plain.Width(sub))
	for _, cell := range cells {
		c.width = max(c.width, plain.Width(cell))
	}
	return c
}

// columns writes a table: the labels, wrapped when they are long, and as many columns beside them as fit; then the
// labels again with the next columns.
func (p *printer) columns(labels []string, columns []textColumn) {
	labelWidth := 0
	for _, l := range labels {
		labelWidth = max(labelWidth, plain.Width(l))
	}
	labelWidth = min(labelWidth, max(16, p.width*2/5))
	for i := range columns {
		c := &columns[i]
		c.width = min(c.width, p.width-leastLabel-3)
		labelWidth = min(labelWidth, p.width-c.width-3)
	}
	for i, chunk := range p.chunks(labelWidth, columns) {
		if i > 0 {
			p.blank()
		}
		p.chunk(labelWidth, labels, chunk)
	}
}

// tooWide reports whether a column does not fit beside even the narrowest labels.
func (p *printer) tooWide(columns []textColumn) bool {
	return slices.ContainsFunc(columns, func(c textColumn) bool { return c.width > p.width-leastLabel-3 })
}

// chunks splits columns over tables that fit beside labels.
func (p *printer) chunks(labelWidth int, columns []textColumn) [][]textColumn {
	var out [][]textColumn
	used := 0
	for _, c := range columns {
		if need := 3 + c.width; len(out) == 0 || used+need > p.width {
			out = append(out, nil)
			used = labelWidth
		}
		out[len(out)-1] = append(out[len(out)-1], c)
		used += 3 + c.width
	}
	return out
}

func (p *printer) chunk(labelWidth int, labels []string, columns []textColumn) {
	head, sub := plain.Left("", labelWidth), plain.Left("", labelWidth)
	hasSub := false
	for _, c := range columns {
		head += " │ " + plain.Center(plain.Elide(c.head, c.width), c.width)
		sub += " │ " + plain.Left(plain.Elide(c.sub, c.width), c.width)
		hasSub = hasSub || c.sub != ""
	}
	p.line(head)
	if hasSub {
		p.line(sub)
	}
	for i, label := range labels {
		for j, part := range wrapLabel(label, labelWidth) {
			line := plain.Left(part, labelWidth)
			for _, c := range columns {
				cell := plain.Left("", c.width)
				if j == 0 && i < len(c.cells) {
					cell = plain.Left(plain.Elide(c.cells[i], c.width), c.width)
					if c.verdicts != nil && c.verdicts[i] != "" {
						cell = p.verdict(c.verdicts[i], cell)
					}
				}
				line += " │ " + cell
			}
			p.line(line)
		}
	}
}

// maxLabelLines is over how many lines the label of a row may go before it is shortened.
const maxLabelLines = 3

func wrapLabel(label string, width int) []string {
	lines := plain.Wrap(label, width)
	if len(lines) <= maxLabelLines {
		return lines
	}
	return plain.Wrap(plain.Elide(label, width*maxLabelLines*4/5), width)
}
