package etcd

import (
	"fmt"
	"os"
	"testing"
	"time"

	"tunelab/harness/probe"
)

// running is the server of the benchmark that ran last: the next one, and the
// second call of a benchmark, take it over if it is run alike.
var running *Server

func TestMain(m *testing.M) {
	status := m.Run()
	if running != nil {
		if err := running.Close(); err != nil && status == 0 {
			fmt.Fprintln(os.Stderr, "closing the server:", err)
			status = 1
		}
	}
	os.Exit(status)
}

// serverFor returns a server run like that, with all keys written.
func serverFor(b *testing.B, c Config) *Server {
	b.Helper()
	if running != nil && running.config == c {
		return running
	}
	if running != nil {
		if err := running.Close(); err != nil {
			b.Fatal(err)
		}
		running = nil
	}
	if _, err := dataFolder(c.Disk); err != nil {
		b.Skip(err)
	}
	s, err := StartServer(c)
	if err != nil {
		b.Fatal(err)
	}
	running = s
	if err := s.Preload(); err != nil {
		b.Fatal(err)
	}
	return s
}

// rates are the open loop's, in requests a second; 0 is the closed loop.
var rates = []int{0, 1000, 2000, 4000, 6000, 8000}

func rateName(perSecond int) string {
	if perSecond == 0 {
		return "max"
	}
	return fmt.Sprintf("%dk", perSecond/1000)
}

// BenchmarkEtcd drives the server. b.N is the number of requests.
func BenchmarkEtcd(b *testing.B) {
	for _, c := range []Config{{false, "tmpfs"}, {true, "tmpfs"}, {false, "disk"}, {true, "disk"}} { // a server for each
		for _, l := range Loads() {
			for _, rate := range rates {
				name := fmt.Sprintf("load=%s/%v/rate=%s", l.Name, c, rateName(rate))
				b.Run(name, func(b *testing.B) { drive(b, l, c, rate) })
			}
		}
	}
}

func drive(b *testing.B, l Load, c Config, rate int) {
	s := serverFor(b, c)
	r := newRun(s, l)
	defer r.cancel()
	finish, err := r.watch()
	if err != nil {
		b.Fatal(err)
	}
	rec := probe.NewRecorder(Concurrency)
	before := observe(s)
	s.Begin()
	m := probe.Start(b)
	var ran probe.Schedule
	if rate == 0 {
		r.closedLoop(b.N)
	} else {
		ran = r.openLoop(b.N, float64(rate), rec)
	}
	m.Stop()
	s.End(b, b.N)
	after := observe(s)
	finish()
	if r.err != nil {
		b.Fatalf("%v\n%s", r.err, s.Tail())
	}
	if rate == 0 {
		m.Report(probe.Load{})
		b.ReportMetric(float64(b.N)/m.Elapsed().Seconds(), "req/s")
	} else {
		m.Report(probe.Load{Latencies: rec, Schedule: ran})
	}
	b.ReportMetric(float64(s.BinaryBytes()), "binary-bytes")
	report(b, before, after, m.Elapsed())
}

// An observation is what only this subject tells.
type observation struct {
	indexOps   int64 // uses of the commit and the applied index; a variant that counts them has it
	counted    bool
	mutexWait  float64 // seconds that goroutines waited for locks
	hasRuntime bool
}

func observe(s *Server) observation {
	var o observation
	o.counted = s.Expvar("index-operations", &o.indexOps) == nil
	var numbers map[string]any
	if s.Expvar("runtime", &numbers) == nil {
		o.mutexWait, o.hasRuntime = numbers["/sync/mutex/wait/total:seconds"].(float64)
	}
	return o
}

func report(b *testing.B, before, after observation, elapsed time.Duration) {
	if before.counted && after.counted {
		b.ReportMetric(float64(after.indexOps-before.indexOps)/float64(b.N), "index-ops/req")
	}
	if before.hasRuntime && after.hasRuntime && elapsed > 0 {
		waited := after.mutexWait - before.mutexWait
		b.ReportMetric(min(1, max(0, waited/(Concurrency*elapsed.Seconds()))), "subject-block-share")
	}
}
