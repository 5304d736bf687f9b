package reports

import (
	"bytes"
	"fmt"
	"html"
	"io"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"tunelab/reports/internal/plain"
)

// markdownLimit is how many characters the comment of a pull request may have.
const markdownLimit = 65_536

// markdownReserve is kept free for the note that says what was left out, and the commands.
const markdownReserve = 3_000

// A markdownWriter keeps account of the characters and leaves out what does not fit.
type markdownWriter struct {
	buf  bytes.Buffer
	used int
	left int // lines left out
}

// add writes a line unless that would be too much.
func (m *markdownWriter) add(format string, args ...any) bool {
	line := fmt.Sprintf(format, args...) + "\n"
	n := utf8.RuneCountInString(line)
	if m.left > 0 || m.used+n > markdownLimit-markdownReserve {
		m.left++
		return false
	}
	m.used += n
	m.buf.WriteString(line)
	return true
}

// Markdown writes the summary for a pull request: at most 65,536 characters, with a note of how much was left out.
func Markdown(w io.Writer, s *Summary) error {
	m := &markdownWriter{}
	m.add("### %s\n", markdownText(clip(s.Question, 2000)))
	m.add("%s\n", markdownText(clip(s.Answer, 4000)))
	m.add("%d better, %d worse, %d same, %d undecided · %s · %s\n", s.Counts.Better, s.Counts.Worse, s.Counts.Same, s.Counts.Undecided,
		markdownText(s.ended), markdownText(clip(s.machineLine(), 1000)))
	m.claims(s)
	m.figures(s)
	for _, g := range s.groups {
		m.verdicts(g)
	}
	m.list("Not measured", missingLines(s.missing))
	m.list("Failed correctness tests", checkLines(s.failedChecks()))
	m.list("Trials that ended badly", failureLines(s.failures))
	m.list("Beware", append(append([]string{}, s.warnings...), s.noise...))
	m.list("Lines of the file that could not be used", s.problems)
	m.others(s)
	m.end(s)
	if _, err := w.Write(m.buf.Bytes()); err != nil {
		return fmt.Errorf("writing the Markdown of run %s: %w", s.Name, err)
	}
	return nil
}

func (m *markdownWriter) claims(s *Summary) {
	if len(s.claims) == 0 {
		return
	}
	m.add("#### Claims\n\n| Claim | Says | Claimed | Measured | Verdict | Why |\n| --- | --- | --- | --- | --- | --- |")
	for _, c := range s.claims {
		m.add("| %s | %s | %s | %s | **%s** | %s |", markdownText(c.ID), markdownText(c.Says), markdownText(c.Claimed),
			markdownText(c.Measured), markdownText(c.Verdict), markdownText(c.Why))
	}
	m.add("")
}

func (m *markdownWriter) figures(s *Summary) {
	for _, v := range s.figures {
		m.add("#### %s\n", markdownText(v.Title))
		for _, text := range v.Findings {
			m.add("%s\n", markdownText(text))
		}
		if len(v.Rows) == 0 {
			continue
		}
		m.row(v.Head)
		m.add("|%s", strings.Repeat(" --- |", len(v.Head)))
		for _, row := range v.Rows {
			m.row(row)
		}
		m.add("")
	}
}

func (m *markdownWriter) row(cells []string) {
	var line strings.Builder
	for _, c := range cells {
		line.WriteString("| " + markdownText(c) + " ")
	}
	m.add("%s|", line.String())
}

func (m *markdownWriter) verdicts(g verdictGroup) {
	m.add("#### %s\n\n%s is better, same means within %s\n\n| Case | Variant | Base | | Change [interval] | Verdict | Blocks | p |\n| --- | --- | --: | --: | --: | --- | --: | --- |",
		markdownText(g.Unit), g.Better, markdownText(g.Margin))
	for _, c := range g.Cases {
		for _, row := range c.Rows {
			verdict := row.Verdict
			if verdict == "better" || verdict == "worse" {
				verdict = "**" + verdict + "**"
			}
			if row.Outcomes != "" {
				verdict += " (" + row.Outcomes + ")"
			}
			if row.Settle != "" {
				verdict += "; " + markdownText(row.Settle)
			}
			m.add("| %s | %s vs %s | %s | %s | %s | %s | %s%s | %s |", markdownCode(c.Case), markdownCode(row.Variant), markdownCode(row.Base),
				row.BaseMedian, row.Median, row.Change, verdict, row.Blocks, marks(row.Notes), markdownText(row.P))
		}
	}
	m.add("")
	for i, note := range g.Notes {
		m.add("%s %s  ", superscript(i+1), markdownText(note))
	}
	m.add("")
}

