package gc

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"tunelab/harness/probe"
)

// BenchmarkMapChurn: what adding and deleting does to the memory of the cache.
// b.N batches, each of churnBatch clusters deleted and as many added under new
// names; then, untimed, the full cache is collected and weighed, nine of ten
// are deleted, and the container is weighed.
func BenchmarkMapChurn(b *testing.B) {
	const clusters = 8000
	for _, im := range Implementations() {
		b.Run(fmt.Sprintf("impl=%s/clusters=%d", im.Name, clusters), func(b *testing.B) {
			empty := liveHeap()
			g := newGenerations(im, clusters)
			m := probe.Start(b)
			for range b.N {
				g.next()
			}
			m.Stop()
			m.Report(probe.Load{})
			b.ReportMetric(float64(b.N*churnBatch)/m.Elapsed().Seconds(), "replaced/s")
			reportFragmentation(b)
			b.ReportMetric(max(0, float64(liveHeap())-float64(empty)), "live-bytes")
			b.ReportMetric(shortest(5, runtime.GC), "full-GC-ns")
			g.shrink()
			b.ReportMetric(shortest(20, func() { g.cache.Range(func(*Resource) bool { return true }) }), "scan-ns")
			b.ReportMetric(weigh(&g.cache), "map-bytes")
		})
	}
}

// churnBatch is large, so that a copy-on-write cache copies for many changes
// at once and the benchmark is not about that.
const churnBatch = 32

// generations is a cache in which the oldest clusters give way to new ones.
type generations struct {
	cache          Cache
	oldest, newest int // of the clusters that exist: [oldest, newest)
}

func newGenerations(im Implementation, clusters int) *generations {
	g := &generations{cache: im.New()}
	g.cache.Apply(g.make(clusters), nil)
	return g
}

func (g *generations) make(n int) []*Resource {
	set := make([]*Resource, n)
	for i := range set {
		set[i] = NewResource(clusterName(g.newest), uint64(g.newest))
		g.newest++
	}
	return set
}

func (g *generations) drop(n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = clusterName(g.oldest)
		g.oldest++
	}
	return names
}

func (g *generations) next() { g.cache.Apply(g.make(churnBatch), g.drop(churnBatch)) }

// reportFragmentation reports how much heap the spans take for each byte that
// is allocated in them, after a collection.
func reportFragmentation(b *testing.B) {
	runtime.GC()
	var mem runtime.MemStats
	runtime.ReadMemStats(&mem)
	b.ReportMetric(float64(mem.HeapInuse)/float64(mem.HeapAlloc), "heap-inuse-over-alloc")
}

// shrink deletes nine of ten, a batch at a time as churn would.
func (g *generations) shrink() {
	for target := (g.newest - g.oldest) / 10; g.newest-g.oldest > target; {
		g.cache.Apply(nil, g.drop(min(churnBatch, g.newest-g.oldest-target)))
	}
}

// shortest is how long the shortest of several calls took, in ns on the wall
// clock.
func shortest(calls int, f func()) float64 {
	least := time.Duration(1<<63 - 1)
	for range calls {
		began := probe.Now()
		f()
		least = min(least, probe.Now()-began)
	}
	return float64(least)
}

// weigh lets go of the cache and returns the bytes of heap that this freed
// while every resource was held: what the container itself takes, and with it
// the bytes where it holds those.
func weigh(c *Cache) float64 {
	var held []*Resource
	(*c).Range(func(r *Resource) bool { held = append(held, r); return true })
	with := liveHeap()
	*c = nil
	without := liveHeap()
	runtime.KeepAlive(held)
	return max(0, float64(with)-float64(without))
}

// liveHeap is the bytes of heap that are reachable. The second collection
// takes what a finalizer or a sync.Pool kept.
func liveHeap() uint64 {
	runtime.GC()
	runtime.GC()
	var mem runtime.MemStats
	runtime.ReadMemStats(&mem)
	return mem.HeapAlloc
}
