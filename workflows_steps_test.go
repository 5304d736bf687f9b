package main

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// A workflow is a file of .github/workflows, as far as this project uses the format: another key is an error.
type workflow struct {
	Name        string            `yaml:"name"`
	On          yaml.Node         `yaml:"on"`
	Concurrency yaml.Node         `yaml:"concurrency"`
	Permissions map[string]string `yaml:"permissions"`
	Env         map[string]string `yaml:"env"`
	Defaults    struct {
		Run struct {
			Shell string `yaml:"shell"`
		} `yaml:"run"`
	} `yaml:"defaults"`
	Jobs yaml.Node `yaml:"jobs"` // in the order of the file
}

type workflowJob struct {
	Name        string            `yaml:"name"`
	Needs       oneOrMore         `yaml:"needs"`
	If          string            `yaml:"if"`
	RunsOn      string            `yaml:"runs-on"`
	Timeout     int               `yaml:"timeout-minutes"`
	Permissions map[string]string `yaml:"permissions"`
	Environment map[string]string `yaml:"environment"`
	Outputs     map[string]string `yaml:"outputs"`
	Env         map[string]string `yaml:"env"`
	Steps       []workflowStep    `yaml:"steps"`
}

type workflowStep struct {
	Name    string            `yaml:"name"`
	ID      string            `yaml:"id"`
	If      string            `yaml:"if"`
	Uses    string            `yaml:"uses"`
	With    map[string]string `yaml:"with"`
	Run     string            `yaml:"run"`
	Shell   string            `yaml:"shell"`
	Dir     string            `yaml:"working-directory"`
	Timeout int               `yaml:"timeout-minutes"`
	Env     map[string]string `yaml:"env"`
}

// An actionFile is action.yml.
type actionFile struct {
	Name        string `yaml:"name"`
	Description string `yaml:"description"`
	Author      string `yaml:"author"`
	Inputs      map[string]struct {
		Description string `yaml:"description"`
		Default     string `yaml:"default"`
	} `yaml:"inputs"`
	Outputs map[string]struct {
		Description string `yaml:"description"`
		Value       string `yaml:"value"`
	} `yaml:"outputs"`
	Runs struct {
		Using string         `yaml:"using"`
		Steps []workflowStep `yaml:"steps"`
	} `yaml:"runs"`
}

type oneOrMore []string

func (l *oneOrMore) UnmarshalYAML(node *yaml.Node) error {
	if node.Kind == yaml.ScalarNode {
		*l = oneOrMore{node.Value}
		return nil
	}
	return node.Decode((*[]string)(l))
}

var statusFunction = regexp.MustCompile(`\b(always|cancelled|success|failure)\(\)`)

// A runner does what GitHub's runner does with a job's steps, as far as this project's workflows need it: no step's
// script is changed, and what a script finds in its environment is what it would find there.
type runner struct {
	t       *testing.T
	origin  string            // the repository that checkout clones
	ref     string            // what it checks out
	dir     string            // the workspace
	temp    string            // $RUNNER_TEMP
	env     []string          // what every step has
	context map[string]string // what expressions may name; a name that is not here is an error
	path    []string          // what $GITHUB_PATH came to
	red     bool              // whether a step failed
	ran     []string          // the names of the steps that ran
	uploads map[string]string // the paths that were uploaded, by action
	log     strings.Builder
}

// value works an expression out: contexts, literals, ||, &&, ==, != and the status functions, without parentheses.
func (r *runner) value(expr string) string {
	expr = strings.TrimSpace(expr)
	if left, right, ok := strings.Cut(expr, "||"); ok {
		if v := r.value(left); v != "" {
			return v
		}
		return r.value(right)
	}
	if left, right, ok := strings.Cut(expr, "&&"); ok {
		if r.value(left) == "" {
			return ""
		}
		return r.value(right)
	}
	for _, op := range []string{"==", "!="} {
		if left, right, ok := strings.Cut(expr, op); ok {
			return truth((r.value(left) == r.value(right)) == (op == "=="))
		}
	}
	if rest, ok := strings.CutPrefix(expr, "!"); ok {
		return truth(r.value(rest) == "")
	}
	if strings.HasPrefix(expr, "'") {
		return strings.Trim(expr, "'")
	}
	switch expr {
	case "always()":
		return "true"
	case "cancelled()":
		return ""
	case "success()":
		return truth(!r.red)
	}
	v, ok := r.context[expr]
	if !ok && !strings.HasPrefix(expr, "steps.") { // what a step that did not run has put out is empty
		r.t.Errorf("the expression %q names what this test does not give", expr)
	}
	return v
}

