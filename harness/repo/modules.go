package repo

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/mod/modfile"
)

// goSettings are what the go command in a folder goes by.
type goSettings struct{ GOWORK, GOMOD, GOFLAGS string }

// rebaseTracked changes the go command's files in the checkout that name the work tree by its absolute path.
func (t *Tree) rebaseTracked(ctx context.Context) error {
	names, err := gitIn(ctx, t.Top, "ls-files", "-z", "--", ":(glob)**/go.mod", ":(glob)**/go.work")
	if err != nil {
		return fmt.Errorf("looking for modules: %w", err)
	}
	for _, name := range fields(names) {
		file := filepath.Join(t.Top, filepath.FromSlash(name))
		text, err := os.ReadFile(file)
		if err != nil {
			continue // a link that leads nowhere
		}
		changed, err := t.rebased(file, text)
		if err == nil && !bytes.Equal(text, changed) {
			err = os.WriteFile(file, changed, 0o666)
		}
		if err != nil {
			return fmt.Errorf("changing %s in a checkout: %w", name, err)
		}
	}
	return nil
}

// Resolve makes the go command find in the checkout's folder at prefix what it finds in the work tree's: a go.work that git
// does not track, or that GOWORK names, folders that it uses, those that replacements lead to, and vendored modules. It
// returns the variables that a build in the checkout needs besides those that are set; it is the caller's to leave as it is.
func (t *Tree) Resolve(ctx context.Context, prefix string) (map[string]string, error) {
	if env, ok := t.resolved[prefix]; ok {
		return env, nil
	}
	set := map[string]string{}
	for _, name := range goVariables {
		if value, ok := os.LookupEnv(name); ok {
			set[name] = value
		}
	}
	env, err := t.resolve(ctx, prefix, set)
	if err == nil {
		t.resolved[prefix] = env
	}
	return env, err
}

// goVariables are those in which a user may name files of the repository.
var goVariables = []string{"GOWORK", "GOFLAGS", "CGO_CFLAGS", "CGO_CPPFLAGS", "CGO_CXXFLAGS", "CGO_LDFLAGS", "PKG_CONFIG_PATH"}

// resolve is Resolve with some variables of the environment.
func (t *Tree) resolve(ctx context.Context, prefix string, variables map[string]string) (map[string]string, error) {
	dir := filepath.Join(t.repo.Top, filepath.FromSlash(prefix))
	for {
		if info, err := os.Stat(dir); err == nil && info.IsDir() {
			break
		}
		dir = filepath.Dir(dir) // the work tree has no such package
	}
	set, err := readGoSettings(ctx, dir, variables)
	if err != nil {
		return nil, err
	}
	env := map[string]string{}
	if err := t.bringIgnored(ctx, prefix); err != nil {
		return nil, err
	}
	if filepath.IsAbs(set.GOWORK) {
		above := moduleAbove(dir, filepath.VolumeName(dir)+string(filepath.Separator), "go.work")
		named := variables["GOWORK"] != "" || filepath.Join(above, "go.work") != set.GOWORK
		work, err := t.bringWork(ctx, set.GOWORK, named)
		if err != nil {
			return nil, fmt.Errorf("bringing %s into a checkout: %w", set.GOWORK, err)
		}
		if named { // it is not found by looking for it
			env["GOWORK"] = work
		}
	}
	if err := t.bringReplaced(ctx, prefix); err != nil {
		return nil, err
	}
	if err := t.bringVendor(ctx, prefix); err != nil {
		return nil, err
	}
	if _, err := t.Flags(prefix, strings.Fields(set.GOFLAGS)); err != nil {
		return nil, err
	}
	if moved := t.Moved(set.GOFLAGS); moved != set.GOFLAGS {
		env["GOFLAGS"] = moved
	}
	for name, value := range variables {
		if moved := t.Moved(value); moved != value && env[name] == "" {
			env[name] = moved
		}
	}
	return env, nil
}

