package probe

import (
	"math"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

const (
	// highest is the longest latency that is told apart from longer ones. No
	// trial lasts that long.
	highest = 10 * time.Minute
	// digits are the significant decimal digits kept: values below 2,048 ns
	// exactly, above that to a thousandth.
	digits = 3
	// beyond is how many operations must lie beyond a quantile.
	beyond = 20
)

// A Recorder holds latencies: a shard for each goroutine that records.
type Recorder struct {
	shards []*Shard
}

// NewRecorder returns a recorder for that many goroutines. Each shard takes
// about a quarter of a megabyte, which NewRecorder touches, so that no page
// fault falls into the timed part. It panics if goroutines is negative.
func NewRecorder(goroutines int) *Recorder {
	r := &Recorder{shards: make([]*Shard, goroutines)}
	for i := range r.shards {
		h := hdrhistogram.New(1, int64(highest), digits)
		h.Reset() // writes all of it
		r.shards[i] = &Shard{hist: h}
	}
	return r
}

// Shard returns shard i, from 0. It belongs to one goroutine at a time.
func (r *Recorder) Shard(i int) *Shard { return r.shards[i] }

// Merge returns all latencies recorded so far. The goroutines that record must
// have finished, or be known to be at rest.
func (r *Recorder) Merge() Latencies {
	all := Latencies{hist: hdrhistogram.New(1, int64(highest), digits)}
	for _, s := range r.shards {
		all.hist.Merge(s.hist) // same range: nothing is dropped
		_ = all.hist.RecordValues(int64(highest), s.out[0])
		_ = all.hist.RecordValues(0, s.out[1])
		all.clamped += s.out[0] + s.out[1]
	}
	return all
}

// A Shard is one goroutine's part of a Recorder. It has no lock.
type Shard struct {
	hist *hdrhistogram.Histogram
	out  [2]int64  // latencies above and below the range
	_    [104]byte // keeps two shards out of one pair of cache lines
}

// Record records one latency. It allocates nothing and costs at most a fifth
// more than the histogram's own RecordValue (BenchmarkRecord). A latency below
// 0 or above ten minutes is kept as the nearest of the two and counted as
// clamped.
//
// It is written to fit the compiler's budget for inlining, which has room for
// one call: so what is out of range is only counted here, and Merge clamps it.
func (s *Shard) Record(latency time.Duration) {
	if uint64(latency) > uint64(highest) {
		s.out[uint64(latency)>>63]++
		return
	}
	s.hist.RecordValues(int64(latency), 1) // in range, so there is no error
}

// Latencies is the merged content of a Recorder.
type Latencies struct {
	hist    *hdrhistogram.Histogram
	clamped int64
}

// Count is the number of latencies, the clamped ones included.
func (l Latencies) Count() int64 { return l.hist.TotalCount() }

// Clamped is the number of latencies that were out of range.
func (l Latencies) Clamped() int64 { return l.clamped }

// Max is the largest latency, rounded up by at most a thousandth; 0 if there
// is none.
func (l Latencies) Max() time.Duration { return time.Duration(l.hist.Max()) }

// Quantile is the latency at or below which the share q of all latencies lie,
// with q from 0 to 1, rounded up by at most a thousandth. It reports false,
// and no value, when fewer than 20 latencies lie beyond it.
func (l Latencies) Quantile(q float64) (time.Duration, bool) {
	if !enoughBeyond(l.Count(), q) {
		return 0, false
	}
	return time.Duration(l.hist.ValueAtPercentile(q * 100)), true
}

// enoughBeyond reports whether 20 of n values lie beyond quantile q. The
// rounding keeps 0.99 of 2,000 from leaving 19.99….
func enoughBeyond(n int64, q float64) bool {
	return math.Round(float64(n)*(1-q)*1e6)/1e6 >= beyond
}

// metrics returns the quantiles that have enough latencies beyond them.
func (l Latencies) metrics() []metric {
	if l.Count() == 0 {
		return nil
	}
	var ms []metric
	for _, q := range []struct {
		share float64
		unit  string
	}{{0.50, "p50-ns"}, {0.99, "p99-ns"}, {0.999, "p99.9-ns"}} {
		if v, ok := l.Quantile(q.share); ok {
			ms = append(ms, metric{float64(v), q.unit})
		}
	}
	ms = append(ms, metric{float64(l.Max()), "max-ns"})
	if l.clamped > 0 {
		ms = append(ms, metric{float64(l.clamped), "clamped-ops"})
	}
	return ms
}
