package kubeapiserver

import (
	"time"

	"tunelab/harness/probe"
)

// pace calls start n times on a fixed schedule, each with its intended start in
// terms of probe.Now, whatever became of those before. start must not block.
//
// It is probe.OpenLoop for operations of milliseconds. That one watches the
// clock between two starts, to be exact to nanoseconds, and so takes up to a
// whole CPU: the one that the clients and etcd have to run on here. At 600 gets
// a second they got so little of it that 434 came through, and each cost the
// subject more. This one sleeps, and is late by a tenth of a millisecond,
// which the latencies contain.
func pace(n int, perSecond float64, start func(intended time.Duration)) probe.Schedule {
	offset := func(i int) time.Duration { return time.Duration(float64(i) * float64(time.Second) / perSecond) }
	t0 := probe.Now()
	var started time.Duration
	for i := range n {
		intended := t0 + offset(i)
		for probe.Now() < intended {
			sleep(intended - probe.Now())
		}
		started = probe.Now()
		start(intended)
	}
	return probe.Schedule{Operations: n, Planned: offset(n - 1), Took: started - t0}
}
