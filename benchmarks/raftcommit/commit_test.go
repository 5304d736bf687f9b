package raftcommit

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"tunelab/harness/probe"
)

// readsPerSecond is what all paced readers make together. Measured here with
// BenchmarkPacedReaders (2 CPUs, AMD EPYC, go1.26.8): 1, 8 and 64 readers then
// use 0.06, 0.06 and 0.10 of one CPU, nearly all of it for waking up. A quarter
// is the limit; the rest is left for slower machines.
const readsPerSecond = 64_000

var readerCounts = []int{0, 1, 8, 64}

// thousands writes a rate as it stands in a benchmark's name.
func thousands(perSecond int) string {
	if perSecond > 0 && perSecond%1000 == 0 {
		return fmt.Sprintf("%dk", perSecond/1000)
	}
	return fmt.Sprint(perSecond)
}

// BenchmarkCommitIndex is rung a: commits in an open loop, paced readers.
func BenchmarkCommitIndex(b *testing.B) {
	for _, v := range Variants() {
		for _, n := range readerCounts {
			reads := readsPerSecond
			if n == 0 {
				reads = 0
			}
			for _, rate := range []int{1000, 10_000, 100_000} {
				name := fmt.Sprintf("impl=%s/readers=%d/reads=%s/rate=%s", v.Name, n, thousands(reads), thousands(rate))
				b.Run(name, func(b *testing.B) { commits(b, v.New(), n, rate) })
			}
		}
	}
}

func commits(b *testing.B, ix Index, n, rate int) {
	rec := probe.NewRecorder(1)
	loop := probe.NewOpenLoop(float64(rate))
	rs := paced(ix, n, readsPerSecond)

	readBefore := rs.reads()
	m := probe.Start(b)
	ran := loop.Call(b.N, rec.Shard(0), func(i int) { ix.Advance(uint64(i) + 1) })
	m.Stop()
	reads := rs.reads() - readBefore

	if err := rs.stop(); err != nil {
		b.Fatal(err)
	}
	if got := ix.Committed(); got != uint64(b.N) {
		b.Fatalf("after %d commits the index is %d", b.N, got)
	}
	m.Report(probe.Load{Latencies: rec, Schedule: ran, Goroutines: 1 + n})
	reportRate(b, b.N-1, m.Elapsed(), "commits/s") // the first takes no time
	if n > 0 {
		reportRate(b, int(reads), m.Elapsed(), "reads/s")
	}
}

func reportRate(b *testing.B, n int, elapsed time.Duration, unit string) {
	if n > 0 && elapsed > 0 {
		b.ReportMetric(float64(n)/elapsed.Seconds(), unit)
	}
}

// BenchmarkCommitIndexSaturated is throughput only: a writer and readers that
// never pause, but take turns of 1,024 calls. With more of them than CPUs their
// latencies would be the scheduler's (see the package comment), and
// max-commits/s is the writer's share of the CPUs as well as the index's cost.
func BenchmarkCommitIndexSaturated(b *testing.B) {
	for _, v := range Variants() {
		for _, n := range readerCounts {
			b.Run(fmt.Sprintf("impl=%s/readers=%d", v.Name, n), func(b *testing.B) { saturate(b, v.New(), n) })
		}
	}
}

func saturate(b *testing.B, ix Index, n int) {
	rs, begin := spinning(ix, n)
	m := probe.Start(b)
	begin()
	for i := range b.N {
		ix.Advance(uint64(i) + 1)
		if i%turn == turn-1 {
			runtime.Gosched()
		}
	}
	m.Stop()
	reads := rs.reads()
	if err := rs.stop(); err != nil {
		b.Fatal(err)
	}
	if got := ix.Committed(); got != uint64(b.N) {
		b.Fatalf("after %d commits the index is %d", b.N, got)
	}
	m.Report(probe.Load{Goroutines: 1 + n})
	reportRate(b, b.N, m.Elapsed(), "max-commits/s")
	if n > 0 {
		reportRate(b, int(reads), m.Elapsed(), "max-reads/s")
	}
}

// BenchmarkPacedReaders shows that the readers of rung a leave the machine
// alone: CPU-share is the whole process's CPU time over wall time while they
// read and nobody commits, in CPUs. It must stay below 0.25 for the paced
// cases to mean anything. b.N is the number of reads.
func BenchmarkPacedReaders(b *testing.B) {
	for _, v := range []Variant{variant("mutex"), variant("store")} {
		for _, n := range readerCounts[1:] {
			b.Run(fmt.Sprintf("impl=%s/readers=%d/reads=%s", v.Name, n, thousands(readsPerSecond)), func(b *testing.B) {
				readAlone(b, v.New(), n)
			})
		}
	}
}

func readAlone(b *testing.B, ix Index, n int) {
	if _, err := cpuTime(); err != nil {
		b.Skip(err)
	}
	rs := paced(ix, n, readsPerSecond)
	m := probe.Start(b)
	before, _ := cpuTime()
	for rs.reads() < int64(b.N) {
		time.Sleep(10 * time.Millisecond)
	}
	after, _ := cpuTime()
	m.Stop()
	reads := rs.reads()
	if err := rs.stop(); err != nil {
		b.Fatal(err)
	}
	reportRate(b, int(reads), m.Elapsed(), "reads/s")
	b.ReportMetric(float64(after-before)/float64(m.Elapsed()), "CPU-share")
}
