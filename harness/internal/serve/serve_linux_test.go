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
		s := startServed(t, binary, Test, fmt.Sprintf("%s=%d", CPUVar, cpu))
		s.ask(2, "^BenchmarkPlaced$") // finds out how it counts
		there := 0
		for range tries {
			got := s.ask(2, "^BenchmarkPlaced$")
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
	for _, value := range []string{"", "x", "-1", "99999"} {
		s := startServed(t, binary, Test, CPUVar+"="+value)
		if s.ask(2, "^BenchmarkPlaced$"); !strings.Contains(s.ask(2, "^BenchmarkPlaced$"), " cpu\t") {
			t.Errorf("%q: no slice", value)
		}
	}
}
