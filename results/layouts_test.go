package results

import (
	"math"
	"math/rand/v2"
	"testing"

	"tunelab/results/verdict"
)

func drawn(r *rand.Rand, draws, blocks int, layout, within float64) []verdict.Pair {
	effects := make([]float64, draws)
	for i := range effects {
		effects[i] = layout * r.NormFloat64()
	}
	var out []verdict.Pair
	for i := range blocks {
		at := i % draws
		out = append(out, verdict.Pair{Base: 100, Variant: 100 * math.Exp(effects[at]+within*r.NormFloat64()), Draw: at + 1})
	}
	return out
}

func TestPlacement(t *testing.T) {
	for _, c := range []struct{ layout, within, want float64 }{{0.02, 0.02, 0.5}, {0, 0.02, 0}, {0.03, 0.01, 0.9}} {
		r := rand.New(rand.NewPCG(41, 1))
		share, sd := 0.0, 0.0
		const tries = 200
		for range tries {
			p, ok := placement(drawn(r, 16, 50, c.layout, c.within))
			if !ok {
				t.Fatal("nothing is said of 16 layouts, three times each")
			}
			share += p.Share / tries
			sd += p.SD / tries
		}
		if math.Abs(share-c.want) > 0.1 || math.Abs(sd-c.layout) > 0.004+0.1*c.layout {
			t.Errorf("layouts differ by %v, blocks within by %v: share %v, sd %v", c.layout, c.within, share, sd)
		}
	}
	r := rand.New(rand.NewPCG(42, 1))
	for name, pairs := range map[string][]verdict.Pair{
		"once each":     drawn(r, 16, 16, 0.02, 0.02),
		"few repeated":  drawn(r, 16, 20, 0.02, 0.02),
		"no layouts":    {{Base: 1, Variant: 2}, {Base: 1, Variant: 2}},
		"a zero":        append(drawn(r, 8, 24, 0.1, 0.1), verdict.Pair{Base: 1, Draw: 1}),
		"nothing":       nil,
		"all identical": drawn(r, 8, 24, 0, 0),
	} {
		if p, ok := placement(pairs); ok {
			t.Errorf("%s: %+v", name, p)
		}
	}
}

// An unbalanced table by hand: 15 values in 6 groups about 11/3. The squares between are 5·4/9 + 2·(1/9 + 25/9 + 16/9 +
// 25/9 + 100/9) = 118/3, those within 16; a group counts as (15 - 45/15)/5 = 2.4. (Searle, Casella and McCulloch, 1992)
func TestPlacementUnbalanced(t *testing.T) {
	var pairs []verdict.Pair
	for i, group := range [][]float64{{1, 2, 3, 4, 5}, {3, 5}, {2, 2}, {4, 6}, {1, 3}, {7, 7}} {
		for _, x := range group {
			pairs = append(pairs, verdict.Pair{Base: 1, Variant: math.Exp(x), Draw: i + 1})
		}
	}
	p, ok := placement(pairs)
	within := 16. / 9
	layouts := (118./15 - within) / 2.4
	if !ok || math.Abs(p.SD*p.SD-layouts) > 1e-9 || math.Abs(p.Share-layouts/(layouts+within)) > 1e-9 {
		t.Errorf("%+v, %v, want a variance of %v", p, ok, layouts)
	}
}
