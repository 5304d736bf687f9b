//go:build !linux

package probe

import "time"

// LaunchAsleep is [OpenLoop.Launch] here; on Linux it waits asleep.
func LaunchAsleep(n int, perSecond float64, start func(i int, intended time.Duration) error) (Schedule, error) {
	return NewOpenLoop(perSecond).Launch(n, start)
}
