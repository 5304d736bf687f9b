package main

import (
	"fmt"
	"math"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/txtar"
)

// A conformModule is one file of testdata/conformance.
type conformModule struct {
	name    string
	comment string
	archive *txtar.Archive
	expects []conformExpect

	metrics     string   // that get verdicts
	better      string   // their directions, unit=higher
	flags       []string // of go test, given to all commands
	args        []string // of compare besides
	packages    []string // that compare is given
	pkg         string   // folder of the package that run and go test measure
	dir         string   // folder that compare and run are run in
	top         string   // folder of the repository
	tip         string   // revision that compare is given, none for the work tree
	budgets     []string // the second where the first was used up
	benchtime   string   // of go test
	bench       string   // pattern of benchmarks
	env         []string
	needs       []string // commands without which it is skipped
	uncommitted bool     // the new state is left in the work tree
	times       bool     // a difference of times is expected: nothing runs beside it
}

// A conformExpect is one line of a module's file that can fail.
type conformExpect struct {
	line    string
	of      string // "compare", "run" or "gotest"
	words   []string
	comment string
}

func (e conformExpect) String() string { return e.line }

// parseConform reads a module.
func parseConform(name string, archive *txtar.Archive) (*conformModule, error) {
	m := &conformModule{
		name: name, comment: strings.TrimSpace(string(archive.Comment)), archive: archive,
		metrics: "allocs/op", pkg: ".", dir: ".", top: "repo", budgets: []string{"15s", "90s"}, benchtime: "1x", bench: ".",
	}
	parts := []string{"both/", "old/", "new/", "outside/"}
	text := ""
	for _, f := range archive.Files {
		known := slices.ContainsFunc(parts, func(p string) bool { return strings.HasPrefix(f.Name, p) })
		switch {
		case f.Name == "expect":
			text = string(f.Data)
		case !known && !slices.Contains([]string{"sh/old", "sh/new", "sh/last"}, f.Name):
			return nil, fmt.Errorf("unknown part %s", f.Name)
		}
	}
	for line := range strings.Lines(text) {
		words, comment, err := conformWords(line)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", strings.TrimSpace(line), err)
		}
		if len(words) == 0 {
			continue
		}
		if words[0] == "set" {
			err = m.set(words[1:])
		} else {
			e := conformExpect{line: strings.TrimSpace(line), of: strings.TrimSuffix(words[0], ":"), words: words[1:], comment: comment}
			m.expects = append(m.expects, e)
			err = e.valid()
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", strings.TrimSpace(line), err)
		}
	}
	if len(m.expects) == 0 {
		return nil, fmt.Errorf("nothing is expected")
	}
	return m, nil
}

// conformWords splits a line at blanks, but not within quotes, and cuts a comment off.
func conformWords(line string) (words []string, comment string, err error) {
	rest := strings.TrimSpace(line)
	for rest != "" {
		if strings.HasPrefix(rest, "#") {
			return words, strings.TrimSpace(rest), nil
		}
		word, after := rest, ""
		if rest[0] == '"' {
			quoted, err := strconv.QuotedPrefix(rest)
			if err != nil {
				return nil, "", err
			}
			if word, err = strconv.Unquote(quoted); err != nil {
				return nil, "", err
			}
			after = rest[len(quoted):]
		} else if i := strings.IndexAny(rest, " \t"); i >= 0 {
			word, after = rest[:i], rest[i:]
		}
		words = append(words, word)
		rest = strings.TrimSpace(after)
	}
	return words, "", nil
}

