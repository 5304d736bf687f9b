package nights

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	"golang.org/x/perf/benchfmt"

	"tunelab/results"
	"tunelab/results/verdict"
)

// files is a source in memory.
type files []File

func (f files) Files(use func(File)) error {
	for _, x := range f {
		use(x)
	}
	return nil
}

func ptr[T any](v T) *T { return &v }

// trialValues are n values with all their digits.
func trialValues(random *rand.Rand, n int) []float64 {
	out := make([]float64, n)
	for i := range out {
		out[i] = 400 * math.Exp(random.NormFloat64())
	}
	return out
}

// sample is a night with every field filled.
func sample(seed uint64) *Night {
	random := rand.New(rand.NewPCG(seed, 1))
	n := &Night{
		Started: time.Date(2026, 11, 1+int(seed), 3, 4, 5, 678, time.UTC), Commit: fmt.Sprintf("%040x", 0xabc000+seed),
		Subject: "queue: <drop> the lock \u2028 & more", Module: "example.org/queue", Baseline: strings.Repeat("8", 40), Named: "v1.2.0",
		Protocol: 2, Exit: 1, Says: []string{"1 benchmark got slower", "two\nlines"},
		Host:   results.Host{GOOS: "linux", GOARCH: "amd64", CPU: "A CPU @ 2 GHz", Cores: 2, MemoryGiB: 7.75, Kernel: "6.18", Go: "go1.26.8", Machine: "9f1c", Noise: []string{"a neighbour"}},
		Canary: &Canary{Slowdown: 0.1, Found: true, Ratio: ptr(1.097)},
	}
	for _, pkg := range []string{"example.org/queue", "example.org/queue/ring"} {
		for _, name := range []string{"Push/size=8", "Push/größe-10", ""} {
			n.Points = append(n.Points,
				Point{Package: pkg, Benchmark: name, Metric: "ns/op", Better: "lower", Margin: 0.03, Blocks: 4, Ratio: ptr(1 + random.Float64()), Lo: ptr(0.99), Hi: ptr(2.5),
					Verdict: verdict.Worse, Run: "push-1", Baseline: trialValues(random, 4), Tip: trialValues(random, 4), Iterations: 1000, Procs: 2},
				Point{Package: pkg, Benchmark: name, Metric: "allocs/op", Better: "lower", Verdict: verdict.Same, Exact: true,
					Baseline: []float64{0, 0, 0, 0}, Tip: []float64{0, 1, 0, math.MaxFloat64}, Iterations: 1000, Procs: 2},
				Point{Package: pkg, Benchmark: name, Metric: "p99-ns", Better: "lower", Verdict: verdict.Undecided,
					Baseline: trialValues(random, 4), Tip: []float64{5e-324, 1e-9, 1}, Iterations: 1000, Procs: 2},
				Point{Package: pkg, Benchmark: name, Metric: "req/s", Better: "higher", Verdict: verdict.Undecided, Iterations: 7})
		}
	}
	return n
}

