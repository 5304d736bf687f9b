package calibrate

import (
	"math"
	"math/rand/v2"
	"testing"

	"tunelab/results/verdict"
)

// made is a trace of n blocks of a tenth of a second with that standard deviation of a pair's log-ratio.
func made(seed uint64, n int, sd float64) Trace {
	r := rand.New(rand.NewPCG(seed, 1))
	var t Trace
	for range n {
		t.Pairs = append(t.Pairs, verdict.Pair{Base: 100, Variant: 100 * math.Exp(sd*r.NormFloat64())})
		t.Seconds = append(t.Seconds, 0.1)
	}
	return t
}

func TestSequentialUsesEachBlockOnce(t *testing.T) {
	trace := made(1, 4000, 0.02)
	rule := verdict.Rule{Alpha: 0.05, Looks: verdict.Looks(20)}
	for share, want := range map[float64][2]float64{0: {0.01, 0.05}, 0.05: {0.99, 1}} {
		tries, err := Sequential(trace.Slower(share), rule)
		if err != nil {
			t.Fatal(err)
		}
		blocks, seconds := 0, 0.0
		for _, try := range tries {
			blocks += try.Blocks
			seconds += try.Seconds
		}
		if blocks > 4000 || blocks < 3980 || math.Abs(seconds-float64(blocks)/10) > 1e-6 {
			t.Errorf("%v slower: %d blocks in %v s", share, blocks, seconds)
		}
		worse := Count(tries, Try.Flagged)
		if worse.Hi < want[0] || worse.Lo > want[1] {
			t.Errorf("%v slower: flagged %+v, want a rate in %v", share, worse, want)
		}
		if at, ok := SecondsTo(tries, 0.9); ok != (share > 0) || ok && (at < 0.99 || at > 2) {
			t.Errorf("%v slower: found in %v s, %v", share, at, ok)
		}
	}
}

// Measured in turn, a drift is taken for a difference; in pairs it cancels.
func TestComparatorsUnderDrift(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 1))
	var series []Series
	var pairs Trace
	level := 0.0
	for i := range 2000 {
		level += 0.01 * r.NormFloat64()
		a, b := 100*math.Exp(level+0.01*r.NormFloat64()), 100*math.Exp(level+0.01*r.NormFloat64())
		if i%10 == 0 {
			series = append(series, Series{Seconds: 1})
		}
		last := &series[len(series)-1]
		last.NS = append(last.NS, a)
		pairs.Pairs, pairs.Seconds = append(pairs.Pairs, verdict.Pair{Base: a, Variant: b}), append(pairs.Seconds, 0.2)
	}
	inTurn := Count(InTurn(series, 0.05, 0), Try.Flagged)
	paired := Count(Unpaired(pairs, 10, 0.05), Try.Flagged)
	if inTurn.Tries != 100 || paired.Tries != 200 {
		t.Errorf("%d and %d tries", inTurn.Tries, paired.Tries)
	}
	if inTurn.Lo < 0.3 || paired.Hi > 0.1 {
		t.Errorf("flagged in turn %+v, interleaved %+v", inTurn, paired)
	}
	if all := Count(InTurn(series, 0.05, 10), func(t Try) bool { return t.Verdict == verdict.Worse && math.Abs(t.Seconds-2) < 1e-9 }); all.Hits != 100 {
		t.Errorf("eleven times as slow is found worse, in 2 s, in %+v", all)
	}
}

