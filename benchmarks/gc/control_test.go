package gc

import (
	"fmt"
	"os"
	"runtime"
	"sync"
	"testing"
	"time"

	"tunelab/harness/probe"
)

// A load is a size of the control plane and what happens to it.
type load struct {
	clusters    int
	subscribers int
	churn       int // per cent of the clusters that change in a second
}

func (l load) String() string {
	return fmt.Sprintf("clusters=%d/subscribers=%d/churn=%d", l.clusters, l.subscribers, l.churn)
}

// batchesPerSecond is how often changes are published, at most: a control
// plane collects changes for a moment instead of pushing each by itself.
const batchesPerSecond = 100

// batches returns how many changes a batch has and how many batches there are
// a second.
func (l load) batches() (changes int, perSecond float64) {
	rate := float64(l.clusters*l.churn) / 100
	changes = max(1, int(rate/batchesPerSecond))
	return changes, rate / float64(changes)
}

// loads begins with the quick one. How many collections a second there are
// depends on churn × subscribers and hardly on the clusters, since both the
// garbage and the live heap grow with them; see [slices] of the scenario.
var loads = []load{
	{1000, 400, 20},
	{500, 500, 20},
	{2000, 200, 20},
}

// calm are loads that collect so seldom that twenty collections take many
// seconds: a benchmark of their own, so that a scenario need not run them with
// every setting.
var calm = []load{
	{8000, 50, 20},
}

// cold is the calmest, for two caches only.
var cold = load{8000, 500, 1}

// BenchmarkControlPlane: b.N batches of changes in an open loop, each pushed
// to every subscriber.
func BenchmarkControlPlane(b *testing.B) { pushAll(b, loads) }

// BenchmarkCalmPlane is the same under the calm loads.
func BenchmarkCalmPlane(b *testing.B) { pushAll(b, calm) }

// BenchmarkColdPlane is the same for the map and the snapshot, with one per
// cent a second.
func BenchmarkColdPlane(b *testing.B) {
	for _, im := range Implementations() {
		if im.Name == "map" || im.Name == "snapshot" {
			pushOne(b, im, cold)
		}
	}
}

func pushAll(b *testing.B, loads []load) {
	for _, im := range Implementations() {
		if im.ChurnOnly {
			continue
		}
		for _, l := range loads {
			pushOne(b, im, l)
		}
	}
}

func pushOne(b *testing.B, im Implementation, l load) {
	b.Run(fmt.Sprintf("impl=%s/%v", im.Name, l), func(b *testing.B) {
		changes, perSecond := l.batches()
		newWorld(im, l.clusters).push(b, l.subscribers, changes, perSecond)
	})
}

// BenchmarkSaturated: b.N batches, each published when every subscriber has
// the one before. Throughput only: latencies of a closed loop say nothing.
func BenchmarkSaturated(b *testing.B) {
	for _, im := range Implementations() {
		if im.ChurnOnly {
			continue
		}
		l := loads[0]
		b.Run(fmt.Sprintf("impl=%s/clusters=%d/subscribers=%d", im.Name, l.clusters, l.subscribers), func(b *testing.B) {
			newWorld(im, l.clusters).saturate(b, l)
		})
	}
}

// A world is a filled cache and the churn that goes on with it.
type world struct {
	cache Cache
	churn *Churn
}

func newWorld(im Implementation, clusters int) *world {
	w := &world{cache: im.New(), churn: NewChurn(1)}
	if clusters > 0 {
		w.cache.Apply(w.churn.Grow(clusters), nil)
	}
	return w
}

