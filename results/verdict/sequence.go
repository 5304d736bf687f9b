package verdict

import "math"

// tail says which sums of ranks speak against a null hypothesis.
type tail uint8

const (
	either tail = iota // far from the middle on either side: |W - Σranks/2|
	upper              // large: W
)

// of turns a doubled sum of ranks into the whole number that is compared with
// the boundary: 4·|W - Σranks/2|, or 2·W.
func (t tail) of(doubled, total uint32) uint32 {
	if t == upper {
		return doubled
	}
	off := 2*int64(doubled) - int64(total)
	return uint32(max(off, -off))
}

// unreachable is the boundary of a look at which nothing can stop.
const unreachable = math.MaxUint32

// sequence is one hypothesis tested at several looks with a chance of at most
// alpha of ever rejecting it when it is true.
//
// By each look a share of alpha may be spent. At a look every sign vector has
// a statistic; those that stopped at an earlier look are out; of the rest the
// most extreme are stopped, as many as the share allows, ties together. The
// observed vector is one of them, and under the null hypothesis it is any of
// them with the same chance, so it is among the stopped with at most alpha.
//
// Note: computing the sums of every look is most of the cost, and most looks
// of most comparisons are hopeless: more than the allowed share of vectors
// are at least as extreme as the observed one. That shows after a few hundred
// vectors, so looks wait for catchUp, which need not be called before the
// sequence is promising.
type sequence struct {
	signs     *signs
	tail      tail
	alpha     float64
	upTo      float64 // the largest alpha that p may be asked about; at least alpha
	looks     []*lookTest
	complete  int      // looks before this index have their boundary
	stopped   []uint32 // 1 for the vectors stopped at alpha by the complete looks
	count     int      // how many those are
	rejected  bool     // the observed vector is among them
	promising bool     // some look was not hopeless
	tried     []uint32 // the last trial of stopsAt that stopped the vector
	trial     uint32
	scratch   []uint32 // of fill
	first     []bool   // of each difference: whether it was positive when it first was not 0
	signed    []bool   // of each difference: whether it has not been 0 so far
}

// lookTest is a sequence at one look.
type lookTest struct {
	ranks    signedRanks
	tables   []partialSums
	share    float64 // of alpha that may be spent by this look
	observed uint32
	boundary uint32   // c_k: the observed statistic rejects from here on
	extreme  int      // vectors at least as extreme as the observed one
	values   []uint32 // statistics of the most extreme vectors, descending: more than may stop
	vectors  []uint32 // whose they are
}

func newSequence(s *signs, t tail, alpha, upTo float64) *sequence {
	return &sequence{signs: s, tail: t, alpha: alpha, upTo: upTo}
}

// look adds a look at the differences d of all pairs so far; by now share of
// alpha may be spent. Whether the sequence has rejected by now is in s.rejected
// after catchUp, and it can't have unless s.promising.
func (s *sequence) look(d []float64, share float64) *lookTest {
	r := rank(d)
	l := &lookTest{ranks: r, tables: tabulate(r.doubled, s.turned(d)), share: share, boundary: unreachable}
	l.observed = s.tail.of(r.positive, r.total)
	s.looks = append(s.looks, l)
	s.promising = s.promising || !s.hopeless(l)
	return l
}

// turned says which differences have another sign than they had at first.
//
// Under the null hypothesis a coin decides for each difference, once and for
// all looks, whether it is seen as it is or with the sides swapped. Where the
// mean over a draw changes its sign as more of its pairs come in, a vector that
// gave it a plus gives it a minus from then on.
func (s *sequence) turned(d []float64) []bool {
	for len(s.first) < len(d) {
		s.first, s.signed = append(s.first, false), append(s.signed, false)
	}
	turned := make([]bool, len(d))
	for i, x := range d {
		switch {
		case x == 0:
		case !s.signed[i]:
			s.first[i], s.signed[i] = x > 0, true
		default:
			turned[i] = s.first[i] != (x > 0)
		}
	}
	return turned
}

