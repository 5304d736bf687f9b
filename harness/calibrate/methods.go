package calibrate

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/stat"

	"tunelab/harness"
	"tunelab/results/calibration"
	"tunelab/results/verdict"
)

// Recordings are what was recorded with one benchmark at one level of noise.
type Recordings struct {
	Same, Layouts, Injected, Usual, Count []Recording
}

// Judge works out what the recordings say. There must be one of the same binary.
func (r Recordings) Judge(name string, seed uint64) (calibration.Benchmark, error) {
	b := calibration.Benchmark{Name: name, Processes: "one after another"}
	if l := r.Same[0].Plan.Processes; l != nil && l.Rounds == 0 {
		b.Processes += ": " + l.Why
	} else if l != nil {
		b.Processes = fmt.Sprintf("%d slices of %.3g ms", l.Rounds, l.SliceMS)
	}
	var noises, pilots []float64
	for _, one := range r.Same {
		noises, pilots = append(noises, noise(one.Trace)), append(pilots, 1000*one.Pilot)
	}
	all := joined(r.Same).Trace
	b.BlockMS, b.NoiseSD, b.PilotMS = 1000*sum(all.Seconds)/float64(len(all.Seconds)), stat.Mean(noises, nil), stat.Mean(pilots, nil)
	ours, err := r.ours(seed)
	if err != nil {
		return b, fmt.Errorf("judging %s: %w", name, err)
	}
	b.Methods = append(b.Methods, ours)
	for _, p := range ours.Powers {
		if p.Injected == "" && !p.Code && b.Smallest80 == 0 && p.Found.Tries >= leastTries && p.Found.Share() >= 0.8 {
			b.Smallest80 = p.Slower
		}
	}
	if len(r.Usual) > 0 {
		b.Methods = append(b.Methods, interleaved(r.Usual, seed))
	}
	if len(r.Count) > 0 {
		b.Methods = append(b.Methods, oldThenNew(r.Count))
	}
	return b, nil
}

// noise is the standard deviation of a block's log-ratio.
func noise(t Trace) float64 {
	d := logRatios(t)
	if len(d) < 2 {
		return 0
	}
	return stat.StdDev(d, nil)
}

func logRatios(t Trace) []float64 {
	var d []float64
	for _, p := range t.Pairs {
		if p.Base > 0 && p.Variant > 0 {
			d = append(d, math.Log(p.Variant/p.Base))
		}
	}
	return d
}

// usualMargin is what runs call the same by, where the scenario says nothing else.
const usualMargin = 0.03

// decideAll makes the tries of all recordings, each with the variant made slower, which end after last blocks.
func decideAll(list []Recording, last func(Recording) int, margin, slower float64, seed uint64) ([]Try, error) {
	var all []Try
	for i, r := range list {
		tries, err := Sequential(r.Trace.Slower(slower), r.rule(last(r), margin, seed+uint64(i)))
		if err != nil {
			return nil, err
		}
		all = append(all, tries...)
	}
	return all, nil
}

// How many times recordings of equal sides are labelled: for the share of tries that find something, and for how long it
// takes until a share does, where a recording that is just long enough for one try shall make leastOfShare of them.
const (
	passes     = 8
	timePasses = 24
)

// labelled is the recordings passes times, each time labelled anew.
func labelled(list []Recording, passes int, seed uint64) []Recording {
	var out []Recording
	for pass := range passes {
		out = append(out, relabelled(list, pass, seed)...)
	}
	return out
}

// relabelled is the recordings labelled anew, or as they are in pass 0.
func relabelled(list []Recording, pass int, seed uint64) []Recording {
	out := slices.Clone(list)
	for i, r := range list {
		out[i].Trace = r.Trace.Labelled(pass, seed+uint64(i))
	}
	return out
}

// coined labels equal sides until there are so many tries as are wanted of a benchmark, and returns how many of them called
// the sides different. Decide makes the tries of one pass.
func coined(decide func(pass int) ([]Try, error)) (*calibration.Rate, error) {
	var all []Try
	wanted := wantedTries / (len(subjects) - 1)
	for pass := 1; len(all) < wanted && pass <= wanted; pass++ {
		tries, err := decide(pass)
		if err != nil {
			return nil, err
		}
		all = append(all, tries...)
	}
	rate := Count(all[:min(len(all), wanted)], Try.Flagged)
	return &rate, nil
}

