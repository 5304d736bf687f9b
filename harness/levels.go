package harness

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"gonum.org/v1/gonum/stat/distuv"

	"tunelab/results"
	"tunelab/scenarios"
)

// perOperation are the units whose value does not depend on how long a benchmark runs, so that a slice of milliseconds
// measures them.
var perOperation = []string{"ns/op", "B/op", "allocs/op", "MB/s"}

// mayAlternate says whether processes of some case may live side by side.
func (s *session) mayAlternate() bool {
	return s.mustBeFresh() == "" && slices.ContainsFunc(s.scenario.Metrics.Primary, isPerOperation)
}

func isPerOperation(unit string) bool { return slices.Contains(perOperation, unit) }

// mustBeFresh returns why each trial of the scenario has to be a process that runs alone, "" when nothing says so.
func (s *session) mustBeFresh() string {
	if s.scenario.Bench.Processes == scenarios.Fresh {
		return "the scenario says so"
	}
	if s.scenario.HasSubject() {
		return "a subject is driven, and two at a time would disturb each other"
	}
	for _, v := range s.scenario.Variants {
		if v.Limits != (scenarios.Limits{}) {
			return "a variant has limits, and each trial a cgroup of its own"
		}
	}
	return ""
}

// Alternation. On a 2-core virtual machine the variance of a difference times the machine time was, in slices of 1, 3 and 10
// ms, 3, 40 and 48 · 10⁻⁵ (SHA-256), 6, 6 and 13 · 10⁻⁴ (uuid.Parse); of fresh processes of 100 ms 160 · 10⁻⁵ and 38 · 10⁻⁴.
// Shorter than shortestSlice they lose too much beside their timed loops.
const (
	shortestSlice = 1500 * time.Microsecond
	longestSlice  = 100 * time.Millisecond
	// usualSlice is how long slices get where that is only to spend more of the time in them.
	usualSlice = 50 * time.Millisecond
	// besides is how much of a slice's cost may lie outside its timed loop.
	besides = 0.12
	// besidesAtMost is how much it may be in the longest slices.
	besidesAtMost = 0.15
	// inside is how much of a block's time should be spent inside timed loops, where starting a process takes no more
	// than quickStart; slowly is how much where it takes more.
	inside      = 0.88
	slowly      = 0.62
	quickStart  = 50 * time.Millisecond
	leastRounds = 8 // of which the middle half is four
	mostRounds  = 500
	longer      = 1.25 // a step of the lengths and numbers that are tried
	leastRest   = 0.05 // ms: no slice is asked for in less
	// mostRatio and leastRatio are how many times the variance of processes that of rounds is taken to be at most and at
	// least: a few pairs of processes say little of theirs, which is never nothing.
	mostRatio    = 64
	leastRatio   = 16
	pilotParties = 4 // of which there may be fewer where time is short
	// The rounds of a party of the pilot: as many as partyTime holds, between these.
	pilotRounds      = 16
	leastPilotRounds = 6
	partyTime        = time.Second
	// Finding all this out may take levelsShare of the budget, for all cases together.
	levelsShare  = 0.25
	levelsAtMost = 4 * levelsTime
	leastLevels  = levelsTime / 2
	// collections is how many of a small heap a slice of a benchmark that allocates must have room for.
	collections = 4
	// tooLong is what a slice of the pilot takes after which it is not tried again.
	tooLong = 2 * time.Second
	// mostSlower is how many times as long an operation may take in longer slices before the pilot gives up.
	mostSlower = 2
	// nonlinear is by how much more or less time an operation may take in short slices than in long ones.
	nonlinear = 0.05
	// asleep is how much of the CPU time that a process may use while it waits falling asleep may take: in the two slices
	// between which it does.
	asleep = 0.5
	// drift is by how much the last third of a process's slices may differ from the first, in all processes alike. What
	// the machine does in the meantime has one sign in all of four parties one time in eight, in all of driftParties one
	// time in 64.
	drift        = 0.03
	driftParties = 7
)

