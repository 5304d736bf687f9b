package raftcommit

import (
	"sync"
	"sync/atomic"
	"testing"
	"unsafe"

	"tunelab/harness/probe"
)

// sharingVariants are the variants that BenchmarkFalseSharing has a layout of
// two words for.
var sharingVariants = []string{"store", "store-pad64", "store-pad128"}

// BenchmarkFalseSharing has two threads, each pinned to a CPU of its own and
// each the only writer of its own word: one raises committed, the other
// applied. Only where the two words lie differs. b.N is the number of advances
// of each thread.
func BenchmarkFalseSharing(b *testing.B) {
	for _, name := range sharingVariants {
		b.Run("impl="+name, func(b *testing.B) {
			cpus, err := twoCPUs()
			if err != nil {
				b.Skip(err)
			}
			shareFalsely(b, cpus, twoIndexes(name))
		})
	}
}

func shareFalsely(b *testing.B, cpus [2]int, words [2]Index) {
	var pinned, done sync.WaitGroup
	pinned.Add(2)
	begin := make(chan struct{})
	var arrived atomic.Int32
	var perSecond [2]float64
	var errs [2]error
	for i, word := range words {
		done.Go(func() {
			signal := sync.OnceFunc(pinned.Done)
			defer signal() // also when pinning fails
			errs[i] = onCPU(cpus[i], func() {
				signal()
				<-begin
				for arrived.Add(1); arrived.Load() < 2; { // they have a CPU each
				}
				t0 := probe.Now()
				for j := range b.N {
					word.Advance(uint64(j) + 1)
				}
				if took := probe.Now() - t0; took > 0 {
					perSecond[i] = float64(b.N) / took.Seconds()
				}
			})
		})
	}
	pinned.Wait()
	for _, err := range errs {
		if err != nil {
			arrived.Store(2) // lets the other one go
		}
	}
	m := probe.Start(b)
	close(begin)
	done.Wait()
	m.Stop()
	for i, word := range words {
		if errs[i] != nil {
			b.Fatal(errs[i])
		}
		if got := word.Committed(); got != uint64(b.N) {
			b.Fatalf("after %d advances a word is %d", b.N, got)
		}
	}
	m.Report(probe.Load{Goroutines: 2})
	b.ReportMetric((perSecond[0]+perSecond[1])/2, "max-commits/s")
}

// Where the words lie is what BenchmarkFalseSharing is about, and Go does not
// promise it.
func TestLayouts(t *testing.T) {
	for _, c := range []struct {
		variant            string
		sameLine, samePair bool
	}{{"store", true, true}, {"store-pad64", false, true}, {"store-pad128", false, false}} {
		for range 100 {
			two := twoIndexes(c.variant)
			p := uintptr(unsafe.Pointer(two[0].(*storeIndex)))
			q := uintptr(unsafe.Pointer(two[1].(*storeIndex)))
			if p%128 != 0 {
				t.Fatalf("%s: the first word is at %#x, not at the start of a pair of lines", c.variant, p)
			}
			if (p/64 == q/64) != c.sameLine || (p/128 == q/128) != c.samePair {
				t.Fatalf("%s: words at %#x and %#x; want the same line %v, the same pair %v", c.variant, p, q, c.sameLine, c.samePair)
			}
		}
	}
	for _, size := range []uintptr{unsafe.Sizeof(mutexIndex{}), unsafe.Sizeof(rwMutexIndex{}), unsafe.Sizeof(besides{}), unsafe.Sizeof(apart64{}), unsafe.Sizeof(apart128{})} {
		if size != 256 {
			t.Errorf("a variant takes %d bytes, want 256", size)
		}
	}
	for _, v := range Variants() {
		if got := v.New().Committed(); got != 0 {
			t.Errorf("%s: a new index is %d, not 0", v.Name, got)
		}
	}
}
