package gate

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"tunelab/harness/repo"
	"tunelab/results"
	"tunelab/results/nights"
	"tunelab/results/verdict"
)

// reported is a report of one package with these comparisons, and so many failed trials of the tip in each.
func reported(failed int, list ...results.Comparison) *Report {
	file := &results.File{Run: &results.Run{ID: "gate-codec-1", Package: "example.com/m/codec"}}
	for i := range list {
		list[i].Base, list[i].Variant = "baseline", "tip"
		for range failed {
			file.Trials = append(file.Trials, results.Trial{Case: list[i].Case, Variant: "tip", Outcome: results.Failed})
		}
	}
	p := &Package{Package: repo.Package{Dir: "codec"}, State: Measured, Runs: []Run{{File: file, Comparisons: list}}}
	return &Report{Question: &Question{Old: Side{Name: "baseline"}, New: Side{Name: "tip"}}, Packages: []*Package{p}}
}

func compared(v verdict.Verdict, ratio float64, flagged *results.Flagged) results.Comparison {
	return results.Comparison{Case: "Encode", Metric: "ns/op", Better: "lower", Verdict: v, Ratio: &ratio, Flagged: flagged}
}

func kinds(list []nights.Finding) string {
	var out []string
	for _, f := range list {
		out = append(out, string(f.Kind))
	}
	return strings.Join(out, " ")
}

func TestFindings(t *testing.T) {
	config, err := ParseConfig("t.toml", []byte("baseline='x'\n[[accepted]]\npackage='codec'\nbenchmark='Encode'\nmost=0.03\nreason='r'\nuntil='2026-12-31'\n"))
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 12, 1, 3, 0, 0, 0, time.UTC)
	confirmed := &results.Flagged{Verdict: verdict.Worse, Confirmed: true}
	for _, row := range []struct {
		name   string
		failed int
		x      results.Comparison
		want   string
	}{
		{"same", 0, compared(verdict.Same, 1, nil), ""},
		{"undecided", 0, compared(verdict.Undecided, 1.2, nil), ""},
		{"slower", 0, compared(verdict.Worse, 1.05, confirmed), "regression"},
		{"as much slower as was accepted", 0, compared(verdict.Worse, 1.02, confirmed), "accepted"},
		{"hardly slower", 0, compared(verdict.Worse, 1.005, confirmed), "small"},
		{"faster", 0, compared(verdict.Better, 0.9, &results.Flagged{Verdict: verdict.Better, Confirmed: true}), "improvement"},
		{"not confirmed", 0, compared(verdict.Undecided, 1.05, &results.Flagged{Verdict: verdict.Worse}), "flagged"},
		{"fails always", 3, compared(verdict.Worse, 1, nil), "fails"},
		{"failed once", 1, compared(verdict.Worse, 1, nil), "flagged"},
	} {
		if got := kinds(reported(row.failed, row.x).findings(config, now)); got != row.want {
			t.Errorf("%s: %q, want %q", row.name, got, row.want)
		}
	}
}

// TestOtherTests: where the sides differ in test files, what is measured may be another thing, and every finding says so.
func TestOtherTests(t *testing.T) {
	r := reported(0, compared(verdict.Worse, 1.05, &results.Flagged{Verdict: verdict.Worse, Confirmed: true}))
	r.Packages[0].Tests = testsIn("codec", map[string]bool{"codec/b_test.go": true, "codec/a_test.go": true, "codec/c.go": true, "codec/x/d_test.go": true})
	if got := r.findings(nil, time.Now())[0].Why; got != "the benchmark may be another: the sides differ in a_test.go, b_test.go" {
		t.Error(got)
	}
}

// TestFailsOnce: a benchmark that fails is told once, whatever the number of its metrics.
func TestFailsOnce(t *testing.T) {
	other := compared(verdict.Worse, 1, nil)
	other.Metric = "allocs/op"
	if got := kinds(reported(3, compared(verdict.Worse, 1, nil), other).findings(nil, time.Now())); got != "fails" {
		t.Error(got)
	}
}

