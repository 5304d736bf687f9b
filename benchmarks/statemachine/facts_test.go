package statemachine

import (
	"bytes"
	"context"
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Claim 5.5.1: a goroutine and a channel for each transaction leaks goroutines
// at a high rate. At the highest rate that there is none is left; what leaks is
// a sender whose receiver has given up, one transaction at a time.
func TestRateAloneLeaksNoGoroutines(t *testing.T) {
	before := runtime.NumGoroutine()
	const n = 20_000
	service := serviceOf(0)
	service.Faults = Faults{Refuse: 0.01, Late: 0.01}
	l := startLoad(variant("channel"), service, n)
	if err := l.closed(0, n, 1024); err != nil {
		t.Fatal(err)
	}
	l.close()
	leaked := left(before)
	if leaked > 0 {
		t.Errorf("%d goroutines are left after %d transactions", leaked, n)
	}
	t.Logf("channel variant at saturation, %d transactions, 1,024 under way, one call in a hundred answered after its time-out: up to %d goroutines, %d left at the end", n, l.peak, leaked)
}

//go:embed abandoned_test.go
var abandonedSource string

// leakMain runs the faults of abandoned_test.go and prints, for each, how many
// goroutines there are more than before, and how many of them the leak profile
// calls leaked; -1 where there is no such profile.
const leakMain = `package main

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/pprof"
	"time"
)

func leaked() int {
	p := pprof.Lookup("goroutineleak")
	if p == nil {
		return -1
	}
	if err := p.WriteTo(io.Discard, 0); err != nil { // looks for them
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	return p.Count()
}

func main() {
	for _, capacity := range []int{0, 1, 16} {
		before, had := runtime.NumGoroutine(), max(leaked(), 0)
		receive := holdUp(capacity, 40)
		fmt.Printf("heldup %d %d %d\n", capacity, runtime.NumGoroutine()-before, leaked()-had)
		receive()
		time.Sleep(50 * time.Millisecond) // they end
	}
	for _, capacity := range []int{0, 1, 16} {
		before, had := runtime.NumGoroutine(), max(leaked(), 0)
		abandon(capacity, 40)
		fmt.Printf("abandoned %d %d %d\n", capacity, runtime.NumGoroutine()-before, leaked()-had)
	}
}
`

// Claim 5.5.2: a full buffer and goroutines that block in select are the leak.
// They are where the receiver has given up, and are not where it is slow; the
// count of goroutines is the same in both cases, the leak profile is not.
func TestAbandonedReceiverLeaks(t *testing.T) {
	for _, capacity := range []int{0, 1, 16} {
		before := settled(1) // those of earlier tests have ended
		receive := holdUp(capacity, 40)
		if got := settled(before+40-capacity) - before; got != 40-capacity {
			t.Errorf("capacity %d, slow receiver: %d goroutines wait, want %d", capacity, got, 40-capacity)
		}
		receive()
		if n := settled(before) - before; n != 0 {
			t.Errorf("capacity %d: %d goroutines are left although everything was received", capacity, n)
		}
		abandon(capacity, 40)
		if n := settled(before+40-capacity) - before; n != 40-capacity {
			t.Errorf("capacity %d, receiver gone: %d goroutines are left, want %d", capacity, n, 40-capacity)
		}
	}
	const count = "40 senders into one channel of capacity 0, 1, 16: 40, 39, 24 goroutines wait, with a slow receiver as with one that is gone; the slow one's go on when it receives"
	out, err := leakProfile(t)
	if err != nil {
		t.Logf("%s; without the goroutine leak profile (%v)", count, err)
		return
	}
	for i, line := range strings.Split(strings.TrimSpace(out), "\n") {
		capacity := []int{0, 1, 16}[i%3]
		want := fmt.Sprintf("heldup %d %d 0", capacity, 40-capacity)
		if i >= 3 {
			want = fmt.Sprintf("abandoned %d %d %d", capacity, 40-capacity, 40-capacity)
		}
		if line != want {
			t.Errorf("the leak profile's program prints %q, want %q", line, want)
		}
	}
	t.Logf("%s; with GOEXPERIMENT=goroutineleakprofile (fault, capacity, goroutines that wait, of these leaked by the profile): %s", count, strings.ReplaceAll(strings.TrimSpace(out), "\n", ", "))
}

// settled is the number of goroutines when it has not changed for a while, or
// as soon as it is the expected one and stays so.
func settled(expected int) int {
	last, same := -1, 0
	for range 500 {
		n := runtime.NumGoroutine()
		if same++; n != last {
			last, same = n, 0
		}
		if same >= 5 && n == expected || same >= 50 {
			break
		}
		time.Sleep(2 * time.Millisecond)
	}
	return last
}

// leakProfile builds the faults as a program with the leak profile and runs it.
func leakProfile(t *testing.T) (string, error) {
	if testing.Short() {
		return "", fmt.Errorf("not built with -short")
	}
	dir := t.TempDir()
	faults := strings.Replace(abandonedSource, "package statemachine", "package main", 1)
	for name, text := range map[string]string{"main.go": leakMain, "faults.go": faults, "go.mod": "module leak\n\ngo 1.26.0\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
	defer cancel()
	program := filepath.Join(dir, "leak")
	build := exec.CommandContext(ctx, "go", "build", "-o", program, ".")
	build.Dir = dir
	build.Env = append(os.Environ(), "GOEXPERIMENT=goroutineleakprofile", "GOFLAGS=", "GOWORK=off", "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building with GOEXPERIMENT=goroutineleakprofile: %w: %s", err, bytes.TrimSpace(out))
	}
	out, err := exec.CommandContext(ctx, program).Output()
	if err != nil {
		return "", fmt.Errorf("running it: %w", err)
	}
	return string(out), nil
}

// Claim 5.5.5: atomic.Value.Store under contention triggers runtime.growslice.
// Its allocations are boxes; growslice is where the caller appends.
func TestStoreDoesNotGrowSlices(t *testing.T) {
	before := runtime.MemProfileRate
	runtime.MemProfileRate = 1
	defer func() { runtime.MemProfileRate = before }()
	const each = 2000
	contend := func(store func(v *atomic.Value, i int)) {
		var v atomic.Value
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				for i := range each {
					store(&v, i)
					if i%64 == 0 {
						runtime.Gosched()
					}
				}
			})
		}
		wg.Wait()
	}
	contend(storeState)
	contend(storeAppended)
	boxes, grown := allocations("statemachine.storeState")
	_, control := allocations("statemachine.storeAppended")
	if boxes < each {
		t.Errorf("%d allocations by Store, want at least %d: one a box", boxes, each)
	}
	if grown > 0 {
		t.Errorf("%d allocations of growslice below Store", grown)
	}
	if control == 0 {
		t.Error("no allocation of growslice where the caller appends: the test can't see one")
	}
	t.Logf("8 goroutines × %d calls, every allocation in the profile: atomic.Value.Store of a struct %d boxes and %d growslice-samples; the same with a copy-on-write append before it %d growslice-samples, the append's", each, boxes, grown, control)
}

//go:noinline
func storeState(v *atomic.Value, i int) { v.Store(valueState{gen: uint32(i) + 1000}) }

//go:noinline
func storeAppended(v *atomic.Value, i int) {
	old, _ := v.Load().([]int)
	v.Store(append(old[:min(len(old), 8):min(len(old), 8)], i))
}

// allocations counts those with the function on the stack, and how many of them
// are growslice's.
func allocations(function string) (all, growslice int64) {
	runtime.GC() // the profile is as of the last collection but one
	runtime.GC()
	records := make([]runtime.MemProfileRecord, 10_000)
	n, ok := runtime.MemProfile(records, true)
	for !ok {
		records = make([]runtime.MemProfileRecord, 2*n)
		n, ok = runtime.MemProfile(records, true)
	}
	for _, r := range records[:n] {
		ours, grows := false, false
		frames := runtime.CallersFrames(r.Stack())
		for more := true; more; {
			var f runtime.Frame
			f, more = frames.Next()
			ours = ours || strings.HasSuffix(f.Function, function)
			grows = grows || f.Function == "runtime.growslice"
		}
		if ours {
			all += r.AllocObjects
			if grows {
				growslice += r.AllocObjects
			}
		}
	}
	return all, growslice
}
