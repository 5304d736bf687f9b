package nights

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"time"
)

// Events gathers the steps of all series that one thing may have caused, the newest first.
//
// Steps that begin on the same night are one event, and so are those that begin at the same commit on two machines. A
// change-point method may be wrong by a night: a step on the night before or after one with more steps joins its event when
// it is on the same machine and in the same direction, and the event's commits then embrace its own.
//
// A confirmation belongs to a change when it is of the same package, benchmark and metric, and of the commits of the event
// or of that change alone; of several the newest.
func Events(lines []*Line, confirmed []Confirmation) []Event {
	steps := allSteps(lines)
	if len(steps) == 0 {
		return nil
	}
	number(lines, steps)
	var events []Event
	for _, c := range causes(steps) {
		events = append(events, event(c, confirmed))
	}
	slices.SortStableFunc(events, func(a, b Event) int {
		return cmp.Or(b.Started.Compare(a.Started), strings.Compare(a.After, b.After))
	})
	return events
}

// A lineStep is a step with where it stands among all nights.
type lineStep struct {
	line    *Line
	step    int
	node    int // nights of the same commit, one of each place
	ordinal int // of the night at its place
	upward  bool
	taken   bool // by an event
}

func (s *lineStep) before() *LinePoint { return lastWith(s.line, s.line.Steps[s.step].At-1) }
func (s *lineStep) after() *LinePoint  { return &s.line.Points[s.line.Steps[s.step].At] }

// lastWith is the last point up to i that has a value: nights without one say nothing of where the step is.
func lastWith(l *Line, i int) *LinePoint {
	for i > 0 && math.IsNaN(l.Points[i].Y) {
		i--
	}
	return &l.Points[i]
}

func allSteps(lines []*Line) []*lineStep {
	var steps []*lineStep
	for _, l := range lines {
		for i, s := range l.Steps {
			if s.At > 0 && s.At < len(l.Points) {
				steps = append(steps, &lineStep{line: l, step: i, upward: s.Size() > 0})
			}
		}
	}
	return steps
}

// A placeNight is one night at one place.
type placeNight struct {
	place   string
	started int64
	commit  string
}

func (s *lineStep) night() placeNight {
	p := s.after()
	return placeNight{s.line.Place, p.Started.UnixNano(), p.Commit}
}

// number gives each step the ordinal of its night at its place, and a node: the k-th nights of a commit at all places are one.
func number(lines []*Line, steps []*lineStep) {
	seen := map[placeNight]bool{}
	var all []placeNight
	for _, l := range lines {
		for _, p := range l.Points {
			if n := (placeNight{l.Place, p.Started.UnixNano(), p.Commit}); !seen[n] {
				seen[n] = true
				all = append(all, n)
			}
		}
	}
	slices.SortFunc(all, func(a, b placeNight) int {
		return cmp.Or(cmp.Compare(a.started, b.started), strings.Compare(a.commit, b.commit), strings.Compare(a.place, b.place))
	})
	type at struct{ place, commit string }
	type again struct {
		commit string
		times  int
	}
	times, ordinals := map[at]int{}, map[string]int{}
	nodes := map[again]int{}
	type found struct{ node, ordinal int }
	of := make(map[placeNight]found, len(all))
	for _, n := range all {
		key := again{n.commit, times[at{n.place, n.commit}]}
		node, ok := nodes[key]
		if !ok {
			node = len(nodes)
			nodes[key] = node
		}
		of[n] = found{node, ordinals[n.place]}
		times[at{n.place, n.commit}]++
		ordinals[n.place]++
	}
	for _, s := range steps {
		f := of[s.night()]
		s.node, s.ordinal = f.node, f.ordinal
	}
}

// A cause has the steps of one node, and those that join them from the nights beside.
type cause struct{ core, joined []*lineStep }

