// Package probe is what a benchmark of tunelab imports to measure what the
// testing package does not: latency under load, and what the runtime and the
// kernel did meanwhile. Everything leaves as a Go benchmark metric, so any
// `go test -bench` package can use it and any tool that reads the Go benchmark
// format can read it.
//
// How the data goes through, in the order in which it happens:
//
//  1. The benchmark does its setup and calls [Start]. That resets the
//     benchmark's timer and then takes a snapshot of runtime/metrics, in this
//     order, because resetting the timer stops the world for a moment and that
//     pause is not the benchmark's.
//
//  2. An [OpenLoop] starts operation i at t0 + i/rate, whatever became of the
//     operations before it. It waits by sleeping, then by yielding, and at the
//     end by spinning on the clock (see [OpenLoop] for the three and why).
//
//  3. A latency is the time from the *intended* start to the end. An operation
//     that had to queue behind a slow one is charged for the queue; measuring
//     from the actual start would hide it (coordinated omission). [OpenLoop.Call]
//     measures operations that are done when they return. [OpenLoop.Launch] is
//     for those that complete elsewhere: it hands out the intended start, and
//     whoever sees the completion records [Now] minus that.
//
//  4. Each recording goroutine owns a [Shard] of the [Recorder]: an HDR
//     histogram without a lock, so that recording neither allocates nor waits.
//     Values that the histogram can't hold are clamped and counted.
//
//  5. [Measurement.Stop] takes the second snapshot, then stops the timer.
//
//  6. [Measurement.Report] merges the shards, subtracts the snapshots and hands
//     every figure to testing.B.ReportMetric. A quantile is left out unless at
//     least 20 operations lie beyond it: p50 needs 40 operations, p99 2,000,
//     p99.9 20,000.
//
// In a benchmark:
//
//	rec := probe.NewRecorder(1)
//	m := probe.Start(b)
//	ran := probe.NewOpenLoop(10_000).Call(b.N, rec.Shard(0), func(i int) { put(i) })
//	m.Stop()
//	m.Report(probe.Load{Latencies: rec, Schedule: ran, Goroutines: 9})
//
// The metrics, all of them finite and never negative:
//
//	p50-ns p99-ns p99.9-ns  latency quantiles, from the intended start
//	max-ns                  the largest latency
//	clamped-ops             latencies outside the histogram's range; only when there are any
//	schedule-miss-share     how much longer the starts took than scheduled: 0.02 is 2 %
//	mutex-wait-ns           time spent waiting for locks, all goroutines together
//	block-share             the same per goroutine-second, 0 to 1
//	GC-cycles               collections completed
//	GC-CPU-share            GC's part of the CPU time that GOMAXPROCS allows, 0 to 1
//	STW-ns                  time in stop-the-world pauses, the collector's and others
//	STW-max-ns              the collector's longest pause; only when there was one
//	STW-p99-ns              99th percentile of the collector's pauses: 2,000 of them, two in a cycle
//	mark-cpu-ns             CPU time of the collector's own mark workers
//	mark-idle-cpu-ns        the part of mark-cpu-ns that took CPUs which had nothing else to do
//	assist-cpu-ns           CPU time of marking that allocating goroutines had to do
//	sched-p99-ns            99th percentile of the wait from runnable to running
//	heap-bytes              live heap, as marked by the last collection
//	peak-RSS-bytes          the process's largest resident set so far (Linux)
//
// # Block share
//
// The article that the lab re-tests gives a "goroutine block rate" without
// defining it. Here:
//
//	block-share = time waited for sync.Mutex, sync.RWMutex and runtime locks
//	              ÷ (participating goroutines × seconds of the timed part)
//
// The numerator is the runtime's own /sync/mutex/wait/total:seconds, because
// it costs the measured program nothing that it does not already pay. (The
// mutex and block profiles would need a sampling rate, and a rate that sees
// short waits slows down what it looks at; a clock read round every lock costs
// more than the lock.) The denominator names those goroutines that touch the
// lock in question, not every goroutine of the process. The limits:
//
//   - The runtime follows one in eight changes of a goroutine's state and
//     multiplies by eight. With few waits in a trial the figure is coarse:
//     0, or a multiple of eight times one wait. It is unbiased, so medians
//     over many trials mean little and means do.
//   - A goroutine that spins for a lock and gets it was not parked and does
//     not count. A wait that has not ended at Stop does not count either.
//   - Waiting on a channel is left out: a worker without work waits on a
//     channel, and that is not contention.
//   - It covers the whole process, so another lock's waits and the runtime's
//     internal ones (its scheduler's, its timers') are in it, for every
//     variant alike. A variant without any lock may show a little.
//
// # Approximations of the runtime
//
// STW-ns, STW-max-ns, STW-p99-ns and sched-p99-ns come from runtime histograms
// whose buckets are a quarter of a power of two wide. Values are taken to lie
// in the middle of their bucket (at its finite end for the outermost two),
// which is off by at most an eighth or so. The runtime samples one in eight
// goroutine wake-ups for sched-p99-ns, and the 20-beyond rule is applied to
// the samples: some 16,000 wake-ups. The generator's own yields are among
// them, up to 50,000 a second and mostly short.
//
// The /cpu/classes figures are brought up to date only when a collection ends,
// so GC-CPU-share, mark-cpu-ns, mark-idle-cpu-ns and assist-cpu-ns cover the
// time from the last collection before Start to the last one before Stop. They
// are 0 when no collection ended in between, and GC-CPU-share includes marking
// done on otherwise idle CPUs. None of them is a duration: the runtime has no
// metric for how long a mark phase lasts. The testing package collects before
// it calls the benchmark, so the span starts with its setup.
//
// # Subjects
//
// A server is measured in a process of its own, or its cost could not be told
// from the load generator's. [StartSubject] starts it; a driver keeps it over
// several benchmarks:
//
//	s, err := probe.StartSubject(probe.Program{Dir: "server", Package: ".", Args: args, Ready: answers, Debug: "http://127.0.0.1:6060"})
//	…
//	s.Begin()
//	m := probe.Start(b)
//	ran, err := probe.LaunchAsleep(b.N, 2000, request)
//	m.Stop()
//	s.End(b, b.N)
//	m.Report(probe.Load{Latencies: rec, Schedule: ran})
//
// The harness says in the environment what to start, where, and with what
// ($TUNELAB_SUBJECT and those that begin so). Without it the program is built
// from Dir and Package. Where $TUNELAB_PROFILE names a file, the subject's CPU
// profile of the window from Begin to End is written there; the last window's
// stays. [Subject.End] reports, of that window:
//
//	subject-cpu-ns/req         CPU time of the process, user and system, ÷ requests
//	subject-peak-RSS-bytes     the largest resident set, of the window where the kernel lets us
//	                           reset it (/proc/PID/clear_refs), else since the start
//	subject-GC-CPU-share       as GC-CPU-share
//	subject-GC-cycles          as GC-cycles
//	subject-stack-bytes        memory of stacks in use, at the window's end
//	subject-heap-bytes         as heap-bytes
//	subject-mutex-wait-ns/req  as mutex-wait-ns, ÷ requests
//	subject-sched-p99-ns       as sched-p99-ns; only where the subject serves that histogram
//
// All but the first two need a debug listener in the subject ([Program]). What
// they cost the subject to read falls outside of the CPU time; a profile's
// sampling falls inside, so a trial that is profiled is not one to compare.
package probe