func truth(b bool) string {
	if b {
		return "true"
	}
	return ""
}

var expression = regexp.MustCompile(`(?s)\$\{\{(.*?)\}\}`)

func (r *runner) expand(text string) string {
	return expression.ReplaceAllStringFunc(text, func(e string) string { return r.value(e[3 : len(e)-2]) })
}

// wants says whether an if: lets a step or a job run; without a status function it also asks that nothing failed.
func (r *runner) wants(condition string) bool {
	if e := expression.FindStringSubmatch(condition); e != nil {
		condition = e[1]
	}
	if !statusFunction.MatchString(condition) && r.red {
		return false
	}
	return condition == "" || r.value(condition) != ""
}

// steps runs the steps of a job or of an action.
func (r *runner) steps(list []workflowStep, shell string, env map[string]string) {
	for _, s := range list {
		if !r.wants(s.If) {
			continue
		}
		r.ran = append(r.ran, s.Name)
		merged := maps.Clone(env)
		if merged == nil {
			merged = map[string]string{}
		}
		maps.Copy(merged, s.Env)
		var err error
		if s.Uses != "" {
			err = r.use(s)
		} else {
			err = r.script(s, shell, merged)
		}
		outcome := "success"
		if err != nil {
			fmt.Fprintf(&r.log, "step %q: %v\n", s.Name, err)
			outcome, r.red = "failure", true
		}
		if s.ID != "" {
			r.context["steps."+s.ID+".outcome"] = outcome
		}
	}
}

// script runs a step's text as it stands, by the shell that GitHub would take for it.
func (r *runner) script(s workflowStep, shell string, env map[string]string) error {
	files := r.t.TempDir()
	file := filepath.Join(files, "script.sh")
	output, path := filepath.Join(files, "output"), filepath.Join(files, "path")
	writeFiles(r.t, files, map[string]string{"script.sh": s.Run, "output": "", "path": "", "env": ""})
	args := []string{"-e", file}
	if s.Shell != "" {
		shell = s.Shell
	}
	if shell == "bash" {
		args = []string{"--noprofile", "--norc", "-eo", "pipefail", file}
	} else if shell != "" {
		r.t.Fatalf("step %q: there is no telling what the shell %q does", s.Name, shell)
	}
	cmd := exec.Command("bash", args...)
	cmd.Dir = filepath.Join(r.dir, r.expand(s.Dir))
	cmd.Env = append(slices.Clone(r.env), "GITHUB_OUTPUT="+output, "GITHUB_PATH="+path, "GITHUB_ENV="+filepath.Join(files, "env"),
		"GITHUB_WORKSPACE="+r.dir, "RUNNER_TEMP="+r.temp, "GITHUB_STEP_SUMMARY="+r.summary(),
		"PATH="+strings.Join(append(slices.Clone(r.path), pathWithoutUs()), string(filepath.ListSeparator)))
	for name, text := range env {
		cmd.Env = append(cmd.Env, name+"="+r.expand(text))
	}
	cmd.Stdout, cmd.Stderr = &r.log, &r.log
	err := cmd.Run()
	for _, line := range r.lines(output) {
		name, value, ok := strings.Cut(line, "=")
		if !ok || s.ID == "" {
			r.t.Errorf("step %q puts out %q, which nobody can read", s.Name, line)
		}
		r.context["steps."+s.ID+".outputs."+name] = value
	}
	r.path = append(r.lines(path), r.path...)
	if len(r.lines(filepath.Join(files, "env"))) > 0 {
		r.t.Errorf("step %q writes to $GITHUB_ENV, which this test does not hand on", s.Name)
	}
	return err
}

