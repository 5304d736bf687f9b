package figures

import (
	"math"
	"slices"
	"strings"
	"testing"

	"tunelab/results"
)

var p99 = results.Metric{Unit: "p99-ns", Better: "lower", Margin: 0.03}

// file is a run of ten blocks in which value says what a trial reports; it must not be called for what is not there.
func file(variants, cases []string, figure results.Figure, value func(variant, name string, block int) (float64, results.Outcome)) *results.File {
	run := &results.Run{Protocol: results.Protocol, Metrics: []results.Metric{p99, {Unit: "req/s", Better: "higher", Margin: 0.03}}, Figures: []results.Figure{figure}}
	run.Plan = results.Plan{Alpha: 0.05, Looks: []int{10}}
	f := &results.File{Run: run, Done: &results.Done{Why: "last block"}}
	for i, v := range variants {
		run.Variants = append(run.Variants, results.Variant{Name: v, Base: i == 0})
	}
	for _, name := range cases {
		planned := results.PlannedCase{Case: name, Variants: variants, Metrics: []string{"p99-ns"}}
		for _, v := range variants[1:] {
			planned.Pairs = append(planned.Pairs, results.Pair{Base: variants[0], Variant: v})
		}
		run.Plan.Cases = append(run.Plan.Cases, planned)
		for block := 1; block <= 10; block++ {
			for _, v := range variants {
				t := results.Trial{Case: name, Block: block, Variant: v}
				var x float64
				if x, t.Outcome = value(v, name, block); t.Outcome == results.OK {
					t.Values = []results.Value{{Value: x, Unit: "p99-ns"}, {Value: 1e6 / x, Unit: "req/s"}, {Value: 100 - x, Unit: "B"}}
				}
				f.Trials = append(f.Trials, t)
			}
		}
	}
	return f
}

func compute(f *results.File) Computed { return Compute(f, f.Compare())[0] }

// jitter is a little noise that differs from block to block.
func jitter(block int) float64 { return 1 + 0.001*float64(block%5-2) }

func TestPareto(t *testing.T) {
	level := map[string]float64{"base": 50, "fast": 10, "small": 90, "middle": 51, "killed": 1}
	value := func(v, _ string, block int) (float64, results.Outcome) {
		if v == "killed" && block == 4 {
			return 0, results.OOM
		}
		return level[v] * jitter(block), results.OK
	}
	fig := results.Figure{Kind: "pareto", Case: "C", Metrics: []string{"p99-ns", "B"}, Limit: &results.FigureLimit{Metric: "B", Most: 60}}
	variants := []string{"base", "fast", "small", "middle", "killed"}
	c := compute(file(variants, []string{"C"}, fig, value))
	var front, recommended []string
	for _, p := range c.Points {
		if p.Front {
			front = append(front, p.Variant)
		}
		if p.Recommended {
			recommended = append(recommended, p.Variant)
		}
		if p.Variant == "killed" && p.Bad != 1 {
			t.Errorf("%+v", p)
		}
		if p.Variant == "base" && (p.Margin == nil || math.Abs(*p.Margin-(1-(100-49.9)/60)) > 1e-9) {
			t.Errorf("base leaves %v of the limit, by its worst trial", *p.Margin)
		}
	}
	// All lie on one line of p99 + B = 100, so that none beats another. The fastest needs 90 B; of those within 60 B the
	// base is the fastest.
	if want := []string{"base", "fast", "small", "middle"}; !slices.Equal(front, want) {
		t.Errorf("the front is %q, want %q", front, want)
	}
	if !slices.Equal(recommended, []string{"base"}) {
		t.Errorf("recommended is %q", recommended)
	}
	// More req/s is better, and that is the same order as less p99: one variant beats all.
	fig.Metrics, fig.Limit = []string{"req/s", "p99-ns"}, nil
	c = compute(file(variants[:4], []string{"C"}, fig, value))
	for _, p := range c.Points {
		if p.Front != (p.Variant == "fast") || p.Recommended != p.Front || !p.Front && p.BeatenBy == "" {
			t.Errorf("%+v", p)
		}
	}
	fig.Case = "elsewhere"
	if c = compute(file(variants, []string{"C"}, fig, value)); c.Why == "" || len(c.Points) > 0 {
		t.Errorf("%+v", c)
	}
}

