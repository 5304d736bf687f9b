package nights

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"tunelab/results"
)

var firstNight = time.Date(2026, 1, 1, 3, 0, 0, 0, time.UTC)

// rawNights are nights of another tool: value gives the value of a benchmark at a night.
func rawNights(nights, benchmarks int, metric string, value func(night, benchmark int) float64) []*Night {
	var out []*Night
	for i := range nights {
		n := &Night{Started: firstNight.AddDate(0, 0, i), Commit: fmt.Sprintf("%040d", i), Host: results.Host{Machine: "m", Go: "go1.26"}}
		for b := range benchmarks {
			if v := value(i, b); !math.IsNaN(v) {
				n.Points = append(n.Points, Point{Package: "p", Benchmark: fmt.Sprintf("B%04d", b), Metric: metric, Better: betterOf(metric), Tip: []float64{v}})
			}
		}
		out = append(out, n)
	}
	return out
}

// gateNights have a ratio of one benchmark each.
func gateNights(ratios ...float64) []*Night {
	var out []*Night
	for i, r := range ratios {
		n := &Night{
			Started: firstNight.AddDate(0, 0, i), Commit: fmt.Sprintf("%040d", i), Subject: fmt.Sprint("commit ", i), Baseline: "base",
			Protocol: 2, Host: results.Host{Machine: "m", Go: "go1.26"},
		}
		n.Points = []Point{{
			Package: "p", Benchmark: "B", Metric: "ns/op", Better: "lower", Ratio: &r, Lo: ptr(r * 0.99), Hi: ptr(r * 1.01), Run: "run",
			Baseline: []float64{100, 300, 200}, Tip: []float64{100 * r, 300 * r, 200 * r},
		}}
		out = append(out, n)
	}
	return out
}

func TestSeriesOfRatios(t *testing.T) {
	nights := gateNights(1, 1.1, 0.9)
	nights[1].Points[0].Ratio, nights[1].Points[0].Lo, nights[1].Points[0].Hi = nil, nil, nil
	slices.Reverse(nights)
	lines := Series(nights)
	if len(lines) != 1 || len(lines[0].Points) != 3 || lines[0].Better != "lower" || lines[0].Plain || lines[0].Exact {
		t.Fatalf("%+v", lines)
	}
	if want := (Key{"p", "B", "ns/op", "m", "go1.26", 2, "base"}); lines[0].Key != want {
		t.Errorf("%+v", lines[0].Key)
	}
	p := lines[0].Points
	if p[0].Y != 0 || !math.IsNaN(p[1].Y) || !math.IsNaN(p[1].Lo) || p[2].Y != math.Log(0.9) || p[2].Lo != math.Log(0.9*0.99) || p[2].Hi != math.Log(0.9*1.01) {
		t.Errorf("%+v", p)
	}
	if p[2].Value != 180 || p[2].Subject != "commit 2" || p[2].Run != "run" || !p[0].Started.Equal(firstNight) {
		t.Errorf("%+v", p[2])
	}
}

func TestSeriesApart(t *testing.T) {
	for what, change := range map[string]func(n *Night){
		"machine":   func(n *Night) { n.Host.Machine = "other" },
		"Go":        func(n *Night) { n.Host.Go = "go1.27" },
		"protocol":  func(n *Night) { n.Protocol = 3 },
		"baseline":  func(n *Night) { n.Baseline = "other" },
		"package":   func(n *Night) { n.Points[0].Package = "other" },
		"benchmark": func(n *Night) { n.Points[0].Benchmark = "other" },
		"metric":    func(n *Night) { n.Points[0].Metric = "other" },
		"CPU":       func(n *Night) { n.Host.Machine, n.Host.CPU = "", "other" },
	} {
		nights := gateNights(1, 1, 1, 1)
		change(nights[1])
		change(nights[3])
		lines := Series(nights)
		if len(lines) != 2 || len(lines[0].Points) != 2 || len(lines[1].Points) != 2 || compareKeys(&lines[0].Key, &lines[1].Key) >= 0 {
			t.Errorf("%s: %d lines", what, len(lines))
		}
	}
	kernel := gateNights(1, 1)
	kernel[1].Host.Kernel, kernel[1].Host.CPU = "other", "other"
	if lines := Series(kernel); len(lines) != 1 {
		t.Errorf("a machine with another kernel: %d lines", len(lines))
	}
}

func noisy(seed uint64, sd float64) func() float64 {
	random := rand.New(rand.NewPCG(seed, 5))
	return func() float64 { return math.Exp(sd * random.NormFloat64()) }
}

// A machine that is slow for a while shifts all benchmarks, and none of them changed.
func TestSeriesOfSlowMachine(t *testing.T) {
	noise := noisy(1, 0.005)
	nights := rawNights(80, 9, "ns/op", func(night, b int) float64 {
		v := float64(100*(b+1)) * noise()
		if night >= 40 {
			v *= 1.3 // the machine
		}
		if night >= 60 && b == 3 {
			v *= 1.2 // the program
		}
		return v
	})
	for b, l := range Series(nights) {
		var at []int
		for _, s := range l.Steps {
			at = append(at, s.At)
		}
		if b == 3 && (len(at) != 1 || at[0] != 60 || math.Abs(l.Steps[0].Size()-math.Log(1.2)) > 0.01) || b != 3 && len(at) > 0 {
			t.Errorf("%s changed at %v", l.Benchmark, at)
		}
		if l.Points[0].Value == math.Exp(l.Points[0].Y) || l.Points[0].Value < 90 {
			t.Errorf("%s: value %v", l.Benchmark, l.Points[0].Value)
		}
	}
	// Of two benchmarks nobody can tell which of them the machine changed, so nothing is taken away.
	two := Series(rawNights(80, 2, "ns/op", func(night, b int) float64 { return 100 * noise() * (1 + 0.3*float64(b*(night/40))) }))
	if len(two[0].Steps) != 0 || len(two[1].Steps) != 1 {
		t.Errorf("%v, %v", two[0].Steps, two[1].Steps)
	}
}