func (r *runner) summary() string { return filepath.Join(r.temp, "step-summary") }

func (r *runner) lines(file string) []string {
	text, err := os.ReadFile(file)
	if err != nil {
		r.t.Fatal(err)
	}
	return strings.FieldsFunc(string(text), func(c rune) bool { return c == '\n' })
}

// pathWithoutUs is PATH without the folder in which package testscript has put this test as tunelab: a workflow that
// finds tunelab there finds it only here.
func pathWithoutUs() string {
	return strings.Join(slices.DeleteFunc(filepath.SplitList(os.Getenv("PATH")), func(dir string) bool {
		_, err := os.Stat(filepath.Join(dir, "tunelab"))
		return err == nil
	}), string(filepath.ListSeparator))
}

// use does what the actions do that our workflows use, as far as later steps see it.
func (r *runner) use(s workflowStep) error {
	with := map[string]string{}
	for name, text := range s.With {
		with[name] = r.expand(text)
	}
	name, _, _ := strings.Cut(s.Uses, "@")
	switch name {
	case "actions/setup-go", "actions/configure-pages", "actions/deploy-pages":
		return nil
	case "actions/checkout":
		return r.checkout(with)
	case "actions/upload-artifact", "actions/upload-pages-artifact":
		for _, path := range strings.Fields(with["path"]) {
			if list, err := os.ReadDir(path); err != nil || len(list) == 0 {
				return fmt.Errorf("%s: nothing to upload at %s", s.Uses, path)
			}
		}
		r.uploads[name] = with["path"]
		return nil
	case "OWNER/tunelab":
		return r.useAction(s.ID, with)
	}
	return fmt.Errorf("there is no telling what %s does", s.Uses)
}

// checkout fetches as actions/checkout does: one commit, or with fetch-depth 0 all of every branch.
func (r *runner) checkout(with map[string]string) error {
	if with["repository"] != "" { // of tunelab itself
		here, err := os.Getwd()
		return errors.Join(err, os.Symlink(here, filepath.Join(r.dir, with["path"])))
	}
	refs := []string{"--depth=1", r.ref}
	if with["fetch-depth"] == "0" {
		refs = []string{r.ref, "+refs/heads/*:refs/remotes/origin/*"}
	}
	gitIn(r.t, r.dir, "init", "-q")
	gitIn(r.t, r.dir, "remote", "add", "origin", "file://"+r.origin)
	gitIn(r.t, r.dir, append([]string{"fetch", "-q", "origin"}, refs...)...)
	gitIn(r.t, r.dir, "checkout", "-q", "--detach", "FETCH_HEAD")
	return nil
}

// useAction runs action.yml of this project.
func (r *runner) useAction(id string, with map[string]string) error {
	here, err := os.Getwd()
	if err != nil {
		return err
	}
	a := readAction(r.t)
	inner := *r
	inner.log = strings.Builder{}
	inner.context = map[string]string{"github.action_path": here, "runner.temp": r.temp}
	for name, input := range a.Inputs {
		inner.context["inputs."+name] = input.Default
	}
	for name, value := range with {
		if _, ok := a.Inputs[name]; !ok {
			return fmt.Errorf("action.yml has no input %s", name)
		}
		inner.context["inputs."+name] = value
	}
	inner.red, inner.ran = false, nil
	inner.steps(a.Runs.Steps, "", nil)
	r.ran = append(r.ran, inner.ran...)
	r.log.WriteString(inner.log.String())
	for name, output := range a.Outputs {
		r.context["steps."+id+".outputs."+name] = inner.expand(output.Value)
	}
	if inner.red {
		return errors.New("the action failed")
	}
	return nil
}

// gitIn runs git in a folder without anybody's configuration, and returns what it prints.
func gitIn(t *testing.T, dir string, args ...string) string {
	t.Helper()
	cmd := exec.Command("git", append([]string{"-c", "user.name=test", "-c", "user.email=test@localhost", "-c", "init.defaultBranch=main"}, args...)...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_NOSYSTEM=1")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("git %q in %s: %v\n%s", args, dir, err, out)
	}
	return strings.TrimSpace(string(out))
}
