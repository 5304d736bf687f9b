package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"go/format"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"

	"tunelab/harness/lock"
)

// conform asks for the conformance test, which takes minutes.
const conform = "TUNELAB_TEST_CONFORMANCE"

// dumpVar names the folder in which a module's benchmarks write what they see.
const dumpVar = "CONFORMANCE_DUMP"

// longest is how long any one command of a module may take before it counts as hung.
const longest = 10 * time.Minute

// TestConformance measures the modules of testdata/conformance, by compare and by run, and holds what their files
// expect. The README there says what such a file is.
func TestConformance(t *testing.T) {
	if os.Getenv(conform) == "" {
		t.Skip("set " + conform + "=1: it takes minutes")
	}
	for _, m := range conformanceModules(t) {
		t.Run(m.name, func(t *testing.T) {
			if !m.times { // they don't disturb each other: nothing of them depends on a time
				t.Parallel()
			}
			for _, tool := range m.needs {
				if _, err := exec.LookPath(tool); err != nil {
					t.Skipf("needs %s", tool)
				}
			}
			problems, err := m.conform(t.Context(), t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range problems {
				t.Error(p)
			}
		})
	}
}

// conformanceModules reads all of them.
func conformanceModules(t *testing.T) []*conformModule {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", "conformance", "*.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	var list []*conformModule
	for _, file := range files {
		archive, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		m, err := parseConform(strings.TrimSuffix(filepath.Base(file), ".txtar"), archive)
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		list = append(list, m)
	}
	return list
}

// A conformRun is what one command made of a module.
type conformRun struct {
	exit    int
	text    string              // what it printed on both streams, every run of blanks as one
	found   map[string][]string // findings of a comparison: lines by the heading that they stand under
	runs    []conformResult
	pkgs    []string // package of each run
	dumps   []string // distinct, sorted
	results map[string][]float64
}

// A conformResult is as much of `show --json` as expectations are about.
type conformResult struct {
	Comparisons []struct {
		Case          string
		Metric        string
		Verdict       string
		Ratio         *float64
		BaseMedian    *float64       `json:"base_median"`
		VariantMedian *float64       `json:"variant_median"`
		Outcomes      map[string]int // of trials
		Warnings      []string
	}
	NotMeasured []struct{ Case, Variant, Why string } `json:"not_measured_why"`
	Warnings    []string
}

// conform measures the module and returns which expectations do not hold. Where the budget was used up, as it is on a busy
// machine, that proves nothing, and the module is measured once more with a larger one. The error is for a module that
// could not be made.
func (m *conformModule) conform(ctx context.Context, work string) ([]string, error) {
	work, err := filepath.EvalSymlinks(work)
	if err != nil {
		return nil, err
	}
	for _, budget := range m.budgets {
		dir := filepath.Join(work, budget)
		if err := os.Mkdir(dir, 0o777); err != nil {
			return nil, err
		}
		problems, starved, err := m.attempt(ctx, dir, budget)
		if err != nil || len(problems) == 0 || !starved || budget == m.budgets[len(m.budgets)-1] {
			return problems, err
		}
	}
	return nil, nil
}

// starved reports whether the budget ran out before everything was measured.
func (r *conformRun) starved() bool {
	return slices.ContainsFunc([]string{"the budget has no room for it", "the budget allows only about", "the budget was used up", "is used up by the packages before it", "more than the budget allows"},
		func(text string) bool { return strings.Contains(r.text, strings.TrimSpace(text)) })
}

// attempt makes the module's repository, runs the commands in it, and holds the expectations.
func (m *conformModule) attempt(ctx context.Context, work, budget string) (problems []string, starved bool, err error) {
	w := &conformWork{module: m, work: work, repo: filepath.Join(work, "repo"), budget: budget}
	if err := w.make(ctx); err != nil {
		return nil, false, err
	}
	before, err := w.state(ctx)
	if err != nil {
		return nil, false, err
	}
	done := map[string]*conformRun{}
	for _, of := range []string{"gotest", "compare", "run"} {
		if !m.has(of) && !(of == "gotest" && m.needsGoTest()) {
			continue
		}
		if done[of], err = w.command(ctx, of); err != nil {
			return nil, false, fmt.Errorf("%s: %w", of, err)
		}
		starved = starved || done[of].starved()
	}
	for _, e := range m.expects {
		if p := e.check(done); p != "" {
			problems = append(problems, fmt.Sprintf("%s: %s", e, p))
		}
	}
	if after, err := w.state(ctx); err != nil {
		return nil, false, err
	} else if after != before {
		problems = append(problems, fmt.Sprintf("the repository is another afterwards:\n%s\nwas\n%s", after, before))
	}
	if len(problems) > 0 {
		for _, of := range []string{"gotest", "compare", "run"} {
			if r := done[of]; r != nil {
				problems = append(problems, of+" printed (status "+fmt.Sprint(r.exit)+"): "+ends(r.text, 3000))
			}
		}
	}
	return problems, starved, nil
}

// ends shortens a text to about n bytes, keeping both its ends.
func ends(text string, n int) string {
	if len(text) <= n {
		return text
	}
	return text[:n/2] + " … " + text[len(text)-n/2:]
}

// A conformWork is the folder that a module is measured in.
type conformWork struct {
	module             *conformModule
	work, repo, budget string
}

// make writes both states of the module into a repository: the first is tagged old, the second is HEAD or the work tree.
func (w *conformWork) make(ctx context.Context) error {
	if err := os.MkdirAll(w.repo, 0o777); err != nil {
		return err
	}
	if err := w.write("outside/", w.work); err != nil {
		return err
	}
	script := "git init -q -b main\ngit config user.name Someone\ngit config user.email someone@example.com\n"
	if err := w.sh(ctx, w.repo, script); err != nil {
		return err
	}
	for _, part := range []string{"both/", "old/"} {
		if err := w.write(part, w.repo); err != nil {
			return err
		}
	}
	if err := w.sh(ctx, w.repo, "(\n"+w.module.script("sh/old")+":\n)\ngit add -A\ngit commit -q --allow-empty -m old\ngit tag old\n"); err != nil {
		return err
	}
	for name := range w.module.files("old/") {
		if err := os.Remove(filepath.Join(w.repo, filepath.FromSlash(name))); err != nil {
			return err
		}
	}
	for _, part := range []string{"both/", "new/"} { // of both, what a file of old replaced
		if err := w.write(part, w.repo); err != nil {
			return err
		}
	}
	script = "(\n" + w.module.script("sh/new") + ":\n)"
	if !w.module.uncommitted {
		script += "\ngit add -A\ngit commit -q --allow-empty -m new\n"
	}
	return w.sh(ctx, w.repo, script+"\n"+w.module.script("sh/last"))
}

func (w *conformWork) write(part, dir string) error {
	for name, text := range w.module.files(part) {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			return err
		}
		if err := os.WriteFile(path, text, 0o666); err != nil {
			return err
		}
	}
	return nil
}

