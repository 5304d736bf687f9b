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
