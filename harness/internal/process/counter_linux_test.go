package process

import (
	"context"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// taskClock is CPU time in nanoseconds: an event that machines without counters have too.
var taskClock = Counter{unix.PERF_TYPE_SOFTWARE, unix.PERF_COUNT_SW_TASK_CLOCK}

// What a child and those that it starts do is counted, and nothing that we do.
func TestCounter(t *testing.T) {
	if err := taskClock.Available(); err != nil {
		t.Skip(err)
	}
	s := supervisor(t)
	counts := map[string]uint64{}
	for _, name := range []string{"hello", "burner", "burners"} {
		exit, err := s.Run(context.Background(), Spec{Path: os.Args[0], Env: role(name), Timeout: time.Minute, MaxOutput: 1 << 20, Count: &taskClock})
		if err != nil || !exit.Ok() {
			t.Fatal(exit, err)
		}
		if !exit.Counted || exit.Count == 0 {
			t.Fatalf("%s: nothing was counted", name)
		}
		cpu := uint64(exit.User + exit.System)
		if exit.Count > cpu+cpu/2+uint64(20*time.Millisecond) {
			t.Errorf("%s: counted %d ns, used %d", name, exit.Count, cpu)
		}
		counts[name] = exit.Count
	}
	if alone, both := counts["burner"], counts["burners"]; alone < uint64(80*time.Millisecond) || both < alone+uint64(80*time.Millisecond) {
		t.Errorf("counts are %v: one burns 100 ms, the other starts one more that does", counts)
	}
}

func TestCounterThatIsNotThere(t *testing.T) {
	none := Counter{unix.PERF_TYPE_SOFTWARE, 1 << 40}
	if err := none.Available(); err == nil {
		t.Error("a counter that does not exist is available")
	}
	if _, err := supervisor(t).Run(context.Background(), Spec{Path: os.Args[0], Env: role("hello"), Timeout: time.Minute, MaxOutput: 1000, Count: &none}); err == nil {
		t.Error("and counts")
	}
}
