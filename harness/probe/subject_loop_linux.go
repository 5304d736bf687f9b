package probe

import (
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// LaunchAsleep is like [OpenLoop.Launch], for operations of some tens of
// microseconds and more, such as requests to a subject. It waits for a start
// asleep, and never spins.
//
// An OpenLoop that spins takes a CPU of its own, and is the wrong generator
// where it has to share one. Seen with etcd as the subject, go1.26.8, Linux
// 6.18, 1,000 requests a second that take half a millisecond:
//
//   - Generator on one CPU (GOMAXPROCS 1): the median was 7.8 ms. The loop
//     yields to goroutines, but one that is always ready keeps the scheduler
//     from looking at the network, until sysmon does so every 10 ms.
//   - On two CPUs shared with busy processes: stalls of one to three seconds.
//     Linux makes a thread forfeit its turn with sched_yield, so the loop got
//     next to no CPU, and a garbage collection waited for it to stop.
//
// It sleeps on a timerfd, which the runtime's network poller waits for
// together with all connections. That wakes up some 50 µs late, where
// time.Sleep is a millisecond late. The lateness is in the latencies, for all
// variants alike.
func LaunchAsleep(n int, perSecond float64, start func(i int, intended time.Duration) error) (Schedule, error) {
	l := NewOpenLoop(perSecond)
	fd, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC)
	if err != nil {
		return Schedule{}, fmt.Errorf("making a timer: %w", err)
	}
	timer := os.NewFile(uintptr(fd), "timerfd") // not blocking, so reads wait in the network poller
	defer timer.Close()
	t0 := Now()
	for i := range n {
		intended := t0 + l.offset(i)
		if err := sleepUntil(fd, timer, intended); err != nil {
			return l.schedule(i, Now()-t0), fmt.Errorf("waiting for operation %d of %d: %w", i, n, err)
		}
		if err := start(i, intended); err != nil {
			return l.schedule(i+1, Now()-t0), fmt.Errorf("starting operation %d of %d: %w", i, n, err)
		}
	}
	return l.schedule(n, Now()-t0), nil
}

// sleepUntil returns when Now has reached until.
func sleepUntil(fd int, timer *os.File, until time.Duration) error {
	var expirations [8]byte
	for left := until - Now(); left > 0; left = until - Now() {
		at := unix.ItimerSpec{Value: unix.NsecToTimespec(int64(left))}
		if err := unix.TimerfdSettime(fd, 0, &at, nil); err != nil {
			return err
		}
		if _, err := timer.Read(expirations[:]); err != nil {
			return err
		}
	}
	return nil
}
