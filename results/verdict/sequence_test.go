package verdict

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// The procedure written down a second time, naively, from STATISTICS.md: all
// vectors, ranks by counting, floats, sorting.
type naiveProcedure struct {
	statistics [][]float64 // [look][vector]
	shares     []float64   // of alpha
}

func all(n int) [][]float64 {
	vectors := make([][]float64, 1<<n)
	for v := range vectors {
		vectors[v] = make([]float64, n)
		for i := range n {
			vectors[v][i] = float64(v>>i&1)*2 - 1
		}
	}
	return vectors
}

// naive applies the vectors to sizes, twoSided or not, at looks[k] pairs.
func naive(vectors [][]float64, sizes []float64, looks []int, shares []float64, t tail) naiveProcedure {
	p := naiveProcedure{shares: shares}
	for _, n := range looks {
		ranks := naiveRanks(sizes[:n])
		statistics := make([]float64, len(vectors))
		for v, signs := range vectors {
			for i, rank := range ranks {
				statistics[v] += signs[i] * rank // 2·(W - Σranks/2)
			}
			if t == either {
				statistics[v] = math.Abs(statistics[v])
			}
		}
		p.statistics = append(p.statistics, statistics)
	}
	return p
}

// stops says at which look each vector stops, -1 for never.
func (p naiveProcedure) stops(alpha float64) []int {
	vectors := len(p.statistics[0])
	stopped := slices.Repeat([]int{-1}, vectors)
	count := 0
	for k, statistics := range p.statistics {
		candidates := slices.Clone(statistics)
		slices.Sort(candidates)
		candidates = slices.Compact(candidates)
		boundary := math.Inf(1)
		for _, c := range slices.Backward(candidates) {
			above := 0
			for v, x := range statistics {
				if stopped[v] < 0 && x >= c {
					above++
				}
			}
			if float64(above+count) > float64(vectors)*alpha*p.shares[k]+1e-9 {
				break
			}
			boundary = c
		}
		for v, x := range statistics {
			if stopped[v] < 0 && x >= boundary {
				stopped[v] = k
				count++
			}
		}
	}
	return stopped
}

// shares of alpha at the looks, of which the last is final.
func naiveShares(looks []int, end int) []float64 {
	shares := make([]float64, len(looks))
	for k, n := range looks {
		shares[k] = math.Pow(float64(n)/float64(end), 2)
	}
	shares[len(shares)-1] = 1
	return shares
}

// pairsOf gives pairs with the sizes as log-ratios and the signs of a vector.
func pairsOf(sizes, signs []float64) []Pair {
	pairs := make([]Pair, len(sizes))
	for i, size := range sizes {
		pairs[i] = Pair{100, 100 * math.Exp(math.Abs(size))}
		if signs[i] < 0 {
			pairs[i] = Pair{pairs[i].Variant, pairs[i].Base}
		}
	}
	return pairs
}

type enumerationCase struct {
	name  string
	sizes []float64
	looks []int // planned
	end   int   // pairs when measuring ended
	alpha float64
}

func enumerationCases() []enumerationCase {
	r := rand.New(rand.NewPCG(3, 1))
	return []enumerationCase{
		{"three looks", smooth(r, 10), []int{6, 8, 10}, 10, 0.05},
		{"large alpha", smooth(r, 10), []int{5, 7, 10}, 10, 0.2},
		{"small alpha", smooth(r, 10), []int{8, 9, 10}, 10, 0.01},
		{"ties", coarse(r, 10, 2), []int{6, 8, 10}, 10, 0.1},
		{"zeros", []float64{1, 0, 2, 0, 3, 4, 0, 5, 6, 7}, []int{6, 8, 10}, 10, 0.1},
		{"every pair", smooth(r, 9), []int{5, 6, 7, 8, 9}, 9, 0.1},
		{"ended between looks", smooth(r, 10), []int{6, 8, 11}, 10, 0.05},
		{"ended on a look", smooth(r, 8), []int{6, 8, 12}, 8, 0.05},
		{"ended before the first look", smooth(r, 7), []int{8, 11}, 7, 0.05},
	}
}