func encoded(t testing.TB, n *Night) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := Encode(&out, n); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func readAll(t testing.TB, src Source) *History {
	t.Helper()
	h, err := Read(src)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestEncodeSurvives(t *testing.T) {
	for seed := range uint64(20) {
		want := sample(seed)
		h := readAll(t, files{{Name: "a.txt", Data: encoded(t, want)}})
		if len(h.Problems) > 0 || len(h.Nights) != 1 {
			t.Fatalf("%d nights, problems %v", len(h.Nights), h.Problems)
		}
		want.File = "a.txt"
		if got := h.Nights[0]; !reflect.DeepEqual(got, want) {
			t.Fatalf("read back:\n%+v\nwant:\n%+v", got, want)
		}
	}
}

// benchstat reads the file by package benchfmt, so what that makes of it counts.
func TestEncodeForBenchstat(t *testing.T) {
	n := sample(1)
	reader := benchfmt.NewReader(bytes.NewReader(encoded(t, n)), "a.txt")
	got := map[string][]float64{}
	for reader.Scan() {
		switch r := reader.Result().(type) {
		case *benchfmt.SyntaxError:
			t.Error(r)
		case *benchfmt.Result:
			for key, want := range map[string]string{
				"goos": "linux", "goarch": "amd64", "cpu": n.Host.CPU, "go": "go1.26.8", "kernel": "6.18", "machine": "9f1c", "protocol": "2",
				"commit": n.Commit, "baseline": n.Baseline, "date": n.Started.Format(time.RFC3339),
			} {
				if have := r.GetConfig(key); have != want {
					t.Fatalf("%s: %q, want %q", key, have, want)
				}
			}
			for _, v := range r.Values {
				value, unit := original(v)
				key := strings.Join([]string{r.GetConfig("pkg"), string(r.Name), unit, r.GetConfig("side")}, " ")
				got[key] = append(got[key], value)
			}
		}
	}
	if err := reader.Err(); err != nil {
		t.Fatal(err)
	}
	want := map[string][]float64{}
	for _, p := range n.Points {
		for side, values := range [2][]float64{p.Baseline, p.Tip} {
			if len(values) > 0 {
				want[strings.Join([]string{p.Package, fullName(&p), p.Metric, sides[side]}, " ")] = values
			}
		}
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("benchfmt reads\n%v\nwant\n%v", got, want)
	}
	if better := reader.Units().GetBetter("p99-ns"); better != -1 {
		t.Errorf("p99-ns is better %d", better)
	}
}

func TestTrialsSideBySide(t *testing.T) {
	n := sample(1)
	n.Points = n.Points[:3]
	text := string(encoded(t, n))
	if !strings.Contains(text, "side: baseline\nBenchmarkPush/size=8-2\t1000\t") {
		t.Errorf("no side before its results:\n%s", text)
	}
	// 4 and 4 trials with two metrics; those of p99-ns have other numbers and stand alone: 4 and 3.
	if lines := strings.Count(text, "\nBenchmark"); lines != 15 {
		t.Errorf("%d result lines, want 15:\n%s", lines, text)
	}
}

func TestEncodeLongLines(t *testing.T) {
	n := sample(1)
	n.Says = nil
	for range 3000 {
		n.Says = append(n.Says, strings.Repeat("slower ", 10))
	}
	n.Points = nil
	for i := range 3 {
		n.Points = append(n.Points, Point{Benchmark: "Long", Metric: fmt.Sprint(i, strings.Repeat("x", 25_000)), Tip: []float64{1}})
	}
	for i := range n.Points {
		n.Points[i].Metric = strings.ReplaceAll(n.Points[i].Metric, " ", "")
	}
	text := encoded(t, n)
	for line := range bytes.Lines(text) {
		if len(line) > maxLine+100 {
			t.Fatalf("a line of %d bytes", len(line))
		}
	}
	h := readAll(t, files{{Name: "a.txt", Data: text}})
	if len(h.Problems) > 0 || len(h.Nights[0].Says) != 3000 || len(h.Nights[0].Points) != 3 {
		t.Errorf("%v", h.Problems)
	}
	n.Points[0].Metric = strings.Repeat("x", 70_000)
	if err := Encode(&bytes.Buffer{}, n); err == nil || !strings.Contains(err.Error(), "bytes") {
		t.Errorf("a line that no reader takes: %v", err)
	}
}

func TestEncodeRefuses(t *testing.T) {
	for what, spoil := range map[string]func(n *Night){
		"no time":              func(n *Night) { n.Started = time.Time{} },
		"no commit":            func(n *Night) { n.Commit = "" },
		"blank in a name":      func(n *Night) { n.Points[0].Benchmark = "a b" },
		"newline in a name":    func(n *Night) { n.Points[0].Benchmark = "a\nBenchmarkB" },
		"not UTF-8":            func(n *Night) { n.Points[0].Benchmark = "a\xff" },
		"newline in package":   func(n *Night) { n.Points[0].Package = "a\nb" },
		"no metric":            func(n *Night) { n.Points[0].Metric = "" },
		"no-break blank":       func(n *Night) { n.Points[0].Metric = "ns\u00a0op" },
		"not a number":         func(n *Night) { n.Points[0].Tip[0] = math.NaN() },
		"infinite":             func(n *Night) { n.Points[0].Baseline[0] = math.Inf(1) },
		"ratio not a number":   func(n *Night) { n.Points[0].Ratio = ptr(math.NaN()) },
		"two points of a kind": func(n *Night) { n.Points[1].Metric = n.Points[0].Metric },
	} {
		n := sample(1)
		spoil(n)
		var out bytes.Buffer
		if err := Encode(&out, n); err == nil || out.Len() > 0 {
			t.Errorf("%s: error %v, and %d bytes were written", what, err, out.Len())
		}
	}
}
