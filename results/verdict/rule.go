package verdict

import (
	"fmt"
	"math"
	"slices"
)

// MaxPairs is the largest number of pairs a comparison can plan: sums of
// doubled ranks are kept in 32 bits.
const MaxPairs = 65535

// leastForExact is how many pairs must agree before a metric is compared
// exactly.
const leastForExact = 3

// Pair is what one block measured for one metric, base and variant in the same
// unit of measurement. Both values must be finite and not negative.
type Pair struct {
	Base, Variant float64

	// Draw is the number, from 1, of the independent draw that the block shares
	// with the others of that number: of a link layout, say, when there are
	// fewer layouts than blocks. What is drawn decides for all of them which
	// side is favoured, so their differences are averaged, and the draw is what
	// has a sign. 0 means that the block has nothing in common with others.
	Draw int
}

// Rule is how a comparison is decided. It is fixed in the plan before the
// first counted block: a rule changed after a look guarantees nothing.
type Rule struct {
	Alpha          float64 // chance of a false better or worse, and of a false same; in (0, 0.5), e.g. 0.05
	Margin         float64 // on ratios, same means inside [1/(1+Margin), 1+Margin]; 0: none declared
	MarginAbs      float64 // on differences, same means inside [-MarginAbs, MarginAbs], in the metric's unit; 0: none declared
	HigherIsBetter bool    // a rate, say; false for times and sizes
	Looks          []int   // planned numbers of pairs to decide at, ascending; the last is the planned end. See Looks
	Seed           uint64  // of the sign vectors, in a stream of its own
	Side           int     // 0: a change in either direction counts; +1, -1: see Confirm
	Draws          int     // how many independent draws the pairs share, see Pair.Draw; 0: none, each pair is one

	// Exact says that sides which are constant over all pairs, at least 3, are
	// compared exactly and decided without a look, until a later pair differs.
	// It is for counts such as allocs/op, not for times.
	Exact bool
}

// Confirm returns the rule of a second stage, which measures anew what a first
// one flagged: a change counts only in the flagged direction, towards larger
// values of the variant (side +1) or smaller ones (-1), and nothing is called
// the same. The interval beside it is two-sided with 95 % confidence or more, and
// may hold no change where alpha2 is larger than 2.5 %.
//
// With m comparisons fixed beforehand, a first stage at alpha1 and a second one
// at alpha2, the chance that any comparison of interchangeable sides passes
// both is at most m·alpha1·alpha2, however the comparisons depend on each other.
func (r Rule) Confirm(side int, alpha2 float64, looks []int) Rule {
	r.Side, r.Alpha, r.Looks = side, alpha2, looks
	r.Margin, r.MarginAbs, r.Exact = 0, 0, false
	return r
}

// check returns what is wrong with the rule, if anything.
func (r Rule) check() error {
	switch {
	case !(r.Alpha > 0 && r.Alpha < 0.5):
		return fmt.Errorf("checking the decision rule: alpha is %v; it must be above 0 and below 0.5, and 0.05 is usual", r.Alpha)
	case !(r.Margin >= 0) || math.IsInf(r.Margin, 1):
		return fmt.Errorf("checking the decision rule: margin is %v; it must be 0 (none) or more, and 0.03 means 3 %%", r.Margin)
	case !(r.MarginAbs >= 0) || math.IsInf(r.MarginAbs, 1):
		return fmt.Errorf("checking the decision rule: absolute margin is %v; it must be 0 (none) or more", r.MarginAbs)
	case r.Side < -1 || r.Side > 1:
		return fmt.Errorf("checking the decision rule: side is %d; it must be -1, 0 or +1", r.Side)
	case r.Draws < 0:
		return fmt.Errorf("checking the decision rule: %d draws; it must be 0 (each pair is one) or more", r.Draws)
	case len(r.Looks) == 0:
		return fmt.Errorf("checking the decision rule: no looks are planned; verdict.Looks makes them")
	}
	before := 0
	for _, n := range r.Looks {
		if n <= before || n > MaxPairs {
			return fmt.Errorf("checking the decision rule: looks are %v; they must ascend from at least 1 to at most %d pairs", r.Looks, MaxPairs)
		}
		before = n
	}
	return nil
}

// last is the planned end.
func (r Rule) last() int { return r.Looks[len(r.Looks)-1] }

// draws is the largest number of differences that are tested.
func (r Rule) draws() int {
	if r.Draws > 0 {
		return min(r.Draws, r.last())
	}
	return r.last()
}

// margin is the half-width δ of the same zone on the scale of the differences
// that are tested, 0 when none is declared for that scale.
func (r Rule) margin(s Scale) float64 {
	if s == Difference {
		return r.MarginAbs
	}
	return math.Log1p(r.Margin)
}

