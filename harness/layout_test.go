package harness

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"tunelab/results"
	"tunelab/scenarios"
)

func TestWithLayout(t *testing.T) {
	for _, c := range []struct {
		flags  []string
		layout uint64
		want   string
	}{
		{nil, 0, ""},
		{[]string{"-race"}, 0, "-race"},
		{nil, 7, "-ldflags=-w -randlayout=7"},
		{[]string{"-race"}, 7, "-race|-ldflags=-w -randlayout=7"},
		{[]string{"-ldflags=-s -w", "-race"}, 7, "-ldflags=-s -w -w -randlayout=7|-race"},
		{[]string{"--ldflags=-s"}, 7, "--ldflags=-s -w -randlayout=7"},
		{[]string{"-ldflags", "-s", "-race"}, 7, "-ldflags|-s -w -randlayout=7|-race"},
		{[]string{"-ldflags=-s", "-ldflags=-w"}, 7, "-ldflags=-s|-ldflags=-w -w -randlayout=7"}, // the go command takes the last
	} {
		before := slices.Clone(c.flags)
		if got := strings.Join(withLayout(c.flags, c.layout), "|"); got != c.want {
			t.Errorf("%q with layout %d: %q, want %q", c.flags, c.layout, got, c.want)
		}
		if !slices.Equal(before, c.flags) {
			t.Errorf("%q became %q", before, c.flags)
		}
	}
}

// Every layout comes once before one comes again, in an order of its own for each case and round.
func TestBlockDraw(t *testing.T) {
	const count = 16
	rounds := map[string]bool{}
	for _, name := range []string{"A", "B"} {
		for round := range 4 {
			var draws []int
			for i := range count {
				draws = append(draws, blockDraw(3, name, round*count+i+1, count))
			}
			sorted := slices.Sorted(slices.Values(draws))
			for i, d := range sorted {
				if d != i+1 {
					t.Fatalf("%s, round %d draws %v", name, round, draws)
				}
			}
			rounds[fmt.Sprint(draws)] = true
		}
	}
	if len(rounds) < 8 {
		t.Errorf("8 rounds go in only %d orders", len(rounds))
	}
	if blockDraw(3, "A", 5, 0) != 0 {
		t.Error("a draw of no layouts")
	}
}

func TestLayoutSeeds(t *testing.T) {
	seen := map[uint64]bool{}
	for _, key := range []string{"base", "variant"} {
		for draw := 1; draw <= 100; draw++ {
			seed := layoutSeed(9, key, draw)
			if seed == 0 || seed >= 1<<31 || seen[seed] {
				t.Fatalf("draw %d of %s: seed %d", draw, key, seed)
			}
			seen[seed] = true
		}
	}
	if layoutSeed(9, "base", 1) != layoutSeed(9, "base", 1) || layoutSeed(8, "base", 1) == layoutSeed(9, "base", 1) {
		t.Error("seeds don't follow from the run's")
	}
}

// The builds of a block are in one layout, unless they are asked to have their own.
func TestLayoutsAreShared(t *testing.T) {
	base, tip := built{set: settings{flags: []string{"-tags=a"}}}, built{set: settings{flags: []string{"-tags=b"}}}
	for _, own := range []bool{false, true} {
		s := &session{seed: 3, options: Options{OwnLayouts: own}}
		if a, b := s.layoutOf(base, 4), s.layoutOf(tip, 4); (a == b) == own || a == s.layoutOf(base, 5) {
			t.Errorf("of their own: %v; draw 4: %d and %d; draw 5: %d", own, a, b, s.layoutOf(base, 5))
		}
	}
}

func TestAffordableLayouts(t *testing.T) {
	for _, c := range []struct {
		link   time.Duration
		builds int
		size   int64
		want   int
	}{
		{500 * time.Millisecond, 1, 4 << 20, UsualLayouts},
		{500 * time.Millisecond, 8, 4 << 20, UsualLayouts},
		{5 * time.Second, 2, 40 << 20, 12},
		{5 * time.Second, 3, 40 << 20, 8},
		{10 * time.Second, 2, 40 << 20, 0},
		{time.Second, 3, 170 << 20, 0},
	} {
		got := affordable(2*time.Minute, c.link, c.builds, c.size)
		if got.Count != c.want || got.Why == "" || c.want == 0 && !strings.Contains(got.Why, "layouts under [bench]") {
			t.Errorf("%v, %d builds of %d bytes: %+v, want %d", c.link, c.builds, c.size, got, c.want)
		}
	}
}

func TestWantedLayouts(t *testing.T) {
	n := 12
	for _, c := range []struct {
		name string
		sc   scenarios.Scenario
		want results.Layouts
	}{
		{"said", scenarios.Scenario{Bench: scenarios.Bench{Layouts: &n}}, results.Layouts{Count: 12, Why: "the scenario says so"}},
		{"a variant's own", scenarios.Scenario{Variants: []scenarios.Variant{{Name: "a"}, {Name: "relinked", Flags: []string{"-ldflags=-randlayout=1"}}}}, results.Layouts{Why: "variant relinked sets its own"}},
		{"counts", scenarios.Scenario{Metrics: scenarios.Metrics{Primary: []string{"allocs/op", "B/op"}}}, results.Layouts{Why: "what is counted does not depend on it"}},
		{"not only counts", scenarios.Scenario{Metrics: scenarios.Metrics{Primary: []string{"allocs/op", "ns/op"}}}, results.Layouts{Count: -1}},
		{"left open", scenarios.Scenario{Variants: []scenarios.Variant{{Name: "a"}}}, results.Layouts{Count: -1}},
	} {
		if got := wanted(&c.sc); got != c.want {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
	}
}

func TestCallgrindTotal(t *testing.T) {
	const file = "# callgrind format\nevents: Ir\nfn=(1) main\n12 34\n\ntotals: 123456789\n"
	if n, err := callgrindTotal([]byte(file)); err != nil || n != 123456789 {
		t.Errorf("%v, %v", n, err)
	}
	if _, err := callgrindTotal([]byte("events: Ir\n")); err == nil {
		t.Error("no total is a total")
	}
}
