package statemachine

import (
	"sync"
	"sync/atomic"
)

// valuePool has an object from a sync.Pool for each transaction, with its
// state in an atomic.Value: the article's cure.
type valuePool struct {
	out  Outside
	pool sync.Pool
}

func newValuePool(out Outside) Coordinator {
	return &valuePool{out: out, pool: sync.Pool{New: func() any {
		t := new(valueTxn)
		t.state.Store(valueState{})
		return t
	}}}
}

type valueTxn struct{ state atomic.Value } // of a valueState

type valueState struct {
	State
	gen uint32 // one more each time the object comes out of the pool
}

func (p *valuePool) Begin(id uint64) {
	t := p.pool.Get().(*valueTxn)
	s := valueState{gen: t.state.Load().(valueState).gen + 1}
	t.state.Store(s)
	s.proceed(p.out, t, s.gen, id)
}

func (p *valuePool) Deliver(r Reply) {
	t := r.Txn.(*valueTxn)
	for {
		old := t.state.Load().(valueState)
		if old.gen != r.Gen || !old.awaits(r) {
			return
		}
		s := valueState{old.next(r.Outcome), old.gen}
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

func (p *valuePool) Close() {}
