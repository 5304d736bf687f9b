package verdict

import (
	"math"
	"math/rand/v2"
	"testing"
)

// Every sign vector about one end of the margin, far from the other: it is the
// same exactly when the naive one-sided procedure stops.
func TestSameAgainstEnumeration(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 8))
	sizes, vectors, looks := smooth(r, 10), all(10), []int{8, 10}
	const alpha, margin = 0.05, 2.0
	j := judgeWith(t, Rule{Alpha: alpha, Margin: math.Expm1(margin), Looks: looks}, drawn)
	want := naive(vectors, sizes, looks, naiveShares(looks, 10), upper).stops(alpha)
	for _, end := range []float64{-margin, margin} {
		same := 0
		for v, signs := range vectors {
			d, found := make([]float64, 10), -1
			for i, size := range sizes {
				d[i] = end - math.Copysign(0.1, end)*signs[i]*math.Abs(size) // a plus is inside
			}
			c := newComparison(j.rule, j.signs, nil)
			c.useScale(Ratio)
			for k, l := range j.planned(10) {
				if found < 0 && c.same(d[:l.pairs], l).verdict == Same {
					found = k
					same++
				}
			}
			if found != want[v] {
				t.Errorf("end %v, signs %v: same at look %d, the naive procedure stops at %d", end, signs, found, want[v])
			}
		}
		if most := alpha * float64(len(vectors)); float64(same) > most || float64(same) < 0.85*most {
			t.Errorf("end %v: %d are the same, want at most %v and most of those", end, same, most)
		}
	}
}

// One end was left at the first look, the other at the second, when the first
// is in question again: that is not the same.
func TestSameNeedsTheIntervalInside(t *testing.T) {
	const margin = 1.0
	j := judgeWith(t, Rule{Alpha: 0.1, Margin: math.Expm1(margin), Looks: []int{10, 26}}, drawn)
	looks := j.planned(26)
	for _, side := range []float64{1, -1} {
		r := rand.New(rand.NewPCG(3, 9))
		d := make([]float64, 26)
		for i := range d {
			if d[i] = side * (0.9 + 0.2*r.Float64()); i >= 10 {
				d[i] = side * (-1.6 - 0.1*r.Float64())
			}
		}
		c := newComparison(j.rule, j.signs, nil)
		c.useScale(Ratio)
		first, second := c.above, c.below
		if side < 0 {
			first, second = c.below, c.above
		}
		c.same(d[:10], looks[0])
		first.catchUp()
		second.catchUp()
		if !first.rejected || second.rejected {
			t.Fatal("the first look should leave one end only")
		}
		f := c.same(d, looks[1])
		if !second.rejected {
			t.Fatal("the second look should leave the other end")
		}
		if f.verdict == Same {
			t.Errorf("same, with the interval [%v, %v] for a margin of %v", f.lo, f.hi, margin)
		}
	}
}

// The end of an early interval with and without zeros, by hand. 10 differences
// of one sign with sums of at least 53 of 55 rejected: that is W ≤ 2 from the
// lower end, so the third average. With two zeros 34 of 36 are rejected, W ≤ 2
// with a chance of 3/256; of ten differences W ≤ 4 has 7/1024, W ≤ 5 10/1024,
// W ≤ 6 14/1024.
func TestWalshRank(t *testing.T) {
	ten, eight := make([]float64, 10), make([]float64, 10)
	for i := range ten {
		ten[i] = float64(i + 1)
		eight[i] = float64(max(0, i-1))
	}
	for _, c := range []struct {
		d        []float64
		t        tail
		boundary uint32
		want     int
	}{
		{ten, upper, 2 * 53, 3},
		{ten, either, 4*53 - 2*55, 3}, // 4·|53 - 55/2|
		{ten, upper, 2*53 - 1, 3},     // a half rank less, with ties
		{ten, upper, 2 * 55, 1},
		{ten, upper, unreachable, 0},
		{eight, upper, 2 * 34, 6},
		{eight, either, 4*34 - 2*36, 6},
	} {
		l := lookTest{ranks: rank(c.d), boundary: c.boundary}
		if got := l.walshRank(c.t, 10); got != c.want {
			t.Errorf("%v with the boundary %d: average %d, want %d", c.d, c.boundary, got, c.want)
		}
	}
}

// A side is tested by a level of its own, 25 % in a second stage. The interval beside it stays one of 95 %, and is never
// narrower than that of so many pairs.
func TestOneSidedInterval(t *testing.T) {
	j := judgeWith(t, Rule{Alpha: 0.25, Side: 1, Looks: []int{10, 25, 26}}, drawn)
	fixed := 1 + newUntied(25).largest(0.025)
	tested := 0
	for seed := range uint64(40) {
		pairs := noisyPairs(rand.New(rand.NewPCG(seed, 9)), 25, 0.02, 0.1)
		c := newComparison(j.rule, j.signs, pairs)
		var f finding
		for _, l := range j.planned(25) {
			f = c.take(l)
		}
		if !c.changed.rejected {
			continue
		}
		tested++
		d, _ := differences(pairs)
		if lo, hi, ok := newWalsh(d).between(fixed, fixed); !ok || f.lo > lo || f.hi < hi || f.confidence != 0.95 {
			t.Errorf("seed %d: [%v, %v] of %v, want at least [%v, %v] of 0.95", seed, f.lo, f.hi, f.confidence, lo, hi)
		}
	}
	if tested < 10 {
		t.Errorf("%d of 40 tries found a change", tested)
	}
}