// set takes a setting.
func (m *conformModule) set(words []string) error {
	if len(words) == 0 {
		return fmt.Errorf("set what?")
	}
	one := map[string]*string{
		"metrics": &m.metrics, "better": &m.better, "package": &m.pkg, "dir": &m.dir, "top": &m.top, "tip": &m.tip,
		"benchtime": &m.benchtime, "bench": &m.bench,
	}
	many := map[string]*[]string{"flags": &m.flags, "args": &m.args, "packages": &m.packages, "env": &m.env, "needs": &m.needs}
	bare := map[string]*bool{"uncommitted": &m.uncommitted, "times": &m.times}
	key, values := words[0], words[1:]
	switch {
	case key == "budget" && len(values) > 0:
		m.budgets = values
	case one[key] != nil && len(values) == 1:
		*one[key] = values[0]
	case many[key] != nil && len(values) > 0:
		*many[key] = append(*many[key], values...)
	case bare[key] != nil && len(values) == 0:
		*bare[key] = true
	default:
		return fmt.Errorf("no such setting")
	}
	return nil
}

// files are the module's files of one part, by name.
func (m *conformModule) files(part string) map[string][]byte {
	out := map[string][]byte{}
	for _, f := range m.archive.Files {
		if name, ok := strings.CutPrefix(f.Name, part); ok {
			out[name] = f.Data
		}
	}
	return out
}

func (m *conformModule) script(name string) string {
	for _, f := range m.archive.Files {
		if f.Name == name {
			return string(f.Data)
		}
	}
	return ""
}

func (m *conformModule) has(of string) bool {
	return slices.ContainsFunc(m.expects, func(e conformExpect) bool { return e.of == of })
}

// needsGoTest reports whether something is held against what go test makes of the module.
func (m *conformModule) needsGoTest() bool {
	return slices.ContainsFunc(m.expects, func(e conformExpect) bool { return e.words[0] == "agrees" || e.words[0] == "dump-equal" })
}

// goTest is what a user would type.
func (m *conformModule) goTest() []string {
	args := []string{"test", "-run=^$", "-bench=" + m.bench, "-benchmem", "-benchtime=" + m.benchtime}
	flags, rest := m.flags, []string(nil)
	if i := slices.Index(flags, "-args"); i >= 0 {
		flags, rest = flags[:i], flags[i:]
	}
	return slices.Concat(args, flags, []string{"."}, rest)
}

func (m *conformModule) compareArgs(budget, results, summary string) []string {
	args := []string{"compare", "old"}
	if m.tip != "" {
		args = append(args, m.tip)
	}
	args = append(args, "--budget", budget, "--seed", "1", "--metric", m.metrics, "--results", results, "--summary", summary)
	if m.better != "" {
		args = append(args, "--better", m.better)
	}
	if m.bench != "." {
		args = append(args, "--bench", m.bench)
	}
	args = append(args, m.args...)
	packages := m.packages
	if len(packages) == 0 && len(m.flags) > 0 {
		packages = []string{"./..."}
	}
	if len(packages) > 0 {
		args = append(append(args, "--"), packages...)
	}
	return append(args, m.flags...)
}

// scenario is a scenario file about the package as it is, against itself.
func (m *conformModule) scenario() string {
	quoted := func(words []string) string {
		var out []string
		for _, w := range words {
			out = append(out, strconv.Quote(w))
		}
		return "[" + strings.Join(out, ", ") + "]"
	}
	text := "question = \"Is the module measured?\"\n[bench]\ndir = " + strconv.Quote(path.Join(m.top, m.pkg)) + "\nslice = \"20ms\"\n"
	if m.bench != "." {
		text += "run = " + strconv.Quote(m.bench) + "\n"
	}
	if len(m.flags) > 0 {
		text += "flags = " + quoted(m.flags) + "\n"
	}
	text += "[metrics]\nprimary = " + quoted(strings.Split(m.metrics, ",")) + "\n"
	if unit, way, ok := strings.Cut(m.better, "="); ok {
		text += fmt.Sprintf("better = { %q = %q }\n", unit, way)
	}
	return text + "[[variant]]\nname = \"one\"\nbase = true\n[[variant]]\nname = \"two\"\nenv = { CONFORMANCE_SIDE = \"two\" }\n"
}

// conformKinds are the kinds of findings, by a word of the heading under which a summary has them.
var conformKinds = []struct{ word, kind string }{
	{"Regressions, confirmed", "regression"},
	{"fail at the tip", "fails"},
	{"Could not be", "broken"},
	{"not confirmed", "flagged"},
	{"Better", "improvement"},
	{"Disappeared", "only-old"},
	{"New:", "only-new"},
	{"Not measured", "not-measured"},
	{"same bytes", "alike"},
	{"nothing can differ", "alike"},
}

