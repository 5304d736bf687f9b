package etcd

import (
	"sync"
	"sync/atomic"
	"testing"

	"tunelab/harness/probe"
)

// index is what etcd's server does with its commit index and its applied index.
type index interface {
	Store(uint64)
	Load() uint64
}

// mutexIndex is the type that the variant mutex of scenarios/raftcommit-etcd.toml
// puts into etcd.
type mutexIndex struct {
	mu    sync.Mutex
	value uint64
}

func (x *mutexIndex) Load() uint64 {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.value
}

func (x *mutexIndex) Store(value uint64) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.value = value
}

const contenders = 8

// BenchmarkIndexOperation is what one use of an index costs, in nanoseconds:
// index-op-ns by one goroutine alone, and contended-op-ns the time that each of
// eight waits for it when all of them do nothing else. That is more than etcd
// can make of it, which uses an index a few times in a request. b.N is the
// number of operations of each of the two.
func BenchmarkIndexOperation(b *testing.B) {
	for _, v := range []struct {
		impl string
		ix   index
	}{{"atomic", new(atomic.Uint64)}, {"mutex", new(mutexIndex)}} {
		b.Run("impl="+v.impl, func(b *testing.B) {
			for _, goroutines := range []int{1, contenders} {
				began := probe.Now()
				var all sync.WaitGroup
				for g := range goroutines {
					n := (b.N + goroutines - 1 - g) / goroutines
					all.Go(func() { operate(v.ix, n) })
				}
				all.Wait()
				each := float64(probe.Now()-began) * float64(goroutines) / float64(b.N)
				if goroutines == 1 {
					b.ReportMetric(each, "index-op-ns")
				} else {
					b.ReportMetric(each, "contended-op-ns")
				}
			}
		})
	}
}

// operate stores once and loads three times, about as etcd does.
func operate(ix index, n int) {
	for i := range n {
		if i%4 == 0 {
			ix.Store(uint64(i))
		} else if ix.Load() > 1<<62 {
			panic("nobody stored that")
		}
	}
}

// The type that goes into etcd works.
func TestCorrectIndex(t *testing.T) {
	var x mutexIndex
	for i := range uint64(3) {
		if x.Store(i); x.Load() != i {
			t.Fatalf("stored %d, loaded %d", i, x.Load())
		}
	}
}