// levels decides by trials of the base, which do not count, whether and how the case's processes alternate. c.N becomes
// that of a slice, and c.BlockMS the cost of a process. The attempt is one that found how long an operation takes. It takes
// about as long as limit; 0: there is no time.
func (s *session) levels(ctx context.Context, c *results.PlannedCase, v scenarios.Variant, a *attempt, limit time.Duration) error {
	perOp, hidden := nsPerOp(a.line), a.hidden()
	c.Processes = &results.Levels{Why: s.whyFresh(c)}
	if c.Processes.Why == "" && perOp <= 0 {
		c.Processes.Why = "the benchmark hides its time"
	}
	if c.Processes.Why == "" && perOp+hidden > float64(longestSlice) {
		c.Processes.Why = fmt.Sprintf("one operation takes %v", time.Duration(perOp+hidden).Round(time.Millisecond))
	}
	if c.Processes.Why == "" && limit == 0 {
		c.Processes.Why = "the budget is too short to find out how they could alternate"
	}
	// A party calls it at least so often.
	if c.Processes.Why == "" && a.setUp() > max(limit/(3+leastPilotRounds), longestSlice) {
		c.Processes.Why = fmt.Sprintf("what each call does beside its operations takes %v", a.setUp().Round(time.Millisecond))
	}
	if c.Processes.Why != "" {
		return nil
	}
	trying := *c
	trying.Processes = &results.Levels{}
	trying.N = sliceOf(shortestSlice, perOp+hidden)
	until := time.Now().Add(limit)
	parties, why, err := s.pilotParties(ctx, c, &trying, v, hidden, until)
	if err != nil {
		return err
	}
	if why != "" {
		c.Processes.Why = why
		return nil
	}
	if s.scenario.Bench.Timeout == 0 {
		c.TimeoutMS = trying.TimeoutMS
	}
	c.Processes = chooseLevels(parties)
	c.Processes.Counts = trying.Processes.Counts
	c.N = max(1, int(math.Round(float64(trying.N)*c.Processes.SliceMS/trying.Processes.SliceMS)))
	if s.layouts.Count >= 2*pilotParties && limit == levelsAtMost { // it is only for the record
		var placed []pilotParty
		for i := range pilotParties {
			p, err := s.pilotParty(ctx, &trying, v, hidden, []int{2*i + 1, 2*i + 2}, until)
			if err != nil {
				return err
			}
			if p.late {
				break
			}
			if p.why == "" {
				placed = append(placed, p)
			}
		}
		c.Processes.LayoutSD = layoutSD(parties, placed)
	}
	c.BlockMS = c.Processes.StartMS + float64(c.Processes.Rounds)*c.Processes.CostMS
	return nil
}

// pilotParties returns as many parties as tell how the case's processes alternate, or as there is time for, or why they
// can't.
func (s *session) pilotParties(ctx context.Context, c, trying *results.PlannedCase, v scenarios.Variant, hidden float64, until time.Time) (parties []pilotParty, why string, err error) {
	var took time.Duration
	for !enough(parties) && (len(parties) == 0 || time.Now().Add(took/2).Before(until)) {
		began := time.Now()
		p, err := s.pilotParty(ctx, trying, v, hidden, nil, until)
		if err != nil {
			return nil, "", err
		}
		took = time.Since(began)
		if p.late && len(parties) > 0 {
			break
		}
		if p.why != "" {
			if p.curved {
				c.Warnings = append(c.Warnings, "the time is not linear in the number of operations: "+p.why)
			}
			return nil, p.why, nil
		}
		parties = append(parties, p)
	}
	if why := drifts(parties); why != "" && len(parties) > 1 {
		if len(parties) >= driftParties {
			return nil, why, nil
		}
		c.Warnings = append(c.Warnings, "there was no time to make sure, but it may be that "+why)
	}
	return parties, "", nil
}

// levelsLimit is how much time there is in a run of so many cases to find out how the processes of one alternate, 0 when
// that is too little.
func (s *session) levelsLimit(cases int) time.Duration {
	limit := time.Duration(levelsShare * float64(s.options.Budget) / float64(cases))
	if limit < leastLevels {
		return 0
	}
	return min(limit, levelsAtMost)
}

