package verdict

import "math"

// smallestLevel is the p of the whole sequence so far: the smallest alpha with
// which it would have rejected by now, and 1 when there is none. It is rounded
// up, to two significant digits until 0.2 and to multiples of 0.05 above.
//
// Note: bisection over alpha would be wrong. A procedure with a larger alpha
// may in rare cases not stop although with a smaller one it does: a group of
// ties that just fits an early look uses up room that other vectors had at a
// later one. The smallest level that stops is then too small a p (in
// TestSequenceAgainstEnumeration by up to 8 %). So p is the smallest level
// from which on the procedure stops at every level, on a grid that does not
// depend on the data: the rounded numbers, and alpha. Then
// "p is at most x" implies "stops at the largest level of the grid up to x",
// which has a chance of at most x.
//
// For the same reason a sequence that did reject at alpha might get a larger
// p; it gets alpha. So p ≤ alpha if and only if it rejected, always.
func (s *sequence) smallestLevel() float64 {
	s.catchUp()
	p := s.searchLevel()
	if s.rejected {
		return min(p, s.alpha)
	}
	return p
}

func (s *sequence) searchLevel() float64 {
	never, always := s.bracket()
	if never >= 1 || always >= 1 && !s.stopsAt(1) {
		return 1
	}
	level := 1.0
	if always < 1 {
		level = levelFrom(always)
	}
	for {
		next := levelBelow(level)
		if next < s.alpha && s.alpha < level {
			next = s.alpha
		}
		if next < never || !s.stopsAt(next) {
			return level
		}
		level = next
	}
}

// bracket returns a level below which the sequence cannot have rejected, and
// one from which on it must have. With c the number of vectors at least as
// extreme as the observed one at a look, the observed one fits in only if c is
// within the room, and certainly if c is within the room that the previous
// look cannot have taken.
func (s *sequence) bracket() (never, always float64) {
	never, always = math.Inf(1), math.Inf(1)
	before := 0.0
	for _, l := range s.looks {
		c := float64(l.extreme) / float64(s.signs.total())
		never = min(never, c/l.share)
		always = min(always, c/(l.share-before))
		before = l.share
	}
	return never * (1 - 1e-9), always // rounding
}

// levelFrom is the smallest rounded number that is not below x, which is in
// (0, 1].
func levelFrom(x float64) float64 {
	digits, unit := split(x)
	return math.Ceil(digits-1e-9) / unit
}

// levelBelow is the largest rounded number below x, which is in (0, 1].
func levelBelow(x float64) float64 {
	digits, unit := split(x)
	return (math.Ceil(digits-1e-9) - 1) / unit
}

// split returns x as digits/unit, where the rounded numbers have whole digits.
func split(x float64) (digits, unit float64) {
	if x > 0.2 {
		return x * 20, 20
	}
	unit = math.Pow10(2 - int(math.Ceil(math.Log10(x)-1e-12)))
	return x * unit, unit
}

// stopsAt reports whether the sequence would have rejected by now had it been
// run with this alpha.
func (s *sequence) stopsAt(alpha float64) bool {
	if s.tried == nil {
		s.tried = make([]uint32, s.signs.total())
	}
	s.trial++
	count := 0
	for _, l := range s.looks {
		marked, boundary := l.stop(s.tried, s.trial, s.room(alpha, l.share)-count, l.observed)
		if boundary <= l.observed {
			return true
		}
		count += marked
	}
	return false
}
