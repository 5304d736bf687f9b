package verdict

// comparison is one base against one variant, on its way through the looks.
type comparison struct {
	rule    Rule
	signs   *signs
	pairs   []Pair
	scale   Scale     // at the latest look
	changed *sequence // against "interchangeable"
	above   *sequence // against "at or below the lower end of the margin", one-sided
	below   *sequence // against "at or above the upper end of the margin", one-sided
}

func newComparison(r Rule, s *signs, pairs []Pair) *comparison {
	return &comparison{rule: r, signs: s, pairs: pairs, changed: newSequence(s, r.tail(), r.Alpha, 1)}
}

// finding is what a look says, on the scale of the tested differences.
type finding struct {
	verdict      Verdict
	lo, hi       float64
	hasInterval  bool
	confidence   float64
	withinMargin bool
}

// take takes the next look. same is tried before a change: a change may be
// real and too small to matter.
func (c *comparison) take(l look) finding {
	d, scale := differences(c.pairs[:l.pairs])
	c.useScale(scale)
	changed := c.changed.look(c.rule.sided(d), l.share)
	if c.changed.promising {
		c.changed.catchUp()
	}
	if f := c.same(d, l); f.verdict == Same {
		return f
	}
	f := finding{verdict: Undecided, confidence: 1 - c.rule.intervalAlpha()}
	if !c.changed.rejected && !l.last {
		return f
	}
	k := changed.walshRank(c.rule.tail(), len(d))
	fixed := 1 + newUntied(len(d)).largest(c.rule.intervalAlpha()/2)
	switch {
	case l.last:
		k = fixed
	case c.rule.Side != 0: // its boundary is of another level
		k = min(k, fixed)
	}
	f.lo, f.hi, f.hasInterval = newWalsh(d).between(k, k)
	centre := newWalsh(d).median()
	switch {
	case !c.changed.rejected:
	case c.rule.Side != 0 && centre*float64(c.rule.Side) > 0: // by its own level; the interval is of another
		f.verdict = c.rule.direction(centre)
	case c.rule.Side == 0 && f.hasInterval && (f.lo > 0 || f.hi < 0):
		f.verdict = c.rule.direction(f.lo)
	}
	return f
}

// tail says which sums of ranks speak for a change.
func (r Rule) tail() tail {
	if r.Side != 0 {
		return upper
	}
	return either
}

// sided returns d with the side that counts upwards.
func (r Rule) sided(d []float64) []float64 {
	if r.Side >= 0 {
		return d
	}
	out := make([]float64, len(d))
	for i, x := range d {
		out[i] = -x
	}
	return out
}

// intervalAlpha is the chance of an interval that misses.
func (r Rule) intervalAlpha() float64 {
	if r.Side != 0 {
		return min(r.Alpha, 0.05)
	}
	return r.Alpha
}

// useScale starts the tests for same anew when the scale changes. A margin on
// ratios and one on differences are different claims, and what was shown about
// one says nothing about the other.
func (c *comparison) useScale(s Scale) {
	if s == c.scale {
		return
	}
	c.scale = s
	c.above = newSequence(c.signs, upper, c.rule.Alpha, c.rule.Alpha)
	c.below = newSequence(c.signs, upper, c.rule.Alpha, c.rule.Alpha)
}

// same tries to show that the effect lies within the margin: both one-sided
// tests rejected, at this look or an earlier one, and the interval of
// confidence 1 - 2·alpha is inside.
func (c *comparison) same(d []float64, l look) finding {
	margin := c.rule.margin(c.scale)
	if margin == 0 {
		return finding{verdict: Undecided}
	}
	fromBelow, fromAbove := make([]float64, len(d)), make([]float64, len(d))
	for i, x := range d {
		fromBelow[i], fromAbove[i] = x+margin, margin-x
	}
	above, below := c.above.look(fromBelow, l.share), c.below.look(fromAbove, l.share)
	if !c.above.promising || !c.below.promising {
		return finding{verdict: Undecided}
	}
	if c.above.catchUp(); !c.above.rejected {
		return finding{verdict: Undecided}
	}
	if c.below.catchUp(); !c.below.rejected {
		return finding{verdict: Undecided}
	}
	lower, higher := above.walshRank(upper, len(d)), below.walshRank(upper, len(d))
	if l.last {
		lower = 1 + newUntied(len(d)).largest(c.rule.Alpha)
		higher = lower
	}
	f := finding{verdict: Undecided, confidence: 1 - 2*c.rule.Alpha}
	f.lo, f.hi, f.hasInterval = newWalsh(d).between(lower, higher)
	if f.hasInterval && f.lo >= -margin && f.hi <= margin {
		f.verdict, f.withinMargin = Same, true
	}
	return f
}

// unfinished is the finding between looks: the fixed-n interval, no verdict.
func (c *comparison) unfinished(n int) finding {
	d, scale := differences(c.pairs[:n])
	c.scale = scale
	f := finding{verdict: Undecided, confidence: 1 - c.rule.intervalAlpha()}
	f.lo, f.hi, f.hasInterval = Interval(d, c.rule.intervalAlpha())
	return f
}
