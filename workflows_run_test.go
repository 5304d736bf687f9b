package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var mainNight = trigger{ref: "refs/heads/main"}

// TestNightly runs the nightly workflow for every way that the gate may end. What was measured is kept and published in
// all of them, and the jobs that are red say which way it was.
func TestNightly(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name string
		env  []string
		want map[string]string
	}{
		{"passed", []string{"STUB_STATUS=0"}, map[string]string{"measure": "success", "publish": "success", "regression": "skipped", "unsayable": "skipped"}},
		{"regression", []string{"STUB_STATUS=1"}, map[string]string{"measure": "success", "publish": "success", "regression": "failure", "unsayable": "skipped"}},
		{"unsayable", []string{"STUB_STATUS=2"}, map[string]string{"measure": "success", "publish": "success", "regression": "skipped", "unsayable": "failure"}},
		{"unsayable at first", []string{"STUB_STATUS=2", "STUB_FAILS=history"}, map[string]string{"measure": "success", "publish": "success", "regression": "skipped", "unsayable": "failure"}},
		{"trends failed", []string{"STUB_FAILS=history"}, map[string]string{"measure": "failure", "publish": "success", "regression": "skipped", "unsayable": "skipped"}},
		{"interrupted", []string{"STUB_STATUS=143"}, map[string]string{"measure": "failure", "publish": "success", "regression": "skipped", "unsayable": "skipped"}},
		{"scenario failed", []string{"STUB_FAILS=run"}, map[string]string{"measure": "failure", "publish": "success", "regression": "skipped", "unsayable": "skipped"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			m := newModule(t)
			c := m.run(t, readWorkflow(t, "nightly.yml"), trigger{ref: mainNight.ref, env: row.env})
			for job, want := range row.want {
				if c.jobs[job] != want {
					t.Errorf("job %s: %s, want %s\n%s", job, c.jobs[job], want, &c.runners[job].log)
				}
			}
			measure := c.runners["measure"]
			if measure.uploads["actions/upload-artifact"] == "" {
				t.Errorf("no artifact\n%s", &measure.log)
			}
			front := string(readText(t, filepath.Join(measure.temp, "site", "index.html")))
			for _, part := range []string{"gate", "trend", "scenarios"} {
				if _, err := os.Stat(filepath.Join(measure.temp, "site", part, "index.html")); err != nil || !strings.Contains(front, part+"/index.html") {
					t.Errorf("part %s is not published: %v\n%s", part, err, front)
				}
			}
			if !strings.Contains(string(readText(t, measure.summary())), "# gate\n# history\n") {
				t.Error("the step summary has nothing of the gate and its history")
			}
			if nights := gitIn(t, m.origin, "ls-tree", "--name-only", "tunelab-history"); !strings.HasPrefix(nights, "night-") {
				t.Errorf("the night was not pushed: %q", nights)
			}
			for _, scenario := range []string{"raftcommit", "gc", "pgo", "statemachine"} {
				if !slices.ContainsFunc(c.calls, func(call []string) bool { return slices.Contains(call, scenario) && slices.Contains(call, "--quick") }) {
					t.Errorf("the quick form of %s was not run", scenario)
				}
			}
			checkCommandLines(t, c.calls)
		})
	}
}

// A run by hand on another branch is kept, but it is no night of the main one.
func TestNightlyByHand(t *testing.T) {
	t.Parallel()
	m := newModule(t)
	gitIn(t, m.origin, "branch", "trial", "main")
	c := m.run(t, readWorkflow(t, "nightly.yml"), trigger{ref: "refs/heads/trial", context: map[string]string{"inputs.budget": "3m"}})
	if c.jobs["measure"] != "success" || c.jobs["publish"] != "skipped" {
		t.Errorf("%v\n%s", c.jobs, &c.runners["measure"].log)
	}
	if branches := gitIn(t, m.origin, "branch", "--list", "tunelab-history"); branches != "" {
		t.Error("it was pushed to the history")
	}
	if gate := callsOf(c.calls, "gate"); len(gate) != 1 || !slices.Contains(gate[0], "3m") {
		t.Errorf("the budget that was asked for did not reach the gate: %q", gate)
	}
}