// conformKind is the kind that stands under a heading.
func conformKind(heading string) string {
	for _, k := range conformKinds {
		if strings.Contains(heading, k.word) {
			return k.kind
		}
	}
	return strings.TrimSpace(heading)
}

// valid reports whether the expectation is one.
func (e conformExpect) valid() error {
	if !slices.Contains([]string{"compare", "run", "gotest"}, e.of) || len(e.words) == 0 {
		return fmt.Errorf("expected of what?")
	}
	kinds := func(kind string) bool {
		return slices.ContainsFunc(conformKinds, func(k struct{ word, kind string }) bool { return k.kind == kind })
	}
	n := len(e.words)
	ok := false
	switch e.words[0] {
	case "exit", "accounts-for":
		ok = n == 2
	case "says", "measured":
		ok = n >= 2
	case "never":
		ok = n == 3 && e.words[1] == "says"
	case "unmeasured":
		ok = n == 2 || n == 4 && e.words[2] == "because"
	case "nothing":
		ok = n == 3 && e.words[1] == "is" && kinds(e.words[2])
	case "dump-equal":
		ok = n == 1
	case "agrees":
		ok = n == 4 && strings.HasPrefix(e.words[3], "x")
	default:
		switch {
		case n == 3 && e.words[1] == "is":
			ok = kinds(e.words[2])
		case n == 5 && e.words[2] == "values":
			ok = true
		case n == 3 || n == 5 && (e.words[3] == "at-least" || e.words[3] == "beyond"):
			ok = slices.Contains([]string{"worse", "better", "same", "undecided", "not-worse", "not-better", "no-difference"}, e.words[2])
		}
	}
	if !ok {
		return fmt.Errorf("no such expectation")
	}
	return nil
}

// check returns why the expectation does not hold, "" when it does.
func (e conformExpect) check(done map[string]*conformRun) string {
	r := done[e.of]
	w := e.words
	switch w[0] {
	case "exit":
		if got := strconv.Itoa(r.exit); got != w[1] {
			return "status " + got
		}
	case "says":
		for _, text := range w[1:] {
			if !r.says(text) {
				return fmt.Sprintf("%q is not there", text)
			}
		}
	case "never":
		if r.says(w[2]) {
			return "it is there"
		}
	case "measured":
		for _, name := range w[1:] {
			if why := r.measured(name); why != "" {
				return name + " " + why
			}
		}
	case "unmeasured":
		return e.unmeasured(r)
	case "accounts-for":
		if got := strconv.Itoa(r.cases()); got != w[1] {
			return got + " cases"
		}
	case "nothing":
		if list := r.found[w[2]]; len(list) > 0 {
			return strings.Join(list, "; ")
		}
	case "dump-equal":
		want := done["gotest"].dumps
		if len(want) == 0 {
			return "go test wrote no dump"
		}
		if !slices.Equal(r.dumps, want) {
			return "only go test's saw " + fmt.Sprintf("%q", without(want, r.dumps)) + ", only here was seen " + fmt.Sprintf("%q", without(r.dumps, want))
		}
	case "agrees":
		return e.agrees(r, done["gotest"])
	default:
		if w[1] == "is" {
			return e.is(r)
		}
		return e.compared(r)
	}
	return ""
}

// says reports whether the text was printed, whatever the blanks; /…/ is a regular expression.
func (r *conformRun) says(text string) bool {
	if len(text) > 2 && strings.HasPrefix(text, "/") && strings.HasSuffix(text, "/") {
		return regexp.MustCompile(text[1 : len(text)-1]).MatchString(r.text)
	}
	return strings.Contains(r.text, strings.Join(strings.Fields(text), " "))
}

// A conformComparison is one of a run's.
type conformComparison struct {
	verdict   string
	ratio     *float64
	old, tip  *float64
	badTrials int
}

