package harness

import (
	"hash/fnv"
	"math/rand/v2"
)

// blockOrder returns the order in which a block runs the variants: a permutation drawn from (seed, case, block), so
// that a resumed run, and a reader of the file, get the same one. Variants that are no longer needed are taken out
// of it afterwards, which keeps the order of the others independent of who has left.
func blockOrder(seed uint64, name string, block int, variants []string) []string {
	h := fnv.New64a()
	h.Write([]byte("order\x00" + name))
	r := rand.New(rand.NewPCG(seed^h.Sum64(), uint64(block)))
	order := make([]string, len(variants))
	for i, j := range r.Perm(len(variants)) {
		order[i] = variants[j]
	}
	return order
}
