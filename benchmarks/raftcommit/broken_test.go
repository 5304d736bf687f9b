package raftcommit

import (
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// A check that lets everything pass is worth nothing: each of these is wrong
// in one way, and check must say in which.
func TestCheckCatchesBroken(t *testing.T) {
	correct := variant("cas")
	index := func(ix func() Index) subject { return subject{Variant: Variant{New: ix}} }
	for _, c := range []struct {
		name string
		subject
		want string
	}{
		{"the last writer wins", index(func() Index { return new(lastWins) }),
			"one goroutine: after Advance(1) the index is 1, want 2"},
		{"a reader keeps a stale copy", index(func() Index { return new(staleCopy) }),
			"one goroutine: after Advance(1) the index is 0, want 1"},
		{"published one too early", index(func() Index { return new(oneEarly) }),
			"one goroutine: after Advance(0) the index is 1, want 0"},
		{"every third advance is skipped", index(func() Index { return new(skipsSome) }),
			"one goroutine: after Advance(2) the index is 1, want 2"},
		{"the halves of the word are written one after the other", index(func() Index { return &torn{window: newWindow()} }),
			"one writer: a reader sees"},
		{"load and store with another writer in between", index(func() Index { return &lostUpdate{window: newWindow()} }),
			"four writers: "},
		{"store with several writers", index(func() Index { return &slowStore{window: newWindow()} }),
			"four writers: "},
		{"published before applied", subject{correct, func(_ uint64, apply, publish, notify func()) { publish(); apply(); notify() }},
			"raft with 1 member: index 2 is published, but only 0 is applied"},
		{"notified before published", subject{correct, func(_ uint64, apply, publish, notify func()) { apply(); notify(); publish() }},
			"raft with 1 member: index 2 is applied, but 0 is visible"},
		{"one index never published", subject{correct, func(i uint64, apply, publish, notify func()) {
			apply()
			if i != 50 {
				publish()
			}
			notify()
		}}, "raft with 1 member: index 50 is applied, but 49 is visible"},
	} {
		t.Run(strings.ReplaceAll(c.name, " ", "_"), func(t *testing.T) {
			err := check(c.subject)
			if err == nil {
				t.Fatal("passes the check")
			}
			if !strings.Contains(err.Error(), c.want) {
				t.Errorf("caught as %q, want %q", err, c.want)
			}
		})
	}
}

// The broken variants. Those that are only broken when goroutines interleave
// hold a window open for it, so that it does not take luck to catch them.

// A window holds one goroutine back at the worst moment until others have been
// there. It does so 20 times; and when nobody comes, as where there is only
// one goroutine, it gives up after the third.
type window struct {
	open      atomic.Bool
	others    chan struct{}
	waits     atomic.Int32
	fruitless atomic.Int32
}

func newWindow() *window { return &window{others: make(chan struct{}, 8)} }

// passed says that a goroutine has done what the one in the window waits for.
func (w *window) passed() {
	select {
	case w.others <- struct{}{}:
	default:
	}
}

// wait waits until others have passed n times.
func (w *window) wait(n int) {
	if w.waits.Load() >= 20 || w.fruitless.Load() >= 3 || !w.open.CompareAndSwap(false, true) {
		return
	}
	defer w.open.Store(false)
	w.waits.Add(1)
	for len(w.others) > 0 {
		<-w.others
	}
	for range n {
		select {
		case <-w.others:
			w.fruitless.Store(0)
		case <-time.After(20 * time.Millisecond):
			w.fruitless.Add(1)
			return
		}
	}
}

type lastWins struct{ index atomic.Uint64 }

func (x *lastWins) Advance(to uint64) { x.index.Store(to) }
func (x *lastWins) Committed() uint64 { return x.index.Load() }

type staleCopy struct {
	casIndex
	readings atomic.Uint64
	copied   atomic.Uint64
}

func (x *staleCopy) Committed() uint64 {
	if x.readings.Add(1)%4 == 0 {
		x.copied.Store(x.index.Load())
	}
	return x.copied.Load()
}

type oneEarly struct{ casIndex }

func (x *oneEarly) Advance(to uint64) { x.casIndex.Advance(to + 1) }

type skipsSome struct {
	casIndex
	calls atomic.Uint64
}

func (x *skipsSome) Advance(to uint64) {
	if x.calls.Add(1)%3 != 0 {
		x.casIndex.Advance(to)
	}
}

type torn struct {
	low, high atomic.Uint32
	*window
}

func (x *torn) Advance(to uint64) {
	if to <= x.index() {
		return
	}
	x.low.Store(uint32(to))
	x.wait(4) // two readers, so one of them has begun in here
	x.high.Store(uint32(to >> 32))
}

func (x *torn) Committed() uint64 {
	index := x.index()
	x.passed()
	return index
}

func (x *torn) index() uint64 { return uint64(x.high.Load())<<32 | uint64(x.low.Load()) }

type lostUpdate struct {
	index atomic.Uint64
	*window
}

func (x *lostUpdate) Advance(to uint64) {
	index := x.index.Load()
	x.wait(3) // the other writers
	x.index.Store(max(index, to))
	x.passed()
}

func (x *lostUpdate) Committed() uint64 { return x.index.Load() }

// slowStore is the variant store, without saying that it wants one writer.
type slowStore struct {
	storeIndex
	*window
}

func (x *slowStore) Advance(to uint64) {
	if to > x.index.Load() {
		x.wait(3) // the other writers
		x.index.Store(to)
	}
	x.passed()
}
