// Package raftcommit asks: does replacing the mutex round a Raft commit index
// by atomics lower commit latency?
//
// The article that the lab re-tests says yes, from 124 to 41 µs at the 99th
// percentile on 16 cores with 10,000 writes a second, and that etcd did so.
// The variants are a part of each benchmark's name, impl=…:
//
//	mutex         sync.Mutex round the index (the base)
//	rwmutex       sync.RWMutex
//	cas           the article's compare-and-swap loop; any number of writers
//	store         an atomic store; one writer, as in raft
//	…-pad64       the same in a cache line of its own
//	…-pad128      the same in a pair of cache lines of its own
//
// A ladder, because each rung says something that the others can't:
//
//	CommitIndex/impl=X/readers=R/reads=S/rate=C
//	    The index alone. One goroutine commits C times a second in an open
//	    loop, R goroutines read it S times a second in all. b.N is the number
//	    of commits. ns/op is the schedule and says nothing: 1/C. What counts is
//	    the latency from the intended start, p50-ns to max-ns. A reading of the
//	    clock takes 20 to 50 ns and is in it; so a commit of 5 ns or of 15 ns
//	    is a small part even of the median.
//	CommitIndexSaturated/impl=X/readers=R
//	    The same in a closed loop without a pause: max-commits/s and
//	    max-reads/s, no latency. Read the two together: with one reader the
//	    mutex commits more than the atomics do, because its reader has to wait
//	    and so leaves the cache line to the writer.
//	PacedReaders/impl=X/readers=R/reads=S
//	    The readers of the first rung alone: CPU-share is what they cost.
//	FalseSharing/impl=X
//	    Two words, each advanced by a thread on a CPU of its own: what lying
//	    in one cache line costs. The mean of both threads as max-commits/s.
//	Propose/impl=X/nodes=N/waiters=8/rate=10k
//	    Raft itself (go.etcd.io/raft/v3, its raft.Node and MemoryStorage), one
//	    or three members in one process, joined by channels. Proposals in an
//	    open loop; latency from the intended proposal until it is applied at
//	    the leader and the applied index is published through the variant.
//	    Eight goroutines wait for indexes. No disk and no network: every real
//	    system is slower, and the index a smaller part of it.
//
// To read all variants side by side:
//
//	go test -bench=. ./benchmarks/raftcommit | benchstat -col /impl -
//
// Before anything is measured every variant passes TestCorrect/impl=X. Three
// more tests decide claims of the article that are about facts and not times;
// each logs what it saw in one line.
//
// # Block share
//
// The article's "goroutine block rate" is measured as block-share: the time
// spent waiting for locks, by the runtime's own count, ÷ (goroutines that use
// the index × seconds). In CommitIndex these are the committer and the readers,
// in Propose the leader's apply loop and the waiters. Its limits are in the
// documentation of tunelab/harness/probe: above all, the runtime samples one
// wait in eight and counts its internal locks too, so a variant without a lock
// need not show 0.
//
// # How naive versions lie
//
// Readers that spin measure the scheduler. On two CPUs, with eight spinning
// readers and 10,000 commits a second, the mutex showed a 99th percentile of
// 5.5 ms and the atomics 97 ms: a reader that has to wait for the mutex parks
// and gives its CPU away, one that reads an atomic keeps it for its 10 ms. So
// readers here are paced, all of them together use at most a quarter of a CPU,
// and never pausing is a throughput benchmark of its own.
//
// A closed loop (RunParallel, say) keeps the index busy all the time. At
// 10,000 commits a second it is busy for a ten-thousandth of it.
//
// Starting the clock when a commit begins, instead of when it should have
// begun, leaves out the time it queued: a stall of 10 ms then counts once and
// not a hundred times.
//
// Calling an atomic directly and a mutex through a function compares inlining.
// Here every variant is called through the interface Index.
//
// Two goroutines that happen to run on one CPU share a cache line at no cost.
// FalseSharing pins its threads, and is skipped where there is one CPU.
package raftcommit
