package repo

import (
	"context"
	"fmt"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// A Package is a folder with benchmarks in it.
type Package struct {
	Dir        string   // relative to the repository's root, with slashes; "." for the root
	Module     string   // folder of its go.mod, likewise
	Benchmarks []string // names of its benchmark functions, "Benchmark" included, sorted
}

// benchmark matches the line that declares a benchmark function.
var benchmark = regexp.MustCompile(`^func (Benchmark[^\s(]*)\(`)

// Packages returns the folders under prefix that have benchmarks at a revision, in order; "" means the work tree,
// untracked files included. What the go command passes over is left out: testdata, vendor, names that begin with "_" or
// ".". It reads text, not syntax, so that it needs no checkout: a benchmark in a comment counts.
func (r *Repo) Packages(ctx context.Context, rev, prefix string) ([]Package, error) {
	modules, err := r.files(ctx, rev, "go.mod")
	if err != nil {
		return nil, err
	}
	args := []string{"grep", "--no-color", "--basic-regexp", "--text", "-z", "-e", "^func Benchmark"}
	if rev == "" {
		args = append(args, "--untracked")
	} else {
		args = append(args, rev)
	}
	out, err := r.git(ctx, append(args, "--", ":(glob)**/*_test.go")...)
	if err != nil && out == "" && strings.Contains(err.Error(), "exit status 1") { // nothing found
		return nil, nil
	} else if err != nil {
		return nil, fmt.Errorf("looking for benchmarks at %s: %w", said(rev), err)
	}
	found := map[string]*Package{}
	for line := range strings.Lines(out) {
		file, text, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "\x00")
		if rev != "" {
			file = strings.TrimPrefix(file, rev+":")
		}
		m := benchmark.FindStringSubmatch(text)
		dir := path.Dir(file)
		if !ok || m == nil || !under(dir, prefix) || passedOver(dir) {
			continue
		}
		if found[dir] == nil {
			found[dir] = &Package{Dir: dir, Module: moduleOf(dir, modules)}
		}
		if !slices.Contains(found[dir].Benchmarks, m[1]) {
			found[dir].Benchmarks = append(found[dir].Benchmarks, m[1])
		}
	}
	var list []Package
	for _, p := range found {
		slices.Sort(p.Benchmarks)
		list = append(list, *p)
	}
	slices.SortFunc(list, func(a, b Package) int { return strings.Compare(a.Dir, b.Dir) })
	return list, nil
}

func said(rev string) string {
	if rev == "" {
		return "the work tree"
	}
	return fmt.Sprintf("%.12s", rev)
}

// files returns the files of that name at a revision.
func (r *Repo) files(ctx context.Context, rev, name string) ([]string, error) {
	args := []string{"ls-tree", "-r", "-z", "--name-only", "--full-tree", rev}
	if rev == "" {
		args = []string{"ls-files", "--cached", "--others", "--exclude-standard", "-z"}
	}
	out, err := r.git(ctx, args...)
	if err != nil {
		return nil, fmt.Errorf("listing the files at %s: %w", said(rev), err)
	}
	return slices.DeleteFunc(fields(out), func(f string) bool { return path.Base(f) != name }), nil
}

// moduleOf returns the folder of the go.mod that is nearest above dir, "" when there is none.
func moduleOf(dir string, modules []string) string {
	best := ""
	for _, m := range modules {
		if d := path.Dir(m); under(dir, d) && (best == "" || len(d) > len(best) || best == ".") {
			best = d
		}
	}
	return best
}

// under reports whether dir is prefix or below it.
func under(dir, prefix string) bool {
	return prefix == "" || prefix == "." || dir == prefix || strings.HasPrefix(dir, prefix+"/")
}

// passedOver reports whether the go command does not look into the folder.
func passedOver(dir string) bool {
	return slices.ContainsFunc(strings.Split(dir, "/"), func(part string) bool {
		return part == "testdata" || part == "vendor" || strings.HasPrefix(part, "_") || strings.HasPrefix(part, ".") && part != "."
	})
}

// Modules returns the folders of the go.mod files at a revision, relative to the root; "" means the work tree. One that is
// ".." stands for a go.mod above the repository.
func (r *Repo) Modules(ctx context.Context, rev string) ([]string, error) {
	files, err := r.files(ctx, rev, "go.mod")
	if err != nil {
		return nil, err
	}
	for i, f := range files {
		files[i] = path.Dir(f)
	}
	if above := filepath.Dir(r.Top); above != r.Top && moduleAbove(above, filepath.VolumeName(above)+string(filepath.Separator), "go.mod") != "" {
		files = append(files, "..")
	}
	return files, nil
}

// A Selection is what patterns name.
type Selection struct {
	Packages []Package
	// Left are patterns, relative to the folder that the others are relative to, of nested modules that have benchmarks and
	// that "..." does not reach into.
	Left []string
}

// Select returns the packages that patterns name, as the go command reads them in the folder prefix: "./...", "./x",
// "x/...". Modules are those of [Repo.Modules]. Three dots don't reach into modules that are nested below, unless the folder
// before them is in no module, where the go command would find none at all: then all modules below are meant. A pattern
// that names nothing is an error.
func Select(list []Package, modules []string, prefix string, patterns []string) (Selection, error) {
	var out Selection
	nested := map[string]bool{}
	for _, pattern := range patterns {
		name, all := strings.CutSuffix(pattern, "...")
		if path.IsAbs(name) || strings.Contains(name, "...") {
			return out, fmt.Errorf("package %q: write a folder relative to this one, such as ./... or ./codec", pattern)
		}
		dir := path.Join(prefix, strings.TrimSuffix(name, "/"))
		dir = path.Clean("./" + dir)
		if dir == ".." || strings.HasPrefix(dir, "../") {
			return out, fmt.Errorf("package %q is outside of the repository", pattern)
		}
		inModule := slices.ContainsFunc(modules, func(m string) bool { return m == ".." || under(dir, m) })
		before := len(out.Packages)
		var left []string
		for _, p := range list {
			switch {
			case p.Dir == dir || all && under(p.Dir, dir) && (under(dir, p.Module) && inModule || !inModule && p.Module != ""):
				out.Packages = append(out.Packages, p)
			case all && under(p.Dir, dir) && p.Module != "":
				left = append(left, p.Module)
			}
		}
		for i, m := range left {
			nested[m] = true
			left[i] = relative(prefix, m)
		}
		if len(out.Packages) == before && len(left) > 0 {
			return out, fmt.Errorf("package %q: no benchmark is in this module; nested modules have some: %s", pattern, strings.Join(unique(left), " "))
		}
		if len(out.Packages) == before {
			return out, fmt.Errorf("package %q: no benchmark is there", pattern)
		}
	}
	slices.SortFunc(out.Packages, func(a, b Package) int { return strings.Compare(a.Dir, b.Dir) })
	out.Packages = slices.CompactFunc(out.Packages, func(a, b Package) bool { return a.Dir == b.Dir })
	for m := range nested {
		if !slices.ContainsFunc(out.Packages, func(p Package) bool { return p.Module == m }) {
			out.Left = append(out.Left, relative(prefix, m))
		}
	}
	out.Left = unique(out.Left)
	return out, nil
}

// relative is the pattern of all packages in a folder below prefix.
func relative(prefix, dir string) string {
	if prefix = path.Clean("./" + prefix); prefix != "." {
		dir = strings.TrimPrefix(dir, prefix+"/")
	}
	return "./" + dir + "/..."
}

func unique(list []string) []string {
	list = slices.Clone(list)
	slices.Sort(list)
	return slices.Compact(list)
}
