package verdict

import "math/rand/v2"

const (
	// enumerateUpTo is the largest planned number of pairs for which all
	// 2^n sign vectors are used.
	enumerateUpTo = 14
	// drawn is how many sign vectors are drawn above that. With the observed
	// one they are 10,000.
	drawn = 9999
	// signStream is the second word of the PCG seed. It keeps this stream
	// apart from those of the trial order and the layouts, which start from
	// the same seed of the plan. ("signs" in ASCII.)
	signStream = 0x7369676e73
)

// signs are the sign vectors that stand for the null hypothesis. They are
// never changed once made, so any number of tests may share them.
//
// Eight pairs share a byte, and all first bytes come first, so that the sums
// of ranks of thousands of vectors take one table look-up per eight pairs,
// with tables that stay in the innermost cache.
type signs struct {
	seed       uint64
	last       int // length of a vector: pairs at the last planned look
	vectors    int
	enumerated bool     // all 2^last of them: the observed vector is among them
	columns    [][]byte // columns[c][v]: the signs that vector v gives to pairs 8c … 8c+7
}

func newSigns(seed uint64, last, draws int) *signs {
	if last <= enumerateUpTo {
		return allSigns(seed, last)
	}
	s := &signs{seed: seed, last: last, vectors: draws, columns: make([][]byte, (last+7)/8)}
	stream := rand.New(rand.NewPCG(seed, signStream))
	for c := range s.columns {
		s.columns[c] = make([]byte, draws)
		var word uint64
		for v := range s.columns[c] {
			if v%8 == 0 {
				word = stream.Uint64()
			}
			s.columns[c][v] = byte(word)
			word >>= 8
		}
	}
	return s
}

func allSigns(seed uint64, last int) *signs {
	s := &signs{seed: seed, last: last, vectors: 1 << last, enumerated: true, columns: make([][]byte, (last+7)/8)}
	for c := range s.columns {
		s.columns[c] = make([]byte, s.vectors)
		for v := range s.columns[c] {
			s.columns[c][v] = byte(v >> (8 * c))
		}
	}
	return s
}

// total is the number of exchangeable vectors, the observed one included.
func (s *signs) total() int {
	if s.enumerated {
		return s.vectors
	}
	return s.vectors + 1
}

// partialSums holds, for eight pairs, the sum of the ranks of each subset.
type partialSums [256]uint32

// tabulate makes the tables for the ranks of the pairs so far. Pairs beyond
// them count nothing.
func tabulate(ranks []uint32) []partialSums {
	tables := make([]partialSums, (len(ranks)+7)/8)
	for i, rank := range ranks {
		t, bit := &tables[i/8], 1<<(i%8)
		for subset := range bit {
			t[bit|subset] = t[subset] + rank
		}
	}
	for t := range tables {
		for i := len(ranks) - 8*t; i < 8; i++ { // repeat over the bits without a pair
			copy(tables[t][1<<i:], tables[t][:1<<i])
		}
	}
	return tables
}

// sums puts, for the len(into) vectors beginning with number from, the sum of
// the ranks to which the vector gives a plus.
func (s *signs) sums(tables []partialSums, from int, into []uint32) {
	clear(into)
	c, to := 0, from+len(into)
	for ; c+4 <= len(tables); c += 4 {
		t0, t1, t2, t3 := &tables[c], &tables[c+1], &tables[c+2], &tables[c+3]
		b0, b1 := s.columns[c][from:to], s.columns[c+1][from:to]
		b2, b3 := s.columns[c+2][from:to], s.columns[c+3][from:to]
		b1, b2, b3 = b1[:len(b0)], b2[:len(b0)], b3[:len(b0)]
		into := into[:len(b0)]
		for v := range b0 {
			into[v] += t0[b0[v]] + t1[b1[v]] + t2[b2[v]] + t3[b3[v]]
		}
	}
	for ; c < len(tables); c++ {
		t, b := &tables[c], s.columns[c][from:to]
		for v := range b {
			into[v] += t[b[v]]
		}
	}
}
