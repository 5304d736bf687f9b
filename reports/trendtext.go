package reports

import (
	"fmt"
	"io"
	"strings"
	"time"

	"tunelab/reports/internal/plain"
	"tunelab/results/nights"
)

// What a terminal, or a comment, is given of a long history; the page has all of it.
const (
	mostTextEvents  = 20
	mostTextChanges = 12
	mostTextSeries  = 40
	textSpark       = 12 // columns
)

// TrendText writes the trends for a terminal: the answer, the newest night, the changes, newest first, and the series that
// changed or may have. No line is wider than the terminal.
func TrendText(w io.Writer, t *Trend, o TextOptions) error {
	v := t.view()
	p := newPrinter(o.Width, o.Color)
	p.title("%s", v.title)
	p.blank()
	p.wrap("", v.answer())
	if len(v.shared) > 0 {
		p.blank()
		p.wrap("", strings.Join(v.shared, ", "))
	}
	p.trendNight(v)
	p.trendEvents(v)
	p.trendSeries(v)
	for i, problem := range v.problems {
		if i == 0 {
			p.title("Problems with files")
		}
		if i == mostTextSeries {
			p.wrap("  ", fmt.Sprintf("and %d more", len(v.problems)-i))
			break
		}
		p.wrap("  ", problem)
	}
	if _, err := w.Write(p.buf.Bytes()); err != nil {
		return fmt.Errorf("writing the trends as text: %w", err)
	}
	return nil
}

func (p *printer) trendNight(v *trendView) {
	n := v.night()
	if n == nil {
		return
	}
	p.title("The last night")
	p.wrap("  ", n.head+".")
	if n.canary != "" {
		p.wrap("  ", n.canary)
	}
	p.wrap("  ", n.verdicts)
	for i, r := range n.rows {
		if i == mostTextChanges {
			p.wrap("  ", fmt.Sprintf("and %d more", len(n.rows)-i+n.left))
			break
		}
		p.wrap("  "+p.verdict(r.Verdict, plain.Left(r.Verdict, 10)), strings.TrimSuffix(r.Label+" ("+r.Metric+") "+r.Change, " "))
	}
}

func (p *printer) trendEvents(v *trendView) {
	for i, e := range v.events {
		if i == 0 {
			p.title("Changes, the newest first")
		}
		if i == mostTextEvents {
			p.blank()
			p.wrap("  ", fmt.Sprintf("and %s before", count(len(v.events)-i, "night with changes", "nights with changes")))
			break
		}
		p.blank()
		p.wrap("  ", strings.TrimSpace(e.title()+" "+e.subject))
		for j, c := range e.changes {
			if j == mostTextChanges {
				p.wrap("    ", fmt.Sprintf("and %s more", count(len(e.changes)-j, "change", "changes")))
				break
			}
			p.wrap("    "+p.verdict(c.state.badge(), string(c.state))+": ", fmt.Sprintf("%s (%s), a step of %s; %s", c.series.label, c.series.metric, c.says(), c.anew()))
		}
	}
}

// trendSeries writes the series that are anything else than unchanged; when there is none, all.
func (p *printer) trendSeries(v *trendView) {
	list := v.series
	for i, s := range list {
		if s.state == unchanged || s.state == tooShort {
			if i > 0 {
				list = list[:i]
			}
			break
		}
	}
	if len(list) == 0 {
		return
	}
	p.title("Series")
	p.blank()
	if len(list) > mostTextSeries {
		list = list[:mostTextSeries]
	}
	labels := make([]string, len(list))
	cells, states, classes, lasts := make([]string, len(list)), make([]string, len(list)), make([]string, len(list)), make([]string, len(list))
	for i, s := range list {
		labels[i] = s.label + " " + s.metric
		if own := v.own(s.line); own != "" {
			labels[i] += " " + own
		}
		cells[i], states[i], classes[i], lasts[i] = blocks(s.line, v.first, v.last), string(s.state), s.state.badge(), s.lastAlone()
	}
	p.columns(labels, []textColumn{
		newTextColumn("nights", "", cells, nil), newTextColumn("state", "", states, classes), newTextColumn("last", "", lasts, nil),
	})
	if n := len(v.series) - len(list); n > 0 {
		p.blank()
		p.wrap("", fmt.Sprintf("%s not shown; the page and --json have all.", count(n, "series is", "series are")))
	}
}

var blockRunes = []rune("▁▂▃▄▅▆▇█")

// leastBlocks is the range of logarithms that all eight blocks take at least: noise is not to look like a change.
const leastBlocks = 0.04

// blocks draws the series in columns of a terminal, the mean of the nights in each; a blank where there is none.
func blocks(l *nights.Line, from, to time.Time) string {
	var sums, counts [textSpark]float64
	for _, p := range l.Points {
		if isFinite(p.Y) {
			at := 0
			if whole := to.Sub(from); whole > 0 {
				at = min(max(int(float64(p.Started.Sub(from))/float64(whole)*textSpark), 0), textSpark-1)
			}
			sums[at] += p.Y
			counts[at]++
		}
	}
	low, high, any := 0.0, 0.0, false
	for i := range sums {
		if counts[i] == 0 {
			continue
		}
		sums[i] /= counts[i]
		if !any {
			low, high, any = sums[i], sums[i], true
		}
		low, high = min(low, sums[i]), max(high, sums[i])
	}
	if short := leastBlocks - (high - low); short > 0 {
		low, high = low-short/2, high+short/2
	}
	var out strings.Builder
	for i := range sums {
		if counts[i] == 0 {
			out.WriteByte(' ')
			continue
		}
		step := int((sums[i] - low) / (high - low) * float64(len(blockRunes)))
		out.WriteRune(blockRunes[min(max(step, 0), len(blockRunes)-1)])
	}
	return out.String()
}
