package repo

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// A Tree is a checkout of one commit, with round it what is round the work tree.
type Tree struct {
	Root  string // the folder that all of it is in
	Top   string // the checkout: Root and behind it the absolute path of the repository's root
	Lacks []Lack // what the commit has and this clone has not

	repo     *Repo
	hash     string
	resolved map[string]map[string]string // by prefix: what Resolve returned
}

// A Lack is a file, or a folder, of a commit that can't be had here. Its place in the checkout holds a stand-in.
type Lack struct {
	Path string // relative to the repository's root, with slashes
	Why  string // what it is, and what to do
}

// String says what is lacking and what to do.
func (l Lack) String() string { return l.Path + ": " + l.Why }

// Checkout puts the files of a commit into the folder root, which must not be there yet, at the path that the repository
// has, as git worktree would: with its filters, its attributes and its kind of line ends. Nothing is written to the
// repository, no hook runs, and nothing is fetched. What carry names (files and folders relative to the root of the
// repository, or absolute) is copied from the work tree as far as git does not track it.
func (r *Repo) Checkout(ctx context.Context, hash, root string, carry []string) (*Tree, error) {
	abs, err := filepath.Abs(root)
	if err == nil {
		err = os.Mkdir(abs, 0o777)
	}
	if err == nil {
		abs, err = filepath.EvalSymlinks(abs) // processes see it so
	}
	if err != nil {
		return nil, fmt.Errorf("checking out %.12s: %w", hash, err)
	}
	t := &Tree{Root: abs, repo: r, hash: hash, resolved: map[string]map[string]string{}}
	t.Top = t.at(r.Top)
	if err := t.fill(ctx, carry); err != nil {
		return nil, fmt.Errorf("checking out %.12s: %w", hash, err)
	}
	return t, nil
}

func (t *Tree) fill(ctx context.Context, carry []string) error {
	if err := t.mirror(); err != nil {
		return err
	}
	git, err := t.repo.git(ctx, "rev-parse", "--absolute-git-dir")
	if err != nil {
		return fmt.Errorf("finding the repository's folder: %w", err)
	}
	if err := t.checkOut(ctx, newSource(filepath.FromSlash(git), t.repo.Top), t.hash, t.Top); err != nil {
		return err
	}
	if err := t.rebaseTracked(ctx); err != nil {
		return err
	}
	return t.carry(ctx, carry)
}

// A source is a repository that something is checked out of.
type source struct {
	git    string // its own folder, and
	common string // that of all of its work trees
	work   string // its work tree
}

func newSource(git, work string) source {
	s := source{git: git, common: git, work: work}
	if text, err := os.ReadFile(filepath.Join(git, "commondir")); err == nil {
		s.common = filepath.FromSlash(strings.TrimSpace(string(text)))
		if !filepath.IsAbs(s.common) {
			s.common = filepath.Join(git, s.common)
		}
	}
	return s
}

// run runs git on the source. The work tree that its settings name may be gone; git wants one that is there.
func (s source) run(ctx context.Context, args ...string) (string, error) {
	return command{dir: s.git, env: []string{"GIT_DIR=" + s.git, "GIT_WORK_TREE=" + s.git}}.run(ctx, args...)
}

// checkOut puts the files of a source's commit into dir, those of its submodules too.
func (t *Tree) checkOut(ctx context.Context, s source, hash, dir string) error {
	if err := s.borrow(ctx, dir); err != nil {
		return err
	}
	if _, err := gitIn(ctx, dir, "checkout", "--quiet", "--detach", hash); err != nil {
		return err
	}
	missing, err := gitIn(ctx, dir, "ls-files", "--deleted", "-z") // git says so, and ends with status 0
	if err != nil {
		return err
	}
	if list := fields(missing); len(list) > 0 {
		return fmt.Errorf("the repository lacks %d of its files, %s for one; the clone is partial: git fetch --refetch --no-filter", len(list), list[0])
	}
	if err := t.resolvePointers(ctx, s, dir); err != nil {
		return err
	}
	return t.checkOutSubmodules(ctx, s, hash, dir)
}