func TestPullRequest(t *testing.T) {
	t.Parallel()
	m := newModule(t)
	pull := trigger{ref: "refs/pull/1/merge", context: map[string]string{
		"github.event.pull_request.base.sha": gitIn(t, m.origin, "rev-parse", "main"),
		"github.event.pull_request.head.sha": m.head,
	}}
	c := m.run(t, readWorkflow(t, "pull-request.yml"), pull)
	for job, got := range c.jobs {
		if got != "success" {
			t.Errorf("job %s: %s\n%s", job, got, &c.runners[job].log)
		}
	}
	compare := callsOf(c.calls, "compare")
	if len(compare) != 1 || compare[0][2] != m.base || compare[0][3] != m.head {
		t.Errorf("compared were %q, want %s (where the branch began) and %s", compare, m.base, m.head)
	}
	if c.runners["compare"].uploads["actions/upload-artifact"] == "" {
		t.Error("no artifact")
	}
	checkCommandLines(t, c.calls)

	pull.env = []string{"STUB_FAILS=compare"}
	c = m.run(t, readWorkflow(t, "pull-request.yml"), pull)
	if c.jobs["compare"] != "failure" || c.runners["compare"].uploads["actions/upload-artifact"] == "" {
		t.Errorf("a comparison that failed: %s, uploads %v", c.jobs["compare"], c.runners["compare"].uploads)
	}
}

// TestAction: what CI.md tells other repositories to write works as it stands, by the action and without.
func TestAction(t *testing.T) {
	t.Parallel()
	documented := documentedWorkflows(t)
	if len(documented) != 2 {
		t.Fatalf("CI.md has %d workflows, want one with the action and one without", len(documented))
	}
	for i, w := range documented {
		for status, want := range map[string]string{"0": "success", "1": "failure", "2": "failure"} {
			m := newModule(t)
			c := m.run(t, w, trigger{ref: mainNight.ref, env: []string{"STUB_STATUS=" + status}})
			r := c.runners["gate"]
			if c.jobs["gate"] != want || r.uploads["actions/upload-artifact"] == "" {
				t.Errorf("block %d of CI.md, status %s: %s, want %s; uploads %v\n%s", i+1, status, c.jobs["gate"], want, r.uploads, &r.log)
			}
			for red, name := range map[string]string{"1": "A regression was confirmed", "2": "Nothing can be said"} {
				if i == 0 && slices.Contains(r.ran, name) != (status == red) {
					t.Errorf("status %s: the steps were %q", status, r.ran)
				}
			}
			if !strings.Contains(string(readText(t, r.summary())), "# gate") {
				t.Errorf("block %d of CI.md: no step summary", i+1)
			}
			gitIn(t, m.origin, "rev-parse", "--verify", "tunelab-history")
			checkCommandLines(t, c.calls)
		}
	}
}

// TestPushHistory: of two jobs that kept a night at the same time, the second joins the first's.
func TestPushHistory(t *testing.T) {
	t.Parallel()
	m := newModule(t)
	script, err := filepath.Abs(filepath.Join(".github", "push-history"))
	if err != nil {
		t.Fatal(err)
	}
	clones := []string{t.TempDir(), t.TempDir()}
	push := func(dir, history string) (string, error) {
		cmd := exec.Command("bash", script, history)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "HOME="+t.TempDir(), "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_NOSYSTEM=1")
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	keep := func(dir, night string) {
		t.Helper()
		blob := gitIn(t, dir, "hash-object", "-w", filepath.Join(dir, "go.mod"))
		gitIn(t, dir, "read-tree", "--empty")
		args := []string{"commit-tree", "-m", night}
		if parent, err := exec.Command("git", "-C", dir, "rev-parse", "-q", "--verify", "refs/heads/nights").Output(); err == nil {
			gitIn(t, dir, "read-tree", "nights")
			args = append(args, "-p", strings.TrimSpace(string(parent)))
		}
		gitIn(t, dir, "update-index", "--add", "--cacheinfo", "100644,"+blob+","+night)
		gitIn(t, dir, "update-ref", "refs/heads/nights", gitIn(t, dir, append(args, gitIn(t, dir, "write-tree"))...))
		gitIn(t, dir, "read-tree", "HEAD")
	}
	for _, dir := range clones {
		gitIn(t, dir, "clone", "-q", m.origin, ".")
		if out, err := push(dir, "git:nights"); err != nil || !strings.Contains(out, "no branch nights") {
			t.Errorf("before the first night: %v\n%s", err, out)
		}
	}
	// The first time neither knows of a branch; the second time both stand on it.
	for round, nights := range [][]string{{"a1", "b1"}, {"a2", "b2"}} {
		for i, dir := range clones {
			keep(dir, nights[i])
		}
		for _, dir := range clones {
			if out, err := push(dir, "git:nights"); err != nil {
				t.Fatalf("round %d: %v\n%s", round, err, out)
			}
		}
	}
	if got := gitIn(t, m.origin, "ls-tree", "--name-only", "nights"); got != "a1\na2\nb1\nb2" {
		t.Errorf("kept were %q", got)
	}
	for _, dir := range clones {
		if changed := gitIn(t, dir, "status", "--porcelain"); changed != "" {
			t.Errorf("the working tree was touched: %s", changed)
		}
	}
	if out, err := push(clones[0], "nights"); err != nil || !strings.Contains(out, "folder") {
		t.Errorf("a folder: %v\n%s", err, out)
	}
	gitIn(t, clones[0], "remote", "set-url", "origin", "file://"+filepath.Join(t.TempDir(), "nowhere"))
	if out, err := push(clones[0], "git:nights"); err == nil || !strings.Contains(out, "::error") {
		t.Errorf("a push that failed ended well\n%s", out)
	}
}

