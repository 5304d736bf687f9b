package reports

import (
	"bytes"
	"fmt"
	"testing"

	"tunelab/reports/plots"
)

// TestEvidence checks the data behind every picture.
func TestEvidence(t *testing.T) {
	for _, f := range fixtures() {
		if f.name == "many" || f.name == "hostile" {
			continue
		}
		t.Run(f.name, func(t *testing.T) {
			s := f.summary
			var out bytes.Buffer
			for _, m := range s.File.Run.Metrics {
				for _, d := range s.forests(m) {
					fmt.Fprintf(&out, "forest of %s, unit %q, zone %.4g to %.4g\n%s\n", m.Unit, d.Unit, d.ZoneLo, d.ZoneHi, d.Label)
					for _, r := range d.Rows {
						fmt.Fprintf(&out, "  %q %q series %d: %.4g [%.4g, %.4g] %q\n", r.Group, r.Label, r.Series, r.Center, r.Lo, r.Hi, r.Text)
					}
				}
				for _, c := range s.File.Run.Plan.Cases {
					writeSpread(&out, s.spread(c, m.Unit))
					writeOrder(&out, s.order(c, m.Unit))
				}
			}
			checkGolden(t, ".txt", out.Bytes())
		})
	}
}

func writeSpread(out *bytes.Buffer, d plots.SpreadData) {
	fmt.Fprintf(out, "\nspread in %s\n%s\n", d.Unit, d.Label)
	for _, r := range d.Rows {
		fmt.Fprintf(out, "  %q series %d, median %.5g: %.5g\n", r.Label, r.Series, r.Median, r.Values)
	}
}

func writeOrder(out *bytes.Buffer, d plots.OrderData) {
	fmt.Fprintf(out, "\norder in %s, %d trials, stolen %v\n%s\n", d.Unit, d.Trials, d.StealMS, d.Label)
	for _, v := range d.Series {
		fmt.Fprintf(out, "  %q series %d, bad %v:", v.Name, v.Series, v.Bad)
		for _, p := range v.Points {
			fmt.Fprintf(out, " %d:%.5g", p.Place, p.Value)
		}
		out.WriteByte('\n')
	}
}

func TestForestsAreSplit(t *testing.T) {
	list := fixtures()
	s := list[len(list)-1].summary // many
	rows := 0
	for _, d := range s.forests(s.File.Run.Metrics[0]) {
		if len(d.Rows) > maxForestRows {
			t.Errorf("a picture of %d rows", len(d.Rows))
		}
		if len(d.Rows)%7 != 0 {
			t.Errorf("a picture of %d rows cuts a case in two", len(d.Rows))
		}
		rows += len(d.Rows)
	}
	if want := 16 * 7; rows != want {
		t.Errorf("%d rows of %d", rows, want)
	}
}