// comparisons returns those of a benchmark, by metric. The name may have the end of its package's path behind an @.
func (r *conformRun) comparisons(name string) map[string]conformComparison {
	name, pkg, _ := strings.Cut(strings.TrimPrefix(name, "Benchmark"), "@")
	out := map[string]conformComparison{}
	for i, run := range r.runs {
		if pkg != "" && r.pkgs[i] != pkg && !strings.HasSuffix(r.pkgs[i], "/"+pkg) {
			continue
		}
		for _, c := range run.Comparisons {
			if c.Case != name {
				continue
			}
			bad := 0
			for outcome, n := range c.Outcomes {
				if outcome != "ok" {
					bad += n
				}
			}
			out[c.Metric] = conformComparison{c.Verdict, c.Ratio, c.BaseMedian, c.VariantMedian, bad}
		}
	}
	return out
}

// measured returns why the benchmark has no numbers of both sides, "" when it has.
func (r *conformRun) measured(name string) string {
	if r.results != nil {
		for full := range r.results {
			if strings.HasPrefix(full, name+" ") {
				return ""
			}
		}
		return "has no result"
	}
	list := r.comparisons(name)
	if len(list) == 0 {
		return "has no comparison"
	}
	for metric, c := range list {
		if c.old == nil || c.tip == nil {
			return "has no " + metric + " of both sides"
		}
	}
	return ""
}

// about returns the lines that say something about a benchmark or package.
func (r *conformRun) about(name string) []string {
	short := strings.TrimPrefix(name, "Benchmark")
	var out []string
	for _, list := range r.found {
		for _, line := range list {
			if strings.Contains(line, short) {
				out = append(out, line)
			}
		}
	}
	for _, run := range r.runs {
		for _, n := range run.NotMeasured {
			if n.Case == short || strings.Contains(n.Why, short) {
				out = append(out, n.Why)
			}
		}
		for _, c := range run.Comparisons {
			if c.Case == short {
				out = append(out, c.Warnings...)
			}
		}
		for _, w := range run.Warnings {
			if strings.Contains(w, short) {
				out = append(out, w)
			}
		}
	}
	return out
}

// unmeasured wants a benchmark without numbers that is named all the same, with its reason.
func (e conformExpect) unmeasured(r *conformRun) string {
	if r.measured(e.words[1]) == "" {
		return "it was measured"
	}
	if r.results != nil {
		return ""
	}
	lines := r.about(e.words[1])
	if len(lines) == 0 && len(r.runs) == 0 && strings.Contains(r.text, strings.TrimPrefix(e.words[1], "Benchmark")) {
		lines = []string{r.text} // a run that measured nothing leaves no file
	}
	if len(lines) == 0 {
		return "it is not named"
	}
	if len(e.words) == 4 {
		want := regexp.MustCompile(e.words[3])
		if !slices.ContainsFunc(lines, want.MatchString) {
			return "the reason is told as " + strings.Join(lines, "; ")
		}
	}
	return ""
}

// cases counts those that have numbers or a reason why not.
func (r *conformRun) cases() int {
	names := map[string]bool{}
	for _, run := range r.runs {
		for _, c := range run.Comparisons {
			names[c.Case] = true
		}
		for _, n := range run.NotMeasured {
			if n.Case != "" {
				names[n.Case] = true
			}
		}
	}
	return len(names)
}

// is wants a finding of a kind that names the benchmark or package.
func (e conformExpect) is(r *conformRun) string {
	name, kind := strings.TrimPrefix(e.words[0], "Benchmark"), e.words[2]
	if name == "." {
		name = "" // the package at the root is named in words
	}
	if !slices.ContainsFunc(r.found[kind], func(line string) bool { return strings.Contains(line, name) }) {
		return fmt.Sprintf("not among %q; it is said of it: %q", r.found[kind], r.about(e.words[0]))
	}
	return ""
}

