package debug

import (
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
)

func TestServe(t *testing.T) {
	t.Setenv(AddrVar, "")
	if err := Serve(); err != nil {
		t.Errorf("without an address: %v", err)
	}
	for addr, want := range map[string]string{
		"127.0.0.1":    "missing port",
		"0.0.0.0:0":    "not a loopback address",
		"localhost:0":  "not a loopback address",
		":6060":        "not a loopback address",
		"127.0.0.1:-1": "listening for the profiler",
	} {
		t.Setenv(AddrVar, addr)
		if err := Serve(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q gives %v, want %q", addr, err, want)
		}
	}

	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := free.Addr().String()
	free.Close()
	t.Setenv(AddrVar, addr)
	if err := Serve(); err != nil {
		t.Fatal(err)
	}
	var vars struct {
		Runtime map[string]json.RawMessage `json:"runtime"`
	}
	if err := json.Unmarshal(get(t, "http://"+addr+"/debug/vars"), &vars); err != nil {
		t.Fatal(err)
	}
	var cycles float64
	if err := json.Unmarshal(vars.Runtime["/gc/cycles/total:gc-cycles"], &cycles); err != nil {
		t.Errorf("collections: %v", err)
	}
	var h struct{ Counts, Buckets []float64 }
	if err := json.Unmarshal(vars.Runtime[schedLatencies], &h); err != nil || len(h.Buckets) != len(h.Counts)+1 || len(h.Counts) == 0 {
		t.Errorf("scheduling latencies: %d counts between %d bounds, %v", len(h.Counts), len(h.Buckets), err)
	}
	if profiles := string(get(t, "http://"+addr+"/debug/pprof/")); !strings.Contains(profiles, "goroutine") {
		t.Errorf("no profiles in %s", profiles)
	}
}

func get(t *testing.T, url string) []byte {
	t.Helper()
	response, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s, %v", url, response.Status, err)
	}
	return text
}