// whyFresh returns why the case's processes have to run one after another, "" when nothing says so.
func (s *session) whyFresh(c *results.PlannedCase) string {
	if why := s.mustBeFresh(); why != "" {
		return why
	}
	for _, unit := range c.Metrics {
		if !isPerOperation(unit) && unit != results.Instructions {
			return unit + " may depend on how long the benchmark runs"
		}
	}
	for _, v := range s.variants {
		for _, name := range []string{"GOGC", "GOMEMLIMIT"} {
			if _, ok := v.Env[name]; ok {
				return "variant " + v.Name + " sets " + name + ", and garbage is collected between slices"
			}
		}
	}
	for variant := range s.names[c.Case] {
		bin := s.binaries[variant].bench
		if bin.unserved != "" {
			return bin.unserved
		}
	}
	return ""
}

func sliceOf(length time.Duration, perOp float64) int {
	return max(1, int(math.Round(float64(length)/perOp)))
}

// A pilotParty is what two processes of the base, side by side, came to.
type pilotParty struct {
	ratios []float64   // of the logarithms, by round
	series [][]float64 // logarithms of ns/op of each process, by round
	hidden float64     // ns that an operation takes while the timer stands, where that is much
	slice  float64     // ms of one slice: its timed loop, and what its operations take while the timer stands
	rest   float64     // ms, what a slice takes besides, most times
	start  float64     // ms, of starting, warming up and ending one process
	why    string      // it can't be done
	curved bool        // because an operation takes another time in a long slice than in a short one
	late   bool        // because there was no more time
}

// pilotParty runs two processes of the variant side by side, in the layouts of draws where there are some. The first of a
// case also finds how long a slice has to be. What has not ended by the time given can't be done.
func (s *session) pilotParty(ctx context.Context, c *results.PlannedCase, v scenarios.Variant, hidden float64, draws []int, until time.Time) (pilotParty, error) {
	out := pilotParty{hidden: hidden}
	began := time.Now()
	warmups := s.warmupSlices(ms(shortestSlice))
	if c.Processes.SliceMS > 0 {
		warmups = s.warmupSlices(c.Processes.SliceMS) // as in a block, whose cost this is to tell
	}
	p, err := s.alternate(ctx, *c, []scenarios.Variant{v, v}, draws, warmups)
	if err != nil {
		return out, err
	}
	started := time.Since(began)
	rounds, err := out.measure(ctx, p, c, until)
	ending := time.Now()
	if err = errors.Join(err, p.close(ctx)); err != nil {
		return out, err
	}
	out.start = ms(started+time.Since(ending)) / 2
	out.read(p, rounds, ending.Sub(began))
	if out.why != "" {
		return out, nil
	}
	c.Processes.SliceMS = out.slice
	c.Processes.Counts = cmp.Or(c.Processes.Counts, p.members[0].counts)
	c.TimeoutMS = int64(10*(out.slice+out.rest)) + 10_000
	for i, a := range out.series[0] {
		out.ratios = append(out.ratios, out.series[1][i]-a)
	}
	return out, nil
}

// measure lets the party's processes take turns, for the first of a case also to find how long a slice has to be. It
// returns how many rounds their slices are of.
func (out *pilotParty) measure(ctx context.Context, p *alternating, c *results.PlannedCase, until time.Time) (rounds int, err error) {
	random := rand.New(rand.NewPCG(uint64(len(c.Case)), uint64(c.N)))
	p.limit = min(p.limit, max(time.Until(until), 0)+leastPilot)
	if c.Processes.SliceMS == 0 {
		before := p.members[0].Waiting()
		if err = out.run(ctx, p, pilotRounds/2, random, until); err == nil && out.why == "" {
			out.why, out.curved, err = p.lengthen(ctx, out.rest, out.hidden, (p.members[0].Waiting()-before)/(pilotRounds/2))
		}
		c.N = p.c.N
	}
	rounds = pilotRounds
	if err == nil && out.why == "" {
		rounds = roundsOf((results.MiddleHalf(p.members[0].slices["ns/op"])+out.hidden)*float64(c.N)/1e6 + out.rest)
		err = out.run(ctx, p, rounds, random, until)
	}
	return rounds, err
}

