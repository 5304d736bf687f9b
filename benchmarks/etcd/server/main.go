// Command server is etcd, the released one, with a listener for profiles and
// runtime metrics beside it. It takes etcd's own flags.
//
// The listener's address is $TUNELAB_DEBUG_ADDR, on the loopback interface. It
// serves /debug/pprof/ and, at /debug/vars, an expvar map "runtime" of
// runtime/metrics names to numbers. Without the variable it does not listen,
// and the program is etcd and nothing else.
//
// It is a module of its own, which does not require tunelab: or an upgrade of
// ours would change what is measured.
package main

import (
	"expvar"
	"fmt"
	"math"
	"net"
	"net/http"
	_ "net/http/pprof"
	"os"
	"runtime/metrics"

	"go.etcd.io/etcd/server/v3/etcdmain"
)

func main() {
	if addr := os.Getenv("TUNELAB_DEBUG_ADDR"); addr != "" {
		if err := serveDebug(addr); err != nil {
			fmt.Fprintln(os.Stderr, "server:", err)
			os.Exit(2)
		}
	}
	etcdmain.Main(os.Args)
}

// serveDebug listens before it returns, and serves until the process ends.
func serveDebug(addr string) error {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return fmt.Errorf("$TUNELAB_DEBUG_ADDR: %w", err)
	}
	if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() {
		return fmt.Errorf("$TUNELAB_DEBUG_ADDR: %q is not a loopback address: profiles are for this machine only", host)
	}
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return fmt.Errorf("listening for the profiler: %w", err)
	}
	expvar.Publish("runtime", expvar.Func(readRuntime))
	go func() { _ = http.Serve(listener, nil) }() // ends with the process
	return nil
}

// readRuntime returns every runtime metric that is a number, and the histogram
// of scheduling latencies. Durations are in seconds, sizes in bytes, as
// runtime/metrics has them; JSON has no infinity, so it is ±math.MaxFloat64.
func readRuntime() any {
	var samples []metrics.Sample
	for _, d := range metrics.All() {
		if d.Kind != metrics.KindFloat64Histogram || d.Name == "/sched/latencies:seconds" {
			samples = append(samples, metrics.Sample{Name: d.Name})
		}
	}
	metrics.Read(samples)
	all := map[string]any{}
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
