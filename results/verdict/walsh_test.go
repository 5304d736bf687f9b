package verdict

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

func naiveWalsh(d []float64) []float64 {
	var averages []float64
	for i := range d {
		for j := i; j < len(d); j++ {
			averages = append(averages, (d[i]+d[j])/2)
		}
	}
	slices.Sort(averages)
	return averages
}

func TestWalshAgainstSorting(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 1))
	for n := 1; n <= 40; n++ {
		for _, d := range [][]float64{smooth(r, n), coarse(r, n, 3), make([]float64, n)} {
			all, w := naiveWalsh(d), newWalsh(d)
			if w.size() != len(all) {
				t.Fatalf("%d values: %d averages, want %d", n, w.size(), len(all))
			}
			for k, want := range all {
				if got := w.at(k + 1); got != want {
					t.Errorf("average %d of %v is %v, want %v", k+1, d, got, want)
				}
			}
			want := (all[(len(all)-1)/2] + all[len(all)/2]) / 2
			if got := HodgesLehmann(d); got != want {
				t.Errorf("HodgesLehmann(%v) = %v, want %v", d, got, want)
			}
		}
	}
	if got := HodgesLehmann([]float64{math.Copysign(0, -1)}); math.Signbit(got) {
		t.Error("the centre of -0 is -0")
	}
	if !math.IsNaN(HodgesLehmann(nil)) {
		t.Error("HodgesLehmann(nil) is a number")
	}
}

// The interval leaves out exactly those centres that the test rejects.
func TestIntervalInvertsTest(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 2))
	const alpha = 0.05
	for n := 6; n <= 30; n++ {
		for range 40 {
			d := smooth(r, n)
			lo, hi, ok := Interval(d, alpha)
			if !ok {
				t.Fatalf("no interval for %d values", n)
			}
			for _, center := range []float64{lo - 1e-9, lo + 1e-9, hi - 1e-9, hi + 1e-9, 0} {
				shifted := make([]float64, n)
				for i := range d {
					shifted[i] = d[i] - center
				}
				_, p := SignedRank(shifted)
				if inside := lo < center && center < hi; inside != (p > alpha) {
					t.Errorf("%d values: p = %v for a centre %v, but the interval is [%v, %v]", n, p, center, lo, hi)
				}
			}
		}
	}
}

func TestIntervalMirrors(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 3))
	for _, n := range []int{6, 7, 20, 61, 200} {
		d := smooth(r, n)
		mirrored := make([]float64, n)
		for i := range d {
			mirrored[i] = -d[i]
		}
		lo, hi, _ := Interval(d, 0.05)
		mirroredLo, mirroredHi, _ := Interval(mirrored, 0.05)
		if lo != -mirroredHi || hi != -mirroredLo || HodgesLehmann(d) != -HodgesLehmann(mirrored) {
			t.Errorf("%d values: [%v, %v] about %v, mirrored [%v, %v] about %v",
				n, lo, hi, HodgesLehmann(d), mirroredLo, mirroredHi, HodgesLehmann(mirrored))
		}
	}
}

func TestIntervalTooFew(t *testing.T) {
	for _, c := range []struct {
		n     int
		alpha float64
		want  bool
	}{
		{0, 0.05, false}, {5, 0.05, false}, {5, 0.2, false}, // never below 6
		{6, 0.05, true}, {6, 1.0 / 32, true}, {6, 0.03, false}, // 2^(1-6) = 0.03125
		{7, 0.01, false}, {8, 0.01, true},
	} {
		d := make([]float64, c.n)
		for i := range d {
			d[i] = float64(i)
		}
		lo, hi, ok := Interval(d, c.alpha)
		if ok != c.want || !ok && (lo != 0 || hi != 0) || c.n == 6 && ok && (lo != 0 || hi != 5) {
			t.Errorf("Interval of %d values at %v is [%v, %v] %v, want %v", c.n, c.alpha, lo, hi, ok, c.want)
		}
	}
}

// Whatever the noise is, if it is symmetric the coverage is known exactly.
func TestIntervalCoverage(t *testing.T) {
	t.Parallel()
	const repetitions, center, alpha = 10000, 3.0, 0.05
	for _, n := range []int{6, 12, 25, 70} {
		r := rand.New(rand.NewPCG(2, uint64(n)))
		hits := 0
		for range repetitions {
			d := make([]float64, n)
			for i := range d {
				d[i] = center + student(r, 2)
			}
			if lo, hi, _ := Interval(d, alpha); lo <= center && center <= hi {
				hits++
			}
		}
		u := newUntied(n)
		want := 1 - 2*u.atMost(u.largest(alpha/2))
		error := 0.0
		if n > exactRanksUpTo {
			error = 0.003 // of the normal tail
		}
		plausible(t, "coverage", hits, repetitions, want-error, want+error)
	}
}
