package verdict

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"
)

// BenjaminiHochberg returns the q-value of each p, in the order given: the
// smallest false discovery rate at which the comparison would be among those
// flagged, q_(i) = min over j ≥ i of p_(j)·m/j, at most 1 (Benjamini and
// Hochberg, 1995). Valid for independent or positively dependent tests. The
// values must be in [0, 1]; p is left as it is.
func BenjaminiHochberg(p []float64) []float64 {
	order := make([]int, len(p))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(p[a], p[b]) })
	q := make([]float64, len(p))
	least := 1.0
	for i := len(order) - 1; i >= 0; i-- {
		least = min(least, p[order[i]]*float64(len(p))/float64(i+1))
		q[order[i]] = least
	}
	return q
}

// OneSample is the centre and the 1-alpha interval of one variant's own
// values, in their unit: the Hodges–Lehmann estimate and the Walsh interval,
// of the logarithms when all values are positive (so that the centre of 1/x
// is 1/centre), else of the values. The values must be finite.
//
// ok is false, and lo and hi are 0, where Interval gives none. Without any
// value all four are zero. Two variants are never compared by whether these
// intervals overlap: that throws the pairing away.
func OneSample(values []float64, alpha float64) (center, lo, hi float64, ok bool) {
	if len(values) == 0 {
		return 0, 0, 0, false
	}
	plain := slices.Min(values) <= 0
	x := slices.Clone(values)
	if !plain {
		for i := range x {
			x[i] = math.Log(x[i])
		}
	}
	center = HodgesLehmann(x)
	lo, hi, ok = Interval(x, alpha)
	if plain {
		return center, lo, hi, ok
	}
	if !ok {
		return math.Exp(center), 0, 0, false
	}
	return math.Exp(center), math.Exp(lo), math.Exp(hi), true
}

// ClopperPearson is the interval for a probability of which k of n
// independent trials are evidence: the values of it that neither one-sided
// binomial test rejects at (1 - confidence)/2, as quantiles of the beta
// distribution (Clopper and Pearson, 1934). It covers at least with the given
// confidence. With n = 0 it is [0, 1].
//
// It panics unless 0 ≤ k ≤ n and 0 < confidence < 1: those are mistakes of the
// program, not of the data.
func ClopperPearson(k, n int, confidence float64) (lo, hi float64) {
	if k < 0 || k > n || !(confidence > 0 && confidence < 1) {
		panic(fmt.Sprintf("verdict: ClopperPearson of %d of %d at %v", k, n, confidence))
	}
	tail := (1 - confidence) / 2
	lo, hi = 0, 1
	if k > 0 {
		lo = distuv.Beta{Alpha: float64(k), Beta: float64(n - k + 1)}.Quantile(tail)
	}
	if k < n {
		hi = distuv.Beta{Alpha: float64(k + 1), Beta: float64(n - k)}.Quantile(1 - tail)
	}
	return lo, hi
}
