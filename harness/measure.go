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

// needed returns the variants that the stage's undecided comparisons of the case still need.
func (c *course) needed(stage int) map[string]bool {
	need := map[string]bool{}
	for _, x := range c.state {
		if !x.Decided && stageOf(x) == stage && x.Metric != results.Instructions {
			need[x.Base], need[x.Variant] = true, true
		}
	}
	return need
}

// all returns every variant of the case.
func (c *course) all() map[string]bool {
	need := map[string]bool{}
	for _, name := range c.plan.Variants {
		need[name] = true
	}
	return need
}

// stageOf returns in which stage a comparison is.
func stageOf(x results.Comparison) int {
	if x.Flagged != nil {
		return 2
	}
	return 1
}

// look computes the comparisons after a block, where that can change anything.
func (c *course) look(judge *results.Judge, block int, looks []int, when results.When) bool {
	if !c.awry && !slices.Contains(looks, block) && block != exactLook {
		return false
	}
	c.state = judge.CompareCase(c.plan, c.trials, when)
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
		if _, ok := t.Get(unit); !ok && unit != results.Instructions {
			c.awry = true
		}
	}
}

// measure runs the blocks of the plan, going round the cases, until every comparison is decided, the last block is
// done, or the time is up; and then, in fresh blocks and layouts, those of the second stage for the comparisons that
// the first one flagged. Trials that the file already has are not run again.
func (s *session) measure(ctx context.Context) error {
	judge := results.NewJudge(s.run)
	plan := s.run.Plan
	courses := make([]*course, len(plan.Cases))
	for i, c := range plan.Cases {
		courses[i] = &course{plan: c, awry: plan.Reject.Busy > 0, state: judge.CompareCase(c, nil, results.Measuring)}
	}
	s.planned = s.elapsed()
	why, err := s.stage(ctx, judge, courses, 1, plan.Looks)
	if err != nil {
		return err
	}
	if plan.Confirm.Alpha > 0 {
		for _, c := range courses {
			c.state = judge.CompareCase(c.plan, c.trials, results.Confirming)
		}
		if err := s.prepareSecond(ctx, courses); err != nil {
			return err
		}
		again, err := s.stage(ctx, judge, courses, 2, plan.Confirm.Looks)
		if err != nil {
			return err
		}
		if again == "budget" || why == "decided" {
			why = again
		}
	}
	if err := s.countAll(ctx, courses); err != nil {
		return err
	}
	if err := s.writer.Finish(results.Done{Why: why, ElapsedMS: s.elapsed().Milliseconds()}); err != nil {
		return fmt.Errorf("%w: %w", ErrFailed, err)
	}
	s.takeProfiles(ctx)
	s.countFailures(courses)
	s.tell(Progress{Stage: StageDone})
	return nil
}

// stage runs the blocks of one stage, and returns why there were no more.
func (s *session) stage(ctx context.Context, judge *results.Judge, courses []*course, stage int, looks []int) (why string, err error) {
	s.inStage = stage
	when := results.Measuring
	if stage == 2 {
		when = results.Confirming
	}
	known := map[string][]*results.Trial{} // of an interrupted run, by case
	for i := range s.trials {
		if t := &s.trials[i]; max(t.Stage, 1) == stage && t.Counted == "" {
			known[t.Case] = append(known[t.Case], t)
		}
	}
	if s.options.Trace {
		return s.trace(ctx, courses)
	}
	for block := 1; block <= looks[len(looks)-1]; block++ {
		active := false
		for _, c := range courses {
			need := c.needed(stage)
			if len(need) == 0 {
				continue
			}
			active = true
			ok, err := s.block(ctx, c, block, need, known[c.plan.Case], courses)
			if err != nil {
				return "", err
			}
			if !ok {
				return "budget", nil
			}
			if c.look(judge, block, looks, when) {
				s.report(c, block, courses, c.state)
			}
		}
		if !active {
			return "decided", nil
		}
	}
	return "last block", nil
}

// trace runs blocks until the time is up, whatever is known, and gives every case the same share of it.
func (s *session) trace(ctx context.Context, courses []*course) (why string, err error) {
	blocks, spent := make([]int, len(courses)), make([]time.Duration, len(courses))
	over := make([]bool, len(courses))
	for {
		next := -1
		for i := range courses {
			if !over[i] && (next < 0 || spent[i] < spent[next]) {
				next = i
			}
		}
		if next < 0 {
			return "budget", nil
		}
		began := time.Now()
		blocks[next]++
		ok, err := s.block(ctx, courses[next], blocks[next], courses[next].all(), nil, courses)
		if err != nil {
			return "", err
		}
		spent[next] += time.Since(began)
		over[next] = !ok
	}
}

