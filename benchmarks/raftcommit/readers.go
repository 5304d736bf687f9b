package raftcommit

import (
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"tunelab/harness/probe"
)

// napAtLeast is the shortest sleep of a paced reader: the Go runtime's timers
// on Linux don't do better than a millisecond.
const napAtLeast = time.Millisecond

// readers are goroutines that read an Index while it is being advanced.
type readers struct {
	each     []*reader
	stopping atomic.Bool
	done     sync.WaitGroup
}

// A reader has its own pair of cache lines, so that counting its reads
// disturbs nobody.
type reader struct {
	reads    atomic.Int64
	wentBack bool
	_        [112]byte
}

// read reads the index once and remembers if it has gone back.
func (r *reader) read(ix Index, last uint64) uint64 {
	index := ix.Committed()
	if index < last {
		r.wentBack = true
	}
	return index
}

// paced starts n readers that together make perSecond reads a second. Each
// sleeps for a millisecond or for one read's interval, whichever is longer,
// and then makes the reads that have fallen due. It returns when all of them
// run.
func paced(ix Index, n int, perSecond float64) *readers {
	interval := time.Duration(float64(n) * float64(time.Second) / perSecond)
	return start(n, func(rs *readers, r *reader, i int) {
		var last uint64
		// Spread over an interval, so that they don't all wake up at once.
		t0 := probe.Now() - time.Duration(n-i)*interval/time.Duration(n)
		for made := int64(0); !rs.stopping.Load(); {
			time.Sleep(max(interval, napAtLeast))
			due := int64((probe.Now() - t0) / interval)
			for ; made < due; made++ {
				last = r.read(ix, last)
			}
			r.reads.Store(made)
		}
	})
}

// turn is how many calls in a row a goroutine makes in the saturated benchmark
// before it lets another one run: some microseconds. Left to the runtime a
// turn lasts 10 ms, and with 64 readers on two CPUs nobody gets a second one
// for a third of a second, so that a shorter run measures an empty machine.
const turn = 1024

// spinning starts n readers that do nothing but read, as soon as the returned
// function is called.
func spinning(ix Index, n int) (rs *readers, begin func()) {
	gate := make(chan struct{})
	rs = start(n, func(rs *readers, r *reader, _ int) {
		<-gate
		var last uint64
		for !rs.stopping.Load() {
			for range turn {
				last = r.read(ix, last)
			}
			r.reads.Add(turn)
			runtime.Gosched()
		}
	})
	return rs, func() { close(gate) }
}

func start(n int, run func(rs *readers, r *reader, i int)) *readers {
	rs := &readers{}
	var running sync.WaitGroup
	running.Add(n)
	for i := range n {
		r := new(reader)
		rs.each = append(rs.each, r)
		rs.done.Go(func() {
			running.Done()
			run(rs, r, i)
		})
	}
	running.Wait()
	return rs
}

// reads is how many reads there were so far.
func (rs *readers) reads() (total int64) {
	for _, r := range rs.each {
		total += r.reads.Load()
	}
	return total
}

// stop ends all readers and waits for them. It reports an error if one of them
// saw the index go back.
func (rs *readers) stop() error {
	rs.stopping.Store(true)
	rs.done.Wait()
	for _, r := range rs.each {
		if r.wentBack {
			return errors.New("a reader saw the index go back")
		}
	}
	return nil
}
