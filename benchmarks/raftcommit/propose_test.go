package raftcommit

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"testing"
	"time"

	pb "go.etcd.io/raft/v3/raftpb"

	"tunelab/harness/probe"
)

const (
	proposalsPerSecond = 10_000
	waiterCount        = 8
	// waiterStride is how many entries lie between two targets of a waiter:
	// 1,250 wake-ups a second for all eight.
	waiterStride = 64
	// warmups are proposals made before the timed part: the first ones make
	// the leader find out how far its followers are.
	warmups = 16
)

// BenchmarkPropose is rung b: raft itself, proposals in an open loop.
func BenchmarkPropose(b *testing.B) {
	for _, name := range []string{"mutex", "cas", "store"} {
		for _, nodes := range []int{1, 3} {
			b.Run(fmt.Sprintf("impl=%s/nodes=%d/waiters=%d/rate=%s", name, nodes, waiterCount, thousands(proposalsPerSecond)),
				func(b *testing.B) { proposals(b, variant(name).New(), nodes) })
		}
	}
}

// An applier is the leader's state machine. It publishes the applied index
// through the variant, records when that was done, and wakes up the waiters.
type applier struct {
	index   Index
	waiters *waiters
	shard   *probe.Shard
	want    int           // proposals in this batch
	done    chan struct{} // closed when they are applied
}

func (a *applier) apply(e *pb.Entry) {
	a.index.Advance(e.GetIndex())
	if len(e.GetData()) > 0 {
		intended := time.Duration(binary.LittleEndian.Uint64(e.GetData()))
		a.shard.Record(probe.Now() - intended)
		if a.want--; a.want == 0 {
			close(a.done)
		}
	}
	a.waiters.notify(e.GetIndex())
}

// proposals runs b.N of them. An entry's data is when it should have started.
func proposals(b *testing.B, index Index, nodes int) {
	ws := startWaiters(index, waiterCount, 1, waiterStride)
	a := &applier{index: index, waiters: ws, shard: probe.NewRecorder(1).Shard(0)}
	c, err := startCluster(nodes, a.apply)
	if err != nil {
		b.Fatal(errors.Join(err, ws.stop()))
	}
	if _, err := a.run(c, warmups); err != nil {
		b.Fatal(errors.Join(err, c.close(), ws.stop()))
	}

	rec := probe.NewRecorder(1)
	a.shard = rec.Shard(0)
	metBefore := ws.met()
	m := probe.Start(b)
	ran, err := a.run(c, b.N)
	m.Stop()
	met := ws.met() - metBefore

	if err := errors.Join(err, c.close(), ws.stop()); err != nil {
		b.Fatal(err)
	}
	m.Report(probe.Load{Latencies: rec, Schedule: ran, Goroutines: 1 + waiterCount})
	reportRate(b, b.N-1, m.Elapsed(), "commits/s")
	reportRate(b, int(met), m.Elapsed(), "waits/s")
}

// run makes n proposals and waits until they are applied. It gives up ten
// seconds after its schedule's end: a lost proposal ends the benchmark, it does
// not hang it.
func (a *applier) run(c *cluster, n int) (probe.Schedule, error) {
	limit := patience + time.Duration(float64(n)/proposalsPerSecond*float64(time.Second))
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	a.want, a.done = n, make(chan struct{})
	ran, err := probe.NewOpenLoop(proposalsPerSecond).Launch(n, func(_ int, intended time.Duration) error {
		return c.propose(ctx, binary.LittleEndian.AppendUint64(make([]byte, 0, 8), uint64(intended)))
	})
	if err != nil {
		return ran, fmt.Errorf("a proposal was dropped, or not taken within %v: %w", limit, err)
	}
	select {
	case <-a.done:
		return ran, nil
	case <-ctx.Done():
		return ran, fmt.Errorf("%d proposals were taken, but not all of them applied within %v", n, limit)
	}
}
