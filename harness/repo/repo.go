// Package repo reads a git repository without touching it: revisions, what they differ in, which packages have
// benchmarks, and checkouts of them elsewhere.
//
// It runs git, and only commands that read. How a commit becomes a [Tree] that builds as the work tree does:
//
//  1. A folder is made that mirrors the file system round the repository: links to what lies beside it and above it,
//     copies of the go command's own files there (mirror.go).
//  2. In it, at the repository's path, git checks the commit out into a repository of its own, which borrows the objects
//     and has the settings that matter to files (checkout.go). `git worktree` would write into the user's.
//  3. Pointers of git-lfs are replaced by what they point to, submodules are checked out, as far as they are at hand, and
//     what the user wants to carry is copied (lfs.go, submodules.go, carry.go). What can't be had is a [Lack].
//  4. [Tree.Resolve] brings what git does not track and the go command uses all the same: go.work, vendor, folders that a
//     replace leads to (modules.go).
package repo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"

	"golang.org/x/mod/modfile"

	"tunelab/results/nights"
)

// A Repo is a git repository with a work tree.
type Repo struct {
	Top string // the work tree's root, absolute
}

// Open finds the repository that holds dir, which need not be there: its nearest parent that is decides. The prefix is
// dir relative to the root, with slashes, "" for the root.
func Open(ctx context.Context, dir string) (r *Repo, prefix string, err error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, "", fmt.Errorf("finding the repository of %s: %w", dir, err)
	}
	there, rest := abs, ""
	for {
		if info, err := os.Stat(there); err == nil && info.IsDir() {
			break
		}
		rest = filepath.Join(filepath.Base(there), rest)
		parent := filepath.Dir(there)
		if parent == there {
			return nil, "", fmt.Errorf("finding the repository of %s: no such folder", dir)
		}
		there = parent
	}
	r = &Repo{Top: there}
	out, err := r.git(ctx, "rev-parse", "--show-toplevel", "--show-prefix")
	if err != nil {
		return nil, "", fmt.Errorf("finding the git repository of %s: %w", dir, err)
	}
	top, inside, _ := strings.Cut(out, "\n")
	if top == "" {
		return nil, "", fmt.Errorf("the git repository of %s has no work tree", dir)
	}
	r.Top = filepath.FromSlash(top)
	prefix = strings.TrimPrefix(filepath.ToSlash(filepath.Join(filepath.FromSlash(strings.TrimSpace(inside)), rest)), "./")
	return r, strings.TrimSuffix(strings.TrimPrefix(prefix, "."), "/"), nil
}

// git runs a command in the repository and returns what it printed, without the last line's end.
func (r *Repo) git(ctx context.Context, args ...string) (string, error) {
	return gitIn(ctx, r.Top, args...)
}

func gitIn(ctx context.Context, dir string, args ...string) (string, error) {
	return command{dir: dir}.run(ctx, args...)
}

// A command is how git is run.
type command struct {
	dir   string
	env   []string // besides the usual
	stdin string
}

// run returns what git printed, without the last line's end.
func (c command) run(ctx context.Context, args ...string) (string, error) {
	// What users may have set to read output themselves would change what comes out here.
	usual := append(nights.GitSettings(), "-c", "core.quotePath=true", "-c", "grep.lineNumber=false", "-c", "grep.column=false",
		"-c", "grep.patternType=default", "-c", "grep.fullName=false", "-c", "submodule.recurse=false", "-c", "advice.detachedHead=false")
	cmd := exec.CommandContext(ctx, "git", append(usual, args...)...)
	cmd.Dir = c.dir
	cmd.Env = append(nights.GitEnvironment(), c.env...)
	if c.stdin != "" {
		cmd.Stdin = strings.NewReader(c.stdin)
	}
	var out, problem bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &problem
	err := cmd.Run()
	if errors.Is(err, exec.ErrNotFound) {
		return "", fmt.Errorf("git %s: %w; install git", args[0], err)
	}
	if err != nil {
		if text := strings.TrimSpace(problem.String()); text != "" {
			return out.String(), fmt.Errorf("git %s: %s", args[0], text)
		}
		return out.String(), fmt.Errorf("git %s: %w", args[0], err)
	}
	return strings.TrimSuffix(out.String(), "\n"), nil
}

