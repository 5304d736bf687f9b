// Package debug is the listener that a subject has for whoever measures it:
// tunelab/harness/probe reads it.
package debug

import (
	"expvar"
	"fmt"
	"math"
	"net"
	"net/http"
	_ "net/http/pprof"
	"os"
	"runtime"
	"runtime/metrics"
)

// KindVar is the environment variable that names the kind of profile which the
// process will be asked for: "mutex" and "block" have the runtime take samples
// from the beginning on, every mutex that was waited for and one for each 10 µs
// that a goroutine was blocked.
const KindVar = "TUNELAB_PROFILE_KIND"

const blockRate = 10_000 // ns

// AddrVar is the environment variable that holds the listener's address.
const AddrVar = "TUNELAB_DEBUG_ADDR"

// Serve serves [http.DefaultServeMux], where the standard library's packages
// register themselves, at the loopback address HOST:PORT in $TUNELAB_DEBUG_ADDR
// until the process ends, without authentication:
//
//	/debug/pprof/  the profiles of net/http/pprof
//	/debug/vars    expvar, whose "runtime" maps the names of runtime/metrics
//	               that are single numbers to their values, and of one
//	               histogram, the scheduler's latencies
//
// It listens before it returns. Without the variable it does nothing, and the
// program is what it was. It may be called once.
func Serve() error {
	addr := os.Getenv(AddrVar)
	if addr == "" {
		return nil
	}
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return fmt.Errorf("$%s: %w", AddrVar, err)
	}
	if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() {
		return fmt.Errorf("$%s: %q is not a loopback address: profiles are for this machine only", AddrVar, host)
	}
	switch os.Getenv(KindVar) {
	case "mutex":
		runtime.SetMutexProfileFraction(1)
	case "block":
		runtime.SetBlockProfileRate(blockRate)
	}
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return fmt.Errorf("listening for the profiler: %w", err)
	}
	expvar.Publish("runtime", expvar.Func(readRuntime))
	go func() {
		fmt.Fprintln(os.Stderr, "serving the profiler:", http.Serve(listener, nil)) // for as long as the process lives
	}()
	return nil
}

// schedLatencies is the one histogram that is shown beside the numbers.
const schedLatencies = "/sched/latencies:seconds"

// readRuntime returns every runtime metric that is a number, and
// schedLatencies as an object with counts and buckets. Durations are in
// seconds, sizes in bytes, as runtime/metrics has them; JSON has no infinity,
// so an outermost bound is ±math.MaxFloat64.
func readRuntime() any {
	var samples []metrics.Sample
	for _, d := range metrics.All() {
		if d.Kind != metrics.KindFloat64Histogram || d.Name == schedLatencies {
			samples = append(samples, metrics.Sample{Name: d.Name})
		}
	}
	metrics.Read(samples)
	all := make(map[string]any, len(samples))
	for _, s := range samples {
		switch s.Value.Kind() {
		case metrics.KindFloat64:
			all[s.Name] = s.Value.Float64()
		case metrics.KindUint64:
			all[s.Name] = s.Value.Uint64()
		case metrics.KindFloat64Histogram:
			h := s.Value.Float64Histogram()
			bounds := make([]float64, len(h.Buckets))
			for i, bound := range h.Buckets {
				bounds[i] = max(-math.MaxFloat64, min(bound, math.MaxFloat64))
			}
			all[s.Name] = map[string]any{"counts": h.Counts, "buckets": bounds}
		}
	}
	return all
}