func TestExit(t *testing.T) {
	config, err := ParseConfig("t.toml", []byte("baseline='x'\n"))
	if err != nil {
		t.Fatal(err)
	}
	worse := compared(verdict.Worse, 1.05, &results.Flagged{Verdict: verdict.Worse, Confirmed: true})
	same := compared(verdict.Same, 1, nil)
	short, long := compared(verdict.Undecided, 1.1, nil), compared(verdict.Undecided, 1.1, nil)
	short.Blocks, long.Blocks = 2, 40
	broken := &Package{Package: repo.Package{Dir: "x"}, State: Failed, Why: "no"}
	alike := &Package{Package: repo.Package{Dir: "x"}, State: Alike}
	suspicious := []*nights.Night{{Canary: &nights.Canary{TwinFlag: true}}, {Canary: &nights.Canary{TwinFlag: true}}}
	for _, row := range []struct {
		name   string
		list   []results.Comparison
		more   *Package
		canary bool
		before []*nights.Night
		want   int
		says   string
	}{
		{"a regression", []results.Comparison{worse}, nil, true, nil, Red, "1 confirmed regression"},
		{"nothing", []results.Comparison{same}, nil, true, nil, Pass, "no regression"},
		{"a dead canary", []results.Comparison{same}, nil, false, nil, NothingSay, "too noisy"},
		{"a regression and a dead canary", []results.Comparison{worse}, nil, false, nil, NothingSay, "too noisy"},
		{"a regression that is told all the same", []results.Comparison{worse}, nil, false, nil, NothingSay, "1 regression was confirmed"},
		{"two blocks", []results.Comparison{short}, nil, true, nil, NothingSay, "a larger budget"},
		{"two blocks, and what can't differ", []results.Comparison{short}, alike, true, nil, NothingSay, "a larger budget"},
		{"many blocks", []results.Comparison{long}, nil, true, nil, Pass, "no regression"},
		{"a build that failed", []results.Comparison{same}, broken, true, nil, NothingSay, "1 package could not"},
		{"a regression beside a build that failed", []results.Comparison{worse}, broken, true, nil, Red, "1 confirmed"},
		{"nothing measured", nil, nil, true, nil, NothingSay, "nothing was measured"},
		{"nothing measured, nothing can differ", nil, alike, true, nil, Pass, "no regression"},
		{"a twin that was flagged too often", []results.Comparison{worse}, nil, true, suspicious, NothingSay, "can't be trusted"},
	} {
		report := reported(0, row.list...)
		if row.more != nil {
			report.Packages = append(report.Packages, row.more)
		}
		r := &Result{Report: report, Night: &nights.Night{
			Canary: &nights.Canary{Slowdown: 0.05, Found: row.canary}, Findings: report.findings(config, time.Now()), Counts: report.counts(),
		}}
		r.judge(config, Options{Before: row.before, Now: time.Now()})
		if says := strings.Join(r.Night.Says, "; "); r.Night.Exit != row.want || !strings.Contains(says, row.says) {
			t.Errorf("%s: exit %d, %s; want %d, %s", row.name, r.Night.Exit, says, row.want, row.says)
		}
	}
}

// TestScenario: hostile names make a scenario that says the same.
func TestScenario(t *testing.T) {
	margin := 0.02
	q := &Question{
		Repo: &repo.Repo{Top: `/a "b"\c`}, Kind: "gate", Bench: `X/\d+"`,
		Old:     Side{Name: "baseline", Rev: "v1", Commit: repo.Commit{Hash: strings.Repeat("ab", 20)}},
		New:     Side{Name: "tip", Flags: []string{`-ldflags=-X "a\tb"`}, BuildEnv: map[string]string{"GOAMD64": "v3"}},
		Metrics: Metrics{Primary: []string{"ns/op", "req/s"}, Better: map[string]string{"req/s": "higher"}, Margin: &margin, MarginAbs: map[string]float64{"req/s": 5}},
	}
	sc, err := q.scenario(repo.Package{Dir: "in/codec"}, "")
	if err != nil {
		t.Fatal(err)
	}
	got := fmt.Sprintf("%s|%s|%s|%v|%v|%s|%q|%s|%q|%v", sc.Name, sc.Bench.Dir, sc.Bench.Run, sc.MarginOf("ns/op"), sc.Metrics.MarginAbs["req/s"], sc.Metrics.Better["req/s"],
		sc.Variants[0].Flags, sc.Variants[0].Rev, sc.Variants[1].Flags, sc.Variants[1].BuildEnv)
	want := `gate-in-codec|/a "b"\c/in/codec|X/\d+"|0.02|5|higher|[]|` + strings.Repeat("ab", 20) + `|["-ldflags=-X \"a\\tb\""]|map[GOAMD64:v3]`
	if got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
}

