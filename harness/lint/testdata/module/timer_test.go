package module

import (
	"sort"
	"testing"
)

// As in package sort.
func BenchmarkTimerSort(b *testing.B) {
	b.StopTimer()
	for i := 0; i < b.N; i++ {
		data := make([]int, 1<<10)
		for i := 0; i < len(data); i++ {
			data[i] = i ^ 0x2cc
		}
		b.StartTimer()
		sort.Ints(data)
		b.StopTimer() // want timer-in-loop BenchmarkTimerSort
	}
}

func BenchmarkTimerLoop(b *testing.B) {
	for b.Loop() {
		b.StopTimer() // want timer-in-loop BenchmarkTimerLoop
		c := prepared(b)
		b.StartTimer()
		c.Put(1, 2)
	}
}

func BenchmarkTimerSub(b *testing.B) {
	b.Run("sub", func(b *testing.B) {
		for range b.N {
			func() {
				b.StopTimer() // want timer-in-loop BenchmarkTimerSub/sub
				defer b.StartTimer()
				sink = Fib(3)
			}()
			sink = Fib(10)
		}
	})
}

func BenchmarkTimerHelper(b *testing.B) {
	for i := 0; i < b.N; i++ {
		c := fresh(b) // want timer-in-loop BenchmarkTimerHelper
		c.Put(i, i)
	}
}

func fresh(b *testing.B) *Cache {
	b.StopTimer()
	defer b.StartTimer()
	return prepared(b)
}

func BenchmarkTimerParallel(b *testing.B) {
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			b.StopTimer() // want timer-in-loop BenchmarkTimerParallel
			c := prepared(b)
			b.StartTimer()
			c.Put(1, 2)
		}
	})
}

// These are right.

func BenchmarkTimerOutside(b *testing.B) {
	b.StopTimer()
	c := prepared(b)
	b.StartTimer()
	for i := 0; i < b.N; i++ {
		c.Put(i&7, i)
	}
	b.StopTimer()
}

func BenchmarkTimerSometimes(b *testing.B) {
	c := prepared(b)
	for i := 0; i < b.N; i++ {
		if i%1000 == 0 {
			b.StopTimer()
			c = prepared(b)
			b.StartTimer()
		}
		c.Put(i, i)
	}
}

func BenchmarkTimerContinue(b *testing.B) {
	c := prepared(b)
	for i := 0; i < b.N; i++ {
		c.Put(i, i)
		if i%1000 != 0 {
			continue
		}
		b.StopTimer()
		c = prepared(b)
		b.StartTimer()
	}
}

func BenchmarkTimerBatches(b *testing.B) {
	for i := 0; i < b.N; i += 1000 {
		b.StopTimer()
		c := prepared(b)
		b.StartTimer()
		for j := 0; j < 1000; j++ {
			c.Put(j, j)
		}
	}
}

func BenchmarkTimerMoves(b *testing.B) {
	for i := 0; i < b.N; i++ {
		b.StopTimer()
		c := prepared(b)
		b.StartTimer()
		for ; i < b.N && i%1000 != 0; i++ {
			c.Put(i, i)
		}
	}
}

func BenchmarkTimerFailed(b *testing.B) {
	for i := 0; i < b.N; i++ {
		if _, err := New(i); err != nil {
			b.StopTimer()
			b.Fatal(err)
		}
	}
}

func BenchmarkTimerSizes(b *testing.B) {
	for _, size := range []int{1, 2} {
		b.StopTimer()
		c := prepared(b)
		b.StartTimer()
		for i := 0; i < b.N; i++ {
			c.Put(i&7, size)
		}
	}
}
