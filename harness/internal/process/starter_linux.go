package process

import (
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"
)

// A starter is a thread that stays in a cgroup of v1 and starts children there. A thread that goes there and back for
// every child waits for the kernel each time, ten milliseconds or more.
type starter struct {
	todo chan func()
	gone chan struct{}
}

// newStarter returns a thread in the group, nil where that can't be or, as in v2, is of no use.
func newStarter(g cgroup) *starter {
	if g.dir == "" || g.v2 {
		return nil
	}
	s := &starter{todo: make(chan func()), gone: make(chan struct{})}
	entered := make(chan bool)
	go onOtherThread(func() {
		defer close(s.gone)
		tid := []byte(strconv.Itoa(unix.Gettid()))
		err := os.WriteFile(filepath.Join(g.dir, "tasks"), tid, 0)
		entered <- err == nil
		for do := range s.todo {
			do()
		}
		if err == nil {
			os.WriteFile(filepath.Join(filepath.Dir(g.dir), "tasks"), tid, 0) // or the group could not be removed
		}
	})
	if !<-entered {
		s.stop()
		return nil
	}
	return s
}

// do has the thread call do, and does not wait for that.
func (s *starter) do(do func()) { s.todo <- do }

// stop takes the thread out of the group. The children that it started must have ended: the kernel ends them with it.
func (s *starter) stop() {
	if s != nil {
		close(s.todo)
		<-s.gone
	}
}

// starts reports whether the starter starts the child. What is counted is counted from the thread that starts it, so that
// this must not be one which starts others.
func (s *Supervisor) starts(spec Spec) bool { return s.starter != nil && spec.Count == nil }
