package gc

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"strconv"
	"testing"
	"time"

	"tunelab/harness/probe"
)

const waveMiB = 256

// BenchmarkReleaseWaves: b.N waves; in each a map of serialised configurations
// is filled and let go of, and what it took is given back to the kernel, after
// a first one that does not count. The name has impl=map only so that variants
// which select that have this case.
func BenchmarkReleaseWaves(b *testing.B) {
	b.Run(fmt.Sprintf("impl=map/MiB=%d", waveMiB), func(b *testing.B) {
		var filling, releasing time.Duration
		var faults int64
		var after Resident
		fillWave(waveMiB) // no wave like the others: it finds no pages of one before it
		runtime.GC()
		debug.FreeOSMemory()
		before, err := minorFaults()
		if err != nil {
			b.Skip(err)
		}
		m := probe.Start(b)
		for range b.N {
			began := probe.Now()
			fillWave(waveMiB)
			filling += probe.Now() - began
			faulted, _ := minorFaults()
			faults += faulted - before
			runtime.GC() // so that finding the garbage is not in the time of giving it back
			began = probe.Now()
			debug.FreeOSMemory()
			releasing += probe.Now() - began
			before, _ = minorFaults()
		}
		m.Stop()
		if after, err = resident(); err != nil {
			b.Fatal(err)
		}
		m.Report(probe.Load{})
		n := float64(b.N)
		b.ReportMetric(float64(releasing)/n, "reclaim-ns")
		b.ReportMetric(float64(filling)/n, "fill-ns")
		b.ReportMetric(float64(faults)/n, "minor-faults")
		b.ReportMetric(after.RSS, "RSS-after-bytes")
		b.ReportMetric(after.LazyFree, "LazyFree-bytes")
	})
}

// fillWave fills a map with so many configurations of 1 MiB, every page of
// which is written, and lets go of it.
//
//go:noinline
func fillWave(mib int) {
	configurations := map[string][]byte{}
	for i := range mib {
		wire := make([]byte, 1<<20)
		for at := 0; at < len(wire); at += 4096 {
			wire[at] = byte(i)
		}
		configurations[strconv.Itoa(i)] = wire
	}
	runtime.KeepAlive(configurations)
}
