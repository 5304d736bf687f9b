package gate

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tunelab/results/nights"
	"tunelab/scenarios"
)

// TestTemplate: what init writes is what gate reads, with every default told.
func TestTemplate(t *testing.T) {
	c, err := ParseConfig("tunelab.toml", Template(`v1"\`, []string{"./...", "./a b"}))
	if err != nil {
		t.Fatal(err)
	}
	if c.Baseline != `v1"\` || strings.Join(c.Packages, "|") != "./...|./a b" {
		t.Errorf("%+v", c)
	}
	least, err := ParseConfig("tunelab.toml", []byte("baseline = \"x\"\n"))
	if err != nil {
		t.Fatal(err)
	}
	if *least.Least != *c.Least || *least.FamilyError != *c.FamilyError || least.Budget != c.Budget || least.History != c.History ||
		*least.Canary.Slowdown != *c.Canary.Slowdown || strings.Join(least.Metrics.Primary, " ") != strings.Join(c.Metrics.Primary, " ") {
		t.Errorf("the template says %+v, and without it there is %+v", c, least)
	}
}

// TestDays: a day may stand in quotes or without.
func TestDays(t *testing.T) {
	for _, day := range []string{"2026-12-31", "'2026-12-31'"} {
		c, err := ParseConfig("t.toml", []byte("baseline='x'\n[[accepted]]\nbenchmark='A'\nmost=0.1\nreason='r'\nuntil="+day+"\n"))
		if err != nil || c.Accepted[0].Until.Format(time.DateOnly) != "2026-12-31" {
			t.Errorf("%s: %+v, %v", day, c, err)
		}
	}
}

func TestBadConfig(t *testing.T) {
	for text, want := range map[string]string{
		"":                                                  "tunelab.toml: no baseline",
		"baseline = 'x'\nbudgets = '1m'":                    `tunelab.toml:2: unknown key "budgets"`,
		"baseline = 'x'\nbudget = '1s'":                     "tunelab.toml:2: a budget of 1s",
		"baseline = 'x'\nbudget = 5":                        "tunelab.toml:2: ",
		"baseline = 'x'\n\nleast = -1.0":                    "tunelab.toml:3: least is -1",
		"baseline = 'x'\nfamily_error = 0.9":                "tunelab.toml:2: a family_error of 0.9",
		"baseline = 'x'\nbench = '('":                       "tunelab.toml:2: bench: ",
		"baseline = 'x'\n[metrics]\nprimary = ['furlongs']": `tunelab.toml:2: nobody knows whether more furlongs is better`,
		"baseline = 'x'\n[canary]\nslowdown = 2.0":          "tunelab.toml:3: a slowdown of 2",
		"baseline = 'x'\n[[accepted]]\nbenchmark = 'A'\nmost = 0.1\nuntil = '2026-12-31'":                             "tunelab.toml:2: an accepted regression needs a reason",
		"baseline = 'x'\n[[accepted]]\nbenchmark = 'A'\nmost = 0.1\nreason = 'r'":                                     "tunelab.toml:2: an accepted regression needs an end date",
		"baseline = 'x'\n[[accepted]]\nbenchmark = 'A'\nmost = 0.1\nreason = 'r'\nuntil = 'soon'":                     `tunelab.toml:6: "soon" is no day`,
		"baseline = 'x'\n[[accepted]]\nbenchmark = 'A'\nreason = 'r'\nuntil = '2026-12-31'":                           "tunelab.toml:2: most is 0",
		"baseline = 'x'\n[[accepted]]\nbenchmark = 'A'\nmost = 0.1\nreason = 'r'\nuntil = '2026-12-31'\nfor = 'ever'": `tunelab.toml:7: unknown key "accepted.for"`,
	} {
		c, err := ParseConfig("tunelab.toml", []byte(text))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %+v, %v; want %q", text, c, err, want)
		}
	}
	if _, err := ReadConfig(filepath.Join(t.TempDir(), "no.toml")); err == nil || !strings.Contains(err.Error(), "tunelab init") {
		t.Errorf("a file that is not there: %v", err)
	}
}

