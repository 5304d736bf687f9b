package harness

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"tunelab/harness/internal/process"
	"tunelab/harness/internal/serve"
	"tunelab/results"
	"tunelab/scenarios"
)

// shortOfSlice is of how many times fewer operations than a slice the first is that a process runs.
const shortOfSlice = 4

// alternating is a block's processes, alive side by side. In each round every one of them runs one slice of the case's
// benchmark, in an order drawn anew; between rounds all of them wait.
type alternating struct {
	party   *process.Party
	members []*alternate
	c       results.PlannedCase
	primary []string
	limit   time.Duration // of one slice
	all     time.Duration // of all of a process's; 0: none
}

// An alternate is one process of them.
type alternate struct {
	server
	cpu       int // on which its slices begin
	spec      process.Spec
	variant   scenarios.Variant
	benchmark string
	attempt   attempt
	slices    map[string][]float64 // by unit
	said      []byte               // printed when a slice failed
	counts    string               // how the benchmark counts, as it said
	cost      time.Duration        // of the last slice, everything
	took      time.Duration        // all slices so far
}

// alternate starts a process for each of the variants, in this order, and has each run a short slice, for what is slow only
// the first time, and then the warm-up slices, all at once. Draws are the layouts that they are in, each its own; nil: all in
// that of the block.
func (s *session) alternate(ctx context.Context, c results.PlannedCase, variants []scenarios.Variant, draws []int, warmups int) (*alternating, error) {
	defer func(draw int) { s.draw = draw }(s.draw)
	p := &alternating{party: s.children.NewParty(), c: c, primary: s.scenario.Metrics.Primary, limit: time.Duration(c.TimeoutMS) * time.Millisecond}
	cpu := s.nextCPU()
	for i, v := range variants {
		if draws != nil {
			s.draw = draws[i]
		}
		m, err := s.join(p.party, c, v, cpu)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("starting %s of variant %s: %w", c.Case, v.Name, err), p.close(ctx))
		}
		p.members = append(p.members, m)
	}
	// Starting and warming up need no quiet machine, so they don't wait for each other.
	errs := make([]error, len(p.members))
	var ready sync.WaitGroup
	for i, m := range p.members {
		ready.Go(func() {
			sizes := append([]int{max(1, c.N/shortOfSlice)}, slices.Repeat([]int{c.N}, warmups)...)
			if c.Processes.SliceMS == 0 { // the first said how the benchmark counts, and from the second on it is known
				sizes = slices.Insert(sizes, 1, 1)
			}
			for _, n := range sizes {
				if _, errs[i] = p.slice(ctx, m, n); errs[i] != nil {
					return
				}
			}
		})
	}
	ready.Wait()
	if err := errors.Join(errs...); err != nil {
		return nil, errors.Join(err, p.close(ctx))
	}
	return p, nil
}

// nextCPU is on which CPU the slices of the next party begin. They take turns.
func (s *session) nextCPU() int {
	cpus := process.UsableCPUs()
	if len(cpus) == 0 {
		return serve.AnyCPU
	}
	s.led++
	return cpus[s.led%len(cpus)]
}

// warmupSlices is how many slices of that length, in ms, make the warm-up that the scenario asks for.
func (s *session) warmupSlices(slice float64) int {
	return int(math.Ceil(ms(time.Duration(s.scenario.Bench.Warmup)) / slice))
}

func (s *session) join(party *process.Party, c results.PlannedCase, v scenarios.Variant, cpu int) (*alternate, error) {
	m := &alternate{variant: v, benchmark: s.names[c.Case][v.Name], slices: map[string][]float64{}, cpu: cpu}
	m.attempt.outcome = results.OK
	m.counts, _, _ = strings.Cut(c.Processes.Counts, " ") // once, the name followed it
	m.spec = s.spec(v, 0, s.benchArgs(Anchored("Benchmark"+m.benchmark))...)
	var err error
	m.server, err = s.serve(party, s.binary(v).bench, m.spec, nil)
	return m, err
}

// slice has a process run n iterations, and returns its result: nil when it ended badly, now or before. The error is
// ctx's.
func (p *alternating) slice(ctx context.Context, m *alternate, n int) (*line, error) {
	if m.attempt.outcome != results.OK {
		return nil, nil
	}
	began := time.Now()
	l, answer, err := m.run(ctx, n, m.cpu, m.counts, m.benchmark, p.limit)
	m.cost = time.Since(began)
	m.took += m.cost
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err == nil {
		err = l.validate(n, p.primary)
	}
	if err != nil {
		m.attempt.fail(results.Failed, "%v", err)
		m.said = m.Printed()
		return nil, nil
	}
	m.attempt.line = l
	m.counts = cmp.Or(answer.Counts, m.counts)
	return l, nil
}

