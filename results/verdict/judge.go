package verdict

import (
	"fmt"
	"math"
	"slices"
)

// Judge decides comparisons by one rule. It holds the sign vectors, so one
// Judge should serve all comparisons of a run. It is never changed and safe
// for concurrent use.
type Judge struct {
	rule  Rule
	signs *signs
}

// NewJudge checks the rule and makes its sign vectors. The error says what is
// wrong with the rule.
func NewJudge(r Rule) (*Judge, error) {
	if err := r.check(); err != nil {
		return nil, err
	}
	r.Looks = slices.Clone(r.Looks)
	return &Judge{r, newSigns(r.Seed, r.draws(), drawn)}, nil
}

// WithRule returns a judge for another rule, for a metric with another margin
// or direction, say. It shares the sign vectors when the seed and the last
// look, or the number of draws, are the same, and decides as NewJudge(r) would in any case.
func (j *Judge) WithRule(r Rule) (*Judge, error) {
	if err := r.check(); err != nil {
		return nil, err
	}
	if r.Seed != j.rule.Seed || r.draws() != j.rule.draws() {
		return NewJudge(r)
	}
	r.Looks = slices.Clone(r.Looks)
	return &Judge{r, j.signs}, nil
}

// Decide judges a comparison that is still being measured: pairs are those of
// its blocks so far, in order. Only the planned looks that they reach are
// taken. Until one of them stops, the Result is Undecided and not Decided,
// with the effect and the fixed-n interval of all pairs so far. Pairs after
// the last planned look are not used.
//
// The error names the index of a pair with a negative or non-finite value.
func (j *Judge) Decide(pairs []Pair) (Result, error) {
	return j.decide(pairs, j.planned(len(pairs)))
}

// DecideLast judges a comparison whose measuring has ended: after the planned
// looks, one last look at all pairs spends what is left of alpha. The Result
// is always Decided. This is exact because swapping base and variant does not
// change how long a block takes, so the time that ran out says nothing about
// the direction.
//
// The error names the index of a pair with a negative or non-finite value.
func (j *Judge) DecideLast(pairs []Pair) (Result, error) {
	looks, n := j.planned(len(pairs)), len(pairs)
	if n > 0 {
		if k := len(looks) - 1; k >= 0 && looks[k].pairs == n {
			looks = looks[:k] // the same look, but with all of alpha
		}
		looks = append(looks, look{pairs: n, share: 1, last: true})
	}
	r, err := j.decide(pairs, looks)
	r.Decided = err == nil
	return r, err
}

// Decide is Judge.Decide for a single comparison.
func Decide(pairs []Pair, r Rule) (Result, error) {
	j, err := NewJudge(r)
	if err != nil {
		return Result{}, err
	}
	return j.Decide(pairs)
}

// DecideLast is Judge.DecideLast for a single comparison.
func DecideLast(pairs []Pair, r Rule) (Result, error) {
	j, err := NewJudge(r)
	if err != nil {
		return Result{}, err
	}
	return j.DecideLast(pairs)
}

// look is one point at which a comparison may stop.
type look struct {
	pairs int
	share float64 // of alpha that may have been spent by then: (n/n_max)², or 1
	last  bool
}

// planned returns the planned looks that n pairs reach.
func (j *Judge) planned(n int) []look {
	var looks []look
	last := j.rule.last()
	for _, at := range j.rule.Looks {
		if at <= n {
			part := float64(at) / float64(last)
			looks = append(looks, look{pairs: at, share: part * part, last: at == last})
		}
	}
	return looks
}

// decide takes the looks in order until one stops.
func (j *Judge) decide(pairs []Pair, looks []look) (Result, error) {
	if err := j.rule.checkPairs(pairs); err != nil {
		return Result{}, err
	}
	if r, ok := j.rule.exactly(pairs); ok {
		return r, nil
	}
	c := newComparison(j.rule, j.signs, pairs)
	for i, l := range looks {
		if f := c.take(l); f.verdict != Undecided || l.last {
			return c.result(l.pairs, i, f), nil
		}
	}
	n := min(len(pairs), j.rule.last())
	return c.result(n, -1, c.unfinished(n)), nil
}

func (r Rule) checkPairs(pairs []Pair) error {
	for i, p := range pairs {
		if p.Draw < 0 || p.Draw > r.Draws {
			return fmt.Errorf("comparing pairs: pair %d is of draw %d; the rule plans %d", i, p.Draw, r.Draws)
		}
		if p.Draw == 0 && r.Draws > 0 {
			return fmt.Errorf("comparing pairs: pair %d is of no draw; the rule plans %d", i, r.Draws)
		}
		for _, x := range []float64{p.Base, p.Variant} {
			if !(x >= 0) || math.IsInf(x, 1) {
				return fmt.Errorf("comparing pairs: pair %d is %v against %v; values must be finite and not negative", i, p.Variant, p.Base)
			}
		}
	}
	return nil
}

// differences turns pairs into what is tested: d = ln variant - ln base, or
// variant - base when any value is 0, and the mean of these over each draw that
// several pairs share, in the order in which draws come first. Swapping the
// sides only flips signs.
//
// Sizes that differ by no more than the rounding of their computation are made
// equal, so that ties do not depend on the unit.
func differences(pairs []Pair) ([]float64, Scale) {
	d := make([]float64, len(pairs))
	least, most := math.Inf(1), 0.0
	for _, p := range pairs {
		least, most = min(least, p.Base, p.Variant), max(most, p.Base, p.Variant)
	}
	if least == 0 {
		for i, p := range pairs {
			d[i] = p.Variant - p.Base
		}
		d = drawMeans(d, pairs)
		joinTies(d, 1e-15*most)
		return d, Difference
	}
	for i, p := range pairs {
		d[i] = math.Log(p.Variant) - math.Log(p.Base)
	}
	d = drawMeans(d, pairs)
	joinTies(d, 1e-13)
	return d, Ratio
}

// drawMeans averages d over the pairs of each draw.
func drawMeans(d []float64, pairs []Pair) []float64 {
	place := map[int]int{}
	var means, count []float64
	for i, p := range pairs {
		at, known := place[p.Draw]
		if p.Draw == 0 || !known {
			at = len(means)
			place[p.Draw] = at
			means, count = append(means, 0), append(count, 0)
		}
		count[at]++
		means[at] += (d[i] - means[at]) / count[at]
	}
	return means
}

// joinTies gives sizes that are at most tolerance apart the smallest of them.
func joinTies(d []float64, tolerance float64) {
	order := make([]int, len(d))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int {
		switch x, y := math.Abs(d[a]), math.Abs(d[b]); {
		case x < y:
			return -1
		case x > y:
			return 1
		}
		return 0
	})
	joined, before := 0.0, 0.0
	for _, i := range order {
		size := math.Abs(d[i])
		if size-before > tolerance {
			joined = size
		}
		before = size
		d[i] = math.Copysign(joined, d[i])
	}
}