func TestCurve(t *testing.T) {
	at := map[string]float64{"C/cost=0": 100, "C/cost=1us": 200, "C/cost=10us": 400, "C/cost=100us": 800}
	ratio := map[string]float64{"C/cost=0": 0.5, "C/cost=1us": 0.8, "C/cost=10us": 1.25, "C/cost=100us": 2}
	value := func(v, name string, block int) (float64, results.Outcome) {
		x := at[name] * jitter(block)
		if v == "other" {
			x *= ratio[name] * jitter(block+1)
		}
		return x, results.OK
	}
	threshold := 300.0
	fig := results.Figure{Kind: "curve", Case: "C", Axis: "cost", Metric: "p99-ns", Threshold: &threshold}
	cases := []string{"C/cost=100us", "C/cost=0", "C/cost=10us", "C/cost=1us", "C/cost=max", "D/cost=1us"}
	c := compute(file([]string{"base", "other"}, cases, fig, value))
	if len(c.Lines) != 2 || len(c.Lines[0].At) != 4 || c.Lines[0].At[0].Label != "0" || c.Lines[0].At[3].X != 1e5 {
		t.Fatalf("%+v", c.Lines)
	}
	other := c.Lines[1]
	if len(other.Crossings) != 1 {
		t.Fatalf("%+v", other.Crossings)
	}
	// The ratio's logarithm is as far below 0 at 1 µs as above it at 10 µs: they cross in the middle, by the logarithm.
	x := other.Crossings[0]
	if x.From != "1us" || x.To != "10us" || !x.Up || !x.Sure || math.Abs(x.X/math.Sqrt(1e3*1e4)-1) > 0.02 {
		t.Errorf("%+v", x)
	}
	if th := c.Lines[0].Threshold; th == nil || th.From != "1us" || th.To != "10us" || !th.Sure {
		t.Errorf("%+v", th)
	}
	low := 50.0
	fig.Threshold = &low
	if th := compute(file([]string{"base", "other"}, cases, fig, value)).Lines[0].Threshold; th == nil || th.From != "" || th.To != "0" {
		t.Errorf("%+v", th)
	}
	// Noise around the same value crosses, but not for sure.
	even := func(v, name string, block int) (float64, results.Outcome) {
		if v == "other" && (name == "C/cost=0" || name == "C/cost=10us") {
			return 100 * (1 + 0.01*float64(block%7-2)), results.OK
		}
		return 100 * (1 + 0.01*float64(block%5-3)), results.OK
	}
	fig.Threshold = nil
	for _, x := range compute(file([]string{"base", "other"}, cases, fig, even)).Lines[1].Crossings {
		if x.Sure {
			t.Errorf("noise crosses for sure: %+v", x)
		}
	}
	fig.Axis = "size"
	if c = compute(file([]string{"base", "other"}, cases, fig, value)); c.Why == "" {
		t.Errorf("%+v", c)
	}
}

func TestAxisValue(t *testing.T) {
	for text, want := range map[string]float64{"0": 0, "10us": 1e4, "10µs": 1e4, "2ms": 2e6, "1s": 1e9, "10k": 1e4, "3M": 3e6, "70": 70, "70%": 70, "0.5": 0.5} {
		if v, ok := axisValue(text); !ok || v != want {
			t.Errorf("%s is %v, %v", text, v, ok)
		}
	}
	for _, text := range []string{"max", "", "k", "NaN", "Inf", "1h"} {
		if v, ok := axisValue(text); ok {
			t.Errorf("%q is %v", text, v)
		}
	}
}

