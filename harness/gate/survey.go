package gate

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"tunelab/harness/repo"
)

// A Found is what there is to gate.
type Found struct {
	Baseline             string // a revision
	Packages, Benchmarks int
	Left                 []string // patterns of nested modules that have benchmarks and are not among these
}

// String says how much there is, and against what it is held.
func (f Found) String() string {
	text := count(f.Benchmarks, "benchmark", "benchmarks") + " in " + count(f.Packages, "package", "packages") + ", compared with " + f.Baseline
	if len(f.Left) > 0 {
		text += "; " + leftOut(f.Left)
	}
	return text
}

// below returns whether folders are below a folder of the repository.
func below(prefix string) func(dir string) bool {
	return func(dir string) bool { return prefix == "" && dir != ".." || strings.HasPrefix(dir, prefix+"/") }
}

// Survey looks at the module in dir, or the modules below where it is in none: whether it can be gated, by which baseline, and how many benchmarks it has.
func Survey(ctx context.Context, dir, baseline string) (Found, error) {
	r, prefix, err := repo.Open(ctx, dir)
	if err != nil {
		return Found{}, fmt.Errorf("%w: a gate compares revisions of a git repository", err)
	}
	modules, err := r.Modules(ctx, "")
	if err != nil {
		return Found{}, err
	}
	if _, err := os.Stat(filepath.Join(dir, "go.mod")); errors.Is(err, fs.ErrNotExist) && !slices.ContainsFunc(modules, below(prefix)) {
		return Found{}, fmt.Errorf("there is no go.mod in %s, or below: go to the folder of a Go module, or name it with --dir", dir)
	}
	found := Found{Baseline: baseline}
	if baseline == "" {
		if found.Baseline = r.LatestTag(ctx); found.Baseline == "" {
			head, err := r.Resolve(ctx, "HEAD")
			if err != nil {
				return Found{}, fmt.Errorf("finding a baseline: %w; commit something first", err)
			}
			found.Baseline = head.Short()
		}
	} else if c, err := r.Resolve(ctx, baseline); err != nil {
		return Found{}, err
	} else if !r.IsTag(ctx, baseline) {
		found.Baseline = c.Short() // a branch would move
	}
	all, err := r.Packages(ctx, "", prefix)
	if err != nil {
		return Found{}, err
	}
	chosen, err := repo.Select(all, modules, prefix, []string{"./..."})
	found.Packages, found.Left = len(chosen.Packages), chosen.Left
	for _, p := range chosen.Packages {
		found.Benchmarks += len(p.Benchmarks)
	}
	if found.Benchmarks == 0 && err != nil && len(all) > 0 {
		return Found{}, err
	}
	if found.Benchmarks == 0 {
		return Found{}, fmt.Errorf("no benchmark is in %s or below it: a gate needs some (func BenchmarkX(b *testing.B) in a _test.go file)", dir)
	}
	return found, nil
}