// run begins the slices anew, runs so many rounds, and notes what a slice takes besides.
func (out *pilotParty) run(ctx context.Context, p *alternating, rounds int, random *rand.Rand, until time.Time) error {
	for _, m := range p.members {
		clear(m.slices)
	}
	var rests []float64
	for range rounds {
		if time.Now().After(until) {
			out.why, out.late = "the budget has no time to find out how they could alternate", true
			return nil
		}
		if err := p.round(ctx, random); err != nil || p.failed() != nil {
			return err
		}
		for _, m := range p.members {
			if m.attempt.outcome == results.OK {
				rests = append(rests, ms(m.cost)-(nsPerOp(m.attempt.line)+out.hidden)*float64(p.c.N)/1e6)
			}
		}
	}
	out.rest = max(0, results.MiddleHalf(rests))
	return nil
}

// read takes the processes' slices in, and finds what speaks against them. They lived for so long.
func (out *pilotParty) read(p *alternating, rounds int, lived time.Duration) {
	if m := p.failed(); m != nil { // whatever else is missing then
		out.why, out.late, out.curved = "kept alive, the benchmark fails: "+m.attempt.why, false, false
	}
	for _, m := range p.members {
		if busy := float64(m.Waiting()) / float64(lived); busy > results.MostWaiting && out.why == "" {
			out.why = fmt.Sprintf("it uses %.0f %% of a CPU while it should wait for its turn", 100*busy)
		}
	}
	for _, m := range p.members {
		ns := m.slices["ns/op"]
		if out.why == "" && len(ns) != rounds {
			out.why = fmt.Sprintf("kept alive, the benchmark told its time in %d of %d slices", len(ns), rounds)
		}
		series := make([]float64, len(ns))
		for i, v := range ns {
			if series[i] = math.Log(v); !(v > 0) && out.why == "" {
				out.why = "the benchmark hides its time"
			}
		}
		out.series = append(out.series, series)
		out.slice += (results.MiddleHalf(ns) + out.hidden) * float64(p.c.N) / 2e6
	}
}

// roundsOf is how many rounds of slices that cost so many milliseconds a party of the pilot has.
func roundsOf(cost float64) int {
	return min(max(int(ms(partyTime)/(2*cost)), leastPilotRounds), pilotRounds)
}

// lengthen makes the party's slices long enough to hide what they cost beside their timed loop, and to have the time per
// operation of a slice four times as long. It returns why that can't be, "" when it can, and whether that is because the
// time is not linear in the iterations.
//
// Garbage is collected between slices. A slice that is to hold its share of the collections must allocate what several take.
// Where a process needs the CPU time that is called waiting to fall asleep after a slice, the other's must be long beside that.
func (p *alternating) lengthen(ctx context.Context, rest, hidden float64, waiting time.Duration) (why string, curved bool, err error) {
	m := p.members[0]
	perOp := results.MiddleHalf(m.slices["ns/op"])
	switch {
	case p.failed() != nil: // which is said later
		return "", false, nil
	case !(perOp > 0):
		return "the benchmark hides its time", false, nil
	}
	perOp += hidden
	length := time.Duration(rest * (1 - besides) / besides * float64(time.Millisecond))
	if rest <= besidesAtMost*ms(longestSlice) { // on a machine that is busy otherwise it costs more than the bench's own
		length = min(length, longestSlice)
	}
	length = max(length, min(longestSlice, time.Duration(float64(waiting)/(2*asleep*results.MostWaiting))))
	if perByte := results.MiddleHalf(m.slices["B/op"]); perByte > 0 {
		length = max(length, min(longestSlice, time.Duration(collections*results.FirstHeap/perByte*perOp)))
	}
	for length = max(length, shortestSlice); length <= longestSlice; length *= 4 {
		n := sliceOf(length, perOp)
		more, err := p.growth(ctx, m, n, perOp, hidden)
		if err != nil {
			return "", false, err
		}
		if more > mostSlower { // what grows so fast is not tried with still more
			return fmt.Sprintf("an operation takes %.0f times as long in slices of %d operations as in shorter ones", more, n), true, nil
		}
		excess, err := p.excess(ctx, m, n)
		if err != nil || math.IsNaN(excess) || math.Abs(excess) < nonlinear {
			p.c.N = n
			return "", false, err
		}
		why = fmt.Sprintf("an operation takes %+.0f %% in slices of %v of what it takes in longer ones", 100*excess, length.Round(time.Millisecond))
	}
	curved = why != ""
	if !curved {
		why = fmt.Sprintf("a slice costs %.1f ms beside its timed loop, more than slices of %v can hide", rest, longestSlice)
	}
	return why, curved, nil
}

