package repo

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"tunelab/results/nights/gittrap"
)

// repoOf makes a repository with these files, each state a commit, and returns it and the commits.
func repoOf(t *testing.T, states ...map[string]string) (*Repo, []string) {
	t.Helper()
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("git is not there")
	}
	dir := t.TempDir()
	run := func(args ...string) string {
		t.Helper()
		cmd := exec.Command("git", args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "GIT_AUTHOR_NAME=n", "GIT_AUTHOR_EMAIL=e", "GIT_COMMITTER_NAME=n", "GIT_COMMITTER_EMAIL=e", "GIT_CONFIG_GLOBAL=/dev/null")
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("git %s: %v\n%s", args, err, out)
		}
		return strings.TrimSpace(string(out))
	}
	run("init", "-q")
	var commits []string
	for i, files := range states {
		for name, text := range files {
			path := filepath.Join(dir, filepath.FromSlash(name))
			if text == "" {
				os.Remove(path)
				continue
			}
			os.MkdirAll(filepath.Dir(path), 0o777)
			if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
				t.Fatal(err)
			}
		}
		run("add", "-A")
		run("commit", "-q", "--allow-empty", "-m", "state "+string(rune('0'+i)))
		commits = append(commits, run("rev-parse", "HEAD"))
	}
	r, _, err := Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	return r, commits
}

const bench = "package p\n\nimport \"testing\"\n\nfunc BenchmarkX(b *testing.B) {}\nfunc BenchmarkÄ(b *testing.B) {}\nfunc helper() {}\n"

