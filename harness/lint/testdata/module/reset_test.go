package module

import "testing"

func BenchmarkReset(b *testing.B) {
	for i := 0; i < b.N; i++ {
		c := prepared(b)
		b.ResetTimer() // want reset-in-loop BenchmarkReset
		c.Put(i, i)
	}
}

func BenchmarkResetLoop(b *testing.B) {
	for b.Loop() {
		b.ResetTimer() // want reset-in-loop BenchmarkResetLoop
		sink = Fib(10)
	}
}

func BenchmarkResetInputs(b *testing.B) {
	inputs := make([]int, b.N)
	for _, in := range inputs {
		{
			c := prepared(b)
			b.ResetTimer() // want reset-in-loop BenchmarkResetInputs
			c.Put(in, in)
		}
	}
}

// These are right.

func BenchmarkResetBefore(b *testing.B) {
	c := prepared(b)
	b.ResetTimer()
	for i := 0; i < b.N; i++ {
		c.Put(i&7, i)
	}
}

func BenchmarkResetFirst(b *testing.B) {
	for i := 0; i < b.N; i++ {
		if i == 1 { // the first warms up
			b.ResetTimer()
		}
		sink = Fib(10)
	}
}

func BenchmarkResetSizes(b *testing.B) {
	for _, size := range []int{1, 2} {
		b.Run("", func(b *testing.B) {
			c := prepared(b)
			b.ResetTimer()
			for range b.N {
				c.Put(1, size)
			}
		})
	}
}
