package results

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"golang.org/x/perf/benchfmt"

	"tunelab/results/verdict"
)

// sample is a run of two variants in one case, with hostile texts where a user or a child could put them.
func sample() *Run {
	return &Run{
		ID: "r-1", Scenario: "foo", Question: "Is b faster?\nReally?", Protocol: Protocol, Package: "example.com/x\ngoos: plan9",
		Started: time.Date(2026, 11, 23, 7, 0, 0, 0, time.UTC), Command: []string{"tunelab", "run", "foo"},
		Host: Host{GOOS: "linux", GOARCH: "amd64", CPU: "Test CPU", Cores: 2, MemoryGiB: 8, Kernel: "6.1", Go: "go1.26.8", Machine: "abc"},
		Plan: Plan{Seed: 7, Alpha: 0.05, Looks: verdict.Looks(16), BudgetMS: 1000, Cases: []PlannedCase{{
			Case: "Foo/n=1", N: 100, Procs: 2, Variants: []string{"a", "b"}, Pairs: []Pair{{"a", "b"}},
			Metrics: []string{"p99-ns"}, BlockMS: 10, TimeoutMS: 1000,
		}}},
		Variants: []Variant{{Name: "a", Base: true, Sets: "impl=a", Binary: "00"}, {Name: "b", Sets: "impl=b", Binary: "00"}},
		Metrics:  []Metric{{Unit: "p99-ns", Better: "lower", Margin: 0.03}},
		Claims: []Claim{
			{ID: "half", Says: "b halves p99", Kind: "ratio", Case: "Foo/n=1", Metric: "p99-ns", Variant: "b", Ratio: 0.5},
			{ID: "far", Says: "on 16 cores", Kind: "ratio", Case: "Foo/n=1", Metric: "p99-ns", Variant: "b", Ratio: 0.5, Requires: map[string]int{"cores": 16}},
		},
		NotMeasured: []Unmeasured{{Case: "Foo/n=2", Why: "no budget"}},
	}
}

// trials makes n blocks in which b takes ratio times what a takes, with a little noise.
func trials(n int, ratio float64) []Trial {
	r := rand.New(rand.NewPCG(1, 2))
	var out []Trial
	for block := 1; block <= n; block++ {
		for i, v := range []string{"a", "b"} {
			value := 1000 * math.Exp(0.002*r.NormFloat64())
			if v == "b" {
				value *= ratio
			}
			out = append(out, Trial{
				Trial: len(out) + 1, Case: "Foo/n=1", Block: block, Order: i + 1, Variant: v, Outcome: OK, Binary: "00",
				Procs: 2, Iterations: 100, Values: []Value{{12.5, "ns/op"}, {value, "p99-ns"}},
			})
		}
	}
	return out
}

