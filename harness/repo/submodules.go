package repo

import (
	"context"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// A link is where a commit has a submodule.
type link struct{ path, hash string }

// links returns a commit's submodules.
func (s source) links(ctx context.Context, rev string) ([]link, error) {
	out, err := s.run(ctx, "ls-tree", "-r", "-z", "--full-tree", rev)
	if err != nil {
		return nil, fmt.Errorf("listing the files at %.12s: %w", rev, err)
	}
	var list []link
	for _, line := range fields(out) {
		mode, name, ok := strings.Cut(line, "\t")
		if parts := strings.Fields(mode); ok && len(parts) == 3 && parts[0] == "160000" {
			list = append(list, link{name, parts[2]})
		}
	}
	return list, nil
}

// checkOutSubmodules does for a commit's submodules, as far as they are at hand, what was done for itself.
func (t *Tree) checkOutSubmodules(ctx context.Context, s source, hash, dir string) error {
	list, err := s.links(ctx, hash)
	if err != nil || len(list) == 0 {
		return err
	}
	names := submoduleNames(ctx, dir)
	for _, l := range list {
		at := filepath.Join(dir, filepath.FromSlash(l.path))
		from, there, ok := s.submodule(ctx, l, names[l.path])
		if !ok {
			todo := "git submodule update --init --recursive"
			if there { // at another commit
				todo = fmt.Sprintf("git -C %s fetch origin %s", t.named(dir, l.path), l.hash)
			}
			t.Lacks = append(t.Lacks, Lack{t.named(dir, l.path), fmt.Sprintf("a submodule whose commit %.12s this clone has not: %s", l.hash, todo)})
			continue
		}
		if err := t.checkOut(ctx, from, l.hash, at); err != nil {
			return fmt.Errorf("checking out the submodule %s: %w", t.named(dir, l.path), err)
		}
	}
	return nil
}

// submoduleNames reads a checkout's .gitmodules: names by path.
func submoduleNames(ctx context.Context, dir string) map[string]string {
	names := map[string]string{}
	out, err := gitIn(ctx, dir, "config", "-z", "--file", filepath.Join(dir, ".gitmodules"), "--get-regexp", `^submodule\..*\.path$`)
	if err != nil {
		return names // there may be none; a submodule's own folder in the work tree is found without
	}
	for _, entry := range fields(out) {
		key, value, _ := strings.Cut(entry, "\n")
		names[path.Clean(value)] = strings.TrimSuffix(strings.TrimPrefix(key, "submodule."), ".path")
	}
	return names
}

// submodule finds the repository of a submodule that has the commit, and says whether there is one at all.
func (s source) submodule(ctx context.Context, l link, name string) (found source, there, ok bool) {
	work := filepath.Join(s.work, filepath.FromSlash(l.path))
	var folders []string
	if name != "" {
		folders = append(folders, filepath.Join(s.git, "modules", filepath.FromSlash(name)), filepath.Join(s.common, "modules", filepath.FromSlash(name)))
	}
	folders = append(folders, gitOf(work))
	for _, git := range folders {
		if _, err := os.Stat(filepath.Join(git, "HEAD")); git == "" || err != nil {
			continue
		}
		found, there = newSource(git, work), true
		if _, err := found.run(ctx, "cat-file", "-e", l.hash+"^{commit}"); err == nil {
			return found, true, true
		}
	}
	return source{}, there, false
}

// gitOf returns the repository's folder of a work tree, "" when none is there.
func gitOf(work string) string {
	dot := filepath.Join(work, ".git")
	info, err := os.Stat(dot)
	if err != nil {
		return ""
	}
	if info.IsDir() {
		return dot
	}
	text, err := os.ReadFile(dot)
	to, ok := strings.CutPrefix(strings.TrimSpace(string(text)), "gitdir: ")
	if err != nil || !ok {
		return ""
	}
	if to = filepath.FromSlash(to); !filepath.IsAbs(to) {
		to = filepath.Join(work, to)
	}
	return to
}