// round runs one slice of each process in the order that random draws, and keeps their values.
func (p *alternating) round(ctx context.Context, random *rand.Rand) error {
	for _, i := range random.Perm(len(p.members)) {
		m := p.members[i]
		l, err := p.slice(ctx, m, p.c.N)
		if err != nil {
			return err
		}
		if l == nil {
			continue
		}
		for _, v := range l.values {
			m.slices[v.Unit] = append(m.slices[v.Unit], v.Value)
		}
		if p.all > 0 && m.took > p.all {
			m.attempt.fail(results.Timeout, "its slices took more than %v together", p.all.Round(time.Second))
		}
	}
	return nil
}

// close ends the processes and decides how each attempt ended.
func (p *alternating) close(ctx context.Context) error {
	exits, err := p.party.Close(ctx)
	for _, m := range p.members {
		err = errors.Join(err, m.stage.Remove())
	}
	if err != nil {
		return err
	}
	for i, m := range p.members {
		a := &m.attempt
		a.exit = exits[i]
		slice, why := a.outcome, a.why
		if a.outcome = results.OK; a.judgeExit(m.spec) && slice != results.OK {
			a.fail(slice, "%s", why)
			a.exit.Stdout = m.said
		}
		if a.exit.TimedOut && slice != results.OK {
			a.why = fmt.Sprintf("a slice did not end within %v", p.limit.Round(time.Millisecond))
		} else if a.exit.TimedOut {
			a.why = "it did not end when there was nothing more to do"
		}
	}
	return nil
}

// together runs the variants of a block side by side and returns their trials.
func (s *session) together(ctx context.Context, c results.PlannedCase, block int, order []string, todo []int) ([]results.Trial, error) {
	start := s.elapsed()
	began := time.Now()
	own := process.OwnCPU()
	before, beforeErr := s.system.Read()
	var variants []scenarios.Variant
	for _, i := range todo {
		v, ok := s.scenario.Variant(order[i])
		if !ok {
			v = scenarios.Variant{Name: order[i]}
		}
		variants = append(variants, v)
	}
	p, err := s.alternate(ctx, c, variants, nil, s.warmupSlices(c.Processes.SliceMS))
	if err != nil {
		return nil, err
	}
	p.all = max(10*time.Duration(c.BlockMS*float64(time.Millisecond)), p.limit)
	random := roundOrders(s.stageSeed(), c.Case, block)
	for range c.Processes.Rounds {
		if err = p.round(ctx, random); err != nil {
			break
		}
	}
	if err = errors.Join(err, p.close(ctx)); err != nil {
		return nil, err
	}
	s.parties++
	var trials []results.Trial
	var cpu time.Duration
	for place, m := range p.members {
		m.attempt.took = time.Since(began)
		t := m.attempt.record(c, block, len(order)-len(todo)+place+1, m.variant, s.binary(m.variant).varied(), start)
		t.Party = s.parties
		takeSlices(&t, m.slices, c.Metrics)
		t.WaitingMS = ms(m.Waiting())
		trials = append(trials, t)
		cpu += m.attempt.exit.User + m.attempt.exit.System
	}
	cpu += process.OwnCPU() - own // asking and listening is no other program's work
	if after, err := s.system.Read(); err == nil && beforeErr == nil {
		delta := after.Since(before)
		for i := range trials { // what the machine did meanwhile is shared out: sums over trials stay true
			trials[i].StealMS = float64(delta.StealMS) / float64(len(trials))
			trials[i].ForeignMS = float64(delta.ForeignMS(cpu)) / float64(len(trials))
			if after.Load != nil {
				trials[i].Load1 = after.Load.One
			}
		}
	}
	return trials, nil
}

// roundOrders is the stream that the orders within a block's rounds are drawn from.
func roundOrders(seed uint64, name string, block int) *rand.Rand {
	h := fnv.New64a()
	h.Write([]byte("rounds\x00" + name))
	return rand.New(rand.NewPCG(seed^h.Sum64(), uint64(block)))
}

// takeSlices makes the trial's values the means of the middle half of its slices', to six digits.
func takeSlices(t *results.Trial, values map[string][]float64, metrics []string) {
	if t.Outcome != results.OK {
		return
	}
	for i, v := range t.Values {
		mean := results.MiddleHalf(values[v.Unit])
		if digits := 5 - int(math.Floor(math.Log10(mean))); mean > 0 && digits < 300 {
			unit := math.Pow(10, float64(digits))
			mean = math.Round(mean*unit) / unit
		}
		t.Values[i].Value = mean
	}
	t.Slices = map[string][]float64{}
	for _, unit := range metrics {
		if list, ok := values[unit]; ok {
			t.Slices[unit] = list
		}
	}
}
