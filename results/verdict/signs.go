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
// A word holds the signs of 32 pairs, and its bytes those of eight, for which
// a table gives the sum of ranks: adding up the ranks for thousands of vectors
// takes one look-up for eight pairs, in tables that stay in the innermost
// cache. (Words of 64 pairs or single bytes were slower by a third.)
type signs struct {
	seed       uint64
	last       int // length of a vector: pairs at the last planned look
	vectors    int
	enumerated bool       // all 2^last of them: the observed vector is among them
	words      [][]uint32 // words[k][v]: the signs that vector v gives to pairs 32k … 32k+31
}

// newSigns draws the vectors, or makes all of them if the last look allows it.
func newSigns(seed uint64, last, draws int) *signs {
	s := &signs{seed: seed, last: last, vectors: draws, words: make([][]uint32, (last+31)/32)}
	if last <= enumerateUpTo {
		s.vectors, s.enumerated = 1<<last, true
	}
	stream := rand.New(rand.NewPCG(seed, signStream))
	for k := range s.words {
		s.words[k] = make([]uint32, s.vectors)
		for v := range s.words[k] {
			if s.words[k][v] = uint32(v); !s.enumerated {
				s.words[k][v] = stream.Uint32()
			}
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

// partialSums holds, for the eight pairs of each byte of a word, the sum of
// the ranks of each subset.
type partialSums [4][256]uint32

// tabulate makes the tables for the ranks of the pairs so far, one for each
// word. Pairs beyond them count nothing. Of those that are turned the rank
// counts where the vector has a minus.
func tabulate(ranks []uint32, turned []bool) []partialSums {
	tables := make([]partialSums, (len(ranks)+31)/32)
	for first := 0; first < 32*len(tables); first += 8 {
		t := &tables[first/32][first%32/8]
		for i := range 8 {
			plus, minus, bit := uint32(0), uint32(0), 1<<i
			if first+i < len(ranks) {
				plus = ranks[first+i]
				if turned[first+i] {
					plus, minus = minus, plus
				}
			}
			for subset := range bit {
				t[bit|subset] = t[subset] + plus
				t[subset] += minus
			}
		}
	}
	return tables
}

// sums puts, for the len(into) vectors beginning with number from, the sum of
// the ranks to which the vector gives a plus.
func (s *signs) sums(tables []partialSums, from int, into []uint32) {
	clear(into)
	for k := range tables {
		words := s.words[k][from : from+len(into)]
		t0, t1, t2, t3 := &tables[k][0], &tables[k][1], &tables[k][2], &tables[k][3]
		into := into[:len(words)]
		for v, w := range words {
			into[v] += t0[uint8(w)] + t1[uint8(w>>8)] + t2[uint8(w>>16)] + t3[w>>24]
		}
	}
}