// push measures b.N batches of so many changes, so many batches a second.
func (w *world) push(b *testing.B, subscribers, changes int, perSecond float64) {
	inbox := newInboxes(subscribers)
	plane := NewControlPlane(w.cache, subscribers, b.N, inbox.receive)
	runtime.GC() // the garbage of the setup, and the pacer's idea of the live heap
	stopTrace := traceGC(b)
	m := probe.Start(b)
	ran, err := probe.NewOpenLoop(perSecond).Launch(b.N, func(_ int, intended time.Duration) error {
		set, remove := w.churn.Next(changes)
		return plane.Publish(w.churn.Version(), intended, set, remove)
	})
	closed := plane.Close()
	m.Stop()
	cycles, traced := stopTrace()
	if err != nil {
		b.Fatal(err)
	}
	if closed != nil {
		b.Fatal(closed)
	}
	inbox.verify(b, w.churn.Version())
	m.Report(probe.Load{Schedule: ran})
	inbox.report(b)
	b.ReportMetric(float64(b.N*subscribers)/m.Elapsed().Seconds(), "push/s")
	if mean, longest, ok := markTimes(cycles); ok && traced {
		b.ReportMetric(float64(mean), "mark-ns")
		b.ReportMetric(float64(longest), "mark-max-ns")
	}
}

func (w *world) saturate(b *testing.B, l load) {
	changes, _ := l.batches()
	inbox := newInboxes(l.subscribers)
	var waiting sync.WaitGroup
	plane := NewControlPlane(w.cache, l.subscribers, b.N, func(i int, p Push) {
		inbox.receive(i, p)
		waiting.Done()
	})
	runtime.GC()
	m := probe.Start(b)
	var err error
	for i := 0; i < b.N && err == nil; i++ {
		waiting.Add(l.subscribers)
		set, remove := w.churn.Next(changes)
		if err = plane.Publish(w.churn.Version(), probe.Now(), set, remove); err == nil {
			waiting.Wait()
		}
	}
	m.Stop()
	if closed := plane.Close(); err == nil {
		err = closed
	}
	if err != nil {
		b.Fatal(err)
	}
	inbox.verify(b, w.churn.Version())
	m.Report(probe.Load{})
	b.ReportMetric(float64(b.N*l.subscribers)/m.Elapsed().Seconds(), "max-push/s")
}

// traceGC collects the GC trace until the function that it returns is called,
// if the process was started with GODEBUG=gctrace=1; else that returns false.
func traceGC(b *testing.B) func() ([]Cycle, bool) {
	if !gcTraceOn(os.Getenv("GODEBUG")) {
		return func() ([]Cycle, bool) { return nil, false }
	}
	stop, err := captureStderr()
	if err != nil {
		b.Log(err) // the benchmark is as good without
		return func() ([]Cycle, bool) { return nil, false }
	}
	return func() ([]Cycle, bool) {
		text, err := stop()
		if err != nil {
			b.Fatal(err)
		}
		cycles, rest := parseGCTrace(text)
		fmt.Fprint(os.Stderr, rest)
		return cycles, true
	}
}

// stripes is how many shards the subscribers' latencies go to, each under a
// lock. A shard for each of 500 subscribers would be 125 MB of live heap, and
// the heap is what is measured here.
const stripes = 4

// inboxes are the subscribers' ends.
type inboxes struct {
	rec   *probe.Recorder
	locks [stripes]sync.Mutex
	last  []Push // by subscriber: what a connection would still have in its buffer
}

func newInboxes(subscribers int) *inboxes {
	return &inboxes{rec: probe.NewRecorder(stripes), last: make([]Push, subscribers)}
}

func (x *inboxes) receive(i int, p Push) {
	latency := probe.Now() - p.Intended
	x.last[i] = p
	s := i % stripes
	x.locks[s].Lock()
	x.rec.Shard(s).Record(latency)
	x.locks[s].Unlock()
}

func (x *inboxes) verify(b *testing.B, version uint64) {
	for i, p := range x.last {
		if p.Version != version || len(p.Clusters) == 0 || len(p.Endpoints) == 0 {
			b.Fatalf("subscriber %d ends at version %d with %d and %d bytes, not at %d", i, p.Version, len(p.Clusters), len(p.Endpoints), version)
		}
	}
}

// report gives those quantiles that have 20 pushes beyond them.
func (x *inboxes) report(b *testing.B) {
	all := x.rec.Merge()
	for _, q := range []struct {
		share float64
		unit  string
	}{{0.50, "push-p50-ns"}, {0.95, "push-p95-ns"}, {0.99, "push-p99-ns"}} {
		if v, ok := all.Quantile(q.share); ok {
			b.ReportMetric(float64(v), q.unit)
		}
	}
	b.ReportMetric(float64(all.Max()), "push-max-ns")
}
