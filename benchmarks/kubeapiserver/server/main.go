// Command server is the kube-apiserver of Kubernetes as its own main starts
// it, with one addition: a listener for whoever measures it.
//
// Where $TUNELAB_DEBUG_ADDR names a loopback address (127.0.0.1:6060, say) it
// serves there, without authentication,
//
//	/debug/pprof/  the profiles of net/http/pprof
//	/debug/vars    expvar, whose "runtime" maps the names of runtime/metrics
//	               that are single numbers to their values, and of one
//	               histogram, the scheduler's latencies
//
// kube-apiserver has profiles of its own behind its front door; they are not
// used because fetching them would be requests like those that are counted.
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
	_ "time/tzdata" // upstream's binary has it too

	"k8s.io/component-base/cli"
	_ "k8s.io/component-base/logs/json/register"
	_ "k8s.io/component-base/metrics/prometheus/clientgo"
	_ "k8s.io/component-base/metrics/prometheus/version"
	"k8s.io/kubernetes/cmd/kube-apiserver/app"
)

func main() {
	if err := serveDebug(os.Getenv("TUNELAB_DEBUG_ADDR")); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(cli.Run(app.NewAPIServerCommand()))
}

// serveDebug serves the default mux, where the imports registered themselves,
// at a loopback address until the process ends. No address, no listener.
func serveDebug(addr string) error {
	if addr == "" {
		return nil
	}
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return fmt.Errorf("reading $TUNELAB_DEBUG_ADDR: %w", err)
	}
	if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() {
		return fmt.Errorf("$TUNELAB_DEBUG_ADDR is %s: only a loopback address may show profiles", addr)
	}
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return fmt.Errorf("listening for the debugger: %w", err)
	}
	expvar.Publish("runtime", expvar.Func(runtimeNumbers))
	go func() {
		fmt.Fprintln(os.Stderr, "serving the debugger:", http.Serve(listener, nil))
	}()
	return nil
}

// schedLatencies is the one histogram that is shown beside the numbers.
const schedLatencies = "/sched/latencies:seconds"

// runtimeNumbers reads all runtime metrics that are one number, and
// schedLatencies as an object with counts and buckets. JSON has no infinite
// numbers, so an outermost bound is ±math.MaxFloat64.
func runtimeNumbers() any {
	var samples []metrics.Sample
	for _, m := range metrics.All() {
		if m.Kind != metrics.KindFloat64Histogram || m.Name == schedLatencies {
			samples = append(samples, metrics.Sample{Name: m.Name})
		}
	}
	metrics.Read(samples)
	values := make(map[string]any, len(samples))
	for _, s := range samples {
		switch s.Value.Kind() {
		case metrics.KindUint64:
			values[s.Name] = s.Value.Uint64()
		case metrics.KindFloat64:
			values[s.Name] = s.Value.Float64()
		case metrics.KindFloat64Histogram:
			h := s.Value.Float64Histogram()
			bounds := make([]float64, len(h.Buckets))
			for i, b := range h.Buckets {
				bounds[i] = max(-math.MaxFloat64, min(b, math.MaxFloat64))
			}
			values[s.Name] = map[string]any{"counts": h.Counts, "buckets": bounds}
		}
	}
	return values
}
