package results

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

func valued(values []float64, bytesPerOp float64) []*Trial {
	var out []*Trial
	for i, v := range values {
		out = append(out, &Trial{Block: i + 1, Outcome: OK, Iterations: 1000, Values: []Value{{v, "ns/op"}, {bytesPerOp, "B/op"}}})
	}
	return out
}

func TestDoubts(t *testing.T) {
	r := rand.New(rand.NewPCG(31, 1))
	make := func(n int, value func(i int) float64) []float64 {
		var out []float64
		for i := range n {
			out = append(out, value(i)*math.Exp(0.01*r.NormFloat64()))
		}
		return out
	}
	steady := func(int) float64 { return 100 }
	for _, c := range []struct {
		name   string
		values []float64
		bytes  float64
		want   string // "" for none
	}{
		{"a steady one", make(30, steady), 64, ""},
		{"nothing left to measure", make(12, func(int) float64 { return 0.25 }), 0, "removed the work"},
		{"a nanosecond", make(12, func(int) float64 { return 1.3 }), 0, ""},
		{"slower and slower", make(20, func(i int) float64 { return 100 * math.Exp(0.01*float64(i)) }), 0, "+21 %"},
		{"faster and faster", make(20, func(i int) float64 { return 100 * math.Exp(-0.01*float64(i)) }), 0, "-16 %"},
		{"a drift within the margin", make(40, func(i int) float64 { return 100 * math.Exp(0.0005*float64(i)) }), 0, ""},
		{"two modes", make(30, func(i int) float64 { return 100 + 20*float64(i*7%3/2) }), 0, "two groups, round 100 and 120 ns/op"},
		{"one outlier is no mode", make(30, func(i int) float64 { return 100 + 50*float64(i/29) }), 0, ""},
		{"too few to say", make(6, func(i int) float64 { return 100 + 20*float64(i%2) }), 0, ""},
		{"it allocates much", make(12, steady), 10 << 10, "garbage collections"},
		{"all equal", []float64{7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7}, 0, ""},
		{"with a zero", []float64{0, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}, 0, ""},
	} {
		got := strings.Join(doubts("x", "ns/op", valued(c.values, c.bytes), 0.03), "\n")
		if c.want == "" && got != "" || !strings.Contains(got, c.want) {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// Steady noise must not be doubted: at most a few of a thousand.
func TestDoubtsAreRare(t *testing.T) {
	r := rand.New(rand.NewPCG(32, 1))
	doubted := 0
	for range 1000 {
		values := make([]float64, 12+r.IntN(40))
		for i := range values {
			values[i] = 100 * math.Exp(0.05*r.NormFloat64())
		}
		if len(doubts("x", "ns/op", valued(values, 0), 0.03)) > 0 {
			doubted++
		}
	}
	if doubted > 10 {
		t.Errorf("%d of 1000 are doubted", doubted)
	}
}

// A block in which other programs took the machine is left out, on both sides and for every comparison, whatever it
// measured; a variant that fails in it has failed all the same.
func TestBusyBlocksAreLeftOut(t *testing.T) {
	run := sample()
	run.Plan.Reject = Reject{Busy: 0.3}
	list := trials(16, 0.5)
	for i := range list {
		list[i].WallMS = 100
		if list[i].Block == 3 || list[i].Block == 5 { // 2 cores × 200 ms: 120 ms are allowed
			list[i].StealMS, list[i].ForeignMS = 20, 45
		}
		if list[i].Block == 4 {
			list[i].ForeignMS = 59
		}
	}
	busy := read(t, write(t, run, list, true)).Compare()[0]
	if busy.Rejected != 2 || busy.Outcomes[OK] != 28 || busy.Verdict != "better" {
		t.Errorf("%+v", busy)
	}
	kept := read(t, write(t, sample(), list, true)).Compare()[0]
	if kept.Rejected != 0 {
		t.Errorf("without a rule: %+v", kept)
	}
	for i := range list {
		if list[i].Block == 3 && list[i].Variant == "b" {
			list[i].Outcome, list[i].Why, list[i].Values = Timeout, "did not end", nil
		}
	}
	if failed := read(t, write(t, run, list, true)).Compare()[0]; failed.Outcomes[Timeout] != 1 || failed.Verdict != "worse" {
		t.Errorf("a failure in a busy block: %+v", failed)
	}
	// Side by side, the block took as long as one of them.
	for i := range list {
		list[i].Party = list[i].Block
		list[i].Outcome, list[i].Values = OK, []Value{{1, "p99-ns"}}
		list[i].Slices = map[string][]float64{"p99-ns": {1, 1}}
	}
	if side := read(t, write(t, run, list, true)).Compare()[0]; side.Rejected != 3 {
		t.Errorf("side by side: %d blocks are left out, want 3, 4 and 5", side.Rejected)
	}
}

func TestRanksOf(t *testing.T) {
	if got := ranksOf([]float64{30, 10, 20, 20, 40, 40, 40}); !slices.Equal(got, []float64{4, 1, 2.5, 2.5, 6, 6, 6}) {
		t.Errorf("ranks %v", got)
	}
}
