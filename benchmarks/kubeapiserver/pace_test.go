package kubeapiserver

import (
	"testing"
	"time"

	"tunelab/harness/probe"
)

// Nothing starts before its time, and the schedule does not move with what was
// late.
func TestPace(t *testing.T) {
	const n, perSecond = 50, 2000
	var intended []time.Duration
	ran := pace(n, perSecond, func(at time.Duration) {
		if now := probe.Now(); now < at {
			t.Errorf("started %v early", at-now)
		}
		intended = append(intended, at)
		if len(intended) == 10 {
			time.Sleep(5 * time.Millisecond) // one that blocks is caught up with
		}
	})
	for i, at := range intended {
		if want := intended[0] + time.Duration(i)*time.Second/perSecond; at != want {
			t.Errorf("start %d is intended at %v, want %v", i, at, want)
		}
	}
	if len(intended) != n || ran.Operations != n || ran.Planned != (n-1)*time.Second/perSecond || ran.Took < ran.Planned {
		t.Errorf("%d starts, schedule %+v", len(intended), ran)
	}
}
