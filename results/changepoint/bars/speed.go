package main

import (
	"fmt"
	"math/rand/v2"
	"syscall"
	"time"

	"tunelab/results/changepoint"
)

// A speed is how much of a core our method took.
type speed struct {
	Series  int     `json:"series"`
	Nights  int     `json:"nights"`
	Seconds float64 `json:"seconds"` // of the processor
}

// takeTime finds the steps of a thousand series of a thousand nights, of which the method looks at the last ones: noise
// with a step every hundred nights. The time is the processor's: others may want it at the same time.
func takeTime(seed uint64) (speed, error) {
	random := rand.New(rand.NewPCG(seed, 0))
	many := make([][]float64, 1000)
	for i := range many {
		level := 0.0
		for t := range 1000 {
			if t%100 == 0 {
				level = 0.1 * random.NormFloat64()
			}
			many[i] = append(many[i], level+0.03*random.NormFloat64())
		}
	}
	before, err := used()
	if err != nil {
		return speed{}, err
	}
	for _, y := range many {
		changepoint.Find(y, 0, changepoint.Options{})
	}
	after, err := used()
	return speed{len(many), len(many[0]), (after - before).Seconds()}, err
}

// used is the processor time of this process so far.
func used() (time.Duration, error) {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0, fmt.Errorf("reading the processor time: %w", err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano()), nil
}
