package verdict

import (
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
)

// Table look-ups give the sums that adding bit by bit gives, for all numbers
// of pairs up to the last.
func TestSums(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 1))
	for _, last := range []int{13, 70} {
		s := newSigns(3, last, 300)
		for n := 1; n <= last; n++ {
			ranks := make([]uint32, n)
			for i := range ranks {
				ranks[i] = r.Uint32N(2000)
			}
			from, into := 17, make([]uint32, 200)
			s.sums(tabulate(ranks, make([]bool, len(ranks))), from, into)
			for v, got := range into {
				want := uint32(0)
				for i, rank := range ranks {
					if s.words[i/32][from+v]>>(i%32)&1 == 1 {
						want += rank
					}
				}
				if got != want {
					t.Fatalf("%d of %d pairs: vector %d sums to %d, want %d", n, last, from+v, got, want)
				}
			}
		}
	}
}

// The coins are fair, also in pairs of neighbours and between vectors.
func TestSignsAreFair(t *testing.T) {
	s := newSigns(11, 40, drawn)
	sign := func(v, i int) int { return int(s.words[i/32][v] >> (i % 32) & 1) }
	plus, sameAsNext, sameAsNextVector, n := 0, 0, 0, 0
	for v := range s.vectors - 1 {
		for i := range 39 {
			n++
			plus += sign(v, i)
			sameAsNext += 1 - sign(v, i) ^ sign(v, i+1)
			sameAsNextVector += 1 - sign(v, i) ^ sign(v+1, i)
		}
	}
	plausible(t, "plus", plus, n, 0.5, 0.5)
	plausible(t, "same as the next pair's", sameAsNext, n, 0.5, 0.5)
	plausible(t, "same as the next vector's", sameAsNextVector, n, 0.5, 0.5)
}

// No sign repeats another one of the same vector or the next.
func TestSignsAreIndependent(t *testing.T) {
	s := newSigns(12, 16, drawn)
	sign := func(v, i int) int { return int(s.words[i/32][v] >> (i % 32) & 1) }
	for i := range 16 {
		for k := range 16 {
			within, across := 0, 0
			for v := range s.vectors - 1 {
				within += 1 - sign(v, i) ^ sign(v, k)
				across += 1 - sign(v, i) ^ sign(v+1, k)
			}
			if i != k {
				plausible(t, "same within a vector", within, s.vectors-1, 0.5, 0.5)
			}
			plausible(t, "same in the next vector", across, s.vectors-1, 0.5, 0.5)
		}
	}
}

func TestSignsComeFromTheSeed(t *testing.T) {
	// Other signs would give the files of old runs other verdicts.
	s := newSigns(7, 70, drawn)
	if got, want := s.words[0][:2], []uint32{1538634524, 2605693997}; !slices.Equal(got, want) {
		t.Errorf("signs begin with %v, want %v", got, want)
	}
	if got, want := s.words[1][drawn-2:], []uint32{2956609161, 2912680896}; !slices.Equal(got, want) {
		t.Errorf("signs end with %v, want %v", got, want)
	}
	a, b, other := newSigns(1, 20, 50), newSigns(1, 20, 50), newSigns(2, 20, 50)
	if !reflect.DeepEqual(a.words, b.words) {
		t.Error("one seed gives different signs")
	}
	if reflect.DeepEqual(a.words, other.words) {
		t.Error("two seeds give the same signs")
	}
	if s := newSigns(1, 14, drawn); s.vectors != 1<<14 || s.total() != 1<<14 {
		t.Errorf("14 pairs have %d vectors of %d, want all 16384", s.vectors, s.total())
	}
	if s := newSigns(1, 15, drawn); s.vectors != 9999 || s.total() != 10000 {
		t.Errorf("15 pairs have %d vectors of %d, want 9999 of 10000", s.vectors, s.total())
	}
}

func TestWithRuleSharesSigns(t *testing.T) {
	rule := Rule{Alpha: 0.05, Looks: Looks(30), Seed: 5}
	j := judge(t, rule)
	pairs := noisyPairs(rand.New(rand.NewPCG(7, 2)), 30, 0.02, 0.05)
	for name, c := range map[string]struct {
		change func(*Rule)
		shared bool
	}{
		"margin":    {func(r *Rule) { r.Margin = 0.1 }, true},
		"direction": {func(r *Rule) { r.HigherIsBetter = true }, true},
		"looks":     {func(r *Rule) { r.Looks = []int{7, 30} }, true},
		"seed":      {func(r *Rule) { r.Seed = 6 }, false},
		"end":       {func(r *Rule) { r.Looks = Looks(31) }, false},
	} {
		changed := rule
		c.change(&changed)
		with, err := j.WithRule(changed)
		if err != nil {
			t.Fatal(err)
		}
		if (with.signs == j.signs) != c.shared {
			t.Errorf("another %s: signs shared is %v, want %v", name, with.signs == j.signs, c.shared)
		}
		if got, want := decided(t, with.Decide, pairs), decided(t, judge(t, changed).Decide, pairs); !reflect.DeepEqual(got, want) {
			t.Errorf("another %s: got %+v, want %+v", name, got, want)
		}
	}
}