func TestPackages(t *testing.T) {
	r, commits := repoOf(t, map[string]string{
		"go.mod": "module m\n", "x_test.go": bench, "in/a b/y_test.go": bench, "in/testdata/z_test.go": bench, "vendor/v/v_test.go": bench,
		"_old/o_test.go": bench, ".hid/o_test.go": bench, "sub/go.mod": "module s\n", "sub/deep/s_test.go": bench, "in/y.go": bench,
		"none/n_test.go": "package n\n",
	}, map[string]string{"in/a b/y_test.go": "", "later/l_test.go": bench})
	show := func(list []Package) string {
		var out []string
		for _, p := range list {
			out = append(out, p.Dir+" in "+p.Module+": "+strings.Join(p.Benchmarks, " "))
		}
		return strings.Join(out, "\n")
	}
	first, err := r.Packages(t.Context(), commits[0], "")
	if err != nil {
		t.Fatal(err)
	}
	if want := ". in .: BenchmarkX BenchmarkÄ\nin/a b in .: BenchmarkX BenchmarkÄ\nsub/deep in sub: BenchmarkX BenchmarkÄ"; show(first) != want {
		t.Errorf("%s\nwant\n%s", show(first), want)
	}
	if err := os.WriteFile(filepath.Join(r.Top, "new_test.go"), []byte("package p\nfunc BenchmarkNew(b *testing.B) {}\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	now, err := r.Packages(t.Context(), "", "")
	if err != nil {
		t.Fatal(err)
	}
	if want := ". in .: BenchmarkNew BenchmarkX BenchmarkÄ\nlater in .: BenchmarkX BenchmarkÄ\nsub/deep in sub: BenchmarkX BenchmarkÄ"; show(now) != want {
		t.Errorf("%s\nwant\n%s", show(now), want)
	}
	if _, err := r.git(t.Context(), "config", "grep.lineNumber", "true"); err != nil { // what a user may like
		t.Fatal(err)
	}
	if again, err := r.Packages(t.Context(), commits[0], ""); err != nil || show(again) != show(first) {
		t.Errorf("%s, %v; want\n%s", show(again), err, show(first))
	}
	if path, err := r.ModulePath(t.Context(), commits[0], "sub"); err != nil || path != "s" {
		t.Errorf("%q, %v", path, err)
	}
	empty, bare := repoOf(t, map[string]string{"go.mod": "module m\n"})
	if list, err := empty.Packages(t.Context(), bare[0], ""); err != nil || len(list) > 0 {
		t.Errorf("without benchmarks: %v, %v", list, err)
	}
}

func TestSelect(t *testing.T) {
	list := []Package{{Dir: ".", Module: "."}, {Dir: "a", Module: "."}, {Dir: "a/b", Module: "."}, {Dir: "ab", Module: "."}, {Dir: "nested/x", Module: "nested"}}
	one := []string{".", "nested", "empty"}
	many := []Package{{Dir: "stray"}, {Dir: "in/a", Module: "in/a"}, {Dir: "in/b/x", Module: "in/b"}, {Dir: "in/b/c/y", Module: "in/b/c"}}
	mono := []string{"in/a", "in/b", "in/b/c", "in/none", "no"}
	for _, row := range []struct {
		list                   []Package
		modules                []string
		prefix, patterns, want string
	}{
		{list, one, "", "./...", ". a a/b ab, not ./nested/..."}, {list, one, "", "./a", "a"}, {list, one, "", "a/...", "a a/b"},
		{list, one, "a", "./...", "a a/b"}, {list, one, "a", ".", "a"}, {list, one, "a", "../ab ./b", "a/b ab"},
		{list, one, "", "./nested/...", "nested/x"}, {list, one, "", "./nested/x", "nested/x"}, {list, one, "nested", "./...", "nested/x"},
		{list, one, "", "./... ./nested/...", ". a a/b ab nested/x"}, {list, one, "", ". ./a ./a", ". a"},
		{list, one, "", "./x", "error"}, {list, one, "", "../x", "error"}, {list, one, "", "/abs", "error"}, {list, one, "", "./a...b", "error"},
		{list, one, "", "./empty/...", "error"},

		// Where no go.mod is at the folder or above it, all modules below are meant.
		{many, mono, "", "./...", "in/a in/b/c/y in/b/x"}, {many, mono, "in", "./...", "in/a in/b/c/y in/b/x"}, {many, mono, "", "./in/...", "in/a in/b/c/y in/b/x"},
		{many, mono, "in/b", "./...", "in/b/x, not ./c/..."}, {many, mono, "", "./in/b/...", "in/b/x, not ./in/b/c/..."}, {many, mono, "in/a", ". ../b/...", "in/a in/b/x, not ./in/b/c/..."},
		{many, mono, "", "./no/...", "error"},
		{many, append([]string{"."}, mono...), "in", "./...", "error: ./a/... ./b/... ./b/c/..."},             // a module at the root
		{many, append([]string{".."}, mono...), "", "./...", "stray, not ./in/a/... ./in/b/... ./in/b/c/..."}, // or above the repository
	} {
		found, err := Select(row.list, row.modules, row.prefix, strings.Fields(row.patterns))
		var dirs []string
		for _, p := range found.Packages {
			dirs = append(dirs, p.Dir)
		}
		got := strings.Join(dirs, " ")
		if len(found.Left) > 0 {
			got += ", not " + strings.Join(found.Left, " ")
		}
		if _, named, ok := strings.Cut(fmt.Sprint(err), "nested modules have some: "); ok {
			got = "error: " + named
		} else if err != nil {
			got = "error"
		}
		if got != row.want {
			t.Errorf("%s in %q: %s, want %s", row.patterns, row.prefix, got, row.want)
		}
	}
}

// TestAttributes: what attributes call a test file changes nothing of what is in it.
func TestAttributes(t *testing.T) {
	for _, attributes := range []string{"*_test.go -diff\n", "*_test.go binary\n", "*.go -text -diff\n", "* diff=none\n"} {
		r, commits := repoOf(t, map[string]string{"go.mod": "module m\n", "x_test.go": bench, "a/y_test.go": bench + "// \x00 in a string\n", ".gitattributes": attributes})
		for _, rev := range []string{commits[0], ""} {
			list, err := r.Packages(t.Context(), rev, "")
			if err != nil || len(list) != 2 || len(list[0].Benchmarks) != 2 || len(list[1].Benchmarks) != 2 {
				t.Errorf("%q at %q: %+v, %v", attributes, rev, list, err)
			}
		}
	}
}

// TestCheckout: the files are those of the commit, and nothing of the repository is written.
func TestCheckout(t *testing.T) {
	r, commits := repoOf(t, map[string]string{"a/f.txt": "one"}, map[string]string{"a/f.txt": "two", "g.txt": "x"})
	if err := os.WriteFile(filepath.Join(r.Top, "a", "f.txt"), []byte("mine"), 0o666); err != nil {
		t.Fatal(err)
	}
	t.Setenv("GIT_DIR", filepath.Join(r.Top, ".git")) // as in a hook
	t.Setenv("GIT_WORK_TREE", r.Top)
	before := snapshot(t, r.Top)
	for i, want := range []string{"one", "two"} {
		dir := filepath.Join(t.TempDir(), "out")
		tree, err := r.Checkout(t.Context(), commits[i], dir, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got, _ := os.ReadFile(filepath.Join(tree.Top, "a", "f.txt")); string(got) != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	changed, err := r.Changed(t.Context())
	if err != nil || !changed {
		t.Errorf("changed: %v, %v", changed, err)
	}
	if files, err := r.Differing(t.Context(), commits[0], commits[1]); err != nil || !slices.Equal(files, []string{"a/f.txt", "g.txt"}) {
		t.Errorf("differing: %q, %v", files, err)
	}
	if after := snapshot(t, r.Top); after != before {
		t.Errorf("the repository was written to:\n%s\nbefore\n%s", after, before)
	}
}

// snapshot lists every file with its size and time.
func snapshot(t *testing.T, dir string) string {
	t.Helper()
	var out []string
	err := filepath.Walk(dir, func(path string, info os.FileInfo, err error) error {
		if err == nil && !info.IsDir() {
			out = append(out, path+" "+info.ModTime().String())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(out, "\n")
}

func TestRevisions(t *testing.T) {
	r, commits := repoOf(t, map[string]string{"f": "1"}, map[string]string{"f": "2"}, map[string]string{"f": "3"})
	ctx := context.Background()
	c, err := r.Resolve(ctx, "HEAD~1")
	if err != nil || c.Hash != commits[1] || c.Subject != "state 1" {
		t.Errorf("%+v, %v", c, err)
	}
	for _, bad := range []string{"", "-x", "nosuch", "HEAD:f"} {
		if c, err := r.Resolve(ctx, bad); err == nil {
			t.Errorf("%q: %+v", bad, c)
		}
	}
	between, err := r.Between(ctx, commits[0], commits[2])
	if err != nil || len(between) != 2 || between[0] != commits[1] || between[1] != commits[2] {
		t.Errorf("between: %+v, %v", between, err)
	}
	if list, err := r.Between(ctx, commits[2], commits[0]); err == nil {
		t.Errorf("between, backwards: %+v", list)
	}
	sub, prefix, err := Open(ctx, filepath.Join(r.Top, "not", "there"))
	if err != nil || prefix != "not/there" || sub.Top != r.Top {
		t.Errorf("%+v, %q, %v", sub, prefix, err)
	}
	if _, _, err := Open(ctx, t.TempDir()); err == nil {
		t.Error("a folder without a repository was opened")
	}
}

// Nothing that a user or a repository has set for git runs when a repository is looked at and checked out.
func TestNothingRuns(t *testing.T) {
	r, commits := repoOf(t, map[string]string{"go.mod": "module m\n", "x_test.go": bench}, map[string]string{"go.mod": "module m\n\ngo 1.24\n"})
	ran := gittrap.Set(t, r.Top)
	if err := os.WriteFile(filepath.Join(r.Top, "go.mod"), []byte("module m\n\ngo 1.25\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	dir := filepath.Join(t.TempDir(), "checkout")
	for what, do := range map[string]func() error{
		"open":      func() error { _, _, err := Open(ctx, r.Top); return err },
		"resolve":   func() error { _, err := r.Resolve(ctx, "HEAD~1"); return err },
		"changed":   func() error { _, err := r.Changed(ctx); return err },
		"differing": func() error { _, err := r.Differing(ctx, commits[0], commits[1]); return err },
		"work tree": func() error { _, err := r.Differing(ctx, commits[0], ""); return err },
		"between":   func() error { _, err := r.Between(ctx, commits[0], commits[1]); return err },
		"tag":       func() error { r.IsTag(ctx, "v1"); r.LatestTag(ctx); return nil },
		"checkout":  func() error { _, err := r.Checkout(ctx, commits[0], dir, nil); return err },
		"module":    func() error { _, err := r.ModulePath(ctx, commits[0], ""); return err },
	} {
		before := ran()
		if err := do(); err != nil {
			t.Errorf("%s: %v", what, err)
		}
		if text := strings.TrimPrefix(ran(), before); text != "" {
			t.Errorf("%s: git ran\n%s", what, text)
		}
	}
	exec.Command("git", "-C", r.Top, "diff").Run()
	exec.Command("git", "-C", r.Top, "checkout", "--quiet", "--force", commits[0]).Run()
	if text := ran(); !strings.Contains(text, "post-checkout") || !strings.Contains(text, "trap") {
		t.Errorf("the traps don't work: %q", text)
	}
}
