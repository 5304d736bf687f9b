package changepoint

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// twoPeaks is what nights on machines of two kinds look like: by a coin near 0 or near the distance.
func twoPeaks(random *rand.Rand, nights int, distance, sd float64) []float64 {
	y := stepped(random, sd, nights, 0)
	for i := range y {
		y[i] += distance * float64(random.IntN(2))
	}
	return y
}

// TestPlacedBetweenPeaks wants a step of 10 % placed where it is, from a dozen nights away, when the machines differ by twice
// as much.
func TestPlacedBetweenPeaks(t *testing.T) {
	random, right := rand.New(rand.NewPCG(1, 2)), 0
	const series, at = 100, 90
	for range series {
		y := twoPeaks(random, 200, 0.2, 0.01)
		for i := at; i < len(y); i++ {
			y[i] += 0.1
		}
		starts := []int{0, at - 12 + 24*random.IntN(2)}
		if placed(y, starts, 3, 0); starts[1] == at {
			right++
		}
	}
	if right < 95 {
		t.Errorf("%d of %d steps are where they were put in", right, series)
	}
}

// TestPlacedWithoutSize has a step that is none of most nights: another share of them is on the other kind of machine.
func TestPlacedWithoutSize(t *testing.T) {
	y := slices.Repeat([]float64{100, 100, 100, 100, 104}, 24)
	y = append(y, slices.Repeat([]float64{104, 100, 104, 100, 104}, 16)...)
	starts := []int{0, 120}
	if placed(y, starts, 3, Rounding); starts[1] != 120 {
		t.Errorf("the change at 120 was moved to %d", starts[1])
	}
}

// TestPlacedKeepsLevelsApart has three levels of which the middle one has as few nights as a level may have.
func TestPlacedKeepsLevelsApart(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for range 200 {
		y := twoPeaks(random, 40, 0.1, 0.02)
		starts := []int{0, 20, 23}
		if placed(y, starts, 3, 0); starts[0] != 0 || starts[1] < 3 || starts[2] < starts[1]+3 || starts[2] > 37 {
			t.Fatalf("levels begin at %v", starts)
		}
	}
}

func TestCentre(t *testing.T) {
	for _, row := range []struct {
		weights []float64
		want    int
	}{
		{[]float64{1}, 0},
		{[]float64{0, 0, 1, 0, 0, 0}, 2},
		{[]float64{0, 1, 0, 0, 0, 0, 0.7, 0.6, 0.7, 0}, 7}, // many that are likely beside one that is the likeliest
		{[]float64{0, 1, 0, 0, 0, 0.2, 0.1, 0.2, 0.1}, 1},
		{[]float64{0.5, 0, 0, 0.4, 0.4}, 3},
	} {
		if got := centre(row.weights, 3); got != row.want {
			t.Errorf("%v: %d, want %d", row.weights, got, row.want)
		}
	}
}

func TestShift(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	for range 100 {
		a, b := twoPeaks(random, 80, 0.2, 0.01), twoPeaks(random, 120, 0.2, 0.01)
		for i := range b {
			b[i] -= 0.05
		}
		if got := shift(a, b); math.Abs(got+0.05) > 0.01 {
			t.Errorf("%v, want about -0.05", got)
		}
	}
	if got := shift([]float64{1}, []float64{3}); got != 2 {
		t.Errorf("single values: %v", got)
	}
}

func TestQuantile(t *testing.T) {
	for p, want := range map[float64]float64{0: 1, 0.1: 1, 0.125: 1, 0.25: 1.5, 0.5: 3, 0.75: 6, 0.8: 6.8, 0.9: 8, 1: 8} {
		if got := quantile([]float64{1, 2, 4, 8}, p); math.Abs(got-want) > 1e-12 {
			t.Errorf("quantile %v: %v, want %v", p, got, want)
		}
	}
}

// TestDensity holds the sums over windows against the definition.
func TestDensity(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 8))
	for range 50 {
		sample := heavy(random, 0.02, 0, 5+random.IntN(200))
		d := densityOf(sample, 0)
		for _, own := range sample {
			x := own + 0.05*float64(random.IntN(3)-1)
			kernels := 0.0
			for _, v := range sample {
				kernels += max(0, 1-(x-v)*(x-v)/(d.width*d.width))
			}
			kernels -= max(0, 1-(x-own)*(x-own)/(d.width*d.width))
			want := math.Log(max(0, kernels)/float64(len(sample)) + anything)
			if got := d.logWithout(own, x); math.Abs(got-want) > 1e-6 {
				t.Fatalf("at %v: %v, by the definition %v", x, got, want)
			}
		}
	}
	if d := densityOf([]float64{-1e9, -1, 0, 0, 1, 1e9}, 0); slices.Contains(d.sorted, 1e9) || len(d.sorted) != 4 || d.n != 6 {
		t.Errorf("far away: %+v", d)
	}
	if d := densityOf(make([]float64, 9), 0.25); d.width != 0.5 {
		t.Errorf("all alike, rounded to 0.25: %v wide", d.width)
	}
}
