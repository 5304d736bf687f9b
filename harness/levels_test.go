package harness

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"tunelab/results"
)

// parties makes pilot parties of processes that differ by process, of rounds that differ by round, and of slices that
// change by drift from the first to the last.
func parties(process, round, drift float64) []pilotParty {
	return partiesBy(rand.New(rand.NewPCG(5, 1)), process, round, drift)
}

func partiesBy(r *rand.Rand, process, round, drift float64) []pilotParty {
	var out []pilotParty
	for range pilotParties {
		p := pilotParty{slice: 2, rest: 0.2, start: 10}
		between := process * r.NormFloat64()
		for side := range 2 {
			var series []float64
			for i := range pilotRounds {
				x := 5 + drift*float64(i)/(pilotRounds-1) + 0.002*r.NormFloat64()
				if side == 1 {
					x += between + round*r.NormFloat64()
				}
				series = append(series, x)
			}
			p.series = append(p.series, series)
		}
		for i := range pilotRounds {
			p.ratios = append(p.ratios, p.series[1][i]-p.series[0][i])
		}
		out = append(out, p)
	}
	return out
}

func TestChooseLevels(t *testing.T) {
	noisyRounds, noisyProcesses := chooseLevels(parties(0, 0.2, 0)), chooseLevels(parties(0.05, 0.005, 0))
	if noisyRounds.RoundSD < 0.12 || noisyRounds.RoundSD > 0.28 {
		t.Errorf("rounds differ by 20 %%, estimated %v", noisyRounds.RoundSD)
	}
	if noisyProcesses.ProcessSD < 0.02 || noisyProcesses.ProcessSD > 0.12 {
		t.Errorf("processes differ by 5 %%, estimated %v", noisyProcesses.ProcessSD)
	}
	if noisyRounds.Rounds <= noisyProcesses.Rounds {
		t.Errorf("%d rounds where rounds are noisy, %d where processes are", noisyRounds.Rounds, noisyProcesses.Rounds)
	}
	for _, l := range []*results.Levels{noisyRounds, noisyProcesses} {
		inLoops := float64(l.Rounds) * l.SliceMS / (l.StartMS + float64(l.Rounds)*l.CostMS)
		if inLoops < 0.85 || l.Rounds > mostRounds {
			t.Errorf("%d rounds spend %v of their time in timed loops", l.Rounds, inLoops)
		}
	}
	// A start of half a second: less is asked for, or a process would have to live too long.
	slow := parties(0, 0.05, 0)
	for i := range slow {
		slow[i].start = 500
	}
	if l := chooseLevels(slow); float64(l.Rounds)*l.SliceMS/(l.StartMS+float64(l.Rounds)*l.CostMS) < 0.6 {
		t.Errorf("%d rounds of %v ms after a start of %v", l.Rounds, l.SliceMS, l.StartMS)
	}
	// Slices that cost twice their loop while they are short, and no noise at all.
	for i := range slow {
		slow[i].rest = 4
		clear(slow[i].ratios)
	}
	if l := chooseLevels(slow); float64(l.Rounds)*l.SliceMS/(l.StartMS+float64(l.Rounds)*l.CostMS) < 0.6 || l.Rounds > mostRounds {
		t.Errorf("%d rounds of %v ms after a start of 500 ms", l.Rounds, l.SliceMS)
	}
	// Processes are never quite alike, whatever a few of them say: rather more of them than more rounds.
	// And rather many short slices than few long ones, as the noise of a round does not depend on that.
	if l := chooseLevels(parties(0, 0.5, 0)); l.Rounds < 50 || l.Rounds > 200 || l.SliceMS > 4 {
		t.Errorf("%d rounds of %v ms after a start of %v ms", l.Rounds, l.SliceMS, l.StartMS)
	}
	// After a slow start more rounds are worth it than the share asks for.
	late := parties(0, 0.5, 0)
	for i := range late {
		late[i].start = 400
	}
	if l := chooseLevels(late); l.Rounds < 350 {
		t.Errorf("%d rounds of %v ms after a start of %v ms", l.Rounds, l.SliceMS, l.StartMS)
	}
	// Where nothing is noisy a block is as short as it may be.
	if l := chooseLevels(parties(0, 0.001, 0)); 2*(l.StartMS+float64(l.Rounds)*l.CostMS) > 220 {
		t.Errorf("%d rounds of %v ms where nothing is noisy", l.Rounds, l.SliceMS)
	}
	for _, rest := range []float64{4, 7, 10, 50} {
		quick := parties(0, 0.001, 0)
		for i := range quick {
			quick[i].rest = rest
		}
		if l := chooseLevels(quick); l.Rounds > 20 {
			t.Errorf("%d rounds after a start of 10 ms: what a slice loses, %v ms, can't be mended by more", l.Rounds, rest)
		}
	}
}

