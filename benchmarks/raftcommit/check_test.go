package raftcommit

import (
	"context"
	"errors"
	"fmt"
	"runtime"
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
// largest changes from round to round; when all are through, the index must be
// that. started is raised before an Advance and finished after it, so at any
// time finished ≤ index ≤ started.
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
	// barrier waits until all writers have come to it n times in all.
	barrier := func(n int) {
		for arrived.Add(1); arrived.Load() < int64(n*writers); {
			runtime.Gosched()
		}
	}
	for w := range writers {
		writing.Go(func() {
			for round := range advances / writers {
				barrier(2*round + 1) // they begin the round together, also on one CPU
				to := uint64(round*writers+(w+round)%writers+1) * unit
				started.Advance(to)
				ix.Advance(to)
				if got := ix.Committed(); got < to {
					failures.add(fmt.Errorf("after Advance(%d) its writer reads %d", to, got))
				}
				finished.Advance(to)
				barrier(2*round + 2)
				if got, want := ix.Committed(), uint64((round+1)*writers)*unit; got < want {
					failures.add(fmt.Errorf("after every writer's Advance the index is %d, want %d", got, want))
				}
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

const (
	raftEntries = 100
	raftBase    = 1 // the index that the members start from
)

// A raftCheck is the state machine of the raft phase.
type raftCheck struct {
	index    Index
	order    func(i uint64, apply, publish, notify func())
	waiters  *waiters
	failures firstError
	applied  atomic.Uint64 // what is really applied
	entries  int
	all      chan struct{} // closed when all entries are applied
}

// step applies an entry. No index may be published before its entry is
// applied, and one that is said to be applied must be visible.
func (c *raftCheck) step(e *pb.Entry) {
	i := e.GetIndex()
	c.order(i,
		func() { c.applied.Store(i) },
		func() {
			if a := c.applied.Load(); i > a {
				c.failures.add(fmt.Errorf("index %d is published, but only %d is applied", i, a))
			}
			c.index.Advance(i)
		},
		func() {
			if got := c.index.Committed(); got < i {
				c.failures.add(fmt.Errorf("index %d is applied, but %d is visible", i, got))
			}
			c.waiters.notify(i)
		})
	if len(e.GetData()) > 0 {
		if c.entries++; c.entries == raftEntries {
			close(c.all)
		}
	}
}

// checkRaft commits entries through raft. Eight waiters between them wait for
// every index.
func checkRaft(s subject, members int) error {
	c := &raftCheck{index: s.New(), order: s.order, all: make(chan struct{})}
	if c.order == nil {
		c.order = func(_ uint64, apply, publish, notify func()) { apply(); publish(); notify() }
	}
	c.waiters = startWaiters(c.index, 8, raftBase, 8)
	group, err := startCluster(members, c.step)
	if err != nil {
		return errors.Join(err, c.waiters.stop())
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for i := range raftEntries {
		if err := group.propose(ctx, []byte{byte(i)}); err != nil {
			c.failures.add(fmt.Errorf("proposing entry %d: %w", i, err))
			break
		}
	}
	if c.failures.err() == nil {
		select {
		case <-c.all:
			awaitWaiters(c.waiters, int64(c.applied.Load()-raftBase))
		case <-ctx.Done():
			c.failures.add(fmt.Errorf("%d entries were proposed but not applied within %v", raftEntries, patience))
		}
	}
	c.failures.add(errors.Join(group.close(), c.waiters.stop()))
	if got, met := c.applied.Load(), c.waiters.met(); c.index.Committed() != got || met != int64(got-raftBase) {
		c.failures.add(fmt.Errorf("%d entries are applied, the index is %d and waiters saw %d of %d", got, c.index.Committed(), met, got-raftBase))
	}
	return c.failures.err()
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
