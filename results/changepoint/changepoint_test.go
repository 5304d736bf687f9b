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
