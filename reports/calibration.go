package reports

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"tunelab/reports/internal/number"
	"tunelab/reports/internal/plain"
	"tunelab/results/calibration"
)

// CalibrationText writes a machine's calibration for a terminal.
func CalibrationText(w io.Writer, c *calibration.Calibration, o TextOptions) error {
	p := newPrinter(o.Width, o.Color)
	p.title("How far verdicts can be trusted on this machine")
	p.blank()
	p.wrap("", calibrationAnswer(c))
	p.blank()
	p.wrap("", calibratedMachine(c))
	for _, b := range c.Benchmarks {
		p.title("%s", plain.Clean(b.Name))
		p.wrap("", howMeasured(b))
		p.methods(b)
	}
	if _, err := w.Write(p.buf.Bytes()); err != nil {
		return fmt.Errorf("writing the calibration: %w", err)
	}
	return nil
}

// calibratedMachine is the machine and the day in one line.
func calibratedMachine(c *calibration.Calibration) string {
	return strings.Join(nonEmpty(c.Host.CPU, fmt.Sprintf("%d cores", c.Host.Cores), c.Host.Virtual, c.Host.Go, c.Host.Kernel, c.Made.Format(time.DateOnly)), ", ")
}

// methods is a table with a row for each way to decide.
func (p *printer) methods(b calibration.Benchmark) {
	heads, rows := methodTable(b)
	labels := make([]string, len(rows))
	var out []textColumn
	for j, head := range heads {
		var cells []string
		for i, row := range rows {
			labels[i] = row.Name
			cells = append(cells, row.Cells[j])
		}
		out = append(out, newTextColumn(head, "", cells, make([]string, len(rows))))
	}
	p.columns(labels, out)
}

// A methodRow is one way to decide, in ready strings.
type methodRow struct {
	Name  string
	Cells []string
}

// methodTable is how often each way to decide was wrong and right.
func methodTable(b calibration.Benchmark) (heads []string, rows []methodRow) {
	heads = []string{"false alarms", "called the same", "to a verdict", "in timed loops"}
	var powers []calibration.Power
	if len(b.Methods) > 0 {
		powers = b.Methods[0].Powers
	}
	powers = slices.DeleteFunc(slices.Clone(powers), func(p calibration.Power) bool { return p.Code })
	for _, power := range powers {
		heads = append(heads, powerHead(power))
	}
	for _, m := range b.Methods {
		row := methodRow{Name: plain.Clean(m.Name), Cells: []string{rateWithin(&m.Same), rate(m.Equal), machineTime(m.Seconds), share(m.Inside)}}
		if m.Layouts != nil {
			row.Name += ", about two binaries"
		}
		for _, power := range powers {
			row.Cells = append(row.Cells, powerCell(m, power))
		}
		rows = append(rows, row)
		if m.Layouts == nil {
			continue
		}
		code := methodRow{Name: plain.Clean(m.Name) + ", about the code", Cells: []string{rateWithin(m.Layouts), "", "", ""}}
		for _, power := range powers {
			power.Code = true
			code.Cells = append(code.Cells, powerCell(m, power))
		}
		rows = append(rows, code)
	}
	return heads, rows
}

// share is "87 %", "" where it is not known.
func share(x float64) string {
	if x == 0 {
		return ""
	}
	return number.Percent(x)
}

func powerHead(power calibration.Power) string {
	head := "found " + number.Percent(power.Slower)
	if power.Injected != "" {
		head = fmt.Sprintf("found %s, %s", number.Percent(power.Delivered), power.Injected)
	}
	return head
}

// powerCell is how often the method found that slowdown, and in how much machine time.
func powerCell(m calibration.Method, like calibration.Power) string {
	for _, power := range m.Powers {
		if power.Slower == like.Slower && power.Injected == like.Injected && power.Code == like.Code {
			text := rate(&power.Found)
			if power.Seconds > 0 {
				text += " in " + machineTime(power.Seconds)
			}
			return text
		}
	}
	return ""
}

// rate is "2 of 40".
func rate(r *calibration.Rate) string {
	if r == nil || r.Tries == 0 {
		return ""
	}
	text := fmt.Sprintf("%d of %d", r.Hits, r.Tries)
	if r.Tries < fewTries {
		text += " (few)"
	}
	return text
}

// rateWithin is "2 of 40 [0.61 %, 17 %]": with its 95 % interval.
func rateWithin(r *calibration.Rate) string {
	text := rate(r)
	if text == "" {
		return ""
	}
	return fmt.Sprintf("%s [%s, %s]", text, number.Percent(r.Lo), number.Percent(r.Hi))
}

// machineTime is a duration in words, "" where it is not known.
func machineTime(seconds float64) string {
	if seconds == 0 {
		return ""
	}
	return number.Milliseconds(1000 * seconds)
}

// fewTries is below how many tries a share says little.
const fewTries = 20

// calibrationAnswer is the calibration in two sentences.
func calibrationAnswer(c *calibration.Calibration) string {
	hits, tries := c.FalseAlarms()
	if tries == 0 {
		return "Nothing was compared: the budget was too small."
	}
	lo, hi := c.FalseAlarmInterval()
	text := fmt.Sprintf("Equal sides were called different in %d of %d comparisons (%s; 95 %% interval %s to %s), 5 %% being the aim.",
		hits, tries, number.Percent(float64(hits)/float64(tries)), number.Percent(lo), number.Percent(hi))
	if smallest, ok := c.Smallest(); ok {
		return text + fmt.Sprintf(" A slowdown of %s was found in at least 80 %% of tries with every benchmark.", number.Percent(smallest))
	}
	return text + " No slowdown that was tried was found in 80 % of tries with every benchmark."
}

func nonEmpty(list ...string) []string {
	var out []string
	for _, s := range list {
		if s = plain.Clean(s); s != "" {
			out = append(out, s)
		}
	}
	return out
}