func (w *conformWork) sh(ctx context.Context, dir, script string) error {
	if strings.TrimSpace(script) == "" {
		return nil
	}
	cmd := exec.CommandContext(ctx, "sh", "-eu", "-c", script)
	cmd.Dir, cmd.Env = dir, w.environment()
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", strings.TrimSpace(script), err, out)
	}
	return nil
}

// state is what a measurement must leave as it was: what git says, and which files there are.
func (w *conformWork) state(ctx context.Context) (string, error) {
	var all strings.Builder
	for _, args := range [][]string{{"status", "--porcelain", "--ignored"}, {"for-each-ref"}, {"config", "--local", "--list"}} {
		cmd := exec.CommandContext(ctx, "git", args...)
		cmd.Dir, cmd.Env = w.top(), append(w.environment(), "GIT_OPTIONAL_LOCKS=0")
		out, err := cmd.CombinedOutput()
		if err != nil {
			return "", fmt.Errorf("git %s: %w: %s", args[0], err, out)
		}
		all.Write(out)
	}
	return all.String(), nil
}

// top is the repository that commands are run in: a clone, where the module makes one.
func (w *conformWork) top() string { return filepath.Join(w.work, filepath.FromSlash(w.module.top)) }

// environment is the same for all commands, go test included.
func (w *conformWork) environment() []string {
	env := slices.DeleteFunc(os.Environ(), func(e string) bool {
		name, _, _ := strings.Cut(e, "=")
		return strings.HasPrefix(name, "TUNELAB_") || strings.HasPrefix(name, "GIT_") || name == "GOFLAGS" || name == "GOWORK"
	})
	// Linker flags keep builds in one layout, which is quicker.
	env = append(env, "GOFLAGS=-ldflags=-w", "GOPROXY=off", "GOTOOLCHAIN=local", "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1",
		"COLUMNS=400", "WORK="+w.work, asCommand+"=1", lock.PathVar+"="+filepath.Join(w.work, "lock"))
	return append(env, w.module.env...)
}

