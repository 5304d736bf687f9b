package main

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestParseHistory(t *testing.T) {
	all, err := parseHistory("nights.csv", strings.NewReader("benchmark,unit,a,b,c\nX,ns/op,12.5,,3\nX,allocs/op,0,1,1\n"))
	if err != nil {
		t.Fatal(err)
	}
	if len(all) != 2 || all[0].name != "X" || all[1].unit != "allocs/op" || all[0].values[0] != 12.5 || !math.IsNaN(all[0].values[1]) || all[1].values[0] != 0 {
		t.Errorf("%+v", all)
	}
	if got := inUnit(all, "ns/op"); len(got) != 1 || got[0].values[2] != 3 {
		t.Errorf("in ns/op: %+v", got)
	}
}

func TestParseHistoryBad(t *testing.T) {
	for _, row := range []struct{ text, position, why string }{
		{"", "bad.csv:1:", "names of the nights"},
		{"name,unit,a\n", "bad.csv:1:", "benchmark,unit"},
		{"benchmark,unit\nX,ns/op\n", "bad.csv:1:", "a night"},
		{"benchmark,unit,a\n", "bad.csv:2:", "none below"},
		{"benchmark,unit,a,b\nX,ns/op,1,2\nY,ns/op,1\n", "bad.csv:3:", "number of fields"},
		{"benchmark,unit,a,b\nX,ns/op,1,2\nY,ns/op,1,fast\n", "bad.csv:3:", `night 2 of Y: "fast"`},
		{"benchmark,unit,a,b\nX,ns/op,-1,2\n", "bad.csv:2:", `"-1"`},
		{"benchmark,unit,a,b\nX,ns/op,NaN,2\n", "bad.csv:2:", `"NaN"`},
		{"benchmark,unit,a,b\nX,ns/op,1,2\n\"Y,ns/op,1,2\n", "bad.csv:3:", "\""},
	} {
		_, err := parseHistory("bad.csv", strings.NewReader(row.text))
		if err == nil || !strings.HasPrefix(err.Error(), row.position) || !strings.Contains(err.Error(), row.why) {
			t.Errorf("%q: %v; want %s … %s", row.text, err, row.position, row.why)
		}
	}
}

// noise is normal, a hundredth of a logarithm.
func noise(seed uint64, nights int) []float64 {
	random := rand.New(rand.NewPCG(seed, 1))
	out := make([]float64, nights)
	for i := range out {
		out[i] = 0.01 * random.NormFloat64()
	}
	return out
}

func TestMethods(t *testing.T) {
	step, still := noise(1, 200), noise(1, 200)
	for i := 120; i < len(step); i++ {
		step[i] += 0.1
	}
	for _, m := range methods {
		got := m.find(step, truth{0.1, still})
		if m.name == "no change ever" {
			if got != nil {
				t.Errorf("%s: %v", m.name, got)
			}
			continue
		}
		if share(got, 120) == 0 {
			t.Errorf("%s: %v; want a change near 120", m.name, got)
		}
		for name, y := range map[string][]float64{"constant": make([]float64, 200), "one night": {1}, "nothing": nil} {
			if got := m.find(y, truth{noise: y}); len(got) > 0 {
				t.Errorf("%s, %s: %v", m.name, name, got)
			}
		}
	}
}

// TestFarthest holds the sums that are carried along against the definition of the distance.
func TestFarthest(t *testing.T) {
	for seed := range uint64(50) {
		y := noise(seed, 3+int(seed)%15)
		wantAt, want := 0, 0.0
		for k := 1; k < len(y); k++ {
			if q := energy(y[:k], y[k:]); q > want+1e-15 {
				wantAt, want = k, q
			}
		}
		if at, largest := farthest(y); at != wantAt || math.Abs(largest-want) > 1e-12 {
			t.Errorf("%v: %v at %d, and by the definition %v at %d", y, largest, at, want, wantAt)
		}
	}
}

// energy is mn/(m+n) times twice the mean distance between the sides, less the mean distances of pairs within them.
func energy(a, b []float64) float64 {
	between := 0.0
	for _, x := range a {
		for _, y := range b {
			between += math.Abs(x - y)
		}
	}
	within := func(s []float64) float64 {
		sum, pairs := 0.0, 0.0
		for i := range s {
			for j := range i {
				sum += math.Abs(s[i] - s[j])
				pairs++
			}
		}
		return sum / max(pairs, 1)
	}
	m, n := float64(len(a)), float64(len(b))
	return m * n / (m + n) * (2*between/(m*n) - within(a) - within(b))
}