// What the rounds add to the variance of a process's mean is not the processes'.
func TestProcessVariance(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 2))
	const tries, process, round = 400, 0.1, 0.2
	sum := 0.0
	for range tries {
		sd := chooseLevels(partiesBy(r, process, round, 0)).ProcessSD
		sum += sd * sd / tries
	}
	if math.Abs(sum/(process*process)-1) > 0.15 {
		t.Errorf("processes' variance is estimated at %v, want %v", sum, process*process)
	}
}

func TestSureOf(t *testing.T) {
	for n, want := range map[int]float64{2: 1 / 3.841, 4: 3 / 7.815, 101: 100 / 124.342} { // tables of chi-squared
		if got := sureOf(n); math.Abs(got/want-1) > 1e-3 {
			t.Errorf("of %d values %v, want %v", n, got, want)
		}
	}
}

func TestConfirmAlpha(t *testing.T) {
	for comparisons, want := range map[int]float64{2: 0.25, 4: 0.25, 5: 0.2, 20: 0.05, 100: 0.01} {
		if got := confirmAlpha(comparisons); got != want {
			t.Errorf("%d comparisons are confirmed at %v, want %v", comparisons, got, want)
		}
	}
}

func TestExcess(t *testing.T) {
	if got := excessOf([]float64{math.Ln2, math.Ln2, math.Ln2, math.Ln2, math.Ln2, math.Ln2}); math.Abs(got-1) > 1e-9 {
		t.Errorf("twice the time: %v", got)
	}
	if got := excessOf([]float64{0.3, 0.08, -0.05, 0.09, 0.2, 0.1, 0.07, 0.11}); got < 0.08 || got > 0.12 {
		t.Errorf("slower in seven of eight: %v", got)
	}
	if got := excessOf([]float64{-0.3, 0.08, -0.05, 0.09, 0.2, 0.1, 0.07, 0.11}); got != 0 {
		t.Errorf("slower in six of eight, which noise does as well: %v", got)
	}
	if got := excessOf([]float64{-0.1, -0.1, -0.1, -0.1, -0.1, -0.1, -0.1, 0.5}); got > -0.09 {
		t.Errorf("faster in seven of eight: %v", got)
	}
	if got := excessOf([]float64{0.1, 0.1, -0.01, 0.1, 0.1, 0.1}); got != 0 {
		t.Errorf("slower in five of six, which noise does as well: %v", got)
	}
}

func TestRoundsOf(t *testing.T) {
	for _, c := range []struct {
		cost float64 // ms
		want int
	}{{3, pilotRounds}, {50, 10}, {115, leastPilotRounds}} {
		if got := roundsOf(c.cost); got != c.want {
			t.Errorf("%d rounds of two slices of %v ms, want %d", got, c.cost, c.want)
		}
	}
}

