package statemachine

import (
	"strings"
	"sync"
	"testing"
	"time"
)

// A check that lets everything pass is worth nothing: each of these is wrong
// in one way, and check must say in which.
func TestCheckCatchesBroken(t *testing.T) {
	for _, c := range []struct {
		name  string
		build func(Outside) Coordinator
		want  string
	}{
		{"pool-pointer without the generation", between("pool-pointer", faker{reply: currentGeneration}), "late answers to recycled objects: transaction 7: do1, want do1 of transaction 100"},
		{"pool-value without the generation", between("pool-value", faker{reply: currentGeneration}), "late answers to recycled objects: transaction 7: do1, want do1 of transaction 100"},
		{"cas without the generation", between("cas", faker{reply: currentGeneration}), "late answers to recycled objects: transaction 7: do1, want do1 of transaction 100"},
		{"compensates forwards", newForwards, "step 2 is refused: transaction 7: undo0, want undo1"},
		{"commits twice", between("mutex", faker{ends: 2}), "all goes well: transaction 7: committed, want nothing"},
		{"repeats with a new key", between("mutex", faker{call: func(c Call) Call { c.Key += uint64(c.Attempt) << 40; return c }}),
			"every step is repeated: transaction 7: do0 has the key 0x10000000038, want 0x38"},
		{"does not repeat", between("mutex", faker{reply: func(r Reply) Reply {
			if r.Kind == Do && r.Outcome == TimedOut {
				r.Outcome = Refused
			}
			return r
		}}), "every step is repeated: transaction 7: aborted, want do0"},
		{"takes a refusal for an answer", between("channel", faker{reply: func(r Reply) Reply {
			if r.Outcome == Refused {
				r.Outcome = Done
			}
			return r
		}}), "step 0 is refused: transaction 7: do1, want aborted"},
		{"does not compensate for what timed out", between("actor", faker{reply: func(r Reply) Reply {
			if r.Kind == Do && r.Outcome == TimedOut && r.Attempt == Attempts-1 {
				r.Outcome = Refused
			}
			return r
		}}), "step 0 never answers: transaction 7: aborted, want undo0"},
		{"leaks a goroutine for each transaction", between("pool-pointer", faker{leaks: true}), "goroutines are left behind"},
	} {
		t.Run(strings.ReplaceAll(c.name, " ", "_"), func(t *testing.T) {
			err := check(Variant{Name: c.name, New: c.build})
			if err == nil {
				t.Fatal("passes the check")
			}
			if !strings.Contains(err.Error(), c.want) {
				t.Errorf("caught as %q, want %q", err, c.want)
			}
		})
	}
}

// The storm must catch these by itself. (A missing generation it catches only
// with luck: that is what the scripts are for.)
func TestStormCatchesBroken(t *testing.T) {
	for _, c := range []struct {
		name  string
		build func(Outside) Coordinator
		want  []string // one of these, whichever shows first
	}{
		{"compensates forwards", newForwards, []string{"not in reverse order"}},
		{"commits twice", between("mutex", faker{ends: 2}), []string{"it has 2 final states"}},
		{"repeats with a new key", between("mutex", faker{call: func(c Call) Call { c.Key += uint64(c.Attempt) << 40; return c }}), []string{"took effect twice"}},
	} {
		t.Run(strings.ReplaceAll(c.name, " ", "_"), func(t *testing.T) {
			err := storm(c.build, 0, time.Second)
			if err == nil {
				t.Fatal("passes the storm")
			}
			for _, want := range c.want {
				if strings.Contains(err.Error(), want) {
					return
				}
			}
			t.Errorf("caught as %q, want one of %q", err, c.want)
		})
	}
}

