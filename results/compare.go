package results

import (
	"cmp"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"

	"tunelab/results/verdict"
)

// ScheduleMiss is the unit in which a load generator says how far it fell behind its schedule, as a share of the
// schedule's length. Above MaxScheduleMiss a case gets no latency verdict.
const (
	ScheduleMiss    = "schedule-miss-share"
	MaxScheduleMiss = 0.05
)

// maxFailures is how many trials of a variant in one case may end badly before the case goes on without it.
const maxFailures = 3

var latencyUnit = regexp.MustCompile(`^(p\d+(\.\d+)?|max|mean)-ns$`)

// A Comparison is a variant against a base, for one case and one metric, as computed from the records.
// Pointers are nil where there is nothing to say: a ratio where values can be zero, an interval of fewer than six
// blocks, a p of an exact comparison.
type Comparison struct {
	Case            string          `json:"case"`
	Metric          string          `json:"metric"`
	Better          string          `json:"better"` // which direction of the metric is: "lower" or "higher"
	Base            string          `json:"base"`
	Variant         string          `json:"variant"`
	Blocks          int             `json:"blocks"` // pairs that the verdict is computed from
	BaseMedian      *float64        `json:"base_median"`
	VariantMedian   *float64        `json:"variant_median"`
	Ratio           *float64        `json:"ratio,omitempty"`      // variant ÷ base
	Difference      *float64        `json:"difference,omitempty"` // variant − base, in the metric's unit, instead of a ratio
	Lo              *float64        `json:"lo,omitempty"`         // interval of Ratio, or of Difference
	Hi              *float64        `json:"hi,omitempty"`
	Confidence      float64         `json:"confidence,omitempty"`
	P               *float64        `json:"p,omitempty"`
	Q               *float64        `json:"q,omitempty"` // Benjamini–Hochberg, over all comparisons of the run
	Margin          float64         `json:"margin"`
	MarginAbs       float64         `json:"margin_abs,omitempty"`
	MDE             *float64        `json:"mde,omitempty"`               // detectable effect at this many blocks, relative (absolute beside Difference)
	BlocksForMargin int             `json:"blocks_for_margin,omitempty"` // about what the margin would need
	Verdict         verdict.Verdict `json:"verdict"`
	Changed         bool            `json:"changed"`
	WithinMargin    bool            `json:"within_margin"`
	Exact           bool            `json:"exact,omitempty"`    // no noise: compared by value
	Decided         bool            `json:"decided"`            // needs no more blocks
	Rejected        int             `json:"rejected,omitempty"` // blocks that the plan's rule left out
	Flagged         *Flagged        `json:"flagged,omitempty"`  // by the first stage; then the numbers are the second's alone
	Outcomes        map[Outcome]int `json:"outcomes"`           // of the trials of both, in this case
	Warnings        []string        `json:"warnings"`
}

// Flagged is what the first stage found, for the second to confirm.
type Flagged struct {
	Verdict   verdict.Verdict `json:"verdict"` // better or worse
	Blocks    int             `json:"blocks"`
	Ratio     *float64        `json:"ratio,omitempty"`
	Again     int             `json:"again"` // blocks of the second stage
	Confirmed bool            `json:"confirmed"`
}

// When says how far a run has come.
type When int

const (
	Measuring  When = iota // its first stage is being measured
	Confirming             // its first stage is over, and the second being measured
	Over                   // nothing more will be measured
)

// Compare returns every planned comparison in the order of the plan, computed from the records.
func (f *File) Compare() []Comparison {
	when := Measuring
	if slices.ContainsFunc(f.Trials, func(t Trial) bool { return t.Stage == 2 }) {
		when = Confirming
	}
	if f.Done != nil {
		when = Over
	}
	return NewJudge(f.Run).Compare(f.Trials, when)
}

// A Judge computes the comparisons of one run. It keeps what does not change from block to block.
type Judge struct {
	run     *Run
	rules   map[string]*verdict.Judge // by metric
	confirm map[int]*verdict.Judge    // by side
}

