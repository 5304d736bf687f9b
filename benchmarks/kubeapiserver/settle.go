package kubeapiserver

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"tunelab/harness/probe"
)

// settle waits, for at most ten seconds, until the server has done what it
// still does after it is ready, or that would count as the load's: until it
// uses less than a tenth of a CPU for half a second.
func (s *servers) settle() error {
	const step, limit = 500 * time.Millisecond, 10 * time.Second
	last := -1.0
	for begun := probe.Now(); probe.Now()-begun < limit; time.Sleep(step) {
		seconds, err := s.cpuSeconds()
		if err != nil {
			return err
		}
		if last >= 0 && seconds-last < step.Seconds()/10 {
			return nil
		}
		last = seconds
	}
	return nil // the warm-up and the blocks have to do
}

// cpuSeconds is the CPU time that the subject has used, in steps of 10 ms:
// good enough to see whether it is at rest.
func (s *servers) cpuSeconds() (float64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.subject.Pid()))
	if err != nil {
		return 0, fmt.Errorf("reading the CPU time of kube-apiserver: %w\n%s", err, s.subject.Tail())
	}
	_, rest, ok := strings.Cut(string(text), ") ") // after the name: state is field 3
	fields := strings.Fields(rest)
	if !ok || len(fields) < 13 {
		return 0, fmt.Errorf("reading the CPU time of kube-apiserver: %q", text)
	}
	var ticks uint64
	for _, field := range fields[11:13] { // 14 and 15: user and system
		n, err := strconv.ParseUint(field, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("reading the CPU time of kube-apiserver: %w", err)
		}
		ticks += n
	}
	return float64(ticks) / 100, nil
}