func write(t *testing.T, run *Run, list []Trial, done bool) string {
	t.Helper()
	dir := t.TempDir()
	w, err := Create(dir, run)
	if err != nil {
		t.Fatal(err)
	}
	for i := range list {
		if err := w.Append(&list[i]); err != nil {
			t.Fatal(err)
		}
	}
	if done {
		if err := w.Finish(Done{Why: "decided", ElapsedMS: 5}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return dir
}

func read(t *testing.T, path string) *File {
	t.Helper()
	f, err := Read(path)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestRoundTrip(t *testing.T) {
	list := trials(12, 0.5)
	list[3].Outcome, list[3].Why, list[3].Output, list[3].Values = Failed, "exit status 2", "panic: x\ngoos: plan9\n", nil
	list[5].Outcome, list[5].Why = Timeout, "did not end"
	f := read(t, write(t, sample(), list, true))
	if len(f.Problems) > 0 || f.Torn || f.Done == nil {
		t.Errorf("problems %v, torn %v, done %v", f.Problems, f.Torn, f.Done)
	}
	if !reflect.DeepEqual(f.Run, sample()) {
		t.Errorf("run:\n%+v\nwant\n%+v", f.Run, sample())
	}
	list[5].Values, list[5].Iterations, list[5].Procs = nil, 0, 0 // its result line is a comment
	list[3].Iterations, list[3].Procs = 0, 0
	if !reflect.DeepEqual(f.Trials, list) {
		t.Errorf("trials:\n%+v\nwant\n%+v", f.Trials, list)
	}
}

// The format promises that golang.org/x/perf reads the file as it is: every trial that ended ok is one result, and
// nothing that a child printed has become configuration.
func TestReadByPerf(t *testing.T) {
	list := trials(6, 0.5)
	list[3].Outcome, list[3].Output = Failed, "panic: x\ngoos: plan9"
	dir := write(t, sample(), list, true)
	file, err := os.Open(filepath.Join(dir, BenchFile))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	reader := benchfmt.NewReader(file, "bench.txt")
	results := map[string]int{}
	for reader.Scan() {
		switch r := reader.Result().(type) {
		case *benchfmt.SyntaxError:
			t.Error(r)
		case *benchfmt.Result:
			results[r.GetConfig("variant")]++
			for key, want := range map[string]string{"goos": "linux", "scenario": "foo", "protocol": strconv.Itoa(Protocol), "machine": "abc"} {
				if got := r.GetConfig(key); got != want {
					t.Errorf("%s is %q, want %q", key, got, want)
				}
			}
			if string(r.Name) != "Foo/n=1-2" {
				t.Errorf("name %q", r.Name)
			}
		}
	}
	if reader.Err() != nil || results["a"] != 6 || results["b"] != 5 {
		t.Errorf("%v, results %v", reader.Err(), results)
	}
	if reader.Units().GetBetter("p99-ns") != -1 {
		t.Error("the unit line is not understood")
	}
}

// A file that was cut anywhere gives every trial that was whole, and goes on from there.
func TestEveryTruncation(t *testing.T) {
	list := trials(3, 0.5)
	dir := write(t, sample(), list, true)
	path := filepath.Join(dir, BenchFile)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	header := bytes.Index(whole, []byte("# trial"))
	for n := 0; n <= len(whole); n++ {
		cut := whole[:n]
		f, err := Parse(path, cut)
		if n < header {
			if err == nil {
				t.Fatalf("cut at %d, in the header: no error", n)
			}
			continue
		}
		ends := bytes.Count(cut, []byte("# end {")) // also when the line itself is torn
		if bytes.LastIndexByte(cut, '\n') < bytes.LastIndex(cut, []byte("# end {")) {
			ends--
		}
		if err != nil || len(f.Trials) != ends {
			t.Fatalf("cut at %d: %d trials, want %d, %v", n, len(f.Trials), ends, err)
		}
		for i := range f.Trials {
			if !reflect.DeepEqual(f.Trials[i], list[i]) {
				t.Fatalf("cut at %d: trial %d is %+v", n, i, f.Trials[i])
			}
		}
		if f.Torn != (f.end != int64(n)) {
			t.Fatalf("cut at %d: torn %v, whole up to %d", n, f.Torn, f.end)
		}
	}
}

func TestReopen(t *testing.T) {
	list := trials(4, 0.5)
	dir := write(t, sample(), list[:5], false)
	path := filepath.Join(dir, BenchFile)
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString("# trial {\"trial\":6,\"ca"); err != nil {
		t.Fatal(err)
	}
	f.Close()
	file := read(t, dir)
	if !file.Torn || len(file.Trials) != 5 {
		t.Fatalf("torn %v, %d trials", file.Torn, len(file.Trials))
	}
	w, err := Reopen(file)
	if err != nil {
		t.Fatal(err)
	}
	for i := 5; i < 8; i++ {
		if err := w.Append(&list[i]); err != nil {
			t.Fatal(err)
		}
	}
	w.Close()
	again := read(t, dir)
	if again.Torn || len(again.Problems) > 0 || !reflect.DeepEqual(again.Trials, list) {
		t.Errorf("torn %v, problems %v, trials %+v", again.Torn, again.Problems, again.Trials)
	}
}

// What an editor or a shell made of a run's file is read as it was, and not gone on with where offsets differ.
func TestOtherEncodings(t *testing.T) {
	list := trials(3, 0.5)
	dir := write(t, sample(), list, false)
	path := filepath.Join(dir, BenchFile)
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	wide := binary.LittleEndian.AppendUint16(nil, 0xfeff)
	for _, u := range utf16.Encode([]rune(string(data))) {
		wide = binary.LittleEndian.AppendUint16(wide, u)
	}
	for name, c := range map[string]struct {
		data     []byte
		torn     bool
		resumes  bool
		problems int
	}{
		"CRLF":           {bytes.ReplaceAll(data, []byte("\n"), []byte("\r\n")), false, true, 0},
		"marked":         {append([]byte("\ufeff"), data...), false, false, 0},
		"UTF-16":         {wide, false, false, 0},
		"zeros":          {append(bytes.Clone(data), make([]byte, 100)...), true, true, 1}, // as a power cut leaves them
		"marked, torn":   {append([]byte("\ufeff"), append(bytes.Clone(data), "# tri"...)...), true, false, 1},
		"as we write it": {data, false, true, 0},
	} {
		f, err := Parse(path, c.data)
		if err != nil || !reflect.DeepEqual(f.Trials, list) || f.Torn != c.torn || len(f.Problems) != c.problems {
			t.Errorf("%s: %v, %+v", name, err, f)
			continue
		}
		if err := os.WriteFile(path, c.data, 0o666); err != nil {
			t.Fatal(err)
		}
		w, err := Reopen(f)
		if (err == nil) != c.resumes || err != nil && !strings.Contains(err.Error(), "encoding") {
			t.Errorf("%s: resuming: %v", name, err)
		}
		if err == nil {
			w.Close()
		}
	}
}

func TestNothingIsOverwritten(t *testing.T) {
	dir := write(t, sample(), nil, false)
	if _, err := Create(dir, sample()); !errors.Is(err, os.ErrExist) {
		t.Errorf("a second Create: %v", err)
	}
}

func TestLongLinesAreRefused(t *testing.T) {
	run := sample()
	run.Question = strings.Repeat("x", 70_000)
	if _, err := Create(t.TempDir(), run); err == nil || !strings.Contains(err.Error(), "60000") {
		t.Errorf("a line that perf's reader could not read: %v", err)
	}
}

func TestBadRecords(t *testing.T) {
	dir := write(t, sample(), trials(3, 0.5), true)
	data, err := os.ReadFile(filepath.Join(dir, BenchFile))
	if err != nil {
		t.Fatal(err)
	}
	text := string(data)
	lineOf := func(s string) int { return 1 + strings.Count(text[:strings.Index(text, s)], "\n") }
	for _, row := range []struct {
		name, old, new, want string
		trials               int // that stay usable
	}{
		{"NaN", "12.5 ns/op", "NaN ns/op", "trial 1 has NaN ns/op", 5},
		{"torn unit", "variant: a\nBenchmarkFoo/n=1-2\t100\t12.5 ns/op", "variant: a\nBenchmarkFoo/n=1-2\t100\t12.5", "parsing measurement", 5},
		{"other variant", "variant: a", "variant: b", `trial 1 is of variant "a", its result of "b"`, 5},
		{"other case", "BenchmarkFoo/n=1-2", "BenchmarkFoo/n=12-2", `its result of "Foo/n=12-2"`, 5},
		{"bad JSON", `# trial {"trial":1,`, `# trial {"trial":one,`, "# trial: ", 5},
		{"end of another", `# end {"trial":1}`, `# end {"trial":9}`, "ends trial 9, which is not open", 5},
		{"block 0", `"block":1,"order":1`, `"block":0,"order":1`, "block 0", 5},
		{"result outside", `# trial {"trial":1,`, "BenchmarkFoo/n=1-2\t1\t1 ns/op\n# trial {\"trial\":1,", "a result outside any trial", 6},
	} {
		t.Run(row.name, func(t *testing.T) {
			if !strings.Contains(text, row.old) {
				t.Fatalf("no %q in\n%s", row.old, text)
			}
			f, err := Parse("bench.txt", []byte(strings.Replace(text, row.old, row.new, 1)))
			if err != nil {
				t.Fatal(err)
			}
			found := slices.ContainsFunc(f.Problems, func(p Problem) bool {
				return strings.Contains(p.Error(), row.want) && strings.HasPrefix(p.Error(), "bench.txt:") && p.Line >= lineOf("# trial")
			})
			usable := 0
			for _, tr := range f.Trials {
				if tr.Outcome == OK && len(tr.Values) > 0 {
					usable++
				}
			}
			if !found || usable != row.trials {
				t.Errorf("%d usable trials, want %d; problems %v, want %q", usable, row.trials, f.Problems, row.want)
			}
		})
	}
	for _, row := range []struct{ name, old, new, want string }{
		{"alpha", `"alpha":0.05`, `"alpha":2`, "alpha is 2"},
		{"looks", `"looks":[8,10,12,16]`, `"looks":[10,9]`, "do not ascend"},
		{"no looks", `"looks":[8,10,12,16]`, `"looks":[]`, "no looks"},
		{"protocol", fmt.Sprintf(`"protocol":%d,"started"`, Protocol), fmt.Sprintf(`"protocol":%d,"started"`, Protocol+1), fmt.Sprint("protocol ", Protocol+1)},
		{"direction", `"better":"lower"`, `"better":"down"`, "not lower or higher"},
		{"margin", `"margin":0.03`, `"margin":-1`, "margins -1"},
		{"no header", "# begin", "# begun", "its plan is not whole"},
		{"not ours", "# run", "# ran", "not written by tunelab"},
	} {
		t.Run(row.name, func(t *testing.T) {
			if _, err := Parse("bench.txt", []byte(strings.Replace(text, row.old, row.new, 1))); err == nil || !strings.Contains(err.Error(), row.want) {
				t.Errorf("%v, want %q", err, row.want)
			}
		})
	}
}

func compareOne(t *testing.T, list []Trial, done bool) Comparison {
	t.Helper()
	cs := read(t, write(t, sample(), list, done)).Compare()
	if len(cs) != 1 {
		t.Fatalf("%d comparisons", len(cs))
	}
	return cs[0]
}

func TestCompare(t *testing.T) {
	for _, row := range []struct {
		ratio  float64
		want   verdict.Verdict
		blocks int
	}{{0.5, verdict.Better, 12}, {2, verdict.Worse, 12}, {1, verdict.Same, 12}} {
		c := compareOne(t, trials(16, row.ratio), true)
		if c.Verdict != row.want || c.Lo == nil || *c.Lo > row.ratio || *c.Hi < row.ratio || !c.Decided || c.Q == nil {
			t.Errorf("ratio %v: %+v", row.ratio, c)
		}
		if c.Blocks > 16 || c.Outcomes[OK] != 32 {
			t.Errorf("ratio %v: %d blocks, outcomes %v", row.ratio, c.Blocks, c.Outcomes)
		}
	}
	if c := compareOne(t, trials(7, 0.5), false); c.Decided || c.Verdict != verdict.Undecided {
		t.Errorf("7 blocks of an unfinished run: %+v", c)
	}
	if c := compareOne(t, trials(8, 0.5), true); !c.Decided || c.Verdict != verdict.Better {
		t.Errorf("8 blocks, then the time was up: %+v", c)
	}
	if c := compareOne(t, nil, true); c.Verdict != verdict.Undecided || c.Ratio != nil {
		t.Errorf("nothing: %+v", c)
	}
}

// What a look decided stays as it was decided, whatever came after it and however the run ended.
func TestDecidedStaysDecided(t *testing.T) {
	for _, ratio := range []float64{0.9, 1.0, 1.004, 1.2} {
		list := trials(16, ratio)
		for n := 10; n <= 16; n++ {
			during := compareOne(t, list[:2*n], false)
			if !during.Decided {
				continue
			}
			after := compareOne(t, list[:2*n], true)
			more := compareOne(t, list, true)
			if !reflect.DeepEqual(during, after) {
				t.Errorf("ratio %v, %d blocks: decided as %+v, ended as %+v", ratio, n, during, after)
			}
			more.Outcomes = during.Outcomes
			if !reflect.DeepEqual(during, more) {
				t.Errorf("ratio %v, %d blocks: decided as %+v, with more blocks %+v", ratio, n, during, more)
			}
		}
	}
}

func TestOutcomesOutweighTimes(t *testing.T) {
	fail := func(variant string, n int, o Outcome) []Trial {
		list := trials(16, 0.5)
		for i := range list {
			if list[i].Variant == variant && n > 0 {
				list[i].Outcome, list[i].Why, list[i].Values = o, "did not end within 1s", nil
				n--
			}
		}
		return list
	}
	c := compareOne(t, fail("b", 1, Timeout), true)
	if c.Verdict != verdict.Worse || c.Outcomes[Timeout] != 1 || !strings.Contains(strings.Join(c.Warnings, ""), "1 timeout") {
		t.Errorf("a fast variant that hung once: %+v", c)
	}
	if c := compareOne(t, fail("a", 2, Failed), true); c.Verdict != verdict.Better {
		t.Errorf("a base that failed: %+v", c)
	}
	both := fail("b", 1, OOM)
	both[0].Outcome, both[0].Values = Failed, nil
	if c := compareOne(t, both, true); c.Verdict != verdict.Undecided {
		t.Errorf("both failed: %+v", c)
	}
	if c := compareOne(t, fail("b", 3, Timeout)[:8], false); !c.Decided {
		t.Errorf("a variant that hung three times is still measured: %+v", c)
	}
}

func TestMissedSchedule(t *testing.T) {
	miss := func(share float64) []Trial {
		list := trials(16, 0.5)
		for i := range list {
			list[i].Values = append(list[i].Values, Value{share, ScheduleMiss})
		}
		return list
	}
	if c := compareOne(t, miss(0.06), true); c.Verdict != verdict.Undecided || !strings.Contains(strings.Join(c.Warnings, ""), "missed its schedule") {
		t.Errorf("schedule missed by 6 %%: %+v", c)
	}
	if c := compareOne(t, miss(0.04), true); c.Verdict != verdict.Better {
		t.Errorf("schedule missed by 4 %%: %+v", c)
	}
}

func TestValuesThatAreNone(t *testing.T) {
	list := trials(16, 0.5)
	list[4].Values[1].Value = -3
	list[9].Values = list[9].Values[:1]
	c := compareOne(t, list, true)
	warnings := strings.Join(c.Warnings, "\n")
	if !strings.Contains(warnings, "trial 5 reports -3 p99-ns") || !strings.Contains(warnings, "1 blocks lack p99-ns") || c.Verdict != verdict.Better {
		t.Errorf("%+v", c)
	}
}

// Swapping the data of base and variant must turn every verdict round.
func TestSwap(t *testing.T) {
	turned := map[verdict.Verdict]verdict.Verdict{verdict.Better: verdict.Worse, verdict.Worse: verdict.Better, verdict.Same: verdict.Same, verdict.Undecided: verdict.Undecided}
	for _, ratio := range []float64{0.5, 0.99, 1, 1.02, 1.5} {
		list := trials(16, ratio)
		swapped := slices.Clone(list)
		for i := 0; i < len(list); i += 2 {
			swapped[i].Values, swapped[i+1].Values = list[i+1].Values, list[i].Values
		}
		a, b := compareOne(t, list, true), compareOne(t, swapped, true)
		if b.Verdict != turned[a.Verdict] || math.Abs(*a.Ratio**b.Ratio-1) > 1e-9 || math.Abs(*a.Lo**b.Hi-1) > 1e-9 {
			t.Errorf("ratio %v: %+v\nswapped: %+v", ratio, a, b)
		}
	}
}

func TestClaims(t *testing.T) {
	judge := func(ratio, claimed float64, better string, n int) []JudgedClaim {
		run := sample()
		run.Metrics[0].Better = better
		for i := range run.Claims {
			run.Claims[i].Ratio = claimed
		}
		f := read(t, write(t, run, trials(n, ratio), true))
		return f.JudgeClaims(f.Compare())
	}
	for _, row := range []struct {
		ratio, claimed float64
		better         string
		n              int
		want           string
	}{
		{0.4, 0.5, "lower", 16, Reproduced},
		{0.507, 0.5, "lower", 16, Reproduced}, // within the margin
		{0.7, 0.5, "lower", 16, DirectionOnly},
		{1.0, 0.5, "lower", 16, NotReproduced},
		{1.3, 0.5, "lower", 16, NotReproduced},
		{0.7, 0.5, "lower", 4, ClaimUndecided},
		{2.5, 2, "higher", 16, Reproduced},
		{1.5, 2, "higher", 16, DirectionOnly},
		{0.8, 2, "higher", 16, NotReproduced},
		{2.5, 2, "lower", 16, Reproduced}, // a claimed loss
		{1.5, 2, "lower", 16, DirectionOnly},
		{0.9, 2, "lower", 16, NotReproduced},
	} {
		got := judge(row.ratio, row.claimed, row.better, row.n)
		if got[0].Verdict != row.want {
			t.Errorf("measured %v, claimed %v, %s is better: %s (%s), want %s", row.ratio, row.claimed, row.better, got[0].Verdict, got[0].Why, row.want)
		}
		if got[1].Verdict != UndecidableHere || !strings.Contains(got[1].Why, "needs 16 cores, has 2; measured here: "+row.want) {
			t.Errorf("a claim for 16 cores: %s (%s)", got[1].Verdict, got[1].Why)
		}
	}
}

func TestClaimsOfFactAndValue(t *testing.T) {
	run := sample()
	run.Claims = []Claim{
		{ID: "e1", Kind: "exists", Test: "TestA"}, {ID: "e2", Kind: "exists", Test: "TestB"},
		{ID: "m1", Kind: "missing", Test: "TestA"}, {ID: "m2", Kind: "missing", Test: "TestB"}, {ID: "none", Kind: "exists", Test: "TestC"},
		{ID: "v1", Kind: "value", Case: "Foo/n=1", Metric: "p99-ns", Variant: "a", Value: 1000, Tolerance: 0.1},
		{ID: "v2", Kind: "value", Case: "Foo/n=1", Metric: "p99-ns", Variant: "a", Value: 2000, Tolerance: 0.1},
		{ID: "v3", Kind: "value", Case: "Foo/n=9", Metric: "p99-ns", Variant: "a", Value: 2000, Tolerance: 0.1},
		{ID: "r", Kind: "ratio", Case: "Foo/n=2", Metric: "p99-ns", Variant: "b", Ratio: 0.5},
	}
	for _, id := range []string{"e1", "m1"} {
		run.Facts = append(run.Facts, Fact{Claim: id, Test: "TestA", Passed: true, Saw: "x"})
	}
	for _, id := range []string{"e2", "m2"} {
		run.Facts = append(run.Facts, Fact{Claim: id, Test: "TestB", Passed: false, Saw: "y"})
	}
	f := read(t, write(t, run, trials(16, 1), true))
	want := map[string]string{"e1": Reproduced, "e2": NotReproduced, "m1": DoesNotExist, "m2": ClaimUndecided, "none": ClaimUndecided,
		"v1": Reproduced, "v2": NotReproduced, "v3": ClaimUndecided, "r": ClaimUndecided}
	for _, c := range f.JudgeClaims(f.Compare()) {
		if c.Verdict != want[c.ID] || c.Why == "" {
			t.Errorf("%s: %s (%s), want %s", c.ID, c.Verdict, c.Why, want[c.ID])
		}
		if c.ID == "r" && !strings.Contains(c.Why, "not measured: no budget") {
			t.Errorf("a claim on a case that was not measured: %s", c.Why)
		}
	}
}

func TestStore(t *testing.T) {
	root := filepath.Join(t.TempDir(), "runs")
	now := time.Date(2026, 11, 23, 7, 0, 0, 0, time.UTC)
	var dirs []string
	for i, scenario := range []string{"b", "a", "a"} {
		dir, err := NewDir(root, scenario, now.Add(time.Duration(i)/2*time.Second))
		if err != nil {
			t.Fatal(err)
		}
		dirs = append(dirs, dir)
		if err := os.WriteFile(filepath.Join(dir, BenchFile), []byte("goos: linux\n"), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	if dirs[1] == dirs[2] {
		t.Errorf("two runs share %s", dirs[1])
	}
	list, err := List(root)
	if err != nil || len(list) != 3 {
		t.Fatal(list, err)
	}
	late, err := NewDir(root, "a", now.Add(time.Hour))
	if err == nil {
		err = os.WriteFile(filepath.Join(late, BenchFile), []byte("goos: linux\n"), 0o666)
	}
	// What runs have left that were killed before they had a plan is none.
	for _, name := range []string{"a-20990101-000000", "a-20990101-000001"} {
		if err := os.Mkdir(filepath.Join(root, name), 0o777); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(root, "a-20990101-000001", BenchFile), nil, 0o666); err != nil {
		t.Fatal(err)
	}
	if got, err2 := Find(root, "last"); err != nil || err2 != nil || got != late {
		t.Errorf("last is %s, want %s: %v %v", got, late, err, err2)
	}
	if got, err := Find(root, filepath.Base(dirs[0])); err != nil || got != dirs[0] {
		t.Errorf("by name: %s, %v", got, err)
	}
	if _, err := Find(root, "nothing"); err == nil {
		t.Error("a run that is not there was found")
	}
	if _, err := NewDir(filepath.Join(dirs[0], BenchFile), "a", now); err == nil {
		t.Error("a results folder that is a file was taken")
	}
	if err := CheckRoot(filepath.Join(dirs[0], BenchFile)); err == nil || !strings.Contains(err.Error(), "--results") {
		t.Errorf("a results folder that is a file: %v", err)
	}
	before, err := os.ReadDir(root)
	if err == nil {
		err = CheckRoot(root)
	}
	if after, err2 := os.ReadDir(root); err != nil || err2 != nil || len(after) != len(before) {
		t.Errorf("looking whether a folder can be made: %v %v, and there are %d things instead of %d", err, err2, len(after), len(before))
	}
}

// FuzzParse: whatever the file holds, reading it ends, and computing verdicts from what was read does too.
func FuzzParse(f *testing.F) {
	dir := f.TempDir()
	w, err := Create(dir, sample())
	if err != nil {
		f.Fatal(err)
	}
	list := trials(3, 0.5)
	list[2].Outcome = Failed
	for i := range list {
		if err := w.Append(&list[i]); err != nil {
			f.Fatal(err)
		}
	}
	w.Finish(Done{})
	w.Close()
	data, err := os.ReadFile(filepath.Join(dir, BenchFile))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	for i := 0; i < len(data); i += 97 {
		garbled := bytes.Clone(data)
		garbled[i] ^= 0x15
		f.Add(garbled)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := Parse("bench.txt", data)
		if err != nil {
			return
		}
		if file.Run.Plan.LastBlock() > 200 {
			return // only slow
		}
		for _, c := range file.Compare() {
			for _, x := range []*float64{c.Ratio, c.Difference, c.Lo, c.Hi, c.P, c.Q, c.MDE, c.BaseMedian, c.VariantMedian} {
				if x != nil && (math.IsNaN(*x) || math.IsInf(*x, 0)) {
					t.Errorf("%+v holds %v", c, *x)
				}
			}
		}
		file.JudgeClaims(file.Compare())
	})
}

func BenchmarkParse(b *testing.B) {
	var buf bytes.Buffer
	header, err := encodeHeader(sample())
	if err != nil {
		b.Fatal(err)
	}
	buf.Write(header)
	list := trials(500, 0.9)
	for i := range list {
		text, err := encodeTrial(&list[i])
		if err != nil {
			b.Fatal(err)
		}
		buf.Write(text)
	}
	b.SetBytes(int64(buf.Len()))
	for b.Loop() {
		if _, err := Parse("bench.txt", buf.Bytes()); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(len(list))*float64(b.N)/b.Elapsed().Seconds(), "trials/s")
}
