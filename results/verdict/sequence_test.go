package verdict

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

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
				if v < s.signs.vectors && s.signs.words[i/32][v]>>(i%32)&1 == 1 || v == s.signs.vectors && d[i] > 0 {
					vectors[v][i] = 1
				}
			}
		}
		want := naive(vectors, d, looks, shares, upper).stops(0.1)
		for k, n := range looks {
			s.look(d[:n], shares[k])
		}
		if s.promising {
			s.catchUp()
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

// 10,000 · 0.05 · 0.7² is 245, which floating point makes a little less.
func TestRoomIsWhole(t *testing.T) {
	s := &sequence{signs: &signs{vectors: 9999}}
	for part, want := range map[float64]int{14. / 20: 245, 18. / 20: 405, 1: 500, 0.011: 0} {
		if got := s.room(0.05, part*part); got != want {
			t.Errorf("%v of the pairs have room for %d, want %d", part, got, want)
		}
	}
}