// borrow makes a repository in dir that has the objects of the source and its settings as far as they are about files.
func (s source) borrow(ctx context.Context, dir string) error {
	format, err := s.run(ctx, "rev-parse", "--show-object-format")
	if err != nil {
		format = "sha1"
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	if _, err := gitIn(ctx, dir, "init", "--quiet", "--template=", "--object-format="+format); err != nil {
		return err
	}
	git := filepath.Join(dir, ".git")
	alternates := strings.Join(objectFolders(filepath.Join(s.common, "objects"), 0), "\n") + "\n"
	err = errors.Join(os.MkdirAll(filepath.Join(git, "objects", "info"), 0o777), os.MkdirAll(filepath.Join(git, "info"), 0o777),
		os.WriteFile(filepath.Join(git, "objects", "info", "alternates"), []byte(alternates), 0o666))
	for from, to := range map[string]string{
		filepath.Join(s.common, "shallow"):              "shallow", // else git looks for parents that are not there
		filepath.Join(s.common, "info", "attributes"):   "info/attributes",
		filepath.Join(s.common, "info", "grafts"):       "info/grafts",
		filepath.Join(s.git, "info", "sparse-checkout"): "info/sparse-checkout",
	} {
		err = errors.Join(err, copyIfThere(from, filepath.Join(git, filepath.FromSlash(to))))
	}
	if err != nil {
		return err
	}
	return s.copySettings(ctx, dir)
}

// objectFolders are a repository's folder of objects and those that it borrows from itself. They are listed one by one
// because git passes over relative ones at second hand.
func objectFolders(dir string, depth int) []string {
	list := []string{dir}
	text, err := os.ReadFile(filepath.Join(dir, "info", "alternates"))
	if err != nil || depth > 5 {
		return list
	}
	for line := range strings.Lines(string(text)) {
		line = filepath.FromSlash(strings.TrimSpace(line))
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if !filepath.IsAbs(line) {
			line = filepath.Join(dir, line)
		}
		list = append(list, objectFolders(line, depth+1)...)
	}
	return list
}

func copyIfThere(from, to string) error {
	text, err := os.ReadFile(from)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return os.WriteFile(to, text, 0o666)
}

// settings are those, besides filters, by which git writes files; in lower case, as git lists them.
var settings = []string{
	"core.autocrlf", "core.eol", "core.safecrlf", "core.symlinks", "core.filemode", "core.ignorecase", "core.precomposeunicode",
	"core.attributesfile", "core.excludesfile", "core.protecthfs", "core.protectntfs", "core.longpaths", "core.bigfilethreshold",
	"core.checkroundtripencoding", "core.sparsecheckout", "core.sparsecheckoutcone",
}

// copySettings gives the repository in dir the source's settings that are about files, wherever they come from: what a
// user includes for folders of his (includeIf) would not be found from elsewhere.
func (s source) copySettings(ctx context.Context, dir string) error {
	text, err := s.run(ctx, "config", "--includes", "--list", "-z")
	if err != nil {
		return fmt.Errorf("reading the repository's settings: %w", err)
	}
	values := map[string]string{}
	var order []string
	for _, entry := range fields(text) {
		name, value, valued := strings.Cut(entry, "\n")
		if !valued {
			value = "true"
		}
		if !slices.Contains(settings, name) && !strings.HasPrefix(name, "filter.") {
			continue
		}
		if _, ok := values[name]; !ok {
			order = append(order, name)
		}
		values[name] = value
	}
	for name, value := range values {
		if driver, ok := strings.CutPrefix(name, "filter."); ok && isLFS(name, value) { // they are resolved without it
			driver = driver[:strings.LastIndexByte(driver, '.')+1]
			for _, key := range []string{"smudge", "clean", "process"} {
				if _, ok := values["filter."+driver+key]; ok {
					values["filter."+driver+key] = ""
				}
			}
			values["filter."+driver+"required"] = "false"
			if !slices.Contains(order, "filter."+driver+"required") {
				order = append(order, "filter."+driver+"required")
			}
		}
	}
	var file strings.Builder
	for _, name := range order {
		writeSetting(&file, name, values[name])
	}
	f, err := os.OpenFile(filepath.Join(dir, ".git", "config"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(file.String())
	return errors.Join(err, f.Close())
}

// writeSetting writes a setting as a git config file has it.
func writeSetting(out *strings.Builder, name, value string) {
	quoted := strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\t", `\t`)
	section, key := name[:strings.IndexByte(name, '.')], name[strings.LastIndexByte(name, '.')+1:]
	if sub := strings.TrimSuffix(strings.TrimPrefix(name, section+"."), key); sub != "" {
		fmt.Fprintf(out, "[%s \"%s\"]\n", section, strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(strings.TrimSuffix(sub, ".")))
	} else {
		fmt.Fprintf(out, "[%s]\n", section)
	}
	fmt.Fprintf(out, "\t%s = \"%s\"\n", key, quoted.Replace(value))
}