// failed returns a process that ended or failed, nil when none did.
func (p *alternating) failed() *alternate {
	for _, m := range p.members {
		if m.attempt.outcome != results.OK {
			return m
		}
	}
	return nil
}

// growth returns how many times as long as perOp an operation takes in slices of n: the least of a few where it is much, for
// a machine that is busy otherwise is slower at times.
func (p *alternating) growth(ctx context.Context, m *alternate, n int, perOp, hidden float64) (float64, error) {
	least := math.Inf(1)
	for range 3 {
		l, err := p.slice(ctx, m, n)
		if err != nil || l == nil {
			return 0, err
		}
		if least = min(least, (nsPerOp(l)+hidden)/perOp); least <= mostSlower {
			break
		}
	}
	return least, nil
}

// excess returns by how much more time an operation takes in slices of n than in slices of 4n, as a share: 0 where that is
// not so in nearly all of the slices that were tried.
func (p *alternating) excess(ctx context.Context, m *alternate, n int) (float64, error) {
	var logs []float64
	tries := pilotRounds / 2
	if length := nsPerOp(m.attempt.line) * float64(n); length > float64(usualSlice) {
		tries = leastPilotRounds
	}
	for range tries {
		if len(logs) > 0 && m.cost > tooLong { // of four times as many: one such pair tells
			break
		}
		var perOp [2]float64
		for i, iterations := range []int{n, 4 * n} {
			l, err := p.slice(ctx, m, iterations)
			if err != nil || l == nil {
				return math.NaN(), err
			}
			perOp[i] = nsPerOp(l)
		}
		logs = append(logs, math.Log(perOp[0]/perOp[1]))
	}
	return excessOf(logs), nil
}

func excessOf(logs []float64) float64 {
	slices.Sort(logs)
	others := 0 // so many may be of the other sign
	if len(logs) >= pilotRounds/2 {
		others = 1
	}
	if logs[others] <= 0 && logs[len(logs)-1-others] >= 0 {
		return 0
	}
	return math.Expm1(results.MiddleHalf(logs))
}

// enough says whether the parties tell how the case's processes can alternate: a few do, unless it seems that processes
// have a state of their own. To be wrong about that costs either most of what can be found, in fresh processes, or a
// benchmark that is not what it is in them.
func enough(parties []pilotParty) bool {
	return len(parties) >= driftParties || len(parties) >= pilotParties && drifts(parties) == ""
}

// drifts says so when a process's speed depends on how long it has lived: when its last slices were faster than its
// first, or slower, by more than drift in the middle, and in every process the same way.
func drifts(parties []pilotParty) string {
	var shifts []float64
	for _, p := range parties {
		for _, series := range p.series {
			third := len(series) / 3
			shifts = append(shifts, results.MiddleHalf(series[len(series)-third:])-results.MiddleHalf(series[:third]))
		}
	}
	slices.Sort(shifts)
	middle := results.MiddleHalf(shifts)
	if shifts[0]*shifts[len(shifts)-1] <= 0 || math.Abs(middle) < math.Log(1+drift) {
		return ""
	}
	return fmt.Sprintf("its speed changes by %+.0f %% while its process lives, so that it has a state of its own", 100*math.Expm1(-middle))
}

// A difference of wantedEffect shall be found in nine of ten tries: for that it must be blocksWanted standard errors, the
// sum of the normal quantiles for 5 % two-sided and 90 %, over the square root of the test's efficiency, and a little for
// the looks. Where blocks are noisier than that takes in the fewest blocks, what is chosen is the best for any difference;
// where they are not, shorter blocks let a large one be found sooner, and more of them a smaller one.
const (
	wantedEffect = 0.05
	blocksWanted = 3.5
	// firstLook is after how many blocks something can be decided at the earliest.
	firstLook = 8
	// calm is the standard deviation of a round that is reckoned with at least: a pilot that saw no burst says little of
	// the bursts to come.
	calm = 0.05
)

// trimmed is the variance of the mean of the middle half of n normal values, as a multiple of variance ÷ n.
const trimmed = 1.19

