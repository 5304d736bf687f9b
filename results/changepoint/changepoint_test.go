package changepoint

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// stepped is normal noise about levels, each for so many nights.
func stepped(random *rand.Rand, sd float64, nights int, levels ...float64) []float64 {
	var out []float64
	for _, level := range levels {
		for range nights {
			out = append(out, level+sd*random.NormFloat64())
		}
	}
	return out
}

func TestFind(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	y := stepped(random, 0.01, 60, 0, 0.05, 0.02)
	y[30] = math.NaN()
	y[100] += 0.5 // one bad night
	steps := Find(y, 0, Options{})
	if len(steps) != 2 {
		t.Fatalf("%+v; want two steps", steps)
	}
	for i, want := range []struct {
		at   int
		size float64
	}{{60, 0.05}, {120, -0.03}} {
		if got := steps[i]; got.At < want.at-2 || got.At > want.at+2 || math.Abs(got.Size()-want.size) > 4*got.Error {
			t.Errorf("%+v; want %v at %d", got, want.size, want.at)
		}
	}
}

func TestFindNothing(t *testing.T) {
	for name, y := range map[string][]float64{
		"nothing": nil, "one": {1}, "none": {math.NaN(), math.NaN(), math.Inf(1)}, "constant": make([]float64, 100),
		"few": {0, 0, 5, 5, 5}, "one night": append(make([]float64, 50), append([]float64{3}, make([]float64, 50)...)...),
		"two nights": append(make([]float64, 50), append([]float64{3, 3}, make([]float64, 50)...)...),
	} {
		if steps := Find(y, 0, Options{}); len(steps) > 0 {
			t.Errorf("%s: %+v", name, steps)
		}
	}
	if steps := Find(append(make([]float64, 50), slices.Repeat([]float64{0.1}, 50)...), 0, Options{}); len(steps) != 1 || steps[0].At != 50 {
		t.Errorf("a clean step: %+v", steps)
	}
}

// TestPELTIsExact holds it against dynamic programming over all beginnings.
func TestPELTIsExact(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for range 300 {
		n, least, penalty := 6+random.IntN(40), 1+random.IntN(4), 3*random.Float64()
		y := stepped(random, 0.3, 1, make([]float64, n)...)
		for i := range y {
			y[i] += float64(random.IntN(2) * (i / 10))
		}
		if got, want := objective(y, pelt(y, least, penalty), penalty), everyWay(y, least, penalty); math.Abs(got-want) > 1e-9 {
			t.Fatalf("n %d, least %d, penalty %v: %v, and the least is %v", n, least, penalty, got, want)
		}
	}
}

func objective(y []float64, starts []int, penalty float64) float64 {
	s := sumUp(y)
	bounds := append(slices.Clone(starts), len(y))
	total := penalty * float64(len(starts)-1)
	for i := range starts {
		total += s.cost(bounds[i], bounds[i+1])
	}
	return total
}

func everyWay(y []float64, least int, penalty float64) float64 {
	s := sumUp(y)
	best := make([]float64, len(y)+1)
	for to := range best {
		best[to] = math.Inf(1)
		if to == 0 {
			best[to] = -penalty
		}
		for from := 0; from+least <= to; from++ {
			best[to] = min(best[to], best[from]+s.cost(from, to)+penalty)
		}
	}
	return best[len(y)]
}

func TestNoise(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	y := stepped(random, 2, 1, make([]float64, 5000)...)
	sd, slow := Noise(y)
	if math.Abs(sd-2) > 0.1 || slow > 1.2 {
		t.Errorf("independent: sd %v, slow %v", sd, slow)
	}
	for i := 1; i < len(y); i++ {
		y[i] += 0.6 * y[i-1]
	}
	if _, slow := Noise(y); slow < 2 {
		t.Errorf("noise that lasts: slow %v", slow)
	}
}

