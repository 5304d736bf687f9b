package verdict

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// drawn gives pairs to draws: pair i of every row of effects is of draw
// order[i], and its log-ratio is the draw's effect plus its own noise.
func drawnPairs(order []int, effects, noise []float64) []Pair {
	pairs := make([]Pair, len(order))
	for i, at := range order {
		pairs[i] = Pair{Base: 100, Variant: 100 * math.Exp(effects[at]+noise[i]), Draw: at + 1}
	}
	return pairs
}

func TestDrawMeans(t *testing.T) {
	d, scale := differences([]Pair{
		{Base: 1, Variant: math.Exp(0.1), Draw: 7},
		{Base: 1, Variant: math.Exp(0.5)}, // one by itself
		{Base: 1, Variant: math.Exp(0.3), Draw: 7},
		{Base: 1, Variant: math.Exp(-0.2), Draw: 2},
		{Base: 1, Variant: math.Exp(0.4)}, // another
		{Base: 1, Variant: math.Exp(0.2), Draw: 7},
	})
	want := []float64{0.2, 0.5, -0.2, 0.4}
	if scale != Ratio || len(d) != len(want) {
		t.Fatal(d, scale)
	}
	for i, x := range want {
		if math.Abs(d[i]-x) > 1e-12 {
			t.Errorf("mean %d is %v, want %v", i, d[i], x)
		}
	}
	d, scale = differences([]Pair{{Base: 0, Variant: 4, Draw: 1}, {Base: 1, Variant: 3, Draw: 1}})
	if scale != Difference || !slices.Equal(d, []float64{3}) {
		t.Errorf("%v %v", d, scale)
	}
}

// Sharing no draw is the same as pairs of a draw each.
func TestDrawsOfOnePair(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 1))
	plain := make([]Pair, 30)
	for i := range plain {
		plain[i] = pair(100, 100*math.Exp(0.02*r.NormFloat64()+0.01))
	}
	numbered := slices.Clone(plain)
	for i := range numbered {
		numbered[i].Draw = i + 1
	}
	rule := Rule{Alpha: 0.05, Margin: 0.03, Looks: Looks(30)}
	a, errA := DecideLast(plain, rule)
	rule.Draws = 30
	b, errB := DecideLast(numbered, rule)
	if errA != nil || errB != nil || a.P != b.P || a.Verdict != b.Verdict || a.Lo != b.Lo || a.Draws != a.Pairs || b.Draws != b.Pairs {
		t.Errorf("%+v\n%+v", a, b)
	}
}

// What a coin decides is the sign of a draw at all looks alike. Of all ways to
// flip the draws, each as likely under the null hypothesis, at most alpha may
// ever stop, also where the mean over a draw changes its sign on the way.
func TestDrawsAgainstEnumeration(t *testing.T) {
	t.Parallel()
	const draws, alpha = 9, 0.1
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 5))
		var order []int
		for range 3 {
			order = append(order, r.Perm(draws)...)
		}
		effects, noise := make([]float64, draws), make([]float64, len(order))
		for i := range effects {
			effects[i] = 0.01 * r.NormFloat64()
		}
		for i := range noise {
			noise[i] = 0.03 * r.NormFloat64()
		}
		base := drawnPairs(order, effects, noise)
		j, err := NewJudge(Rule{Alpha: alpha, Looks: []int{9, 12, 16, 20, 27}, Draws: draws})
		if err != nil {
			t.Fatal(err)
		}
		turned, changed, mirrored := 0, 0, 0
		for flips := range 1 << draws {
			pairs, swapped := slices.Clone(base), slices.Clone(base)
			for i, at := range order {
				if flips>>at&1 == 1 {
					pairs[i].Base, pairs[i].Variant = pairs[i].Variant, pairs[i].Base
				}
				swapped[i].Base, swapped[i].Variant = pairs[i].Variant, pairs[i].Base
			}
			got, err := j.DecideLast(pairs)
			if err != nil {
				t.Fatal(err)
			}
			if got.Changed {
				changed++
			}
			if other, err := j.DecideLast(swapped); err != nil || other.Changed != got.Changed || other.P != got.P {
				mirrored++
			}
			if got.Draws != draws {
				t.Fatalf("%d draws", got.Draws)
			}
		}
		early, _ := differences(base[:9])
		late, _ := differences(base)
		for i := range early {
			if early[i]*late[i] < 0 {
				turned++
			}
		}
		if most := 1 << draws / 10; changed > most || mirrored > 0 {
			t.Errorf("seed %d (%d draws turn): %d of %d flips are called changed, at most %d may be; %d are not mirrored", seed, turned, changed, 1<<draws, most, mirrored)
		}
	}
}

// Eight layouts with a standard deviation of 1.5 % and 30 blocks: treating
// blocks as units called equal code different in 29 % of tries (STATISTICS).
func TestSharedDrawsKeepTheirLevel(t *testing.T) {
	t.Parallel()
	const tries, draws, blocks = 3000, 8, 30
	r := rand.New(rand.NewPCG(13, 7))
	naive, honest := 0, 0
	for range tries {
		var order []int
		for len(order) < blocks {
			order = append(order, r.Perm(draws)...)
		}
		effects, noise := make([]float64, draws), make([]float64, blocks)
		for i := range effects {
			effects[i] = 0.015 * (r.NormFloat64() - r.NormFloat64())
		}
		for i := range noise {
			noise[i] = 0.01 * r.NormFloat64()
		}
		pairs := drawnPairs(order[:blocks], effects, noise)
		rule := Rule{Alpha: 0.05, Looks: Looks(blocks), Seed: r.Uint64(), Draws: draws}
		for _, count := range []*int{&honest, &naive} {
			got, err := judgeWith(t, rule, 999).DecideLast(pairs)
			if err != nil {
				t.Fatal(err)
			}
			if got.Changed {
				*count++
			}
			rule.Draws = 0
			for i := range pairs {
				pairs[i].Draw = 0
			}
		}
	}
	plausible(t, "draws as units", honest, tries, 0.02, 0.05)
	if float64(naive) < 0.15*tries {
		t.Errorf("blocks as units: %d of %d; the simulation does not show what draws are for", naive, tries)
	}
}

func TestDrawsThatAreNotPlanned(t *testing.T) {
	for _, c := range []struct{ planned, has int }{{3, 4}, {3, -1}, {3, 0}, {0, 1}} {
		if _, err := Decide([]Pair{{Base: 1, Variant: 1, Draw: c.has}}, Rule{Alpha: 0.05, Looks: []int{6}, Draws: c.planned}); err == nil {
			t.Errorf("draw %d of %d", c.has, c.planned)
		}
	}
	if _, err := NewJudge(Rule{Alpha: 0.05, Looks: []int{6}, Draws: -1}); err == nil {
		t.Error("-1 draws")
	}
}
