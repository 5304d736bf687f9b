package statemachine

// A State is where a transaction stands: which call it waits for, or how it
// ended. It is a value: what changes it is how it is held.
type State struct {
	Attempt uint16
	Step    uint8
	Kind    Kind
	Final   Final
}

// awaits reports whether a reply is of the very call that the state waits for.
// All others are late.
func (s State) awaits(r Reply) bool {
	return s.Final == Running && s.Step == r.Step && s.Kind == r.Kind && s.Attempt == r.Attempt
}

// next is the state after the call that it waits for came to this outcome.
func (s State) next(o Outcome) State {
	switch {
	case o == TimedOut && (s.Kind == Undo || s.Attempt+1 < Attempts):
		s.Attempt++
		return s
	case s.Kind == Do && o == Done && s.Step == Steps-1:
		return State{Final: Committed}
	case s.Kind == Do && o == Done:
		return State{Kind: Do, Step: s.Step + 1}
	case s.Kind == Do && o == TimedOut: // it may have taken effect
		return State{Kind: Undo, Step: s.Step}
	case s.Step == 0:
		return State{Final: Aborted}
	}
	return State{Kind: Undo, Step: s.Step - 1}
}

// proceed makes the call that a state waits for, or tells how it ended.
func (s State) proceed(out Outside, txn any, gen uint32, id uint64) {
	if s.Final != Running {
		out.Ended(id, s.Final)
		return
	}
	out.Call(Call{Txn: txn, ID: id, Key: keyOf(id, s.Kind, s.Step), Gen: gen, Attempt: s.Attempt, Step: s.Step, Kind: s.Kind})
}
