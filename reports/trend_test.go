package reports

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"tunelab/reports/trend"
	"tunelab/results/changepoint"
	"tunelab/results/nights"
	"tunelab/results/verdict"
)

// trends are the histories that every form must cope with.
func trends() map[string]*Trend {
	out := map[string]*Trend{
		"every": everyTrend(), "nothing": {}, "nights alone": {Nights: []*nights.Night{{}}},
		"odd": {Lines: []*nights.Line{
			{}, {Key: nights.Key{Benchmark: "X"}, Points: []nights.LinePoint{{Y: math.NaN(), Lo: math.NaN(), Hi: math.Inf(1), Value: math.NaN()}}},
			{Key: nights.Key{Benchmark: "Y", Baseline: "b"}, Noise: math.Inf(1), Points: []nights.LinePoint{{Y: 700}, {Y: -700}, {Y: math.Inf(-1)}, {Y: 1e300}}, Steps: []changepoint.Step{{At: 1, Before: 700, After: -700, Error: math.NaN()}, {At: 99}, {At: -1}}},
		}},
	}
	for i, text := range hostileNames {
		out[fmt.Sprintf("hostile %d", i)] = hostileTrend(text)
	}
	return out
}

func TestTrendPages(t *testing.T) {
	for name, h := range trends() {
		h.Link = TrendFile
		h.Index = "index.html"
		index := trendIndexOf(t, h)
		checkTrendPage(t, name, index)
		pagesOf := [][]byte{index}
		for _, l := range h.Lines {
			pagesOf = append(pagesOf, trendPageOf(t, h, l))
			checkTrendPage(t, name+", "+l.Benchmark, pagesOf[len(pagesOf)-1])
		}
		if *pages != "" {
			for i, page := range pagesOf {
				file := "index.html"
				if i > 0 {
					file = TrendFile(h.Lines[i-1])
				}
				if err := os.MkdirAll(filepath.Join(*pages, "trend "+name), 0o777); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(filepath.Join(*pages, "trend "+name, file), page, 0o666); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
}

func trendIndexOf(t testing.TB, h *Trend) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := TrendIndex(&out, h); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func trendPageOf(t testing.TB, h *Trend, l *nights.Line) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := TrendPage(&out, h, l); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// checkTrendPage is checkPage after the script and the links of its own that a trend's page has.
func checkTrendPage(t *testing.T, name string, page []byte) {
	t.Helper()
	if n := bytes.Count(page, []byte("<script>"+trendScript+"</script>")); n > 1 {
		t.Errorf("%s has its script %d times", name, n)
	}
	page = bytes.Replace(page, []byte("<script>"+trendScript+"</script>"), nil, 1)
	page = regexp.MustCompile(`<a [^>]*href="[^"]*"`).ReplaceAllFunc(page, func(a []byte) []byte {
		_, link, _ := bytes.Cut(bytes.TrimSuffix(a, []byte(`"`)), []byte(`href="`))
		if s := string(link); !strings.HasPrefix(s, "#") && (!strings.HasSuffix(s, ".html") || strings.ContainsAny(s, ":/\\&")) {
			t.Errorf("%s refers to %q", name, s)
		}
		return []byte(`<a href="#"`)
	})
	before := t.Failed()
	checkPage(t, page)
	if t.Failed() && !before {
		t.Logf("first of %s", name)
	}
	if bad := bytes.Contains(page, []byte("Inf")) || bytes.Contains(page, []byte("e+")); bad && !strings.HasPrefix(name, "odd") {
		t.Errorf("%s holds a number that nobody can read", name)
	}
}

// TestTrendOrder checks that what matters stands first, and that nothing is called a regression that nobody confirmed.
func TestTrendOrder(t *testing.T) {
	v := everyTrend().view()
	var got []string
	for _, s := range v.series {
		got = append(got, s.label+" "+s.metric+": "+string(s.state))
	}
	want := []string{
		"internal/varint.Decode/size=1KiB ns/op: worse, confirmed",
		"codec.Pool allocs/op: candidate, worse", "other.org/tool.Raw ns/op: candidate, worse", "codec.Parse widgets: candidate, changed", "codec.Parse ns/op: candidate, better", "internal/varint.Encode/size=1KiB ns/op: candidate, worse",
		"internal/varint.Encode/size=1MiB B/s: better, confirmed", "codec.Back ns/op: better, confirmed",
		"codec.Format ns/op: refuted", "codec.New ns/op: too few nights", "codec.Sort ns/op: no change",
	}
	// Candidates, and the rest, stand by the size of what was found, which noise decides between near ones.
	if slices.Sort(got[1:6]); len(got) != len(want) || got[0] != want[0] {
		t.Fatalf("%q", got)
	}
	slices.Sort(want[1:6])
	slices.Sort(got[6:8])
	slices.Sort(want[6:8])
	if !slices.Equal(got, want) {
		t.Errorf("the order is\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	for i := 1; i < len(v.events); i++ {
		if v.events[i-1].started.Before(v.events[i].started) {
			t.Error("the newest event does not stand first")
		}
	}
	answer := v.answer()
	for _, want := range []string{"In 60 nights, 2026-01-02 to 2026-03-02", "1 benchmark got slower: internal/varint.Decode/size=1KiB (ns/op) ", " since 2026-02-11", "candidates are not confirmed", "1 candidate was refuted", "nothing else changed", "1 series has too few nights"} {
		if !strings.Contains(answer, want) {
			t.Errorf("the answer lacks %q: %s", want, answer)
		}
	}
}

func TestTrendStates(t *testing.T) {
	lower, unknown := &nights.Line{Better: "lower"}, &nights.Line{}
	said := func(v verdict.Verdict) *nights.Confirmation { return &nights.Confirmation{Verdict: v} }
	for _, c := range []struct {
		line  *nights.Line
		worse bool
		made  *nights.Confirmation
		want  trendState
	}{
		{lower, true, nil, candidateWorse}, {lower, false, nil, candidateBetter}, {unknown, false, nil, candidateChanged},
		{lower, true, said("worse"), confirmedWorse}, {lower, false, said("better"), confirmedBetter}, {unknown, false, said("worse"), confirmedChanged},
		{lower, true, said("same"), refuted}, {lower, true, said("better"), refuted}, {lower, false, said("worse"), refuted}, {unknown, true, said("same"), refuted},
		{lower, true, said("undecided"), candidateWorse}, {lower, true, said(""), candidateWorse}, {lower, true, said("<b>"), candidateWorse}, {unknown, true, said("undecided"), candidateChanged},
	} {
		if got := stateOf(c.line, c.worse, c.made); got != c.want {
			t.Errorf("better %q, worse %v, %+v: %q, want %q", c.line.Better, c.worse, c.made, got, c.want)
		}
	}
}

// TestTrendCanary checks that a gate that did not prove itself is never passed over.
func TestTrendCanary(t *testing.T) {
	h := everyTrend()
	n := h.Nights[len(h.Nights)-1]
	for _, c := range []struct {
		canary *nights.Canary
		want   string
		warn   bool
	}{
		{nil, "is not known", false}, {&nights.Canary{Slowdown: 0.1, Found: true}, "The gate was alive", false},
		{&nights.Canary{Slowdown: 0.1}, "did not find its own slowdown", true}, {&nights.Canary{Slowdown: 0.1, Found: true, TwinFlag: true}, "two equal benchmarks different", true},
	} {
		n.Canary = c.canary
		page := string(trendIndexOf(t, h))
		if !strings.Contains(page, c.want) {
			t.Errorf("%+v: the page lacks %q", c.canary, c.want)
		}
		if strings.Contains(page, `class="warn"`) != c.warn {
			t.Errorf("%+v: the page warns: %v", c.canary, !c.warn)
		}
		if answer := h.view().answer(); strings.Contains(answer, "Beware") != c.warn {
			t.Errorf("%+v: the answer is %s", c.canary, answer)
		}
	}
}

func TestTrendText(t *testing.T) {
	for _, width := range []int{80, 120} {
		for name, h := range trends() {
			var out bytes.Buffer
			if err := TrendText(&out, h, TextOptions{Width: width}); err != nil {
				t.Fatal(err)
			}
			checkText(t, out.String(), width)
			if name == "every" {
				t.Run(fmt.Sprintf("every at %d", width), func(t *testing.T) { checkGolden(t, ".txt", out.Bytes()) })
			}
		}
	}
}

func TestTrendMarkdown(t *testing.T) {
	all := trends()
	all["large"] = largeTrend(1000, 30)
	for name, h := range all {
		var out bytes.Buffer
		if err := TrendMarkdown(&out, h); err != nil {
			t.Fatal(err)
		}
		text := out.String()
		if n := utf8.RuneCountInString(text); n > markdownLimit {
			t.Errorf("%s takes %d characters", name, n)
		}
		if regexp.MustCompile(`(^|[^\\])<(script|img|svg)`).MatchString(text) || strings.Contains(text, "NaN") {
			t.Errorf("%s:\n%s", name, text)
		}
		if name == "large" != strings.Contains(text, "left out: a summary") {
			t.Errorf("%s: what was left out is told: %v", name, name != "large")
		}
		if name == "every" {
			t.Run("every", func(t *testing.T) { checkGolden(t, ".md", out.Bytes()) })
		}
	}
}

// TestTrendJSON holds the keys that programs read, and that a name comes out as it went in.
func TestTrendJSON(t *testing.T) {
	for name, h := range trends() {
		var out bytes.Buffer
		if err := TrendJSON(&out, h); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		var object map[string]any
		if err := json.Unmarshal(out.Bytes(), &object); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for _, key := range []string{"events", "series", "problems"} {
			if _, ok := object[key].([]any); !ok {
				t.Errorf("%s: %s is %v", name, key, object[key])
			}
		}
		if name == "every" {
			checkTrendKeys(t, object, "title nights first last answer last_night events series problems")
			checkTrendKeys(t, object["events"].([]any)[0], "night before after subject changes")
			series := object["series"].([]any)[0]
			checkTrendKeys(t, series, "package benchmark metric better place go protocol baseline exact plain state noise changes points")
			checkTrendKeys(t, series.(map[string]any)["points"].([]any)[0], "night commit ratio level lo hi value verdict run file")
			change := series.(map[string]any)["changes"].([]any)[0]
			checkTrendKeys(t, change, "series package benchmark metric state at night before after ratio difference lo hi confirmation")
			checkTrendKeys(t, object["last_night"], "night commit subject module baseline named protocol host exit says canary counts alive")
		}
		if name == "hostile 0" && object["series"].([]any)[0].(map[string]any)["benchmark"] != hostileNames[0] {
			t.Error("a name did not come out as it went in")
		}
	}
}

func checkTrendKeys(t *testing.T, object any, keys string) {
	t.Helper()
	var got []string
	for key := range object.(map[string]any) {
		got = append(got, key)
	}
	want := strings.Fields(keys)
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("the keys are %q, want %q", got, want)
	}
}

// TestTrendJSONValues checks what is a ratio and what a difference.
func TestTrendJSONValues(t *testing.T) {
	var out bytes.Buffer
	h := everyTrend()
	if err := TrendJSON(&out, h); err != nil {
		t.Fatal(err)
	}
	var got struct {
		Events []struct{ Changes []jsonChange }
		Series []jsonSeries
	}
	if err := json.Unmarshal(out.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	seen := 0
	for i, s := range got.Series {
		for _, c := range s.Changes {
			var line *nights.Line
			for _, l := range h.Lines {
				if l.Benchmark == s.Benchmark && l.Metric == s.Metric {
					line = l
				}
			}
			step := line.Steps[slices.IndexFunc(line.Steps, func(x changepoint.Step) bool { return x.At == c.At })]
			switch {
			case c.Series != i:
				t.Errorf("series %d has a change of series %d", i, c.Series)
			case s.Plain && (c.Ratio != nil || c.Difference == nil || *c.Difference != step.Size()), !s.Plain && (c.Difference != nil || c.Ratio == nil || *c.Ratio != math.Exp(step.Size())):
				t.Errorf("%s %s: %+v of a step of %v", s.Benchmark, s.Metric, c, step.Size())
			}
			seen++
		}
		for _, p := range s.Points {
			if ratio := s.Baseline != "" && !s.Plain; (p.Ratio != nil) != ratio || (p.Level != nil) == ratio {
				t.Errorf("%s %s: a point of %+v", s.Benchmark, s.Metric, p)
			}
		}
	}
	for _, e := range got.Events {
		for _, c := range e.Changes {
			if s := got.Series[c.Series]; s.Benchmark != c.Benchmark || s.Metric != c.Metric {
				t.Errorf("a change of %s %s is said to be of %s %s", c.Benchmark, c.Metric, s.Benchmark, s.Metric)
			}
			seen--
		}
	}
	if seen != 0 {
		t.Errorf("the series have %d changes more than the events", seen)
	}
}

// TestTrendOfNights goes the whole way, from nights to a page.
func TestTrendOfNights(t *testing.T) {
	h := everyTrend()
	h.Lines = nights.Series(h.Nights)
	h.Events = nights.Events(h.Lines, nil)
	v := h.view()
	if answer := v.answer(); !strings.Contains(answer, "not confirmed") || strings.Contains(answer, "got ") {
		t.Errorf("the answer is %s", answer)
	}
	found := 0
	for _, e := range v.events {
		for _, c := range e.changes {
			if !c.state.candidate() {
				t.Errorf("%s is %s, and nobody measured anew", c.series.label, c.state)
			}
			if c.series.label == "internal/varint.Decode/size=1KiB" && strings.HasPrefix(c.says(), "8.") {
				found++
			}
		}
	}
	if found != 1 {
		t.Errorf("the step of 8 %% was found %d times: %s", found, v.answer())
	}
	checkTrendPage(t, "of nights", trendIndexOf(t, h))
}

// TestTrendCharts checks the data behind the pictures.
func TestTrendCharts(t *testing.T) {
	h := everyTrend()
	var out bytes.Buffer
	v := h.frame()
	for _, l := range h.Lines {
		known := map[int]nights.Change{}
		for _, e := range h.Events {
			for _, c := range e.Changes {
				if c.Line == l {
					known[c.Step.At] = c
				}
			}
		}
		s := v.newSeries(l, known)
		d := s.chart(s.levels(), v.margin(l))
		marks := map[trend.Mark]int{}
		for _, p := range d.Points {
			marks[p.Mark]++
		}
		fmt.Fprintf(&out, "%s %s\n  %s\n  margin %.4f; %d points, %d better, %d worse\n", s.label, s.metric, d.Label, d.Margin, len(d.Points), marks[trend.Better], marks[trend.Worse])
		for _, l := range d.Levels {
			fmt.Fprintf(&out, "  level %d to %d: %.4f %s\n", l.From, l.To, l.Y, l.Text)
		}
		for _, c := range d.Steps {
			fmt.Fprintf(&out, "  change at %d: %s, confirmed %v\n", c.At, c.Text, c.Confirmed)
		}
	}
	checkGolden(t, ".txt", out.Bytes())
}

// TestTrendLevels checks that the levels of a long series begin where its last year does, which is all that was searched.
func TestTrendLevels(t *testing.T) {
	h := fakeTrend(500, fakeSeries{name: "X", metric: "ns/op", better: "lower", noise: 0.01})
	s := h.view().series[0]
	if got := s.levels(); len(got) != 1 || got[0].From != 500-changepoint.Usual.Span || got[0].To != 500 {
		t.Errorf("%+v", got)
	}
}

// maxTrendIndex is how large the page of 1,000 series of 1,000 nights may become.
const maxTrendIndex = 10_000_000

func TestTrendIndexSize(t *testing.T) {
	page := trendIndexOf(t, largeTrend(1000, 1000))
	t.Logf("%d bytes", len(page))
	if len(page) > maxTrendIndex {
		t.Errorf("the page takes %d bytes", len(page))
	}
	if n := bytes.Count(page, []byte("<svg")); n != 1000 {
		t.Errorf("%d sparklines", n)
	}
}

func TestTrendFiles(t *testing.T) {
	seen := map[string]bool{}
	for _, k := range []nights.Key{{Benchmark: "A"}, {Benchmark: "A", Metric: "ns/op"}, {Package: "A"}, {Benchmark: "A", Protocol: 3}, {Benchmark: "A", Baseline: "x"}, {Benchmark: "A", Go: "x"}, {Benchmark: "A", Place: "x"}, {Benchmark: "../../etc/passwd\x00"}, {Benchmark: strings.Repeat("VeryLong/", 2000)}} {
		name := TrendFile(&nights.Line{Key: k})
		if seen[name] || len(name) > 120 || strings.ContainsAny(name, "/\\\x00") || strings.HasPrefix(name, ".") {
			t.Errorf("%q for %.80q", name, fmt.Sprint(k))
		}
		seen[name] = true
	}
}

func TestTrendWriteErrors(t *testing.T) {
	h := everyTrend()
	for name, f := range map[string]func(io.Writer) error{
		"index": func(w io.Writer) error { return TrendIndex(w, h) }, "page": func(w io.Writer) error { return TrendPage(w, h, h.Lines[0]) },
		"text": func(w io.Writer) error { return TrendText(w, h, TextOptions{}) }, "markdown": func(w io.Writer) error { return TrendMarkdown(w, h) }, "json": func(w io.Writer) error { return TrendJSON(w, h) },
	} {
		if err := f(failingWriter{}); !errors.Is(err, errFull) {
			t.Errorf("%s: a full disk gives %v", name, err)
		}
	}
}

// FuzzTrend puts a hostile text wherever a file can have one.
func FuzzTrend(f *testing.F) {
	for _, name := range hostileNames {
		f.Add(name)
	}
	f.Add("{{.}}</style><!-- --></title><textarea>")
	f.Add(strings.Repeat("x", 10_000))
	f.Fuzz(func(t *testing.T, s string) {
		hostile := "qz" + s + "zq"
		h := hostileTrend(hostile)
		h.Link = TrendFile
		index, page := trendIndexOf(t, h), trendPageOf(t, h, h.Lines[0])
		checkTrendPage(t, "index", index)
		checkTrendPage(t, "page", page)
		if strings.ContainsAny(s, `<>"&'`) && (bytes.Contains(index, []byte(hostile)) || bytes.Contains(page, []byte(hostile))) {
			t.Errorf("%q stands in a page as it is", hostile)
		}
	})
}

// BenchmarkTrendIndex renders the page of 1,000 series of 1,000 nights.
func BenchmarkTrendIndex(b *testing.B) {
	h := largeTrend(1000, 1000)
	bytes := 0
	for b.Loop() {
		bytes = len(trendIndexOf(b, h))
	}
	b.ReportMetric(float64(bytes), "page-bytes")
}

// BenchmarkTrendPage renders the page of one series among as many.
func BenchmarkTrendPage(b *testing.B) {
	h := largeTrend(1000, 1000)
	for b.Loop() {
		trendPageOf(b, h, h.Lines[7])
	}
}