// causes puts steps together, the nodes with most steps first.
func causes(steps []*lineStep) []cause {
	byNode := map[int][]*lineStep{}
	type moment struct {
		place   string
		ordinal int
		upward  bool
	}
	byMoment := map[moment][]*lineStep{}
	for _, s := range steps {
		byNode[s.node] = append(byNode[s.node], s)
		m := moment{s.line.Place, s.ordinal, s.worsens()}
		byMoment[m] = append(byMoment[m], s)
	}
	nodes := make([]int, 0, len(byNode))
	for n := range byNode {
		nodes = append(nodes, n)
	}
	slices.SortFunc(nodes, func(a, b int) int {
		return cmp.Or(cmp.Compare(len(byNode[b]), len(byNode[a])), cmp.Compare(a, b))
	})
	var out []cause
	for _, n := range nodes {
		c := cause{core: take(byNode[n])}
		asked := map[moment]bool{}
		for _, s := range c.core {
			for _, beside := range [2]int{-1, 1} {
				m := moment{s.line.Place, s.ordinal + beside, s.worsens()}
				if !asked[m] {
					asked[m] = true
					c.joined = append(c.joined, take(byMoment[m])...)
				}
			}
		}
		if len(c.core) > 0 {
			out = append(out, c)
		}
	}
	return out
}

// take returns those of the steps that no event has yet.
func take(steps []*lineStep) []*lineStep {
	var taken []*lineStep
	for _, s := range steps {
		if !s.taken {
			s.taken = true
			taken = append(taken, s)
		}
	}
	return taken
}

// worsens is the direction of a step: that of the metric, and where none is known, upward.
func (s *lineStep) worsens() bool {
	if s.line.Better == "higher" {
		return !s.upward
	}
	return s.upward
}

func event(c cause, confirmed []Confirmation) Event {
	before, after := c.core[0].before(), c.core[0].after()
	for _, s := range c.core {
		// A benchmark that was not measured for some nights knows less of when it was.
		if b := s.before(); b.Started.After(before.Started) {
			before = b
		}
	}
	for _, s := range c.joined {
		if b := s.before(); b.Started.Before(before.Started) {
			before = b
		}
		if a := s.after(); a.Started.After(after.Started) {
			after = a
		}
	}
	e := Event{Started: after.Started, Before: before.Commit, After: after.Commit, Subject: after.Subject}
	for _, s := range slices.Concat(c.core, c.joined) {
		e.Changes = append(e.Changes, Change{
			Line: s.line, Step: s.line.Steps[s.step], Worse: s.line.Better != "" && s.worsens(),
			Confirmed: confirmation(s, &e, confirmed),
		})
	}
	slices.SortStableFunc(e.Changes, func(a, b Change) int {
		return cmp.Or(cmp.Compare(b.share(), a.share()), compareKeys(&a.Line.Key, &b.Line.Key))
	})
	return e
}

// share is a change's size as a logarithm, or what compares with one where there is none.
func (c *Change) share() float64 {
	size := math.Abs(c.Step.Size())
	if c.Line.Plain {
		return size / max(math.Abs(c.Step.Before), math.Abs(c.Step.After))
	}
	return size
}

func confirmation(s *lineStep, e *Event, confirmed []Confirmation) *Confirmation {
	var newest *Confirmation
	var made time.Time
	for i := range confirmed {
		c := &confirmed[i]
		if c.Package != s.line.Package || c.Benchmark != s.line.Benchmark || c.Metric != s.line.Metric {
			continue
		}
		ofEvent := sameCommit(c.From, e.Before) && sameCommit(c.To, e.After)
		ofStep := sameCommit(c.From, s.before().Commit) && sameCommit(c.To, s.after().Commit)
		if (ofEvent || ofStep) && (newest == nil || c.Made.After(made)) {
			newest, made = c, c.Made
		}
	}
	return newest
}

// leastHash is the shortest abbreviation of a commit that is taken for it.
const leastHash = 7

// sameCommit also knows abbreviations, which files of other tools may have.
func sameCommit(a, b string) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	return a == b || len(a) >= leastHash && strings.HasPrefix(b, a)
}
