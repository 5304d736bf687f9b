package serve

import (
	"fmt"
	"strings"
	"testing"

	"tunelab/harness/internal/process"
)

// Slices begin on the CPU that was named, and the process may run on all as before.
func TestServeLeads(t *testing.T) {
	all := process.UsableCPUs()
	const tries = 40
	binary := buildServed(t, "-tags=placed")
	for _, cpu := range all[:min(2, len(all))] {
		s := startServed(t, binary, "^BenchmarkPlaced$")
		s.ask(2) // finds out how it counts
		there := 0
		for range tries {
			got := s.tell(Run(2, cpu, ""))
			if strings.Contains(got, fmt.Sprintf(" %d.000 cpu\t", cpu)) || strings.Contains(got, fmt.Sprintf(" %d cpu\t", cpu)) {
				there++
			}
			if !strings.Contains(got, fmt.Sprintf(" %d.000 cpus", len(all))) && !strings.Contains(got, fmt.Sprintf(" %d cpus", len(all))) {
				t.Fatalf("it may not run on %d CPUs: %q", len(all), got)
			}
		}
		if there < tries*3/4 { // the scheduler may have a better idea at times
			t.Errorf("%d of %d slices began on CPU %d", there, tries, cpu)
		}
	}
	for _, cpu := range []int{-1, -7, 99999} {
		s := startServed(t, binary, "^BenchmarkPlaced$")
		if s.ask(2); !strings.Contains(s.tell(Run(2, cpu, "")), " cpu\t") {
			t.Errorf("%d: no slice", cpu)
		}
	}
}