// chooseLevels returns how long the slices of a block are and how many rounds its processes alternate for: what finds a
// difference of wantedEffect in the least time, among what spends the share want of it in timed loops. A block of R
// rounds of slices of length s costs 2·(start + R·(s + rest)) and its log-ratio has the variance of processes and 1 ÷ R of
// that of rounds (the levels of Kalibera and Jones, "Rigorous benchmarking in reasonable time", ISMM 2013, whose optimum
// this is, but for the share and for the eight blocks that it takes at least). That of a round hardly depends on how long
// its slices are: what disturbs them comes in bursts. So many short slices are better than few long ones, down to where
// what they cost besides gets the upper hand.
func chooseLevels(parties []pilotParty) *results.Levels {
	var variances, slice, rests, start []float64
	means := meansOf(parties)
	each := 0.
	for _, p := range parties {
		each += float64(len(p.ratios)) / float64(len(parties))
		variances = append(variances, squareSpread(p.ratios))
		slice, rests, start = append(slice, p.slice), append(rests, p.rest), append(start, p.start)
	}
	l := &results.Levels{StartMS: results.MiddleHalf(start)}
	rest := max(results.MiddleHalf(rests), leastRest)
	round := results.MiddleHalf(variances)
	process := 0.0
	if len(means) > 1 {
		process = max(0, variance(means)-trimmed*round/each)
	}
	l.RoundSD, l.ProcessSD = math.Sqrt(round), math.Sqrt(process)
	// So few parties often say that processes differ more than they do, the more so as what disturbs a party's rounds is
	// often one and the same, and then a block would be of few long slices. What is reckoned with is what is sure, and that
	// between bounds.
	round = max(round, calm*calm)
	if len(means) > 1 {
		process = sureOf(len(means))*variance(means) - trimmed*round/each
	}
	process = min(max(process, round/mostRatio), round/leastRatio)
	want := inside
	if l.StartMS > ms(quickStart) {
		want = slowly
	}
	best := math.Inf(1)
	shortest := results.MiddleHalf(slice)
	for s := shortest; s <= max(shortest, ms(usualSlice)); s *= longer {
		// Where slices can't be so long that they spend the share, there are no more than make starting a small part of
		// what is lost.
		least := max(leastRounds, want*l.StartMS/max(s-want*(s+rest), (1-want)/4*s))
		for rounds := least; rounds <= max(least, mostRounds); rounds *= longer {
			block := 2 * (l.StartMS + rounds*(s+rest))
			blocks := max(firstLook, blocksWanted*blocksWanted*(process+trimmed*round/rounds)/(wantedEffect*wantedEffect))
			if blocks*block < best {
				best = blocks * block
				l.SliceMS, l.CostMS, l.Rounds = s, s+rest, int(math.Ceil(min(rounds, mostRounds)))
			}
		}
	}
	l.Why = fmt.Sprintf("processes alternate slices of %.3g ms", l.SliceMS)
	return l
}

// sureOf is the share of the sample variance of n normal values that the variance is at least, at 95 %.
func sureOf(n int) float64 {
	free := float64(n - 1)
	return free / distuv.ChiSquared{K: free}.Quantile(0.95)
}

// meansOf returns the mean log-ratio of each party.
func meansOf(parties []pilotParty) []float64 {
	var means []float64
	for _, p := range parties {
		means = append(means, results.MiddleHalf(p.ratios))
	}
	return means
}

// layoutSD is the standard deviation of the log-ratio of two layouts, by how much more parties in two layouts differ
// than parties in one.
func layoutSD(same, placed []pilotParty) float64 {
	if len(placed) < 2 {
		return 0
	}
	return math.Sqrt(max(0, variance(meansOf(placed))-variance(meansOf(same))))
}

// squareSpread estimates a variance from the quartiles, as the mean of the middle half does not see the tails either.
func squareSpread(x []float64) float64 {
	x = slices.Sorted(slices.Values(x))
	quarter := len(x) / 4
	spread := (x[len(x)-1-quarter] - x[quarter]) / 1.349 // the quartiles of a normal distribution lie 1.349 sd apart
	return spread * spread
}

// variance is the sample variance.
func variance(x []float64) float64 {
	mean, sum := 0.0, 0.0
	for _, v := range x {
		mean += v / float64(len(x))
	}
	for _, v := range x {
		sum += (v - mean) * (v - mean)
	}
	return sum / float64(len(x)-1)
}
