package verdict

import (
	"math"
	"slices"
)

// leastForInterval is the smallest number of values with an interval: with 5
// the widest one, from the smallest to the largest, covers 93.75 %.
const leastForInterval = 6

// HodgesLehmann is the median of the n(n+1)/2 Walsh averages (d_i + d_j)/2,
// i ≤ j: the centre θ at which the signed-rank test of d - θ is least
// surprised (Hodges and Lehmann, 1963). Same unit as d; exactly negated when
// every d is. The values must be finite; NaN when there are none.
func HodgesLehmann(d []float64) float64 {
	if len(d) == 0 {
		return math.NaN()
	}
	return newWalsh(d).median()
}

// Interval is the distribution-free interval for the centre of d that inverts
// the two-sided signed-rank test: of the M = n(n+1)/2 Walsh averages the k-th
// smallest and the k-th largest, k = 1 + max{s : P(W ≤ s) ≤ alpha/2}, where W
// is the statistic of n differences without ties. If d is symmetric about θ
// it holds θ with probability at least 1 - alpha (for more than 60 values to
// within the error of the normal tail).
//
// ok is false, and lo and hi are 0, below 6 values and when n values are too
// few for so small an alpha (2^(1-n) > alpha). alpha must be in (0, 1).
func Interval(d []float64, alpha float64) (lo, hi float64, ok bool) {
	k := 1 + newUntied(len(d)).largest(alpha/2)
	return newWalsh(d).between(k, k)
}

// walsh selects among the Walsh averages of sorted values without making or
// sorting them: there are 125,250 of them at 500 values.
type walsh []float64

func newWalsh(d []float64) walsh {
	sorted := slices.Clone(d)
	slices.Sort(sorted)
	return sorted
}

// size is the number of Walsh averages.
func (w walsh) size() int { return len(w) * (len(w) + 1) / 2 }

func (w walsh) median() float64 {
	m := w.size()
	return (w.at((m+1)/2) + w.at(m/2+1)) / 2
}

// between returns the lower-th smallest and the upper-th largest average; ok
// is false below 6 values, when a rank is below 1 and when the two would cross.
func (w walsh) between(lower, upper int) (lo, hi float64, ok bool) {
	m := w.size()
	if len(w) < leastForInterval || lower < 1 || upper < 1 || lower > m+1-upper {
		return 0, 0, false
	}
	return w.at(lower), w.at(m + 1 - upper), true
}

// at is the k-th smallest average, 1 ≤ k ≤ size.
//
// The k-th smallest sum d_i + d_j is the smallest float64 with at least k sums
// at or below it. It is found by bisection over all float64 in their order, at
// most 64 counts of n steps each, and is exact.
func (w walsh) at(k int) float64 {
	low, high := ordinal(2*w[0]), ordinal(2*w[len(w)-1])
	for low < high {
		middle := low + (high-low)/2
		if w.countAtMost(fromOrdinal(middle)) >= k {
			high = middle
		} else {
			low = middle + 1
		}
	}
	return fromOrdinal(low)/2 + 0 // + 0 turns -0 into 0
}

// countAtMost counts the pairs i ≤ j with w[i] + w[j] ≤ sum.
func (w walsh) countAtMost(sum float64) int {
	count, j := 0, len(w)-1
	for i := range w {
		for j >= i && w[i]+w[j] > sum {
			j--
		}
		if j < i {
			break
		}
		count += j - i + 1
	}
	return count
}

// ordinal maps float64 to integers in the same order.
func ordinal(x float64) uint64 {
	bits := math.Float64bits(x)
	if bits>>63 == 1 {
		return ^bits
	}
	return bits | 1<<63
}

func fromOrdinal(o uint64) float64 {
	if o>>63 == 1 {
		return math.Float64frombits(o &^ (1 << 63))
	}
	return math.Float64frombits(^o)
}
