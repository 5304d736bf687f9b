package calibrate

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"tunelab/results"
	"tunelab/results/calibration"
	"tunelab/scenarios"
)

// recording makes one of n blocks with that noise, in so many layouts that differ by layout.
func recording(seed uint64, n int, sd float64, draws int, layout float64) Recording {
	r := rand.New(rand.NewPCG(seed, 3))
	out := Recording{Case: "X", Draws: draws, Inside: 0.9, Pilot: 2, Trace: made(seed, n, sd), Busy: make([]float64, n)}
	for i := range out.Busy {
		out.Busy[i] = float64(i%20) / 100
	}
	out.Plan.Processes = &results.Levels{Rounds: 20, SliceMS: 3, Why: "they alternate"}
	effects := make([]float64, draws)
	for i := range effects {
		effects[i] = layout * r.NormFloat64()
	}
	for i := range out.Trace.Pairs {
		if draws > 0 {
			out.Trace.Pairs[i].Draw = 1 + i%draws
			out.Trace.Pairs[i].Variant *= math.Exp(effects[i%draws])
		}
	}
	return out
}

func method(t *testing.T, b calibration.Benchmark, name string) calibration.Method {
	t.Helper()
	for _, m := range b.Methods {
		if m.Name == name {
			return m
		}
	}
	t.Fatalf("no method %q", name)
	return calibration.Method{}
}

func TestJudge(t *testing.T) {
	usual := recording(3, 600, 0.03, 0, 0)
	usual.Plan.Processes = nil
	b, err := Recordings{
		Same:     []Recording{recording(1, 600, 0.02, 16, 0), recording(6, 600, 0.02, 16, 0)},
		Layouts:  []Recording{recording(2, 144, 0.02, 48, 0.02)},
		Injected: []Recording{{Draws: 16, Extra: spinExtra, Trace: recording(4, 240, 0.02, 16, 0).Trace.Slower(0.05)}},
		Usual:    []Recording{usual},
		Count:    []Recording{seriesRecording(8, 80, 0.03)},
	}.Judge("X", 7)
	if err != nil {
		t.Fatal(err)
	}
	if b.NoiseSD < 0.018 || b.NoiseSD > 0.022 || math.Abs(b.BlockMS-100) > 1e-6 || b.PilotMS != 2000 {
		t.Errorf("noise %v, block %v ms, pilot %v ms", b.NoiseSD, b.BlockMS, b.PilotMS)
	}
	ours := method(t, b, "tunelab")
	if ours.Coins.Tries != 40 || ours.Coins.Lo > 0.05 || ours.LayoutCoins.Tries != 40 || ours.LayoutCoins.Lo > 0.05 {
		t.Errorf("by coins: %+v, %+v", ours.Coins, ours.LayoutCoins)
	}
	if ours.Same.Tries < 20 || ours.Same.Lo > 0.05 || ours.Layouts == nil || ours.Layouts.Tries != 3 || ours.Equal == nil || math.Abs(ours.Inside-0.9) > 1e-9 {
		t.Errorf("%+v", ours)
	}
	var last calibration.Power
	for _, p := range ours.Powers {
		if p.Code && (p.Found.Tries != 3 || p.Slower == 0.1 && p.Found.Hits != 3 || p.Slower == 0.005 && p.Found.Hits == 3) {
			t.Errorf("about the code: %+v", p)
		}
		if p.Code {
			continue
		}
		if p.Injected == "" && p.Found.Share() < last.Found.Share()-0.1 {
			t.Errorf("%v is found less often than %v: %+v", p.Slower, last.Slower, ours.Powers)
		}
		if p.Injected != "" && (p.Injected != "more work" || p.Found.Share() < 0.8 || math.Abs(p.Delivered-0.05) > 0.01) {
			t.Errorf("what was injected: %+v", p)
		}
		if p.Injected == "" {
			last = p
		}
	}
	if last.Found.Share() != 1 || last.Seconds < 0.5 || last.Seconds > 3 {
		t.Errorf("10 %%: %+v", last)
	}
	if b.Smallest80 == 0 || b.Smallest80 > 0.05 {
		t.Errorf("smallest %v", b.Smallest80)
	}
	for _, name := range []string{"interleaved, benchstat", "old then new, benchstat"} {
		m := method(t, b, name)
		if m.Same.Tries < 20 || m.Ours || m.Layouts != nil || len(m.Powers) != len(slowdowns) || len(m.PerTime) == 0 {
			t.Errorf("%s: %+v", name, m)
		}
	}
	for _, m := range b.Methods {
		for i, p := range m.ROC {
			if p.X < 0 || p.X > 1 || p.Y < 0 || p.Y > 1 || i > 0 && (p.X > m.ROC[i-1].X+1e-12 && p.Y < m.ROC[i-1].Y-1e-12) {
				t.Errorf("%s: ROC %v", m.Name, m.ROC)
				break
			}
		}
	}
}

// A set has its layouts alone, as a run would have numbered them, and all of them before one comes again.
func TestSets(t *testing.T) {
	r := shuffled(recording(5, 96, 0.01, 48, 0.02)) // twice through
	sets := r.sets(16)
	if len(sets) != 3 || sets[2].Draws != 16 || sets[0].Pilot != 2 {
		t.Fatalf("%d sets", len(sets))
	}
	used := map[float64]bool{}
	for i, s := range sets {
		if len(s.Trace.Pairs) != 32 || len(s.Trace.Seconds) != 32 {
			t.Fatalf("set %d has %d blocks", i, len(s.Trace.Pairs))
		}
		layouts := map[int]int{}
		for j, p := range s.Trace.Pairs {
			if used[p.Variant] || j < 16 && p.Draw != 1+j {
				t.Errorf("set %d, block %d: %+v", i, j, p)
			}
			used[p.Variant] = true
			if layouts[p.Draw]++; layouts[p.Draw] > 1+j/16 {
				t.Errorf("set %d: layout %d comes again before all have come", i, p.Draw)
			}
		}
	}
	if short := shuffled(recording(5, 40, 0.01, 48, 0.02)).sets(16); len(short) != 2 {
		t.Errorf("%d sets of 40 blocks, want the two that are whole", len(short))
	}
	if none := recording(5, 40, 0.01, 0, 0).sets(16); len(none) != 0 {
		t.Error("sets without layouts")
	}
}

