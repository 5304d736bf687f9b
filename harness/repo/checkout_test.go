package repo

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// A place is where tests make repositories: a folder with a home of its own.
type place struct {
	t   *testing.T
	dir string
}

func newPlace(t *testing.T) place {
	t.Helper()
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("git is not there")
	}
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("HOME", dir)
	t.Setenv("XDG_CONFIG_HOME", dir)
	t.Setenv("GIT_CONFIG_NOSYSTEM", "1")
	p := place{t, dir}
	p.write(map[string]string{".gitconfig": "[user]\n\tname = n\n\temail = e\n[protocol \"file\"]\n\tallow = always\n[init]\n\tdefaultBranch = main\n"})
	return p
}

func (p place) path(name string) string { return filepath.Join(p.dir, filepath.FromSlash(name)) }

func (p place) write(files map[string]string) {
	p.t.Helper()
	for name, text := range files {
		err := errors.Join(os.MkdirAll(filepath.Dir(p.path(name)), 0o777), os.WriteFile(p.path(name), []byte(text), 0o777))
		if err != nil {
			p.t.Fatal(err)
		}
	}
}

// git runs a command in a folder.
func (p place) git(dir string, args ...string) string {
	p.t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir = p.path(dir)
	out, err := cmd.CombinedOutput()
	if err != nil {
		p.t.Fatalf("git %s: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

// commit makes a repository of a folder, if it is none, and commits all that is in it.
func (p place) commit(dir string) string {
	p.t.Helper()
	if _, err := os.Stat(p.path(dir + "/.git")); err != nil {
		p.git(dir, "init", "-q")
	}
	p.git(dir, "add", "-A")
	p.git(dir, "commit", "-q", "--allow-empty", "-m", "state")
	return p.git(dir, "rev-parse", "HEAD")
}

// checkout checks a revision of the repository in dir out, and holds the repository against what it was.
func (p place) checkout(dir, rev string, carry ...string) *Tree {
	p.t.Helper()
	r, _, err := Open(p.t.Context(), p.path(dir))
	if err != nil {
		p.t.Fatal(err)
	}
	before := contents(p.t, p.path(dir))
	c, err := r.Resolve(p.t.Context(), rev)
	if err != nil {
		p.t.Fatal(err)
	}
	t, err := r.Checkout(p.t.Context(), c.Hash, filepath.Join(p.t.TempDir(), "rev-"+c.Short()), carry)
	if err != nil {
		p.t.Fatal(err)
	}
	if after := contents(p.t, p.path(dir)); after != before {
		p.t.Errorf("the repository was written to:\n%s\nbefore\n%s", after, before)
	}
	return t
}

// contents lists every file of a folder with its mode, its time and its contents.
func contents(t *testing.T, dir string) string {
	t.Helper()
	var out []string
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		line := fmt.Sprintf("%s %v %v", name, info.Mode(), info.ModTime())
		if info.Mode().IsRegular() {
			text, err := os.ReadFile(name)
			if err != nil {
				return err
			}
			line += fmt.Sprintf(" %x", sha256.Sum256(text))
		}
		out = append(out, line)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(out, "\n")
}

func (t *Tree) text(name string) string {
	text, err := os.ReadFile(filepath.Join(t.Top, filepath.FromSlash(name)))
	if err != nil {
		return "error: " + err.Error()
	}
	return string(text)
}

// TestSettings: files of a checkout are written as the repository's settings say, wherever those stand.
func TestSettings(t *testing.T) {
	for _, row := range []struct {
		name string
		set  func(p place)
		want string // of the file f.txt
	}{
		{"none", func(place) {}, "one\ntwo\n"},
		{"a filter", func(p place) {
			p.git("repo", "config", "filter.up.smudge", `sed 's/one/"ONE"/'`)
			p.git("repo", "config", "filter.up.clean", "cat")
			p.write(map[string]string{"repo/.git/info/attributes": "f.txt filter=up\n"})
		}, "\"ONE\"\ntwo\n"},
		{"a filter that is a process of git-lfs", func(p place) { // which need not be there
			p.git("repo", "config", "filter.lfs.process", "git-lfs filter-process")
			p.git("repo", "config", "filter.lfs.smudge", "git-lfs smudge -- %f")
			p.git("repo", "config", "filter.lfs.required", "true")
			p.write(map[string]string{"repo/.git/info/attributes": "f.txt filter=lfs\n"})
		}, "one\ntwo\n"},
		{"line ends", func(p place) { p.git("repo", "config", "core.autocrlf", "true") }, "one\r\ntwo\r\n"},
		{"line ends by an attribute", func(p place) {
			p.write(map[string]string{"repo/.git/info/attributes": "f.txt text\n"})
			p.git("repo", "config", "core.eol", "crlf")
		}, "one\r\ntwo\r\n"},
		{"attributes elsewhere", func(p place) {
			p.write(map[string]string{"attributes": "f.txt eol=crlf\n"})
			p.git("repo", "config", "core.attributesFile", "~/attributes")
		}, "one\r\ntwo\r\n"},
		{"settings for folders of the user's", func(p place) {
			p.write(map[string]string{"more.config": "[core]\n\tautocrlf = true\n"})
			p.git("repo", "config", "--global", "includeIf.gitdir:"+p.path("repo")+"/.path", p.path("more.config"))
		}, "one\r\ntwo\r\n"},
		{"hooks", func(p place) {
			hook := "#!/bin/sh\necho hook >>" + p.path("hooked") + "\n"
			p.write(map[string]string{"repo/.git/hooks/post-checkout": hook, "hooks/post-checkout": hook})
			p.git("repo", "config", "core.hooksPath", p.path("hooks"))
		}, "one\ntwo\n"},
		{"the work tree has other files", func(p place) { p.write(map[string]string{"repo/f.txt": "mine"}) }, "one\ntwo\n"},
	} {
		t.Run(row.name, func(t *testing.T) {
			p := newPlace(t)
			p.write(map[string]string{"repo/f.txt": "one\ntwo\n"})
			p.commit("repo")
			row.set(p)
			if got := p.checkout("repo", "HEAD").text("f.txt"); got != row.want {
				t.Errorf("%q, want %q", got, row.want)
			}
			if _, err := os.Stat(p.path("hooked")); err == nil {
				t.Error("a hook ran")
			}
		})
	}
}

// TestLinksAsFiles: where the work tree can't have links, checkouts have none either.
func TestLinksAsFiles(t *testing.T) {
	p := newPlace(t)
	p.write(map[string]string{"repo/f": "x"})
	if err := os.Symlink("f", p.path("repo/l")); err != nil {
		t.Skip(err)
	}
	p.commit("repo")
	p.git("repo", "config", "core.symlinks", "false")
	tree := p.checkout("repo", "HEAD")
	if info, err := os.Lstat(filepath.Join(tree.Top, "l")); err != nil || !info.Mode().IsRegular() {
		t.Errorf("%v, %v", info, err)
	}
}

// TestClones: whatever kind of clone it is, its commits can be checked out.
func TestClones(t *testing.T) {
	for _, row := range []struct {
		name string
		make func(p place)
		rev  string
	}{
		{"two commits deep", func(p place) { p.git(".", "clone", "-q", "--depth=2", "file://"+p.path("origin"), "clone") }, "HEAD~1"},
		{"one commit deep", func(p place) { p.git(".", "clone", "-q", "--depth=1", "file://"+p.path("origin"), "clone") }, "HEAD"},
		{"objects of another's", func(p place) { p.git(".", "clone", "-q", "--shared", "origin", "clone") }, "HEAD~1"},
		{"objects of another's, by a relative path", func(p place) {
			p.git(".", "clone", "-q", "--shared", "origin", "between")
			p.git(".", "clone", "-q", "--shared", "between", "clone")
			p.write(map[string]string{
				"clone/.git/objects/info/alternates":   "../../../between/.git/objects\n",
				"between/.git/objects/info/alternates": "../../../origin/.git/objects\n",
			})
		}, "HEAD~1"},
		{"a second work tree", func(p place) { p.git("origin", "worktree", "add", "-q", "--detach", "../clone") }, "HEAD~1"},
		{"a second work tree of a shallow clone", func(p place) {
			p.git(".", "clone", "-q", "--depth=2", "file://"+p.path("origin"), "shallow")
			p.git("shallow", "worktree", "add", "-q", "--detach", "../clone")
		}, "HEAD~1"},
		{"sparse", func(p place) {
			p.git(".", "clone", "-q", "origin", "clone")
			p.git("clone", "sparse-checkout", "set", "in")
		}, "HEAD~1"},
	} {
		t.Run(row.name, func(t *testing.T) {
			p := newPlace(t)
			for _, text := range []string{"one", "two", "three"} {
				p.write(map[string]string{"origin/in/f.txt": text, "origin/out/g.txt": text})
				p.commit("origin")
			}
			row.make(p)
			tree := p.checkout("clone", row.rev)
			if got, want := tree.text("in/f.txt"), map[string]string{"HEAD": "three", "HEAD~1": "two"}[row.rev]; got != want {
				t.Errorf("%q, want %q", got, want)
			}
			if out, err := gitIn(t.Context(), tree.Top, "log", "-1", "--format=%H:%ct"); err != nil || out == "" { // as the go command does
				t.Errorf("log: %q, %v", out, err)
			}
			if _, err := os.Stat(filepath.Join(tree.Top, "out", "g.txt")); (err != nil) != (row.name == "sparse") {
				t.Errorf("out/g.txt: %v", err)
			}
			if out, err := gitIn(t.Context(), tree.Top, "status", "--porcelain"); err != nil || out != "" {
				t.Errorf("status: %q, %v", out, err)
			}
		})
	}
	p := newPlace(t)
	p.write(map[string]string{"a b #\"c\"/f": "x"})
	p.commit("a b #\"c\"")
	if got := p.checkout("a b #\"c\"", "HEAD").text("f"); got != "x" {
		t.Errorf("a path with blanks and quotes: %q", got)
	}
}

func pointerTo(text string) string {
	return fmt.Sprintf("version https://git-lfs.github.com/spec/v1\noid sha256:%x\nsize %d\n", sha256.Sum256([]byte(text)), len(text))
}

func stored(store, text string) string {
	sum := fmt.Sprintf("%x", sha256.Sum256([]byte(text)))
	return store + "/objects/" + sum[:2] + "/" + sum[2:4] + "/" + sum
}

// TestPointers: files of git-lfs are what they point to, from wherever this clone has them; the rest is named.
func TestPointers(t *testing.T) {
	for _, row := range []struct {
		name  string
		set   func(p place)
		want  string
		lacks string
	}{
		{"fetched", func(p place) { p.write(map[string]string{stored("repo/.git/lfs", "large"): "large"}) }, "large", ""},
		{"in another store", func(p place) {
			p.git("repo", "config", "lfs.storage", "elsewhere")
			p.write(map[string]string{stored("repo/.git/elsewhere", "large"): "large"})
		}, "large", ""},
		{"with another name", func(p place) {
			p.git("repo", "config", "filter.big.smudge", "git-lfs smudge -- %f")
			p.write(map[string]string{stored("repo/.git/lfs", "large"): "large", "repo/.git/info/attributes": "*.bin filter=big\n"})
		}, "large", ""},
		{"in the work tree", func(p place) { p.write(map[string]string{"repo/d/x.bin": "large"}) }, "large", ""},
		{"another file in the work tree", func(p place) { p.write(map[string]string{"repo/d/x.bin": "LARGE"}) }, pointerTo("large"), "git lfs fetch"},
		{"nowhere", func(place) {}, pointerTo("large"), "git lfs fetch"},
		{"broken in the store", func(p place) { p.write(map[string]string{stored("repo/.git/lfs", "large"): "larg"}) }, pointerTo("large"), "git lfs fetch"},
	} {
		t.Run(row.name, func(t *testing.T) {
			p := newPlace(t)
			p.write(map[string]string{"repo/d/x.bin": pointerTo("large"), "repo/plain.txt": pointerTo("large"), "repo/d/y.bin": "itself", "repo/.gitattributes": "*.bin filter=lfs -text\n"})
			p.commit("repo")
			row.set(p)
			tree := p.checkout("repo", "HEAD")
			if got := tree.text("d/x.bin"); got != row.want {
				t.Errorf("%q, want %q", got, row.want)
			}
			if tree.text("plain.txt") != pointerTo("large") || tree.text("d/y.bin") != "itself" {
				t.Error("other files were changed")
			}
			lacks := ""
			for _, l := range tree.Lacks {
				lacks += l.String()
			}
			if (lacks == "") != (row.lacks == "") || !strings.Contains(lacks, row.lacks) {
				t.Errorf("lacks %q, want %q", lacks, row.lacks)
			}
			if out, err := gitIn(t.Context(), tree.Top, "status", "--porcelain"); err != nil || out != "" {
				t.Errorf("status: %q, %v", out, err)
			}
		})
	}
}

// TestSubmodules: those that are at hand are checked out at the commit's own state, in their own submodules too.
func TestSubmodules(t *testing.T) {
	for _, row := range []struct {
		name  string
		set   func(p place)
		want  string // what outer/f and outer/deep/inner/f hold
		lacks string // paths
	}{
		{"at hand", func(place) {}, "one in", ""},
		{"only in the repository's folder", func(p place) { p.git("repo", "submodule", "--quiet", "deinit", "-f", "outer") }, "one in", ""},
		{"with a folder of its own", func(p place) {
			err := errors.Join(os.RemoveAll(p.path("repo/outer")), os.RemoveAll(p.path("repo/.git/modules")))
			if err != nil {
				t.Fatal(err)
			}
			p.git("repo", "clone", "-q", "--recurse-submodules", p.path("outer"), "outer")
		}, "one in", ""},
		{"not initialised", func(p place) {
			if err := os.RemoveAll(p.path("repo")); err != nil {
				t.Fatal(err)
			}
			p.git(".", "clone", "-q", "repo.git", "repo")
		}, "error error", "outer"},
		{"without the commit", func(p place) {
			p.write(map[string]string{"outer/f": "two"})
			p.commit("outer")
			err := errors.Join(os.RemoveAll(p.path("repo/outer")), os.RemoveAll(p.path("repo/.git/modules")))
			if err != nil {
				t.Fatal(err)
			}
			p.git("repo", "clone", "-q", "--depth=1", "file://"+p.path("outer"), "outer")
		}, "error error", "outer"},
		{"the inner one missing", func(p place) {
			p.git("repo/outer", "submodule", "--quiet", "deinit", "-f", "deep/inner")
			if err := os.RemoveAll(p.path("repo/.git/modules/a.name/modules")); err != nil {
				t.Fatal(err)
			}
		}, "one error", "outer/deep/inner"},
	} {
		t.Run(row.name, func(t *testing.T) {
			p := newPlace(t)
			p.write(map[string]string{"inner/f": "in"})
			p.commit("inner")
			p.write(map[string]string{"outer/f": "one"})
			p.commit("outer")
			p.git("outer", "submodule", "--quiet", "add", p.path("inner"), "deep/inner")
			p.commit("outer")
			p.write(map[string]string{"repo/f": "x"})
			p.commit("repo")
			p.git("repo", "submodule", "--quiet", "add", "--name", "a.name", p.path("outer"), "outer")
			p.git("repo", "submodule", "--quiet", "update", "--init", "--recursive")
			p.commit("repo")
			p.git(".", "clone", "-q", "--bare", "repo", "repo.git")
			p.write(map[string]string{"repo/outer/f": "mine"}) // the work tree has moved on
			row.set(p)
			tree := p.checkout("repo", "HEAD")
			var got []string
			for _, name := range []string{"outer/f", "outer/deep/inner/f"} {
				text, _, _ := strings.Cut(tree.text(name), ":")
				got = append(got, text)
			}
			var lacks []string
			for _, l := range tree.Lacks {
				lacks = append(lacks, l.Path)
			}
			for _, l := range tree.Lacks { // what to do depends on what is there
				if fetch := strings.Contains(l.Why, "fetch origin"); fetch != (row.name == "without the commit") {
					t.Error(l)
				}
			}
			if strings.Join(got, " ") != row.want || strings.Join(lacks, " ") != row.lacks {
				t.Errorf("%q, lacks %q; want %q, lacks %q", got, lacks, row.want, row.lacks)
			}
		})
	}
}

// TestCarry: what git does not track is copied where the user asks for it, and nothing else.
func TestCarry(t *testing.T) {
	p := newPlace(t)
	p.write(map[string]string{"repo/.gitignore": "gen\n*.pb.go\n", "repo/a/a.go": "old"})
	p.commit("repo")
	p.write(map[string]string{"repo/a/a.go": "new", "repo/a/a.pb.go": "made", "repo/gen/deep/x": "data", "repo/a/plain.txt": "untracked", "repo/gen/nested/y": "n"})
	p.commit("repo/gen/nested")
	for _, row := range []struct {
		carry string
		want  string // a.go, a.pb.go, gen/deep/x, plain.txt, gen/nested/y
	}{
		{"", "old error error error error"}, {"a", "old made error untracked error"}, {"a/a.pb.go", "old made error error error"},
		{"gen", "old error data error n"}, {"gen a/a.pb.go", "old made data error n"}, {p.path("repo/a"), "old made error untracked error"},
	} {
		tree := p.checkout("repo", "HEAD", strings.Fields(row.carry)...)
		var got []string
		for _, name := range []string{"a/a.go", "a/a.pb.go", "gen/deep/x", "a/plain.txt", "gen/nested/y"} {
			text, _, _ := strings.Cut(tree.text(name), ":")
			got = append(got, text)
		}
		if strings.Join(got, " ") != row.want {
			t.Errorf("carrying %q: %q, want %q", row.carry, got, row.want)
		}
	}
	r := &Repo{Top: p.path("repo")}
	for carry, want := range map[string]string{"a/a.go": "git tracks all of it", "nosuch": "no such file", "../x": "outside"} {
		_, err := r.Checkout(t.Context(), p.git("repo", "rev-parse", "HEAD"), filepath.Join(t.TempDir(), "out"), []string{carry})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("carrying %s: %v, want %s", carry, err, want)
		}
	}
}

// TestHints checks that a failure names the ignored file that was missing.
func TestHints(t *testing.T) {
	p := newPlace(t)
	p.write(map[string]string{"repo/go.mod": "module m\n", "repo/.gitignore": "*.pb.go\n/a/testdata\n/other\n", "repo/a/a.go": "package a"})
	p.commit("repo")
	p.write(map[string]string{"repo/a/a.pb.go": "package a", "repo/a/testdata/words.txt": "w", "repo/other/gen.pb.go": "package other"})
	tree := p.checkout("repo", "HEAD")
	for _, row := range []struct{ text, want, not string }{
		{"building HEAD in " + tree.Top + "/a: ./a.go:1: undefined: Message", "a/a.pb.go", "words"},
		{"panic: open testdata/words.txt: no such file or directory", "a/testdata/words.txt", "pb.go"},
		{"no data: stat big: file does not exist", "a/testdata/words.txt", "other"},
		{"other/gen.pb.go is what it wants", "other/gen.pb.go", "words"},
		{"panic: index out of range", "", "git ignores"},
	} {
		got := strings.Join(tree.Hints(t.Context(), "a", row.text), "; ")
		if !strings.Contains(got, row.want) || strings.Contains(got, row.not) || (row.want == "") != (got == "") || got != "" && !strings.Contains(got, "--carry") {
			t.Errorf("%s: %q, want %q and not %q", row.text, got, row.want, row.not)
		}
	}
}

// TestMirror: what lies beside the repository and above it is found from the checkout as from the work tree.
func TestMirror(t *testing.T) {
	p := newPlace(t)
	p.write(map[string]string{"ws/repo/a/f": "x", "ws/lib/go.mod": "module lib\n", "shared/testdata/d": "data", "ws/go.work": "go 1.24\n\nuse " + p.path("ws/repo") + "/a\n", "ws/.git": "not ours"})
	p.commit("ws/repo")
	for i := range mostLinks { // too many to link them all
		p.write(map[string]string{fmt.Sprintf("many/f%d", i): ""})
	}
	p.write(map[string]string{"many/testdata/d": "data", "many/lib/go.mod": "module lib\n", "many/repo/go.mod": "module m\n\nreplace lib => ../lib\n"})
	p.commit("many/repo")
	large := p.checkout("many/repo", "HEAD")
	if _, err := large.Resolve(t.Context(), ""); err != nil || large.text("../testdata/d") != "data" || large.text("../lib/go.mod") != "module lib\n" {
		t.Errorf("in a large folder: %v, %q, %q", err, large.text("../testdata/d"), large.text("../lib/go.mod"))
	}
	tree := p.checkout("ws/repo", "HEAD")
	for name, want := range map[string]string{
		"../lib/go.mod": "module lib\n", "../../shared/testdata/d": "data", "a/f": "x", "../go.work": "go 1.24\n\nuse " + tree.Top + "/a\n",
		"../.git": "error",
	} {
		text := tree.text(name)
		if want == "error" {
			text, _, _ = strings.Cut(text, ":")
		}
		if text != want {
			t.Errorf("%s: %q, want %q", name, text, want)
		}
	}
	// No link leads back into the mirror.
	err := filepath.WalkDir(tree.Root, func(name string, d fs.DirEntry, err error) error {
		if err == nil && d.Type()&fs.ModeSymlink != 0 {
			if to, err := filepath.EvalSymlinks(name); err == nil && within(tree.Root, to) {
				t.Errorf("%s leads to %s", name, to)
			}
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	if within(tree.Root, p.path("shared")) || !slices.Contains([]string{tree.Root + p.path("ws/repo")}, tree.Top) {
		t.Errorf("%s in %s", tree.Top, tree.Root)
	}
	other := p.checkout("ws/repo", "HEAD")
	if len(other.Top)-len(other.Root) != len(tree.Top)-len(tree.Root) {
		t.Error("paths of two checkouts differ in length")
	}
}
