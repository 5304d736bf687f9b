package statemachine

import "sync"

// actors has a few goroutines, each of which owns the states of its share of
// the transactions and hears of them through a channel.
type actors struct {
	out    Outside
	inbox  [4]chan Reply
	stop   chan struct{}
	actors sync.WaitGroup
}

func newActors(out Outside) Coordinator {
	a := &actors{out: out, stop: make(chan struct{})}
	for i := range a.inbox {
		inbox := make(chan Reply, 256)
		a.inbox[i] = inbox
		a.actors.Go(func() { a.run(inbox) })
	}
	return a
}

// begin is the generation of the message that starts a transaction.
const begin = 1

func (a *actors) Begin(id uint64) { a.Deliver(Reply{Call: Call{ID: id, Gen: begin}}) }

func (a *actors) Deliver(r Reply) { a.inbox[r.ID%uint64(len(a.inbox))] <- r }

func (a *actors) Close() {
	close(a.stop)
	a.actors.Wait()
}

func (a *actors) run(inbox chan Reply) {
	states := map[uint64]State{}
	for {
		select {
		case r := <-inbox:
			a.handle(states, r)
		case <-a.stop:
			return
		}
	}
}

func (a *actors) handle(states map[uint64]State, r Reply) {
	s, known := states[r.ID]
	switch {
	case r.Gen == begin:
		s = State{}
	case known && s.awaits(r):
		s = s.next(r.Outcome)
	default:
		return
	}
	if s.Final == Running {
		states[r.ID] = s
	} else {
		delete(states, r.ID)
	}
	s.proceed(a.out, nil, 0, r.ID)
}
