// Package etcd drives a real etcd server, in a process of its own, and asks two
// things of it: what is a CPU profile worth to its build (scenarios/pgo.toml),
// and how much of its commit latency can the lock round its commit index be
// (scenarios/raftcommit-etcd.toml)?
//
// How a benchmark goes:
//
//  1. The server is the program in server/: etcd's own main and a debug
//     listener, in a module that does not require tunelab. tunelab/harness/probe
//     starts it, as $TUNELAB_SUBJECT says or built by go build, on free ports of
//     the loopback interface, as the only member of its cluster, with a fresh
//     data folder. It stays for all benchmarks that run it alike, and TestMain
//     ends it. Beside fsync, three settings are not etcd's defaults: a shorter
//     election, so that a trial starts in half a second; a larger quota, so
//     that a long one doesn't end; and the log's level.
//
//  2. All 10,000 keys are written, with values of 256 bytes.
//
//  3. 64 clients share four connections (go.etcd.io/etcd/client/v3) and make
//     b.N requests. Request i is the same in every run: its key and value come
//     from a generator seeded with i.
//
//  4. Every answer is looked at, and a watcher's events are counted. A wrong
//     one fails the benchmark.
//
// The benchmarks:
//
//	Etcd/load=L/fsync=F/disk=D/rate=R
//	    load=put    writes a key
//	    load=range  reads one key, or 16 (one request in eight), linearizably
//	    load=txn    writes a key if it exists and reads another, in one request
//	    load=mixed  writes or reads a key, half each, while a watcher follows all
//	    fsync=off   etcd with --unsafe-no-fsync
//	    disk=tmpfs  the data lies in memory; disk: on the first of $TMPDIR,
//	                /var/tmp and the working folder that is not tmpfs
//	    rate=max    a closed loop: each client asks again when it has its answer.
//	                req/s, and no latency.
//	    rate=2k     an open loop: 2,000 requests a second on a schedule. Latency is
//	                from the intended start, so the wait for one of the 64 clients
//	                is in it. On two cores the server is saturated at some 6,000
//	                to 8,000 puts a second; a rate above that shows a queue that
//	                grows as long as the trial lasts.
//	IndexOperation/impl=mutex
//	    One use of a commit index, without etcd: the type that the variant mutex
//	    puts into it, or an atomic.
//
// The metrics, beside those of tunelab/harness/probe (which without "subject-"
// are the load generator's own):
//
//	req/s                 answers a second, closed loop
//	p50-ns p99-ns p99.9-ns, schedule-miss-share  open loop
//	subject-cpu-ns/req    the server's CPU time ÷ requests, user and system
//	subject-block-share   0 to 1: time that the server's goroutines waited for
//	                      locks ÷ (64 × the window's length), 64 being the
//	                      handlers that can be at work. Its own loops wait, too,
//	                      and are only in the numerator.
//	index-ops/req         uses of the commit and the applied index per request;
//	                      only from a server that counts them
//	index-op-ns           one use of an index by one goroutine alone
//	contended-op-ns       the same for each of eight that do nothing else, waits
//	                      included: more contention than etcd makes
//	binary-bytes          size of the server's executable
//
// Before anything is measured the server passes TestCorrect: a model of all
// acknowledged writes against what concurrent readers, transactions, ranges, the
// past, a watcher and a killed and restarted server say. TestCheckCatchesBroken
// shows ten servers that lie and are caught. Four more tests decide claims
// about facts; each logs what it saw.
//
// # How naive versions lie
//
// A client that waits for its answer before it asks again slows down with the
// server and never sees the queue: hence the open loop.
//
// Generator and server in one process share a heap, a scheduler and a CPU
// profile. Here a request's CPU time is read from the server's CPU clock, to
// the nanosecond, and the generator's is apart.
//
// A generator that spins until the next start takes the CPU that it should
// leave to the server, and on one CPU keeps its own scheduler from looking at
// the network: see [tunelab/harness/probe.LaunchAsleep].
//
// CPU time per request falls as the rate rises, for every build, because one
// wake-up then serves several requests (and one fsync several puts). Compare at
// one rate only.
//
// A crash by SIGKILL leaves the kernel's page cache alone. That nothing
// acknowledged is lost after it shows that etcd wrote it, and not that the
// disk has it.
package etcd
