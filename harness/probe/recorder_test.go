package probe

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

func TestQuantileNeedsTwentyBeyond(t *testing.T) {
	for _, c := range []struct {
		q float64
		n int64 // the least number of latencies with a value
	}{{0.5, 40}, {0.9, 200}, {0.95, 400}, {0.99, 2000}, {0.999, 20_000}, {0.9999, 200_000}} {
		if enoughBeyond(c.n-1, c.q) {
			t.Errorf("quantile %v reported with %d latencies", c.q, c.n-1)
		}
		if !enoughBeyond(c.n, c.q) {
			t.Errorf("quantile %v left out with %d latencies", c.q, c.n)
		}
	}
	if enoughBeyond(1<<40, 1) {
		t.Error("nothing lies beyond quantile 1")
	}
}

func TestQuantilesOfAKnownDistribution(t *testing.T) {
	rec := NewRecorder(3)
	const n = 30_000
	for i := range n { // 1…30,000 µs, dealt to three shards
		rec.Shard(i % 3).Record(time.Duration(i+1) * time.Microsecond)
	}
	got := rec.Merge()
	if got.Count() != n || got.Clamped() != 0 {
		t.Errorf("count %d, clamped %d; want %d, 0", got.Count(), got.Clamped(), n)
	}
	for q, want := range map[float64]time.Duration{
		0.5: 15_000 * time.Microsecond, 0.99: 29_700 * time.Microsecond, 0.999: 29_970 * time.Microsecond,
	} {
		v, ok := got.Quantile(q)
		if !ok || v < want || v > want+want/1000 {
			t.Errorf("quantile %v = %v, %v; want %v rounded up by at most a thousandth", q, v, ok, want)
		}
	}
	if max := got.Max(); max < n*time.Microsecond || max > n*time.Microsecond*1001/1000 {
		t.Errorf("max %v, want %v", max, n*time.Microsecond)
	}
}

func TestOutOfRangeIsClampedAndCounted(t *testing.T) {
	rec := NewRecorder(2)
	for _, d := range []time.Duration{-1, -time.Hour, highest + 1, 1 << 62} {
		rec.Shard(0).Record(d)
	}
	for _, d := range []time.Duration{0, 1, highest} {
		rec.Shard(1).Record(d)
	}
	got := rec.Merge()
	if got.Count() != 7 {
		t.Errorf("count %d, want all 7", got.Count())
	}
	if got.Clamped() != 4 {
		t.Errorf("clamped %d, want 4", got.Clamped())
	}
	if max := got.Max(); max < highest || max > highest*1001/1000 {
		t.Errorf("max %v, want %v", max, highest)
	}
}

func TestLatencyMetrics(t *testing.T) {
	for _, c := range []struct {
		n     int
		extra time.Duration
		want  []string
	}{
		{0, 0, nil},
		{39, 1, []string{"max-ns"}},
		{40, 1, []string{"p50-ns", "max-ns"}},
		{2000, 1, []string{"p50-ns", "p99-ns", "max-ns"}},
		{20_000, 1, []string{"p50-ns", "p99-ns", "p99.9-ns", "max-ns"}},
		{40, -1, []string{"p50-ns", "max-ns", "clamped-ops"}},
	} {
		rec := NewRecorder(1)
		for i := range c.n {
			d := time.Duration(i)
			if i == 0 {
				d = c.extra
			}
			rec.Shard(0).Record(d)
		}
		var units []string
		for _, m := range rec.Merge().metrics() {
			units = append(units, m.unit)
		}
		if !equal(units, c.want) {
			t.Errorf("%d latencies: metrics %q, want %q", c.n, units, c.want)
		}
	}
}

