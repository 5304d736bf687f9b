package harness

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/bits"
	"slices"
	"strings"
	"time"

	"tunelab/results"
	"tunelab/results/verdict"
	"tunelab/scenarios"
)

const (
	alpha = 0.05
	// mostConfirmAlpha keeps a second stage of two comparisons from being a coin toss.
	mostConfirmAlpha = 0.25
	// LeastBlocks is of how many blocks of a case a plan is worth beginning.
	LeastBlocks = 12
	mostBlocks  = 1000 // of a case
	// Stretch is how far beyond an even share of the budget the last block may lie when there are several
	// comparisons: those that are decided early leave their time to the others. Should time run out before, the last
	// look spends what is left of alpha.
	Stretch = 1.5
	// around is what a trial costs beside its slice, before the pilot knows better.
	around = 30 * time.Millisecond
	// levelsTime is what finding out costs whether a case's processes can alternate.
	levelsTime = 2 * time.Second
	// closing is kept back from the budget for the last look and the report.
	closing = 500 * time.Millisecond
)

// plan finds the cases, pilots those that the budget allows, and writes down what nothing will change.
func (s *session) plan(ctx context.Context) error {
	found, err := s.list(ctx)
	if err != nil {
		return err
	}
	if found = s.dropLonely(found); len(found) == 0 {
		return fmt.Errorf("%w: no case could be compared: %s", ErrFailed, s.whyNothing())
	}
	cases, quick, err := s.choose(found)
	if err != nil {
		return err
	}
	p := results.Plan{Alpha: alpha, BudgetMS: s.options.Budget.Milliseconds(), Seed: s.seed, Layouts: s.layouts, Reject: s.reject}
	s.run.Quick = quick
	if quick {
		s.keepQuick()
	}
	if err := s.pilots(ctx, &p, cases, quick); err != nil {
		return err
	}
	if len(p.Cases) == 0 {
		return fmt.Errorf("%w: no case could be measured: %s", ErrFailed, s.whyNothing())
	}
	s.fit(&p)
	s.run.Plan = p
	s.run.Unlike = s.unlike(p)
	s.run.Command = repeatable(s.run.Command, p.Seed)
	return nil
}

// leastCase is about what a case takes that starts in milliseconds: its pilot and twelve blocks.
const leastCase = 5 * time.Second

// pilots pilots the cases one after another, for as long as there is room for another and its twelve blocks beside those
// before it: few that are measured well tell more than many that are not.
func (s *session) pilots(ctx context.Context, p *results.Plan, cases []string, quick bool) error {
	fitting := max(1, min(len(cases), int(s.options.Budget/leastCase)))
	var spent time.Duration // by pilots, and by the blocks to come
	done := 0
	for i, name := range cases {
		left := s.options.Budget - s.elapsed() - closing - s.planned12(p.Cases)
		least := LeastBlocks * time.Duration(len(s.names[name])) * s.took(name)
		if done > 0 {
			least = max(least, spent/time.Duration(done))
		}
		if i > 0 && least > left {
			s.noRoom(name, cases[i:], least, left)
			continue
		}
		s.tell(Progress{Stage: StagePilot, Text: fmt.Sprintf("pilot of %s (%d of %d)", name, i+1, len(cases))})
		began := time.Now()
		c, err := s.pilot(ctx, name, quick, left, min(s.levelsLimit(fitting), max(left/3, 0)), p.Cases)
		if errors.Is(err, errCase) {
			code := results.Breaks
			if errors.Is(err, errMetric) {
				code = results.NoMetric
			}
			s.notMeasured(name, code, "", err.Error())
			s.failures = append(s.failures, firstLine(err.Error()))
			continue
		} else if err != nil {
			return err
		}
		s.compared(&c)
		p.Cases = append(p.Cases, c)
		done++
		spent += time.Since(began) + time.Duration(LeastBlocks*c.BlockMS*float64(time.Millisecond))
	}
	return nil
}