// A Commit is one revision.
type Commit struct {
	Hash    string // full
	Subject string // first line of its message
}

// Short is enough of the hash for people.
func (c Commit) Short() string { return c.Hash[:min(12, len(c.Hash))] }

// Resolve returns the commit that a revision names: a branch, a tag, a hash, HEAD~3.
func (r *Repo) Resolve(ctx context.Context, rev string) (Commit, error) {
	if rev == "" || strings.HasPrefix(rev, "-") {
		return Commit{}, fmt.Errorf("%q is no git revision", rev)
	}
	hash, err := r.git(ctx, "rev-parse", "--verify", "--quiet", rev+"^{commit}")
	if err != nil {
		hint := ""
		if out, err := r.git(ctx, "rev-parse", "--is-shallow-repository"); err == nil && out == "true" {
			hint = "; the clone is shallow: fetch more of it (git fetch --unshallow, fetch-depth: 0)"
		}
		return Commit{}, fmt.Errorf("no revision %q in %s%s", rev, r.Top, hint)
	}
	subject, err := r.git(ctx, "show", "--no-patch", "--no-show-signature", "--format=%s", hash)
	if err != nil {
		return Commit{}, fmt.Errorf("reading the commit %s: %w", rev, err)
	}
	return Commit{hash, subject}, nil
}

// Changed reports whether tracked files of the work tree differ from HEAD.
func (r *Repo) Changed(ctx context.Context) (bool, error) {
	out, err := r.git(ctx, "status", "--porcelain", "--untracked-files=no")
	if err != nil {
		return false, fmt.Errorf("looking for changes in %s: %w", r.Top, err)
	}
	return out != "", nil
}

func fields(text string) []string {
	return strings.FieldsFunc(text, func(c rune) bool { return c == 0 })
}

// Between returns the hashes of the commits after old up to tip that are on the way of first parents, oldest first, tip included.
func (r *Repo) Between(ctx context.Context, old, tip string) ([]string, error) {
	out, err := r.git(ctx, "rev-list", "--reverse", "--first-parent", "--ancestry-path", old+".."+tip)
	if err == nil && out == "" { // tip is no descendant
		return nil, fmt.Errorf("%.12s is not before %.12s", old, tip)
	}
	if err != nil {
		return nil, fmt.Errorf("listing the commits between %.12s and %.12s: %w", old, tip, err)
	}
	return strings.Fields(out), nil
}

// IsTag reports whether the revision is the name of a tag.
func (r *Repo) IsTag(ctx context.Context, rev string) bool {
	_, err := r.git(ctx, "show-ref", "--verify", "--quiet", "refs/tags/"+rev)
	return err == nil
}

// LatestTag returns the newest tag that HEAD has among its ancestors, "" when there is none.
func (r *Repo) LatestTag(ctx context.Context) string {
	out, err := r.git(ctx, "describe", "--tags", "--abbrev=0")
	if err != nil {
		return ""
	}
	return out
}

// ModulePath returns the path of the module whose go.mod is in dir, relative to the root, at a revision; "" means the work
// tree.
func (r *Repo) ModulePath(ctx context.Context, rev, dir string) (string, error) {
	file := path.Join(dir, "go.mod")
	text, err := []byte(nil), error(nil)
	if rev == "" {
		text, err = os.ReadFile(filepath.Join(r.Top, filepath.FromSlash(file)))
	} else {
		var out string
		out, err = r.git(ctx, "show", rev+":"+file)
		text = []byte(out)
	}
	if err != nil {
		return "", fmt.Errorf("reading %s at %s: %w", file, said(rev), err)
	}
	if name := modfile.ModulePath(text); name != "" {
		return name, nil
	}
	return "", fmt.Errorf("%s at %s names no module", file, said(rev))
}