func TestAccepted(t *testing.T) {
	ratio := func(x float64) *float64 { return &x }
	day := func(text string) time.Time { d, _ := time.Parse(time.DateOnly, text); return d }
	a := Accepted{Package: "./codec", // relative to svc, where the file is
		Benchmark: "BenchmarkEncode/size=1k", Metric: "ns/op", Most: 0.1, Reason: "r", Until: Day{day("2026-12-31")}}
	f := nights.Finding{Package: "svc/codec", Benchmark: "Encode/size=1k", Metric: "ns/op", Better: "lower", Ratio: ratio(1.09)}
	for _, row := range []struct {
		name   string
		change func(*nights.Finding, *Accepted)
		prefix string
		on     string
		want   bool
	}{
		{"as it is", nil, "svc", "2026-12-01", true},
		{"on the last day", nil, "svc", "2026-12-31", true},
		{"a day later", nil, "svc", "2027-01-02", false},
		{"another package", nil, "elsewhere", "2026-12-01", false},
		{"more than accepted", func(f *nights.Finding, _ *Accepted) { f.Ratio = ratio(1.11) }, "svc", "2026-12-01", false},
		{"another metric", func(f *nights.Finding, _ *Accepted) { f.Metric = "B/op" }, "svc", "2026-12-01", false},
		{"every metric", func(f *nights.Finding, a *Accepted) { f.Metric, a.Metric = "B/op", "" }, "svc", "2026-12-01", true},
		{"a rate", func(f *nights.Finding, a *Accepted) { f.Better, f.Ratio = "higher", ratio(0.92) }, "svc", "2026-12-01", true},
		{"a rate, too low", func(f *nights.Finding, a *Accepted) { f.Better, f.Ratio = "higher", ratio(0.9) }, "svc", "2026-12-01", false},
		{"something from nothing", func(f *nights.Finding, a *Accepted) { f.Ratio = nil }, "svc", "2026-12-01", false},
	} {
		f, a := f, a
		if row.change != nil {
			row.change(&f, &a)
		}
		if got := a.covers(f, row.prefix, day(row.on)); got != row.want {
			t.Errorf("%s: %v", row.name, got)
		}
	}
}

// TestCanaryFiles: what is written out is a scenario with the slowdown that was asked for.
func TestCanaryFiles(t *testing.T) {
	dir := t.TempDir()
	if err := writeCanary(dir, 0.05); err != nil {
		t.Fatal(err)
	}
	sc, err := scenarios.Read(filepath.Join(dir, "canary.toml"))
	if err != nil {
		t.Fatal(err)
	}
	if sc.Base().Name != "usual" || len(sc.Variants) != 3 {
		t.Errorf("%+v", sc.Variants)
	}
	text, err := os.ReadFile(filepath.Join(dir, "canary_test.go"))
	if err != nil || !strings.Contains(string(text), "slow  = 21000\n") || !strings.Contains(string(text), "usual = 20000\n") {
		t.Errorf("%v\n%s", err, text)
	}
}

// TestTwin: one alarm in many nights is chance, several are not.
func TestTwin(t *testing.T) {
	for _, row := range []struct {
		flagged, all int
		want         bool
	}{{0, 1, false}, {1, 1, false}, {1, 100, false}, {2, 2, true}, {3, 30, true}, {2, 100, false}, {7, 100, true}} {
		if got := twinIsSuspect(row.flagged, row.all); got != row.want {
			t.Errorf("%d of %d nights: %v", row.flagged, row.all, got)
		}
	}
}

// TestOnly: what is said of other units would be an error in a scenario that does not judge them.
func TestOnly(t *testing.T) {
	margin := 0.02
	m := Metrics{Primary: []string{"ns/op", "B/op"}, Margin: &margin, MarginAbs: map[string]float64{"B/op": 8}}
	for unit, want := range map[string]int{"ns/op": 0, "B/op": 1} {
		only := m.Only(unit)
		if len(only.MarginAbs) != want || len(only.Primary) != 1 || *only.Margin != margin {
			t.Errorf("%s: %+v", unit, only)
		}
		if _, err := withMetrics(only).parse("x", "x.toml"); err != nil {
			t.Errorf("%s: %v", unit, err)
		}
	}
}

func TestParseBuild(t *testing.T) {
	flags, env, err := ParseBuild(" -tags=a,b GOAMD64=v3  -gcflags=-N ")
	if err != nil || strings.Join(flags, " ") != "-tags=a,b -gcflags=-N" || len(env) != 1 || env["GOAMD64"] != "v3" {
		t.Errorf("%q %q %v", flags, env, err)
	}
	if flags, _, err := ParseBuild(`"-ldflags=-s -w" -tags='a b'`); err != nil || strings.Join(flags, "|") != "-ldflags=-s -w|-tags=a b" {
		t.Errorf("%q %v", flags, err)
	}
	for _, bad := range []string{"fast", "tags=x", "=x", "GOGC=50", "'open"} {
		if _, _, err := ParseBuild(bad); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}
