package raftcommit

import (
	"math"
	"slices"
	"testing"

	"go.etcd.io/raft/v3"
	pb "go.etcd.io/raft/v3/raftpb"
	"go.etcd.io/raft/v3/tracker"
)

// A figure8Cluster is five raft.RawNodes without goroutines, clocks or a
// network: a message arrives when the test lets it.
type figure8Cluster struct {
	t       *testing.T
	nodes   map[uint64]*raft.RawNode
	storage map[uint64]*raft.MemoryStorage
	// newTerm is the term whose entries are held back from member 3, or 0.
	newTerm uint64
}

func newFigure8Cluster(t *testing.T) *figure8Cluster {
	t.Helper()
	c := &figure8Cluster{t: t, nodes: map[uint64]*raft.RawNode{}, storage: map[uint64]*raft.MemoryStorage{}}
	voters := []uint64{1, 2, 3, 4, 5}
	for _, id := range voters {
		storage := raft.NewMemoryStorage()
		index, term := uint64(1), uint64(1)
		err := storage.ApplySnapshot(&pb.Snapshot{Metadata: &pb.SnapshotMetadata{
			ConfState: &pb.ConfState{Voters: voters}, Index: &index, Term: &term,
		}})
		c.must(err)
		c.must(storage.SetHardState(&pb.HardState{Term: &term, Commit: &index}))
		c.storage[id] = storage
		c.restart(id)
	}
	return c
}

func (c *figure8Cluster) must(err error) {
	c.t.Helper()
	if err != nil {
		c.t.Fatal(err)
	}
}

// restart makes a member forget all but what it has stored.
func (c *figure8Cluster) restart(id uint64) {
	node, err := raft.NewRawNode(&raft.Config{
		ID: id, ElectionTick: 10, HeartbeatTick: 1, Storage: c.storage[id], Applied: 1,
		MaxSizePerMsg:   0, // an entry a message, so that they can be held back one by one
		MaxInflightMsgs: math.MaxInt32, Logger: silent(),
	})
	c.must(err)
	c.nodes[id] = node
}

// settle carries messages between the given members, one at a time and in
// order, until there are none left. Everything to and from others is lost.
func (c *figure8Cluster) settle(members ...uint64) {
	var queue []*pb.Message
	for {
		for _, id := range []uint64{1, 2, 3, 4, 5} {
			for c.nodes[id].HasReady() {
				if sent := c.ready(id); slices.Contains(members, id) {
					queue = append(queue, sent...)
				}
			}
		}
		if len(queue) == 0 {
			return
		}
		m := queue[0]
		queue = queue[1:]
		if slices.Contains(members, m.GetTo()) && !c.heldBack(m) {
			c.must(c.nodes[m.GetTo()].Step(m))
		}
	}
}

// heldBack is true of a message that would bring member 3 an entry of newTerm.
// (One that 3 will refuse, because it lacks the entry before, goes through: by
// that refusal the leader learns what 3 needs first.)
func (c *figure8Cluster) heldBack(m *pb.Message) bool {
	last, err := c.storage[3].LastIndex()
	c.must(err)
	return m.GetTo() == 3 && m.GetIndex() <= last &&
		slices.ContainsFunc(m.GetEntries(), func(e *pb.Entry) bool { return e.GetTerm() == c.newTerm })
}

// ready stores what a member wants stored and returns what it wants sent.
func (c *figure8Cluster) ready(id uint64) []*pb.Message {
	rd := c.nodes[id].Ready()
	c.must(c.storage[id].Append(rd.Entries))
	if !raft.IsEmptyHardState(rd.HardState) {
		c.must(c.storage[id].SetHardState(rd.HardState))
	}
	c.nodes[id].Advance(rd)
	return rd.Messages
}

// tryElect restarts a member and lets it campaign twice, the first time
// unheard: so its term is newer than that of the leader before.
func (c *figure8Cluster) tryElect(id uint64, voters ...uint64) {
	c.restart(id)
	c.must(c.nodes[id].Campaign())
	c.settle(id)
	c.must(c.nodes[id].Campaign())
	c.settle(append(voters, id)...)
}

func (c *figure8Cluster) electAgain(id uint64, voters ...uint64) {
	c.t.Helper()
	if c.tryElect(id, voters...); !c.leads(id) {
		c.t.Fatalf("member %d was not elected by %v", id, voters)
	}
}

func (c *figure8Cluster) leads(id uint64) bool {
	return c.nodes[id].BasicStatus().RaftState == raft.StateLeader
}

func (c *figure8Cluster) commit(id uint64) uint64 { return c.nodes[id].BasicStatus().GetCommit() }

func (c *figure8Cluster) dataAt(id, index uint64) string {
	entries, err := c.storage[id].Entries(index, index+1, math.MaxUint64)
	c.must(err)
	return string(entries[0].GetData())
}

// untilOldEntryIsOnAQuorum plays Figure 8 up to step c, and returns the index
// of the old leader's entry B and what leader 1 knows to be stored where.
func (c *figure8Cluster) untilOldEntryIsOnAQuorum() (index uint64, match map[uint64]uint64) {
	c.t.Helper()
	c.newTerm = math.MaxUint64 // nothing is held back yet
	// a: 1 leads and gets its entries, the last of them B, to 2 only. (Raft
	// begins each term with an empty entry, so B's index is 3, not 2.)
	c.must(c.nodes[1].Campaign())
	c.settleVotes(1, 2, 3)
	if !c.leads(1) {
		c.t.Fatal("member 1 was not elected by 2 and 3")
	}
	c.must(c.nodes[1].Propose([]byte("B")))
	c.settle(1, 2)
	index, err := c.storage[1].LastIndex()
	c.must(err)
	// b: 1 fails; 5 is elected by 3 and 4 and fails before C gets anywhere.
	c.restart(5)
	c.must(c.nodes[5].Campaign())
	c.settle(5)
	c.must(c.nodes[5].Campaign())
	c.settleVotes(5, 3, 4)
	if !c.leads(5) {
		c.t.Fatal("member 5 was not elected by 3 and 4")
	}
	c.must(c.nodes[5].Propose([]byte("C")))
	c.settle(5)
	// c: 1 is elected again. All of its log gets to 2; to 3, what is of old
	// terms.
	c.newTerm = c.nodes[1].BasicStatus().GetTerm() + 2
	c.electAgain(1, 2, 3)
	match = map[uint64]uint64{}
	c.nodes[1].WithProgress(func(id uint64, _ raft.ProgressType, pr tracker.Progress) { match[id] = pr.Match })
	return index, match
}

// settleVotes carries only votes.
func (c *figure8Cluster) settleVotes(members ...uint64) {
	candidate := members[0]
	for _, request := range c.ready(candidate) {
		if slices.Contains(members, request.GetTo()) {
			c.must(c.nodes[request.GetTo()].Step(request))
		}
	}
	for _, voter := range members[1:] {
		for _, vote := range c.ready(voter) {
			c.must(c.nodes[candidate].Step(vote))
		}
	}
}

// deliverNewTermTo lets through the entries that were held back.
func (c *figure8Cluster) deliverNewTermTo(id uint64) {
	c.newTerm = math.MaxUint64
	// What was held back is lost; a heartbeat makes the leader send it again.
	c.nodes[1].Tick()
	c.settle(1, id)
}

// quorumOf is the highest index that three of five members have.
func quorumOf(match map[uint64]uint64) uint64 {
	var indexes []uint64
	for _, i := range match {
		indexes = append(indexes, i)
	}
	slices.Sort(indexes)
	return indexes[len(indexes)-3]
}
