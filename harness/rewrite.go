package harness

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// A replacement makes the go command build from edited copies.
type replacement struct {
	args  []string
	env   []string
	files map[string][]byte // of the main module, by absolute path
}

// module is what `go list -m -json` prints, as far as it matters here.
type module struct {
	Path    string
	Version string
	Dir     string
	Main    bool
}

// rewrite prepares a build with the settings' rewrites: an edited copy of each of its modules, in the user's cache
// folder under a name that says what is in it, and a go.mod with a `replace` to it. The go command refuses overlays of
// the module cache, so that there is no other way without a fork. Modules that other variants rewrite are copied as
// they are, so that base and variant differ in the rewritten text and nothing else. Files of the main module are
// replaced by an overlay.
func (b *builder) rewrite(ctx context.Context, name string, t target, set settings) (replacement, error) {
	r := replacement{files: map[string][]byte{}}
	if len(set.modules) == 0 {
		return r, nil
	}
	r.env = []string{"GOWORK=off"} // -modfile is refused in workspace mode
	replaces := map[string]string{}
	for _, path := range set.modules {
		m, err := b.findModule(ctx, t.dir, path)
		if err != nil {
			return r, fmt.Errorf("%s: %s: %w", set.position, name, err)
		}
		edits, err := edited(m, set)
		if err != nil {
			return r, fmt.Errorf("%s: %s: %w", set.position, name, err)
		}
		if m.Main {
			for name, text := range edits {
				r.files[filepath.Join(m.Dir, filepath.FromSlash(name))] = text
			}
			continue
		}
		if replaces[m.Path], err = copyModule(m, edits); err != nil {
			return r, fmt.Errorf("copying the module %s: %w", m.Path, err)
		}
	}
	if len(replaces) > 0 {
		file, err := b.modfile(ctx, t.dir, replaces)
		if err != nil {
			return r, err
		}
		r.args = append(r.args, "-modfile="+file, "-mod=mod")
	}
	return r, nil
}

// findModule finds a module of the build, and downloads it if need be.
func (b *builder) findModule(ctx context.Context, dir, path string) (module, error) {
	var m module
	for range 2 {
		exit, err := b.goOutput(ctx, dir, []string{"GOWORK=off"}, "list", "-m", "-json", path)
		if err != nil {
			return m, fmt.Errorf("finding the module %s that a rewrite names: %w\n%s", path, err, indent(exit.Tail(maxTail)))
		}
		if err := json.Unmarshal(exit.Stdout, &m); err != nil {
			return m, fmt.Errorf("finding the module %s: %w", path, err)
		}
		if m.Dir != "" {
			return m, nil
		}
		if exit, err := b.goOutput(ctx, dir, []string{"GOWORK=off"}, "mod", "download", path); err != nil {
			return m, fmt.Errorf("downloading the module %s: %w\n%s", path, err, indent(exit.Tail(maxTail)))
		}
	}
	return m, fmt.Errorf("the module %s has no folder", path)
}

// edited returns the new contents of the module's files by their slash-separated names.
func edited(m module, set settings) (map[string][]byte, error) {
	out := map[string][]byte{}
	for _, r := range set.rewrites {
		if r.Module != m.Path {
			continue
		}
		text, ok := out[r.File]
		if !ok {
			var err error
			if text, err = os.ReadFile(filepath.Join(m.Dir, filepath.FromSlash(r.File))); err != nil {
				return nil, fmt.Errorf("rewriting %s of %s %s: %w", r.File, m.Path, m.Version, err)
			}
		}
		if n := bytes.Count(text, []byte(r.Old)); n != 1 {
			return nil, fmt.Errorf("the text that a rewrite replaces is %d times in %s of %s %s, not once: %q", n, r.File, m.Path, m.Version, clip(r.Old, 200))
		}
		out[r.File] = bytes.Replace(text, []byte(r.Old), []byte(r.New), 1)
	}
	return out, nil
}

// overlay writes files to the scratch folder and returns the flag that has the go command read them in the place of
// those of their paths.
func (b *builder) overlay(files map[string][]byte) ([]string, error) {
	if len(files) == 0 {
		return nil, nil
	}
	dir, err := os.MkdirTemp(b.scratch, "overlay-")
	if err != nil {
		return nil, fmt.Errorf("making a folder for an overlay: %w", err)
	}
	list := struct{ Replace map[string]string }{map[string]string{}}
	for path, text := range files {
		file := filepath.Join(dir, fmt.Sprintf("%d-%s", len(list.Replace), filepath.Base(path)))
		if err := os.WriteFile(file, text, 0o666); err != nil {
			return nil, fmt.Errorf("writing a file of an overlay: %w", err)
		}
		list.Replace[path] = file
	}
	text, err := json.Marshal(list)
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "overlay.json"), text, 0o666)
	}
	if err != nil {
		return nil, fmt.Errorf("writing the overlay: %w", err)
	}
	return []string{"-overlay=" + filepath.Join(dir, "overlay.json")}, nil
}

