package verdict

import (
	"math"
	"testing"
)

func near(got, want, tolerance float64) bool { return math.Abs(got-want) <= tolerance }

// By hand: sorted 0.005 0.01 0.03 0.04 0.2, times 5/rank: 0.025 0.025 0.05
// 0.05 0.2, and each the smallest from there on.
func TestBenjaminiHochberg(t *testing.T) {
	for _, c := range []struct{ p, want []float64 }{
		{[]float64{0.01, 0.04, 0.03, 0.005, 0.2}, []float64{0.025, 0.05, 0.05, 0.025, 0.2}},
		{[]float64{0.01, 0.02, 0.021}, []float64{0.021, 0.021, 0.021}}, // the last one pulls the others down
		{[]float64{0.9, 0.8}, []float64{0.9, 0.9}},
		{[]float64{1, 1}, []float64{1, 1}},
		{[]float64{0.3}, []float64{0.3}},
		{nil, nil},
	} {
		given := append([]float64(nil), c.p...)
		got := BenjaminiHochberg(c.p)
		if len(got) != len(c.want) {
			t.Fatalf("BenjaminiHochberg(%v) = %v, want %v", c.p, got, c.want)
		}
		for i := range got {
			if !near(got[i], c.want[i], 1e-12) || c.p[i] != given[i] {
				t.Errorf("BenjaminiHochberg(%v) = %v, want %v", given, got, c.want)
			}
		}
	}
}

func TestClopperPearson(t *testing.T) {
	for _, c := range []struct {
		k, n       int
		confidence float64
		lo, hi     float64
	}{
		{0, 10, 0.95, 0, 0.3084971},       // 1 - 0.025^(1/10)
		{10, 10, 0.95, 0.6915029, 1},      // and mirrored
		{1, 10, 0.95, 0.0025286, 0.44502}, // R: binom.test(1, 10)
		{5, 10, 0.95, 0.1870860, 0.8129140},
		{0, 20, 0.90, 0, 0.1391083}, // 1 - 0.05^(1/20)
		{3, 92, 0.95, 0.0067784, 0.0923436},
		{0, 0, 0.95, 0, 1},
	} {
		lo, hi := ClopperPearson(c.k, c.n, c.confidence)
		if !near(lo, c.lo, 1e-5) || !near(hi, c.hi, 1e-5) {
			t.Errorf("ClopperPearson(%d, %d, %v) = %.7f, %.7f, want %v, %v", c.k, c.n, c.confidence, lo, hi, c.lo, c.hi)
		}
	}
	// Its definition: at each end the binomial tail is half of what is left.
	lo, hi := ClopperPearson(7, 40, 0.99)
	if !near(binomialAtLeast(7, 40, lo), 0.005, 1e-9) || !near(1-binomialAtLeast(8, 40, hi), 0.005, 1e-9) {
		t.Errorf("tails at the ends are %v and %v, want 0.005", binomialAtLeast(7, 40, lo), 1-binomialAtLeast(8, 40, hi))
	}
	for _, c := range []struct {
		k, n       int
		confidence float64
	}{{-1, 3, 0.95}, {4, 3, 0.95}, {1, 3, 1}, {1, 3, math.NaN()}} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("ClopperPearson(%d, %d, %v) did not panic", c.k, c.n, c.confidence)
				}
			}()
			ClopperPearson(c.k, c.n, c.confidence)
		}()
	}
}

func binomialAtLeast(k, n int, p float64) float64 {
	sum := 0.0
	for i := k; i <= n; i++ {
		choose := 1.0
		for j := range i {
			choose *= float64(n-j) / float64(j+1)
		}
		sum += choose * math.Pow(p, float64(i)) * math.Pow(1-p, float64(n-i))
	}
	return sum
}

func TestOneSample(t *testing.T) {
	powers := []float64{1, 2, 4, 8, 16, 32, 64} // logs evenly spaced
	center, lo, hi, ok := OneSample(powers, 0.05)
	// At 7 values k = 3: the third smallest average of the exponents 0 … 6 is 1.
	if !ok || !near(center, 8, 1e-12) || !near(lo, 2, 1e-12) || !near(hi, 32, 1e-11) {
		t.Errorf("OneSample(%v) = %v [%v, %v] %v, want 8 [2, 32]", powers, center, lo, hi, ok)
	}
	withZero := []float64{0, 1, 2, 3, 4, 5, 6}
	center, lo, hi, ok = OneSample(withZero, 0.05)
	if !ok || center != 3 || lo != 1 || hi != 5 {
		t.Errorf("OneSample(%v) = %v [%v, %v] %v, want 3 [1, 5]", withZero, center, lo, hi, ok)
	}
	if center, lo, hi, ok = OneSample([]float64{2, 8}, 0.05); ok || !near(center, 4, 1e-12) || lo != 0 || hi != 0 {
		t.Errorf("OneSample of two values = %v [%v, %v] %v, want 4 and no interval", center, lo, hi, ok)
	}
	if center, lo, hi, ok = OneSample(nil, 0.05); ok || center != 0 || lo != 0 || hi != 0 {
		t.Errorf("OneSample(nil) = %v [%v, %v] %v, want zeros", center, lo, hi, ok)
	}
}