func (c enumerationCase) taken() []int {
	var looks []int
	for _, n := range c.looks {
		if n < c.end {
			looks = append(looks, n)
		}
	}
	return append(looks, c.end)
}

// Every sign vector is decided, and stops where the naive procedure stops it.
// Under the null hypothesis each is as likely, so what is counted here are
// exact probabilities: of ever stopping, and of p ≤ x.
func TestSequenceAgainstEnumeration(t *testing.T) {
	t.Parallel()
	for _, c := range enumerationCases() {
		t.Run(c.name, func(t *testing.T) {
			j, err := NewJudge(Rule{Alpha: c.alpha, Looks: c.looks})
			if err != nil {
				t.Fatal(err)
			}
			vectors, looks := all(c.end), c.taken()
			end := c.looks[len(c.looks)-1]
			want := naive(vectors, c.sizes, looks, naiveShares(looks, end), either).stops(c.alpha)
			var stopped int
			var ps []float64
			for v, signs := range vectors {
				got, err := j.DecideLast(pairsOf(c.sizes, signs))
				if err != nil {
					t.Fatal(err)
				}
				if got.Changed != (want[v] >= 0) {
					t.Fatalf("signs %v: changed is %v, the naive procedure stops at look %d", signs, got.Changed, want[v])
				}
				if got.Changed != (got.P <= c.alpha) {
					t.Fatalf("signs %v: changed is %v and p is %v", signs, got.Changed, got.P)
				}
				if distinct(c.sizes) && (got.Verdict != Undecided) && got.Look != want[v] {
					t.Fatalf("signs %v: %v at look %d, the naive procedure stops at %d", signs, got.Verdict, got.Look, want[v])
				}
				if distinct(c.sizes) && got.Changed && got.Verdict == Undecided && c.end >= 6 {
					t.Errorf("signs %v: changed, but %+v", signs, got)
				}
				if got.Changed {
					stopped++
				}
				ps = append(ps, got.P)
			}
			if float64(stopped) > c.alpha*float64(len(vectors)) || stopped == 0 {
				t.Errorf("%d of %d vectors stop, want some and at most %v of them", stopped, len(vectors), c.alpha)
			}
			slices.Sort(ps)
			for i, p := range ps {
				if atMost := float64(i+1) / float64(len(ps)); atMost > p+1e-9 && (i+1 == len(ps) || ps[i+1] > p) {
					t.Errorf("P(p ≤ %v) = %v", p, atMost)
				}
			}
		})
	}
}

func distinct(sizes []float64) bool {
	d := slices.Clone(sizes)
	for i := range d {
		d[i] = math.Abs(d[i])
	}
	slices.Sort(d)
	return d[0] > 0 && len(slices.Compact(d)) == len(sizes)
}

// The sets of vectors that stop, one-sided too, at 14 pairs.
func TestStoppedAtFourteen(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 2))
	vectors, looks := all(14), []int{10, 12, 14}
	for name, sizes := range map[string][]float64{"smooth": smooth(r, 14), "tied": coarse(r, 14, 3)} {
		for _, tail := range []tail{either, upper} {
			want := naive(vectors, sizes, looks, naiveShares(looks, 14), tail).stops(0.05)
			s := newSequence(newSigns(1, 14, drawn), tail, 0.05, 1)
			for k, n := range looks {
				s.look(sizes[:n], naiveShares(looks, 14)[k])
			}
			s.catchUp()
			compareStopped(t, name, s, want)
			if most := 0.05 * float64(len(vectors)); float64(s.count) > most || float64(s.count) < 0.9*most {
				t.Errorf("%s: %d vectors stop, want at most %v and most of those", name, s.count, most)
			}
		}
	}
}