// decideCode makes one try of each set of layouts of the recordings.
func decideCode(list []Recording, margin, slower float64, seed uint64) ([]Try, error) {
	var all []Try
	for i, r := range list {
		for j, set := range r.sets(harness.UsualLayouts) {
			last := min(codeLast, len(set.Trace.Pairs))
			tries, err := Sequential(set.Trace.Slower(slower), set.rule(last, margin, seed+uint64(100*i+j)))
			if err != nil {
				return nil, err
			}
			all = append(all, tries[:1]...)
		}
	}
	return all, nil
}

// codeLast is after how many blocks a comparison about the code ends here: when each of its layouts has come twice.
const codeLast = 2 * harness.UsualLayouts

// ours is our own method on the recordings.
func (r Recordings) ours(seed uint64) (calibration.Method, error) {
	m := calibration.Method{Name: "tunelab", Ours: true, Inside: insideOf(r.Same)}
	tries, err := decideAll(r.Same, Recording.last, usualMargin, 0, seed)
	if err != nil {
		return m, err
	}
	m.Same, m.Seconds = Count(tries, Try.Flagged), meanSeconds(tries)
	m.Coins, err = coined(func(pass int) ([]Try, error) {
		return decideAll(relabelled(r.Same, pass, seed), Recording.last, usualMargin, 0, seed+uint64(pass))
	})
	if err != nil {
		return m, err
	}
	if m.Equal, err = r.equal(seed); err != nil {
		return m, err
	}
	if len(r.Layouts) > 0 {
		if tries, err = decideCode(r.Layouts, usualMargin, 0, seed); err != nil {
			return m, err
		}
		rate := Count(tries, Try.Flagged)
		m.Layouts = &rate
		m.LayoutCoins, err = coined(func(pass int) ([]Try, error) {
			return decideCode(relabelled(r.Layouts, pass, seed), usualMargin, 0, seed+uint64(pass))
		})
		if err != nil {
			return m, err
		}
	}
	if err := r.powers(&m, seed); err != nil {
		return m, err
	}
	n := r.matched()
	if n < leastMatched {
		return m, nil
	}
	m.ROC = roc(func(share float64) (all []Try) {
		for i, one := range r.Same {
			all = append(all, Fixed(one.Trace.Slower(share), n, one.Draws, seed+uint64(i))...)
		}
		return all
	})
	return m, nil
}

// powers works out which slowdowns our own method finds, about two binaries and about the code, and which of what was
// injected.
func (r Recordings) powers(m *calibration.Method, seed uint64) error {
	for _, share := range slowdowns {
		// A slowdown below the margin is one all the same, so nothing is called the same here.
		tries, err := decideAll(labelled(r.Same, passes, seed), Recording.last, 0, share, seed)
		if err != nil {
			return err
		}
		p := calibration.Power{Slower: share, Found: Count(tries, foundWorse)}
		if share >= leastTimed {
			if p.Seconds, p.Longest, err = r.soonest(share, seed); err != nil {
				return err
			}
		}
		m.Powers = append(m.Powers, p)
		if share == delivered {
			m.PerTime = overTime(tries)
		}
	}
	for _, share := range slowdowns {
		if len(r.Layouts) == 0 {
			break
		}
		tries, err := decideCode(r.Layouts, 0, share, seed)
		if err != nil {
			return err
		}
		p := calibration.Power{Slower: share, Code: true, Found: Count(tries, foundWorse)}
		if p.Found.Tries >= leastOfShare {
			p.Seconds, _ = SecondsTo(tries, wantedShare(share))
		}
		m.Powers = append(m.Powers, p)
	}
	for _, extra := range extras {
		var list []Recording
		for _, one := range r.Injected {
			if one.Extra == extra.name {
				list = append(list, one)
			}
		}
		if len(list) == 0 {
			continue
		}
		tries, err := decideAll(list, Recording.last, 0, 0, seed)
		if err != nil {
			return err
		}
		was := math.Expm1(middle(logRatios(joined(list).Trace)))
		m.Powers = append(m.Powers, calibration.Power{Injected: extra.says, Delivered: was, Found: Count(tries, foundWorse)})
	}
	return nil
}

// equalSeconds is within which time unchanged code shall be called the same, the pilot included.
const equalSeconds = 60