func (m *markdownWriter) list(title string, lines []string) {
	for i, line := range lines {
		if i == 0 {
			m.add("#### %s\n", title)
		}
		m.add("- %s", markdownText(line))
	}
	if len(lines) > 0 {
		m.add("")
	}
}

// others writes the units that are not judged, folded.
func (m *markdownWriter) others(s *Summary) {
	if len(s.others) == 0 || m.left > 0 {
		return
	}
	var body bytes.Buffer
	for _, t := range s.others {
		fmt.Fprintf(&body, "\n%s\n\n| Case |", markdownText(t.Unit))
		for _, c := range t.Columns {
			fmt.Fprintf(&body, " %s |", markdownCode(c.Name))
		}
		body.WriteString("\n| --- |" + strings.Repeat(" --: |", len(t.Columns)) + "\n")
		for _, row := range t.Rows {
			fmt.Fprintf(&body, "| %s |", markdownCode(row.Case))
			for _, cell := range row.Cells {
				text := ""
				if cell.Value != "" {
					text = cell.Value + " ± " + cell.Range
				}
				fmt.Fprintf(&body, " %s |", text)
			}
			body.WriteByte('\n')
		}
	}
	m.add("<details><summary>Also measured, not judged</summary>\n%s\n</details>\n", body.String()) // whole, or not at all
}

// end writes the note about what was left out, and the commands, into what was kept free for them.
func (m *markdownWriter) end(s *Summary) {
	if m.left > 0 {
		fmt.Fprintf(&m.buf, "\n_%s left out: a comment takes %d characters. All of it: `tunelab show %s`_\n\n",
			count(m.left, "line was", "lines were"), markdownLimit, strings.ReplaceAll(clip(filepath.Dir(plain.Clean(s.File.Path)), 200), "`", ""))
	}
	for _, c := range s.commands() {
		fence := "```"
		line := c.Line()
		if utf8.RuneCountInString(line) > markdownReserve/4 {
			continue // never a command cut short
		}
		for strings.Contains(line, fence) {
			fence += "`"
		}
		fmt.Fprintf(&m.buf, "%s:\n\n%ssh\n%s\n%s\n\n", c.Name, fence, line, fence)
	}
}

func missingLines(rows []missingRow) []string {
	var out []string
	for _, r := range rows {
		out = append(out, r.Name+": "+r.Why)
	}
	return out
}

func checkLines(rows []checkRow) []string {
	var out []string
	for _, r := range rows {
		out = append(out, r.Variant+": it gets no number")
	}
	return out
}

func failureLines(rows []failureRow) []string {
	var out []string
	for i, r := range rows {
		if i == maxFailuresTold {
			return append(out, fmt.Sprintf("and %d more", len(rows)-i))
		}
		out = append(out, r.Title+": "+r.Why)
	}
	return out
}

// clip cuts text that is longer than any that a person wrote.
func clip(text string, n int) string {
	if utf8.RuneCountInString(text) <= n {
		return text
	}
	return plain.Elide(text, n)
}

// markdownText writes one line of text so that Markdown shows it as it is, in a table too. An @ is kept from
// notifying the person of that name.
func markdownText(text string) string {
	var out strings.Builder
	for _, r := range text {
		switch {
		case r == '@':
			out.WriteString("@<!-- -->")
		case strings.ContainsRune("\\`*_{}[]<>#|~!&$", r):
			out.WriteByte('\\')
			out.WriteRune(r)
		default:
			out.WriteRune(r)
		}
	}
	return strings.ReplaceAll(out.String(), "://", `\://`) // not a link
}

// markdownCode writes a name as code: between backquotes, or where the name holds what a table or the backquotes
// can't, as HTML with every such character as an entity.
func markdownCode(name string) string {
	name = plain.Elide(name, maxNameShown)
	if name == "" {
		return ""
	}
	if !strings.ContainsAny(name, "`|\\<>&") && strings.TrimSpace(name) == name {
		return "`" + name + "`"
	}
	var out strings.Builder
	for _, r := range html.EscapeString(name) {
		if strings.ContainsRune("`|\\*_[]~!:@$.", r) {
			fmt.Fprintf(&out, "&#%d;", r)
			continue
		}
		out.WriteRune(r)
	}
	return "<code>" + out.String() + "</code>"
}