// reserve is what the second stage needs for the comparisons that are flagged so far. It depends on which way a
// difference goes no more than a block's cost does, so that the time at which the first stage ends tells nothing.
func (s *session) reserve(courses []*course) time.Duration {
	var sum time.Duration
	if s.inStage == 1 && s.run.Plan.Confirm.Alpha > 0 {
		var last time.Duration // of one more, which the last look may flag
		for _, c := range courses {
			sum += LeastBlocks * c.cost(len(c.needed(2)))
			if len(c.needed(1)) > 0 {
				last = max(last, LeastBlocks*c.cost(2))
			}
		}
		sum += last
	}
	// It takes no more than half of the time: a first stage that is cut short finds nothing that could be confirmed.
	return min(sum, (s.options.Budget-s.planned)/2)
}

// cost is about what a block takes in which that many variants run.
func (c *course) cost(variants int) time.Duration {
	return time.Duration(c.plan.BlockMS / float64(len(c.plan.Variants)) * float64(variants) * float64(time.Millisecond))
}

// prepareSecond links the layouts that the second stage draws from: in those of the first it would find again what
// they had brought about.
func (s *session) prepareSecond(ctx context.Context, courses []*course) error {
	need := map[string]bool{}
	room := false
	for _, c := range courses {
		names := c.needed(2)
		for name := range names {
			need[name] = true
		}
		room = room || len(names) > 0 && s.elapsed()+c.cost(len(names))+closing <= s.options.Budget
	}
	if !room || s.layouts.Count == 0 {
		return nil
	}
	began := time.Now()
	defer func() { s.earlier -= time.Since(began) }() // builds are not counted
	return s.relinkSecond(ctx, need)
}

// block runs what a block of the case still lacks. It returns false when the time that is left does not suffice.
func (s *session) block(ctx context.Context, c *course, block int, need map[string]bool, known []*results.Trial, courses []*course) (bool, error) {
	var todo []int
	order := blockOrder(s.stageSeed(), c.plan.Case, block, c.plan.Variants)
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
	if s.elapsed()+c.cost(len(todo))+s.reserve(courses)+s.countCost(s.run.Plan.Cases)+closing+s.profiling(s.run.Plan.Cases) > s.options.Budget && !nothing(courses) {
		return false, nil
	}
	s.report(c, block, courses, nil)
	s.draw = blockDraw(s.stageSeed(), c.plan.Case, block, s.layouts.Count)
	defer func() { s.draw = 0 }()
	if c.plan.Alternates() {
		trials, err := s.together(ctx, c.plan, block, order, todo)
		return err == nil, s.keep(c, trials, err)
	}
	for place, i := range todo {
		t, err := s.trial(ctx, c.plan, block, len(order)-len(todo)+place+1, order[i])
		if err := s.keep(c, []results.Trial{t}, err); err != nil {
			return false, err
		}
	}
	return true, nil
}

// nothing reports whether no trial of any case was made yet: one block is, whatever it takes.
func nothing(courses []*course) bool {
	return !slices.ContainsFunc(courses, func(c *course) bool { return len(c.trials) > 0 })
}

// keep writes trials down and takes them in, unless there was an error.
func (s *session) keep(c *course, trials []results.Trial, err error) error {
	if err != nil {
		return err
	}
	var list []*results.Trial
	for i := range trials {
		if trials[i].Counted == "" {
			trials[i].Draw = s.draw
		}
		if trials[i].Counted == "" && s.inStage == 2 {
			trials[i].Stage = 2
		}
		list = append(list, &trials[i])
	}
	if err := s.writer.Append(list...); err != nil { // in one piece: half of a party is worth nothing
		return fmt.Errorf("%w: %w; the trials so far are safe: make room and go on with --resume %s", ErrFailed, err, s.dir)
	}
	for _, t := range list {
		c.add(t)
	}
	return nil
}

// stageSeed is the seed of what is drawn for a stage's blocks: orders and layouts of its own.
func (s *session) stageSeed() uint64 {
	if s.inStage == 2 {
		return s.run.Plan.Seed ^ 0x7365636f6e64
	}
	return s.run.Plan.Seed
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
	a, err := s.attempt(ctx, v, c.Case, 0, c.N, time.Duration(c.TimeoutMS)*time.Millisecond)
	if err != nil {
		return results.Trial{}, err
	}
	return a.record(c, block, order, v, s.binary(v).varied(), start), nil
}

// report tells how far the run is. The comparisons are those of a look that has just been taken.
func (s *session) report(c *course, block int, courses []*course, look []results.Comparison) {
	p := Progress{
		Stage: StageMeasure, Case: c.plan.Case, Block: block, Last: s.run.Plan.LastBlock(), Confirming: s.inStage == 2,
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
		rest += ms(c.cost(len(c.needed(s.inStage)))) * float64(p.Last-block+1)
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
