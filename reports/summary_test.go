package reports

import (
	"bytes"
	"fmt"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"tunelab/results"
	"tunelab/results/verdict"
)

// judged is a summary of made-up comparisons: what the answer is composed from.
func judged(list ...results.Comparison) *Summary {
	s := &Summary{File: everyVerdict(), Comparisons: list}
	return s
}

func compared(benchCase, variant, unit string, v verdict.Verdict, ratio, lo, hi float64) results.Comparison {
	return results.Comparison{Case: benchCase, Metric: unit, Better: "lower", Base: "mutex", Variant: variant, Blocks: 10,
		Ratio: &ratio, Lo: &lo, Hi: &hi, Margin: 0.03, Verdict: v, Changed: v == verdict.Better || v == verdict.Worse}
}

func TestAnswer(t *testing.T) {
	const b, w, same, u = verdict.Better, verdict.Worse, verdict.Same, verdict.Undecided
	mde := 0.051
	undecided := compared("c4", "atomic", "p99-ns", u, 0.99, 0.9, 1.1)
	undecided.MDE = &mde
	hung := compared("c2", "atomic", "p99-ns", w, 0.5, 0.4, 0.6)
	hung.Changed, hung.Outcomes = false, map[results.Outcome]int{results.OK: 18, results.Timeout: 2}
	rate := compared("c1", "atomic", "req/s", b, 1.4, 1.3, 1.5)
	rate.Better = "higher"
	size := compared("c1", "atomic", "peak-RSS-bytes", b, 0.8, 0.7, 0.9)
	var crowd []results.Comparison
	for _, name := range []string{"a", "b", "c", "d", "e", "f"} {
		crowd = append(crowd, compared("c1", name, "p99-ns", b, 0.9, 0.8, 0.95))
	}
	crowd = append(crowd, compared("c1", "g", "p99-ns", w, 1.5, 1.4, 1.6), compared("c1", "h", "p99-ns", same, 1, 0.99, 1.01), undecided)

	for _, c := range []struct {
		name string
		list []results.Comparison
		want string
	}{
		{"one case", []results.Comparison{compared("c1", "atomic", "p99-ns", b, 0.69, 0.62, 0.76)},
			"atomic is faster than mutex in c1 (p99-ns: 31 % lower [24 %, 38 %])."},
		{"two better", []results.Comparison{compared("c1", "atomic", "p99-ns", b, 0.69, 0.62, 0.76), compared("c2", "atomic", "p99-ns", b, 0.9, 0.85, 0.95), compared("c3", "atomic", "p99-ns", same, 1, 0.99, 1.01), undecided},
			"atomic is faster than mutex in 2 of 4 cases (p99-ns: up to 31 % lower [24 %, 38 %] in c1), the same within 3 % in 1, and 1 is undecided."},
		{"all worse", []results.Comparison{compared("c1", "atomic", "p99-ns", w, 1.2, 1.1, 1.3), compared("c2", "atomic", "p99-ns", w, 1.4, 1.3, 1.5)},
			"atomic is slower than mutex in all 2 cases (p99-ns: up to 40 % higher [30 %, 50 %] in c2)."},
		{"all same", []results.Comparison{compared("c1", "atomic", "p99-ns", same, 1, 0.99, 1.01)},
			"atomic is the same as mutex within 3 % in c1 (p99-ns)."},
		{"undecided", []results.Comparison{undecided},
			"atomic is undecided against mutex in c4 (p99-ns; changes of about 5.1 % would have been found)."},
		{"hung", []results.Comparison{hung, compared("c1", "atomic", "p99-ns", b, 0.69, 0.62, 0.76)},
			"atomic is better than mutex in 1 of 2 cases (p99-ns: 31 % lower [24 %, 38 %] in c1) and worse in 1 (atomic had 2 timeout trials in c2)."},
		{"two metrics", []results.Comparison{rate, size},
			"atomic is faster than mutex in c1 (req/s: 40 % higher [30 %, 50 %]). atomic is better than mutex in c1 (peak-RSS-bytes: 20 % lower [10 %, 30 %])."},
		{"crowd", crowd,
			"Against mutex, a, b, c, d, and 2 more are better somewhere and worse nowhere; g is worse somewhere and better nowhere; h is the same within the margin; atomic shows no difference. The largest gain is a: p99-ns 10 % lower [5.0 %, 20 %] in c1; the largest loss is g: p99-ns 50 % higher [40 %, 60 %] in c1."},
	} {
		if got := judged(c.list...).answer(); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.name, got, c.want)
		}
	}
}

func TestAnswerWithoutComparisons(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(f *results.File)
		want   string
	}{
		{"failed check", func(f *results.File) {}, "Nothing was compared: atomic failed its correctness test."},
		{"not measured", func(f *results.File) {
			f.Run.Checks = nil
			f.Run.NotMeasured = []results.Unmeasured{{Case: "a", Why: "does not fit the budget."}, {Case: "b", Why: "x"}}
		}, "Nothing was compared: 2 cases or variants were not measured, the first because: does not fit the budget."},
		{"no variant", func(f *results.File) {
			f.Run.Checks, f.Run.NotMeasured, f.Run.Variants = nil, nil, f.Run.Variants[:1]
		}, "Nothing was compared: the run has no variant besides the base."},
		{"no metric", func(f *results.File) { f.Run.Checks, f.Run.NotMeasured = nil, nil }, "Nothing was compared: no case of the plan reports a primary metric."},
	} {
		f := nothing()
		c.change(f)
		if got := Summarize(f).Answer; got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}

