package raftcommit

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	pb "go.etcd.io/raft/v3/raftpb"
)

// A subject is what check checks: a variant, and the order in which the raft
// phase applies an entry, publishes its index and notifies the waiters.
type subject struct {
	Variant
	order func(i uint64, apply, publish, notify func()) // nil: in that order
}

// check is the correctness test that every variant must pass before it is
// measured. It has four phases: one goroutine; a writer and readers; several
// writers, unless the variant allows only one; and raft, with one member and
// with three.
func check(s subject) error {
	phases := []struct {
		name string
		run  func() error
	}{
		{"one goroutine", func() error { return checkSequence(s.New()) }},
		{"one writer", func() error { return checkConcurrent(s.New(), 1) }},
		{"four writers", func() error { return checkConcurrent(s.New(), 4) }},
		{"raft with 1 member", func() error { return checkRaft(s, 1) }},
		{"raft with 3 members", func() error { return checkRaft(s, 3) }},
	}
	for _, p := range phases {
		if p.name == "four writers" && s.SingleWriter {
			continue
		}
		if err := p.run(); err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
	}
	return nil
}

// checkSequence: the index is the maximum of what it was advanced to, and any
// number of readings agree.
func checkSequence(ix Index) error {
	var highest uint64
	for _, to := range []uint64{0, 1, 2, 2, 1, 5, 3, 0, 6, 7, 8, 9, 10, 1<<32 - 1, 1 << 32, 1<<32 - 1, 1<<32 + 1, 7, 1 << 63, 1<<64 - 1, 1} {
		ix.Advance(to)
		highest = max(highest, to)
		for range 5 {
			if got := ix.Committed(); got != highest {
				return fmt.Errorf("after Advance(%d) the index is %d, want %d", to, got, highest)
			}
		}
	}
	return nil
}

const (
	advances = 2000
	// unit is what indexes are multiples of in the concurrent phases. Odd, and
	// half of 2³² and a bit, so that both halves of the word change nearly
	// every time and a reading made up of two of them is not a multiple.
	unit = 1<<31 + 1
)

// checkConcurrent has writers raise the index in lockstep while two readers
// look on. In each round every writer has a value of its own, and who has the
// largest changes from round to round. started is raised before an Advance and
// finished after it, so at any time finished ≤ index ≤ started.
func checkConcurrent(ix Index, writers int) error {
	var started, finished casIndex // proved in TestAdvanceCommittedIsMonotone
	var failures firstError
	var done atomic.Bool
	var arrived atomic.Int64
	var reading, writing sync.WaitGroup
	for range 2 {
		reading.Go(func() {
			for last := uint64(0); !done.Load(); runtime.Gosched() {
				atLeast := finished.Committed()
				got := ix.Committed()
				failures.add(oneReading(got, last, atLeast, started.Committed()))
				last = got
			}
		})
	}
	for w := range writers {
		writing.Go(func() {
			for round := range advances / writers {
				// All begin the round together, also on one CPU.
				for arrived.Add(1); arrived.Load() < int64((round+1)*writers); {
					runtime.Gosched()
				}
				to := uint64(round*writers+(w+round)%writers+1) * unit
				started.Advance(to)
				ix.Advance(to)
				if got := ix.Committed(); got < to {
					failures.add(fmt.Errorf("after Advance(%d) its writer reads %d", to, got))
				}
				finished.Advance(to)
				if round%8 == 0 {
					runtime.Gosched() // to the readers
				}
			}
		})
	}
	writing.Wait()
	done.Store(true)
	reading.Wait()
	if got := ix.Committed(); got != advances*unit {
		failures.add(fmt.Errorf("the index ends at %d, want %d", got, uint64(advances*unit)))
	}
	return failures.err()
}

// oneReading says what is wrong with one reading of the index; nil if nothing is.
func oneReading(got, last, atLeast, atMost uint64) error {
	switch {
	case got%unit != 0:
		return fmt.Errorf("a reader sees %d, which nobody wrote", got)
	case got < last:
		return fmt.Errorf("a reader sees the index go back from %d to %d", last, got)
	case got < atLeast:
		return fmt.Errorf("a reader sees %d after Advance(%d) had returned", got, atLeast)
	case got > atMost:
		return fmt.Errorf("a reader sees %d before Advance was called with more than %d", got, atMost)
	}
	return nil
}

// firstError keeps the first of several goroutines' errors.
type firstError struct{ first atomic.Pointer[error] }

func (f *firstError) add(err error) {
	if err != nil {
		f.first.CompareAndSwap(nil, &err)
	}
}

func (f *firstError) err() error {
	if err := f.first.Load(); err != nil {
		return *err
	}
	return nil
}

// checkRaft commits 100 entries through raft. Eight waiters between them wait
// for every index. No index may be published before its entry is applied; and
// one whose entry is applied must be visible to those who are told so.
func checkRaft(s subject, members int) error {
	const entries, base = 100, 1 // base: the index that the members start from
	order := s.order
	if order == nil {
		order = func(_ uint64, apply, publish, notify func()) { apply(); publish(); notify() }
	}
	var failures firstError
	var applied atomic.Uint64 // the state machine: what is really applied
	ix := s.New()
	ws := startWaiters(ix, 8, base, 8)
	all := make(chan struct{})
	proposals := 0
	c, err := startCluster(members, func(e *pb.Entry) {
		i := e.GetIndex()
		order(i,
			func() { applied.Store(i) },
			func() {
				if a := applied.Load(); i > a {
					failures.add(fmt.Errorf("index %d is published, but only %d is applied", i, a))
				}
				ix.Advance(i)
			},
			func() {
				if got := ix.Committed(); got < i {
					failures.add(fmt.Errorf("index %d is applied, but %d is visible", i, got))
				}
				ws.notify(i)
			})
		if len(e.GetData()) > 0 {
			if proposals++; proposals == entries {
				close(all)
			}
		}
	})
	if err != nil {
		return errors.Join(err, ws.stop())
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for i := range entries {
		if err := c.propose(ctx, []byte{byte(i)}); err != nil {
			failures.add(fmt.Errorf("proposing entry %d: %w", i, err))
			break
		}
	}
	if failures.err() == nil {
		select {
		case <-all:
			awaitWaiters(ws, int64(applied.Load()-base))
		case <-ctx.Done():
			failures.add(fmt.Errorf("%d entries were proposed but not applied within %v", entries, patience))
		}
	}
	if err := errors.Join(c.close(), ws.stop()); err != nil {
		failures.add(err)
	}
	if got := applied.Load(); failures.err() == nil && (ix.Committed() != got || ws.met() != int64(got-base)) {
		failures.add(fmt.Errorf("%d entries are applied, the index is %d and waiters saw %d of %d", got, ix.Committed(), ws.met(), got-base))
	}
	return failures.err()
}

// awaitWaiters gives waiters that were woken up the time to say so.
func awaitWaiters(ws *waiters, targets int64) {
	for range 1000 {
		if ws.met() >= targets {
			return
		}
		time.Sleep(time.Millisecond)
	}
}

func TestCorrect(t *testing.T) {
	for _, v := range Variants() {
		t.Run("impl="+v.Name, func(t *testing.T) {
			if err := check(subject{Variant: v}); err != nil {
				t.Error(err)
			}
		})
	}
}

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
	x.wait(1)
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
		x.wait(1)
		x.index.Store(to)
	}
	x.passed()
}
