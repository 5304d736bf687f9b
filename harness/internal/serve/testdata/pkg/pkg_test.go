package pkg

import (
	"fmt"
	"os"
	"testing"
)

// These names are taken, and no file that is added must need them.
var bufio, fmtt, regexp, strings, flag = 1, 2, 3, 4, 5

type (
	int64  struct{}
	uint32 struct{}
)

func delete(string) {}

var prepared bool

func TestMain(m *testing.M) {
	prepared = true
	os.Exit(m.Run())
}

func BenchmarkN(b *testing.B) {
	if !prepared {
		b.Fatal("TestMain did not run")
	}
	for range b.N {
		Sink++
	}
}

func BenchmarkLoop(b *testing.B) {
	setups++
	for b.Loop() {
		Sink++
	}
	b.ReportMetric(float64(setups), "setups")
}

var setups int

func BenchmarkSub(b *testing.B) {
	for _, size := range []int{1, 10} {
		b.Run(fmt.Sprintf("size=%d", size), func(b *testing.B) {
			b.Run("deep", func(b *testing.B) {
				b.SetBytes(8)
				for range b.N {
					Sink += size
				}
			})
		})
	}
}

var parents int

func BenchmarkPrepared(b *testing.B) {
	parents++
	defer func() { Sink = 0 }()
	for _, name := range []string{"a", "b c", "b c"} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				Sink++
			}
			b.ReportMetric(float64(parents), "parents")
			b.ReportMetric(float64(len(b.Name())), "name")
		})
	}
}

func BenchmarkParallel(b *testing.B) {
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
		}
	})
}

var cleaned int

func BenchmarkCleanup(b *testing.B) {
	b.Cleanup(func() { cleaned++ })
	b.ReportMetric(float64(cleaned), "cleaned")
	fmt.Print("printed without a newline")
	for range b.N {
		Sink++
	}
}

func BenchmarkFails(b *testing.B) { b.Fatal("as it must") }

type T struct{}

// To the go command this is no benchmark.
func (T) BenchmarkMethod(b *testing.B) {}

func BenchmarkLeaves(b *testing.B) {
	for range b.N {
		Sink++
	}
	b.ReportMetric(float64(left), "left")
	left++
	go func() { select {} }()
}

var left int

func BenchmarkSometimes(b *testing.B) {
	for range b.N {
		Sink++
	}
	if b.N == 66 {
		b.Fatal("at 66")
	}
}

func BenchmarkSize(b *testing.B) {
	kept = make([]byte, 1<<20) // none of the loop's
	b.SetBytes(1 << 10)
	b.ResetTimer()
	for range b.N {
		kept = make([]byte, 1<<10)
	}
	if b.N == 1000 {
		b.ReportMetric(1, "in-all")
	}
}

var kept []byte

// BenchmarkCalls tells which b.N the first call had, and how many there were.
func BenchmarkCalls(b *testing.B) {
	if calls++; calls == 1 {
		first = b.N
	}
	for range b.N {
		Sink++
	}
	b.ReportMetric(float64(calls), "calls")
	b.ReportMetric(float64(first), "first")
}

var calls, first int

func BenchmarkSkips(b *testing.B) { b.Skip("as it may") }