// A night says nothing of what it lost: with more unmeasured than is allowed it does not pass. What skips itself, is new or has
// gone is named and not counted; a regression is told whatever was lost.
func TestUnmeasured(t *testing.T) {
	worse := compared(verdict.Worse, 1.05, &results.Flagged{Verdict: verdict.Worse, Confirmed: true})
	same := compared(verdict.Same, 1, nil)
	lost := func(code results.ReasonCode, in string, cases ...string) []results.Unmeasured {
		var out []results.Unmeasured
		for _, c := range cases {
			out = append(out, results.Unmeasured{Case: c, Code: code, In: in, Why: "why"})
		}
		return out
	}
	unreached := &Package{Package: repo.Package{Dir: "x", Benchmarks: []string{"BenchmarkA", "BenchmarkB"}}, State: NotMeasured, Why: "the budget"}
	skips := &Package{Package: repo.Package{Dir: "x", Benchmarks: []string{"BenchmarkA", "BenchmarkB"}}, State: Skips, Why: "tags"}
	for _, row := range []struct {
		name    string
		allowed int
		list    []results.Comparison
		lost    []results.Unmeasured
		more    *Package
		want    int
		says    string
	}{
		{"one that breaks", 0, []results.Comparison{same}, lost(results.Breaks, "baseline", "Decode"), nil, NothingSay, "1 benchmark was not measured"},
		{"it may", 1, []results.Comparison{same}, lost(results.Breaks, "tip", "Decode"), nil, Pass, "1 benchmark was not measured"},
		{"two may not", 1, []results.Comparison{same}, lost(results.NoRoom, "", "Decode", "Read"), nil, NothingSay, "at most 1 may be"},
		{"a package that was not reached", 1, []results.Comparison{same}, nil, unreached, NothingSay, "2 benchmarks were not measured"},
		{"a package that was not found", 0, []results.Comparison{same}, lost(results.Unknown, "tip", "Decode"), nil, NothingSay, "none may be"},
		{"what skips itself", 0, []results.Comparison{same}, lost(results.Skipped, "tip", "Decode"), nil, Pass, "no regression"},
		{"what build tags keep out", 0, []results.Comparison{same}, nil, skips, Pass, "no regression"},
		{"what is new, and what has gone", 0, []results.Comparison{same}, append(lost(results.OnlyIn, "tip", "New"), lost(results.OnlyIn, "baseline", "Old")...), nil, Pass, "no regression"},
		{"a regression beside", 0, []results.Comparison{worse}, lost(results.NoRoom, "", "Decode"), nil, Red, "1 benchmark was not measured"},
	} {
		config, err := ParseConfig("t.toml", []byte(fmt.Sprintf("baseline='x'\nunmeasured=%d\n", row.allowed)))
		if err != nil {
			t.Fatal(err)
		}
		report := reported(0, row.list...)
		report.Packages[0].Runs[0].File.Run.NotMeasured = row.lost
		if row.more != nil {
			report.Packages = append(report.Packages, row.more)
		}
		r := &Result{Report: report, Night: &nights.Night{
			Canary: &nights.Canary{Slowdown: 0.05, Found: true}, Findings: report.findings(config, time.Now()), Counts: report.counts(),
		}}
		r.judge(config, Options{Now: time.Now()})
		if says := strings.Join(r.Night.Says, "; "); r.Night.Exit != row.want || !strings.Contains(says, row.says) {
			t.Errorf("%s: exit %d, %s; want %d, %s", row.name, r.Night.Exit, says, row.want, row.says)
		}
	}
	if _, err := ParseConfig("t.toml", []byte("baseline='x'\nunmeasured=-1\n")); err == nil || !strings.Contains(err.Error(), "t.toml:2: unmeasured") {
		t.Error(err)
	}
}
