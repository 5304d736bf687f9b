package calibrate

import (
	"math"
	"os"
	"reflect"
	"testing"
	"time"

	"tunelab/harness"
	"tunelab/results"
	"tunelab/results/verdict"
)

func TestMain(m *testing.M) {
	if NeighbourIfAsked() {
		return
	}
	os.Exit(m.Run())
}

// The neighbour is a process of its own that works until it is stopped.
func TestNeighbour(t *testing.T) {
	stop, err := StartNeighbour(1, 7)
	if err != nil {
		t.Fatal(err)
	}
	if took, err := stop(); err != nil || took < 0 || took > 2 {
		t.Errorf("it took %v of a CPU, %v", took, err)
	}
	if stop, err = StartNeighbour(0, 7); err != nil {
		t.Fatal(err)
	}
	if took, err := stop(); took != 0 || err != nil {
		t.Errorf("none took %v, %v", took, err)
	}
	if stop, err = StartNeighbour(1.5, 7); err != nil {
		t.Fatal(err)
	}
	if _, err := stop(); err == nil {
		t.Error("a duty of 150 % is none")
	}
}

// A recording is the blocks of a run, with what each took and who else worked meanwhile, and what came before the first.
func TestRecordings(t *testing.T) {
	c := results.PlannedCase{Case: "A", N: 1000, Variants: []string{"base", "twin"}, Metrics: []string{"ns/op"},
		Pairs: []results.Pair{{Base: "base", Variant: "twin"}}, Processes: &results.Levels{Rounds: 4, SliceMS: 3}}
	file := &results.File{Run: &results.Run{Host: results.Host{Cores: 2}, Plan: results.Plan{Cases: []results.PlannedCase{c}, Layouts: results.Layouts{Count: 16}}}}
	trial := func(block int, variant string, start int64, foreign float64, slices ...float64) {
		file.Trials = append(file.Trials, results.Trial{Case: "A", Block: block, Variant: variant, Outcome: results.OK, Draw: 3, Party: block,
			StartMS: start, WallMS: 40, ForeignMS: foreign, Iterations: 1000,
			Slices: map[string][]float64{"ns/op": slices}, Values: []results.Value{{Value: results.MiddleHalf(slices), Unit: "ns/op"}}})
	}
	trial(1, "twin", 2000, 4, 1010, 1010, 1010, 1010)
	trial(1, "base", 2000, 4, 1000, 1000, 1000, 1000)
	trial(2, "base", 2050, 0, 2000, 2000, 2000, 2000)
	trial(2, "twin", 2050, 0, 2000, 2000, 2000, 2000)
	list, err := recordings(file)
	if err != nil || len(list) != 1 {
		t.Fatal(list, err)
	}
	r := list[0]
	if len(r.Trace.Pairs) != 2 || math.Abs(r.Trace.Pairs[0].Variant/r.Trace.Pairs[0].Base-1.01) > 1e-9 || r.Trace.Pairs[0].Draw != 3 || r.Trace.Pairs[1] != (verdict.Pair{Base: 2000, Variant: 2000, Draw: 3}) {
		t.Errorf("pairs %+v", r.Trace.Pairs)
	}
	if !near(r.Trace.Seconds[0], 0.05) || !near(r.Trace.Seconds[1], 0.04) || !near(r.Busy[0], 0.1) || r.Busy[1] != 0 {
		t.Errorf("took %v, of which others %v", r.Trace.Seconds, r.Busy)
	}
	if r.Pilot != 2 || r.Draws != 16 || r.Case != "A" || !reflect.DeepEqual(r.Plan, c) || !near(r.Inside, (4*2.01+4*4)/90) {
		t.Errorf("%+v", r)
	}
	file.Trials = file.Trials[:1]
	if _, err := recordings(file); err == nil {
		t.Error("half of a block is a recording")
	}
}

// A recording of layouts has so many sets as its time allows for, and one at least.
func TestLayoutsOfARecording(t *testing.T) {
	for name, c := range map[string]struct {
		seconds float64 // of a block
		want    int
	}{"quick": {0.05, mostSets}, "in between": {1.1, 2}, "slow": {10, 1}} {
		r := recording(1, 20, 0.01, 0, 0)
		for i := range r.Trace.Seconds {
			r.Trace.Seconds[i] = c.seconds
		}
		got, length := unit{subject: "X"}.layouts([]Stored{store(r, 0, 0, KindSame, "X", 1, "", results.Host{})})
		if got != c.want*harness.UsualLayouts {
			t.Errorf("%s: %d layouts, want %d sets", name, got, c.want)
		}
		if need := time.Duration(min(float64(c.want*codeLast)*c.seconds, 80) * float64(time.Second)); length < need || length > 2*time.Minute {
			t.Errorf("%s: %v for what takes %v", name, length, need)
		}
	}
}