// planned12 is what twelve blocks of the cases take.
func (s *session) planned12(cases []results.PlannedCase) time.Duration {
	sum := 0.0
	for _, c := range cases {
		sum += LeastBlocks * c.BlockMS
	}
	return time.Duration(sum*float64(time.Millisecond)) + s.profiling(cases) + s.countCost(cases)
}

// noRoom notes that the case is not measured, and in about what budget all of those that are left could be.
func (s *session) noRoom(name string, rest []string, least, left time.Duration) {
	more := time.Duration(len(rest))*least - max(left, 0)
	all := (s.options.Budget + more).Round(10*time.Second) + 10*time.Second
	s.notMeasured(name, results.NoRoom, "", fmt.Sprintf(noRoom+"about %v more; a budget of about %v would have room for all", least.Round(time.Second), all))
}

// took is what one iteration of the case took when it was listed, 0 where that is not known.
func (s *session) took(name string) time.Duration {
	var most time.Duration
	for v, benchmark := range s.names[name] {
		if l := s.listings[v]; l != nil {
			most = max(most, l.took[benchmark])
		}
	}
	return most
}

// keepQuick leaves the quick variants, and says so of the others.
func (s *session) keepQuick() {
	for _, v := range s.scenario.Variants {
		if s.scenario.IsQuick(v.Name) {
			continue
		}
		s.run.NotMeasured = append(s.run.NotMeasured, results.Unmeasured{Variant: v.Name, Code: results.NotQuick, Why: "not a quick variant"})
		for _, names := range s.names {
			delete(names, v.Name)
		}
	}
	s.variants = slices.DeleteFunc(s.variants, func(v scenarios.Variant) bool { return !s.scenario.IsQuick(v.Name) })
}

// notMeasured notes why a case is not measured. In is the variant that this is about, "" for none.
func (s *session) notMeasured(name string, code results.ReasonCode, in, why string) {
	s.run.NotMeasured = append(s.run.NotMeasured, results.Unmeasured{Case: name, Code: code, In: in, Why: clip(why, maxTail)})
}

// whyNothing says why there is no case left.
func (s *session) whyNothing() string {
	var why []string
	for _, u := range s.run.NotMeasured {
		why = append(why, strings.TrimSpace(u.Case+u.Variant+": "+u.Why))
	}
	return strings.Join(append(why, s.run.Warnings...), "; ")
}

// pairs returns what is compared in a case: every variant with the base, and what claims compare besides.
func (s *session) pairs(name string) []results.Pair {
	base := s.scenario.Base().Name
	var out []results.Pair
	add := func(b, v string) {
		p := results.Pair{Base: b, Variant: v}
		if s.names[name][b] != "" && s.names[name][v] != "" && !slices.Contains(out, p) {
			out = append(out, p)
		}
	}
	for _, v := range s.variants {
		if v.Name != base {
			add(base, v.Name)
		}
	}
	for _, c := range s.scenario.Claims {
		if c.Kind == "ratio" && c.Against != "" && c.Case == name {
			add(c.Against, c.Variant)
		}
	}
	return out
}

// dropLonely takes out cases in which there is nothing to compare.
func (s *session) dropLonely(found []string) []string {
	return slices.DeleteFunc(found, func(name string) bool {
		if len(s.pairs(name)) > 0 {
			return false
		}
		s.lonely(name)
		return true
	})
}

// noRoom is how it begins to be said that the budget can't hold a case.
const noRoom = "the budget has no room for it beside the cases before it: "

// lonely notes why there is nothing to compare a case with.
func (s *session) lonely(name string) {
	for _, v := range s.variants {
		if s.names[name][v.Name] != "" {
			continue
		}
		for _, other := range s.names[name] {
			if why := s.listings[v.Name].of(other); why != "" {
				s.notMeasured(name, results.Breaks, v.Name, fmt.Sprintf("nothing to compare with: in %s it fails: %s", v.Name, why))
				return
			}
			if slices.Contains(s.listings[v.Name].skipped, other) {
				s.notMeasured(name, results.Skipped, v.Name, "nothing to compare with: in "+v.Name+" it skips itself")
				return
			}
		}
	}
	for _, v := range s.variants {
		if s.names[name][v.Name] != "" {
			s.notMeasured(name, results.OnlyIn, v.Name, "nothing to compare with: it is only in "+v.Name)
			return
		}
	}
}