// A clean step is reported, and with its size, once it has lasted for four nights.
func TestFindAtTheEnd(t *testing.T) {
	for nights := 1; nights <= 10; nights++ {
		y := append(make([]float64, 50), slices.Repeat([]float64{0.1}, nights)...)
		steps := Find(y, 0, Options{})
		found := len(steps) == 1 && steps[0].At == 50 && math.Abs(steps[0].Size()-0.1) < 1e-6
		if nights >= 4 && !found || nights < 3 && len(steps) > 0 {
			t.Errorf("%d nights after a step: %+v", nights, steps)
		}
	}
}

// heavy is noise that is three times as large on one night in five, and remembers the night before by so much.
func heavy(random *rand.Rand, sd, memory float64, nights int) []float64 {
	out, last := make([]float64, nights), 0.0
	for i := range out {
		v := sd * random.NormFloat64()
		if random.IntN(5) == 0 {
			v *= 3
		}
		last = memory*last + v
		out[i] = last
	}
	return out
}

func TestFewFalseAlarms(t *testing.T) {
	const series, nights = 300, 220
	for _, memory := range []float64{0, 0.3, 0.5} {
		random, alarms := rand.New(rand.NewPCG(7, 8)), 0
		for range series {
			alarms += len(Find(heavy(random, 0.02, memory, nights), 0, Options{}))
		}
		if rate := 1000 * float64(alarms) / (series * nights); rate > 0.7 {
			t.Errorf("noise that remembers %v: %.2f false alarms per 1,000 nights", memory, rate)
		}
	}
}

// TestHeavyTails wants steps of 5 % found in noise in which the ordinary standard deviation is 3 %.
func TestHeavyTails(t *testing.T) {
	random, found := rand.New(rand.NewPCG(9, 10)), 0
	const series = 100
	for range series {
		y := heavy(random, 0.02, 0, 220)
		for i := 110; i < len(y); i++ {
			y[i] += 0.05
		}
		if slices.ContainsFunc(Find(y, 0, Options{}), func(s Step) bool { return s.At >= 107 && s.At <= 113 }) {
			found++
		}
	}
	if found < 90 {
		t.Errorf("%d of %d found", found, series)
	}
}

func TestCounts(t *testing.T) {
	random := rand.New(rand.NewPCG(11, 12))
	const series, nights = 40, 220
	alarms := 0
	for range series {
		toAndFro := make([]float64, nights) // the other count on one night in five, and sometimes for longer
		for i := range toAndFro {
			toAndFro[i] = 40
			if random.IntN(5) == 0 || i > 0 && toAndFro[i-1] == 41 && random.IntN(2) == 0 {
				toAndFro[i] = 41
			}
		}
		alarms += len(Find(toAndFro, Rounding, Counts))
	}
	if rate := 1000 * float64(alarms) / (series * nights); rate > 0.7 {
		t.Errorf("to and fro between two counts: %.2f false alarms per 1,000 nights", rate)
	}
	for _, levels := range [][]float64{{0, 1}, {5090, 5092}, {1, 2, 1}, {9, 3, 7, 0}} {
		var y []float64
		for _, level := range levels {
			y = append(y, slices.Repeat([]float64{level}, 7)...)
		}
		y = append(append(slices.Repeat(levels[:1], 80), y...), slices.Repeat(levels[len(levels)-1:], 80)...)
		steps := Find(y, Rounding, Counts)
		for i := range steps {
			if steps[i].At != 87+7*i {
				t.Errorf("%v: step %d at %d", levels, i, steps[i].At)
			}
		}
		if len(steps) != len(levels)-1 {
			t.Errorf("%v, seven nights each: %+v", levels, steps)
		}
	}
}

// BenchmarkFind is one series of a thousand nights.
func BenchmarkFind(b *testing.B) {
	y := stepped(rand.New(rand.NewPCG(13, 14)), 0.03, 100, 0, 0.1, 0, 0.05, 0, 0.1, 0, 0.05, 0.02, 0)
	for b.Loop() {
		Find(y, 0, Options{})
	}
}
