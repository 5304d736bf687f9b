package flame

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/pprof/profile"
)

// made makes a CPU profile of stacks, "main;f;g" with main the outermost, and their weights.
func made(stacks map[string]int64) *profile.Profile {
	p := &profile.Profile{SampleType: []*profile.ValueType{{Type: "samples", Unit: "count"}, {Type: "cpu", Unit: "nanoseconds"}}}
	places := map[string]*profile.Location{}
	for text, weight := range stacks {
		s := &profile.Sample{Value: []int64{1, weight}}
		names := strings.Split(text, ";")
		slices.Reverse(names)
		for _, name := range names {
			l := places[name]
			if l == nil {
				f := &profile.Function{ID: uint64(len(places) + 1), Name: name}
				l = &profile.Location{ID: f.ID, Line: []profile.Line{{Function: f}}}
				places[name] = l
				p.Function, p.Location = append(p.Function, f), append(p.Location, l)
			}
			s.Location = append(s.Location, l)
		}
		p.Sample = append(p.Sample, s)
	}
	return p
}

func TestLay(t *testing.T) {
	g, err := New(made(map[string]int64{"main;a": 30, "main;b;c": 50, "main;b": 15, "other": 5}))
	if err != nil {
		t.Fatal(err)
	}
	p := g.Lay(0, 100)
	var got []string
	for _, b := range p.Boxes {
		got = append(got, fmt.Sprintf("%s %d %.2f+%.2f own %.2f", b.Name, b.Depth, b.Left, b.Width, b.Own[0]))
	}
	want := []string{
		"main 0 0.00+0.95 own 0.00", "a 1 0.00+0.30 own 0.30", "b 1 0.30+0.65 own 0.15", "c 2 0.30+0.50 own 0.50", "other 0 0.95+0.05 own 0.05",
	}
	if !slices.Equal(got, want) || p.Depth != 3 || p.Hidden != 0 {
		t.Errorf("got %q, %d rows, %d hidden; want %q", got, p.Depth, p.Hidden, want)
	}
	if p = g.Lay(0.1, 100); len(p.Boxes) != 4 || p.Hidden != 1 {
		t.Errorf("from a tenth on: %d boxes, %d hidden; want 4, 1", len(p.Boxes), p.Hidden)
	}
	if p = g.Lay(0, 2); len(p.Boxes) != 2 || p.Hidden != 3 {
		t.Errorf("at most two: %d boxes, %d hidden; want 2, 3", len(p.Boxes), p.Hidden)
	}
}

// Frames of one width stay or go together, and no more than were asked for stay.
func TestLayOfEqualWidths(t *testing.T) {
	stacks := map[string]int64{}
	for i := range 10 {
		stacks[fmt.Sprint("f", i)] = 1
	}
	g, err := New(made(stacks))
	if err != nil {
		t.Fatal(err)
	}
	if p := g.Lay(0, 5); len(p.Boxes) != 0 || p.Hidden != 10 {
		t.Errorf("%d boxes and %d hidden", len(p.Boxes), p.Hidden)
	}
	if p := g.Lay(0, 10); len(p.Boxes) != 10 {
		t.Errorf("%d boxes", len(p.Boxes))
	}
}

func TestBetween(t *testing.T) {
	g, err := Between(made(map[string]int64{"main;a": 50, "main;b": 50}), made(map[string]int64{"main;a": 300, "main;c": 100}))
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range g.Lay(0, 100).Boxes {
		want := map[string][2]float64{"main": {1, 1}, "a": {0.5, 0.75}, "b": {0.5, 0}, "c": {0, 0.25}}[b.Name]
		if b.Share != want || math.Abs(b.Width-(want[0]+want[1])/2) > 1e-9 {
			t.Errorf("%s has %v and is %v wide, want %v and the mean", b.Name, b.Share, b.Width, want)
		}
	}
	other := made(map[string]int64{"a": 1})
	other.SampleType[1].Unit = "bytes"
	if _, err := Between(made(map[string]int64{"a": 1}), other); err == nil {
		t.Error("nanoseconds were compared with bytes")
	}
}

func TestFunctions(t *testing.T) {
	got, err := Functions(made(map[string]int64{"main;f;g;f": 60, "main;g": 40}))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]Function{"main": {0, 1}, "f": {0.6, 0.6}, "g": {0.4, 1}}
	if len(got) != len(want) {
		t.Errorf("got %v, want %v", got, want)
	}
	for name, w := range want {
		if got[name] != w {
			t.Errorf("%s: got %v, want %v", name, got[name], w)
		}
	}
}

func TestOddProfiles(t *testing.T) {
	if _, err := New(&profile.Profile{}); err == nil {
		t.Error("a profile without values is no error")
	}
	p := made(map[string]int64{"a": 5, "b": -5})
	p.Location[0].Line = nil
	p.Sample = append(p.Sample, &profile.Sample{Value: []int64{1, 7}})
	g, err := New(p)
	if err != nil {
		t.Fatal(err)
	}
	g.Lay(0, 10)
	deep := strings.TrimSuffix(strings.Repeat("f;", 5000), ";")
	if g, err = New(made(map[string]int64{deep: 1})); err != nil || g.Lay(0, 1<<20).Depth != MostDepth {
		t.Errorf("a deep stack: %v, %d rows", err, g.Lay(0, 1<<20).Depth)
	}
}

// repeats are profiles of ten functions whose shares vary by sd of themselves from one to the next; the first has also more.
func repeats(random *rand.Rand, n int, sd, more float64) []*profile.Profile {
	var out []*profile.Profile
	for range n {
		stacks := map[string]int64{}
		for f := range 10 {
			w := 1e6 * (1 + sd*random.NormFloat64())
			if f == 0 {
				w *= 1 + more
			}
			stacks[fmt.Sprint("main;f", f)] = int64(w)
		}
		out = append(out, made(stacks))
	}
	return out
}

func TestChanges(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	list, ok, err := Changes(repeats(random, 5, 0.02, 0), repeats(random, 5, 0.02, 0.5))
	if err != nil || !ok || len(list) == 0 || list[0].Name != "f0" {
		t.Fatalf("%v %v %v; want f0 first", list, ok, err)
	}
	if c := list[0]; c.Difference() < 0.03 || c.Difference() > 0.06 || c.Within <= 0 || c.Own[0] != c.Base {
		t.Errorf("%+v; its share grew from 0.1 to 1.5/10.5", c)
	}
	if _, ok, _ := Changes(repeats(random, 2, 0.02, 0), repeats(random, 5, 0.02, 0.5)); ok {
		t.Error("two repeats were enough")
	}
}

// TestChangesAreRare bounds how often functions are named that did not change.
func TestChangesAreRare(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	named, tried := 0, 0
	for range 500 {
		list, _, err := Changes(repeats(random, 5, 0.05, 0), repeats(random, 5, 0.05, 0))
		if err != nil {
			t.Fatal(err)
		}
		named, tried = named+len(list), tried+10
	}
	if named > tried/200 {
		t.Errorf("%d of %d functions that did not change were named", named, tried)
	}
	t.Logf("%d of %d", named, tried)
}
