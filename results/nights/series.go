package nights

import (
	"cmp"
	"math"
	"runtime"
	"slices"
	"strings"
	"sync"

	"tunelab/results/changepoint"
)

// leastForShift is how many benchmarks a night has at least before their median is taken for what the machine did. Of fewer,
// one that changed would move it, and the others would seem to have changed the other way.
const leastForShift = 5

// Series makes series of nights, which may be in any order. They are sorted by package, benchmark, metric and then place, Go
// version, protocol and baseline.
//
// With a baseline, a night's Y is the logarithm of the ratio that the gate found; NaN when it found none.
//
// Without one, raw values tell a slow machine from a slow program only by their company: from the logarithm of each
// benchmark's median its night's shift is taken away, which is the median over all benchmarks, in that metric and place, of
// the distances from their own medians over all nights. This is for units that measure time, on nights with at least 5
// benchmarks. A change of most benchmarks at once is lost by it.
//
// Where some value is 0 or negative the series is [Line.Plain].
//
// Steps are found with a noise not below the values' own resolution: the last decimal that any of them has. Counts have
// none: 3 allocations are 3.
func Series(nights []*Night) []*Line {
	nights = slices.Clone(nights)
	slices.SortStableFunc(nights, byTime)
	g := gatherer{lines: map[where]map[what]*gathered{}}
	for i, n := range nights {
		g.night(i, n)
	}
	onAllCores(g.all, func(s *gathered) { s.fill(nights) })
	g.shift(len(nights))
	onAllCores(g.all, (*gathered).steps)
	lines := make([]*Line, len(g.all))
	for i, s := range g.all {
		lines[i] = s.line
	}
	slices.SortFunc(lines, func(a, b *Line) int { return compareKeys(&a.Key, &b.Key) })
	return lines
}

func compareKeys(a, b *Key) int {
	return cmp.Or(
		strings.Compare(a.Package, b.Package), strings.Compare(a.Benchmark, b.Benchmark), strings.Compare(a.Metric, b.Metric),
		strings.Compare(a.Place, b.Place), strings.Compare(a.Go, b.Go), cmp.Compare(a.Protocol, b.Protocol),
		strings.Compare(a.Baseline, b.Baseline),
	)
}

// onAllCores does something with each series; none needs another.
func onAllCores(all []*gathered, do func(*gathered)) {
	var group sync.WaitGroup
	workers := runtime.GOMAXPROCS(0)
	for w := range workers {
		group.Go(func() {
			for i := w; i < len(all); i += workers {
				do(all[i])
			}
		})
	}
	group.Wait()
}

// where and what are the two halves of a key, apart because all points of a night share the first.
type where struct {
	place, goVersion string
	protocol         int
	baseline         string
}

type what struct{ pkg, benchmark, metric string }

type gatherer struct {
	lines map[where]map[what]*gathered
	all   []*gathered
}

// A gathered series has, for each of its points, what Y is made of.
type gathered struct {
	line     *Line
	points   []*Point
	nights   []int     // indices
	ratio    []float64 // NaN where there is none
	value    []float64 // medians of the tip and the baseline, NaN where there are no values
	baseline []float64
	decimals int
}

func (g *gatherer) night(index int, n *Night) {
	w := where{n.place(), n.Host.Go, n.Protocol, n.Baseline}
	lines := g.lines[w]
	if lines == nil {
		lines = map[what]*gathered{}
		g.lines[w] = lines
	}
	for i := range n.Points {
		p := &n.Points[i]
		s := lines[what{p.Package, p.Benchmark, p.Metric}]
		if s == nil {
			s = &gathered{line: &Line{Key: Key{p.Package, p.Benchmark, p.Metric, w.place, w.goVersion, w.protocol, w.baseline}, Exact: true}}
			lines[what{p.Package, p.Benchmark, p.Metric}] = s
			g.all = append(g.all, s)
		}
		if last := len(s.nights) - 1; last < 0 || s.nights[last] != index {
			s.points, s.nights = append(s.points, p), append(s.nights, index)
		}
	}
}

// fill makes the line's points, but for the shifts of nights.
func (s *gathered) fill(nights []*Night) {
	l := s.line
	count := len(s.points)
	l.Points = make([]LinePoint, count)
	s.ratio, s.value, s.baseline = make([]float64, count), make([]float64, count), make([]float64, count)
	l.Better = betterOf(l.Metric)
	var scratch []float64
	for i, p := range s.points {
		n := nights[s.nights[i]]
		s.value[i], scratch = median(p.Tip, scratch)
		s.baseline[i], scratch = median(p.Baseline, scratch)
		s.ratio[i] = math.NaN()
		if p.Ratio != nil && *p.Ratio > 0 {
			s.ratio[i] = *p.Ratio
		}
		for _, v := range p.Tip {
			s.decimals = decimals(v, s.decimals)
		}
		if p.Better != "" {
			l.Better = p.Better
		}
		l.Exact = l.Exact && (p.Exact || n.Baseline == "" && p.Metric == "allocs/op")
		l.Points[i] = LinePoint{
			Started: n.Started, Commit: n.Commit, Subject: n.Subject, Lo: logOf(p.Lo), Hi: logOf(p.Hi), Value: s.value[i],
			Verdict: p.Verdict, Run: p.Run, File: n.File,
		}
	}
	s.place()
}

func logOf(ratio *float64) float64 {
	if ratio == nil || !(*ratio > 0) {
		return math.NaN()
	}
	return math.Log(*ratio)
}