// compared writes down which variants a block of the case runs and what is compared.
func (s *session) compared(c *results.PlannedCase) {
	c.Pairs = s.pairs(c.Case)
	trial := c.BlockMS
	c.BlockMS = 0
	for _, v := range s.scenario.Variants {
		needed := slices.ContainsFunc(c.Pairs, func(p results.Pair) bool { return p.Base == v.Name || p.Variant == v.Name })
		if needed {
			c.Variants = append(c.Variants, v.Name)
			c.BlockMS += trial
		}
		if _, ok := v.Env["GOMAXPROCS"]; ok {
			c.Procs = -1
		}
	}
	c.Procs = max(c.Procs, 0) // a variant that sets GOMAXPROCS would split the row
}

// choose returns the cases to pilot, by a guess of what they cost: all, or the quick ones when they were asked for or
// when twelve blocks of all don't fit the budget.
func (s *session) choose(found []string) (cases []string, quick bool, err error) {
	for i, name := range s.scenario.Quick.Cases {
		if !slices.Contains(found, name) {
			return nil, false, fmt.Errorf("%s: quick case %d, %q, is not among the cases: %q", s.scenario.Position("quick.cases"), i+1, name, found)
		}
	}
	left := s.options.Budget - s.elapsed() - closing
	quick = s.options.Quick
	if !quick && s.guess(found, false) > left {
		quick = len(s.scenario.Quick.Cases) > 0
		s.tell(Progress{Stage: StagePilot, Text: fmt.Sprintf("%d blocks of all %d cases would take about %v: more than the budget allows",
			LeastBlocks, len(found), s.guess(found, false).Round(time.Second))})
	}
	if !quick || len(s.scenario.Quick.Cases) == 0 {
		s.sort(found, left)
		return quickFirst(found, s.scenario.Quick.Cases), quick, nil
	}
	for _, name := range found {
		if !slices.Contains(s.scenario.Quick.Cases, name) {
			why := fmt.Sprintf("not a quick case, and %d blocks of every case need about %v", LeastBlocks, s.guess(found, false).Round(time.Second))
			s.notMeasured(name, results.NotQuick, "", why)
		}
	}
	return s.scenario.Quick.Cases, true, nil
}

// sort puts first what a tight budget is for: what was longest not measured, where that is known, and then what takes
// least. Where there is room for all, they stay as they are.
func (s *session) sort(cases []string, left time.Duration) {
	tight := s.guess(cases, false) > left
	slices.SortStableFunc(cases, func(a, b string) int {
		order := cmp.Or(s.lastness(a)-s.lastness(b), s.options.Since[a].Compare(s.options.Since[b]))
		if tight {
			order = cmp.Or(order, costClass(s.took(a))-costClass(s.took(b)))
		}
		return order
	})
}

// costClass is higher for what takes four times as long; one iteration says no more, and below ten milliseconds nothing.
func costClass(took time.Duration) int { return bits.Len64(uint64(took/(10*time.Millisecond))) / 2 }

// lastness is higher for cases that a tight budget keeps last.
func (s *session) lastness(name string) int {
	if slices.Contains(s.options.Last, name) {
		return 1
	}
	return 0
}

// quickFirst returns the cases found with the quick ones first: when twelve blocks of all turn out not to fit, these
// stay, because they are what the scenario is about.
func quickFirst(found, quick []string) []string {
	rest := slices.DeleteFunc(slices.Clone(found), func(name string) bool { return slices.Contains(quick, name) })
	return slices.Concat(quick, rest)
}

