package process

import (
	"maps"
	"sync"
)

// sparedPids are children of this process that no supervisor started: they are no orphans.
var sparedPids struct {
	sync.Mutex
	pids map[int]bool
}

// Spare keeps supervisors from taking a child of this process for something that a trial left behind, until done is
// called.
func Spare(pid int) (done func()) {
	sparedPids.Lock()
	defer sparedPids.Unlock()
	if sparedPids.pids == nil {
		sparedPids.pids = map[int]bool{}
	}
	sparedPids.pids[pid] = true
	return func() {
		sparedPids.Lock()
		defer sparedPids.Unlock()
		delete(sparedPids.pids, pid)
	}
}

func spared() map[int]bool {
	sparedPids.Lock()
	defer sparedPids.Unlock()
	return maps.Clone(sparedPids.pids)
}