// room is how many vectors may have stopped by a look when alpha is spent.
// The small number makes up for rounding just below a whole number.
func (s *sequence) room(alpha, share float64) int {
	return int(float64(s.signs.total())*alpha*share + 1e-9)
}

const chunk = 512 // vectors whose sums fit the innermost cache

// hopeless reports that too many vectors are as extreme as the observed one.
func (s *sequence) hopeless(l *lookTest) bool {
	var sums [chunk]uint32
	room, extreme := s.room(s.alpha, l.share), s.signs.total()-s.signs.vectors
	for from := 0; from < s.signs.vectors && extreme <= room; from += chunk {
		part := sums[:min(chunk, s.signs.vectors-from)]
		s.signs.sums(l.tables, from, part)
		for _, sum := range part {
			if s.tail.of(sum, l.ranks.total) >= l.observed {
				extreme++
			}
		}
	}
	return extreme > room
}

// catchUp gives every look so far its statistics and its boundary.
func (s *sequence) catchUp() {
	if s.stopped == nil {
		s.stopped = make([]uint32, s.signs.total())
	}
	for ; s.complete < len(s.looks); s.complete++ {
		l := s.looks[s.complete]
		s.fill(l)
		var marked int
		marked, l.boundary = l.stop(s.stopped, 1, s.room(s.alpha, l.share)-s.count, 0)
		s.count += marked
		s.rejected = s.rejected || l.observed >= l.boundary
	}
}

// fill computes the statistic of every vector at a look and keeps the most
// extreme.
func (s *sequence) fill(l *lookTest) {
	if s.scratch == nil {
		s.scratch = make([]uint32, s.signs.total())
	}
	values := s.scratch
	for from := 0; from < s.signs.vectors; from += chunk {
		part := values[from:min(from+chunk, s.signs.vectors)]
		s.signs.sums(l.tables, from, part)
		for v, sum := range part {
			part[v] = s.tail.of(sum, l.ranks.total)
		}
	}
	if !s.signs.enumerated {
		values[s.signs.vectors] = l.observed
	}
	l.extreme = len(values)
	for _, v := range values {
		l.extreme -= int((uint64(v) - uint64(l.observed)) >> 63) // 1 below observed, without a branch
	}
	l.values, l.vectors = largest(values, s.room(s.upTo, l.share)+1)
	l.tables = nil
}

// stop marks the most extreme vectors of a look that earlier looks left, whole
// groups of equal values from the largest down, as many as there is room for
// or until values as small as enough are in. It returns how many it marked and
// the smallest value that was let in.
func (l *lookTest) stop(stopped []uint32, mark uint32, room int, enough uint32) (marked int, boundary uint32) {
	boundary = unreachable
	for from := 0; from < len(l.values) && boundary > enough; {
		value, to, fresh := l.values[from], from, 0
		for ; to < len(l.values) && l.values[to] == value; to++ {
			if stopped[l.vectors[to]] != mark {
				fresh++
			}
		}
		if marked+fresh > room {
			break
		}
		for _, v := range l.vectors[from:to] {
			stopped[v] = mark
		}
		marked, boundary, from = marked+fresh, value, to
	}
	return marked, boundary
}

// walshRank is the rank k, counted from the end of the Walsh averages that the
// boundary is about, of the average at which the test of this look turns from
// rejecting to not rejecting: the end of the repeated confidence interval for
// n differences. It is below 1 when nothing is rejected at this look.
func (l *lookTest) walshRank(t tail, n int) int {
	if l.boundary == unreachable {
		return 0
	}
	// The largest W, counted from the lower end, that is rejected.
	s := int(l.ranks.total-l.boundary) / 2
	if t == either {
		s /= 2
	}
	if l.ranks.nonzero < n { // zeros are dropped from the test, not from the averages
		s = newUntied(n).largest(newUntied(l.ranks.nonzero).atMost(s))
	}
	return 1 + s
}
