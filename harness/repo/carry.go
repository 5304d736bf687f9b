package repo

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
)

// Inside returns a path of the work tree relative to the repository's root, with slashes; it may be absolute, or relative to
// the folder that prefix names.
func (r *Repo) Inside(prefix, name string) (string, error) {
	abs := name
	if !filepath.IsAbs(abs) {
		abs = filepath.Join(r.Top, filepath.FromSlash(prefix), filepath.FromSlash(name))
	}
	rel, err := filepath.Rel(r.Top, abs)
	if err != nil || !filepath.IsLocal(rel) {
		return "", fmt.Errorf("%s is outside of the repository %s", name, r.Top)
	}
	return filepath.ToSlash(rel), nil
}

// Untracked returns the files of the work tree that git does not track, ignored ones too, in the folders or files named,
// which are pathspecs of git relative to the root. A repository that is nested in it, and untracked, is one entry that ends with a slash.
func (r *Repo) Untracked(ctx context.Context, paths ...string) ([]string, error) {
	out, err := r.git(ctx, append([]string{"ls-files", "--others", "-z", "--"}, paths...)...)
	if err != nil {
		return nil, fmt.Errorf("listing the files that git does not track: %w", err)
	}
	return fields(out), nil
}

// literal is a pathspec that means this path and nothing else.
func literal(name string) string { return ":(top,literal)" + name }

// ignored returns the files of the work tree below a folder that git ignores.
func (r *Repo) ignored(ctx context.Context, dir string) ([]string, error) {
	out, err := r.git(ctx, "--literal-pathspecs", "ls-files", "--others", "--ignored", "--exclude-standard", "-z", "--", "./"+dir)
	if err != nil {
		return nil, fmt.Errorf("listing the files that git ignores: %w", err)
	}
	return fields(out), nil
}

// carry copies what the user named, as far as git does not track it and the checkout has no such file.
func (t *Tree) carry(ctx context.Context, paths []string) error {
	for _, name := range paths {
		rel, err := t.repo.Inside("", name)
		if err != nil {
			return fmt.Errorf("carrying %s: %w", name, err)
		}
		if _, err := os.Lstat(filepath.Join(t.repo.Top, filepath.FromSlash(rel))); err != nil {
			return fmt.Errorf("carrying %s: the work tree has no such file or folder", name)
		}
		list, err := t.repo.Untracked(ctx, literal(rel))
		if err != nil {
			return fmt.Errorf("carrying %s: %w", name, err)
		}
		if len(list) == 0 {
			return fmt.Errorf("carrying %s: git tracks all of it, so that checkouts have it as their commit has", name)
		}
		for _, file := range list {
			if err := t.copyIn(strings.TrimSuffix(file, "/")); err != nil {
				return fmt.Errorf("carrying %s: %w", name, err)
			}
		}
	}
	return nil
}

// copyIn copies a file or a folder of the work tree into the checkout, links as links. What the checkout has stays.
func (t *Tree) copyIn(rel string) error {
	from := filepath.Join(t.repo.Top, filepath.FromSlash(rel))
	return filepath.WalkDir(from, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		to := t.moved(name)
		if d.IsDir() && d.Name() == ".git" {
			return filepath.SkipDir
		}
		if d.IsDir() {
			return os.MkdirAll(to, 0o777)
		}
		if err := os.MkdirAll(filepath.Dir(to), 0o777); err != nil {
			return err
		}
		if _, err := os.Lstat(to); err == nil || within(name, t.Root) {
			return nil
		}
		switch {
		case d.Type()&fs.ModeSymlink != 0:
			target, err := os.Readlink(name)
			if err != nil {
				return err
			}
			return os.Symlink(t.moved(target), to)
		case d.Type().IsRegular():
			return copyFile(name, to)
		}
		return nil // a socket or a pipe
	})
}

// mostNamed is how many files a hint names.
const mostNamed = 5

// missing matches what the go command, and programs, say of files that are not there.
var missing = regexp.MustCompile(`undefined: |no such file|not found|cannot find|no matching files|no required module|is not in std|no Go files|not exist|could not import|build constraints exclude`)

// Hints says what may have been lacking in the checkout when something failed in its folder at prefix: what the commit has
// and this clone has not, and files of the work tree that git ignores. The text is what the failure said.
func (t *Tree) Hints(ctx context.Context, prefix, text string) []string {
	var hints []string
	said := missing.MatchString(text)
	for _, l := range t.Lacks {
		if !strings.Contains(text, l.String()) && (said || strings.Contains(text, path.Base(l.Path))) {
			hints = append(hints, "the checkout lacks "+l.String())
		}
	}
	module := "."
	if dir := moduleAbove(filepath.Join(t.Top, filepath.FromSlash(prefix)), t.Top, "go.mod"); dir != "" {
		if rel, err := filepath.Rel(t.Top, dir); err == nil {
			module = filepath.ToSlash(rel)
		}
	}
	list, err := t.repo.ignored(ctx, module)
	if err != nil {
		return hints // it is a hint
	}
	var named, likely []string
	built := strings.Contains(text, t.Root) // by the go command in the checkout
	for _, file := range list {
		if _, err := os.Lstat(filepath.Join(t.Top, filepath.FromSlash(strings.TrimSuffix(file, "/")))); err == nil || within(filepath.Join(t.repo.Top, filepath.FromSlash(file)), t.Root) {
			continue
		}
		dir, base := path.Dir(file), path.Base(file)
		mine := dir == path.Clean("./"+prefix) || under(dir, path.Join(prefix, "testdata"))
		switch {
		case strings.Contains(text, file) || len(base) > 4 && strings.Contains(text, base):
			named = append(named, file)
		case said && built && path.Ext(file) == ".go" && mine:
			likely = append([]string{file}, likely...)
		case said && built && path.Ext(file) == ".go", said && mine && (!built || strings.Contains(text, "no matching files")):
			likely = append(likely, file)
		}
	}
	if len(named) == 0 {
		named = likely
	}
	if len(named) == 0 {
		return hints
	}
	more := ""
	if n := len(named) - mostNamed; n > 0 {
		named, more = named[:mostNamed], fmt.Sprintf(" and %d more", n)
	}
	return append(hints, fmt.Sprintf("git ignores what the work tree has and checkouts lack: %s%s; commit it, have the build make it, or copy it: --carry %s",
		strings.Join(named, ", "), more, named[0]))
}
