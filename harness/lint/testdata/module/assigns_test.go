package module

import "testing"

func BenchmarkAssigns(b *testing.B) {
	b.N = 1000 // want assigns-n BenchmarkAssigns
	for i := 0; i < b.N; i++ {
		sink = Fib(10)
	}
}

func BenchmarkAssignsDown(b *testing.B) {
	for ; b.N > 0; b.N-- { // want assigns-n BenchmarkAssignsDown
		sink = Fib(10)
	}
}

func BenchmarkAssignsTwo(b *testing.B) {
	n := 0
	n, b.N = 1, 100 // want assigns-n BenchmarkAssignsTwo
	for range b.N {
		sink = Fib(n)
	}
}

func BenchmarkAssignsHelper(b *testing.B) { limited(b) }

func limited(b *testing.B) {
	if b.N > 100 {
		b.N /= 2 // want assigns-n limited
	}
	for range b.N {
		sink = Fib(10)
	}
}

// These are right.

func BenchmarkAssignsVariable(b *testing.B) {
	n := b.N
	n /= 2
	for i := 0; i < n; i++ {
		sink = Fib(10)
		sink = Fib(10)
	}
}

// As in raft.
func BenchmarkAssignsDebug(b *testing.B) {
	const debug = false
	if debug {
		b.N = 1
	}
	for range b.N {
		sink = Fib(10)
	}
}

type job struct{ N int }

func BenchmarkAssignsOther(b *testing.B) {
	var j job
	j.N = b.N
	for range j.N {
		sink = Fib(10)
	}
}

func TestByHand(t *testing.T) {
	var b testing.B
	b.N = 3
	benchmarkSize(&b, 3)
}