func TestResume(t *testing.T) {
	f := unfinished()
	for _, c := range []struct {
		command []string
		want    string
	}{
		{nil, "tunelab run raftcommit --resume raftcommit-20260102-030405"},
		{[]string{"tunelab", "run", "../my scenario.toml", "--seed", "7", "--results", "/tmp/r"}, "tunelab run '../my scenario.toml' --results /tmp/r --resume raftcommit-20260102-030405"},
		{[]string{"./tl", "run", "--quick", "x", "--results=r"}, "tunelab run raftcommit --results=r --resume raftcommit-20260102-030405"},
	} {
		f.Run.Command = c.command
		if s := Summarize(f); !strings.HasSuffix(s.Answer, "Resume with: "+c.want) || !strings.HasPrefix(s.Answer, "Unfinished: 59 trials are measured so far. ") {
			t.Errorf("the answer is %q, want it to end in %q", s.Answer, c.want)
		}
	}
}

// TestBenchstatReadsTheColumns has benchstat itself read what the printed command names as columns.
func TestBenchstatReadsTheColumns(t *testing.T) {
	program, err := exec.LookPath("benchstat")
	if err != nil {
		t.Skip("benchstat is not installed")
	}
	names := []string{"mutex", "a b", `q"uo'te`, "(x)", "-rf", "@all", "a,b", "nbsp\u00a0x", "c:d", "AND", "*"}
	dir := t.TempDir()
	rate := results.Metric{Unit: "req/s", Better: "higher", Margin: 0.03} // a unit that benchstat shows as it is
	run := fake{variants: names, metrics: []results.Metric{rate}, looks: usualLooks}.run()
	w, err := results.Create(dir, run)
	if err != nil {
		t.Fatal(err)
	}
	for i, name := range slices.Backward(names) {
		trial := results.Trial{Case: "C", Block: 1, Variant: name, Outcome: results.OK, Iterations: 1, Values: []results.Value{{Value: float64(i + 1), Unit: "req/s"}}}
		if err := w.Append(&trial); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	f, err := results.Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	s := Summarize(f)
	out, err := exec.Command(program, append([]string{"-format", "csv"}, s.Benchstat[1:]...)...).Output()
	if err != nil {
		t.Fatal(err)
	}
	got := regexp.MustCompile(`(?m)^C,.*$`).FindString(string(out))
	want := "C,1,∞"
	for i := 1; i < len(names); i++ {
		want += fmt.Sprintf(",%d,∞,~,p=1.000 n=1", i+1)
	}
	if got != want {
		t.Errorf("%q shows\n%s, want\n%s", s.Benchstat, got, want)
	}
}

func TestColor(t *testing.T) {
	s := Summarize(everyVerdict())
	var plainText, colored bytes.Buffer
	if err := Text(&plainText, s, TextOptions{Width: 100}); err != nil {
		t.Fatal(err)
	}
	if err := Text(&colored, s, TextOptions{Width: 100, Color: true}); err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(plainText.Bytes(), []byte("\x1b")) || !bytes.Contains(colored.Bytes(), []byte("\x1b[32mbetter")) {
		t.Error("colours are not where they were asked for")
	}
	if got := regexp.MustCompile("\x1b\\[[0-9]*m").ReplaceAllString(colored.String(), ""); strings.ReplaceAll(got, " ", "") != strings.ReplaceAll(plainText.String(), " ", "") {
		t.Error("without its colours the text is another")
	}
}

func TestNarrowAndWide(t *testing.T) {
	for _, f := range fixtures() {
		s := f.summary
		for _, width := range []int{1, 40, 53, 60, 200, 1000} {
			var out bytes.Buffer
			if err := Text(&out, s, TextOptions{Width: width}); err != nil {
				t.Fatal(err)
			}
			t.Run(fmt.Sprint(f.name, " at ", width), func(t *testing.T) { checkText(t, out.String(), max(width, leastWidth)) })
		}
	}
}

// The command that goes on with a run finds it where it is.
func TestResumeCommand(t *testing.T) {
	for _, c := range []struct {
		path    string
		command []string
		want    string
	}{
		{"results/runs/a-1/bench.txt", []string{"tunelab", "run", "a"}, "tunelab run a --resume a-1"},
		{"/data/keep/a-1/bench.txt", []string{"tunelab", "run", "x/a.toml"}, "tunelab run x/a.toml --resume /data/keep/a-1"},
		{"keep/a-1/bench.txt", []string{"tunelab", "run", "a", "--results", "keep"}, "tunelab run a --results keep --resume a-1"},
		{"results/runs/copied/bench.txt", []string{"tunelab", "run", "a"}, "tunelab run a --resume results/runs/copied"},
	} {
		got := strings.Join(resumeCommand(&results.File{Path: c.path, Run: &results.Run{ID: "a-1", Scenario: "a", Command: c.command}}), " ")
		if got != c.want {
			t.Errorf("%s by %q: %q, want %q", c.path, c.command, got, c.want)
		}
	}
}
