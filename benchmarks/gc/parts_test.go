package gc

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
)

func TestParseGCTrace(t *testing.T) {
	const text = "gc 1 @0.043s 2%: 0.055+4.1+0.035 ms clock, 0.22+0/1/2+0.14 ms cpu, 4->4->2 MB, 4 MB goal, 0 MB stacks, 0 MB globals, 2 P\n" +
		"a line of somebody else\n" +
		"gc 17 @12.903s 31% (checking for goroutine leaks): 0.10+541+13 ms clock, 0.1+1/2/3+4 ms cpu, 4->4->2 MB (forced)\n" +
		"gc 18 @1s: torn"
	cycles, rest := parseGCTrace(text)
	want := []Cycle{
		{55 * time.Microsecond, 4100 * time.Microsecond, 35 * time.Microsecond},
		{100 * time.Microsecond, 541 * time.Millisecond, 13 * time.Millisecond},
	}
	if !slices.Equal(cycles, want) {
		t.Errorf("cycles %v, want %v", cycles, want)
	}
	if rest != "a line of somebody else\ngc 18 @1s: torn" {
		t.Errorf("the rest is %q", rest)
	}
	if mean, longest, ok := markTimes(cycles); !ok || mean != 272550*time.Microsecond || longest != 541*time.Millisecond {
		t.Errorf("mark times %v, %v, %v", mean, longest, ok)
	}
	if _, _, ok := markTimes(nil); ok {
		t.Error("mark times without a cycle")
	}
}

func TestGCTraceOn(t *testing.T) {
	for setting, want := range map[string]bool{
		"": false, "gctrace=1": true, "madvdontneed=1,gctrace=2": true, "gctrace=1,gctrace=0": false,
		"gctrace=": false, "gctrace=yes": false, "xgctrace=1": false, "gctrace=-1": false,
	} {
		if got := gcTraceOn(setting); got != want {
			t.Errorf("GODEBUG=%s: %t, want %t", setting, got, want)
		}
	}
}

// The runtime's own trace is read back, by a process that was started for it,
// and what else goes to standard error is not lost.
func TestGCTraceIsCaptured(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("captures on Linux only")
	}
	const child = "TUNELAB_TEST_CAPTURE"
	if os.Getenv(child) != "" {
		stop, err := captureStderr()
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintln(os.Stderr, "not from the runtime")
		for range 4 {
			runtime.GC() // may return before its line is out: the last one, and one from before, may be torn
		}
		text, err := stop()
		if err != nil {
			t.Fatal(err)
		}
		cycles, rest := parseGCTrace(text)
		fmt.Printf("\ncaptured enough: %t, the other line: %t\n", len(cycles) >= 2, strings.Contains(rest, "not from the runtime\n"))
		fmt.Fprintln(os.Stderr, "to the real one")
		return
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestGCTraceIsCaptured$")
	cmd.Env = append(os.Environ(), "GODEBUG=gctrace=1", child+"=1")
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s%s", err, out, stderr.String())
	}
	if want := "captured enough: true, the other line: true\n"; !strings.Contains(string(out), want) {
		t.Errorf("the child says %q, want %q in it", out, want)
	}
	if s := stderr.String(); !strings.Contains(s, "to the real one") || strings.Contains(s, "not from the runtime") {
		t.Errorf("standard error afterwards: %q", s)
	}
}

// The same seed gives every variant the same changes, and the numbers in a
// benchmark's name are what happens.
func TestChurn(t *testing.T) {
	a, b := NewChurn(5), NewChurn(5)
	alive := map[string]bool{}
	for _, r := range a.Grow(200) {
		alive[r.Name()] = true
	}
	b.Grow(200)
	kinds := map[string]int{}
	for range 100 {
		set, remove := a.Next(8)
		set2, remove2 := b.Next(8)
		if !slices.EqualFunc(set, set2, func(x, y *Resource) bool { return proto.Equal(x.Cluster, y.Cluster) }) || !slices.Equal(remove, remove2) {
			t.Fatal("the same seed gives other changes")
		}
		names := map[string]bool{}
		for _, name := range remove {
			if !alive[name] || names[name] {
				t.Fatalf("%s is deleted, and did not exist or was changed in this batch before", name)
			}
			names[name] = true
			delete(alive, name)
			kinds["delete"]++
		}
		for _, r := range set {
			if names[r.Name()] {
				t.Fatalf("%s is changed twice in a batch", r.Name())
			}
			names[r.Name()] = true
			if alive[r.Name()] {
				kinds["update"]++
			} else {
				kinds["add"]++
			}
			alive[r.Name()] = true
		}
		if len(names) != 8 || a.Len() != len(alive) || len(alive) < 199 || len(alive) > 200 {
			t.Fatalf("%d changes, %d clusters; want 8 changes and 200 clusters", len(names), len(alive))
		}
	}
	if kinds["update"] != 400 || kinds["add"] != 200 || kinds["delete"] != 200 {
		t.Errorf("changes %v, want 400 updates, 200 adds and 200 deletes", kinds)
	}
	few := NewChurn(1)
	if set, remove := few.Next(8); len(set) != 2 || len(remove) != 0 {
		t.Errorf("without clusters: %d set and %d deleted, want two new ones", len(set), len(remove))
	}
}

func TestBatchesMakeTheChurn(t *testing.T) {
	for _, l := range append(slices.Clone(loads), load{500, 50, 1}) {
		changes, perSecond := l.batches()
		if got, want := float64(changes)*perSecond, float64(l.clusters*l.churn)/100; got != want || changes < 1 || perSecond > 2*batchesPerSecond {
			t.Errorf("%v: %d × %v changes a second, want %v", l, changes, perSecond, want)
		}
	}
}

func TestMarshalledIsTheMessage(t *testing.T) {
	r := NewResource("a", 12)
	cluster, endpoints, err := r.Marshalled()
	wantCluster, wantEndpoints, err2 := marshalAgain(r)
	if err != nil || err2 != nil || string(cluster) != string(wantCluster) || string(endpoints) != string(wantEndpoints) {
		t.Errorf("marshalled as %q, %q, %v", cluster, endpoints, err)
	}
	if again, _, _ := r.Marshalled(); &again[0] != &cluster[0] {
		t.Error("marshalled a second time")
	}
}

func TestPublishingTooOftenIsRefused(t *testing.T) {
	p := NewControlPlane(newMapCache(false), 1, 1, func(int, Push) {})
	if err := p.Publish(1, 0, nil, nil); err != nil {
		t.Error(err)
	}
	if err := p.Publish(2, 0, nil, nil); err == nil {
		t.Error("published more often than there is room for")
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
}

func TestMarshalFailureReachesClose(t *testing.T) {
	bad := NewResource("bad", 1)
	bad.Cluster.AltStatName = "\xff" // no UTF-8
	p := NewControlPlane(newMapCache(false), 2, 1, func(int, Push) {})
	if err := p.Publish(1, 0, []*Resource{bad}, nil); err != nil {
		t.Fatal(err)
	}
	if err := p.Close(); err == nil || !strings.Contains(err.Error(), "marshalling bad") {
		t.Errorf("Close: %v", err)
	}
}

func TestMemoryLimit(t *testing.T) {
	for setting, want := range map[string]int64{"": 256 << 20, "536870912": 512 << 20, "256MiB": 0, "1000": 0, "-1": 0} {
		if got, err := memoryLimit(setting); got != want || (err == nil) != (want > 0) {
			t.Errorf("TUNELAB_MEMORY_LIMIT=%s: %d, %v; want %d", setting, got, err, want)
		}
	}
}