// Other coins keep every pair, and its machine time, and only swap sides: of all pairs of a draw or of none.
func TestLabelled(t *testing.T) {
	trace := made(4, 300, 0.02)
	for i := range trace.Seconds {
		trace.Seconds[i] = float64(i)
	}
	check := func(out Trace, of Trace) (swapped int) {
		seen := map[float64]bool{}
		for i, p := range out.Pairs {
			was := of.Pairs[int(out.Seconds[i])]
			if seen[out.Seconds[i]] {
				t.Fatalf("block %v twice", out.Seconds[i])
			}
			seen[out.Seconds[i]] = true
			switch {
			case p.Base == was.Variant && p.Variant == was.Base:
				swapped++
			case p.Base != was.Base || p.Variant != was.Variant:
				t.Fatalf("%v became %v", was, p)
			}
		}
		return swapped
	}
	if check(trace.Labelled(0, 1), trace) != 0 {
		t.Error("the first pass is not as recorded")
	}
	one, two := trace.Labelled(1, 1), trace.Labelled(2, 1)
	if n := check(one, trace); n < 110 || n > 190 {
		t.Errorf("%d of 300 were swapped", n)
	}
	if check(two, trace); one.Seconds[0] == two.Seconds[0] {
		t.Error("two passes begin at the same block")
	}
	for i := range trace.Pairs {
		trace.Pairs[i].Draw = 1 + i%20
	}
	drawn := trace.Labelled(1, 1)
	check(drawn, trace)
	sides := map[int]bool{}
	for i, p := range drawn.Pairs {
		if drawn.Seconds[i] != float64(i) {
			t.Fatal("with layouts it begins elsewhere: a set would be torn")
		}
		swapped := p.Base != trace.Pairs[i].Base
		if was, ok := sides[p.Draw]; ok && was != swapped {
			t.Errorf("draw %d is swapped in part", p.Draw)
		}
		sides[p.Draw] = swapped
	}
	// Of equal sides each pass is flagged as seldom as any.
	rule := verdict.Rule{Alpha: 0.05, Looks: verdict.Looks(20)}
	var all []Try
	equal := made(6, 1000, 0.02)
	for pass := range 12 {
		tries, err := Sequential(equal.Labelled(pass, 3), rule)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, tries...)
	}
	if r := Count(all, Try.Flagged); r.Lo > 0.05 || r.Tries < 500 {
		t.Errorf("%+v", r)
	}
}

func TestFewest(t *testing.T) {
	trace := made(3, 3000, 0.05)
	decide := func(n int) []Try { return Unpaired(trace.Slower(0.05), n, 0.05) }
	n, seconds, longest := Fewest([]int{5, 10, 20, 40, 60, 100}, 0.9, decide)
	if n < 20 || n > 60 || math.Abs(seconds-float64(n)/10) > 1e-9 || longest != seconds {
		t.Errorf("%d samples, %v s, longest %v", n, seconds, longest)
	}
	if n, _, longest := Fewest([]int{5}, 0.9, decide); n != 0 || math.Abs(longest-0.5) > 1e-9 {
		t.Errorf("%d samples are enough; longest %v", n, longest)
	}
	if n, _, longest := Fewest([]int{160}, 0.9, decide); n != 0 || longest != 0 {
		t.Errorf("18 tries are enough for a share: %d, %v", n, longest)
	}
}

func TestSecondsToNeedsEnoughTries(t *testing.T) {
	tries := []Try{{Verdict: verdict.Worse, Seconds: 3}, {Verdict: verdict.Worse, Seconds: 1}, {Verdict: verdict.Better, Seconds: 0.5}, {Verdict: verdict.Undecided, Seconds: 9}}
	if s, ok := SecondsTo(tries, 0.5); !ok || s != 3 {
		t.Errorf("half of them: %v, %v", s, ok)
	}
	if s, ok := SecondsTo(tries, 0.75); ok {
		t.Errorf("three of them: %v", s)
	}
	eleven := make([]Try, 11) // nine tenths of them are ten, not nine
	for i := range eleven {
		eleven[i] = Try{Verdict: verdict.Worse, Seconds: float64(i + 1)}
	}
	if s, ok := SecondsTo(eleven, 0.9); !ok || s != 10 {
		t.Errorf("nine tenths of eleven: %v, %v", s, ok)
	}
	if _, ok := SecondsTo(nil, 0.9); ok {
		t.Error("none of none")
	}
}
