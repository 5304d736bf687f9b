package statemachine

import "fmt"

// Steps is how many steps a transaction has, and Attempts how often a step is
// tried before the transaction is given up. A compensation is tried until it
// is done: a saga has no other way out.
const (
	Steps    = 4
	Attempts = 3
)

// A Kind of call.
type Kind uint8

// Do takes a step, Undo compensates for it. Undo of a step that was not taken
// is allowed and does nothing: after a timeout nobody knows.
const (
	Do Kind = iota
	Undo
)

// An Outcome of a call.
type Outcome uint8

// Done: it has taken effect. Refused: it has not and never will. TimedOut: no
// answer in time, it may or may not have taken effect. Undo is never refused.
const (
	Done Outcome = iota
	Refused
	TimedOut
)

// A Final is a transaction's last state.
type Final uint8

// Running is no final state. Committed: all steps have taken effect. Aborted:
// none has that is not compensated for.
const (
	Running Final = iota
	Committed
	Aborted
)

// A Call is a request to the participant that is in charge of a step.
type Call struct {
	// Txn is the coordinator's own handle of the transaction. The participant
	// hands it back as it is, also long after the transaction has ended and
	// the object behind it is another's; Gen is there to tell.
	Txn     any
	ID      uint64 // the transaction
	Key     uint64 // of idempotency: a call with a known key takes no second effect
	Gen     uint32
	Attempt uint16 // from 0
	Step    uint8  // from 0 to Steps-1
	Kind    Kind
}

// keyOf is the key of idempotency of a step, or of its compensation.
func keyOf(id uint64, kind Kind, step uint8) uint64 {
	return id<<3 | uint64(kind)<<2 | uint64(step)
}

// A Reply is what comes back of a call.
type Reply struct {
	Call
	Outcome Outcome
}

// Outside is the world as a coordinator sees it.
type Outside interface {
	// Call sends a call off and does not wait. What comes back goes to Deliver:
	// either one answer, or a TimedOut and perhaps an answer after it, at any
	// time and from any goroutine.
	Call(c Call)
	// Ended is told of each transaction's final state, once.
	Ended(id uint64, f Final)
}

// A Coordinator takes transactions through their steps. Its methods may be
// called from several goroutines.
type Coordinator interface {
	// Begin starts the transaction id. Each id is started once.
	Begin(id uint64)
	// Deliver hands it what came back of a call. It must come back soon: a
	// participant waits for it.
	Deliver(r Reply)
	// Close ends its goroutines. All transactions have ended, and nothing is
	// delivered any more.
	Close()
}

// A Variant is one way to hold a transaction's state.
type Variant struct {
	Name string
	New  func(Outside) Coordinator
	// Sources are the files of this package that make it up, without what all
	// variants share.
	Sources []string
}

// Variants lists every implementation, the base first.
func Variants() []Variant {
	return []Variant{
		{"channel", newChannels, []string{"channel.go"}},
		{"actor", newActors, []string{"actor.go", "transition.go"}},
		{"mutex", newMutexes, []string{"mutex.go", "transition.go"}},
		{"pool-pointer", newPointerPool, []string{"poolpointer.go", "transition.go"}},
		{"pool-value", newValuePool, []string{"poolvalue.go", "transition.go"}},
		{"cas", newWords, []string{"cas.go", "transition.go"}},
	}
}

// variant returns the one of this name.
func variant(name string) Variant {
	for _, v := range Variants() {
		if v.Name == name {
			return v
		}
	}
	panic(fmt.Sprintf("statemachine: no variant %q", name))
}