// Counts are what the program did, whatever the machine: if all change, all changed.
func TestSeriesOfCounts(t *testing.T) {
	lines := Series(rawNights(30, 9, "allocs/op", func(night, b int) float64 { return float64(3 + night/15) }))
	for _, l := range lines {
		if len(l.Steps) != 1 || l.Steps[0].At != 15 || !l.Exact || !l.Plain || l.Noise != 0 {
			t.Fatalf("%+v", l)
		}
	}
	l := Series(rawNights(30, 1, "allocs/op", func(night, b int) float64 { return float64(5090 + night/15) }))[0]
	if len(l.Steps) != 1 || l.Steps[0].Size() != 1 {
		t.Errorf("one more of many: %+v", l.Steps)
	}
	l = Series(rawNights(30, 1, "allocs/op", func(night, b int) float64 { return float64(2 * (night / 15)) }))[0]
	if !l.Plain || l.Points[0].Y != 0 || l.Points[29].Y != 2 || len(l.Steps) != 1 || l.Steps[0].At != 15 || l.Steps[0].After != 2 {
		t.Errorf("from 0 to 2: %+v", l)
	}
	l = Series(rawNights(30, 1, "lock-ns", func(night, b int) float64 { return -1000 * float64(night/15) }))[0]
	if !l.Plain || l.Exact || len(l.Steps) != 1 || l.Steps[0].After != -1000 {
		t.Errorf("to -1000: %+v", l)
	}
}

func TestSeriesOfZeros(t *testing.T) {
	nights := gateNights(make([]float64, 30)...)
	for i, n := range nights {
		p := &n.Points[0]
		p.Metric, p.Exact, p.Ratio = "allocs/op", true, nil
		p.Baseline, p.Tip = []float64{0, 0}, []float64{float64(i / 20), float64(i / 20)}
	}
	l := Series(nights)[0]
	if !l.Plain || !l.Exact || l.Points[19].Y != 0 || l.Points[20].Y != 1 || len(l.Steps) != 1 || l.Steps[0].At != 20 || l.Steps[0].Size() != 1 {
		t.Errorf("%+v", l)
	}
}

func TestSeriesGaps(t *testing.T) {
	nights := rawNights(10, 2, "ns/op", func(night, b int) float64 {
		if b == 1 && night%3 == 0 {
			return math.NaN() // not in the file
		}
		return 7
	})
	nights[4].Points = append(nights[4].Points, nights[4].Points[0]) // twice
	nights[5].Points[0].Tip = nil
	lines := Series(nights)
	if len(lines[0].Points) != 10 || len(lines[1].Points) != 6 || lines[1].Points[1].Commit != nights[2].Commit || !math.IsNaN(lines[0].Points[5].Y) {
		t.Errorf("%d and %d points", len(lines[0].Points), len(lines[1].Points))
	}
	if lines := Series(nil); len(lines) > 0 {
		t.Errorf("%v", lines)
	}
}

func TestTimed(t *testing.T) {
	for unit, want := range map[string]bool{
		"ns/op": true, "sec/op": true, "p99-ns": true, "req/s": true, "MB/s": true, "B/s": true, "µs": true,
		"allocs/op": false, "B/op": false, "peak-RSS-bytes": false, "": false, "misses": false,
	} {
		if timed(unit) != want {
			t.Errorf("%s: %v", unit, !want)
		}
	}
}

func TestResolution(t *testing.T) {
	for _, row := range []struct {
		values []float64
		want   float64
	}{
		{[]float64{412, 413, 411}, 1 / math.Sqrt(12) / 412},
		{[]float64{41.2, 41.25, 41.2}, 0.01 / math.Sqrt(12) / 41.2},
		{[]float64{0.0003, 0.0003, 0.0003}, 0.0001 / math.Sqrt(12) / 0.0003},
		{[]float64{math.Pi, math.E, 1}, 0},
	} {
		s := &gathered{line: &Line{Key: Key{Metric: "ns/op"}}}
		for _, v := range row.values {
			s.decimals = decimals(v, s.decimals)
			s.value = append(s.value, v)
		}
		if got := s.resolution(); math.Abs(got-row.want) > 1e-12 {
			t.Errorf("%v: %v, want %v", row.values, got, row.want)
		}
	}
}

// BenchmarkSeries is of 1,000 benchmarks on 1,000 nights, raw and of the gate.
func BenchmarkSeries(b *testing.B) {
	noise := noisy(1, 0.01)
	raw := rawNights(1000, 1000, "ns/op", func(night, b int) float64 { return math.Round(float64(100*(b+1)) * noise()) })
	var ours []*Night
	for i, n := range raw {
		m := *n
		m.Baseline = "base"
		m.Points = slices.Clone(n.Points)
		for j := range m.Points {
			p := &m.Points[j]
			p.Ratio = ptr(noise() + 0.05*float64((i+j)/700%2))
			p.Baseline = p.Tip
		}
		ours = append(ours, &m)
	}
	for name, nights := range map[string][]*Night{"raw": raw, "gate": ours} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				lines := Series(nights)
				b.ReportMetric(float64(len(Events(lines, nil))), "events")
			}
		})
	}
}
