package repo

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"
)

// Differing returns the files, relative to the root, in which two revisions differ; "" is the work tree, with the files
// that git does not track and does not ignore. A submodule is one entry, its folder, as is a repository that is nested.
func (r *Repo) Differing(ctx context.Context, old, tip string) ([]string, error) {
	if old == "" {
		old, tip = tip, old
	}
	if old == "" {
		return nil, nil // the work tree and itself
	}
	args := []string{"diff", "--name-only", "--no-renames", "-z", "--no-ext-diff", "--no-textconv", "--no-relative", "--ignore-submodules=none", old}
	if tip != "" {
		args = append(args, tip)
	}
	out, err := r.git(ctx, append(args, "--")...)
	if err != nil {
		return nil, fmt.Errorf("comparing %.12s with %.12s: %w", old, tip, err)
	}
	list := fields(out)
	if tip == "" {
		more, err := r.git(ctx, "ls-files", "--others", "--exclude-standard", "-z")
		if err != nil {
			return nil, fmt.Errorf("looking for untracked files: %w", err)
		}
		list = append(list, fields(more)...)
	}
	return tidied(list), nil
}

// Places returns all files and folders, relative to the root, in which two revisions may differ: besides [Repo.Differing],
// for the work tree, what git ignores and files in which it was told to see no changes. A folder in which git tracks nothing
// is one entry. What is at or below the paths but, which are relative to the root too, is left out.
func (r *Repo) Places(ctx context.Context, old, tip string, but []string) ([]string, error) {
	list, err := r.Differing(ctx, old, tip)
	if err != nil {
		return nil, err
	}
	if (old == "") != (tip == "") {
		whole, err := r.git(ctx, "ls-files", "--others", "--directory", "--no-empty-directory", "-z")
		if err != nil {
			return nil, fmt.Errorf("looking for untracked files: %w", err)
		}
		for _, entry := range fields(whole) {
			dir, isDir := strings.CutSuffix(entry, "/")
			if isDir && slices.ContainsFunc(but, func(b string) bool { return b != dir && under(b, dir) }) {
				more, err := r.Untracked(ctx, literal(dir))
				if err != nil {
					return nil, err
				}
				list = append(list, more...)
				continue
			}
			list = append(list, entry)
		}
		unseen, err := r.unseen(ctx)
		if err != nil {
			return nil, err
		}
		list = append(list, unseen...)
	}
	list = slices.DeleteFunc(tidied(list), func(name string) bool {
		return slices.ContainsFunc(but, func(b string) bool { return b != "." && under(name, b) })
	})
	var out []string
	for _, name := range list { // sorted: a folder is before what is in it
		if len(out) == 0 || !under(name, out[len(out)-1]) {
			out = append(out, name)
		}
	}
	return out, nil
}

func tidied(list []string) []string {
	for i := range list {
		list[i] = strings.TrimSuffix(list[i], "/")
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// unseen are the tracked files of the work tree in which git was told not to look for changes.
func (r *Repo) unseen(ctx context.Context) ([]string, error) {
	out, err := r.git(ctx, "ls-files", "-v", "-z")
	if err != nil {
		return nil, fmt.Errorf("listing the files of the work tree: %w", err)
	}
	var list []string
	for _, entry := range fields(out) {
		if mark, name, ok := strings.Cut(entry, " "); ok && (mark >= "a" && mark <= "z" || mark == "S") {
			list = append(list, name) // lower case: assume-unchanged; S: skip-worktree
		}
	}
	return list, nil
}

// ModuleFiles returns which of the files by which modules are resolved differ between two revisions; "" is the work tree.
// Those that git does not track count where adding them would be a change: not ignored ones, and not a go.work, which
// checkouts get too. Those count that are beside the package's folder dir or above it, or with all those of the whole
// repository.
func (r *Repo) ModuleFiles(ctx context.Context, old, tip, dir string, all bool) ([]string, error) {
	differ, err := r.Differing(ctx, old, tip)
	if err != nil {
		return nil, err
	}
	passed := map[string]bool{}
	if old == "" || tip == "" {
		untracked, err := r.Untracked(ctx, ":(glob)**/go.work*")
		if err != nil {
			return nil, err
		}
		for _, name := range untracked {
			passed[name] = true
		}
	}
	return slices.DeleteFunc(differ, func(name string) bool {
		vendored := path.Base(name) == "modules.txt" && path.Base(path.Dir(name)) == "vendor"
		at := path.Dir(name)
		if vendored {
			at = path.Dir(at)
		}
		return passed[name] || !vendored && !slices.Contains(moduleFiles, path.Base(name)) || !all && !under(path.Clean("./"+dir), at)
	}), nil
}