// direction is the verdict on a variant with larger (sign > 0) or smaller
// (sign < 0) values.
func (r Rule) direction(sign float64) Verdict {
	if (sign > 0) == r.HigherIsBetter {
		return Better
	}
	return Worse
}

// Looks returns the usual looks up to and including last: 10, 12, 16, 20, 25,
// 30, 38, 48, 60, … pairs, each about a quarter more than the one before. The
// distances grow because a pair more tells less and less. Where last is 20 or
// less there is one at 8 too: with a later end a look there can't stop, as the
// smallest p of 8 pairs, 1/128, is more than its share of 5 %. For last below 9
// there is one look, and below 1 none.
func Looks(last int) []int {
	if last < 1 {
		return nil
	}
	first := 10
	if last <= 20 {
		first = 8
	}
	var looks []int
	for n := first; n < last; n = nextLook(n) {
		looks = append(looks, n)
	}
	return append(looks, last)
}

func nextLook(n int) int {
	round := []int{8, 10, 12, 16, 20, 25, 30}
	if i := slices.Index(round, n); i >= 0 && i+1 < len(round) {
		return round[i+1]
	}
	return (5*n + 2) / 4 // 1.25·n to the nearest, halves up
}

// Verdict is what a comparison says about the variant.
type Verdict string

// The four verdicts.
const (
	Better    Verdict = "better"    // changed, in the wanted direction
	Worse     Verdict = "worse"     // changed, in the other
	Same      Verdict = "same"      // within the margin, or exactly equal
	Undecided Verdict = "undecided" // neither was shown
)

// Known reports whether it is one of them. What a file says may be none.
func (v Verdict) Known() bool {
	return v == Better || v == Worse || v == Same || v == Undecided
}

// Scale says what Effect, Lo and Hi of a Result are.
type Scale string

// The three scales.
const (
	Ratio      Scale = "ratio"      // variant/base
	Difference Scale = "difference" // variant - base, in the metric's unit, because some value is 0
	Exact      Scale = "exact"      // constants: variant/base, or variant - base when the base is 0
)

// Result is the state of one comparison. All its floats are finite: what
// overflows is the largest float64.
type Result struct {
	Verdict Verdict
	// Decided says that the procedure has stopped and no more pairs are
	// needed. It is true with Undecided when the last look found nothing.
	Decided bool
	// Pairs is how many pairs all other fields are computed from, the first
	// ones. It stays what it was at the look that stopped. Draws is of how many
	// independent draws they are: as many, unless pairs share draws.
	Pairs, Draws int
	// Look is the index, among the looks taken, of the one that stopped; -1
	// when none did (unfinished or exact).
	Look  int
	Scale Scale

	BaseMedian, VariantMedian float64 // in the metric's unit; 0 without pairs

	// Effect is the Hodges–Lehmann estimate on Scale, and Lo and Hi are its
	// interval with the given Confidence: 1 - Alpha, or 1 - 2·Alpha beside
	// Same. After an early stop it is the repeated interval of that look,
	// which is wider than one that ignores the looks before. Without interval
	// (below 6 pairs, or too few for so small an Alpha) HasInterval is false
	// and Lo, Hi and Confidence are 0; on the scale Exact HasInterval is false
	// too, Confidence is 0, and Lo and Hi equal Effect.
	Effect, Lo, Hi float64
	HasInterval    bool
	Confidence     float64

	// P is the smallest alpha with which the same procedure would have called
	// a change by now, 1 when there is none; rounded up, to two significant
	// digits until 0.2 and to multiples of 0.05 above, so that without a
	// change the chance of P ≤ x is at most x for every x up to Alpha.
	// P ≤ Alpha if and only if Changed.
	// HasP is false when no test was made: before the first look, and on the
	// scale Exact.
	P    float64
	HasP bool

	// Changed and WithinMargin are the two facts behind the verdict; both may
	// hold, for a change that is real and too small to matter. Changed: the
	// signs are not those of fair coins (in which case Better and Worse still
	// need an interval that leaves out no change). WithinMargin: shown to lie
	// in the same zone.
	Changed, WithinMargin bool

	// MDE is the minimum detectable effect, that which Pairs pairs would find
	// with 80 % power at 5 %: as a relative change, 0.02 for 2 %, on the scale
	// Ratio, and in the metric's unit on the scale Difference. 0 when it is
	// not known (fewer than 2 pairs) and on the scale Exact.
	MDE float64
	// BlocksForMargin is about how many pairs would find a change as large as
	// the margin: 6 to 1e9, or 0 when no margin is declared for Scale.
	BlocksForMargin int

	// Warnings are short texts for people that must travel with the numbers.
	Warnings []string
}
