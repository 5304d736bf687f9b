package statemachine

import (
	"runtime"
	"sync"
	"time"

	"tunelab/harness/probe"
)

// A Service says how the participants behave.
type Service struct {
	Cost    time.Duration // from taking up a call to its answer; 0: at once
	Timeout time.Duration // from a call that is not answered to its TimedOut
	Late    time.Duration // from that TimedOut to an answer that comes after all
	Faults  Faults
	// Effect is told of every call that takes effect, repetitions included;
	// nil: nobody is. Two goroutines call it.
	Effect func(Call)
}

// Faults are shares of all calls, each from 0 to 1, the last three together at
// most 1. Which calls they hit follows from the call alone, so it is the same
// for every variant and in every run.
type Faults struct {
	Refuse float64 // refused, however often it is tried; never a compensation
	Lose   float64 // lost on the way there: no effect, no answer
	Mute   float64 // lost on the way back: an effect, no answer
	Late   float64 // an effect, and an answer only after the time-out
}

// A fate is what becomes of a call on its way.
type fate uint8

const (
	answered fate = iota
	lost
	mute
	late
)

// of returns what becomes of a call, and whether its step is refused. The
// latter depends on the key alone: a participant that refused what it did at
// the first attempt would leave an effect that nobody knows of.
func (f Faults) of(c Call) (way fate, refused bool) {
	if f == (Faults{}) {
		return answered, false
	}
	refused = c.Kind == Do && f.Refuse > 0 && uniform(keyOf(c.ID, c.Kind, c.Step)) < f.Refuse
	switch at := uniform(keyOf(c.ID, c.Kind, c.Step)<<16 + uint64(c.Attempt) + 1<<63); {
	case at < f.Lose:
		return lost, refused
	case at < f.Lose+f.Mute:
		return mute, refused
	case at < f.Lose+f.Mute+f.Late:
		return late, refused
	}
	return answered, refused
}

// uniform is a number from 0 to 1 that looks random: splitmix64 of x.
func uniform(x uint64) float64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return float64((x^x>>31)>>11) / (1 << 53)
}

// Participants serve the calls of a coordinator: one goroutine the even steps,
// another the odd ones, so that a transaction's replies come from changing
// goroutines, as they do from a network.
//
// Nothing in here is a channel operation that could be taken for the
// coordinator's: a call's way to its participant is a slice behind a lock.
// (The wake-up of an idle one is a channel send that does not wait, which the
// runtime counts as selectnbsend and not as chansend1.)
type Participants struct {
	servers [2]*server
	running sync.WaitGroup
}

// Start lets the participants serve; deliver gets what comes back.
func (s Service) Start(deliver func(Reply)) *Participants {
	p := new(Participants)
	for i := range p.servers {
		one := &server{Service: s, deliver: deliver, wake: make(chan struct{}, 1)}
		p.servers[i] = one
		p.running.Go(one.serve)
	}
	return p
}

// Call hands a call to its participant.
func (p *Participants) Call(c Call) { p.servers[c.Step%2].call(c) }

// Close delivers what is still under way and ends the participants. No calls
// may come any more.
func (p *Participants) Close() {
	for _, s := range p.servers {
		s.mu.Lock()
		s.closed = true
		s.mu.Unlock()
		s.rouse()
	}
	p.running.Wait()
}

type server struct {
	Service
	deliver func(Reply)
	wake    chan struct{}

	mu     sync.Mutex
	inbox  []Call
	idle   bool // waits on wake
	closed bool

	// Of the serving goroutine. Each queue has one delay, so it is in order.
	replies, timeouts, lates queue
}

func (s *server) call(c Call) {
	s.mu.Lock()
	s.inbox = append(s.inbox, c)
	idle := s.idle
	s.idle = false
	s.mu.Unlock()
	if idle {
		s.rouse()
	}
}

func (s *server) rouse() {
	select {
	case s.wake <- struct{}{}:
	default: // it has one already
	}
}

// serve runs until the server is closed and nothing is left.
func (s *server) serve() {
	var batch []Call
	for {
		waiting := s.waiting()
		var open bool
		if batch, open = s.take(batch, waiting == 0); !open && waiting == 0 && len(batch) == 0 {
			return
		}
		if len(batch) > 0 {
			now := probe.Now()
			for _, c := range batch {
				s.accept(c, now)
			}
		}
		if s.deliverDue() == 0 && len(batch) == 0 {
			runtime.Gosched() // a timer would be a millisecond late
		}
	}
}

// take returns what has arrived, in the place of batch. With nothing else to
// do it waits.
func (s *server) take(batch []Call, mayWait bool) (arrived []Call, open bool) {
	for {
		s.mu.Lock()
		arrived, s.inbox = s.inbox, batch[:0]
		open = !s.closed
		s.idle = len(arrived) == 0 && mayWait && open
		wait := s.idle
		s.mu.Unlock()
		if !wait {
			return arrived, open
		}
		batch = arrived
		<-s.wake
	}
}

// accept decides the fate of a call that is taken up now, and answers it if
// that costs nothing. now never goes back, so each queue is in order, and no
// answer is before its call's time-out.
func (s *server) accept(c Call, now time.Duration) {
	way, refused := s.Faults.of(c)
	r := Reply{Call: c, Outcome: Done}
	if refused {
		r.Outcome = Refused
	} else if s.Effect != nil && way != lost {
		s.Effect(c)
	}
	switch {
	case way != answered:
		s.timeouts.push(now+s.Timeout, Reply{Call: c, Outcome: TimedOut})
		if way == late {
			s.lates.push(now+s.Timeout+s.Late, r)
		}
	case s.Cost > 0:
		s.replies.push(now+s.Cost, r)
	default:
		s.deliver(r)
	}
}

// deliverDue delivers what has fallen due. All queues are held against one
// reading of the clock: with a second one for the last of them, a late answer
// could overtake its time-out.
func (s *server) deliverDue() (delivered int) {
	if s.waiting() == 0 {
		return 0
	}
	now := probe.Now()
	for _, q := range [...]*queue{&s.replies, &s.timeouts, &s.lates} {
		for q.len() > 0 && q.head().at <= now {
			s.deliver(q.pop())
			delivered++
		}
	}
	return delivered
}

func (s *server) waiting() int { return s.replies.len() + s.timeouts.len() + s.lates.len() }

// A queue holds replies in the order in which they fall due.
type queue struct {
	items []due
	first int
}

type due struct {
	Reply
	at time.Duration
}

func (q *queue) len() int   { return len(q.items) - q.first }
func (q *queue) head() *due { return &q.items[q.first] }

func (q *queue) push(at time.Duration, r Reply) {
	if q.first > len(q.items)/2 && len(q.items) == cap(q.items) { // moves up instead of growing
		n := copy(q.items, q.items[q.first:])
		clear(q.items[n:])
		q.items, q.first = q.items[:n], 0
	}
	q.items = append(q.items, due{r, at})
}

func (q *queue) pop() Reply {
	r := q.items[q.first].Reply
	q.items[q.first] = due{} // lets go of the transaction
	if q.first++; q.first == len(q.items) {
		q.items, q.first = q.items[:0], 0
	}
	return r
}