// copyModule returns a folder with the module's files and the edits in them. Its name follows from its contents, so
// that Go's build cache, and a resumed run, find the same paths again; a copy that somebody has changed is made anew.
func copyModule(m module, edits map[string][]byte) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir()
	}
	hash := sha256.New()
	text, err := json.Marshal(edits) // maps are written in the order of their keys
	if err != nil {
		return "", err
	}
	fmt.Fprintf(hash, "%s\x00%s\x00%s\x00%s", m.Path, m.Version, m.Dir, text)
	parent := filepath.Join(cache, "tunelab", "modules")
	dir := filepath.Join(parent, fmt.Sprintf("%s-%x", filepath.Base(m.Path), hash.Sum(nil)[:8]))
	if sameTree(m.Dir, dir, edits) {
		return dir, nil
	}
	if err := os.MkdirAll(parent, 0o777); err != nil {
		return "", err
	}
	fresh, err := os.MkdirTemp(parent, ".new-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(fresh)
	if err := copyTree(m.Dir, fresh, edits); err != nil {
		return "", err
	}
	if err := errors.Join(os.RemoveAll(dir), os.Rename(fresh, dir)); err != nil {
		return "", err
	}
	return dir, nil
}

// walkModule calls do for each file of a module with its slash-separated name. A checkout's .git is no part of it.
func walkModule(root string, do func(name, path string) error) error {
	return filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && d.Name() == ".git" {
			return filepath.SkipDir
		}
		if !d.Type().IsRegular() {
			return nil
		}
		name, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		return do(filepath.ToSlash(name), path)
	})
}

func contents(name, path string, edits map[string][]byte) ([]byte, error) {
	if text, ok := edits[name]; ok {
		return text, nil
	}
	return os.ReadFile(path)
}

func copyTree(from, to string, edits map[string][]byte) error {
	return walkModule(from, func(name, path string) error {
		text, err := contents(name, path, edits)
		if err != nil {
			return err
		}
		file := filepath.Join(to, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
			return err
		}
		return os.WriteFile(file, text, 0o666)
	})
}

// sameTree reports whether the folder to holds what a copy would.
func sameTree(from, to string, edits map[string][]byte) bool {
	files := 0
	differ := errors.New("they differ")
	err := walkModule(from, func(name, path string) error {
		files++
		want, err := contents(name, path, edits)
		if err != nil {
			return err
		}
		have, err := os.ReadFile(filepath.Join(to, filepath.FromSlash(name)))
		if err != nil || !bytes.Equal(have, want) {
			return differ
		}
		return nil
	})
	if err != nil {
		return false
	}
	has := 0
	err = walkModule(to, func(string, string) error {
		has++
		return nil
	})
	return err == nil && has == files
}

// modfile writes a go.mod with the replacements beside a copy of its go.sum, and returns its name.
func (b *builder) modfile(ctx context.Context, dir string, replaces map[string]string) (string, error) {
	exit, err := b.goOutput(ctx, dir, []string{"GOWORK=off"}, "env", "GOMOD")
	if err != nil {
		return "", fmt.Errorf("finding the go.mod of %s: %w", dir, err)
	}
	gomod := strings.TrimSpace(string(exit.Stdout))
	into, err := os.MkdirTemp(b.scratch, "mod-")
	if err != nil {
		return "", fmt.Errorf("making a folder for a go.mod: %w", err)
	}
	file := filepath.Join(into, "rewritten.mod")
	text, err := os.ReadFile(gomod)
	if err == nil {
		err = os.WriteFile(file, text, 0o666)
	}
	if err != nil {
		return "", fmt.Errorf("copying the go.mod of %s: %w", dir, err)
	}
	if sum, err := os.ReadFile(strings.TrimSuffix(gomod, ".mod") + ".sum"); err == nil {
		if err := os.WriteFile(filepath.Join(into, "rewritten.sum"), sum, 0o666); err != nil {
			return "", fmt.Errorf("copying the go.sum of %s: %w", dir, err)
		}
	}
	args := []string{"mod", "edit"}
	for path, to := range replaces {
		args = append(args, "-replace="+path+"="+to)
	}
	if exit, err := b.goOutput(ctx, dir, []string{"GOWORK=off"}, append(args, file)...); err != nil {
		return "", fmt.Errorf("writing a go.mod with replacements: %w\n%s", err, indent(exit.Tail(maxTail)))
	}
	return file, nil
}