// NewJudge prepares the comparisons that run plans. The run must be one that [Parse] lets through.
func NewJudge(run *Run) *Judge {
	j := &Judge{run: run, rules: map[string]*verdict.Judge{}}
	var shared *verdict.Judge
	for _, m := range run.Metrics {
		rule := verdict.Rule{
			Alpha:          run.Plan.Alpha,
			Margin:         m.Margin,
			MarginAbs:      m.MarginAbs,
			HigherIsBetter: m.Better == "higher",
			Looks:          run.Plan.Looks,
			Seed:           signSeed(run.Plan.Seed),
			Draws:          run.Plan.Layouts.Count,
			Exact:          m.Exact,
		}
		if m.Unit == Instructions {
			rule.Looks, rule.Draws = []int{CountBlocks}, 0
		}
		var err error
		if shared == nil {
			shared, err = verdict.NewJudge(rule)
			j.rules[m.Unit] = shared
		} else {
			j.rules[m.Unit], err = shared.WithRule(rule)
		}
		if err != nil {
			panic(fmt.Sprintf("results: a plan that was not checked: %v", err))
		}
	}
	if again := run.Plan.Confirm; again.Alpha > 0 {
		j.confirm = map[int]*verdict.Judge{}
		for _, side := range []int{-1, +1} {
			rule := verdict.Rule{Seed: signSeed(run.Plan.Seed) + 1, Draws: run.Plan.Layouts.Count}.Confirm(side, again.Alpha, again.Looks)
			judge, err := verdict.NewJudge(rule)
			if err != nil {
				panic(fmt.Sprintf("results: a plan that was not checked: %v", err))
			}
			j.confirm[side] = judge
		}
	}
	return j
}

// signSeed keeps the stream of sign vectors apart from that of the order of blocks.
func signSeed(seed uint64) uint64 { return seed ^ 0x7369676e73 }

// Compare computes every planned comparison from trials. When a stage is over, undecided ones take a last look.
func (j *Judge) Compare(trials []Trial, when When) []Comparison {
	byCase := map[string][]*Trial{}
	for i := range trials {
		byCase[trials[i].Case] = append(byCase[trials[i].Case], &trials[i])
	}
	var out []Comparison
	for _, c := range j.run.Plan.Cases {
		out = append(out, j.CompareCase(c, byCase[c.Case], when)...)
	}
	addQ(out)
	return out
}

// CompareCase is [Judge.Compare] of one case, without q-values. The trials are those of the case.
func (j *Judge) CompareCase(c PlannedCase, trials []*Trial, when When) []Comparison {
	var first, second, counted []*Trial
	busy := j.busyBlocks(trials)
	for _, t := range trials {
		switch {
		case t.Counted != "":
			counted = append(counted, t)
		case busy[blockOf(t)] && t.Outcome == OK:
		case t.Stage == 2:
			second = append(second, t)
		default:
			first = append(first, t)
		}
	}
	var out []Comparison
	for _, pair := range c.Pairs {
		for _, unit := range c.Metrics {
			if unit == Instructions {
				out = append(out, j.compare(pair, unit, pairUp(pair, unit, counted), sides{}, c, when))
				continue
			}
			x := j.compare(pair, unit, pairUp(pair, unit, first), pairUp(pair, unit, second), c, when)
			x.Rejected = len(busy)
			if when == Over {
				x.doubt(first)
			}
			out = append(out, x)
		}
	}
	return out
}

func addQ(list []Comparison) {
	var p []float64
	var at []int
	for i, c := range list {
		if c.P != nil {
			p, at = append(p, *c.P), append(at, i)
		}
	}
	for i, q := range verdict.BenjaminiHochberg(p) {
		list[at[i]].Q = &q
	}
}

// sides are the trials of one comparison, paired by block.
type sides struct {
	pairs           []verdict.Pair
	badBase, badVar []*Trial
	outcomes        map[Outcome]int
	lacking         int // blocks in which a trial ended ok without the metric
	missBase        []float64
	missVar         []float64
	invalid         string // a value that is no measurement
}

