package raftcommit

import (
	"context"
	"errors"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"go.etcd.io/raft/v3"
	pb "go.etcd.io/raft/v3/raftpb"
)

// The parts that the benchmarks are built of.

func TestClusterCompactsItsLogs(t *testing.T) {
	applied := make(chan uint64, compactEvery+keepBehind)
	c, err := startCluster(3, func(e *pb.Entry) {
		if len(e.GetData()) > 0 {
			applied <- e.GetIndex()
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var last uint64
	commit := func(entries int) {
		for range entries {
			if err := c.propose(ctx, []byte("x")); err != nil {
				t.Fatal(err)
			}
		}
		for range entries {
			select {
			case last = <-applied:
			case <-ctx.Done():
				t.Fatalf("entries were not applied within %v", patience)
			}
		}
	}
	// A log is cut behind the slowest member, so the members are brought to one
	// index shortly before it happens.
	const before = compactEvery - 100
	commit(before)
	for _, m := range c.members {
		for m.applied.Load() < last && ctx.Err() == nil {
			time.Sleep(time.Millisecond)
		}
	}
	commit(200)
	if err := c.close(); err != nil {
		t.Fatal(err)
	}
	first, err := c.members[0].storage.FirstIndex()
	if want := uint64(before - keepBehind); err != nil || first < want {
		t.Errorf("the leader's log begins at %d (%v) after index %d, want %d or more", first, err, last, want)
	}
}

func TestStoppedClusterRefusesProposals(t *testing.T) {
	before := runtime.NumGoroutine()
	for _, members := range []int{1, 3} {
		c, err := startCluster(members, func(*pb.Entry) {})
		if err != nil {
			t.Fatal(err)
		}
		if err := c.close(); err != nil {
			t.Fatal(err)
		}
		if err := c.propose(context.Background(), []byte("x")); !errors.Is(err, raft.ErrStopped) {
			t.Errorf("%d members: a proposal after close gives %v, want %v", members, err, raft.ErrStopped)
		}
	}
	// A goroutine that has said that it is done may still be returning.
	for range 1000 {
		if runtime.NumGoroutine() <= before {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Errorf("%d goroutines before, %d after the clusters were closed", before, runtime.NumGoroutine())
}

func TestWaitersWakeUpAtTheirTargets(t *testing.T) {
	ix := variant("cas").New()
	ix.Advance(3) // the first targets are reached before anybody waits
	ws := startWaiters(ix, 4, 0, 4)
	for i := uint64(4); i <= 100; i++ {
		ix.Advance(i)
		ws.notify(i)
	}
	awaitWaiters(ws, 100)
	if err := ws.stop(); err != nil {
		t.Fatal(err)
	}
	if got := ws.met(); got != 100 {
		t.Errorf("%d targets met, want each index from 1 to 100 once", got)
	}
}

func TestWaitersReportAnIndexThatIsNotThere(t *testing.T) {
	ix := variant("cas").New()
	ws := startWaiters(ix, 1, 0, 1)
	for ws.each[0].target.Load() == 0 {
		runtime.Gosched()
	}
	ws.notify(1) // without having advanced the index
	ws.running.Wait()
	if err := ws.stop(); err == nil {
		t.Error("no error")
	}
}

// goesBack is 0, 1, 0, 1, …
type goesBack struct{ readings atomic.Uint64 }

func (x *goesBack) Advance(uint64)    {}
func (x *goesBack) Committed() uint64 { return x.readings.Add(1) % 2 }

func TestReadersReportAnIndexThatGoesBack(t *testing.T) {
	rs, begin := spinning(new(goesBack), 1)
	begin()
	for rs.reads() == 0 {
		runtime.Gosched()
	}
	if err := rs.stop(); err == nil {
		t.Error("spinning readers: no error")
	}

	rs = paced(new(goesBack), 2, 64_000)
	for rs.reads() < 10 {
		time.Sleep(time.Millisecond)
	}
	if err := rs.stop(); err == nil {
		t.Error("paced readers: no error")
	}

	if err := paced(variant("store").New(), 2, 64_000).stop(); err != nil {
		t.Error(err)
	}
}
