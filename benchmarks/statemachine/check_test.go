package statemachine

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// check is the correctness test that every variant must pass before it is
// measured. First the scripts: a few transactions whose replies are handed over
// one by one, so that what a coordinator does is known call by call. Then many
// transactions at a time and participants that refuse, lose, delay and forget.
// In the end no goroutine may be left.
func check(v Variant) error {
	before := runtime.NumGoroutine()
	for _, s := range scripts {
		// sync.Pool need not give back what it was given; of 20 times it does.
		rounds := 1
		if strings.HasSuffix(s.text, "late") {
			rounds = 20
		}
		for range rounds {
			if err := s.play(v.New); err != nil {
				return fmt.Errorf("%s: %w", s.name, err)
			}
		}
	}
	for _, cost := range []time.Duration{0, 20 * time.Microsecond} {
		if err := storm(v.New, cost, patience); err != nil {
			return fmt.Errorf("storm at %v a call: %w", cost, err)
		}
	}
	if n := left(before); n > 0 {
		return fmt.Errorf("%d goroutines are left behind", n)
	}
	return nil
}

func TestCorrect(t *testing.T) {
	for _, v := range Variants() {
		t.Run("impl="+v.Name, func(t *testing.T) {
			if err := check(v); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// A stage is an Outside of which a test plays the participants.
type stage struct {
	coordinator Coordinator
	events      chan event
}

// An event is what a coordinator does: a call, or the end of a transaction.
type event struct {
	Call
	final Final
}

func newStage(build func(Outside) Coordinator) *stage {
	s := &stage{events: make(chan event, 1000)}
	s.coordinator = build(s)
	return s
}

func (s *stage) Call(c Call)              { s.events <- event{Call: c} }
func (s *stage) Ended(id uint64, f Final) { s.events <- event{Call: Call{ID: id}, final: f} }
func (s *stage) answer(c Call, o Outcome) { s.coordinator.Deliver(Reply{c, o}) }
func (s *stage) begin(id uint64) *stage   { s.coordinator.Begin(id); return s }

// String writes an event as the scripts do.
func (e event) String() string {
	switch {
	case e.final == Committed:
		return "committed"
	case e.final == Aborted:
		return "aborted"
	case e.Kind == Do:
		return fmt.Sprintf("do%d", e.Step)
	}
	return fmt.Sprintf("undo%d", e.Step)
}

// expect waits for the next event, which must be this one of this transaction.
func (s *stage) expect(id uint64, want string) (Call, error) {
	select {
	case e := <-s.events:
		if e.ID != id || e.String() != want {
			return e.Call, fmt.Errorf("transaction %d: %v, want %s of transaction %d", e.ID, e, want, id)
		}
		if e.final == Running && e.Key != keyOf(id, e.Kind, e.Step) {
			return e.Call, fmt.Errorf("transaction %d: %s has the key %#x, want %#x, also when it is repeated", id, want, e.Key, keyOf(id, e.Kind, e.Step))
		}
		return e.Call, nil
	case <-time.After(patience):
		return Call{}, fmt.Errorf("transaction %d: nothing for %v, want %s", id, patience, want)
	}
}

// quiet says what has happened that should not have. It waits long enough for
// a goroutine that has something to do.
func (s *stage) quiet() error {
	for range 20 {
		runtime.Gosched()
	}
	select {
	case e := <-s.events:
		return fmt.Errorf("transaction %d: %v, want nothing", e.ID, e)
	default:
		return nil
	}
}

// A script is what happens to one transaction: words like "do0" are what the
// coordinator must do; after an = stands what becomes of it: ok, no (refused),
// -- (timed out), -+ (timed out, and the answer ok comes when the next call is
// out). "late" hands over the answer to all that timed out (--), after the
// transaction has ended and its object may be another's.
type script struct{ name, text string }

var scripts = []script{
	{"all goes well", "do0=ok do1=ok do2=ok do3=ok committed"},
	{"step 0 is refused", "do0=no aborted"},
	{"step 1 is refused", "do0=ok do1=no undo0=ok aborted"},
	{"step 2 is refused", "do0=ok do1=ok do2=no undo1=ok undo0=ok aborted"},
	{"step 3 is refused", "do0=ok do1=ok do2=ok do3=no undo2=ok undo1=ok undo0=ok aborted"},
	{"every step is repeated", "do0=-- do0=ok do1=-- do1=-- do1=ok do2=-- do2=ok do3=-- do3=-- do3=ok committed"},
	{"step 0 never answers", "do0=-- do0=-- do0=-- undo0=ok aborted"},
	{"step 3 never answers", "do0=ok do1=ok do2=ok do3=-- do3=-- do3=-- undo3=ok undo2=ok undo1=ok undo0=ok aborted"},
	{"compensations are repeated", "do0=ok do1=ok do2=no undo1=-- undo1=-- undo1=-- undo1=-- undo1=-- undo1=ok undo0=-- undo0=ok aborted"},
	{"an answer comes after its time-out", "do0=-+ do0=ok do1=ok do2=-+ do2=ok do3=-+ do3=ok committed"},
	{"a compensation's answer comes after its time-out", "do0=ok do1=ok do2=no undo1=-+ undo1=ok undo0=-+ undo0=ok aborted"},
	{"late answers to recycled objects", "do0=-- do0=ok do1=-- do1=ok do2=ok do3=-- do3=ok committed late"},
	{"late answers after a compensation", "do0=ok do1=-- do1=-- do1=-- undo1=-- undo1=ok undo0=-- undo0=ok aborted late"},
}

func (s script) play(build func(Outside) Coordinator) error {
	stage := newStage(build)
	const id = 7
	var timedOut []Call
	stage.begin(id)
	for _, word := range strings.Fields(s.text) {
		if word == "late" {
			if err := stage.lateAnswers(timedOut); err != nil {
				return err
			}
			continue
		}
		want, outcome, _ := strings.Cut(word, "=")
		c, err := stage.expect(id, want)
		if err != nil {
			return err
		}
		switch outcome {
		case "ok":
			stage.answer(c, Done)
		case "no":
			stage.answer(c, Refused)
		case "--":
			timedOut = append(timedOut, c)
			stage.answer(c, TimedOut)
		case "-+":
			stage.answer(c, TimedOut)
			if err := stage.second(id, want, c); err != nil {
				return err
			}
		}
	}
	if err := stage.quiet(); err != nil {
		return err
	}
	stage.coordinator.Close()
	return nil
}

// second lets the late answer to a call come in while its repetition is out,
// and puts the repetition back as the next event.
func (s *stage) second(id uint64, want string, first Call) error {
	again, err := s.expect(id, want)
	if err != nil {
		return err
	}
	s.answer(first, Done)
	if err := s.quiet(); err != nil {
		return fmt.Errorf("after the late answer to %s: %w", want, err)
	}
	s.events <- event{Call: again}
	return nil
}

// lateAnswers starts another transaction, which may get the object of one that
// has ended, and hands it that one's late answers at the steps at which they
// might be taken for the right ones. It must commit.
func (s *stage) lateAnswers(stale []Call) error {
	const id = 100
	s.begin(id)
	for step := range uint8(Steps) {
		c, err := s.expect(id, fmt.Sprintf("do%d", step))
		if err != nil {
			return err
		}
		for _, old := range stale { // who timed out can answer only once
			if old.Kind == Do && old.Step == step || old.Kind == Undo && step == Steps-1 {
				s.answer(old, Done)
			}
		}
		s.answer(c, Done)
	}
	_, err := s.expect(id, "committed")
	return err
}

// stormFaults are those of the storm: about a third of all transactions abort,
// and nearly every one has a late answer or a repetition in it.
var stormFaults = Faults{Refuse: 0.08, Lose: 0.06, Mute: 0.06, Late: 0.12}

const (
	stormTransactions = 4000
	stormInflight     = 64
)

// storm runs many transactions at a time and checks what the participants saw
// of each. All of them must have ended within a time that only a transaction
// which hangs should use up.
func storm(build func(Outside) Coordinator, cost, within time.Duration) error {
	w := &witness{inflight: make(chan struct{}, stormInflight), seen: make([]ledger, stormTransactions)}
	service := Service{Cost: cost, Timeout: 30*time.Microsecond + cost, Late: 50 * time.Microsecond, Faults: stormFaults, Effect: w.effect}
	coordinator := build(w)
	w.Participants = service.Start(coordinator.Deliver)
	var ended error
	limit := time.NewTimer(within)
	take := func() {
		select {
		case w.inflight <- struct{}{}:
		case <-limit.C:
			ended = fmt.Errorf("transactions have not ended within %v", within)
		}
	}
	for id := uint64(0); id < stormTransactions && ended == nil; id++ {
		if take(); ended == nil {
			coordinator.Begin(id)
		}
	}
	for range stormInflight { // all of them are back: everything has ended
		if ended == nil {
			take()
		}
	}
	if ended != nil {
		return errors.Join(w.firstWrong(), ended)
	}
	w.Participants.Close() // delivers the late answers
	coordinator.Close()
	for id := range w.seen {
		if err := w.seen[id].check(uint64(id)); err != nil {
			return fmt.Errorf("transaction %d: %w", id, err)
		}
	}
	return nil
}

// A witness notes what takes effect and what ends.
type witness struct {
	*Participants
	inflight chan struct{}
	mu       sync.Mutex
	seen     []ledger
}

// A ledger is what happened to one transaction: the effects in their order, and
// how often it was told which final state.
type ledger struct {
	keys    map[uint64]bool
	effects []effect
	finals  []Final
	after   bool // an effect after the end
}

type effect struct {
	kind Kind
	step uint8
}

func (w *witness) effect(c Call) {
	w.mu.Lock()
	defer w.mu.Unlock()
	l := &w.seen[c.ID]
	if l.keys[c.Key] {
		return // what idempotency is
	}
	if l.keys == nil {
		l.keys = map[uint64]bool{}
	}
	l.keys[c.Key] = true
	l.effects = append(l.effects, effect{c.Kind, c.Step})
	l.after = l.after || len(l.finals) > 0
}

func (w *witness) Ended(id uint64, f Final) {
	w.mu.Lock()
	w.seen[id].finals = append(w.seen[id].finals, f)
	first := len(w.seen[id].finals) == 1
	w.mu.Unlock()
	if first {
		<-w.inflight
	}
}

// firstWrong is what is wrong with a transaction that has ended; nil if none is.
func (w *witness) firstWrong() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	for id := range w.seen {
		if l := &w.seen[id]; len(l.finals) > 0 {
			if err := l.check(uint64(id)); err != nil {
				return fmt.Errorf("transaction %d: %w", id, err)
			}
		}
	}
	return nil
}

// check says what is wrong with a transaction that has ended: first by the
// rules of a saga, then by what the calls' fates entail.
func (l *ledger) check(id uint64) error {
	if len(l.finals) != 1 {
		return fmt.Errorf("it has %d final states, %v", len(l.finals), l.finals)
	}
	if l.after {
		return errors.New("something took effect after its end")
	}
	var done []uint8 // steps that have taken effect and are not compensated for
	undone := Steps
	count := map[effect]int{}
	for _, e := range l.effects {
		if count[e]++; count[e] > 1 {
			return fmt.Errorf("step %d (kind %d) took effect twice: %v", e.step, e.kind, l.effects)
		}
		if e.kind == Do {
			if undone < Steps || int(e.step) < len(done) {
				return fmt.Errorf("steps are out of order: %v", l.effects)
			}
			done = append(done, e.step)
			continue
		}
		if int(e.step) >= undone {
			return fmt.Errorf("compensations are not in reverse order: %v", l.effects)
		}
		undone = int(e.step)
		done = slices.DeleteFunc(done, func(s uint8) bool { return s == e.step })
	}
	switch final := l.finals[0]; {
	case final == Committed && (len(done) != Steps || undone < Steps):
		return fmt.Errorf("it is committed, but this took effect: %v", l.effects)
	case final == Aborted && len(done) > 0:
		return fmt.Errorf("it is aborted, but steps %v are not compensated for: %v", done, l.effects)
	}
	if want, effects := entailed(id); l.finals[0] != want || !slices.Equal(effects, l.effects) {
		return fmt.Errorf("it ended as %d with effects %v; its calls' fates entail %d with %v", l.finals[0], l.effects, want, effects)
	}
	return nil
}

// entailed is how a transaction of the storm must end, and what takes effect on
// the way: a saga written down without any concurrency.
func entailed(id uint64) (final Final, effects []effect) {
	took := func(kind Kind, step uint8) Outcome {
		taken := false
		for attempt := uint16(0); ; attempt++ {
			way, refused := stormFaults.of(Call{ID: id, Kind: kind, Step: step, Attempt: attempt})
			if !refused && way != lost && !taken {
				taken = true
				effects = append(effects, effect{kind, step})
			}
			switch {
			case way == answered && refused:
				return Refused
			case way == answered:
				return Done
			case kind == Do && attempt == Attempts-1:
				return TimedOut
			}
		}
	}
	for step := range uint8(Steps) {
		outcome := took(Do, step)
		if outcome == Done {
			continue
		}
		undo := int(step) - 1
		if outcome == TimedOut {
			undo++
		}
		for ; undo >= 0; undo-- {
			took(Undo, uint8(undo))
		}
		return Aborted, effects
	}
	return Committed, effects
}
