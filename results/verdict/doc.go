// Package verdict decides from paired measurements whether a variant is
// better than its base, worse, the same within a margin, or undecided. It is
// arithmetic on slices: it reads no file, keeps no state and imports nothing
// of this module. The formulas are those of STATISTICS.md.
//
// How pairs become a verdict:
//
// 1. The plan makes a Rule (alpha, margin, direction, looks, seed) and from
// it a Judge, once for a run. Looks gives the usual numbers of pairs to look
// at. NewJudge makes the sign vectors that stand for "base and variant are
// interchangeable": all of them up to 14 planned pairs, else 9,999 drawn ones.
// (rule.go, signs.go)
//
// 2. After a block Judge.Decide gets the Pairs so far. A look whose number of
// pairs is reached is taken, in order, until one stops; what comes after it
// changes nothing any more. When measuring ends, Judge.DecideLast takes one
// more look at all pairs and spends what is left of alpha. (judge.go)
//
// 3. At a look the pairs become differences d = ln variant - ln base, or
// variant - base as soon as some value is 0, averaged over pairs that share a
// draw, of a link layout say. Constants of a metric that may be compared
// exactly skip everything else. (judge.go, exact.go)
//
// 4. The sizes |d| are ranked, and every sign vector has its signed-rank
// statistic. The most extreme vectors stop, as many as the look's share of
// alpha allows; if the observed signs are among them, the comparison has
// changed. Two one-sided copies of this test, on d + margin and margin - d,
// show that it lies within the margin. (ranks.go, sequence.go, sort.go)
//
// 5. The verdict is same when both one-sided tests have rejected and the
// interval for the effect lies inside the margin; failing that, it is better
// or worse when the signs have changed and the interval leaves out no change.
// (comparison.go, walsh.go)
//
// A second stage, Rule.Confirm, tests the same on fresh pairs in one direction.
//
// 6. The Result carries the verdict with its effect, interval, p and the
// warnings that must be read beside them. (level.go, result.go)
//
// SignedRank, HodgesLehmann, Interval and OneSample are the same statistics
// for a number of values fixed beforehand. BenjaminiHochberg and ClopperPearson
// are for many comparisons. (many.go)
//
// # What is guaranteed
//
// If base and variant are interchangeable within a block, Changed is true with
// a chance of at most Alpha whatever the noise is: drift, autocorrelation,
// heavy tails, ties. WithinMargin and the interval assume more, that d is
// symmetric about its centre; then an effect outside the margin is called the
// same with a chance of at most Alpha.
//
// The interval of an early stop is a repeated confidence interval: it leaves
// out the true effect with a chance of at most Alpha over all early stops. The
// one of the last look is that of a plan without other looks. So over a whole
// procedure the true effect is missed somewhat more often than Alpha where
// there is hardly any: by simulation 6.2 % instead of 5 % without an effect, at
// six looks; with an effect that the looks find half of the time, 3 %. See
// TestPrintedInterval.
//
// Note: two simpler ways are wrong. A fixed-n test at every look flags 13 % of
// equal pairs at a nominal 5 %, with six looks. And p as the smallest alpha
// that stops, found by bisection, is too small (see smallestLevel).
package verdict
