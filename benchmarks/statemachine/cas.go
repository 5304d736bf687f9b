package statemachine

import (
	"sync"
	"sync/atomic"
)

// words has an object from a sync.Pool for each transaction, with its state
// packed into one word, generation included.
type words struct {
	out  Outside
	pool sync.Pool
}

func newWords(out Outside) Coordinator {
	return &words{out: out, pool: sync.Pool{New: func() any { return new(wordTxn) }}}
}

type wordTxn struct{ state atomic.Uint64 }

// pack puts a state into a word: generation 32 bits, attempt 16, step 8,
// kind 4, final 4.
func pack(gen uint32, s State) uint64 {
	return uint64(gen)<<32 | uint64(s.Attempt)<<16 | uint64(s.Step)<<8 | uint64(s.Kind)<<4 | uint64(s.Final)
}

func unpack(w uint64) (gen uint32, s State) {
	return uint32(w >> 32), State{Attempt: uint16(w >> 16), Step: uint8(w >> 8), Kind: Kind(w >> 4 & 15), Final: Final(w & 15)}
}

func (p *words) Begin(id uint64) {
	t := p.pool.Get().(*wordTxn)
	gen, _ := unpack(t.state.Load())
	gen++
	t.state.Store(pack(gen, State{}))
	State{}.proceed(p.out, t, gen, id)
}

func (p *words) Deliver(r Reply) {
	t := r.Txn.(*wordTxn)
	for {
		old := t.state.Load()
		gen, s := unpack(old)
		if gen != r.Gen || !s.awaits(r) {
			return
		}
		s = s.next(r.Outcome)
		if !t.state.CompareAndSwap(old, pack(gen, s)) {
			continue
		}
		if s.Final != Running {
			p.pool.Put(t)
		}
		s.proceed(p.out, t, gen, r.ID)
		return
	}
}

func (p *words) Close() {}
