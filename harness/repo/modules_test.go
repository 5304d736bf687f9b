package repo

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// golist runs go list in a folder and returns where package example.com/lib and example.com/gen come from.
func golist(t *testing.T, dir string, env map[string]string) string {
	t.Helper()
	cmd := exec.Command("go", "list", "-deps", "-f", `{{if not .Standard}}{{.ImportPath}}={{.Dir}}{{with .Module}}@{{.Version}}{{end}}{{end}}`, ".")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "PWD="+dir, "GOPROXY=off", "GOSUMDB=off")
	for name, value := range env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	out, err := cmd.CombinedOutput()
	if err != nil {
		return "error: " + string(out)
	}
	return strings.TrimSpace(string(out))
}

const libMod = "module example.com/lib\n\ngo 1.24\n"

// appMod requires a lib that is nowhere published, so that what is found is found here.
const appMod = "module example.com/app\n\ngo 1.24\n\nrequire example.com/lib v1.0.0\n"

// A resolvingRow is a way by which the go command finds lib.
type resolvingRow struct {
	name  string
	files map[string]string // beside ws/repo/app, which imports lib; committed if in ws/repo, unless ignored there
	env   map[string]string
	want  string // folder of lib relative to the place: "checkout:…" for one in the checkout
}

func resolving() []resolvingRow {
	return []resolvingRow{
		{"an ignored workspace", map[string]string{
			"ws/repo/go.work": "go 1.24\n\nuse (\n\t./app\n\t./lib\n)\n", "ws/repo/lib/go.mod": libMod, "ws/repo/lib/lib.go": "package lib\n",
			"ws/repo/.gitignore": "/go.work\n/lib\n",
		}, nil, "ws/repo/lib"},
		{"an ignored workspace of tracked modules", map[string]string{
			"ws/repo/go.work": "go 1.24\n\nuse (\n\t./app\n\t./lib\n)\n", "ws/repo/lib/go.mod": libMod, "ws/repo/lib/lib.go": "package lib\n",
			"ws/repo/.gitignore": "/go.work\n",
		}, nil, "checkout:ws/repo/lib"},
		{"a workspace above", map[string]string{
			"ws/go.work": "go 1.24\n\nuse (\n\t./repo/app\n\t./lib\n)\n", "ws/lib/go.mod": libMod, "ws/lib/lib.go": "package lib\n",
		}, nil, "ws/lib"},
		{"a workspace above that names folders by absolute paths", map[string]string{
			"ws/go.work": "go 1.24\n\nuse (\n\tPLACE/ws/repo/app\n\tPLACE/ws/repo/lib\n)\n", "ws/repo/lib/go.mod": libMod, "ws/repo/lib/lib.go": "package lib\n",
		}, nil, "checkout:ws/repo/lib"},
		{"a workspace elsewhere, by name", map[string]string{
			"other/go.work": "go 1.24\n\nuse (\n\t../ws/repo/app\n\t./lib\n)\n", "other/lib/go.mod": libMod, "other/lib/lib.go": "package lib\n",
		}, map[string]string{"GOWORK": "PLACE/other/go.work"}, "other/lib"},
		{"a workspace inside, by name", map[string]string{
			"ws/repo/dev/go.work": "go 1.24\n\nuse (\n\t../app\n\t./lib\n)\n", "ws/repo/dev/lib/go.mod": libMod, "ws/repo/dev/lib/lib.go": "package lib\n",
			"ws/repo/.gitignore": "/dev\n",
		}, map[string]string{"GOWORK": "PLACE/ws/repo/dev/go.work"}, "ws/repo/dev/lib"},
		{"a tracked workspace, by name", map[string]string{
			"ws/repo/dev/go.work": "go 1.24\n\nuse (\n\t../app\n\t./lib\n)\n", "ws/repo/dev/lib/go.mod": libMod, "ws/repo/dev/lib/lib.go": "package lib\n",
		}, map[string]string{"GOWORK": "PLACE/ws/repo/dev/go.work"}, "checkout:ws/repo/dev/lib"},
		{"a replacement outside", map[string]string{
			"ws/repo/app/go.mod": appMod + "\nreplace example.com/lib => ../../lib\n", "ws/lib/go.mod": libMod, "ws/lib/lib.go": "package lib\n",
		}, nil, "ws/lib"},
		{"a replacement far outside", map[string]string{
			"ws/repo/app/go.mod": appMod + "\nreplace example.com/lib => ../../../far/lib\n", "far/lib/go.mod": libMod, "far/lib/lib.go": "package lib\n",
		}, nil, "far/lib"},
		{"a replacement that git ignores", map[string]string{
			"ws/repo/app/go.mod": appMod + "\nreplace example.com/lib => ../gen/lib\n", "ws/repo/gen/lib/go.mod": libMod, "ws/repo/gen/lib/lib.go": "package lib\n",
			"ws/repo/.gitignore": "gen\n",
		}, nil, "ws/repo/gen/lib"},
		{"a replacement by an absolute path", map[string]string{
			"ws/repo/app/go.mod": appMod + "\nreplace example.com/lib => PLACE/ws/repo/lib\n", "ws/repo/lib/go.mod": libMod, "ws/repo/lib/lib.go": "package lib\n",
		}, nil, "checkout:ws/repo/lib"},
		{"an ignored vendor folder", map[string]string{
			"ws/repo/app/vendor/modules.txt": "# example.com/lib v1.0.0\n## explicit; go 1.24\nexample.com/lib\n", "ws/repo/app/vendor/example.com/lib/lib.go": "package lib\n",
			"ws/repo/.gitignore": "vendor\n",
		}, nil, "checkout:ws/repo/app/vendor/example.com/lib"},
		{"another go.mod, by its absolute path", map[string]string{
			"ws/repo/app/alt.mod": appMod + "\nreplace example.com/lib => ../lib\n", "ws/repo/lib/go.mod": libMod, "ws/repo/lib/lib.go": "package lib\n",
			"ws/repo/.gitignore": "alt.mod\n",
		}, map[string]string{"GOFLAGS": "-modfile=PLACE/ws/repo/app/alt.mod"}, "checkout:ws/repo/lib"},
		{"another go.mod, by a relative path", map[string]string{
			"ws/repo/app/alt.mod": appMod + "\nreplace example.com/lib => ../lib\n", "ws/repo/lib/go.mod": libMod, "ws/repo/lib/lib.go": "package lib\n",
			"ws/repo/.gitignore": "alt.mod\n",
		}, map[string]string{"GOFLAGS": "-modfile=alt.mod"}, "checkout:ws/repo/lib"},
		{"an ignored go.mod", map[string]string{
			"ws/repo/app/go.mod": appMod + "\nreplace example.com/lib => ../lib\n", "ws/repo/lib/go.mod": libMod, "ws/repo/lib/lib.go": "package lib\n",
			"ws/repo/.gitignore": "/app/go.mod\n",
		}, nil, "checkout:ws/repo/lib"},
		{"nothing", nil, nil, "error"},
	}
}

