package verdict

import (
	"math"
	"slices"
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
func pair(base, variant float64) Pair { return Pair{Base: base, Variant: variant} }

func pairsOf(sizes, signs []float64) []Pair {
	pairs := make([]Pair, len(sizes))
	for i, size := range sizes {
		pairs[i] = pair(100, 100*math.Exp(math.Abs(size)))
		if signs[i] < 0 {
			pairs[i] = pair(pairs[i].Variant, pairs[i].Base)
		}
	}
	return pairs
}
