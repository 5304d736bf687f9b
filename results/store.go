package results

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// CheckRoot makes root, and returns an error when no run's folder can be made there: better now than when the builds are
// done. It leaves nothing in it.
func CheckRoot(root string) error {
	if err := os.MkdirAll(root, 0o777); err != nil {
		return fmt.Errorf("making the results folder: %w; choose another with --results", err)
	}
	dir, err := os.MkdirTemp(root, ".try-")
	if err == nil {
		err = os.Remove(dir)
	}
	if err != nil {
		return fmt.Errorf("making a folder for the run: %w; choose another place with --results", err)
	}
	return nil
}

// NewDir makes the folder of a new run of the scenario under root, with a name that tells when it began, and returns its
// path. It is made when there is something to put in it: a run that is killed before leaves no folder.
func NewDir(root, scenario string, began time.Time) (string, error) {
	if err := os.MkdirAll(root, 0o777); err != nil {
		return "", fmt.Errorf("making the results folder: %w; choose another with --results", err)
	}
	name := scenario + "-" + began.UTC().Format("20060102-150405")
	for i := 1; ; i++ {
		dir := filepath.Join(root, name)
		if i > 1 {
			dir = fmt.Sprintf("%s-%d", dir, i)
		}
		err := os.Mkdir(dir, 0o777)
		if err == nil {
			return dir, nil
		}
		if !errors.Is(err, fs.ErrExist) || i > 1000 {
			return "", fmt.Errorf("making the run's folder: %w; choose another place with --results", err)
		}
	}
}

// Find returns the path of a run: the argument itself when it is a file or a folder, else the run of that name under
// root. "last" is the newest run there.
func Find(root, arg string) (string, error) {
	if _, err := os.Stat(arg); err == nil {
		return arg, nil
	}
	if arg == "last" {
		runs, err := List(root)
		if err != nil {
			return "", err
		}
		if len(runs) == 0 {
			return "", fmt.Errorf("no runs under %s; make one with: tunelab run SCENARIO", root)
		}
		return runs[len(runs)-1], nil
	}
	path := filepath.Join(root, arg)
	if _, err := os.Stat(path); err == nil && arg != "" {
		return path, nil
	}
	return "", fmt.Errorf("no run, folder or benchmark file %q here or under %s; see which there are with: ls %s", arg, root, root)
}

// List returns the folders of all runs under root, oldest first. A folder without a plan, which a run leaves that is killed
// too early, is none.
func List(root string) ([]string, error) {
	files, err := filepath.Glob(filepath.Join(root, "*", BenchFile))
	if err != nil {
		return nil, fmt.Errorf("listing runs: %w", err)
	}
	type run struct {
		dir   string
		stamp string
	}
	var runs []run
	for _, f := range files {
		if info, err := os.Stat(f); err != nil || info.Size() == 0 {
			continue
		}
		dir := filepath.Dir(f)
		runs = append(runs, run{dir, stamp(filepath.Base(dir))})
	}
	slices.SortStableFunc(runs, func(a, b run) int {
		if c := strings.Compare(a.stamp, b.stamp); c != 0 {
			return c
		}
		return strings.Compare(a.dir, b.dir)
	})
	dirs := make([]string, len(runs))
	for i, r := range runs {
		dirs[i] = r.dir
	}
	return dirs, nil
}

// IsRun reports whether the path is one of a file, or of a folder that has a run's file in it.
func IsRun(path string) bool {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		path = filepath.Join(path, BenchFile)
	}
	info, err := os.Stat(path)
	return err == nil && !info.IsDir()
}

// stamp returns the part of a run's name that tells when it began, so that names sort by time.
func stamp(name string) string {
	parts := strings.Split(name, "-")
	for i := 0; i+1 < len(parts); i++ {
		if len(parts[i]) == 8 && len(parts[i+1]) == 6 && strings.Trim(parts[i]+parts[i+1], "0123456789") == "" {
			return strings.Join(parts[i:], "-")
		}
	}
	return name
}
