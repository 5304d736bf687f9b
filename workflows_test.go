package main

import (
	"bytes"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

var workflowFiles = []string{"nightly.yml", "pull-request.yml"}

// decodeYAML refuses keys that the types of this test don't know, so that a misspelt one is found.
func decodeYAML(t *testing.T, name string, text []byte, into any) {
	t.Helper()
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	if err := d.Decode(into); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

func readText(t *testing.T, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func readWorkflow(t *testing.T, name string) *workflow {
	t.Helper()
	var w workflow
	path := filepath.Join(".github", "workflows", name)
	decodeYAML(t, path, readText(t, path), &w)
	return &w
}

func readAction(t *testing.T) *actionFile {
	t.Helper()
	var a actionFile
	decodeYAML(t, "action.yml", readText(t, "action.yml"), &a)
	return &a
}

// documentedWorkflows are the YAML blocks of CI.md.
func documentedWorkflows(t *testing.T) []*workflow {
	t.Helper()
	var list []*workflow
	for _, block := range regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllSubmatch(readText(t, "CI.md"), -1) {
		var w workflow
		decodeYAML(t, "CI.md", block[1], &w)
		list = append(list, &w)
	}
	return list
}

type namedJob struct {
	id string
	workflowJob
}

// jobs are a workflow's jobs in the order of the file.
func (w *workflow) jobs(t *testing.T) []namedJob {
	t.Helper()
	var list []namedJob
	for i := 0; i+1 < len(w.Jobs.Content); i += 2 {
		text, err := yaml.Marshal(w.Jobs.Content[i+1])
		if err != nil {
			t.Fatal(err)
		}
		job := namedJob{id: w.Jobs.Content[i].Value}
		decodeYAML(t, w.Name+", job "+job.id, text, &job.workflowJob)
		list = append(list, job)
	}
	return list
}

// TestWorkflowRules: what holds for every workflow, whatever its steps do.
func TestWorkflowRules(t *testing.T) {
	mayWrite := map[string]map[string]string{
		"nightly measure": {"contents": "write"},
		"nightly publish": {"pages": "write", "id-token": "write"},
	}
	for _, name := range workflowFiles {
		w := readWorkflow(t, name)
		if w.Permissions == nil {
			t.Errorf("%s: without permissions every job has the token's own", name)
		}
		for scope, access := range w.Permissions {
			if access != "read" {
				t.Errorf("%s: every job may %s %s", name, access, scope)
			}
		}
		for _, job := range w.jobs(t) {
			if !maps.Equal(job.Permissions, mayWrite[w.Name+" "+job.id]) {
				t.Errorf("%s: job %s has the permissions %v", name, job.id, job.Permissions)
			}
			if job.RunsOn == "" || job.Timeout == 0 {
				t.Errorf("%s: job %s needs runs-on and timeout-minutes", name, job.id)
			}
			checkSteps(t, name+": job "+job.id, job.Steps)
		}
	}
	a := readAction(t)
	checkSteps(t, "action.yml", a.Runs.Steps)
	for _, s := range a.Runs.Steps {
		if s.Run != "" && s.Shell == "" {
			t.Errorf("action.yml: step %q: a step of an action names its shell", s.Name)
		}
	}
}

func checkSteps(t *testing.T, where string, steps []workflowStep) {
	t.Helper()
	versions := []string{"actions/checkout@v4", "actions/setup-go@v5", "actions/upload-artifact@v4",
		"actions/configure-pages@v5", "actions/upload-pages-artifact@v3", "actions/deploy-pages@v4"}
	for _, s := range steps {
		// A text that comes from outside must be a word of a script, never a part of it.
		if strings.Contains(s.Run, "${{") {
			t.Errorf("%s: step %q: an expression within a script", where, s.Name)
		}
		if (s.Run == "") == (s.Uses == "") {
			t.Errorf("%s: step %q has to have one of run and uses", where, s.Name)
		}
		if s.Uses != "" && !slices.Contains(versions, s.Uses) {
			t.Errorf("%s: %s is none of %v", where, s.Uses, versions)
		}
	}
}

// TestWorkflowEvents: two nights never run at once, and code of a fork never runs with a token that can write.
func TestWorkflowEvents(t *testing.T) {
	nightly, pull := readWorkflow(t, "nightly.yml"), readWorkflow(t, "pull-request.yml")
	var concurrency struct {
		Group  string `yaml:"group"`
		Cancel string `yaml:"cancel-in-progress"`
	}
	if err := nightly.Concurrency.Decode(&concurrency); err != nil || concurrency.Group == "" || concurrency.Cancel != "false" {
		t.Errorf("nightly.yml: concurrency: %+v, %v", concurrency, err)
	}
	var events map[string]yaml.Node
	if err := pull.On.Decode(&events); err != nil {
		t.Fatal(err)
	}
	if _, ok := events["pull_request"]; !ok || len(events) != 1 {
		t.Errorf("pull-request.yml runs on %v", slices.Collect(maps.Keys(events)))
	}
	for _, job := range pull.jobs(t) {
		for _, s := range job.Steps {
			if strings.HasPrefix(s.Uses, "actions/checkout") && s.With["persist-credentials"] != "false" {
				t.Errorf("pull-request.yml: job %s leaves the token where the code of a fork can read it", job.id)
			}
		}
	}
}

// TestChecksStandInCI: what a pull request's checks run is what .ci/run runs, so that the two don't drift apart.
func TestChecksStandInCI(t *testing.T) {
	ci := string(readText(t, filepath.Join(".ci", "run")))
	found := 0
	for _, job := range readWorkflow(t, "pull-request.yml").jobs(t) {
		if job.id == "compare" {
			continue
		}
		for _, s := range job.Steps {
			for line := range strings.Lines(s.Run) {
				line = strings.TrimSpace(line)
				if !strings.HasPrefix(line, "go ") {
					continue
				}
				if strings.Contains(line, "actionlint") && !strings.Contains(ci, "actionlint") {
					t.Logf(".ci/run does not lint workflows yet: %s", line)
					continue
				}
				found++
				if !strings.Contains(ci, line) {
					t.Errorf("pull-request.yml: job %s: .ci/run has no %q", job.id, line)
				}
			}
		}
	}
	if found < 5 {
		t.Errorf("only %d commands were found", found)
	}
}

// A module is a repository with a small Go module in it, as others see it: bare, with a main branch of two commits and
// a pull request of one more.
type module struct {
	origin, base, head string
}

func newModule(t *testing.T) module {
	t.Helper()
	for _, need := range []string{"git", "bash"} {
		if _, err := exec.LookPath(need); err != nil {
			t.Skipf("workflows need %s, which is not here", need)
		}
	}
	work := t.TempDir()
	m := module{origin: filepath.Join(t.TempDir(), "origin.git")}
	writeFiles(t, work, map[string]string{"go.mod": "module example.com/sum\n\ngo 1.24\n", "sum_test.go": `package sum

import "testing"

var sink uint64

func BenchmarkSum(b *testing.B) {
	for b.Loop() {
		for i := range uint64(100) {
			sink += i * i
		}
	}
}
`})
	// The one thing of this project that its nightly workflow finds in the checkout.
	push := filepath.Join(".github", "push-history")
	if err := os.MkdirAll(filepath.Join(work, ".github"), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(work, push), readText(t, push), 0o777); err != nil {
		t.Fatal(err)
	}
	commit := func(name string) string {
		writeFiles(t, work, map[string]string{name: name + "\n"})
		gitIn(t, work, "add", ".")
		gitIn(t, work, "commit", "-q", "-m", name)
		return gitIn(t, work, "rev-parse", "HEAD")
	}
	gitIn(t, work, "init", "-q")
	m.base = commit("first")
	gitIn(t, work, "tag", "v1")
	gitIn(t, work, "checkout", "-q", "-b", "theirs")
	m.head = commit("change")
	gitIn(t, work, "checkout", "-q", "main")
	commit("second")
	gitIn(t, work, "clone", "-q", "--bare", work, m.origin)
	gitIn(t, m.origin, "update-ref", "refs/pull/1/head", m.head)
	gitIn(t, m.origin, "branch", "-q", "-D", "theirs") // it is a fork's
	gitIn(t, work, "merge", "-q", "-m", "merge", "theirs")
	gitIn(t, work, "push", "-q", m.origin, "HEAD:refs/pull/1/merge")
	return m
}

// A conclusion is what a workflow's jobs came to: success, failure or skipped.
type conclusion struct {
	jobs    map[string]string
	runners map[string]*runner
	calls   [][]string // of the stubs, in order
}

// A trigger is what starts a workflow.
type trigger struct {
	ref     string
	context map[string]string
	env     []string
}

// run runs a workflow's jobs, each on a machine of its own, with stubs for go, gofmt and tunelab.
func (m module) run(t *testing.T, w *workflow, by trigger) conclusion {
	t.Helper()
	stubs, record := t.TempDir(), filepath.Join(t.TempDir(), "record")
	for _, name := range []string{"go", "gofmt"} {
		if err := os.WriteFile(filepath.Join(stubs, name), readText(t, filepath.Join("testdata", "workflows", "stub")), 0o777); err != nil {
			t.Fatal(err)
		}
	}
	by.env = append(by.env, "STUB_RECORD="+record)
	c := m.runWith(t, w, by, stubs)
	c.calls = readCalls(t, record)
	return c
}

func (m module) runWith(t *testing.T, w *workflow, by trigger, path ...string) conclusion {
	t.Helper()
	c := conclusion{map[string]string{}, map[string]*runner{}, nil}
	needs := map[string]string{}
	for _, job := range w.jobs(t) {
		r := m.runner(t, by, path)
		maps.Copy(r.context, needs)
		for _, other := range job.Needs {
			if c.jobs[other] == "" {
				t.Errorf("job %s needs %s, which does not stand before it", job.id, other)
			}
			r.red = r.red || c.jobs[other] != "success"
		}
		c.jobs[job.id], c.runners[job.id] = "skipped", r
		if !r.wants(job.If) {
			continue
		}
		r.red = false
		env := map[string]string{}
		for _, more := range []map[string]string{w.Env, job.Env} {
			for name, text := range more {
				env[name] = r.expand(text)
			}
		}
		r.steps(job.Steps, w.Defaults.Run.Shell, env)
		c.jobs[job.id] = "success"
		if r.red {
			c.jobs[job.id] = "failure"
		}
		for name, text := range job.Outputs {
			needs["needs."+job.id+".outputs."+name] = r.expand(text)
		}
		r.expand(job.Environment["url"])
	}
	return c
}

func (m module) runner(t *testing.T, by trigger, path []string) *runner {
	t.Helper()
	r := &runner{t: t, origin: m.origin, ref: by.ref, dir: t.TempDir(), temp: t.TempDir(), path: path, uploads: map[string]string{}}
	r.context = map[string]string{"runner.temp": r.temp, "github.ref": by.ref, "vars.TUNELAB_PAGES": "", "inputs.budget": ""}
	maps.Copy(r.context, by.context)
	// No identity and nobody's configuration: a runner has neither.
	r.env = append(goEnvironment(t), "HOME="+t.TempDir(), "GIT_CONFIG_NOSYSTEM=1", "CI=true", "GITHUB_ACTIONS=true",
		"GITHUB_SHA="+gitIn(t, m.origin, "rev-parse", "main"))
	r.env = append(r.env, by.env...)
	return r
}

// readCalls reads what testdata/workflows/stub recorded.
func readCalls(t *testing.T, record string) [][]string {
	t.Helper()
	var calls [][]string
	for words := strings.Split(string(readText(t, record)), "\x00"); len(words) > 1; {
		n, err := strconv.Atoi(words[0])
		if err != nil || n >= len(words) {
			t.Fatalf("%s: %q", record, words)
		}
		calls = append(calls, words[1:n+1])
		words = words[n+1:]
	}
	return calls
}
