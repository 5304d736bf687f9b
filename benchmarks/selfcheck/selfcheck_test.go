// Package selfcheck is what tunelab measures to check itself: one piece of work, the same again under another name,
// and the same with a tenth more of it.
package selfcheck

import (
	"crypto/sha256"
	"fmt"
	"testing"
)

// rounds are how often each variant hashes its block per operation: twin is base, slow is exactly 10 % more.
var rounds = map[string]int{"base": 20, "twin": 20, "slow": 22}

func work(n int) [sha256.Size]byte {
	var block [1024]byte
	var sum [sha256.Size]byte
	for range n {
		sum = sha256.Sum256(block[:])
		copy(block[:], sum[:])
	}
	return sum
}

var sink [sha256.Size]byte

func BenchmarkWork(b *testing.B) {
	for _, impl := range []string{"base", "twin", "slow"} {
		b.Run("impl="+impl, func(b *testing.B) {
			for b.Loop() {
				sink = work(rounds[impl])
			}
		})
	}
}

func TestWork(t *testing.T) {
	for impl, n := range rounds {
		t.Run("impl="+impl, func(t *testing.T) {
			if work(n) != work(n) || work(n) == work(n-1) {
				t.Error("the work is not a function of the rounds")
			}
		})
	}
	if fmt.Sprintf("%x", work(1))[:8] != "5f70bf18" {
		t.Errorf("the hash of a zero block is %x", work(1))
	}
}