func equal(a, b []string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

func TestRecordAllocatesNothing(t *testing.T) {
	shard := NewRecorder(1).Shard(0)
	d := time.Duration(1)
	if n := testing.AllocsPerRun(1000, func() { shard.Record(d); d = d*3 + 1 }); n != 0 {
		t.Errorf("%v allocations for each latency, want 0", n)
	}
}

// Run with -race: shards need no lock between them.
func TestShardsAreIndependent(t *testing.T) {
	const goroutines, each = 8, 5000
	rec := NewRecorder(goroutines)
	var wg sync.WaitGroup
	for g := range goroutines {
		wg.Go(func() {
			for i := range each {
				rec.Shard(g).Record(time.Duration(i))
			}
		})
	}
	wg.Wait()
	if n := rec.Merge().Count(); n != goroutines*each {
		t.Errorf("%d latencies, want %d", n, goroutines*each)
	}
}

// latencies are drawn once: about 50 ns to 100 µs, like those of a real run.
func latencies() *[1024]int64 {
	r := rand.New(rand.NewPCG(1, 2))
	var ls [1024]int64
	for i := range ls {
		ls[i] = 50 << r.IntN(11)
		ls[i] += r.Int64N(ls[i])
	}
	return &ls
}

// BenchmarkRecord compares recording a latency here with hdrhistogram's own
// RecordValue. Read it as a ratio within one run:
//
//	go test -bench=Record -count=10 ./harness/probe | benchstat -col '/impl@(hdr probe)' -
func BenchmarkRecord(b *testing.B) {
	b.Run("impl=hdr", func(b *testing.B) {
		ls, h := latencies(), hdrhistogram.New(1, int64(highest), digits)
		b.ReportAllocs()
		for i := 0; i < b.N; i++ {
			_ = h.RecordValue(ls[i%len(ls)])
		}
	})
	b.Run("impl=probe", func(b *testing.B) {
		ls, s := latencies(), NewRecorder(1).Shard(0)
		b.ReportAllocs()
		for i := 0; i < b.N; i++ {
			s.Record(time.Duration(ls[i%len(ls)]))
		}
	})
}

// BenchmarkRecordParallel does the same in 1, 2 and 8 goroutines: a histogram
// each (hdr), a shard each (probe), and, for what sharding saves, one
// histogram behind a lock. ns/op is per latency over all goroutines, so on two
// CPUs two goroutines should halve it.
func BenchmarkRecordParallel(b *testing.B) {
	type record func(latency int64)
	impls := []struct {
		name string
		new  func() func(goroutine int) record // for up to 8 goroutines
	}{
		{"hdr", func() func(int) record {
			return func(int) record {
				h := hdrhistogram.New(1, int64(highest), digits)
				return func(l int64) { _ = h.RecordValue(l) }
			}
		}},
		{"probe", func() func(int) record {
			rec := NewRecorder(8)
			return func(g int) record {
				s := rec.Shard(g)
				return func(l int64) { s.Record(time.Duration(l)) }
			}
		}},
		{"locked", func() func(int) record {
			var mu sync.Mutex
			h := hdrhistogram.New(1, int64(highest), digits)
			return func(int) record {
				return func(l int64) {
					mu.Lock()
					_ = h.RecordValue(l)
					mu.Unlock()
				}
			}
		}},
	}
	for _, impl := range impls {
		for _, goroutines := range []int{1, 2, 8} {
			b.Run(fmt.Sprintf("impl=%s/goroutines=%d", impl.name, goroutines), func(b *testing.B) {
				ls, recordOf := latencies(), impl.new()
				records := make([]record, goroutines)
				for g := range records {
					records[g] = recordOf(g)
				}
				b.ResetTimer()
				var wg sync.WaitGroup
				for g, record := range records {
					wg.Go(func() {
						for i := g; i < b.N; i += goroutines {
							record(ls[i%len(ls)])
						}
					})
				}
				wg.Wait()
			})
		}
	}
}

// BenchmarkSnapshot is what Start and Stop add outside the timed part.
func BenchmarkSnapshot(b *testing.B) {
	s := newSnapshot()
	b.ReportAllocs()
	for i := 0; i < b.N; i++ {
		s.read()
	}
}

// BenchmarkNow is the floor under every latency.
func BenchmarkNow(b *testing.B) {
	for i := 0; i < b.N; i++ {
		Now()
	}
}
