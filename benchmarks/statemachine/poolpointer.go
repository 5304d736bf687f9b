package statemachine

import (
	"sync"
	"sync/atomic"
)

// pointerPool has an object from a sync.Pool for each transaction, with an
// atomic.Pointer to its state. A state is never changed, only replaced.
type pointerPool struct {
	out  Outside
	pool sync.Pool
}

func newPointerPool(out Outside) Coordinator {
	return &pointerPool{out: out, pool: sync.Pool{New: func() any {
		t := new(pointerTxn)
		t.state.Store(new(pointerState))
		return t
	}}}
}

type pointerTxn struct{ state atomic.Pointer[pointerState] }

type pointerState struct {
	State
	gen uint32 // one more each time the object comes out of the pool
}

func (p *pointerPool) Begin(id uint64) {
	t := p.pool.Get().(*pointerTxn)
	s := &pointerState{gen: t.state.Load().gen + 1}
	t.state.Store(s)
	s.proceed(p.out, t, s.gen, id)
}

func (p *pointerPool) Deliver(r Reply) {
	t := r.Txn.(*pointerTxn)
	for {
		old := t.state.Load()
		if old.gen != r.Gen || !old.awaits(r) {
			return
		}
		s := &pointerState{old.next(r.Outcome), old.gen}
		if !t.state.CompareAndSwap(old, s) {
			continue
		}
		if s.Final != Running {
			p.pool.Put(t)
		}
		s.proceed(p.out, t, s.gen, r.ID)
		return
	}
}

func (p *pointerPool) Close() {}