func TestStudent(t *testing.T) {
	// t = 3.4641 with 2 degrees of freedom, whose distribution function is 1/2 + t/(2√(2 + t²)).
	a, b := []float64{0, 1}, []float64{2.949489742783178, 3.949489742783178}
	tvalue := 2.949489742783178 / math.Sqrt(0.5)
	if got, want := student(a, b), 1-tvalue/math.Sqrt(2+tvalue*tvalue); math.Abs(got-want) > 1e-9 {
		t.Errorf("p %v, want %v", got, want)
	}
	if got := student([]float64{1}, []float64{2}); got != 1 {
		t.Errorf("two nights: p %v", got)
	}
	if got := student([]float64{1, 1}, []float64{2, 2}); got != 0 {
		t.Errorf("without noise: p %v", got)
	}
}

func TestSegments(t *testing.T) {
	y := noise(2, 100)
	for i := 40; i < len(y); i++ {
		y[i] += 0.2
	}
	y[70] += 3 // one bad night is no level
	for _, l := range levellers {
		level := l.level(y)
		if len(level) != len(y) {
			t.Fatalf("%s: %d levels of %d nights", l.name, len(level), len(y))
		}
		if different := len(slices.Compact(slices.Clone(level))); l.name == "segments" && different != 2 {
			t.Errorf("%s: %d levels, want 2", l.name, different)
		}
		for i := range y {
			want := 0.0
			if i >= 40 {
				want = 0.2
			}
			if math.Abs(level[i]-want) > 0.02 {
				t.Errorf("%s: level %v on night %d, want about %v", l.name, level[i], i, want)
			}
		}
	}
}

func TestDraws(t *testing.T) {
	y := noise(3, 150)
	for _, d := range draws {
		got := d.from(rand.New(rand.NewPCG(4, 5)), y)
		again := d.from(rand.New(rand.NewPCG(4, 5)), y)
		if len(got) != len(y) || !slices.Equal(got, again) || slices.Equal(got, y) {
			t.Errorf("%s: drawn %v and %v", d.name, got, again)
		}
	}
	sorted := slices.Sorted(slices.Values(shuffled(rand.New(rand.NewPCG(6, 7)), y)))
	if !slices.Equal(sorted, slices.Sorted(slices.Values(y))) {
		t.Error("shuffled: other values than before")
	}
	got := inBlocks(rand.New(rand.NewPCG(6, 7)), y)
	for i := range got {
		at := slices.Index(y, got[i])
		if i%blockNights != 0 && y[at-1] != got[i-1] {
			t.Errorf("in blocks: night %d is not the one after night %d", i, i-1)
		}
	}
}

func TestStepped(t *testing.T) {
	random, up := rand.New(rand.NewPCG(8, 9)), 0
	for range 200 {
		y, at, by := stepped(random, make([]float64, 100), 1.05)
		if at < 10 || at > 90 || y[at-1] != 0 || y[at] != by || y[99] != by || math.Abs(math.Abs(by)-math.Log(1.05)) > 1e-12 {
			t.Fatalf("step of %v at %d: %v", by, at, y)
		}
		if by > 0 {
			up++
		}
	}
	if up < 70 || up > 130 {
		t.Errorf("%d of 200 go up", up)
	}
}

func TestF1(t *testing.T) {
	for _, row := range []struct {
		reported []int
		want     float64
	}{{nil, 2. / 3}, {[]int{53}, 1}, {[]int{54}, 0.5}, {[]int{20, 47}, 0.8}} {
		if got := f1(row.reported, 50); math.Abs(got-row.want) > 1e-12 {
			t.Errorf("%v: %v, want %v", row.reported, got, row.want)
		}
	}
}

func TestLastingSteps(t *testing.T) {
	level := func(value float64, nights int) []float64 { return slices.Repeat([]float64{value}, nights) }
	for name, row := range map[string]struct {
		counts []float64
		want   []lasting
	}{
		"one":                {slices.Concat(level(3, 7), level(4, 7)), []lasting{{6, 7}}},
		"too short":          {slices.Concat(level(3, 7), level(4, 6)), nil},
		"nights between":     {slices.Concat(level(3, 7), level(9, 2), level(4, 8)), []lasting{{6, 9}}},
		"back to where from": {slices.Concat(level(3, 7), level(9, 2), level(3, 8)), nil},
		"nothing":            {nil, nil},
	} {
		if got := lastingSteps(row.counts); !slices.Equal(got, row.want) {
			t.Errorf("%s: %v, want %v", name, got, row.want)
		}
	}
}