// compared wants a verdict, or medians, of a benchmark and metric.
func (e conformExpect) compared(r *conformRun) string {
	c, ok := r.comparisons(e.words[0])[e.words[1]]
	if !ok {
		return "there is no such comparison"
	}
	if e.words[2] == "values" {
		for i, got := range []*float64{c.old, c.tip} {
			want, err := strconv.ParseFloat(e.words[3+i], 64)
			if err != nil || got == nil || math.Abs(*got-want) > 0.02*math.Abs(want) {
				return "the medians are " + median(c.old) + " and " + median(c.tip)
			}
		}
		return ""
	}
	factor := 1.0
	if len(e.words) == 5 {
		percent, err := strconv.ParseFloat(strings.TrimSuffix(e.words[4], "%"), 64)
		if err != nil {
			return err.Error()
		}
		factor += percent / 100
	}
	size := math.Inf(1) // a verdict without a ratio: one side has no numbers, or is 0
	if c.ratio != nil {
		size = max(*c.ratio, 1 / *c.ratio)
	} else if c.old != nil && c.tip != nil {
		size = max(*c.tip / *c.old, *c.old / *c.tip)
	}
	said := fmt.Sprintf("%s by a factor of %.3g, medians %s and %s, %d trials ended badly", c.verdict, size, median(c.old), median(c.tip), c.badTrials)
	worse, better := c.verdict == "worse" && size >= factor, c.verdict == "better" && size >= factor
	holds := map[string]bool{
		"worse": worse, "better": better, "same": c.verdict == "same", "undecided": c.verdict == "undecided",
		"not-worse": !worse, "not-better": !better, "no-difference": !worse && !better,
	}
	if !holds[e.words[2]] {
		return said
	}
	return ""
}

func median(x *float64) string {
	if x == nil {
		return "none"
	}
	return strconv.FormatFloat(*x, 'g', 4, 64)
}

// agrees wants the median of a run's base within a factor of that of go test.
func (e conformExpect) agrees(r, gotest *conformRun) string {
	name, unit := e.words[1], e.words[2]
	factor, err := strconv.ParseFloat(strings.TrimPrefix(e.words[3], "x"), 64)
	if err != nil {
		return err.Error()
	}
	values := slices.Clone(gotest.results[name+" "+unit])
	if len(values) == 0 {
		return "go test has no such result: " + ends(gotest.text, 600)
	}
	slices.Sort(values)
	want := values[len(values)/2]
	c, ok := r.comparisons(name)[unit]
	if !ok || c.old == nil {
		return "there is no such comparison"
	}
	if got := *c.old; got > want*factor || got < want/factor {
		return fmt.Sprintf("%g here and %g by go test", got, want)
	}
	return ""
}

// procsSuffix is what testing puts behind names where GOMAXPROCS is not 1.
var procsSuffix = regexp.MustCompile(`-\d+$`)

// goTestResults reads the result lines of go test, values by "BenchmarkName unit", with the suffix for GOMAXPROCS and
// without it.
func goTestResults(out string) map[string][]float64 {
	results := map[string][]float64{}
	for line := range strings.Lines(out) {
		f := strings.Fields(line)
		if len(f) < 4 || !strings.HasPrefix(f[0], "Benchmark") {
			continue
		}
		if _, err := strconv.Atoi(f[1]); err != nil {
			continue
		}
		names := []string{f[0]}
		if short := procsSuffix.ReplaceAllString(f[0], ""); short != f[0] {
			names = append(names, short)
		}
		for i := 2; i+1 < len(f); i += 2 {
			v, err := strconv.ParseFloat(f[i], 64)
			if err != nil {
				break
			}
			for _, name := range names {
				results[name+" "+f[i+1]] = append(results[name+" "+f[i+1]], v)
			}
		}
	}
	return results
}

// without returns the lines of all texts that the other texts lack; all lines where that is none.
func without(texts, others []string) []string {
	other := strings.Split(strings.Join(others, "\n"), "\n")
	all := strings.Split(strings.Join(texts, "\n"), "\n")
	if less := slices.DeleteFunc(slices.Clone(all), func(line string) bool { return slices.Contains(other, line) }); len(less) > 0 || len(others) > 0 {
		return less
	}
	return all
}
