package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"tunelab/harness/lock"
)

// TestCompareStep runs what a pull request is compared by, with the command itself instead of a stub.
func TestCompareStep(t *testing.T) {
	t.Parallel()
	m := newModule(t)
	r := m.realRunner(t, trigger{ref: "refs/pull/1/merge"})
	// Where package testscript has put this test as tunelab.
	r.path = slices.DeleteFunc(filepath.SplitList(os.Getenv("PATH")), func(dir string) bool {
		_, err := os.Stat(filepath.Join(dir, "tunelab"))
		return err != nil
	})
	if err := r.checkout(map[string]string{"fetch-depth": "0"}); err != nil {
		t.Fatal(err)
	}
	w := readWorkflow(t, "pull-request.yml")
	jobs := w.jobs(t)
	job := jobs[slices.IndexFunc(jobs, func(j namedJob) bool { return j.id == "compare" })]
	step := slices.IndexFunc(job.Steps, func(s workflowStep) bool { return strings.Contains(s.Run, "tunelab compare") })
	if step < 0 {
		t.Fatal("no step compares")
	}
	env := map[string]string{"BASE": gitIn(t, m.origin, "rev-parse", "main"), "HEAD": m.head, "BUDGET": "2s", "PACKAGES": "./..."}
	for name := range env {
		if _, ok := job.Env[name]; !ok {
			t.Errorf("the job has no %s", name)
		}
	}
	if err := r.script(job.Steps[step], w.Defaults.Run.Shell, env); err != nil {
		t.Errorf("%v\n%s", err, &r.log)
	}
	r.checkKept(t, filepath.Join(r.temp, "pages"))
}

// TestGateWorkflows runs what CI.md tells others to write, from the build of tunelab to the push of the history: two
// nights, one by the action and one without. It takes minutes.
func TestGateWorkflows(t *testing.T) {
	if os.Getenv("TUNELAB_TEST_SLOW") == "" {
		t.Skip("two nights take minutes: TUNELAB_TEST_SLOW=1 asks for them")
	}
	t.Parallel()
	m := newModule(t)
	work := t.TempDir()
	gitIn(t, work, "clone", "-q", m.origin, ".")
	change := string(readText(t, filepath.Join(work, "sum_test.go")))
	writeFiles(t, work, map[string]string{"sum_test.go": strings.Replace(change, "i * i", "i * i * i", 1)})
	if out, err := tunelab(work, "init").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	gitIn(t, work, "add", "sum_test.go", "tunelab.toml")
	gitIn(t, work, "commit", "-q", "-m", "a gate")
	gitIn(t, work, "push", "-q", "origin", "HEAD:main")
	nights := 0
	for _, i := range []int{0, 1} {
		w := documentedWorkflows(t)[i]
		job := w.jobs(t)[0]
		for _, s := range job.Steps {
			if s.Uses == "OWNER/tunelab@main" {
				s.With["budget"] = "30s"
			}
		}
		r := m.realRunner(t, trigger{ref: "refs/heads/main", env: []string{"BUDGET=30s"}})
		r.steps(job.Steps, w.Defaults.Run.Shell, nil)
		// What the gate says depends on the machine; that it is kept and shown does not.
		t.Logf("block %d of CI.md: red %v, steps %q\n%s", i+1, r.red, r.ran, &r.log)
		pages := filepath.Join(r.temp, "pages")
		if i == 0 {
			pages = filepath.Join(r.temp, "tunelab", "pages")
			if _, err := os.Stat(filepath.Join(pages, "trend", "index.html")); err != nil {
				t.Errorf("no trends: %v", err)
			}
		}
		r.checkKept(t, pages)
		nights++
		if got := strings.Fields(gitIn(t, m.origin, "ls-tree", "-r", "--name-only", "tunelab-history")); len(got) != nights {
			t.Errorf("after %d nights the history has %q", nights, got)
		}
	}
}

// realRunner is a runner whose tunelab waits for no other test's.
func (m module) realRunner(t *testing.T, by trigger) *runner {
	t.Helper()
	by.env = append(by.env, lock.PathVar+"="+filepath.Join(t.TempDir(), "lock"))
	return m.runner(t, by, nil)
}

func (r *runner) checkKept(t *testing.T, pages string) {
	t.Helper()
	if text, err := os.ReadFile(filepath.Join(pages, "index.html")); err != nil || !strings.Contains(string(text), "</html>") {
		t.Errorf("no page: %v\n%s", err, &r.log)
	}
	if text, err := os.ReadFile(r.summary()); err != nil || !strings.Contains(string(text), "tunelab ") {
		t.Errorf("the step summary is not ours: %v\n%s\n%s", err, text, &r.log)
	}
}
