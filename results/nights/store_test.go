package nights

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tunelab/results/nights/gittrap"
)

// kinds are the specs of a store of each kind that does not exist yet, with the folder that they are opened in.
func kinds(t *testing.T) map[string][2]string {
	t.Helper()
	kinds := map[string][2]string{"folder": {filepath.Join(t.TempDir(), "deep", "nights"), "."}}
	if hasGit(t) {
		kinds["branch"] = [2]string{"git:tunelab-history", repository(t)}
	}
	return kinds
}

func hasGit(t *testing.T) bool {
	_, err := exec.LookPath("git")
	if err != nil {
		t.Log("git is missing: branches are not tested")
	}
	return err == nil
}

func git(t testing.TB, dir string, args ...string) string {
	t.Helper()
	cmd := exec.Command("git", append([]string{"-C", dir}, args...)...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("git %s: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

// lonely keeps the tester's own git configuration out.
func lonely(t *testing.T) {
	t.Helper()
	empty := filepath.Join(t.TempDir(), "gitconfig")
	if err := os.WriteFile(empty, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{
		"GIT_CONFIG_GLOBAL": empty, "GIT_CONFIG_NOSYSTEM": "1", "HOME": filepath.Dir(empty), "XDG_CONFIG_HOME": filepath.Dir(empty),
	} {
		t.Setenv(name, value)
	}
	for _, name := range []string{"GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL", "EMAIL"} {
		t.Setenv(name, "") // so that it is put back
		os.Unsetenv(name)
	}
}

// repository is one with a commit on main, and one that is being worked on.
func repository(t *testing.T) string {
	t.Helper()
	lonely(t)
	dir := t.TempDir()
	git(t, dir, "init", "-q", "-b", "main")
	if err := os.WriteFile(filepath.Join(dir, "a.go"), []byte("package a\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	git(t, dir, "add", "a.go")
	git(t, dir, "-c", "user.name=u", "-c", "user.email=u@example.org", "commit", "-q", "-m", "first")
	if err := os.WriteFile(filepath.Join(dir, "staged.go"), []byte("package a\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	git(t, dir, "add", "staged.go")
	if err := os.WriteFile(filepath.Join(dir, "a.go"), []byte("package a // changed\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	return dir
}

func opened(t *testing.T, spec, dir string) Store {
	t.Helper()
	s, err := Open(spec, dir)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestStore(t *testing.T) {
	for kind, where := range kinds(t) {
		store := opened(t, where[0], where[1])
		if _, err := Read(store); !errors.Is(err, ErrNone) {
			t.Errorf("%s: reading nothing: %v", kind, err)
		}
		var names []string
		for seed := range uint64(3) {
			name, err := store.Add(sample(2 - seed))
			if err != nil {
				t.Fatalf("%s: %v", kind, err)
			}
			names = append(names, name)
			if !strings.HasSuffix(name, ".txt") || !strings.Contains(name, "-"+sample(2 - seed).Commit[:12]+"-") {
				t.Errorf("%s: the name is %s", kind, name)
			}
		}
		slices.Reverse(names)
		c := Confirmation{Made: sample(1).Started, Package: "p", Benchmark: "B", Metric: "ns/op", From: "a/../b", To: "../../etc", After: "../../etc", Ratio: ptr(1.1)}
		if err := store.AddConfirmation(c); err != nil {
			t.Fatalf("%s: %v", kind, err)
		}
		h := readAll(t, opened(t, where[0], where[1]))
		if len(h.Nights) != 3 || len(h.Problems) > 0 || len(h.Confirmations) != 1 || *h.Confirmations[0].Ratio != 1.1 {
			t.Fatalf("%s: %d nights, %+v, %v", kind, len(h.Nights), h.Confirmations, h.Problems)
		}
		for i, n := range h.Nights {
			if n.File != names[i] || len(n.Points) != len(sample(0).Points) {
				t.Errorf("%s: night %d is of %s, want %s", kind, i, n.File, names[i])
			}
		}
		if _, err := store.Add(&Night{}); err == nil {
			t.Errorf("%s: a night without anything is kept", kind)
		}
		if err := store.AddConfirmation(Confirmation{}); err == nil {
			t.Errorf("%s: a confirmation without anything is kept", kind)
		}
	}
}

// Every writer opens the store anew, as other processes do.
func TestAddAtOnce(t *testing.T) {
	const writers, each = 6, 2
	for kind, where := range kinds(t) {
		var group sync.WaitGroup
		errs := make(chan error, writers*each)
		for w := range writers {
			group.Go(func() {
				store, err := Open(where[0], where[1])
				for i := 0; i < each && err == nil; i++ {
					n := sample(1)
					n.Points = n.Points[:3]
					n.Commit = fmt.Sprintf("%040d", w*each+i)
					_, err = store.Add(n)
				}
				errs <- err
			})
		}
		group.Wait()
		close(errs)
		for err := range errs {
			if err != nil {
				t.Errorf("%s: %v", kind, err)
			}
		}
		h := readAll(t, opened(t, where[0], where[1]))
		if len(h.Nights) != writers*each || len(h.Problems) > 0 {
			t.Errorf("%s: %d nights, want %d; %v", kind, len(h.Nights), writers*each, h.Problems)
		}
	}
}

func TestFolderLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	store := opened(t, dir, ".")
	name, err := store.Add(sample(1))
	if err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 || filepath.Join(dir, entries[0].Name()) != name {
		t.Errorf("%v, %v", entries, err)
	}
	// What a job leaves that died while it wrote is no night, and keeps nobody from adding.
	part := filepath.Join(dir, "."+filepath.Base(name)+".tmp")
	if err := os.WriteFile(part, []byte("goos: li"), 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Add(sample(2)); err != nil {
		t.Error(err)
	}
	if h := readAll(t, store); len(h.Nights) != 2 || len(h.Problems) > 0 {
		t.Errorf("%d nights, %v", len(h.Nights), h.Problems)
	}
	if _, err := folder(dir).write(filepath.Base(name), []byte("other")); !errors.Is(err, fs.ErrExist) {
		t.Errorf("another night of the same name: %v", err)
	}
	if text, err := os.ReadFile(name); err != nil || !bytes.Equal(text, encoded(t, sample(1))) {
		t.Error("it was changed", err)
	}
}

func TestOpenRefuses(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	specs := []string{"", file}
	if hasGit(t) {
		lonely(t)
		specs = append(specs, "git:nights") // no repository there
	}
	for _, spec := range specs {
		if _, err := Open(spec, dir); err == nil {
			t.Errorf("%q is opened", spec)
		}
	}
	if !hasGit(t) {
		return
	}
	for _, spec := range []string{"git:", "git:a..b", "git:a b", "git:-x^", "git:a/"} {
		if _, err := Open(spec, repository(t)); err == nil {
			t.Errorf("%q is opened", spec)
		}
	}
}

// state is all of a repository that is the user's: where HEAD is, what is staged, and the files.
func state(t *testing.T, dir string) string {
	t.Helper()
	index, err := os.ReadFile(filepath.Join(dir, ".git", "index"))
	if err != nil {
		t.Fatal(err)
	}
	var files strings.Builder
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() && d.Name() == ".git" {
			return fs.SkipDir
		}
		if err == nil && !d.IsDir() {
			text, e := os.ReadFile(path)
			fmt.Fprintf(&files, "%s: %s\n", path, text)
			err = e
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	head, err := os.ReadFile(filepath.Join(dir, ".git", "HEAD"))
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%s\n%s\n%x\n%s", head, git(t, dir, "rev-parse", "HEAD"), index, files.String())
}

func TestBranchTouchesNothingElse(t *testing.T) {
	if !hasGit(t) {
		t.Skip("git is missing")
	}
	dir := repository(t)
	sub := filepath.Join(dir, "sub")
	if err := os.Mkdir(sub, 0o777); err != nil {
		t.Fatal(err)
	}
	// As in a hook, where git says which repository it is about.
	t.Setenv("GIT_DIR", filepath.Join(t.TempDir(), "elsewhere"))
	store, err := Open("git:nights/one", sub)
	if err != nil {
		t.Fatal(err)
	}
	os.Unsetenv("GIT_DIR")
	before := state(t, dir)
	t.Setenv("GIT_INDEX_FILE", filepath.Join(dir, ".git", "index"))
	name, err := store.Add(sample(1))
	if err != nil {
		t.Fatal(err)
	}
	os.Unsetenv("GIT_INDEX_FILE")
	if after := state(t, dir); after != before {
		t.Errorf("before:\n%s\nafter:\n%s", before, after)
	}
	if text := git(t, dir, "show", name); text+"\n" != string(encoded(t, sample(1))) {
		t.Errorf("git show %s: %s", name, text)
	}
	if who := git(t, dir, "log", "--format=%an <%ae> %cn <%ce>", "nights/one"); who != "tunelab <tunelab@localhost> tunelab <tunelab@localhost>" {
		t.Errorf("committed by %s", who)
	}
	git(t, dir, "config", "user.name", "somebody")
	git(t, dir, "config", "user.email", "somebody@example.org")
	if _, err := store.Add(sample(2)); err != nil {
		t.Fatal(err)
	}
	if who := git(t, dir, "log", "-1", "--format=%an <%ae>", "nights/one"); who != "somebody <somebody@example.org>" {
		t.Errorf("committed by %s", who)
	}
	if problems := git(t, dir, "fsck", "--strict"); strings.Contains(problems, "error") {
		t.Error(problems)
	}
}

func TestBranchCheckedOut(t *testing.T) {
	if !hasGit(t) {
		t.Skip("git is missing")
	}
	dir := repository(t)
	git(t, dir, "branch", "nights")
	other := filepath.Join(t.TempDir(), "other")
	git(t, dir, "worktree", "add", "-q", other, "nights")
	empty := t.TempDir()
	git(t, empty, "init", "-q", "-b", "main")
	for _, where := range [][2]string{{"git:main", dir}, {"git:nights", dir}, {"git:main", other}, {"git:main", empty}} {
		if _, err := opened(t, where[0], where[1]).Add(sample(1)); err == nil || !strings.Contains(err.Error(), "checked out") {
			t.Errorf("%v: %v", where, err)
		}
	}
	// Without any commit another branch can be begun all the same.
	if _, err := opened(t, "git:nights", empty).Add(sample(1)); err != nil {
		t.Error(err)
	}
}

func TestBranchKeepsOtherFiles(t *testing.T) {
	if !hasGit(t) {
		t.Skip("git is missing")
	}
	dir := repository(t)
	git(t, dir, "branch", "pages")
	store := opened(t, "git:pages", dir)
	if _, err := store.Add(sample(1)); err != nil {
		t.Fatal(err)
	}
	if text := git(t, dir, "show", "pages:a.go"); text != "package a" {
		t.Errorf("a.go is now %q", text)
	}
	if h := readAll(t, store); len(h.Nights) != 1 || len(h.Problems) > 0 {
		t.Errorf("%d nights, %v", len(h.Nights), h.Problems)
	}
}

// Nights of other machines come by origin's branch, which this repository may not have itself, may be behind, or may have
// gone another way than.
func TestBranchOfOrigin(t *testing.T) {
	if !hasGit(t) {
		t.Skip("git is missing")
	}
	origin := repository(t)
	at := func(dir string, want ...uint64) {
		t.Helper()
		var got []uint64
		for _, n := range readAll(t, opened(t, "git:nights", dir)).Nights {
			got = append(got, uint64(n.Started.Day()-1))
		}
		if !slices.Equal(got, want) {
			t.Errorf("nights %v, want %v", got, want)
		}
	}
	add := func(dir string, seed uint64) {
		t.Helper()
		if _, err := opened(t, "git:nights", dir).Add(sample(seed)); err != nil {
			t.Fatal(err)
		}
	}
	add(origin, 1)
	clone := filepath.Join(t.TempDir(), "clone")
	git(t, filepath.Dir(clone), "clone", "-q", origin, clone)
	at(clone, 1)
	add(clone, 2)
	at(clone, 1, 2)
	git(t, clone, "push", "-q", "origin", "nights")

	add(origin, 3)
	git(t, clone, "fetch", "-q")
	at(clone, 1, 2, 3) // behind
	add(clone, 4)
	git(t, clone, "push", "-q", "origin", "nights")

	add(origin, 5)
	add(clone, 6)
	git(t, clone, "fetch", "-q")
	at(clone, 1, 2, 3, 4, 5, 6) // apart
	add(clone, 7)
	at(clone, 1, 2, 3, 4, 5, 6, 7)
	git(t, clone, "push", "-q", "origin", "nights")
	at(origin, 1, 2, 3, 4, 5, 6, 7)
	if merges := git(t, clone, "rev-list", "--merges", "--count", "nights"); merges != "1" {
		t.Errorf("%s merges; only night 7 had two to go on from", merges)
	}
	git(t, clone, "fsck", "--strict") // no name twice
}

// A lock that a dead git left is an error, and not waited for without end.
func TestBranchLocked(t *testing.T) {
	if !hasGit(t) {
		t.Skip("git is missing")
	}
	dir := repository(t)
	store := opened(t, "git:nights", dir)
	if _, err := store.Add(sample(1)); err != nil {
		t.Fatal(err)
	}
	lock := filepath.Join(dir, ".git", "refs", "heads", "nights.lock")
	if err := os.WriteFile(lock, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Add(sample(2)); err == nil || !strings.Contains(err.Error(), "nights.lock") {
		t.Errorf("%v", err)
	}
	if err := os.Remove(lock); err != nil {
		t.Fatal(err)
	}
	if h := readAll(t, store); len(h.Nights) != 1 {
		t.Errorf("%d nights", len(h.Nights))
	}
}

func TestNames(t *testing.T) {
	n := &Night{Started: time.Date(2026, 11, 27, 4, 41, 29, 0, time.FixedZone("", 3600)), Commit: "../ab/c\x00d0123456789"}
	if name := nightName(n); !strings.HasPrefix(name, "20261127-034129-abcd01234567-") || name == nightName(n) {
		t.Errorf("%s", name)
	}
}

// Nothing that a user or a repository has set for git runs when nights are kept and read.
func TestBranchRunsNothing(t *testing.T) {
	if !hasGit(t) {
		t.Skip()
	}
	lonely(t)
	dir := repository(t)
	ran := gittrap.Set(t, dir)
	store, err := Open("git:tunelab-history", dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := store.Add(sample(1)); err != nil {
		t.Fatal(err)
	}
	if err := store.AddConfirmation(Confirmation{Made: time.Unix(1, 0), From: "a", To: "b"}); err != nil {
		t.Fatal(err)
	}
	if h, err := Read(store); err != nil || len(h.Nights) != 1 || len(h.Confirmations) != 1 {
		t.Fatalf("%+v, %v", h, err)
	}
	if text := ran(); text != "" {
		t.Errorf("git ran\n%s", text)
	}
	exec.Command("git", "-C", dir, "update-ref", "refs/heads/other", "HEAD").Run()
	exec.Command("git", "-C", dir, "status").Run()
	if text := ran(); !strings.Contains(text, "reference-transaction") || !strings.Contains(text, "trap") {
		t.Errorf("the traps don't work: %q", text)
	}
}
