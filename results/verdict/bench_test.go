package verdict

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// noisyPairs are pairs of times near 1000 with log-ratios around shift.
func noisyPairs(r *rand.Rand, n int, shift, noise float64) []Pair {
	pairs := make([]Pair, n)
	for i := range pairs {
		pairs[i].Base = 1000 * math.Exp(noise/math.Sqrt2*r.NormFloat64())
		pairs[i].Variant = 1000 * math.Exp(shift+noise/math.Sqrt2*r.NormFloat64())
	}
	return pairs
}

func BenchmarkDecideLast(b *testing.B) {
	for _, n := range []int{14, 50, 500} {
		for _, c := range []struct {
			name                 string
			shift, noise, margin float64
		}{
			{"undecided", 0, 0.05, 0},
			{"near-margin", 0, 0.3, 0.03},
			{"same", 0, 0.05, 0.03},
			{"worse", 0.02, 0.05, 0.03},
		} {
			b.Run(fmt.Sprintf("n=%d/%s", n, c.name), func(b *testing.B) {
				j, err := NewJudge(Rule{Alpha: 0.05, Margin: c.margin, Looks: Looks(n)})
				if err != nil {
					b.Fatal(err)
				}
				r := rand.New(rand.NewPCG(1, 2))
				sets := make([][]Pair, 64)
				for i := range sets {
					sets[i] = noisyPairs(r, n, c.shift, c.noise)
				}
				for i := 0; b.Loop(); i++ {
					if _, err := j.DecideLast(sets[i%len(sets)]); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

func BenchmarkNewJudge(b *testing.B) {
	for b.Loop() {
		if _, err := NewJudge(Rule{Alpha: 0.05, Looks: Looks(500)}); err != nil {
			b.Fatal(err)
		}
	}
}
