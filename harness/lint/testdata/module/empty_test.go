package module

import (
	"strings"
	"testing"
)

func BenchmarkEmptyCall(b *testing.B) {
	for i := 0; i < b.N; i++ { // want empty-loop BenchmarkEmptyCall
		IsEven(i)
	}
}

func BenchmarkEmptyRange(b *testing.B) {
	for range b.N { // want empty-loop BenchmarkEmptyRange
		_ = IsEven(3)
	}
}

func BenchmarkEmptySub(b *testing.B) {
	inputs := []int{1, 2, 3}
	b.Run("sub", func(b *testing.B) {
		b.ReportAllocs()
		for i := 0; i < b.N; i++ { // want empty-loop BenchmarkEmptySub/sub
			for _, in := range inputs {
				IsEven(in)
			}
		}
	})
}

func BenchmarkEmptyVariable(b *testing.B) {
	even := false
	for n := b.N; n > 0; n-- { // want empty-loop BenchmarkEmptyVariable
		even = IsEven(n)
	}
	_ = even
}

func BenchmarkEmptyHelper(b *testing.B) { each(b, func() { IsEven(3) }) }

func BenchmarkFullHelper(b *testing.B) { each(b, func() { sink++ }) }

func each(b *testing.B, do func()) {
	for i := 0; i < b.N; i++ { // want empty-loop BenchmarkEmptyHelper
		do()
	}
}

// These are right.

func BenchmarkFullStore(b *testing.B) {
	for i := 0; i < b.N; i++ {
		sink = i
	}
}

func BenchmarkFullSum(b *testing.B) {
	sum := 0
	for i := 0; i < b.N; i++ {
		sum += i & 3
	}
	sink = sum
}

func BenchmarkFullCount(b *testing.B) {
	count := 0
	for i := 0; i < b.N; i++ {
		count += 3
	}
	sink = count
}

// The search has no result, and is done.
func BenchmarkFullSearch(b *testing.B) {
	inputs := strings.Split("a b c", " ")
	for i := 0; i < b.N; i++ {
		for _, in := range inputs {
			if in == "c" {
				break
			}
		}
	}
}

func BenchmarkFullBounds(b *testing.B) {
	for i := 0; i < b.N; i++ {
		_ = numbers[i]
	}
}

// What a variable was last is read each time.
func BenchmarkFullRead(b *testing.B) {
	c := prepared(b)
	var m map[int]int
	for i := 0; i < b.N; i++ {
		m = c.m
	}
	sink = len(m)
}

func BenchmarkFullBreak(b *testing.B) {
	j := 0
	for i := 0; i < b.N; i++ {
		j += 3
		if j == 300 {
			break
		}
	}
}

func BenchmarkFullLoop(b *testing.B) {
	for b.Loop() {
		IsEven(3)
	}
}

func BenchmarkFullCall(b *testing.B) {
	for i := 0; i < b.N; i++ {
		Fib(10)
	}
}