func pairUp(pair Pair, unit string, trials []*Trial) sides {
	s := sides{outcomes: map[Outcome]int{}}
	base := map[int]*Trial{}
	variant := map[int]*Trial{}
	var blocks []int
	for _, t := range trials {
		switch t.Variant {
		case pair.Base:
			base[t.Block] = t
			blocks = append(blocks, t.Block)
		case pair.Variant:
			variant[t.Block] = t
		default:
			continue
		}
		s.outcomes[t.Outcome]++
		if t.Outcome != OK && t.Variant == pair.Base {
			s.badBase = append(s.badBase, t)
		} else if t.Outcome != OK {
			s.badVar = append(s.badVar, t)
		}
	}
	slices.Sort(blocks)
	for _, i := range slices.Compact(blocks) {
		if a, b := base[i], variant[i]; a != nil && b != nil && a.Outcome == OK && b.Outcome == OK {
			s.add(a, b, unit)
		}
	}
	return s
}

func (s *sides) add(a, b *Trial, unit string) {
	x, ok1 := a.Get(unit)
	y, ok2 := b.Get(unit)
	if !ok1 || !ok2 {
		s.lacking++
		return
	}
	for _, t := range []*Trial{a, b} {
		if v, _ := t.Get(unit); v < 0 || math.IsNaN(v) || math.IsInf(v, 0) {
			s.invalid = fmt.Sprintf("trial %d reports %v %s, which is no measurement", t.Trial, v, unit)
			return
		}
	}
	if a.Party != b.Party {
		s.invalid = fmt.Sprintf("trials %d and %d alternated, but not with each other", a.Trial, b.Trial)
		return
	}
	if a.Party > 0 {
		var ok bool
		if y, ok = alternated(a.Slices[unit], b.Slices[unit], x); !ok {
			s.invalid = fmt.Sprintf("trials %d and %d alternated and have not the same number of slices", a.Trial, b.Trial)
			return
		}
	}
	if a.Draw != b.Draw {
		s.invalid = fmt.Sprintf("trials %d and %d are of one block and have layouts of different draws", a.Trial, b.Trial)
		return
	}
	s.pairs = append(s.pairs, verdict.Pair{Base: x, Variant: y, Draw: a.Draw})
	if m, ok := a.Get(ScheduleMiss); ok {
		s.missBase = append(s.missBase, m)
	}
	if m, ok := b.Get(ScheduleMiss); ok {
		s.missVar = append(s.missVar, m)
	}
}

func (j *Judge) compare(pair Pair, unit string, s, again sides, in PlannedCase, when When) Comparison {
	m, _ := j.run.Metric(unit)
	out := Comparison{
		Case: in.Case, Metric: unit, Better: m.Better, Base: pair.Base, Variant: pair.Variant,
		Margin: m.Margin, MarginAbs: m.MarginAbs, Verdict: verdict.Undecided, Warnings: []string{},
	}
	r, err := decide(j.rules[unit], s.pairs, when > Measuring)
	if err == nil && unit != Instructions && j.flags(r) {
		r, err = j.second(&out, r, again, when)
	}
	if err != nil {
		out.warn("%v", err)
	} else {
		out.fill(r)
	}
	s.join(again)
	out.Outcomes = s.outcomes
	if s.invalid != "" {
		out.warn("%s; its block is left out", s.invalid)
	}
	if s.lacking > 0 {
		out.warn("%d blocks lack %s on a side and are left out", s.lacking, unit)
	}
	out.judgeSchedule(s, unit, r.Decided)
	out.judgeOutcomes(s, when)
	return out
}

// doubt adds what speaks against taking the sides' values for what they say they are.
func (c *Comparison) doubt(trials []*Trial) {
	for _, name := range []string{c.Base, c.Variant} {
		own := slices.DeleteFunc(slices.Clone(trials), func(t *Trial) bool { return t.Variant != name })
		c.Warnings = append(c.Warnings, doubts(name, c.Metric, own, c.Margin)...)
	}
}