func TestLayoutSD(t *testing.T) {
	// Parties in two layouts differ by ten per cent, in one by a tenth of that.
	if got := layoutSD(parties(0.01, 0.01, 0), parties(0.1, 0.01, 0)); got < 0.04 || got > 0.25 {
		t.Errorf("%v", got)
	}
	if got := layoutSD(parties(0.1, 0.01, 0), parties(0.01, 0.01, 0)); got != 0 {
		t.Errorf("layouts that do nothing: %v", got)
	}
	if got := layoutSD(parties(0.1, 0.01, 0), nil); got != 0 {
		t.Errorf("without a party: %v", got)
	}
}

func TestDrifts(t *testing.T) {
	if why := drifts(parties(0.02, 0.02, 0)); why != "" {
		t.Errorf("steady processes: %s", why)
	}
	if why := drifts(parties(0, 0.01, 0.15)); !strings.Contains(why, "a state of its own") {
		t.Errorf("15 %% slower with age: %q", why)
	}
	if why := drifts(parties(0, 0.01, 0.01)); why != "" {
		t.Errorf("1 %% slower with age: %s", why)
	}
}

// TestMachineIsNoState has a machine whose speed changes while a party runs, by as much for both of its processes: that is
// hardly ever taken for a state that processes have. What all processes do always is.
func TestMachineIsNoState(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	called := func(drift float64) (n int) {
		for range 400 {
			var seen []pilotParty
			for !enough(seen) {
				seen = append(seen, partiesBy(r, 0.01, 0.01, drift+0.1*r.NormFloat64())[0])
			}
			if len(seen) >= driftParties && drifts(seen) != "" {
				n++
			}
		}
		return n
	}
	if n := called(0); n > 16 {
		t.Errorf("a machine that changes by 10 %%: %d of 400 times it is taken for a state", n)
	}
	if n := called(0.4); n < 380 {
		t.Errorf("processes that get slower by 50 %%: noticed %d of 400 times", n)
	}
}

func TestTakeSlices(t *testing.T) {
	trial := results.Trial{Outcome: results.OK, Values: []results.Value{{Value: 1, Unit: "ns/op"}, {Value: 0, Unit: "B/op"}}}
	values := map[string][]float64{"ns/op": {100.123456, 100.123456, 900, 1}, "B/op": {0, 0, 0, 0}}
	takeSlices(&trial, values, []string{"ns/op", results.Instructions})
	if got := trial.Values[0].Value; got != 100.123 {
		t.Errorf("%v ns/op, want the mean of the middle half to six digits", got)
	}
	if got := trial.Values[1].Value; got != 0 {
		t.Errorf("%v B/op", got)
	}
	if len(trial.Slices) != 1 || !slices.Equal(trial.Slices["ns/op"], values["ns/op"]) {
		t.Errorf("slices %v", trial.Slices)
	}
	failed := results.Trial{Outcome: results.Failed}
	if takeSlices(&failed, values, []string{"ns/op"}); failed.Slices != nil {
		t.Error("a failed trial has slices")
	}
}

func TestSliceOf(t *testing.T) {
	for perOp, want := range map[float64]int{1: 1_500_000, 1000: 1500, 5e5: 3, 2e6: 1, 1e9: 1} {
		if got := sliceOf(shortestSlice, perOp); got != want {
			t.Errorf("%v ns: %d iterations, want %d", perOp, got, want)
		}
	}
}

func TestVariance(t *testing.T) {
	if got := variance([]float64{1, 2, 3, 4}); math.Abs(got-5.0/3) > 1e-12 {
		t.Errorf("%v", got)
	}
	r := rand.New(rand.NewPCG(6, 1))
	x := make([]float64, 4000)
	for i := range x {
		x[i] = 3 * r.NormFloat64()
		if i%50 == 0 {
			x[i] *= 100 // bursts
		}
	}
	if got := math.Sqrt(squareSpread(x)); got < 2.8 || got > 3.3 {
		t.Errorf("spread %v of a normal with 3 and bursts", got)
	}
}