// command runs go test, compare or run, and reads what came of it.
func (w *conformWork) command(ctx context.Context, of string) (*conformRun, error) {
	m := w.module
	dumps := filepath.Join(w.work, "dump-"+of)
	if err := os.MkdirAll(dumps, 0o777); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, longest)
	defer cancel()
	results, summary := filepath.Join(w.work, "results-"+of), filepath.Join(w.work, "summary-"+of)
	var cmd *exec.Cmd
	dir := filepath.Join(w.top(), filepath.FromSlash(m.dir))
	switch of {
	case "gotest":
		dir = filepath.Join(w.top(), filepath.FromSlash(m.pkg))
		cmd = exec.CommandContext(ctx, "go", m.goTest()...)
	case "compare":
		cmd = exec.CommandContext(ctx, os.Args[0], m.compareArgs(w.budget, results, summary)...)
	case "run":
		file := filepath.Join(w.work, "conform.toml")
		if err := os.WriteFile(file, []byte(m.scenario()), 0o666); err != nil {
			return nil, err
		}
		cmd = exec.CommandContext(ctx, os.Args[0], "run", file, "--budget", w.budget, "--seed", "1", "--results", results)
	}
	cmd.Dir, cmd.Env = dir, append(w.environment(), dumpVar+"="+dumps)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	var status *exec.ExitError
	if err != nil && !errors.As(err, &status) && ctx.Err() == nil {
		return nil, err
	}
	r := &conformRun{exit: cmd.ProcessState.ExitCode(), text: strings.Join(strings.Fields(out.String()), " ")}
	if ctx.Err() != nil {
		r.text = fmt.Sprintf("[ended after %v] %s", longest, r.text)
		r.exit = -1
	}
	if of == "gotest" {
		r.results = goTestResults(out.String())
	} else if err := w.read(ctx, r, results, summary); err != nil {
		return nil, err
	}
	r.dumps, err = readDumps(dumps)
	return r, err
}

// read fills in what the command wrote: the runs, by show --json, and the findings, by the summary.
func (w *conformWork) read(ctx context.Context, r *conformRun, results, summary string) error {
	r.found = map[string][]string{}
	if text, err := os.ReadFile(summary); err == nil {
		heading := ""
		for line := range strings.Lines(string(text)) {
			if h, ok := strings.CutPrefix(line, "#### "); ok {
				heading = conformKind(h)
			} else if strings.HasPrefix(line, "- ") || strings.HasPrefix(line, "| ") {
				r.found[heading] = append(r.found[heading], strings.TrimSpace(line))
			}
		}
	}
	files, err := filepath.Glob(filepath.Join(results, "*", "bench.txt"))
	if err != nil || len(files) == 0 {
		return err
	}
	cmd := exec.CommandContext(ctx, os.Args[0], append([]string{"show", "--json"}, files...)...)
	cmd.Dir, cmd.Env = w.work, w.environment()
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("show --json: %w: %s", err, out)
	}
	if err := json.Unmarshal(out, &r.runs); err != nil {
		return fmt.Errorf("show --json: %w", err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		_, rest, _ := strings.Cut("\n"+string(text), "\npkg: ")
		name, _, _ := strings.Cut(rest, "\n")
		r.pkgs = append(r.pkgs, name)
	}
	return nil
}

