package verdict

import (
	"math"
	"math/bits"
	"math/rand/v2"
	"testing"
)

// naiveRanks are midranks of |d| by counting, 0 for zeros.
func naiveRanks(d []float64) []float64 {
	ranks := make([]float64, len(d))
	for i, x := range d {
		if x == 0 {
			continue
		}
		smaller, equal := 0, 0
		for _, y := range d {
			switch {
			case y == 0:
			case math.Abs(y) < math.Abs(x):
				smaller++
			case math.Abs(y) == math.Abs(x):
				equal++
			}
		}
		ranks[i] = float64(smaller) + float64(equal+1)/2
	}
	return ranks
}

// naiveSignedRank goes through all sign vectors.
func naiveSignedRank(d []float64) (w, p float64) {
	ranks := naiveRanks(d)
	for i, x := range d {
		if x > 0 {
			w += ranks[i]
		}
	}
	atMost, atLeast := 0, 0
	for signs := range 1 << len(d) {
		sum := 0.0
		for i, rank := range ranks {
			if signs>>i&1 == 1 {
				sum += rank
			}
		}
		if sum <= w {
			atMost++
		}
		if sum >= w {
			atLeast++
		}
	}
	return w, min(1, 2*float64(min(atMost, atLeast))/float64(int(1)<<len(d)))
}

// coarse draws n differences with ties and zeros.
func coarse(r *rand.Rand, n, levels int) []float64 {
	d := make([]float64, n)
	for i := range d {
		d[i] = float64(r.IntN(2*levels+1)-levels) / 8
	}
	return d
}

func smooth(r *rand.Rand, n int) []float64 {
	d := make([]float64, n)
	for i := range d {
		d[i] = r.NormFloat64()
	}
	return d
}

func TestSignedRankAgainstEnumeration(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for n := range 13 {
		for _, d := range [][]float64{
			smooth(r, n), coarse(r, n, 1), coarse(r, n, 2), coarse(r, n, 4), coarse(r, n, 20), make([]float64, n),
		} {
			w, p := SignedRank(d)
			wantW, wantP := naiveSignedRank(d)
			if w != wantW || math.Abs(p-wantP) > 1e-12 {
				t.Errorf("SignedRank(%v) = %v, %v, want %v, %v", d, w, p, wantW, wantP)
			}
		}
	}
}

func TestSmallestP(t *testing.T) {
	for n := 1; n <= 60; n++ {
		d := make([]float64, n)
		for i := range d {
			d[i] = float64(i + 1)
		}
		if _, p := SignedRank(d); p != math.Ldexp(1, 1-n) {
			t.Errorf("%d differences of one sign: p = %v, want 2^%d", n, p, 1-n)
		}
	}
}

// The error of the normal tail against the exact distribution, as SignedRank
// documents it.
func TestNormalTail(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, n := range []int{61, 80, 120, 200} {
		for name, d := range map[string][]float64{"smooth": smooth(r, n), "tied": coarse(r, n, 8)} {
			ranks := rank(d)
			chance := make([]float64, ranks.total+1)
			chance[0] = 1
			for _, rank := range ranks.doubled {
				addCoin(chance, int(rank))
			}
			var worst, worstUsual, tail float64
			for s := range ranks.total / 2 {
				tail += chance[s]
				if chance[s] == 0 {
					continue // no such sum: ties
				}
				exact, normal := 2*tail, 2*ranks.normalTail(s)
				worst = max(worst, math.Abs(normal-exact))
				if exact >= 0.01 && exact <= 0.1 {
					worstUsual = max(worstUsual, math.Abs(normal/exact-1))
				}
				if normal < exact && exact < 0.05 && exact > 0 {
					t.Errorf("%d %s: p = %v, want at least the exact %v", n, name, normal, exact)
				}
			}
			w, p := SignedRank(d)
			own := 0.0 // P(W ≤ w) or P(W ≥ w), the smaller
			for _, c := range chance[:min(uint32(2*w), ranks.total-uint32(2*w))+1] {
				own += c
			}
			if math.Abs(p-min(1, 2*own)) > 0.003 || p < 0.02 {
				t.Errorf("%d %s: p = %v, want the exact %v, and one that tells", n, name, p, 2*own)
			}
			if worst > 0.003 || worstUsual > 0.08 {
				t.Errorf("%d %s: error of p is %.5f, for p from 0.01 to 0.1 relative %.3f, want at most 0.003 and 0.08", n, name, worst, worstUsual)
			}
		}
	}
}

// Critical values from the usual tables of the signed-rank test, two-sided at
// 5 %: the largest W that rejects. (Wilcoxon and Wilcox, 1964)
func TestUntied(t *testing.T) {
	for n, want := range map[int]int{
		5: -1, 6: 0, 7: 2, 8: 3, 9: 5, 10: 8, 11: 10, 12: 13, 15: 25, 20: 52, 25: 89, 30: 137, 40: 264, 50: 434,
	} {
		if got := newUntied(n).largest(0.025); got != want {
			t.Errorf("largest W rejected at %d pairs is %d, want %d", n, got, want)
		}
	}
	// Above 60 the tail is approximate: it must reject no more than the exact
	// one, and at most 3 ranks less.
	for _, n := range []int{61, 100, 200} {
		ranks, tail, exact := make([]float64, n*(n+1)/2+1), 0.0, -1
		ranks[0] = 1
		for rank := 1; rank <= n; rank++ {
			addCoin(ranks, rank)
		}
		for tail += ranks[0]; tail <= 0.025; tail += ranks[exact+1] {
			exact++
		}
		if got := newUntied(n).largest(0.025); got > exact || got < exact-3 {
			t.Errorf("largest W rejected at %d pairs is %d, want %d or little less", n, got, exact)
		}
	}
	u := newUntied(10)
	count := 0 // of the sign vectors with W ≤ 8
	for signs := range 1 << 10 {
		w := 0
		for rest := uint(signs); rest != 0; rest &= rest - 1 {
			w += bits.TrailingZeros(rest) + 1
		}
		if w <= 8 {
			count++
		}
	}
	if got, want := u.atMost(8), float64(count)/1024; math.Abs(got-want) > 1e-15 {
		t.Errorf("P(W ≤ 8) at 10 pairs is %v, want %v", got, want)
	}
	for _, n := range []int{1, 12, 60, 61, 200} { // symmetric
		u, most := newUntied(n), n*(n+1)/2
		for s := range most {
			if sum := u.atMost(s) + u.atMost(most-1-s); math.Abs(sum-1) > 1e-12 {
				t.Fatalf("P(W ≤ %d) + P(W ≥ %d) is %v at %d pairs, want 1", s, s+1, sum, n)
			}
		}
	}
	if u.atMost(-1) != 0 || math.Abs(u.atMost(1000)-1) > 1e-12 {
		t.Errorf("outside its range the distribution is %v and %v, want 0 and 1", u.atMost(-1), u.atMost(1000))
	}
}
