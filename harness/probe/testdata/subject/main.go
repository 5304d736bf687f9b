// Command subject is what the tests of probe.Subject start: a server that does
// what it is told, with the debug handlers of the standard library.
package main

import (
	"expvar"
	"fmt"
	"math"
	"net/http"
	_ "net/http/pprof"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"strings"
	"syscall"
	"time"
)

var kept []byte

func main() {
	addr := os.Args[1]
	fmt.Println("listening at", addr)
	if os.Getenv("SUBJECT_STUBBORN") != "" {
		signal.Ignore(syscall.SIGTERM)
	}
	expvar.Publish("runtime", expvar.Func(readRuntime))
	http.HandleFunc("/ready", func(http.ResponseWriter, *http.Request) {})
	http.HandleFunc("/burn", func(_ http.ResponseWriter, r *http.Request) { burn(duration(r)) })
	http.HandleFunc("/grow", func(http.ResponseWriter, *http.Request) {
		kept = make([]byte, 64<<20)
		for i := 0; i < len(kept); i += 4096 {
			kept[i] = 1
		}
	})
	http.HandleFunc("/shrink", func(http.ResponseWriter, *http.Request) {
		kept = nil
	})
	http.HandleFunc("/gc", func(http.ResponseWriter, *http.Request) { debug.FreeOSMemory() })
	http.HandleFunc("/die", func(http.ResponseWriter, *http.Request) { panic(diePlease()) })
	http.HandleFunc("/where", func(w http.ResponseWriter, r *http.Request) {
		status, _ := os.ReadFile("/proc/self/status")
		for line := range strings.Lines(string(status)) {
			if strings.HasPrefix(line, "Cpus_allowed_list:") {
				fmt.Fprint(w, line)
			}
		}
		cgroups, _ := os.ReadFile("/proc/self/cgroup")
		fmt.Fprintf(w, "%s\nSUBJECT_WORD=%s\nGOMAXPROCS=%d\n", cgroups, os.Getenv("SUBJECT_WORD"), runtime.GOMAXPROCS(0))
	})
	if err := http.ListenAndServe(addr, nil); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func duration(r *http.Request) time.Duration {
	d, err := time.ParseDuration(r.FormValue("for"))
	if err != nil {
		panic(err)
	}
	return d
}

// diePlease ends the process: a panic in a handler would be caught.
func diePlease() string {
	fmt.Fprintln(os.Stderr, "last words")
	os.Exit(3)
	return ""
}

//go:noinline
func burn(d time.Duration) {
	for began := time.Now(); time.Since(began) < d; {
	}
}

func readRuntime() any {
	var samples []metrics.Sample
	for _, d := range metrics.All() {
		samples = append(samples, metrics.Sample{Name: d.Name})
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
			buckets := append([]float64{}, h.Buckets...)
			for i, b := range buckets {
				if math.IsInf(b, 0) {
					buckets[i] = math.Copysign(math.MaxFloat64, b)
				}
			}
			all[s.Name] = map[string]any{"counts": h.Counts, "buckets": buckets}
		}
	}
	return all
}
