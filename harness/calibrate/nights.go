package calibrate

import (
	"fmt"
	"math/rand/v2"

	"tunelab/harness"
	"tunelab/results/verdict"
)

// NightOptions say what nights a gate is played through.
type NightOptions struct {
	Nights      int
	Benchmarks  int     // of a night, each a recording of its own
	Slower      float64 // by which one of them is slower, as a share; 0: none
	Budget      float64 // machine time of a night, s, pilots included and the gate's own benchmark not
	FamilyError float64 // of the run that measures them
	Seed        uint64
}

// NightsPlayed is what came of the nights. Maps are by the name of the slow benchmark's recording.
type NightsPlayed struct {
	Nights   int
	Slow     map[string]int // in so many nights it was the slow one
	Reported map[string]int // in so many of them it was reported
	Alarms   int            // nights in which another than the slow one was called better or worse
	Seconds  float64        // mean machine time
}

// PlayNights plays nights of a gate from recordings of equal sides, by the rules by which a run measures: blocks go round
// the undecided benchmarks, what the first stage flags is measured in a second one, and the budget ends both. In every
// block a coin says which side is the tip; the blocks of a recording begin at a random one and come again when they are
// used up. So the nights say nothing about layouts, and what they say of alarms follows from the coins alone.
func PlayNights(list []Recording, o NightOptions) (NightsPlayed, error) {
	out := NightsPlayed{Nights: o.Nights, Slow: map[string]int{}, Reported: map[string]int{}}
	if len(list) < o.Benchmarks {
		return out, fmt.Errorf("playing nights of %d benchmarks: there are %d recordings", o.Benchmarks, len(list))
	}
	random := rand.New(rand.NewPCG(o.Seed, 0x6e6967687473))
	for range o.Nights {
		n := newNight(list, o, random)
		if err := n.play(o); err != nil {
			return out, err
		}
		out.Seconds += n.used / float64(o.Nights)
		alarm := false
		for i, c := range n.cases {
			switch reported := c.confirmed && c.side > 0; {
			case i == n.slow && reported:
				out.Reported[c.from.Case]++
			case i != n.slow && c.confirmed:
				alarm = true
			}
		}
		if n.slow >= 0 {
			out.Slow[n.cases[n.slow].from.Case]++
		}
		if alarm {
			out.Alarms++
		}
	}
	return out, nil
}

// A playedNight is one night.
type playedNight struct {
	cases  []*playedCase
	slow   int // index of the slow one, -1 for none
	budget float64
	used   float64
	begun  float64 // of it used by pilots
	seed   uint64
	random *rand.Rand
}

// A playedCase is one benchmark of a night.
type playedCase struct {
	from      Recording
	next      int     // block of the recording
	cost      float64 // of a block, s
	factor    float64 // by which the tip is slower
	pairs     []verdict.Pair
	decided   bool
	side      int // in which direction the first stage flagged it; 0: it did not
	confirmed bool
}

func newNight(list []Recording, o NightOptions, random *rand.Rand) *playedNight {
	n := &playedNight{slow: -1, budget: o.Budget, seed: random.Uint64(), random: random}
	for _, i := range random.Perm(len(list))[:o.Benchmarks] {
		r := list[i]
		n.cases = append(n.cases, &playedCase{from: r, next: random.IntN(len(r.Trace.Pairs)), factor: 1, cost: sum(r.Trace.Seconds) / float64(len(r.Trace.Seconds))})
		n.used += r.Pilot
	}
	if o.Slower > 0 {
		n.slow = random.IntN(len(n.cases))
		n.cases[n.slow].factor = 1 + o.Slower
	}
	return n
}

// block measures one more block of the case.
func (n *playedNight) block(c *playedCase) {
	p := c.from.Trace.Pairs[c.next%len(c.from.Trace.Pairs)]
	c.next++
	if n.random.IntN(2) == 1 {
		p.Base, p.Variant = p.Variant, p.Base
	}
	p.Variant *= c.factor
	c.pairs = append(c.pairs, verdict.Pair{Base: p.Base, Variant: p.Variant})
	n.used += c.cost
}

// play goes through both stages.
func (n *playedNight) play(o NightOptions) error {
	n.begun = n.used
	total := 0.0
	for _, c := range n.cases {
		total += c.cost
	}
	last := max(harness.LeastBlocks, int(harness.Stretch*(n.budget-n.used)/total))
	rule := verdict.Rule{Alpha: 0.05, Margin: usualMargin, Looks: verdict.Looks(min(last, 1000)), Seed: n.seed}
	first, err := verdict.NewJudge(rule)
	if err != nil {
		return err
	}
	judge := func(*playedCase) *verdict.Judge { return first }
	if err := n.stage(judge, rule.Looks, 1); err != nil {
		return err
	}
	again := map[int]*verdict.Judge{}
	alpha := harness.FamilyAlpha(o.FamilyError, o.Benchmarks)
	for _, side := range []int{-1, 1} {
		if again[side], err = verdict.NewJudge(rule.Confirm(side, alpha, rule.Looks)); err != nil {
			return err
		}
	}
	for _, c := range n.cases {
		c.pairs, c.decided = nil, c.side == 0
	}
	return n.stage(func(c *playedCase) *verdict.Judge { return again[c.side] }, rule.Looks, 2)
}

// stage goes round the undecided cases until all are decided or the budget is used up, and then takes the last looks.
func (n *playedNight) stage(judge func(*playedCase) *verdict.Judge, looks []int, stage int) error {
	at := map[int]bool{}
	for _, k := range looks {
		at[k] = true
	}
	inTime := true
	for block := 1; inTime && block <= looks[len(looks)-1]; block++ {
		for _, c := range n.cases {
			if c.decided {
				continue
			}
			if inTime = n.used+c.cost+n.reserve(stage) <= n.budget; !inTime {
				break
			}
			n.block(c)
			if !at[block] {
				continue
			}
			r, err := judge(c).Decide(c.pairs)
			if err != nil {
				return err
			}
			c.take(r, r.Decided, stage)
		}
	}
	for _, c := range n.cases {
		if c.decided || len(c.pairs) == 0 {
			continue
		}
		r, err := judge(c).DecideLast(c.pairs)
		if err != nil {
			return err
		}
		c.take(r, true, stage)
	}
	return nil
}

// reserve is what the second stage will need, as a run reserves it.
func (n *playedNight) reserve(stage int) float64 {
	if stage == 2 {
		return 0
	}
	all, last := 0.0, 0.0
	for _, c := range n.cases {
		switch {
		case c.side != 0:
			all += harness.LeastBlocks * c.cost
		case !c.decided:
			last = max(last, harness.LeastBlocks*c.cost)
		}
	}
	return min(all+last, (n.budget-n.begun)/2)
}

// take notes what a look came to.
func (c *playedCase) take(r verdict.Result, decided bool, stage int) {
	c.decided = decided
	if r.Verdict != verdict.Better && r.Verdict != verdict.Worse {
		return
	}
	if stage == 2 {
		c.confirmed = true
		return
	}
	c.side = 1
	if r.Effect < 1 {
		c.side = -1
	}
}