func TestCountSteps(t *testing.T) {
	y := slices.Concat(slices.Repeat([]float64{3}, 30), []float64{math.NaN()}, slices.Repeat([]float64{4}, 30))
	got := countSteps([]series{{name: "X", values: y}, {name: "Y", values: slices.Repeat([]float64{0}, 30)}})
	if got.Series != 2 || got.Nights != 90 || got.Lasting != 1 || got.Found != 1 || got.Invented != 0 || len(got.Wrong) != 0 {
		t.Errorf("%+v", got)
	}
}

// history is a file of so many benchmarks, each with a step in allocs/op.
func history(t *testing.T, benchmarks, nights int) string {
	var text strings.Builder
	text.WriteString("benchmark,unit")
	for i := range nights {
		fmt.Fprintf(&text, ",c%d", i)
	}
	for b := range benchmarks {
		fmt.Fprintf(&text, "\nBenchmark%d/of/many,ns/op", b)
		for _, v := range noise(uint64(b), nights) {
			fmt.Fprintf(&text, ",%.3f", 1000*math.Exp(3*v))
		}
		fmt.Fprintf(&text, "\nBenchmark%d/of/many,allocs/op", b)
		for i := range nights {
			fmt.Fprintf(&text, ",%d", b+i/60)
		}
	}
	name := filepath.Join(t.TempDir(), "nights.csv")
	if err := os.WriteFile(name, []byte(text.String()), 0o666); err != nil {
		t.Fatal(err)
	}
	return name
}

// measured is what a file comes to with a seed.
func measured(t *testing.T, name string, seed uint64) report {
	t.Helper()
	r := report{File: name, Level: "segments", Repeats: 2, Seed: seed}
	if err := r.measure(); err != nil {
		t.Fatal(err)
	}
	return r
}

func TestSameSeedSameFigures(t *testing.T) {
	name := history(t, 8, 110)
	first, again, other := measured(t, name, 1), measured(t, name, 1), measured(t, name, 2)
	if fmt.Sprint(first) != fmt.Sprint(again) {
		t.Errorf("the same seed: %+v and %+v", first, again)
	}
	if fmt.Sprint(first.Scores) == fmt.Sprint(other.Scores) {
		t.Errorf("another seed: the same figures %+v", first.Scores)
	}
	if want := 2 * len(draws) * len(methods); len(first.Scores) != want {
		t.Errorf("%d scores, want %d", len(first.Scores), want)
	}
	if first.Counts.Lasting != 8 || first.Counts.Found != 8 || first.Counts.Invented != 0 {
		t.Errorf("counts: %+v", first.Counts)
	}
}

func TestTable(t *testing.T) {
	var out, progress strings.Builder
	if err := run([]string{"-repeats", "1", "-level", "running", history(t, 8, 110)}, &out, &progress); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"residuals shuffled, the half for judging", "tunelab ", "windowed E-divisive", "no change ever", "levels by running", "allocs/op: 8 series, 880 nights"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
}

func TestJSON(t *testing.T) {
	var out, progress strings.Builder
	if err := run([]string{"-json", "-repeats", "1", history(t, 8, 110)}, &out, &progress); err != nil {
		t.Fatal(err)
	}
	var r report
	if err := json.Unmarshal([]byte(out.String()), &r); err != nil {
		t.Fatal(err)
	}
	if r.Repeats != 1 || len(r.Scores) == 0 || len(r.Bars) != 9 || r.Speed.Series != 1000 {
		t.Errorf("%+v", r)
	}
}

func TestWrongUse(t *testing.T) {
	few := history(t, 8, 30)
	for want, args := range map[string][]string{
		"name one file":    nil,
		"no -level deep":   {"-level", "deep", few},
		"no benchmark":     {few},
		"no such file":     {filepath.Join(t.TempDir(), "missing.csv")},
		"at least one rep": {"-repeats", "0", few},
	} {
		var out, progress strings.Builder
		if err := run(args, &out, &progress); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v; want %q", args, err, want)
		}
	}
}
