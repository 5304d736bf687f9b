package raftcommit

import (
	"fmt"
	"sync"
	"sync/atomic"
)

// waiters are goroutines of which each waits, again and again, until the
// applied index has reached a target: what a linearizable read does in etcd.
// They are paced by the entries themselves: a waiter's targets are a stride
// apart.
//
// The notifier is the same for all variants of the index and takes no lock, so
// that only the index differs. Whoever applies calls notify.
type waiters struct {
	index    Index
	stride   uint64
	each     []*waiter
	stopping chan struct{}
	running  sync.WaitGroup
}

type waiter struct {
	target atomic.Uint64 // waited for; 0: not waiting
	wake   chan struct{} // holds one wake-up
	met    atomic.Int64  // targets reached
	err    error         // read after running.Wait
	_      [88]byte      // keeps two waiters out of one pair of cache lines
}

// startWaiters starts n waiters for targets above from; each waits for every
// stride-th index, and with a stride of n every index is waited for by one of
// them. They run until stop.
func startWaiters(index Index, n int, from, stride uint64) *waiters {
	ws := &waiters{index: index, stride: stride, stopping: make(chan struct{})}
	for i := range n {
		w := &waiter{wake: make(chan struct{}, 1)}
		ws.each = append(ws.each, w)
		// Staggered, so that they don't all wake up at one index.
		first := from + 1 + uint64(i)*stride/uint64(n)
		ws.running.Go(func() { w.run(ws, first) })
	}
	return ws
}

func (w *waiter) run(ws *waiters, target uint64) {
	for ; ; target += ws.stride {
		w.target.Store(target)
		// It may have been reached before notify could know of the target. If
		// notify has taken the target meanwhile, its wake-up is on its way.
		if ws.index.Committed() < target || !w.target.CompareAndSwap(target, 0) {
			select {
			case <-w.wake:
			case <-ws.stopping:
				return
			}
		}
		if index := ws.index.Committed(); index < target {
			w.err = fmt.Errorf("woken up for index %d, but the index is %d", target, index)
			return
		}
		w.met.Add(1)
	}
}

// notify wakes up those that wait for an index up to applied. One goroutine
// calls it, after it has advanced the index.
func (ws *waiters) notify(applied uint64) {
	for _, w := range ws.each {
		if target := w.target.Load(); target != 0 && target <= applied && w.target.CompareAndSwap(target, 0) {
			w.wake <- struct{}{} // there is room: the target was taken once
		}
	}
}

// met is how many targets were reached so far.
func (ws *waiters) met() (total int64) {
	for _, w := range ws.each {
		total += w.met.Load()
	}
	return total
}

// stop ends all waiters and waits for them. It reports the first error that a
// waiter saw.
func (ws *waiters) stop() error {
	close(ws.stopping)
	ws.running.Wait()
	for _, w := range ws.each {
		if w.err != nil {
			return w.err
		}
	}
	return nil
}
