package statemachine

// channels has a goroutine and a channel for each transaction: the state is
// where the goroutine is.
type channels struct{ out Outside }

func newChannels(out Outside) Coordinator { return &channels{out} }

func (c *channels) Begin(id uint64) {
	go (&channelTxn{out: c.out, id: id, replies: make(chan Reply, 1)}).run()
}

func (c *channels) Deliver(r Reply) { r.Txn.(chan Reply) <- r }

func (c *channels) Close() {}

type channelTxn struct {
	out     Outside
	id      uint64
	replies chan Reply
}

func (t *channelTxn) run() {
	for step := range uint8(Steps) {
		switch t.ask(Do, step) {
		case Refused:
			t.abort(step)
			return
		case TimedOut: // it may have taken effect
			t.abort(step + 1)
			return
		}
	}
	t.out.Ended(t.id, Committed)
}

// abort compensates for the first steps, the last of them first.
func (t *channelTxn) abort(steps uint8) {
	for ; steps > 0; steps-- {
		t.ask(Undo, steps-1)
	}
	t.out.Ended(t.id, Aborted)
}

// ask calls until there is an answer, or until a step was tried often enough.
func (t *channelTxn) ask(kind Kind, step uint8) Outcome {
	for attempt := uint16(0); ; attempt++ {
		t.out.Call(Call{Txn: t.replies, ID: t.id, Key: keyOf(t.id, kind, step), Attempt: attempt, Step: step, Kind: kind})
		r := <-t.replies
		if r.Outcome != TimedOut {
			return r.Outcome
		}
		// Who answers late finds room for it in the channel that is left behind.
		t.replies = make(chan Reply, 1)
		if kind == Do && attempt+1 == Attempts {
			return TimedOut
		}
	}
}
