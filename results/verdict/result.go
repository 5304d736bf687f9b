package verdict

import (
	"fmt"
	"math"

	"github.com/montanaflynn/stats"
	"gonum.org/v1/gonum/stat"
)

// detectable is how many standard errors σ/√n of the mean difference an effect
// must have to be found with 80 % power at 5 %: (1.960 + 0.842)/√(3/π), the
// sum of two normal quantiles over the square root of the efficiency of the
// signed-rank test.
const detectable = 2.87

// result puts the finding at n pairs into words of the metric. at is the index
// of the look that stopped, -1 when none did.
func (c *comparison) result(n, at int, f finding) Result {
	r := Result{Verdict: f.verdict, Decided: at >= 0, Pairs: n, Look: at, Scale: Ratio, P: 1}
	r.Changed, r.WithinMargin = c.changed.rejected, f.withinMargin
	if len(c.changed.looks) > 0 {
		r.P, r.HasP = c.changed.smallestLevel(), true
	}
	if n == 0 {
		r.Warnings = []string{"no pairs"}
		return r
	}
	r.BaseMedian, r.VariantMedian = medians(c.pairs[:n])
	d, scale := differences(c.pairs[:n])
	r.Scale, r.Draws = scale, len(d)
	r.Effect = HodgesLehmann(d)
	if f.hasInterval {
		r.Lo, r.Hi, r.HasInterval, r.Confidence = f.lo, f.hi, true, f.confidence
	}
	r.describeNoise(d, c.rule)
	r.Warnings = c.warnings(r, d)
	if scale == Ratio {
		r.Effect, r.MDE = math.Exp(r.Effect), math.Expm1(r.MDE)
		if f.hasInterval {
			r.Lo, r.Hi = math.Exp(r.Lo), math.Exp(r.Hi)
		}
	}
	for _, x := range []*float64{&r.Effect, &r.Lo, &r.Hi, &r.MDE} {
		*x = finite(*x)
	}
	return r
}

// finite keeps overflow out of files that cannot hold it.
func finite(x float64) float64 {
	if math.IsNaN(x) {
		return math.MaxFloat64
	}
	return max(-math.MaxFloat64, min(x, math.MaxFloat64))
}

func medians(pairs []Pair) (base, variant float64) {
	b, v := make([]float64, len(pairs)), make([]float64, len(pairs))
	for i, p := range pairs {
		b[i], v[i] = p.Base, p.Variant
	}
	// The error is for empty input only.
	base, _ = stats.Median(b)
	variant, _ = stats.Median(v)
	return base, variant
}

// describeNoise sets what the spread of d says about other numbers of pairs.
// MDE is left on the scale of d.
func (r *Result) describeNoise(d []float64, rule Rule) {
	if len(d) < 2 {
		return
	}
	deviation := stat.StdDev(d, nil)
	r.MDE = detectable * deviation / math.Sqrt(float64(len(d)))
	if margin := rule.margin(r.Scale); margin > 0 {
		errors := detectable * deviation / margin
		perDraw := float64(r.Pairs) / float64(len(d))
		r.BlocksForMargin = int(min(max(math.Ceil(errors*errors*perDraw), leastForInterval), 1e9))
	}
}

// warnings are what a reader must know beside the numbers. Lo and Hi are still
// on the scale of d.
func (c *comparison) warnings(r Result, d []float64) []string {
	var w []string
	warn := func(format string, args ...any) { w = append(w, fmt.Sprintf(format, args...)) }
	if len(d) < leastForInterval {
		warn("only %d pairs: an interval needs %d", len(d), leastForInterval)
	}
	if r.Scale == Difference {
		warn("a value is 0: compared by differences, not by ratio")
		if c.rule.Margin > 0 && c.rule.MarginAbs == 0 {
			warn("differences cannot be found the same without an absolute margin (margin_abs)")
		}
	}
	if (r.Verdict == Better || r.Verdict == Worse) && c.changed.looks[len(c.changed.looks)-1].share < 1 {
		warn("stopped early, at %d of at most %d pairs: effects found early are exaggerated; measure again for the size", r.Pairs, c.rule.last())
	}
	if r.Changed && r.Verdict == Undecided && r.HasInterval && r.Lo <= 0 && r.Hi >= 0 {
		warn("the signs say changed, but the interval includes no change")
	}
	if r.Decided && r.Verdict == Undecided && !r.Changed && r.HasInterval && (r.Lo > 0 || r.Hi < 0) {
		warn("the interval leaves out no change, but earlier looks had spent part of alpha: not enough to decide")
	}
	sizes, zeros := map[float64]bool{}, 0
	for _, x := range d {
		if x == 0 {
			zeros++
		} else {
			sizes[math.Abs(x)] = true
		}
	}
	if 5*zeros >= len(d) {
		warn("%d of %d pairs are equal and left out of the test", zeros, len(d))
	}
	if differ := len(d) - zeros; differ > leastForInterval && 2*len(sizes) < differ {
		warn("only %d sizes among %d differences: the metric is too coarse for its interval", len(sizes), differ)
	}
	return w
}