// shuffled draws the layouts in an order of its own in each round, as a run does.
func shuffled(r Recording) Recording {
	random := rand.New(rand.NewPCG(8, 1))
	var order []int
	for i := range r.Trace.Pairs {
		if i%r.Draws == 0 {
			order = random.Perm(r.Draws)
		}
		r.Trace.Pairs[i].Draw = 1 + order[i%r.Draws]
	}
	return r
}

func seriesRecording(seed uint64, n int, sd float64) Recording {
	out := Recording{Case: "X", Inside: 0.8}
	all := made(seed, 10*n, sd).Pairs
	for i := range n {
		s := Series{Seconds: 1.5}
		for _, p := range all[10*i : 10*i+10] {
			s.NS = append(s.NS, p.Variant)
		}
		out.Series = append(out.Series, s)
	}
	return out
}

func TestSeriesOf(t *testing.T) {
	got, err := seriesOf([]byte("goos: linux\nBenchmarkA-2   	     100	  1000000 ns/op	0 B/op\nBenchmarkB/n=2/x-2 	 50	 20 ns/op\nBenchmarkA-2   	     200	  2000000 ns/op\nPASS\n"))
	want := map[string]Series{"A": {NS: []float64{1e6, 2e6}, Inside: 0.5}, "B/n=2/x": {NS: []float64{20}, Inside: 1e-6}}
	if err != nil || len(got) != 2 || !slices.EqualFunc(got["A"].NS, want["A"].NS, near) || !near(got["A"].Inside, 0.5) || !slices.EqualFunc(got["B/n=2/x"].NS, want["B/n=2/x"].NS, near) {
		t.Errorf("%v, %+v", err, got)
	}
	if _, err := seriesOf([]byte("PASS\n")); err == nil {
		t.Error("no result is no error")
	}
}

func near(a, b float64) bool { return math.Abs(a-b) <= 1e-9*math.Abs(b) }

func TestBusy(t *testing.T) {
	if got := Busy([]Recording{recording(1, 39, 0.01, 0, 0)}); got != 0 {
		t.Errorf("of 39 blocks: %v", got)
	}
	if got := Busy([]Recording{recording(1, 100, 0.01, 0, 0)}); got != 0.4 {
		t.Errorf("on a machine that is a little busy: %v", got)
	}
	busy := recording(1, 100, 0.01, 0, 0)
	for i := range busy.Busy {
		busy.Busy[i] *= 2
	}
	if got := Busy([]Recording{busy}); math.Abs(got-0.54) > 1e-9 { // 19 of 20 are at most 0.36
		t.Errorf("on a busy one: %v", got)
	}
	quiet := recording(1, 100, 0.01, 0, 0)
	clear(quiet.Busy)
	if got := Busy([]Recording{quiet}); got != 0.4 {
		t.Errorf("on a quiet machine: %v", got)
	}
}

func TestTwins(t *testing.T) {
	sc := &scenarios.Scenario{Variants: []scenarios.Variant{
		{Name: "a", Base: true, Env: map[string]string{"X": "1"}}, {Name: "b"},
	}, Claims: []scenarios.Claim{{ID: "1"}}, Parts: []string{"other"}}
	for name, c := range map[string]struct {
		change func(*scenarios.Variant)
		env    string
		build  int
	}{
		"same binary": {sameBinary, "", 0}, "other layouts": {otherLayouts, "", 1}, "slower": {slowedBy("A=3"), "A=3", 0},
	} {
		got := twins(sc, c.change)
		if len(got.Variants) != 2 || !got.Variants[0].Base || got.Variants[1].Base || got.Variants[1].Name != twinName {
			t.Fatalf("%s: %+v", name, got.Variants)
		}
		twin := got.Variants[1]
		if twin.Env["X"] != "1" || twin.Env["TUNELAB_EXTRA"] != c.env || len(twin.BuildEnv) != c.build {
			t.Errorf("%s: %+v", name, twin)
		}
		if len(got.Claims) != 0 || len(got.Parts) != 0 {
			t.Errorf("%s keeps claims or parts", name)
		}
	}
	if len(sc.Variants) != 2 || sc.Variants[1].Name != "b" || len(sc.Claims) != 1 || len(sc.Variants[0].Env) != 1 {
		t.Errorf("the scenario itself changed: %+v", sc)
	}
}

// What blocks took is from the beginning of each to that of the next, whatever the case.
func TestBlockSeconds(t *testing.T) {
	at := func(name string, block int, start int64, wall float64) results.Trial {
		return results.Trial{Case: name, Block: block, StartMS: start, WallMS: wall}
	}
	got := blockSeconds(&results.File{Trials: []results.Trial{
		at("A", 1, 0, 50), at("A", 1, 60, 50), at("B", 1, 130, 100), at("B", 1, 130, 110), at("A", 2, 250, 40), at("A", 2, 300, 40),
	}})
	for key, want := range map[blockKey]float64{{"A", 1}: 0.13, {"B", 1}: 0.12, {"A", 2}: 0.09} {
		if math.Abs(got[key]-want) > 1e-9 {
			t.Errorf("%v took %v s, want %v", key, got[key], want)
		}
	}
}