func readGoSettings(ctx context.Context, dir string, variables map[string]string) (goSettings, error) {
	var set goSettings
	cmd := exec.CommandContext(ctx, "go", "env", "-json", "GOWORK", "GOMOD", "GOFLAGS")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "PWD="+dir)
	for name, value := range variables {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	var out, problem bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &problem
	err := cmd.Run()
	if err == nil {
		err = json.Unmarshal(out.Bytes(), &set)
	}
	if err != nil {
		return set, fmt.Errorf("asking the go command for its settings in %s: %w %s", dir, err, strings.TrimSpace(problem.String()))
	}
	return set, nil
}

// Flags are flags of a build in the checkout's folder at prefix: files that they name in the work tree are the checkout's,
// which has those that git does not track as well.
func (t *Tree) Flags(prefix string, flags []string) ([]string, error) {
	out := slices.Clone(flags)
	for i, flag := range flags {
		name, value, ok := strings.Cut(flag, "=")
		name = strings.TrimLeft(name, "-")
		if !ok || !slices.Contains([]string{"modfile", "overlay", "pgo"}, name) {
			out[i] = t.Moved(flag)
			continue
		}
		if !filepath.IsAbs(value) {
			value = filepath.Join(t.repo.Top, filepath.FromSlash(prefix), value)
		}
		out[i] = t.Moved(flag)
		if !within(value, t.repo.Top) {
			continue
		}
		files := []string{value}
		if name == "modfile" {
			files = append(files, strings.TrimSuffix(value, ".mod")+".sum")
		}
		for _, file := range files {
			if _, err := os.Stat(filepath.Dir(t.moved(file))); err != nil {
				continue
			}
			if err := t.copyModuleFile(file, t.moved(file)); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}

// bringIgnored copies the go.mod, go.sum and go.work files at and above the folder that git ignores.
func (t *Tree) bringIgnored(ctx context.Context, prefix string) error {
	var names []string
	for dir := path.Clean("./" + prefix); ; dir = path.Dir(dir) {
		for _, name := range moduleFiles {
			names = append(names, path.Join(dir, name))
		}
		if dir == "." {
			break
		}
	}
	args := append([]string{"--literal-pathspecs", "ls-files", "--others", "--ignored", "--exclude-standard", "-z", "--"}, names...)
	out, err := t.repo.git(ctx, args...)
	if err != nil {
		return fmt.Errorf("looking for modules that git ignores: %w", err)
	}
	for _, name := range fields(out) {
		to := filepath.Join(t.Top, filepath.FromSlash(name))
		if _, err := os.Stat(filepath.Dir(to)); err != nil {
			continue
		}
		if err := t.copyModuleFile(filepath.Join(t.repo.Top, filepath.FromSlash(name)), to); err != nil {
			return err
		}
	}
	return nil
}

// bringWork makes sure that the checkout has the workspace, and returns where. One that git tracks and nobody names is the
// commit's, or the commit has none.
func (t *Tree) bringWork(ctx context.Context, file string, named bool) (string, error) {
	to := t.at(file)
	if within(file, t.repo.Top) {
		to = t.moved(file)
		if _, err := gitIn(ctx, t.Top, "--literal-pathspecs", "ls-files", "--error-unmatch", "--", to); err == nil {
			return to, nil
		}
		if tracked, err := t.repo.git(ctx, "--literal-pathspecs", "ls-files", "--", file); !named && err == nil && tracked != "" {
			return to, nil
		}
		if err := os.MkdirAll(filepath.Dir(to), 0o777); err != nil {
			return "", err
		}
	} else if err := t.expand(filepath.Dir(file)); err != nil {
		return "", err
	}
	if err := errors.Join(t.copyModuleFile(file, to), t.copyModuleFile(file+".sum", to+".sum")); err != nil {
		return "", err
	}
	text, err := os.ReadFile(to)
	if err != nil {
		return "", err
	}
	work, err := modfile.ParseWork(file, text, nil)
	if err != nil {
		return to, nil // the go command will say so
	}
	var gone []string
	for _, u := range work.Use {
		if !t.bring(ctx, filepath.Dir(file), u.Path) {
			gone = append(gone, u.Path)
		}
	}
	for _, r := range work.Replace {
		if r.New.Version == "" {
			t.bring(ctx, filepath.Dir(file), r.New.Path)
		}
	}
	if len(gone) == 0 {
		return to, nil
	}
	for _, name := range gone { // the commit is of a time without them
		if err := work.DropUse(name); err != nil {
			return "", err
		}
	}
	work.Cleanup()
	return to, os.WriteFile(to, modfile.Format(work.Syntax), 0o666)
}

// bring makes sure that a folder, which a file in dir of the work tree leads to, is in the checkout where it can be: a link
// to it where it is outside of the repository or git does not track it. It reports whether the folder is there; one that the
// work tree has not either counts as there, because the go command says so on both sides.
func (t *Tree) bring(ctx context.Context, dir, name string) bool {
	abs := filepath.FromSlash(name)
	if !filepath.IsAbs(abs) {
		abs = filepath.Join(dir, abs)
	}
	if back := t.Real(abs); back != abs { // an absolute path that was rebased
		abs = back
	}
	if !within(abs, t.repo.Top) {
		return t.reach(abs) == nil
	}
	to := t.moved(abs)
	if _, err := os.Stat(to); err == nil {
		return true
	}
	if _, err := os.Stat(abs); err != nil {
		return true
	}
	if tracked, err := t.repo.git(ctx, "--literal-pathspecs", "ls-files", "-z", "--", abs); err != nil || tracked != "" {
		return false
	}
	return errors.Join(os.MkdirAll(filepath.Dir(to), 0o777), os.Symlink(abs, to)) == nil
}

// bringReplaced brings the folders that replacements of the package's module lead to.
func (t *Tree) bringReplaced(ctx context.Context, prefix string) error {
	dir := moduleAbove(filepath.Join(t.Top, filepath.FromSlash(prefix)), t.Root, "go.mod")
	if dir == "" {
		return nil
	}
	text, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	if err != nil {
		return fmt.Errorf("reading the module's go.mod: %w", err)
	}
	f, err := modfile.Parse("go.mod", text, nil)
	if err != nil {
		return nil // the go command will say so
	}
	for _, r := range f.Replace {
		if r.New.Version == "" {
			t.bring(ctx, t.Real(dir), r.New.Path)
		}
	}
	return nil
}

// moduleAbove returns the folder at or above dir, and in root, that has the file; "" for none.
func moduleAbove(dir, root, file string) string {
	for within(dir, root) {
		if info, err := os.Stat(filepath.Join(dir, file)); err == nil && !info.IsDir() {
			return dir
		}
		above := filepath.Dir(dir)
		if above == dir {
			break
		}
		dir = above
	}
	return ""
}

// bringVendor links a vendor folder that git does not track beside the go.mod or go.work of the package, where these say the
// same in the checkout as in the work tree.
func (t *Tree) bringVendor(ctx context.Context, prefix string) error {
	for _, file := range []string{"go.mod", "go.work"} {
		dir := moduleAbove(filepath.Join(t.Top, filepath.FromSlash(prefix)), t.Top, file)
		if dir == "" {
			continue
		}
		from := t.Real(dir)
		if _, err := os.Stat(filepath.Join(from, "vendor", "modules.txt")); err != nil {
			continue
		}
		if _, err := os.Lstat(filepath.Join(dir, "vendor")); err == nil {
			continue
		}
		tracked, err := t.repo.git(ctx, "--literal-pathspecs", "ls-files", "-z", "--", filepath.Join(from, "vendor"))
		if err != nil {
			return fmt.Errorf("looking for vendored modules: %w", err)
		}
		if tracked != "" || !sameFile(t, dir, file) || !sameFile(t, dir, strings.Replace(file+".sum", "go.mod.sum", "go.sum", 1)) {
			continue
		}
		if err := os.Symlink(filepath.Join(from, "vendor"), filepath.Join(dir, "vendor")); err != nil {
			return fmt.Errorf("linking vendored modules: %w", err)
		}
	}
	return nil
}

// sameFile reports whether a folder of the checkout and that of the work tree have the same file, or none.
func sameFile(t *Tree, dir, name string) bool {
	a, errA := os.ReadFile(filepath.Join(dir, name))
	b, errB := os.ReadFile(filepath.Join(t.Real(dir), name))
	return (errA == nil) == (errB == nil) && bytes.Equal(a, b)
}
