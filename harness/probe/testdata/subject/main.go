// Command subject is what the tests of probe.Subject start: a server that does
// what it is told, with the listener that real subjects have.
package main

import (
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"strings"
	"syscall"
	"time"

	listener "tunelab/benchmarks/debug"
)

var kept []byte

func main() {
	addr := os.Args[1]
	fmt.Println("listening at", addr)
	if os.Getenv("SUBJECT_STUBBORN") != "" {
		signal.Ignore(syscall.SIGTERM)
	}
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
	if os.Getenv(listener.AddrVar) == "" { // nobody wants to look in
		os.Setenv(listener.AddrVar, addr)
	}
	if err := listener.Serve(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	select {}
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
