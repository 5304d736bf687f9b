package verdict

import "math"

// exactly compares pairs of which each side is constant, if the rule allows it
// and there are at least 3. Nothing is estimated, so nothing is tested: the
// verdict holds for as long as no later pair differs.
//
// The margin is the one for ratios when both constants are positive and the
// one for differences when one is 0, as everywhere; equal is within any.
func (r Rule) exactly(pairs []Pair) (Result, bool) {
	if !r.Exact || len(pairs) < leastForExact {
		return Result{}, false
	}
	for _, p := range pairs {
		if p.Base != pairs[0].Base || p.Variant != pairs[0].Variant {
			return Result{}, false
		}
	}
	base, variant := pairs[0].Base, pairs[0].Variant
	result := Result{
		Decided: true, Pairs: len(pairs), Draws: len(pairs), Look: -1, Scale: Exact,
		BaseMedian: base, VariantMedian: variant,
		P: 1, Changed: base != variant,
	}
	result.Effect = variant - base
	if base != 0 {
		result.Effect = finite(variant / base)
	}
	result.Lo, result.Hi = result.Effect, result.Effect
	d, scale := differences(pairs[:1])
	result.WithinMargin = math.Abs(d[0]) <= r.margin(scale)*(1+1e-12) // rounding
	if result.Verdict = r.direction(variant - base); result.WithinMargin {
		result.Verdict = Same
	}
	return result, true
}