// A made-up 2² design: the first factor halves, the second adds a tenth, both together a twentieth more than that.
func TestFactorial(t *testing.T) {
	level := map[string]float64{"base": 100, "a": 50, "b": 110, "ab": 100 * 0.5 * 1.1 * 1.05}
	fig := results.Figure{Kind: "factorial", Case: "C", Metric: "p99-ns", Factors: []string{"A", "B"}, Variants: []string{"base", "a", "b", "ab"}}
	value := func(v, _ string, block int) (float64, results.Outcome) {
		if v == "b" && block == 2 {
			return 0, results.Failed
		}
		return level[v] * jitter(block), results.OK // the same in all: contrasts are free of it
	}
	c := compute(file([]string{"base", "a", "b", "ab"}, []string{"C"}, fig, value))
	half := math.Sqrt(1.05)
	for i, want := range []float64{0.5 * half, 1.1 * half, half, 0.5 * 1.1 * 1.05} {
		if e := c.Effects[i]; math.Abs(e.Center/want-1) > 1e-9 || e.Values != 9 {
			t.Errorf("%s: %+v, want %v of nine blocks", e.Name, e, want)
		}
	}
	if p := c.Effects[0].Center * c.Effects[1].Center; math.Abs(p/c.Effects[3].Center-1) > 1e-9 {
		t.Errorf("the factors make %v, both together %v", p, c.Effects[3].Center)
	}
	fig.Metric = "missing"
	if c = compute(file([]string{"base", "a", "b", "ab"}, []string{"C"}, fig, value)); c.Why == "" {
		t.Errorf("%+v", c)
	}
}

func TestBound(t *testing.T) {
	value := func(v, name string, block int) (float64, results.Outcome) {
		switch {
		case name == "Cost":
			return 20 * jitter(block), results.OK
		case v == "counted":
			return 4 * jitter(block), results.OK
		}
		return 100_000 * jitter(block), results.OK
	}
	fig := results.Figure{Kind: "bound", Case: "Put", Metric: "p99-ns", Variant: "counted", Count: "p99-ns", Cost: &results.FigureCost{Case: "Cost", Metric: "p99-ns", Variant: "base"}}
	c := compute(file([]string{"base", "counted"}, []string{"Put", "Cost"}, fig, value))
	if c.Share == nil || math.Abs(c.Share.Share-4*20/100_000.0) > 1e-9 || !(c.Share.Most > c.Share.Share) || c.Share.Most > 1.01*c.Share.Share {
		t.Errorf("%+v", c.Share)
	}
	fig.Cost.Case = "elsewhere"
	if c = compute(file([]string{"base", "counted"}, []string{"Put", "Cost"}, fig, value)); c.Share != nil || !strings.Contains(c.Why, "elsewhere") {
		t.Errorf("%+v", c)
	}
}

func TestTable(t *testing.T) {
	value := func(v, name string, block int) (float64, results.Outcome) {
		if v == "fast" {
			return 50 * jitter(block), results.OK
		}
		return 100 * jitter(block), results.OK
	}
	fig := results.Figure{Kind: "table", Metric: "p99-ns", Cases: []string{"A"}, Variants: []string{"fast"}}
	c := compute(file([]string{"base", "fast", "other"}, []string{"A", "B"}, fig, value))
	if len(c.Cells) != 1 || c.Cells[0].Variant != "fast" || c.Cells[0].Case != "A" || math.Abs(*c.Cells[0].Ratio-0.5) > 1e-9 || c.Cells[0].Verdict != "better" {
		t.Errorf("%+v", c.Cells)
	}
	fig.Metric = "req/s" // not compared in these cases
	if c = compute(file([]string{"base", "fast"}, []string{"A"}, fig, value)); c.Why == "" {
		t.Errorf("%+v", c)
	}
}
