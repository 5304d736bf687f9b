// Package tb has helpers for tests, in another package than the benchmarks.
package tb

import "testing"

// NoError fails where there is an error.
func NoError(t testing.TB, err error) {
	if err != nil {
		t.Fatal(err)
	}
}

// Times does something for each iteration.
func Times(t testing.TB, do func()) {
	for range t.(*testing.B).N {
		do()
	}
}

// Run does something for each iteration.
func Run(b *testing.B, do func()) {
	for range b.N {
		do()
	}
}

// Bench counts, though it takes an interface.
func BenchAll(t testing.TB) { Times(t, func() {}) }
