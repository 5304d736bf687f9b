// Package gc asks: what do GC settings, and the way a cache is held, do to a
// control plane?
//
// The control plane is one of a service mesh: a cache of real xDS resources
// (github.com/envoyproxy/go-control-plane/envoy), each a cluster and its
// endpoints, that changes all the time, and subscribers that every change is
// pushed to. How a change goes through:
//
//  1. [Churn] makes a batch: of every four changes two are updates, one
//     deletes a cluster and one adds another. An update is a new [Resource];
//     what was published is never written to again. The seed is fixed, so
//     every variant gets the same batches.
//  2. [ControlPlane.Publish] applies it to the [Cache] and wakes the
//     subscribers, each of them a goroutine in this process.
//  3. A subscriber looks the changed names up in the cache and builds two delta
//     discovery responses, clusters and endpoints. The bytes of a resource are
//     marshalled once for all, as go-control-plane's linear cache does; a
//     response is marshalled for each subscriber, as gRPC does for each stream.
//     That is where most of the garbage comes from. There is no network.
//  4. It receives them: the push's latency is from when the *batch* should have
//     begun, in an open loop, until then. A subscriber gets every batch as a
//     push of its own; one that falls behind is charged for its queue.
//
// The caches are a part of each benchmark's name, impl=…:
//
//	map        a map[string]*Resource under a sync.RWMutex (the base)
//	syncmap    a sync.Map
//	snapshot   copy-on-write, behind an atomic.Pointer
//
// and in MapChurn only:
//
//	rebuilt    as map, but copied when it has shrunk to half
//	sharded    16 maps, each under a lock of its own
//	value      a map[string]value: no object between the map and the messages
//	wire       a map of what the messages are marshalled to, decoded for each reader
//
// The benchmarks, and what b.N is:
//
//	ControlPlane/impl=X/clusters=C/subscribers=S/churn=P
//	    b.N batches, P % of C changes a second. ns/op is the schedule.
//	CalmPlane/…, ColdPlane/…
//	    The same at fewer pushes a second: names of their own, so that a
//	    scenario can give them to other variants and longer slices.
//	Saturated/impl=X/clusters=C/subscribers=S
//	    b.N batches, each when all have the one before: max-push/s. No latency.
//	MapChurn/impl=X/clusters=C
//	    b.N batches of 32 clusters replaced, without subscribers; afterwards
//	    everything is collected and weighed, nine of ten clusters are deleted,
//	    and the container is weighed.
//	ReleaseWaves/impl=map/MiB=M
//	    b.N times M MiB are filled, dropped and given back to the kernel, after
//	    once that does not count.
//	LiveSet/live=P
//	    As ControlPlane with impl=map, at 200 changes a second to 200
//	    subscribers, with a live heap of P % of the memory limit: of
//	    TUNELAB_MEMORY_LIMIT bytes, or of 256 MiB where that is not set.
//
// With TUNELAB_AUTOMEMLIMIT set, LiveSet takes nine tenths of its cgroup's
// memory limit for GOMEMLIMIT by itself. GOGC, GOMEMLIMIT and GODEBUG come from
// the environment. To read the caches side by side:
//
//	GODEBUG=gctrace=1 go test -bench=ControlPlane . | benchstat -col /impl -
//
// # Metrics
//
// Each thing under its own name. Those of tunelab/harness/probe, and:
//
//	push-p50-ns -p95- -p99- -max-  latency of pushes, from the intended start
//	push/s max-push/s              pushes received: by schedule, and at most
//	mark-ns mark-max-ns            how long a concurrent mark lasts on the wall clock: mean and longest
//	heap-inuse-over-alloc          bytes in spans that are in use ÷ bytes allocated in them, after a collection; ≥ 1
//	replaced/s                     MapChurn: clusters replaced
//	live-bytes full-GC-ns          MapChurn: the full cache's live heap; the shortest of 5 collections of it
//	scan-ns map-bytes              MapChurn: the fastest pass over what is left; the container's bytes (and wire's content)
//	reclaim-ns fill-ns             ReleaseWaves: one debug.FreeOSMemory, and one filling before it
//	minor-faults RSS-after-bytes LazyFree-bytes
//	                               ReleaseWaves: page faults of one filling; what /proc/self/smaps_rollup says at the end
//	peak-RSS-of-limit              LiveSet: peak-RSS-bytes ÷ the limit
//
// STW-ns, STW-max-ns and STW-p99-ns are pauses: nothing runs. mark-cpu-ns is
// the CPU time of the mark workers and mark-ns the time from one pause to the
// other, while the program runs beside them. assist-cpu-ns is marking that
// allocating goroutines had to do. The runtime has no metric for mark-ns. It is
// taken from the runtime's own trace, so it is reported only when the process
// was started with GODEBUG=gctrace=1, on Linux. A trace line costs a write a cycle;
// the lines go to a file, and a crash still reports on standard error.
//
// A trial of a second or two has some 40 pauses, and the 95th percentile of
// them would rest on two. STW-max-ns is an upper bound of every percentile.
// Pushes of one batch are late together, so push-p99-ns of a second is one
// batch in a hundred. The scenario's blocks show how much that varies.
//
// # How naive versions lie
//
// Calling the concurrent mark a pause: it lasts milliseconds where pauses are
// fractions of one. (In an issue about Istio's pilot, istio/istio#14095, a
// line of GC trace shows 0.055 + 0.035 ms of pauses and 4.1 ms of mark.)
//
// A trial without a collection measures nothing: a slice holds 20 cycles at
// GOGC=100 in ControlPlane. Cycles a second ≈ churn × subscribers × a quarter,
// whatever the number of clusters, for the garbage grows with the live heap;
// hence long slices at low churn. LiveSet can't have 20 near its limit at
// GOGC=100, and says how many it had.
//
// A recorder for each subscriber would be 125 MB of live heap, and the fewer
// collections that go with it. Four are shared.
//
// On two CPUs the generator takes part of one: it sleeps until 4 ms before a
// batch and yields from there on. It is the same for all variants, and it is
// the reason for mark-idle-cpu-ns being small. GC-CPU-share is of GOMAXPROCS.
//
// heap-inuse-over-alloc right after a collection is no sign of fragmentation
// by itself: what was just freed between live objects is filled again by the
// next cycle's allocations. Compare variants, not with 1. And where most of
// the heap is clusters, their spans hide the map's: map-bytes is the map's own.
//
// RSS alone "proves" that madvdontneed=1 gives back more. Pages given back by
// MADV_FREE stay resident, as LazyFree, until the kernel wants them, and that
// is why filling them again costs no page faults.
//
// A memory limit counts page cache and kernel memory too. The runtime gives
// the collector at most half the CPU when it can't keep GOMEMLIMIT, so a limit
// that is too tight shows as latency and GC-CPU-share before it shows as OOM.
//
// sync.Map has no batches: a response may hold some resources of a later
// version. TestCorrect/impl=X checks what all must keep: no stale push, none
// lost, and the cache's exact content in the end.
package gc
