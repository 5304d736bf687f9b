package statemachine

import "sync"

// mutexes has an object with a lock for each transaction.
type mutexes struct{ out Outside }

func newMutexes(out Outside) Coordinator { return &mutexes{out} }

type lockedTxn struct {
	mu    sync.Mutex
	state State
}

func (m *mutexes) Begin(id uint64) { State{}.proceed(m.out, new(lockedTxn), 0, id) }

func (m *mutexes) Deliver(r Reply) {
	t := r.Txn.(*lockedTxn)
	t.mu.Lock()
	if !t.state.awaits(r) {
		t.mu.Unlock()
		return
	}
	t.state = t.state.next(r.Outcome)
	s := t.state
	t.mu.Unlock()
	s.proceed(m.out, t, 0, r.ID)
}

func (m *mutexes) Close() {}