// With drawn vectors, of which the observed one is the last.
func TestStoppedAmongDrawn(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	looks := []int{10, 12, 16, 20, 21}
	shares := naiveShares(looks, 21)
	rejected := 0
	for range 30 {
		d := smooth(r, 21)
		for i := range d {
			d[i] += 0.4
		}
		s := newSequence(newSigns(7, 21, 499), upper, 0.1, 1)
		vectors := make([][]float64, s.signs.total())
		for v := range vectors {
			vectors[v] = make([]float64, len(d))
			for i := range d {
				vectors[v][i] = -1
				if v < s.signs.vectors && s.signs.columns[i/8][v]>>(i%8)&1 == 1 || v == s.signs.vectors && d[i] > 0 {
					vectors[v][i] = 1
				}
			}
		}
		want := naive(vectors, d, looks, shares, upper).stops(0.1)
		for k, n := range looks {
			s.look(d[:n], shares[k])
		}
		if s.rejected != (want[len(want)-1] >= 0) {
			t.Errorf("rejected is %v, the naive procedure stops the observed vector at look %d", s.rejected, want[len(want)-1])
		}
		if s.rejected {
			rejected++
		}
		s.catchUp()
		compareStopped(t, "drawn", s, want)
	}
	if rejected == 0 || rejected == 30 {
		t.Errorf("%d of 30 reject, want some", rejected)
	}
}

func compareStopped(t *testing.T, name string, s *sequence, want []int) {
	t.Helper()
	for v := range want {
		if got := s.stopped[v] == 1; got != (want[v] >= 0) {
			t.Fatalf("%s: vector %d stopped is %v, the naive procedure stops it at look %d", name, v, got, want[v])
		}
	}
}

// p against trying every two-digit level with the naive procedure.
func TestSmallestLevel(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for _, sizes := range [][]float64{smooth(r, 8), coarse(r, 8, 2)} {
		looks, vectors := []int{4, 6, 8}, all(8)
		p := naive(vectors, sizes, looks, naiveShares(looks, 8), either)
		want := slices.Repeat([]float64{1}, len(vectors)) // the levels from which on it always stops
		open := slices.Repeat([]bool{true}, len(vectors))
		for part := 10000; part >= 10; part-- {
			level := float64(part) / 10000
			if part > 1000 && part%100 != 0 || part > 100 && part%10 != 0 {
				continue // more than two digits
			}
			for v, look := range p.stops(level) {
				if open[v] = open[v] && look >= 0; open[v] {
					want[v] = level
				}
			}
		}
		j, err := NewJudge(Rule{Alpha: 0.001, Looks: looks}) // too small for any stop
		if err != nil {
			t.Fatal(err)
		}
		for v, signs := range vectors {
			got, err := j.DecideLast(pairsOf(sizes, signs))
			if err != nil {
				t.Fatal(err)
			}
			if math.Abs(got.P-want[v]) > 1e-12 {
				t.Errorf("sizes %v, signs %v: p = %v, want %v", sizes, signs, got.P, want[v])
			}
		}
	}
}

// With a single look p is that of the signed-rank test, rounded up.
func TestOneLookIsSignedRank(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 5))
	for range 50 {
		d := smooth(r, 12)
		got, err := DecideLast(pairsOf(d, d), Rule{Alpha: 0.05, Looks: []int{12}})
		if err != nil {
			t.Fatal(err)
		}
		_, p := SignedRank(d)
		if want := levelFrom(p); got.P != want && got.P != 0.05 {
			t.Errorf("p = %v, that of the signed-rank test is %v, rounded up %v", got.P, p, want)
		}
	}
}

func TestLevels(t *testing.T) {
	for _, c := range []struct{ x, from, below float64 }{
		{1, 1, 0.99}, {0.995, 1, 0.99}, {0.1, 0.1, 0.099}, {0.0214, 0.022, 0.021}, {0.021, 0.021, 0.02}, {0.0001, 0.0001, 0.000099},
	} {
		if from, below := levelFrom(c.x), levelBelow(c.x); from != c.from || below != c.below {
			t.Errorf("levels at %v: from %v, below %v, want %v and %v", c.x, from, below, c.from, c.below)
		}
	}
}

