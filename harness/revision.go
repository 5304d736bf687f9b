package harness

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"tunelab/harness/repo"
	"tunelab/scenarios"
)

// A revised variant is built from a checkout of its own.
type revised struct {
	commit repo.Commit
	root   string // of the checkout
	dir    string // of the package that the variant builds, in the checkout
	work   string // the workspace file in the checkout, where the environment names one of the repository; else ""
}

// checkOut puts the revisions that variants name into folders of their own, each once.
func (s *session) checkOut(ctx context.Context) error {
	s.revised = map[string]revised{}
	for _, v := range s.variants {
		if v.Rev == "" {
			continue
		}
		position := s.scenario.VariantPosition(v.Name, "rev")
		dir := s.benchDir
		if s.scenario.HasSubject() {
			var err error
			if dir, err = filepath.Abs(s.scenario.SubjectDir()); err != nil {
				return fmt.Errorf("finding the subject: %w", err)
			}
		}
		r, prefix, err := repo.Open(ctx, dir)
		if err != nil {
			return fmt.Errorf("%s: variant %s: %w", position, v.Name, err)
		}
		commit, err := r.Resolve(ctx, v.Rev)
		if err != nil {
			return fmt.Errorf("%s: variant %s: %w", position, v.Name, err)
		}
		root, err := s.checkoutOf(ctx, r, v.Name, commit)
		if err != nil {
			return fmt.Errorf("%s: variant %s: %w", position, v.Name, err)
		}
		at := filepath.Join(root, filepath.FromSlash(prefix))
		if info, err := os.Stat(at); err != nil || !info.IsDir() {
			return fmt.Errorf("%s: variant %s: %s has no folder %s", position, v.Name, v.Rev, prefix)
		}
		s.revised[v.Name] = revised{commit, root, at, workspace(r.Top, root)}
	}
	return nil
}

// checkoutOf returns the folder of a revision's checkout, which is made once for all runs that share a hold of the machine.
func (s *session) checkoutOf(ctx context.Context, r *repo.Repo, name string, commit repo.Commit) (string, error) {
	dir := s.scratch
	if s.options.Hold != nil {
		dir = s.options.Hold.Dir()
	}
	root := filepath.Join(dir, "rev-"+commit.Short())
	if _, err := os.Stat(root); err == nil {
		return root, nil
	}
	s.tell(Progress{Stage: StageBuild, Text: fmt.Sprintf("checking out %s (%s)", name, commit.Short())})
	if err := r.Checkout(ctx, commit.Hash, root); err != nil {
		return "", errors.Join(err, os.RemoveAll(root)) // what is there is whole
	}
	return root, nil
}

// workspace returns the file in a checkout that GOWORK in the environment names in the repository itself.
func workspace(top, checkout string) string {
	inside, err := filepath.Rel(top, os.Getenv("GOWORK"))
	if err != nil || !filepath.IsLocal(inside) {
		return ""
	}
	return filepath.Join(checkout, inside)
}

// benchDirOf returns the folder in which the variant's benchmarks are built and run.
func (s *session) benchDirOf(v scenarios.Variant) string {
	if r, ok := s.revised[v.Name]; ok && !s.scenario.HasSubject() {
		return r.dir
	}
	return s.benchDir
}

// allRevised reports whether no variant is measured from the folder as it is now, so that it need not be there.
func allRevised(sc *scenarios.Scenario) bool {
	for _, v := range sc.Variants {
		if v.Rev == "" {
			return false
		}
	}
	return !sc.HasSubject()
}
