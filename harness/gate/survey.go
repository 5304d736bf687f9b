package gate

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"tunelab/harness/repo"
)

// A Found is what there is to gate.
type Found struct {
	Baseline             string // a revision
	Packages, Benchmarks int
}

// String says how much there is, and against what it is held.
func (f Found) String() string {
	return count(f.Benchmarks, "benchmark", "benchmarks") + " in " + count(f.Packages, "package", "packages") + ", compared with " + f.Baseline
}

// Survey looks at the module in dir: whether it can be gated, by which baseline, and how many benchmarks it has.
func Survey(ctx context.Context, dir, baseline string) (Found, error) {
	if _, err := os.Stat(filepath.Join(dir, "go.mod")); errors.Is(err, fs.ErrNotExist) {
		return Found{}, fmt.Errorf("there is no go.mod in %s: go to the folder of a Go module, or name it with --dir", dir)
	}
	r, prefix, err := repo.Open(ctx, dir)
	if err != nil {
		return Found{}, fmt.Errorf("%w: a gate compares revisions of a git repository", err)
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
	list, _ := repo.Select(all, prefix, []string{"./..."}) // that there are none is told below
	found.Packages = len(list)
	for _, p := range list {
		found.Benchmarks += len(p.Benchmarks)
	}
	if found.Benchmarks == 0 {
		return Found{}, fmt.Errorf("no benchmark is in %s or below it: a gate needs some (func BenchmarkX(b *testing.B) in a _test.go file)", dir)
	}
	return found, nil
}