func TestLargest(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 6))
	for _, top := range []uint32{1, 5, 1000, 1024, 300000, math.MaxUint32} {
		for _, want := range []int{0, 1, 10, 500, 1000} {
			values := make([]uint32, 500)
			for i := range values {
				values[i] = uint32(r.Uint64N(uint64(top) + 1))
			}
			sorted, from := largest(values, want)
			descending := slices.Clone(values)
			slices.SortFunc(descending, func(a, b uint32) int { return int(int64(b) - int64(a)) })
			if len(sorted) < min(want, len(values)) || !slices.Equal(sorted, descending[:len(sorted)]) {
				t.Errorf("the largest %d of values up to %d are %d wrong ones", want, top, len(sorted))
			}
			if n := len(sorted); n > 0 && n < len(values) && descending[n] == sorted[n-1] {
				t.Errorf("the largest %d of values up to %d end within ties", want, top)
			}
			for i, v := range from {
				if values[v] != sorted[i] {
					t.Errorf("value %d of the sorted is said to be number %d, which is %d", i, v, values[v])
				}
			}
		}
	}
}

// p ≤ alpha if and only if changed, whatever alpha is, two digits or more.
func TestLevelAgreesWithDecision(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 7))
	sizes, vectors := smooth(r, 9), all(9)
	capped := 0
	for alpha := 0.004; alpha < 0.3; alpha += 0.0137 {
		j, err := NewJudge(Rule{Alpha: alpha, Looks: []int{5, 6, 7, 8, 9}})
		if err != nil {
			t.Fatal(err)
		}
		for _, signs := range vectors {
			got, err := j.DecideLast(pairsOf(sizes, signs))
			if err != nil {
				t.Fatal(err)
			}
			if got.Changed != (got.P <= alpha) {
				t.Errorf("alpha %v, signs %v: changed is %v and p is %v", alpha, signs, got.Changed, got.P)
			}
			if got.P == alpha {
				capped++
			}
		}
	}
	if capped == 0 {
		t.Error("p is never alpha itself")
	}
}

// Every sign vector about the lower end of the margin, far from the upper one:
// it is the same exactly when the naive one-sided procedure stops.
func TestSameAgainstEnumeration(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 8))
	sizes, vectors, looks := smooth(r, 10), all(10), []int{8, 10}
	const alpha, margin = 0.05, 2.0
	j := judgeWith(t, Rule{Alpha: alpha, Margin: math.Expm1(margin), Looks: looks}, drawn)
	want := naive(vectors, sizes, looks, naiveShares(looks, 10), upper).stops(alpha)
	same := 0
	for v, signs := range vectors {
		d, found := make([]float64, 10), -1
		for i, size := range sizes {
			d[i] = 0.1*signs[i]*math.Abs(size) - margin
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
			t.Errorf("signs %v: same at look %d, the naive procedure stops at %d", signs, found, want[v])
		}
	}
	if float64(same) > alpha*1024 || float64(same) < 0.85*alpha*1024 {
		t.Errorf("%d of 1024 are the same, want at most %v and most of those", same, alpha*1024)
	}
}

// The lower end was left at the first look, the upper one at the second, when
// the lower one is in question again: that is not the same.
func TestSameNeedsTheIntervalInside(t *testing.T) {
	const margin = 1.0
	r := rand.New(rand.NewPCG(3, 9))
	d := make([]float64, 26)
	for i := range d {
		if d[i] = 0.9 + 0.2*r.Float64(); i >= 10 {
			d[i] = -1.6 - 0.1*r.Float64()
		}
	}
	j := judgeWith(t, Rule{Alpha: 0.1, Margin: math.Expm1(margin), Looks: []int{10, 26}}, drawn)
	c := newComparison(j.rule, j.signs, nil)
	c.useScale(Ratio)
	looks := j.planned(26)
	c.same(d[:10], looks[0])
	if !c.above.rejected || c.below.rejected {
		t.Fatal("the first look should leave only the lower end")
	}
	f := c.same(d, looks[1])
	if !c.below.rejected {
		t.Fatal("the second look should leave the upper end")
	}
	if f.verdict == Same {
		t.Errorf("same, with the interval [%v, %v] for a margin of %v", f.lo, f.hi, margin)
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