// A blockID names a block of a case.
type blockID struct{ stage, block int }

func blockOf(t *Trial) blockID { return blockID{max(1, t.Stage), t.Block} }

// busyBlocks returns the blocks that the plan's rule leaves out. Trials that did not end well count all the same: that a
// variant fails is no noise.
func (j *Judge) busyBlocks(trials []*Trial) map[blockID]bool {
	limit := j.run.Plan.Reject.Busy
	if limit <= 0 {
		return nil
	}
	busy := map[blockID]bool{}
	for id, share := range busyShares(trials, j.run.Host.Cores) {
		if share > limit {
			busy[id] = true
		}
	}
	return busy
}

// busyShares returns what share of the machine's CPU time other programs and the hypervisor took during each block.
func busyShares(trials []*Trial, cores int) map[blockID]float64 {
	other, span := map[blockID]float64{}, map[blockID]float64{}
	for _, t := range trials {
		if t.Counted != "" {
			continue
		}
		id := blockOf(t)
		other[id] += t.StealMS + t.ForeignMS
		if t.Party > 0 {
			span[id] = max(span[id], t.WallMS) // they lived side by side
		} else {
			span[id] += t.WallMS
		}
	}
	for id, took := range span {
		if took > 0 {
			other[id] /= took * float64(max(1, cores))
		}
	}
	return other
}

// join adds what is not measurement of another stage.
func (s *sides) join(other sides) {
	s.badBase, s.badVar = append(s.badBase, other.badBase...), append(s.badVar, other.badVar...)
	s.missBase, s.missVar = append(s.missBase, other.missBase...), append(s.missVar, other.missVar...)
	s.lacking += other.lacking
	s.invalid = cmp.Or(s.invalid, other.invalid)
	for outcome, n := range other.outcomes {
		s.outcomes[outcome] += n
	}
}

func decide(rule *verdict.Judge, pairs []verdict.Pair, over bool) (verdict.Result, error) {
	r, err := rule.Decide(pairs)
	if err != nil || r.Decided || !over {
		return r, err
	}
	return rule.DecideLast(pairs)
}

// flags reports whether the first stage's result waits for a second one.
func (j *Judge) flags(r verdict.Result) bool {
	return j.confirm != nil && r.Scale != verdict.Exact && (r.Verdict == verdict.Better || r.Verdict == verdict.Worse)
}

// second returns what the second stage says of a comparison that the first one flagged. The estimate is the second's
// alone, because the first's was chosen for its size; p stays the first's.
func (j *Judge) second(c *Comparison, first verdict.Result, again sides, when When) (verdict.Result, error) {
	c.Flagged = &Flagged{Verdict: first.Verdict, Blocks: first.Pairs}
	side := -1
	if first.Scale == verdict.Ratio {
		c.Flagged.Ratio = &first.Effect
	}
	if first.Scale == verdict.Ratio && first.Effect > 1 || first.Scale == verdict.Difference && first.Effect > 0 {
		side = +1
	}
	r, err := decide(j.confirm[side], again.pairs, when == Over)
	if err != nil {
		return r, err
	}
	c.Flagged.Again = r.Pairs
	c.Flagged.Confirmed = r.Verdict == verdict.Better || r.Verdict == verdict.Worse
	switch {
	case c.Flagged.Confirmed: // on the flagged side, whatever the rule of the second stage calls it
		r.Verdict = first.Verdict
	case r.Pairs == 0:
		r = first
		r.Decided = when == Over
		r.Warnings = append(slices.Clone(r.Warnings), fmt.Sprintf("the first stage says %s; it was not measured again, so the numbers are those that made it stand out", first.Verdict))
	case r.Decided:
		r.Warnings = append(slices.Clone(r.Warnings), fmt.Sprintf("the first stage says %s after %d blocks, the second does not confirm it", first.Verdict, first.Pairs))
	}
	if !c.Flagged.Confirmed {
		r.Verdict, r.Changed, r.WithinMargin = verdict.Undecided, false, false
	}
	r.P, r.HasP = first.P, first.HasP
	return r, nil
}