// TestResolve: the go command finds in a checkout, by what git tracks and by what it does not, the modules that it finds in
// the work tree: their own in the checkout where the commit has them, else the same folders.
func TestResolve(t *testing.T) {
	for _, row := range resolving() {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			dir, err := filepath.EvalSymlinks(t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			p := place{t, dir}
			files := map[string]string{"ws/repo/app/go.mod": appMod, "ws/repo/app/app.go": "package app\n\nimport _ \"example.com/lib\"\n"}
			for name, text := range row.files {
				files[name] = strings.ReplaceAll(text, "PLACE", p.dir)
			}
			p.write(files)
			p.git("ws/repo", "init", "-q")
			p.git("ws/repo", "add", "-A")
			p.git("ws/repo", "-c", "user.name=n", "-c", "user.email=e", "commit", "-q", "-m", "state")
			env := map[string]string{}
			for name, value := range row.env {
				env[name] = strings.ReplaceAll(value, "PLACE", p.dir)
			}
			checkResolved(t, p, env, row.want)
		})
	}
}

func checkResolved(t *testing.T, p place, env map[string]string, want string) {
	t.Helper()
	work := golist(t, p.path("ws/repo/app"), env)
	tree := p.checkout("ws/repo", "HEAD")
	more, err := tree.resolve(t.Context(), "app", env)
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range more {
		env[name] = value
	}
	got := golist(t, filepath.Join(tree.Top, "app"), env)
	if want == "error" {
		if !strings.HasPrefix(got, "error") {
			t.Error(got)
		}
		return
	}
	place, where, inside := strings.Cut(want, ":")
	dir := p.path(place)
	if inside {
		dir = filepath.Join(tree.Root, p.path(where))
	}
	line, _, _ := strings.Cut(got, "\n")
	if at, _, _ := strings.Cut(strings.TrimPrefix(line, "example.com/lib="), "@"); !samePlace(at, dir) {
		t.Errorf("lib is from\n%s\nwant\n%s; all: %s", at, dir, got)
	}
	if tree.Real(got) != work {
		t.Errorf("in the checkout\n%s\nin the work tree\n%s", tree.Real(got), work)
	}
	cmd := exec.Command("go", "build", "./...") // it takes all that, links too
	cmd.Dir = filepath.Join(tree.Top, "app")
	cmd.Env = append(os.Environ(), "PWD="+cmd.Dir, "GOPROXY=off", "GOSUMDB=off")
	for name, value := range env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("building: %v\n%s", err, out)
	}
}

func samePlace(a, b string) bool {
	x, errX := filepath.EvalSymlinks(a)
	y, errY := filepath.EvalSymlinks(b)
	return errX == nil && errY == nil && x == y
}

// TestWorkspaceOfOtherTimes: a module that a workspace uses and the commit has not yet is left out of it, not taken from the
// work tree.
func TestWorkspaceOfOtherTimes(t *testing.T) {
	p := place{t, t.TempDir()} // the go command keeps things in a home
	for _, name := range []string{"GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL"} {
		t.Setenv(name, "n")
	}
	p.write(map[string]string{"repo/app/go.mod": "module example.com/app\n\ngo 1.24\n", "repo/app/app.go": "package app\n", "repo/.gitignore": "go.work\n"})
	p.commit("repo")
	p.write(map[string]string{"repo/lib/go.mod": libMod, "repo/lib/lib.go": "package lib\n", "repo/go.work": "go 1.24\n\nuse (\n\t./app\n\t./lib\n)\n"})
	p.commit("repo")
	tree := p.checkout("repo", "HEAD~1")
	if _, err := tree.Resolve(t.Context(), "app"); err != nil {
		t.Fatal(err)
	}
	if got := golist(t, filepath.Join(tree.Top, "app"), nil); got != "example.com/app="+filepath.Join(tree.Top, "app")+"@" {
		t.Error(got)
	}
	if _, err := os.Stat(filepath.Join(tree.Top, "lib")); err == nil {
		t.Error("lib is there")
	}
}
