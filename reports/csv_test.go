package reports

import (
	"bytes"
	"encoding/csv"
	"slices"
	"strconv"
	"strings"
	"testing"
)

func TestCSV(t *testing.T) {
	for _, f := range fixtures() {
		t.Run(f.name, func(t *testing.T) {
			var out bytes.Buffer
			if err := CSV(&out, []*Summary{f.summary, f.summary}); err != nil {
				t.Fatal(err)
			}
			rows, err := csv.NewReader(&out).ReadAll() // all of one length
			if err != nil {
				t.Fatal(err)
			}
			want := 0
			for _, trial := range f.summary.File.Trials {
				want += max(1, len(trial.Values))
			}
			if len(rows) != 1+2*want || !slices.Equal(rows[0], csvHead) {
				t.Fatalf("%d lines after %v, want %d", len(rows)-1, rows[0], 2*want)
			}
			column := func(row []string, name string) string { return row[slices.Index(csvHead, name)] }
			rows = rows[1:]
			for _, trial := range f.summary.File.Trials {
				for _, v := range trial.Values {
					got, err := strconv.ParseFloat(column(rows[0], "value"), 64)
					if err != nil || got != v.Value || strings.TrimPrefix(column(rows[0], "unit"), "'") != v.Unit ||
						column(rows[0], "block") != strconv.Itoa(trial.Block) || column(rows[0], "trial") != strconv.Itoa(trial.Trial) {
						t.Fatalf("%q is not %v of trial %d", rows[0], v, trial.Trial)
					}
					rows = rows[1:]
				}
				if len(trial.Values) == 0 {
					if column(rows[0], "value") != "" || column(rows[0], "outcome") != string(trial.Outcome) {
						t.Fatalf("%q is not trial %d, which ended %s", rows[0], trial.Trial, trial.Outcome)
					}
					rows = rows[1:]
				}
			}
		})
	}
}

// A name that a spreadsheet would compute comes out as text.
func TestCSVHasNoFormulas(t *testing.T) {
	var out bytes.Buffer
	if err := CSV(&out, []*Summary{Summarize(hostileFile("=1+1"))}); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(&out).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		for i, text := range row {
			if strings.HasPrefix(text, "=") {
				t.Errorf("%s is %q", csvHead[i], text)
			}
		}
	}
}