// guess is about what twelve blocks of the cases and their pilots take.
func (s *session) guess(cases []string, quick bool) time.Duration {
	var sum time.Duration
	for _, name := range cases {
		trials := 2 + LeastBlocks*len(s.names[name])
		length := s.scenario.SliceOf(name, quick) * time.Duration(1+s.warmups(name))
		sum += time.Duration(trials) * max(length+around, s.took(name))
		if s.mayAlternate() && s.levelsLimit(len(cases)) > 0 {
			sum += levelsTime
		}
	}
	return sum
}

// fit keeps, in their order, the cases of which twelve blocks fit what is left of the budget beside those kept before,
// and sets the looks.
func (s *session) fit(p *results.Plan) {
	left := ms(s.options.Budget - s.elapsed() - closing - s.profiling(p.Cases) - s.countCost(p.Cases))
	cost := func() (sum float64) {
		for _, c := range p.Cases {
			sum += c.BlockMS
		}
		return sum
	}
	found := p.Cases
	p.Cases = nil
	for i, c := range found {
		if p.Cases = append(p.Cases, c); i > 0 && LeastBlocks*cost() > left {
			s.notMeasured(c.Case, results.NoRoom, "", fmt.Sprintf(noRoom+"%d blocks of each would need about %.0f s more",
				LeastBlocks, (LeastBlocks*cost()-left)/1000))
			p.Cases = p.Cases[:len(p.Cases)-1]
		}
	}
	comparisons := 0
	for _, c := range p.Cases {
		comparisons += len(c.Pairs) * len(slices.DeleteFunc(slices.Clone(c.Metrics), func(unit string) bool { return unit == results.Instructions }))
	}
	blocks := left / cost()
	fitting := int(blocks)
	switch {
	case s.options.Trace:
		blocks *= 2 // the budget ends it
	case comparisons > 1:
		blocks *= Stretch
	}
	last := min(max(int(blocks), 1), mostBlocks)
	if last < LeastBlocks {
		s.run.Warnings = append(s.run.Warnings, fmt.Sprintf("the budget allows only about %d blocks; %d need about %.0f s: --budget %.0fs",
			last, LeastBlocks, LeastBlocks*cost()/1000, ms(s.options.Budget)/1000+(LeastBlocks*cost()-left)/1000+1))
	}
	p.Looks = verdict.Looks(last)
	p.Confirm = results.Confirm{Comparisons: comparisons}
	switch {
	case s.options.FamilyError > 0:
		p.Confirm.Alpha = FamilyAlpha(s.options.FamilyError, comparisons)
		p.Confirm.Looks = p.Looks
	case comparisons < 2 || s.options.Trace:
	case fitting < 2*LeastBlocks: // half of them would be too few to find anything
		p.Confirm.Why = fmt.Sprintf("the budget allows for %d blocks, and that takes %d", fitting, 2*LeastBlocks)
	default:
		p.Confirm.Alpha = confirmAlpha(comparisons)
		p.Confirm.Looks = p.Looks
	}
}

// confirmAlpha is the level of a second stage. As likely as not, one of the first stage's verdicts on many equal pairs is
// false. The family's error is at most comparisons × alpha × the second stage's, and shall be alpha.
func confirmAlpha(comparisons int) float64 {
	return min(1/float64(comparisons), mostConfirmAlpha)
}

// FamilyAlpha is the level of a second stage after which the chance that any of the comparisons is called better or worse
// though none is, is at most family: comparisons × alpha × the second stage's, however they depend on each other.
func FamilyAlpha(family float64, comparisons int) float64 {
	return min(family/(float64(comparisons)*alpha), mostConfirmAlpha)
}

// repeatable returns the command line with the seed that was drawn.
func repeatable(command []string, seed uint64) []string {
	for i, arg := range command {
		if arg == "--seed" || len(arg) > 7 && arg[:7] == "--seed=" {
			return command
		}
		if arg == "--" {
			return slices.Insert(slices.Clone(command), i, "--seed", fmt.Sprint(seed))
		}
	}
	return append(slices.Clone(command), "--seed", fmt.Sprint(seed))
}
