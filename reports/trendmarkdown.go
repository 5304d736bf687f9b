package reports

import (
	"fmt"
	"io"
	"strings"
)

// TrendMarkdown writes the trends for the summary of a CI job: at most 65,536 characters, what matters most first, with a
// note of how much was left out.
func TrendMarkdown(w io.Writer, t *Trend) error {
	v := t.view()
	m := &markdownWriter{}
	m.add("### %s\n", markdownText(v.title))
	m.add("%s\n", markdownText(v.answer()))
	if len(v.shared) > 0 {
		m.add("%s\n", markdownText(strings.Join(v.shared, " · ")))
	}
	m.trendNight(v)
	m.trendEvents(v)
	m.trendSeries(v)
	m.list("Problems with files", v.problems)
	if m.left > 0 {
		fmt.Fprintf(&m.buf, "\n_%s left out: a summary takes %d characters. The page has all of it._\n", count(m.left, "line was", "lines were"), markdownLimit)
	}
	if _, err := w.Write(m.buf.Bytes()); err != nil {
		return fmt.Errorf("writing the trends as Markdown: %w", err)
	}
	return nil
}

func (m *markdownWriter) trendNight(v *trendView) {
	n := v.night()
	if n == nil {
		return
	}
	m.add("#### The last night\n\n%s.\n", markdownText(n.head))
	if n.canary != "" {
		m.add("%s\n", markdownText(n.canary))
	}
	m.add("%s\n", markdownText(n.verdicts))
	for i, r := range n.rows {
		if i == 0 {
			m.add("| Benchmark | Metric | Verdict | Tip against baseline |\n| --- | --- | --- | --- |")
		}
		m.add("| %s | %s | %s | %s |", markdownCode(r.Label), markdownCode(r.Metric), markdownText(r.Verdict), markdownText(r.Change))
	}
	if len(n.rows) > 0 {
		m.add("")
	}
	if n.left > 0 {
		m.add("and %d more\n", n.left)
	}
}

func (m *markdownWriter) trendEvents(v *trendView) {
	for i, e := range v.events {
		if i == 0 {
			m.add("#### Changes, the newest first\n\n| Night | Commits | Benchmark | Metric | State | Step | Both sides anew |\n| --- | --- | --- | --- | --- | --- | --- |")
		}
		for j, c := range e.changes {
			night, commits := date(e.started), markdownCode(commit(e.before)+".."+commit(e.after))
			if e.subject != "" {
				commits += " " + markdownText(e.subject)
			}
			if j > 0 {
				night, commits = "", ""
			}
			if j == mostEventChanges {
				m.add("| | | and %s more | | | | |", count(len(e.changes)-j, "change", "changes"))
				break
			}
			m.add("| %s | %s | %s | %s | %s | %s | %s |", night, commits, markdownCode(c.series.label), markdownCode(c.series.metric),
				strong(c.state), markdownText(c.says()), markdownText(c.anew()))
		}
	}
	if len(v.events) > 0 {
		m.add("")
	}
}

// strong makes what is confirmed stand out.
func strong(s trendState) string {
	if s.confirmed() {
		return "**" + string(s) + "**"
	}
	return string(s)
}

// trendSeries writes the series that are anything else than unchanged.
func (m *markdownWriter) trendSeries(v *trendView) {
	rest := 0
	for i, s := range v.series {
		if s.state == unchanged || s.state == tooShort {
			rest = len(v.series) - i
			break
		}
		if i == 0 {
			m.add("#### Series\n\n| Benchmark | Metric | State | Nights | Last night | Where |\n| --- | --- | --- | --: | --- | --- |")
		}
		m.add("| %s | %s | %s | %d | %s | %s |", markdownCode(s.label), markdownCode(s.metric), strong(s.state), s.values,
			markdownText(s.lastValue()), markdownText(v.own(s.line)))
	}
	if rest > 0 {
		m.add("\n%s no change.\n", count(rest, "series has", "series have"))
	}
}