// median is NaN of nothing. It sorts in scratch, and returns that to be used again.
func median(values, scratch []float64) (float64, []float64) {
	if len(values) == 1 {
		return values[0], scratch
	}
	scratch = append(scratch[:0], values...)
	return medianOf(scratch), scratch
}

// medianOf sorts x.
func medianOf(x []float64) float64 {
	if len(x) == 0 {
		return math.NaN()
	}
	slices.Sort(x)
	low, high := x[(len(x)-1)/2], x[len(x)/2]
	return low + (high-low)/2
}

// mostDecimals is where values count as exact.
const mostDecimals = 6

var powersOfTen = [mostDecimals + 1]float64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6}

// decimals is how many v has behind its point, at least what was found before.
func decimals(v float64, before int) int {
	for before < mostDecimals {
		scaled := v * powersOfTen[before]
		if math.Abs(scaled-math.Round(scaled)) <= 1e-9*max(1, math.Abs(scaled)) {
			break
		}
		before++
	}
	return before
}

// place fills Y.
func (s *gathered) place() {
	l := s.line
	compared := l.Baseline != ""
	for i, v := range s.value {
		if compared {
			l.Plain = l.Plain || math.IsNaN(s.ratio[i]) && min(v, s.baseline[i]) <= 0
		} else {
			l.Plain = l.Plain || v <= 0 || s.counts()
		}
	}
	for i := range l.Points {
		p := &l.Points[i]
		switch {
		case l.Plain && compared:
			p.Y, p.Lo, p.Hi = s.value[i]-s.baseline[i], math.NaN(), math.NaN()
		case l.Plain:
			p.Y = s.value[i]
		case compared:
			p.Y = math.Log(s.ratio[i])
		default:
			p.Y = math.Log(s.value[i])
		}
	}
}

// shift takes from raw times what their nights have in common. It sorts each night's distances once.
func (g *gatherer) shift(nights int) {
	type company struct {
		where
		metric string
	}
	groups := map[company][]*gathered{}
	for _, s := range g.all {
		if l := s.line; l.Baseline == "" && !l.Plain && timed(l.Metric) {
			c := company{where{l.Place, l.Go, l.Protocol, l.Baseline}, l.Metric}
			groups[c] = append(groups[c], s)
		}
	}
	for _, group := range groups {
		if len(group) < leastForShift {
			continue
		}
		distances := make([][]float64, nights)
		for _, s := range group {
			own := s.level()
			for i, p := range s.line.Points {
				if !math.IsNaN(p.Y) {
					distances[s.nights[i]] = append(distances[s.nights[i]], p.Y-own)
				}
			}
		}
		shifts := make([]float64, nights)
		for i, d := range distances {
			if len(d) >= leastForShift {
				shifts[i] = medianOf(d)
			}
		}
		for _, s := range group {
			for i := range s.line.Points {
				s.line.Points[i].Y -= shifts[s.nights[i]]
			}
		}
	}
}

// level is the median of the values that there are.
func (s *gathered) level() float64 { return medianOf(s.present()) }

func (s *gathered) present() []float64 {
	var y []float64
	for _, p := range s.line.Points {
		if !math.IsNaN(p.Y) {
			y = append(y, p.Y)
		}
	}
	return y
}

// timed reports whether a unit measures time, as ns/op, req/s and p99-ns do: such values a slow machine shifts.
func timed(unit string) bool {
	for part := range strings.FieldsFuncSeq(unit, func(r rune) bool { return r == '/' || r == '-' }) {
		switch part {
		case "ns", "us", "µs", "μs", "ms", "s", "sec", "secs", "second", "seconds", "nsec", "usec", "msec", "min", "h":
			return true
		}
	}
	return false
}

// counts reports whether the series is one of raw counts, in which one more or less is a change, however many there are.
func (s *gathered) counts() bool { return s.line.Baseline == "" && s.line.Metric == "allocs/op" }

// steps finds where the series changed.
func (s *gathered) steps() {
	l := s.line
	defer func() { l.Noise, _ = changepoint.Noise(s.present()) }()
	y := make([]float64, len(l.Points))
	for i, p := range l.Points {
		y[i] = p.Y
	}
	if s.counts() {
		l.Steps = changepoint.Find(y, changepoint.Rounding, changepoint.Counts)
		return
	}
	// The size below which a change does not matter is a share: plain values are given as multiples of a usual one.
	scale := 1.0
	if l.Plain {
		scale = s.usual()
		for i := range y {
			y[i] /= scale
		}
	}
	l.Steps = changepoint.Find(y, s.resolution()/scale, changepoint.Options{})
	for i := range l.Steps {
		step := &l.Steps[i]
		step.Before, step.After, step.Error = step.Before*scale, step.After*scale, step.Error*scale
	}
}

// usual is the median size of the values that are not 0, 1 when all are.
func (s *gathered) usual() float64 {
	var sizes []float64
	for _, values := range [2][]float64{s.value, s.baseline} {
		for _, v := range values {
			if v != 0 && !math.IsNaN(v) {
				sizes = append(sizes, math.Abs(v))
			}
		}
	}
	if len(sizes) == 0 {
		return 1
	}
	return medianOf(sizes)
}

// resolution is the standard deviation of Y that comes from rounding alone: that of a uniform distribution as wide as the
// last decimal, 1/√12 of it. A value with many decimals was not rounded.
func (s *gathered) resolution() float64 {
	l := s.line
	if l.Exact || !timed(l.Metric) || s.decimals == mostDecimals {
		return 0
	}
	rounding := 1 / powersOfTen[s.decimals] / math.Sqrt(12)
	if l.Plain {
		return rounding
	}
	value := s.usual()
	return rounding / value
}
