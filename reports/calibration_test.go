package reports

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"tunelab/reports/plots"
	"tunelab/results"
	"tunelab/results/calibration"
)

func calibrated() *calibration.Calibration {
	powers := func(hits int) []calibration.Power {
		return []calibration.Power{
			{Slower: 0.01, Found: calibration.Rate{Hits: hits / 3, Tries: 40}},
			{Slower: 0.05, Found: calibration.Rate{Hits: hits, Tries: 40}, Seconds: 3.25},
			{Slower: 0.05, Code: true, Found: calibration.Rate{Hits: 3, Tries: 4}},
			{Slower: 0.05, Injected: "more work", Delivered: 0.052, Found: calibration.Rate{Hits: hits, Tries: 41}},
		}
	}
	curve := []calibration.Point{{X: 0, Y: 0}, {X: 0.1, Y: 0.8}, {X: 1, Y: 1}}
	return &calibration.Calibration{
		Protocol: 2, Made: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC), Command: []string{"tunelab", "calibrate", "--seed", "7"},
		Host: results.Host{CPU: "AMD <EPYC>", Cores: 2, Virtual: "kvm", Go: "go1.26.8", Kernel: "6.18.44"},
		Benchmarks: []calibration.Benchmark{{
			Name: "SHA256", Processes: "22 slices of 3.1 ms", BlockMS: 180, PilotMS: 2400, NoiseSD: 0.012, Smallest80: 0.02,
			Methods: []calibration.Method{
				{Name: "tunelab", Ours: true, Inside: 0.87, Seconds: 2.2, Same: calibration.Rate{Hits: 2, Tries: 40, Lo: 0.006, Hi: 0.17}, Layouts: &calibration.Rate{Hits: 0, Tries: 4},
					Equal: &calibration.Rate{Hits: 36, Tries: 40}, Powers: powers(39), ROC: curve, PerTime: []calibration.Point{{X: 1.8, Y: 0.5}, {X: 3.2, Y: 0.97}}},
				{Name: "interleaved, benchstat", Same: calibration.Rate{Hits: 1, Tries: 30}, Powers: powers(20)[:2], ROC: curve,
					PerTime: []calibration.Point{{X: 2, Y: 0.2}, {X: 40, Y: 0.9}}},
			},
		}},
	}
}

func TestCalibrationText(t *testing.T) {
	for _, width := range []int{80, 120} {
		var out bytes.Buffer
		if err := CalibrationText(&out, calibrated(), TextOptions{Width: width}); err != nil {
			t.Fatal(err)
		}
		text := out.String()
		for _, want := range []string{"2 of 40 comparisons (5", "A slowdown of 2", "2 of 40 [0.60 %, 17 %]", "2.2s", "smallest slowdown found in 80 % of tries is one of 2", "SHA256", "22 slices", "39 of 40 in 3.2", "interleaved", "36 of 40", "0 of 4 (few)", "3 of 4 (few)", "about the code", "found 5.2 %, more work", "87 %"} {
			if !strings.Contains(strings.Join(strings.Fields(text), " "), want) {
				t.Errorf("at %d columns %q is missing in\n%s", width, want, text)
			}
		}
		for line := range strings.Lines(text) {
			if n := len([]rune(strings.TrimSuffix(line, "\n"))); n > width {
				t.Errorf("a line of %d at %d columns: %q", n, width, line)
			}
		}
	}
	var out bytes.Buffer
	if err := CalibrationText(&out, &calibration.Calibration{}, TextOptions{}); err != nil || !strings.Contains(out.String(), "Nothing was compared") {
		t.Errorf("an empty one: %v\n%s", err, out.String())
	}
}

func TestCalibrationHTML(t *testing.T) {
	var out bytes.Buffer
	if err := CalibrationHTML(&out, calibrated()); err != nil {
		t.Fatal(err)
	}
	page := out.String()
	for _, want := range []string{"<title>How far verdicts can be trusted", "AMD &lt;EPYC&gt;", "39 of 40", "machine-seconds", "false alarms", "id=\"benchmark-1\"", "tunelab calibrate --seed 7"} {
		if !strings.Contains(page, want) {
			t.Errorf("%q is missing", want)
		}
	}
	if n := strings.Count(page, "<svg"); n != 2 {
		t.Errorf("%d pictures, want the ROC curve and the power over time", n)
	}
}

// TestCalibrationCurves holds what the pictures are drawn from.
func TestCalibrationCurves(t *testing.T) {
	var out bytes.Buffer
	for _, data := range []plots.CurveData{rocCurve(calibrated().Benchmarks[0]), timeCurve(calibrated().Benchmarks[0])} {
		fmt.Fprintf(&out, "%s over %s, shares of 1: %v\n", data.Unit, data.Axis, data.Shares)
		for _, tick := range data.Ticks {
			fmt.Fprintf(&out, "  tick %s at %v\n", tick.Label, tick.X)
		}
		for _, line := range data.Lines {
			fmt.Fprintf(&out, "  %s, series %d\n", line.Name, line.Series)
			for _, p := range line.Points {
				fmt.Fprintf(&out, "    %v at %v\n", p.Y, p.X)
			}
		}
	}
	checkGolden(t, ".txt", out.Bytes())
}