func (c *Comparison) warn(format string, args ...any) {
	c.Warnings = append(c.Warnings, fmt.Sprintf(format, args...))
}

func (c *Comparison) fill(r verdict.Result) {
	c.Blocks = r.Pairs
	c.Verdict = r.Verdict
	c.Decided = r.Decided
	c.Changed, c.WithinMargin = r.Changed, r.WithinMargin
	c.Exact = r.Scale == verdict.Exact
	c.Warnings = append(c.Warnings, r.Warnings...)
	if r.Pairs == 0 {
		return
	}
	c.BaseMedian, c.VariantMedian = &r.BaseMedian, &r.VariantMedian
	if r.Scale == verdict.Difference || r.Scale == verdict.Exact && r.BaseMedian == 0 {
		c.Difference = &r.Effect
	} else {
		c.Ratio = &r.Effect
	}
	if r.HasInterval || r.Scale == verdict.Exact {
		c.Lo, c.Hi, c.Confidence = &r.Lo, &r.Hi, r.Confidence
	}
	if r.HasP {
		c.P = &r.P
	}
	if r.MDE > 0 && !math.IsInf(r.MDE, 0) {
		c.MDE = &r.MDE
	}
	c.BlocksForMargin = r.BlocksForMargin
}

// judgeSchedule takes a latency verdict away when the generator did not offer the load that the case names.
func (c *Comparison) judgeSchedule(s sides, unit string, decided bool) {
	if !latencyUnit.MatchString(unit) {
		return
	}
	base, variant := median(s.missBase), median(s.missVar)
	if base <= MaxScheduleMiss && variant <= MaxScheduleMiss {
		return
	}
	c.Verdict, c.Decided = verdict.Undecided, decided
	c.Changed, c.WithinMargin = false, false
	c.warn("the load generator missed its schedule by %.0f %% (%s) and %.0f %% (%s), more than %.0f %%: no latency verdict; lower the rate",
		100*base, c.Base, 100*variant, c.Variant, 100*MaxScheduleMiss)
}

// judgeOutcomes lets what a side did not survive outweigh its times: a variant that hangs is not fast.
func (c *Comparison) judgeOutcomes(s sides, when When) {
	describe := func(name string, bad []*Trial) string {
		kinds := map[Outcome]int{}
		for _, t := range bad {
			kinds[t.Outcome]++
		}
		var parts []string
		for _, o := range []Outcome{Failed, Timeout, OOM} {
			if kinds[o] > 0 {
				parts = append(parts, fmt.Sprintf("%d %s", kinds[o], o))
			}
		}
		return fmt.Sprintf("%s ended badly (%s), first in trial %d: %s", name, strings.Join(parts, ", "), bad[0].Trial, bad[0].Why)
	}
	if len(s.badVar) > 0 {
		c.warn("%s", describe(c.Variant, s.badVar))
	}
	if len(s.badBase) > 0 {
		c.warn("%s", describe(c.Base, s.badBase))
	}
	bad := max(len(s.badVar), len(s.badBase))
	switch {
	case bad == 0:
		return
	case len(s.badBase) == 0:
		c.Verdict = verdict.Worse
	case len(s.badVar) == 0:
		c.Verdict = verdict.Better
	default:
		c.Verdict = verdict.Undecided
	}
	c.Changed, c.WithinMargin = false, false
	stageOver := when == Over || when == Confirming && c.Flagged == nil
	c.Decided = stageOver || bad >= maxFailures || c.Decided
}

func median(x []float64) float64 {
	if len(x) == 0 {
		return 0
	}
	x = slices.Sorted(slices.Values(x))
	if n := len(x); n%2 == 0 {
		return (x[n/2-1] + x[n/2]) / 2
	}
	return x[len(x)/2]
}
