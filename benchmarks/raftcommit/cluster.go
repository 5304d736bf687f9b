package raftcommit

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"go.etcd.io/raft/v3"
	pb "go.etcd.io/raft/v3/raftpb"
)

const (
	// compactEvery is how many entries a member applies between compactions of
	// its log, and keepBehind how many it keeps that all members have applied.
	compactEvery = 4096
	keepBehind   = 1024
	// inboxSize bounds the messages on their way to a member.
	inboxSize = 4096
	// patience bounds every wait that is not the measured one: for an
	// election, and for goroutines to end.
	patience = 10 * time.Second
)

// A cluster is a Raft group in one process: raft.Node and MemoryStorage as
// they come, and channels for a network. Member 1 leads.
//
// Nothing in it ticks: without ticks no election starts and no heartbeat is
// sent, and none is needed, because the network loses nothing. Messages are
// passed by pointer, unencoded and uncopied; raft does not change an entry
// once it is in the log. A commit is as cheap as raft allows, which makes the
// index's share of it as large as it can be.
type cluster struct {
	members  []*member
	stopping chan struct{}
	running  sync.WaitGroup
}

type member struct {
	id      uint64
	node    raft.Node
	storage *raft.MemoryStorage
	inbox   chan *pb.Message
	apply   func(*pb.Entry)
	applied atomic.Uint64 // for compaction, never for the measurement
	// compacted is where its log begins; only the member's own loop uses it.
	compacted uint64
}

// startCluster starts n members and has the first one elected. apply is called
// in the leader's loop with each entry that it applies, in order; entries
// without data are raft's own. The cluster runs until close.
func startCluster(n int, apply func(*pb.Entry)) (*cluster, error) {
	c := &cluster{stopping: make(chan struct{})}
	elected := make(chan struct{})
	signal := sync.OnceFunc(func() { close(elected) })
	voters := make([]uint64, n)
	for i := range voters {
		voters[i] = uint64(i) + 1
	}
	for _, id := range voters {
		m, err := newMember(id, voters)
		if err != nil {
			return nil, errors.Join(err, c.close())
		}
		if id == 1 {
			m.apply = func(e *pb.Entry) { apply(e); signal() }
		}
		c.members = append(c.members, m)
	}
	for _, m := range c.members {
		c.running.Go(func() { c.receive(m) })
		c.running.Go(func() { c.loop(m) })
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := c.members[0].node.Campaign(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("campaigning: %w", err), c.close())
	}
	select {
	case <-elected: // the leader has applied the empty entry of its term
		return c, nil
	case <-ctx.Done():
		return nil, errors.Join(fmt.Errorf("no leader after %v", patience), c.close())
	}
}

func newMember(id uint64, voters []uint64) (*member, error) {
	// The members of the group stand in a snapshot, so that no entry of the
	// log has to be a change of configuration.
	storage := raft.NewMemoryStorage()
	index, term := uint64(1), uint64(1)
	err := storage.ApplySnapshot(&pb.Snapshot{Metadata: &pb.SnapshotMetadata{
		ConfState: &pb.ConfState{Voters: voters}, Index: &index, Term: &term,
	}})
	if err == nil {
		err = storage.SetHardState(&pb.HardState{Term: &term, Commit: &index})
	}
	if err != nil {
		return nil, fmt.Errorf("starting member %d: %w", id, err)
	}
	m := &member{id: id, storage: storage, inbox: make(chan *pb.Message, inboxSize), apply: func(*pb.Entry) {}, compacted: index}
	m.applied.Store(index)
	m.node = raft.RestartNode(&raft.Config{
		ID:              id,
		ElectionTick:    10,
		HeartbeatTick:   1,
		Storage:         storage,
		Applied:         index,
		MaxSizePerMsg:   math.MaxUint64,
		MaxInflightMsgs: 256,
		Logger:          silent(),
	})
	return m, nil
}

// silent is a logger for raft that writes nothing.
func silent() raft.Logger { return &raft.DefaultLogger{Logger: log.New(io.Discard, "", 0)} }

// loop does for one member what raft asks of its user: persist, send, apply.
func (c *cluster) loop(m *member) {
	for {
		select {
		case <-c.stopping:
			return
		case rd := <-m.node.Ready():
			if !raft.IsEmptyHardState(rd.HardState) {
				_ = m.storage.SetHardState(rd.HardState) // never fails in memory
			}
			_ = m.storage.Append(rd.Entries)
			c.send(rd.Messages)
			for _, e := range rd.CommittedEntries {
				m.apply(e)
				m.applied.Store(e.GetIndex())
			}
			c.compact(m)
			m.node.Advance()
		}
	}
}

// send can't deadlock, although a full inbox makes it wait: what empties an
// inbox needs only that member's raft goroutine, and that one waits for nobody.
func (c *cluster) send(messages []*pb.Message) {
	for _, msg := range messages {
		select {
		case c.members[msg.GetTo()-1].inbox <- msg:
		case <-c.stopping:
			return
		}
	}
}

// receive hands a member its messages in the order in which they were sent.
func (c *cluster) receive(m *member) {
	for {
		select {
		case <-c.stopping:
			return
		case msg := <-m.inbox:
			_ = m.node.Step(context.Background(), msg) // fails only when stopped
		}
	}
}

// compact drops entries that every member has applied long ago, or a long run
// would grow without bound. No snapshot is ever sent, because no member lags
// behind what is kept.
func (c *cluster) compact(m *member) {
	if m.applied.Load()-m.compacted < compactEvery {
		return
	}
	oldest := uint64(math.MaxUint64)
	for _, other := range c.members {
		oldest = min(oldest, other.applied.Load())
	}
	if oldest > m.compacted+keepBehind {
		m.compacted = oldest - keepBehind
		_ = m.storage.Compact(m.compacted) // fails only if compacted already
	}
}

// propose hands the leader an entry and waits until it has taken it, not until
// it is committed. It fails when the leader drops the entry or ctx ends.
func (c *cluster) propose(ctx context.Context, data []byte) error {
	return c.members[0].node.Propose(ctx, data)
}

// close stops the members and waits until all goroutines have ended. It
// reports an error if they don't within ten seconds.
func (c *cluster) close() error {
	close(c.stopping)
	ended := make(chan struct{})
	go func() {
		for _, m := range c.members {
			m.node.Stop()
		}
		c.running.Wait()
		close(ended)
	}()
	select {
	case <-ended:
		return nil
	case <-time.After(patience):
		return fmt.Errorf("the cluster's goroutines still run %v after they were stopped", patience)
	}
}
