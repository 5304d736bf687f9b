package results

import (
	"math"
	"testing"
)

func TestMiddleHalf(t *testing.T) {
	for _, c := range []struct {
		x    []float64
		want float64
	}{
		{[]float64{5}, 5},
		{[]float64{1, 2, 9}, 4},           // a quarter of three is none
		{[]float64{100, 1, 2, 3}, 2.5},    // one from each end
		{[]float64{3, -50, 4, 5, 900}, 4}, // one from each end of five
		{[]float64{8, 7, 6, 5, 4, 3, 2, 1}, 4.5},
	} {
		if got := MiddleHalf(c.x); got != c.want {
			t.Errorf("%v: %v, want %v", c.x, got, c.want)
		}
	}
	if got := MiddleHalf(nil); !math.IsNaN(got) {
		t.Errorf("of nothing: %v", got)
	}
}

func alternating(party int, name string, slices ...float64) *Trial {
	return &Trial{Case: "X", Block: 1, Variant: name, Outcome: OK, Party: party,
		Slices: map[string][]float64{"ns/op": slices}, Values: []Value{{MiddleHalf(slices), "ns/op"}}}
}

func TestAlternatedPairs(t *testing.T) {
	pair := Pair{Base: "old", Variant: "new"}
	// What hits a round on both sides cancels, and one that hits a side alone does not count.
	base := alternating(1, "old", 100, 200, 100, 100, 400)
	s := pairUp(pair, "ns/op", []*Trial{base, alternating(1, "new", 110, 220, 110, 5000, 440)})
	if len(s.pairs) != 1 || math.Abs(s.pairs[0].Variant/s.pairs[0].Base-1.1) > 1e-12 {
		t.Errorf("%+v", s)
	}
	// Swapped, the ratio mirrors.
	s = pairUp(pair, "ns/op", []*Trial{alternating(1, "old", 110, 220, 110, 5000, 440), alternating(1, "new", 100, 200, 100, 100, 400)})
	if len(s.pairs) != 1 || math.Abs(s.pairs[0].Base/s.pairs[0].Variant-1.1) > 1e-12 {
		t.Errorf("swapped: %+v", s)
	}
	// Zeros have no ratio.
	s = pairUp(pair, "ns/op", []*Trial{alternating(1, "old", 0, 0, 0), alternating(1, "new", 2, 0, 1)})
	if len(s.pairs) != 1 || s.pairs[0].Base != 0 || s.pairs[0].Variant != 1 {
		t.Errorf("zeros: %+v", s)
	}
	for name, other := range map[string]*Trial{
		"of another party":       alternating(2, "new", 1, 2, 3, 4, 5),
		"with fewer slices":      alternating(1, "new", 1, 2, 3, 4),
		"that did not alternate": {Case: "X", Block: 1, Variant: "new", Outcome: OK, Values: []Value{{1, "ns/op"}}},
	} {
		if s := pairUp(pair, "ns/op", []*Trial{base, other}); len(s.pairs) != 0 || s.invalid == "" {
			t.Errorf("a trial %s is paired: %+v", name, s)
		}
	}
}
