package repo

import (
	"strings"
	"testing"
)

// TestPlaces: all in which the work tree may differ from a commit, whatever git is told not to see, but for what tunelab
// writes itself.
func TestPlaces(t *testing.T) {
	for _, row := range []struct {
		name string
		set  func(p place)
		but  []string
		want string
	}{
		{"nothing", func(place) {}, nil, ""},
		{"a change", func(p place) { p.write(map[string]string{"repo/a/f.txt": "y"}) }, nil, "a/f.txt"},
		{"an untracked and an ignored file", func(p place) { p.write(map[string]string{"repo/a/new": "n", "repo/b.out": "o"}) }, nil, "a/new b.out"},
		{"folders", func(p place) { p.write(map[string]string{"repo/gen/x/y": "n", "repo/gen/z": "o", "repo/a/new/q": "q"}) }, nil, "a/new gen"},
		{"a repository in it", func(p place) { p.write(map[string]string{"repo/in/f": "f"}); p.commit("repo/in") }, nil, "in"},
		{"results", func(p place) { p.write(map[string]string{"repo/results/runs/r/bench.txt": "b"}) }, []string{"results/runs"}, ""},
		{"results and more", func(p place) { p.write(map[string]string{"repo/results/runs/r/b": "b", "repo/results/other": "o"}) }, []string{"results/runs"}, "results/other"},
		{"results beside what is tracked", func(p place) { p.write(map[string]string{"repo/a/runs/r/b": "b", "repo/a/runsx": "o"}) }, []string{"a/runs"}, "a/runsx"},
		{"pages and a summary", func(p place) { p.write(map[string]string{"repo/pages/i": "b", "repo/s.md": "o"}) }, []string{"pages", "s.md"}, ""},
		{"a change that git is told not to see", func(p place) {
			p.git("repo", "update-index", "--assume-unchanged", "a/f.txt")
			p.write(map[string]string{"repo/a/f.txt": "y"})
		}, nil, "a/f.txt"},
		{"settings of a user who looks elsewhere", func(p place) {
			p.git("repo", "config", "diff.relative", "true")
			p.git("repo", "config", "diff.noprefix", "true")
			p.git("repo", "config", "status.showUntrackedFiles", "no")
			p.write(map[string]string{"repo/a/f.txt": "y", "repo/new": "n"})
		}, nil, "a/f.txt new"},
	} {
		t.Run(row.name, func(t *testing.T) {
			p := newPlace(t)
			p.write(map[string]string{"repo/a/f.txt": "x", "repo/.gitignore": "*.out\n/gen\n"})
			hash := p.commit("repo")
			row.set(p)
			r := &Repo{Top: p.path("repo")}
			list, err := r.Places(t.Context(), hash, "", row.but)
			if got := strings.Join(list, " "); err != nil || got != row.want {
				t.Errorf("%q, %v; want %q", got, err, row.want)
			}
		})
	}
}

// TestModuleFiles: a difference in how modules are resolved is the revisions' own only where a file says so that counts.
func TestModuleFiles(t *testing.T) {
	p := newPlace(t)
	p.write(map[string]string{"repo/go.mod": "module m\n", "repo/a/a.go": "package a\n", "repo/other/go.mod": "module o\n", "repo/.gitignore": "/go.work\n/vendor\n/a/go.sum\n"})
	hash := p.commit("repo")
	r := &Repo{Top: p.path("repo")}
	for _, row := range []struct {
		name, text string
		all        bool
		want       string
	}{
		{"go.work", "go 1.24\n", true, ""}, {"vendor/modules.txt", "x", true, ""}, {"a/go.sum", "x", true, ""}, {"a/a.go", "package a // changed\n", true, ""},
		{"sub/go.work", "go 1.24\n", true, ""},
		{"other/go.mod", "module o // changed\n", false, ""}, {"other/go.mod", "module o // changed\n", true, "other/go.mod"},
		{"go.mod", "module m // changed\n", false, "go.mod"}, {"go.sum", "new", false, "go.mod go.sum"},
	} {
		p.write(map[string]string{"repo/" + row.name: row.text})
		list, err := r.ModuleFiles(t.Context(), hash, "", "a", row.all)
		if got := strings.Join(list, " "); err != nil || got != row.want {
			t.Errorf("%s, all %v: %q, %v; want %q", row.name, row.all, got, err, row.want)
		}
	}
}
