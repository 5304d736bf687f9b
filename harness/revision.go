package harness

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"tunelab/harness/repo"
	"tunelab/scenarios"
)

// A revised variant is built from a checkout of its own.
type revised struct {
	commit repo.Commit
	tree   *repo.Tree
	prefix string            // of the package that the variant builds, in the repository
	dir    string            // the same in the checkout
	env    map[string]string // what a build needs there besides
}

// checkOut puts the revisions that variants name into folders of their own, each once.
func (s *session) checkOut(ctx context.Context) error {
	if s.revised != nil {
		return nil
	}
	s.revised = map[string]revised{}
	for _, v := range s.variants {
		if v.Rev == "" {
			continue
		}
		r, err := s.revise(ctx, v)
		if err != nil {
			return fmt.Errorf("%s: variant %s: %w", s.scenario.VariantPosition(v.Name, "rev"), v.Name, err)
		}
		s.revised[v.Name] = r
	}
	return nil
}

// builtDir is the folder of the package that variants build, in the work tree.
func (s *session) builtDir() (string, error) {
	if !s.scenario.HasSubject() {
		return s.benchDir, nil
	}
	dir, err := filepath.Abs(s.scenario.SubjectDir())
	if err != nil {
		return "", fmt.Errorf("finding the subject: %w", err)
	}
	return dir, nil
}

// revise checks a variant's revision out.
func (s *session) revise(ctx context.Context, v scenarios.Variant) (revised, error) {
	dir, err := s.builtDir()
	if err != nil {
		return revised{}, err
	}
	r, prefix, err := repo.Open(ctx, dir)
	if err != nil {
		return revised{}, err
	}
	commit, err := r.Resolve(ctx, v.Rev)
	if err != nil {
		return revised{}, err
	}
	tree, err := s.treeOf(ctx, r, v.Name, commit)
	if err != nil {
		return revised{}, err
	}
	at := filepath.Join(tree.Top, filepath.FromSlash(prefix))
	if info, err := os.Stat(at); err != nil || !info.IsDir() {
		return revised{}, fmt.Errorf("%s has no folder %s", v.Rev, prefix)
	}
	env, err := tree.Resolve(ctx, prefix)
	if err != nil {
		return revised{}, err
	}
	return revised{commit, tree, prefix, at, env}, nil
}

// treeOf returns a revision's checkout, which is made once for all runs that share a hold of the machine.
func (s *session) treeOf(ctx context.Context, r *repo.Repo, name string, commit repo.Commit) (*repo.Tree, error) {
	dir, trees := s.scratch, s.trees
	if s.options.Hold != nil {
		dir, trees = s.options.Hold.Dir(), s.options.Hold.trees
	}
	root := filepath.Join(dir, "rev-"+commit.Short())
	if tree := trees[root]; tree != nil {
		return tree, nil
	}
	s.tell(Progress{Stage: StageBuild, Text: fmt.Sprintf("checking out %s (%s)", name, commit.Short())})
	tree, err := r.Checkout(ctx, commit.Hash, root, s.options.Carry)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(root)) // what is there is whole
	}
	trees[root] = tree
	return tree, nil
}

// inCheckout gives a build in a checkout the settings that mean there what the variant's mean in the work tree.
func (r revised) inCheckout(set settings) (settings, error) {
	var err error
	if set.flags, err = r.tree.Flags(r.prefix, set.flags); err != nil {
		return set, err
	}
	env := maps.Clone(r.env)
	for name, value := range set.buildEnv {
		env[name] = r.tree.Moved(value)
	}
	set.buildEnv = env
	return set, nil
}

// remarks say of checkouts what a reader of the results has to know.
func (s *session) remarks() []string {
	var out []string
	if len(s.revised) > 0 && len(s.options.Carry) > 0 {
		out = append(out, "copied from the work tree into every checkout, as far as git does not track it: "+strings.Join(s.options.Carry, ", "))
	}
	for _, v := range s.variants {
		if r, ok := s.revised[v.Name]; ok {
			for _, l := range r.tree.Lacks {
				out = append(out, fmt.Sprintf("the checkout of %s lacks %v", v.Name, l))
			}
		}
	}
	return out
}

// explained adds to what went wrong in a checkout what it lacks and the work tree has.
func (s *session) explained(text string) string {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second) // also after an interruption
	defer cancel()
	var hints []string
	for _, v := range s.variants {
		if r, ok := s.revised[v.Name]; ok {
			for _, hint := range r.tree.Hints(ctx, r.prefix, text) {
				if !slices.Contains(hints, hint) {
					hints = append(hints, hint)
				}
			}
		}
	}
	return strings.Join(hints, "\n")
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