// What inputs hold is a word, whatever it would mean to a shell.
func TestActionInputs(t *testing.T) {
	t.Parallel()
	m := newModule(t)
	hostile := "$(touch pwned) `touch pwned`\"'; touch pwned\n# --out=elsewhere"
	w := documentedWorkflows(t)[0]
	for _, given := range []map[string]string{
		{"budget": "5s", "baseline": hostile, "config": hostile, "history": "nights", "summary": "false", "artifact": ""},
		{"push": "false", "confirm": "true"},
	} {
		r := m.runner(t, mainNight, nil)
		stubs, record := t.TempDir(), filepath.Join(t.TempDir(), "record")
		if err := os.WriteFile(filepath.Join(stubs, "go"), readText(t, filepath.Join("testdata", "workflows", "stub")), 0o777); err != nil {
			t.Fatal(err)
		}
		r.path, r.env = []string{stubs}, append(r.env, "STUB_RECORD="+record)
		job := w.jobs(t)[0]
		job.Steps[1].With = given
		r.steps(job.Steps, "", nil)
		if r.red {
			t.Errorf("%v: %s", given, &r.log)
		}
		if found, _ := filepath.Glob(filepath.Join(r.dir, "pwned")); found != nil {
			t.Errorf("%v: an input was run", given)
		}
		gate := oneCall(t, readCalls(t, record), "gate")
		for _, name := range []string{"budget", "baseline", "config", "history"} {
			at := slices.Index(gate, "--"+name)
			if value, ok := given[name]; ok && (at < 0 || gate[at+1] != value) {
				t.Errorf("input %s, %q, did not reach the gate as it is: %q", name, value, gate)
			}
		}
		if _, ok := given["summary"]; ok && (slices.Contains(gate, "--summary") || len(r.uploads) > 0) {
			t.Errorf("%v: summary or artifact all the same: %q, %v", given, gate, r.uploads)
		}
		if past := oneCall(t, readCalls(t, record), "history"); slices.Contains(past, "--confirm") != (given["confirm"] == "true") {
			t.Errorf("%v: %q", given, past)
		}
		if out := gitIn(t, m.origin, "branch", "--list", "tunelab-history"); out != "" {
			t.Errorf("%v: the history was pushed", given)
		}
	}
}

func callsOf(calls [][]string, subcommand string) [][]string {
	return slices.DeleteFunc(slices.Clone(calls), func(call []string) bool {
		return call[0] != "tunelab" || call[1] != subcommand
	})
}

func oneCall(t *testing.T, calls [][]string, subcommand string) []string {
	t.Helper()
	list := callsOf(calls, subcommand)
	if len(list) != 1 {
		t.Fatalf("tunelab %s was called %d times, want once: %q", subcommand, len(list), calls)
	}
	return list[0]
}

// checkCommandLines has the real command line read what workflows call tunelab with: every subcommand, flag and value.
func checkCommandLines(t *testing.T, calls [][]string) {
	t.Helper()
	calls = slices.DeleteFunc(slices.Clone(calls), func(call []string) bool { return call[0] != "tunelab" })
	if len(calls) == 0 {
		t.Error("tunelab was not called")
	}
	for _, call := range calls {
		// With --help flags are read and checked, and nothing is run. An unknown command gets the help of tunelab itself.
		var out, problems strings.Builder
		status := execute(append([]string{call[1], "--help"}, call[2:]...), &out, &problems)
		usage := regexp.MustCompile(`(?m)^  tunelab ` + regexp.QuoteMeta(call[1]) + `\b`)
		if status != exitOK || !usage.MatchString(out.String()) {
			t.Errorf("%q is not understood: status %d\n%s", call, status, &problems)
		}
	}
}