// equal is how often one binary is called the same as itself within a minute. It is nil where a plan needs more.
func (r Recordings) equal(seed uint64) (*calibration.Rate, error) {
	all := joined(r.Same)
	last := int((equalSeconds - all.Pilot) * float64(len(all.Trace.Seconds)) / sum(all.Trace.Seconds))
	last = min(last, len(all.Trace.Seconds)) // a recording that is short is cut all the same
	if last < harness.LeastBlocks {
		return nil, nil
	}
	tries, err := decideAll(labelled([]Recording{all}, passes, seed), func(Recording) int { return last }, usualMargin, 0, seed)
	if err != nil {
		return nil, err
	}
	rate := Count(tries, func(t Try) bool { return t.Verdict == verdict.Same })
	return &rate, nil
}

// leastTries is how many tries a recording is cut for at least, where it is short.
const leastTries = 5

// matched is how many blocks take the machine time that benchstat's users spend.
func (r Recordings) matched() int {
	if len(r.Usual) == 0 {
		return usualSamples
	}
	theirs, ours := joined(r.Usual).Trace.Seconds, joined(r.Same).Trace.Seconds
	n := usualSamples * stat.Mean(theirs, nil) / stat.Mean(ours, nil)
	return min(int(n), mostLast)
}

// leastMatched is the fewest pairs of which 5 % can be told.
const leastMatched = 6

// plansTried are the numbers of blocks after which the plans end that ours is tried with, as the others are tried with
// numbers of samples. A run makes no plan of fewer than 12 blocks.
var plansTried = []int{harness.LeastBlocks, 16, 20, 25, 30, 40, 60, 80, 100}

// soonest returns the machine time within which the shortest plan that finds the slowdown in the wanted share of its
// tries had found it, 0 where none does; and the longest time that was tried.
func (r Recordings) soonest(share float64, seed uint64) (seconds, longest float64, err error) {
	all := labelled([]Recording{joined(r.Same)}, timePasses, seed)
	for _, last := range plansTried {
		tries, err := decideAll(all, func(Recording) int { return last }, 0, share, seed)
		if err != nil {
			return 0, 0, err
		}
		if len(tries) < leastOfShare {
			break
		}
		if seconds, ok := SecondsTo(tries, wantedShare(share)); ok {
			return seconds, seconds, nil
		}
		longest = float64(last) * sum(all[0].Trace.Seconds) / float64(len(all[0].Trace.Seconds))
	}
	return 0, longest, nil
}

// leastTimed is the smallest slowdown of which it is asked how long finding it takes: recordings are too short for less.
const leastTimed = 0.02

// leastOfShare is the fewest tries that a share of them is taken from.
const leastOfShare = 20

// insideOf is the share of the recordings' wall time that was spent in timed loops.
func insideOf(list []Recording) float64 {
	all, inside := 0.0, 0.0
	for _, r := range list {
		took := sum(r.Trace.Seconds)
		for _, s := range r.Series {
			took += s.Seconds
		}
		all, inside = all+took, inside+took*r.Inside
	}
	return inside / all
}

func meanSeconds(tries []Try) float64 {
	total := 0.0
	for _, t := range tries {
		total += t.Seconds
	}
	if len(tries) == 0 {
		return 0
	}
	return total / float64(len(tries))
}

func foundWorse(t Try) bool { return t.Verdict == verdict.Worse }

// wantedShare is the share of tries within which a slowdown shall be found.
func wantedShare(slower float64) float64 {
	if slower < delivered {
		return 0.8
	}
	return 0.9
}

// overTime returns in what share of the tries the variant had been found worse by which machine time.
func overTime(tries []Try) []calibration.Point {
	var at []float64
	for _, t := range tries {
		if foundWorse(t) {
			at = append(at, t.Seconds)
		}
	}
	slices.Sort(at)
	var out []calibration.Point
	for i, x := range at {
		out = append(out, calibration.Point{X: x, Y: float64(i+1) / float64(len(tries))})
	}
	return out
}

// samplesTried are the numbers of samples a side that benchstat is tried with.
var samplesTried = []int{4, 5, 6, 8, 10, 12, 15, 20, 25, 30, 40, 50, 60, 80, 100, 120, 150, 200, 250, 300}

