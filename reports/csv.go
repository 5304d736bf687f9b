package reports

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"strings"

	"tunelab/results"
)

// csvHead are the columns of [CSV]. They are a promise to programs that read them.
var csvHead = strings.Fields(`run scenario trial stage case variant block order outcome counted layout party binary iterations unit value
	start_ms wall_ms user_ms system_ms steal_ms foreign_ms load1 why`)

// CSV writes the trials of runs: a line for each value of each trial, in the unit that the benchmark declared, and one
// line without unit and value for a trial that has none. Which columns mean what is said at [results.Trial].
//
// A text that a spreadsheet would take for a formula gets an apostrophe before it.
func CSV(w io.Writer, summaries []*Summary) error {
	var out bytes.Buffer
	lines := csv.NewWriter(&out)
	err := lines.Write(csvHead)
	for _, s := range summaries {
		for i := range s.File.Trials {
			t := &s.File.Trials[i]
			values := t.Values
			if len(values) == 0 {
				values = []results.Value{{}}
			}
			for _, v := range values {
				if err == nil {
					err = lines.Write(csvLine(s.File.Run, t, v))
				}
			}
		}
	}
	lines.Flush()
	if err == nil {
		err = lines.Error()
	}
	if err != nil {
		return fmt.Errorf("writing trials as CSV: %w", err)
	}
	if _, err := w.Write(out.Bytes()); err != nil {
		return fmt.Errorf("writing trials as CSV: %w", err)
	}
	return nil
}

func csvLine(run *results.Run, t *results.Trial, v results.Value) []string {
	value := ""
	if v.Unit != "" {
		value = decimal(v.Value)
	}
	return []string{
		cell(run.ID), cell(run.Scenario), strconv.Itoa(t.Trial), strconv.Itoa(max(t.Stage, 1)), cell(t.Case), cell(t.Variant),
		strconv.Itoa(t.Block), strconv.Itoa(t.Order), string(t.Outcome), cell(t.Counted), strconv.FormatUint(t.Layout, 10),
		strconv.Itoa(t.Party), cell(t.Binary), strconv.Itoa(t.Iterations), cell(v.Unit), value,
		strconv.FormatInt(t.StartMS, 10), decimal(t.WallMS), decimal(t.UserMS), decimal(t.SystemMS), decimal(t.StealMS),
		decimal(t.ForeignMS), decimal(t.Load1), cell(t.Why),
	}
}

func decimal(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }

// cell is a text that no spreadsheet computes.
func cell(text string) string {
	if text != "" && strings.ContainsRune("=+-@\t\r", rune(text[0])) {
		return "'" + text
	}
	return text
}
