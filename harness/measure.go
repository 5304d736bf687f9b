package harness

import (
	"context"
	"fmt"
	"slices"
	"time"

	"tunelab/results"
	"tunelab/scenarios"
)

// A course is how far one case has come. It is rebuilt from the records alone, so that a resumed run goes on exactly
// where the killed one stopped.
type course struct {
	plan   results.PlannedCase
	trials []*results.Trial
	state  []results.Comparison // at the last look
	awry   bool                 // some trial did not count, so that pairs are fewer than blocks
}

// needed returns the variants that an undecided comparison of the case still needs.
func (c *course) needed() map[string]bool {
	need := map[string]bool{}
	for _, x := range c.state {
		if !x.Decided {
			need[x.Base], need[x.Variant] = true, true
		}
	}
	return need
}

// look computes the comparisons after a block, where that can change anything.
func (c *course) look(judge *results.Judge, block int, looks []int) bool {
	if !c.awry && !slices.Contains(looks, block) && block != exactLook {
		return false
	}
	c.state = judge.CompareCase(c.plan, c.trials, false)
	return true
}

// exactLook is the block after which constant metrics are compared exactly.
const exactLook = 3

// add takes a trial in.
func (c *course) add(t *results.Trial) {
	c.trials = append(c.trials, t)
	if t.Outcome != results.OK {
		c.awry = true
	}
	for _, unit := range c.plan.Metrics {
		if _, ok := t.Get(unit); !ok {
			c.awry = true
		}
	}
}

func (c *course) find(block int, variant string) *results.Trial {
	for i := len(c.trials) - 1; i >= 0; i-- {
		if t := c.trials[i]; t.Block == block && t.Variant == variant {
			return t
		}
	}
	return nil
}

// measure runs the blocks of the plan, going round the cases, until every comparison is decided, the last block is
// done, or the time is up. Trials that the file already has are not run again.
func (s *session) measure(ctx context.Context) error {
	judge := results.NewJudge(s.run)
	plan := s.run.Plan
	courses := make([]*course, len(plan.Cases))
	for i, c := range plan.Cases {
		courses[i] = &course{plan: c, state: judge.CompareCase(c, nil, false)}
	}
	known := map[string][]*results.Trial{} // of an interrupted run, by case
	for i := range s.trials {
		t := &s.trials[i]
		known[t.Case] = append(known[t.Case], t)
	}
	done := results.Done{Why: "last block"}
rounds:
	for block := 1; block <= plan.LastBlock(); block++ {
		active := false
		for _, c := range courses {
			need := c.needed()
			if len(need) == 0 {
				continue
			}
			active = true
			ok, err := s.block(ctx, c, block, need, known[c.plan.Case], courses)
			if err != nil {
				return err
			}
			if !ok {
				done.Why = "budget"
				break rounds
			}
			if c.look(judge, block, plan.Looks) {
				s.report(c, block, courses, c.state)
			}
		}
		if !active {
			done.Why = "decided"
			break
		}
	}
	done.ElapsedMS = s.elapsed().Milliseconds()
	if err := s.writer.Finish(done); err != nil {
		return fmt.Errorf("%w: %w", ErrFailed, err)
	}
	s.profileVariants(ctx)
	s.countFailures(courses)
	s.tell(Progress{Stage: StageDone})
	return nil
}

// block runs what a block of the case still lacks. It returns false when the time that is left does not suffice.
func (s *session) block(ctx context.Context, c *course, block int, need map[string]bool, known []*results.Trial, courses []*course) (bool, error) {
	var todo []int
	order := blockOrder(s.run.Plan.Seed, c.plan.Case, block, c.plan.Variants)
	for i, name := range order {
		if !need[name] {
			continue
		}
		if t := recorded(known, block, name); t != nil {
			c.add(t)
			continue
		}
		todo = append(todo, i)
	}
	if len(todo) == 0 {
		return true, nil
	}
	cost := time.Duration(c.plan.BlockMS / float64(len(c.plan.Variants)) * float64(len(todo)) * float64(time.Millisecond))
	if s.elapsed()+cost+closing+s.profiling(s.run.Plan.Cases) > s.options.Budget && block > 1 {
		return false, nil
	}
	s.report(c, block, courses, nil)
	for place, i := range todo {
		name := order[i]
		t, err := s.trial(ctx, c.plan, block, len(order)-len(todo)+place+1, name)
		if err != nil {
			return false, err
		}
		if err := s.writer.Append(&t); err != nil {
			return false, fmt.Errorf("%w: %w; the trials so far are safe: make room and go on with --resume %s", ErrFailed, err, s.dir)
		}
		c.add(&t)
	}
	return true, nil
}

func recorded(known []*results.Trial, block int, variant string) *results.Trial {
	for _, t := range known {
		if t.Block == block && t.Variant == variant {
			return t
		}
	}
	return nil
}

func (s *session) trial(ctx context.Context, c results.PlannedCase, block, order int, name string) (results.Trial, error) {
	v, ok := s.scenario.Variant(name)
	if !ok {
		v = scenarios.Variant{Name: name}
	}
	start := s.elapsed()
	a, err := s.attempt(ctx, v, c.Case, fmt.Sprintf("%dx", c.N), c.N, time.Duration(c.TimeoutMS)*time.Millisecond)
	if err != nil {
		return results.Trial{}, err
	}
	return a.record(c, block, order, v, s.binaries[name].varied(), start), nil
}

// report tells how far the run is. The comparisons are those of a look that has just been taken.
func (s *session) report(c *course, block int, courses []*course, look []results.Comparison) {
	p := Progress{
		Stage: StageMeasure, Case: c.plan.Case, Block: block, Last: s.run.Plan.LastBlock(),
		Elapsed: s.elapsed(), Budget: s.options.Budget, Comparisons: look,
	}
	var rest float64
	for _, c := range courses {
		for _, x := range c.state {
			p.Planned++
			if x.Decided {
				p.Decided++
			}
		}
		share := float64(len(c.needed())) / float64(len(c.plan.Variants))
		rest += share * c.plan.BlockMS * float64(p.Last-block+1)
	}
	p.Left = max(0, min(p.Budget-p.Elapsed, time.Duration(rest*float64(time.Millisecond))))
	s.tell(p)
}

// allowed reports whether the scenario takes the outcome for a result of the variant.
func (s *session) allowed(variant string, o results.Outcome) bool {
	v, _ := s.scenario.Variant(variant)
	return slices.Contains(v.Allow, string(o))
}

// countFailures names the variants whose trials ended badly: the run's exit status tells.
func (s *session) countFailures(courses []*course) {
	for _, c := range courses {
		for _, v := range c.plan.Variants {
			bad, first := 0, (*results.Trial)(nil)
			for _, t := range c.trials {
				if t.Variant == v && t.Outcome != results.OK && !s.allowed(v, t.Outcome) {
					if bad++; first == nil {
						first = t
					}
				}
			}
			if bad > 0 {
				s.failures = append(s.failures, fmt.Sprintf("%d trials of %s in %s ended badly, the first (trial %d) %s: %s",
					bad, v, c.plan.Case, first.Trial, first.Outcome, first.Why))
			}
		}
	}
}
