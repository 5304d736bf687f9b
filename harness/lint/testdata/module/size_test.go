package module

import (
	"math/rand"
	"slices"
	"sort"
	"strings"
	"testing"
)

var text string
var numbers []int

func fibonacci(n int) int {
	if n < 2 {
		return n
	}
	return fibonacci(n-1) + fibonacci(n-2)
}

// As in the documentation of many courses, before it was corrected.
func BenchmarkSizeFib(b *testing.B) {
	sink = fibonacci(b.N) // want size-by-n BenchmarkSizeFib
}

func BenchmarkSizeFibLoop(b *testing.B) {
	for i := 0; i < b.N; i++ {
		sink = fibonacci(b.N) // want size-by-n BenchmarkSizeFibLoop
	}
}

func BenchmarkSizeSort(b *testing.B) {
	numbers := make([]int, b.N)
	for i := range numbers {
		numbers[i] = rand.Int()
	}
	b.ResetTimer()
	sort.Ints(numbers) // want size-by-n BenchmarkSizeSort
}

func BenchmarkSizeSorted(b *testing.B) {
	n := b.N
	numbers := slices.Repeat([]int{3, 1, 2}, n)
	more := make([]int, n)
	copy(more, numbers)
	slices.Sort(more) // want size-by-n BenchmarkSizeSorted
}

func BenchmarkSizeMade(b *testing.B) {
	for range b.N {
		numbers = make([]int, b.N) // want size-by-n BenchmarkSizeMade
	}
}

func BenchmarkSizeRepeat(b *testing.B) {
	for b.Loop() {
		text = strings.ToUpper(strings.Repeat("a", b.N)) // want size-by-n BenchmarkSizeRepeat
	}
}

func BenchmarkSizeNested(b *testing.B) {
	for i := 0; i < b.N; i++ {
		for j := 0; j < b.N; j++ { // want size-by-n BenchmarkSizeNested
			sink += Fib(i & j & 3)
		}
	}
}

// These are right.

func BenchmarkSizeInputs(b *testing.B) {
	inputs := make([]int, b.N)
	for i := range inputs {
		inputs[i] = i
	}
	b.ResetTimer()
	for _, in := range inputs {
		sink = Fib(in & 7)
	}
}

// Latencies are sorted after the measurement.
func BenchmarkSizeLatencies(b *testing.B) {
	latencies := make([]int, b.N)
	b.ResetTimer()
	for i := range latencies {
		latencies[i] = Fib(10)
	}
	sort.Ints(latencies)
	b.ReportMetric(float64(latencies[len(latencies)/2]), "p50")
}

// Sorted inputs are a preparation.
func BenchmarkSizeLookup(b *testing.B) {
	keys := make([]int, b.N)
	sort.Ints(keys)
	b.ResetTimer()
	for i := 0; i < b.N; i++ {
		sink, _ = slices.BinarySearch(keys, i)
	}
}

// As package bufio: the work is in proportion to b.N.
func BenchmarkSizeBytes(b *testing.B) {
	buf := make([]byte, b.N)
	b.SetBytes(1)
	rand.New(rand.NewSource(1)).Read(buf)
}

func BenchmarkSizeCount(b *testing.B) { times(b.N) }

func times(n int) {
	for i := 0; i < n; i++ {
		sink = Fib(10)
	}
}

func BenchmarkSizeRecursion(b *testing.B) { countdown(b.N) }

func countdown(n int) {
	if n > 0 {
		sink = Fib(10)
		countdown(n - 1)
	}
}

func BenchmarkSizeChunks(b *testing.B) {
	for n := 0; n < b.N; {
		for j := 0; j < 100 && n < b.N; j++ {
			sink = Fib(10)
			n++
		}
	}
}

func BenchmarkSizeOnce(b *testing.B) {
	for i := 0; i < b.N; i++ {
		if i == 0 {
			numbers = make([]int, b.N)
		}
		numbers[i] = Fib(10)
	}
}