func TestLedgerRefuses(t *testing.T) {
	do := func(steps ...uint8) (es []effect) {
		for _, s := range steps {
			es = append(es, effect{Do, s})
		}
		return es
	}
	undo := func(es []effect, steps ...uint8) []effect {
		for _, s := range steps {
			es = append(es, effect{Undo, s})
		}
		return es
	}
	for _, c := range []struct {
		want string
		l    ledger
	}{
		{"it has 0 final states", ledger{}},
		{"it has 2 final states", ledger{finals: []Final{Committed, Aborted}}},
		{"after its end", ledger{finals: []Final{Committed}, after: true}},
		{"took effect twice", ledger{finals: []Final{Committed}, effects: do(0, 0)}},
		{"out of order", ledger{finals: []Final{Committed}, effects: do(0, 1, 3, 2)}},
		{"out of order", ledger{finals: []Final{Aborted}, effects: append(undo(do(0, 1), 1), effect{Do, 2})}},
		{"not in reverse order", ledger{finals: []Final{Aborted}, effects: undo(do(0, 1), 0, 1)}},
		{"not compensated for", ledger{finals: []Final{Aborted}, effects: undo(do(0, 1, 2), 2, 0)}},
		{"it is committed, but", ledger{finals: []Final{Committed}, effects: do(0, 1, 2)}},
		{"it is committed, but", ledger{finals: []Final{Committed}, effects: undo(do(0, 1, 2, 3), 3)}},
		{"fates entail", ledger{finals: []Final{Aborted}}}, // transaction 0 commits
	} {
		if err := c.l.check(0); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v, want %q", c.l, err, c.want)
		}
	}
	if err := (&ledger{finals: []Final{Committed}, effects: do(0, 1, 2, 3)}).check(0); err != nil {
		t.Error(err)
	}
}

// A faker stands between a correct coordinator and the world and distorts what
// goes by.
type faker struct {
	call  func(Call) Call
	reply func(Reply) Reply
	ends  int // how often a commit is told of; 0 is once
	leaks bool
}

func between(name string, f faker) func(Outside) Coordinator {
	return func(out Outside) Coordinator {
		d := &distorted{faker: f, out: out}
		d.Coordinator = variant(name).New(d)
		return d
	}
}

type distorted struct {
	Coordinator
	faker
	out Outside
}

func (d *distorted) Deliver(r Reply) {
	if d.reply != nil {
		r = d.reply(r)
	}
	d.Coordinator.Deliver(r)
}

func (d *distorted) Call(c Call) {
	if d.call != nil {
		c = d.call(c)
	}
	d.out.Call(c)
}

func (d *distorted) Ended(id uint64, f Final) {
	if d.leaks {
		go func() { select {} }()
	}
	d.out.Ended(id, f)
	for i := 1; f == Committed && i < d.ends; i++ {
		d.out.Ended(id, f)
	}
}

// currentGeneration makes a reply one of the object's present transaction: what
// a coordinator that does not look at the generation sees.
func currentGeneration(r Reply) Reply {
	switch t := r.Txn.(type) {
	case *pointerTxn:
		r.Gen = t.state.Load().gen
	case *valueTxn:
		r.Gen = t.state.Load().(valueState).gen
	case *wordTxn:
		r.Gen, _ = unpack(t.state.Load())
	}
	return r
}

// forwards compensates for the first step first.
type forwards struct {
	Coordinator
	out  Outside
	mu   sync.Mutex
	from map[uint64]uint8 // by transaction: the last step to compensate for
}

func newForwards(out Outside) Coordinator {
	f := &forwards{out: out, from: map[uint64]uint8{}}
	f.Coordinator = newMutexes(f)
	return f
}

// mirror turns the order of the compensations round; mirrored twice, a step is
// itself again.
func (f *forwards) mirror(c Call) Call {
	if c.Kind == Undo {
		f.mu.Lock()
		defer f.mu.Unlock()
		if _, known := f.from[c.ID]; !known {
			f.from[c.ID] = c.Step
		}
		c.Step = f.from[c.ID] - c.Step
		c.Key = keyOf(c.ID, c.Kind, c.Step)
	}
	return c
}

func (f *forwards) Call(c Call)                { f.out.Call(f.mirror(c)) }
func (f *forwards) Ended(id uint64, end Final) { f.out.Ended(id, end) }
func (f *forwards) Deliver(r Reply)            { r.Call = f.mirror(r.Call); f.Coordinator.Deliver(r) }
