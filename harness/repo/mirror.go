package repo

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/mod/modfile"
)

// mostLinks is how many entries of a folder are linked; of larger ones those that a go.mod or go.work leads to, and testdata.
// A link takes up to a tenth of a millisecond.
const mostLinks = 300

// moduleFiles are the go command's own, which it finds in folders above a package and may write to.
var moduleFiles = []string{"go.mod", "go.sum", "go.work", "go.work.sum"}

// mirror makes the folders above the checkout, with links in them to what is in those above the work tree, so that "../lib"
// in a go.mod, a go.work above, or a file that a benchmark opens by "../../testdata" lead to the same.
func (t *Tree) mirror() error {
	if err := os.MkdirAll(filepath.Dir(t.Top), 0o777); err != nil {
		return fmt.Errorf("making the folders above a checkout: %w", err)
	}
	if runtime.GOOS == "windows" { // not everybody may make links there
		return nil
	}
	for below, dir := t.repo.Top, filepath.Dir(t.repo.Top); dir != below; below, dir = dir, filepath.Dir(dir) {
		if err := t.linkEntries(dir, filepath.Base(below)); err != nil {
			return fmt.Errorf("making the folders above a checkout: %w", err)
		}
	}
	return nil
}

// at is where the mirror has a path of the file system.
func (t *Tree) at(path string) string {
	return filepath.Join(t.Root, strings.TrimPrefix(path, filepath.VolumeName(path)))
}

// linkEntries links the entries of a real folder in its mirror, but for one that is made there for itself.
func (t *Tree) linkEntries(dir, but string) error {
	for _, name := range moduleFiles {
		if filepath.Clean(os.TempDir()) == dir { // the go command passes over a go.mod there
			break
		}
		if err := t.copyModuleFile(filepath.Join(dir, name), filepath.Join(t.at(dir), name)); err != nil {
			return err
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil // what can't be listed may be reached by its name all the same
	}
	for _, e := range entries {
		if len(entries) > mostLinks && e.Name() != "testdata" || e.Name() == but || e.Name() == ".git" || slices.Contains(moduleFiles, e.Name()) {
			continue
		}
		if err := t.link(filepath.Join(dir, e.Name())); err != nil {
			return err
		}
	}
	return nil
}

// link puts a link to a path in the mirror, unless something is there already or the path leads to the mirror itself.
func (t *Tree) link(path string) error {
	if within(t.Root, path) {
		return nil
	}
	err := os.Symlink(path, t.at(path))
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	return err
}

// reach makes sure that the mirror has a path that is outside of the repository.
func (t *Tree) reach(path string) error {
	if runtime.GOOS == "windows" || within(path, t.repo.Top) {
		return nil
	}
	if _, err := os.Stat(path); err != nil {
		return nil // it is not there for the work tree either
	}
	var parts []string
	for at := path; at != filepath.Dir(at); at = filepath.Dir(at) {
		parts = append(parts, at)
	}
	for _, at := range slices.Backward(parts) {
		info, err := os.Lstat(t.at(at))
		switch {
		case err == nil && info.Mode()&fs.ModeSymlink != 0:
			return nil
		case err == nil:
			continue
		case !within(t.Root, at):
			return t.link(at)
		}
		if err := os.Mkdir(t.at(at), 0o777); err != nil {
			return fmt.Errorf("making %s in a checkout: %w", at, err)
		}
	}
	return nil
}

// expand makes the mirror of a folder outside of the repository a folder of its own, with links to the entries.
func (t *Tree) expand(dir string) error {
	if dir == filepath.Dir(dir) {
		return nil
	}
	if err := t.expand(filepath.Dir(dir)); err != nil {
		return err
	}
	if info, err := os.Lstat(t.at(dir)); err == nil && info.IsDir() {
		return nil
	}
	if err := os.RemoveAll(t.at(dir)); err != nil { // a link
		return fmt.Errorf("making %s in a checkout: %w", dir, err)
	}
	if err := os.Mkdir(t.at(dir), 0o777); err != nil {
		return fmt.Errorf("making %s in a checkout: %w", dir, err)
	}
	return t.linkEntries(dir, "")
}

// copyModuleFile copies one of the go command's files, if it is there and the copy is not. Absolute paths of the repository
// in it become those of the checkout.
func (t *Tree) copyModuleFile(from, to string) error {
	if _, err := os.Lstat(to); err == nil {
		return nil
	}
	text, err := os.ReadFile(from)
	if err != nil {
		return nil // not there, or not for the work tree either
	}
	if text, err = t.rebased(from, text); err != nil {
		return err
	}
	if err := os.WriteFile(to, text, 0o666); err != nil {
		return fmt.Errorf("copying %s into a checkout: %w", from, err)
	}
	return nil
}

// rebased is a go.mod or go.work in which absolute paths of the repository are those of the checkout.
func (t *Tree) rebased(path string, text []byte) ([]byte, error) {
	if !strings.Contains(string(text), t.repo.Top) {
		return text, nil
	}
	switch filepath.Ext(path) {
	case ".mod":
		f, err := modfile.Parse(path, text, nil)
		if err != nil {
			return text, nil // the go command will say so
		}
		for _, r := range slices.Clone(f.Replace) {
			if to := t.moved(r.New.Path); to != r.New.Path {
				if err := f.AddReplace(r.Old.Path, r.Old.Version, to, ""); err != nil {
					return nil, fmt.Errorf("changing a replace of %s: %w", path, err)
				}
			}
		}
		return f.Format()
	case ".work":
		f, err := modfile.ParseWork(path, text, nil)
		if err != nil {
			return text, nil
		}
		if err := t.rebaseWork(f); err != nil {
			return nil, fmt.Errorf("changing %s: %w", path, err)
		}
		return modfile.Format(f.Syntax), nil
	}
	return text, nil
}

func (t *Tree) rebaseWork(f *modfile.WorkFile) error {
	for _, u := range slices.Clone(f.Use) {
		if to := t.moved(u.Path); to != u.Path {
			if err := errors.Join(f.DropUse(u.Path), f.AddUse(to, u.ModulePath)); err != nil {
				return err
			}
		}
	}
	for _, r := range slices.Clone(f.Replace) {
		if to := t.moved(r.New.Path); to != r.New.Path {
			if err := f.AddReplace(r.Old.Path, r.Old.Version, to, ""); err != nil {
				return err
			}
		}
	}
	f.Cleanup()
	return nil
}

// moved is a path of the work tree in the checkout; others stay as they are.
func (t *Tree) moved(path string) string {
	if filepath.IsAbs(path) && within(path, t.repo.Top) {
		return filepath.Join(t.Top, strings.TrimPrefix(filepath.Clean(path), t.repo.Top))
	}
	return path
}

// Real is text about the checkout as if it were about the work tree: paths of one become those of the other.
func (t *Tree) Real(text string) string {
	return strings.ReplaceAll(text, t.Root+string(filepath.Separator), string(filepath.Separator))
}

// Moved is the other way about: text in which paths of the work tree become those of the checkout.
func (t *Tree) Moved(text string) string {
	return strings.ReplaceAll(t.Real(text), t.repo.Top+string(filepath.Separator), t.Top+string(filepath.Separator))
}

// within reports whether path is dir or below it; both are absolute.
func within(path, dir string) bool {
	rel, err := filepath.Rel(dir, path)
	return err == nil && filepath.IsLocal(rel)
}