// readDumps returns the distinct contents of the files in a folder, sorted.
func readDumps(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, e := range entries {
		text, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			return nil, err
		}
		out = append(out, string(text))
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

// TestConformanceFiles holds of the modules what needs no measuring: that they can be read, say what they are and expect
// something of both commands.
func TestConformanceFiles(t *testing.T) {
	const least = 60
	list := conformanceModules(t)
	if len(list) < least {
		t.Errorf("%d modules, want at least %d", len(list), least)
	}
	for _, m := range list {
		if m.comment == "" {
			t.Errorf("%s: what kind of module is it, and where was it seen?", m.name)
		}
		for _, f := range m.archive.Files {
			if tidy, err := format.Source(f.Data); strings.HasSuffix(f.Name, ".go") && (err != nil || !bytes.Equal(tidy, f.Data)) {
				t.Errorf("%s: %s is not as gofmt would have it: %v", m.name, f.Name, err)
			}
		}
		for _, of := range []string{"compare", "run"} {
			if !slices.ContainsFunc(m.expects, func(e conformExpect) bool { return e.of == of && e.words[0] == "exit" }) {
				t.Errorf("%s: with which status does %s end?", m.name, of)
			}
		}
	}
}

// wrongModule has expectations that do not hold, each with WRONG behind it, among those that do.
const wrongModule = `
Twice as many allocations.
-- expect --
set benchtime 100x
gotest: measured BenchmarkX
gotest: measured BenchmarkY # WRONG
compare: exit 0
compare: exit 1 # WRONG
compare: BenchmarkX allocs/op worse at-least 90%
compare: BenchmarkX allocs/op worse at-least 110% # WRONG
compare: BenchmarkX allocs/op values 1 2
compare: BenchmarkX allocs/op values 2 2 # WRONG
compare: BenchmarkX allocs/op better # WRONG
compare: BenchmarkX allocs/op not-worse # WRONG
compare: BenchmarkX allocs/op no-difference # WRONG
compare: BenchmarkX is regression
compare: BenchmarkX is alike # WRONG
compare: nothing is only-old
compare: nothing is regression # WRONG
compare: measured BenchmarkX
compare: measured BenchmarkY # WRONG
compare: unmeasured BenchmarkX # WRONG
compare: says "Regressions, confirmed"
compare: says "Improvements" # WRONG
compare: never says "Regressions, confirmed" # WRONG
compare: accounts-for 1
compare: accounts-for 2 # WRONG
compare: dump-equal # WRONG
run: exit 0
run: exit 2 # WRONG
run: measured BenchmarkX
run: agrees BenchmarkX allocs/op x1.1
run: agrees BenchmarkX wrong/op x2 # WRONG
-- both/go.mod --
module example.com/wrong

go 1.24
-- old/n.go --
package wrong

const n = 1
-- new/n.go --
package wrong

const n = 2
-- both/x_test.go --
package wrong

import (
	"os"
	"testing"
)

var sink any

func BenchmarkX(b *testing.B) {
	if b.N == 1 {
		os.WriteFile(os.Getenv("CONFORMANCE_DUMP")+"/x", []byte(os.Getenv("CONFORMANCE_DUMP")), 0o666)
	}
	for i := 0; i < b.N; i++ {
		for range n {
			sink = new([100]int)
		}
	}
}
`

// The conformance test itself can fail: what is deliberately wrong is reported, each of it, and nothing else.
func TestConformanceCanFail(t *testing.T) {
	if os.Getenv(conform) == "" {
		t.Skip("set " + conform + "=1: it measures")
	}
	m, err := parseConform("wrong", txtar.Parse([]byte(wrongModule)))
	if err != nil {
		t.Fatal(err)
	}
	problems, err := m.conform(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range m.expects {
		reported := slices.ContainsFunc(problems, func(p string) bool { return strings.HasPrefix(p, e.String()+": ") })
		if wrong := strings.HasSuffix(e.comment, "WRONG"); reported != wrong {
			t.Errorf("%s: reported %v, want %v", e, reported, wrong)
		}
	}
	if t.Failed() {
		t.Log(strings.Join(problems, "\n"))
	}
}