// interleaved is benchstat on fresh processes in random order.
func interleaved(list []Recording, seed uint64) calibration.Method {
	trace := joined(list).Trace
	again := labelled([]Recording{{Trace: trace}}, timePasses, seed)
	all := func(n int, share float64) (tries []Try) {
		for _, r := range again {
			tries = append(tries, Unpaired(r.Trace.Slower(share), n, 0.05)...)
		}
		return tries
	}
	m := unpaired("interleaved, benchstat", func(share float64) []Try { return all(usualSamples, share) })
	recorded := Unpaired(trace, usualSamples, 0.05)
	m.Same, m.Seconds = Count(recorded, Try.Flagged), meanSeconds(recorded)
	m.Coins, _ = coined(func(pass int) ([]Try, error) { return Unpaired(trace.Labelled(pass, seed), usualSamples, 0.05), nil })
	m.Inside = insideOf(list)
	for i, p := range m.Powers {
		_, m.Powers[i].Seconds, m.Powers[i].Longest = Fewest(samplesTried, wantedShare(p.Slower), func(n int) []Try { return all(n, p.Slower) })
	}
	m.PerTime = nil
	for _, n := range samplesTried {
		tries := all(n, delivered)
		if len(tries) < leastTries {
			break
		}
		m.PerTime = append(m.PerTime, calibration.Point{X: meanSeconds(tries), Y: Count(tries, foundWorse).Share()})
	}
	return m
}

// oldThenNew is benchstat on one process of -count=10 of each side, one after the other.
func oldThenNew(list []Recording) calibration.Method {
	m := unpaired("old then new, benchstat", func(share float64) (tries []Try) {
		for _, r := range list {
			tries = append(tries, InTurn(r.Series, 0.05, share)...)
		}
		return tries
	})
	m.Inside = insideOf(list)
	return m
}

// unpaired is what a way to decide makes of the recordings, with as many samples as is usual.
func unpaired(name string, decide func(share float64) []Try) calibration.Method {
	m := calibration.Method{Name: name}
	equal := decide(0)
	m.Same, m.Seconds = Count(equal, Try.Flagged), meanSeconds(equal)
	for _, share := range slowdowns {
		tries := decide(share)
		p := calibration.Power{Slower: share, Found: Count(tries, foundWorse)}
		p.Longest = meanSeconds(tries)
		if p.Found.Tries >= leastOfShare && p.Found.Share() >= wantedShare(share) {
			p.Seconds = p.Longest
		}
		m.Powers = append(m.Powers, p)
		if share == delivered && p.Found.Tries > 0 {
			m.PerTime = []calibration.Point{{X: meanSeconds(tries), Y: p.Found.Share()}}
		}
	}
	m.ROC = roc(decide)
	return m
}

// roc is the receiver operating characteristic of a decision between equal sides and sides that differ by the delivered
// share, over all levels that p may be asked to be below.
func roc(decide func(share float64) []Try) []calibration.Point {
	type scored struct {
		score float64
		worse bool
	}
	var all []scored
	for _, share := range []float64{0, delivered} {
		for _, try := range decide(share) {
			all = append(all, scored{-try.P, share > 0})
		}
	}
	if len(all) == 0 {
		return nil
	}
	slices.SortFunc(all, func(a, b scored) int { return cmp.Compare(a.score, b.score) })
	scores, classes := make([]float64, len(all)), make([]bool, len(all))
	for i, s := range all {
		scores[i], classes[i] = s.score, s.worse
	}
	tpr, fpr, _ := stat.ROC(nil, scores, classes, nil)
	out := make([]calibration.Point, len(tpr))
	for i := range tpr {
		out[i] = calibration.Point{X: fpr[i], Y: tpr[i]}
	}
	return out
}

func middle(x []float64) float64 {
	if len(x) == 0 {
		return math.NaN()
	}
	return stat.Quantile(0.5, stat.Empirical, slices.Sorted(slices.Values(x)), nil)
}

// Busy is the share of the machine's CPU time above which a block is one that something else disturbed: half as much again
// as what nineteen of twenty blocks saw while they were recorded, and no less than two fifths. It is 0 where there are too
// few blocks to tell.
func Busy(list []Recording) float64 {
	var all []float64
	for _, r := range list {
		all = append(all, r.Busy...)
	}
	if len(all) < leastBusy {
		return 0
	}
	slices.Sort(all)
	return min(max(1.5*stat.Quantile(0.95, stat.Empirical, all, nil), 0.4), 0.9)
}

const leastBusy = 40
