package module

import "testing"

func BenchmarkConstant(b *testing.B) {
	for i := 0; i < 1000; i++ { // want constant-loop BenchmarkConstant
		sink = Fib(10)
	}
}

func BenchmarkConstantRange(b *testing.B) {
	c := prepared(b)
	for i := range 1000 { // want constant-loop BenchmarkConstantRange
		c.Put(i, i)
	}
}

func BenchmarkConstantVariable(b *testing.B) {
	n := 1000
	b.ReportAllocs()
	for i := 0; i < n; i++ { // want constant-loop BenchmarkConstantVariable
		sink = Fib(10)
	}
	b.Logf("%d of %d", n, b.N)
}

func BenchmarkConstantDown(b *testing.B) {
	b.Run("sub", func(b *testing.B) {
		for i := 1000; i > 0; i-- { // want constant-loop BenchmarkConstantDown/sub
			sink = Fib(10)
		}
	})
}

// These are right.

func BenchmarkInnerConstant(b *testing.B) {
	for i := 0; i < b.N; i++ {
		for j := 0; j < 1000; j++ {
			sink = Fib(2)
		}
	}
}

func BenchmarkFilled(b *testing.B) {
	c := prepared(b)
	for i := 0; i < 1000; i++ {
		c.Put(i, i)
	}
	b.ResetTimer()
	for i := 0; i < b.N; i++ {
		sink = c.Get(i % 1000)
	}
}

func BenchmarkConstantRuns(b *testing.B) {
	for i := 0; i < 3; i++ {
		b.Run("sub", func(b *testing.B) {
			for range b.N {
				sink = Fib(i)
			}
		})
	}
}

func BenchmarkConstantWorkers(b *testing.B) {
	done := make(chan bool)
	for i := 0; i < 2; i++ {
		go func() {
			for j := 0; j < b.N; j++ {
				Fib(5)
			}
			done <- true
		}()
	}
	<-done
	<-done
}
