package module

import (
	"testing"

	"example.com/module/tb"
)

var sink int

// As a beginner writes them.

func BenchmarkFibOnce(b *testing.B) { // want no-loop BenchmarkFibOnce
	sink = Fib(10)
}

func BenchmarkNoName(*testing.B) { // want no-loop BenchmarkNoName
	sink = Fib(10)
}

func BenchmarkNewOnce(b *testing.B) { // want no-loop BenchmarkNewOnce
	c, err := New(10)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	b.ResetTimer()
	c.Put(1, 2)
	b.ReportMetric(float64(b.N), "n")
}

func BenchmarkAsserted(b *testing.B) { // want no-loop BenchmarkAsserted
	c, err := New(10)
	tb.NoError(b, err)
	c.Put(1, 2)
}

func BenchmarkPrepared(b *testing.B) { // want no-loop BenchmarkPrepared
	c := prepared(b)
	c.Put(1, 2)
}

func BenchmarkShort(b *testing.B) { // want no-loop BenchmarkShort
	if testing.Short() {
		b.Skip("long")
	}
	sink = Fib(10)
}

func BenchmarkSubs(b *testing.B) {
	b.Run("one two", func(b *testing.B) { // want no-loop BenchmarkSubs/one_two
		sink = Fib(10)
	})
	b.Run("outer", func(inner *testing.B) { // want no-loop BenchmarkSubs/outer
		for i := 0; i < b.N; i++ {
			sink = Fib(10)
		}
	})
	b.Run("named", once)
}

func once(b *testing.B) { // want no-loop once
	sink = Fib(10)
}

func prepared(t testing.TB) *Cache {
	t.Helper()
	c, err := New(10)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// These are right.

func BenchmarkFor(b *testing.B) {
	for i := 0; i < b.N; i++ {
		sink = Fib(10)
	}
}

func BenchmarkRange(b *testing.B) {
	for range b.N {
		sink = Fib(10)
	}
}

func BenchmarkRangeIndex(b *testing.B) {
	for i := range b.N {
		sink = Fib(i & 7)
	}
}

func BenchmarkLoop(b *testing.B) {
	for b.Loop() {
		Fib(10)
	}
}

func BenchmarkDown(b *testing.B) {
	for n := b.N; n > 0; n-- {
		sink = Fib(10)
	}
}

func BenchmarkForever(b *testing.B) {
	i := 0
	for {
		if i >= b.N {
			break
		}
		sink = Fib(10)
		i++
	}
}

func BenchmarkTable(b *testing.B) {
	for _, size := range []int{1, 2} {
		b.Run("", func(b *testing.B) { benchmarkSize(b, size) })
	}
}

func benchmarkSize(b *testing.B, size int) {
	for i := 0; i < b.N; i++ {
		sink = Fib(size)
	}
}

func BenchmarkSize3(b *testing.B) { benchmarkSize(b, 3) }

func BenchmarkTwice(b *testing.B) { indirect(b) }

func indirect(b *testing.B) { benchmarkSize(b, 3) }

func BenchmarkElsewhere(b *testing.B) { tb.Run(b, func() { sink = Fib(10) }) }

func BenchmarkElsewhereTB(b *testing.B) { tb.Times(b, func() { sink = Fib(10) }) }

func BenchmarkElsewhereAll(b *testing.B) { tb.BenchAll(b) }

func BenchmarkVariable(b *testing.B) {
	f := benchmarkSize
	f(b, 3)
}

type suite struct{ b *testing.B }

func (s suite) run() {
	for range s.b.N {
		sink = Fib(10)
	}
}

func BenchmarkSuite(b *testing.B) {
	s := suite{b}
	s.run()
}

func BenchmarkSkipped(b *testing.B) { b.Skip("see issue 1") }

func BenchmarkFailed(b *testing.B) {
	_, err := New(-1)
	b.Fatal(err)
}

func BenchmarkAsserts(b *testing.B) { asserts(b) }

func asserts(t testing.TB) {
	if b, ok := t.(*testing.B); ok {
		for range b.N {
			sink = Fib(10)
		}
	}
}

// Benchmarked is no benchmark to package testing.
func Benchmarked(b *testing.B) { sink = Fib(10) }

func TestAllocations(t *testing.T) {
	testing.Benchmark(func(b *testing.B) { sink = Fib(10) })
}
