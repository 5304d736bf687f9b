package module

import "testing"

func BenchmarkParallelOnce(b *testing.B) {
	b.RunParallel(func(pb *testing.PB) { // want no-next BenchmarkParallelOnce
		Fib(10)
	})
}

func BenchmarkParallelNoName(b *testing.B) {
	c := prepared(b)
	b.RunParallel(func(*testing.PB) { // want no-next BenchmarkParallelNoName
		c.Get(1)
	})
}

func BenchmarkParallelConstant(b *testing.B) {
	b.Run("sub", func(b *testing.B) {
		b.RunParallel(func(_ *testing.PB) { // want no-next BenchmarkParallelConstant/sub
			for i := 0; i < 100; i++ {
				Fib(10)
			}
		})
	})
}

// These are right.

func BenchmarkParallel(b *testing.B) {
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			Fib(10)
		}
	})
}

func BenchmarkParallelHelper(b *testing.B) {
	b.RunParallel(parallel)
}

func parallel(pb *testing.PB) {
	for pb.Next() {
		Fib(10)
	}
}

func BenchmarkParallelHanded(b *testing.B) {
	b.RunParallel(func(pb *testing.PB) {
		parallel(pb)
	})
}
