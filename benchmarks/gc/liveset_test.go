package gc

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"testing"

	"github.com/KimMachineGun/automemlimit/memlimit"
)

// memoryLimit is the memory that the process may use, in bytes: what
// TUNELAB_MEMORY_LIMIT says, else 256 MiB, which then nobody enforces.
func memoryLimit(setting string) (int64, error) {
	if setting == "" {
		return 256 << 20, nil
	}
	limit, err := strconv.ParseInt(setting, 10, 64)
	if err != nil || limit < 32<<20 {
		return 0, fmt.Errorf("TUNELAB_MEMORY_LIMIT=%q: bytes, at least 32 MiB, are wanted", setting)
	}
	return limit, nil
}

// automaticVar asks that the program find its limit by itself, as automemlimit
// does it: nine tenths of the cgroup's.
const automaticVar = "TUNELAB_AUTOMEMLIMIT"

// BenchmarkLiveSet: a control plane whose cache takes a share of the memory
// limit. b.N batches of changes in an open loop, as in ControlPlane, of 200
// changes a second to 200 subscribers. The cache is filled once, not for each
// b.N: two of them would not fit.
func BenchmarkLiveSet(b *testing.B) {
	limit, err := memoryLimit(os.Getenv("TUNELAB_MEMORY_LIMIT"))
	if err != nil {
		b.Fatal(err)
	}
	if os.Getenv(automaticVar) != "" {
		set, err := memlimit.Set(memlimit.WithRatio(0.9), memlimit.WithProvider(memlimit.FromCgroup))
		if err != nil {
			b.Fatal("taking the limit from the cgroup: ", err)
		}
		b.Logf("GOMEMLIMIT is %d, by the cgroup's limit", set)
	}
	for _, live := range []int{30, 40, 50, 60, 70, 80, 90, 95} {
		var w *world
		b.Run(fmt.Sprintf("live=%d", live), func(b *testing.B) {
			if w == nil {
				w = newWorld(Implementations()[0], 0)
				w.fill(uint64(limit) / 100 * uint64(live))
			}
			w.push(b, 200, 2, batchesPerSecond)
			if peak, err := peakRSS(); err == nil {
				b.ReportMetric(peak/float64(limit), "peak-RSS-of-limit")
			}
		})
	}
}

// fill adds clusters until so many bytes of heap are live.
func (w *world) fill(bytes uint64) {
	for {
		var mem runtime.MemStats
		if runtime.ReadMemStats(&mem); mem.HeapAlloc >= bytes {
			if liveHeap() >= bytes {
				return
			}
		}
		w.cache.Apply(w.churn.Grow(100), nil)
	}
}
