package harness

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"tunelab/harness/internal/watch"
	"tunelab/harness/repo"
	"tunelab/scenarios"
)

// A Likeness says whether the variants of a scenario can differ at all.
type Likeness struct {
	Alike bool   // they can't: there is nothing to measure
	Bytes bool   // they are built into the same bytes and run in the same way
	Why   string // where Bytes, and not Alike: what they may read and differs, or why that can't be told
}

// Limits of the pass that shows what benchmarks read.
const (
	passTimeout = 20 * time.Second
	mostPlaces  = 10000 // files and folders that are watched on a side
)

// Alike builds the scenario's variants and says whether they come to the same: one binary, byte for byte, run in the same
// way, and reading nothing in which the sides differ. The bytes are compared of builds with -trimpath, because those of two
// folders are the same then; what is measured is built without, so that benchmarks find their data by runtime.Caller.
//
// Differ are the files and folders, relative to the repository's root, in which the sides differ. Where there are some,
// and bytes are the same, all benchmarks run once on each side while these are watched. What can't be watched counts as
// read. What a checkout lacks must not be read at all: the error says what it was.
func Alike(ctx context.Context, sc *scenarios.Scenario, o Options, differ []string) (Likeness, error) {
	s, err := open(sc, o)
	if err != nil {
		return Likeness{}, err
	}
	like, err := s.alike(ctx, differ)
	_, err = s.end(err)
	return like, err
}

func (s *session) alike(ctx context.Context, differ []string) (Likeness, error) {
	untrimmed := s.variants
	s.variants = slices.Clone(s.variants)
	for i := range s.variants {
		s.variants[i].Flags = append([]string{"-trimpath"}, s.variants[i].Flags...)
	}
	_, err := s.buildVariants(ctx)
	s.variants = untrimmed
	if err != nil {
		return Likeness{}, err
	}
	like := Likeness{Bytes: s.sameBytes()}
	lacks := slices.ContainsFunc(s.variants, func(v scenarios.Variant) bool { return s.revised[v.Name].lacks() })
	like.Alike = like.Bytes && len(differ) == 0 && !lacks
	if !lacks && (!like.Bytes || like.Alike) {
		return like, nil
	}
	if _, err := s.buildVariants(ctx); err != nil { // as it is measured: what it reads may depend on its path
		return like, err
	}
	if err := s.readsLacking(ctx); err != nil || !like.Bytes {
		return like, err
	}
	for _, v := range s.variants {
		root, err := s.rootOf(ctx, v)
		if err != nil {
			return like, err
		}
		touched, why, err := s.reads(ctx, v, root, differ)
		if len(touched) > 0 {
			why = "its benchmarks read " + touched[0] + ", in which the sides differ"
		}
		if like.Why = why; err != nil || why != "" {
			return like, err
		}
	}
	like.Alike = true
	return like, nil
}

// sameBytes reports whether the variants are one binary, byte for byte, that is run in the same way.
func (s *session) sameBytes() bool {
	base := s.scenario.Base()
	a := s.binaries[base.Name]
	return !slices.ContainsFunc(s.variants, func(v scenarios.Variant) bool {
		b := s.binaries[v.Name]
		return a.varied().sha256 != b.varied().sha256 || a.bench.sha256 != b.bench.sha256 ||
			!maps.Equal(base.Environment(), v.Environment()) || base.Limits != v.Limits || base.Select != v.Select
	})
}

func (r revised) lacks() bool { return r.tree != nil && len(r.tree.Lacks) > 0 }

// rootOf is the root of the repository's files on the variant's side.
func (s *session) rootOf(ctx context.Context, v scenarios.Variant) (string, error) {
	if r, ok := s.revised[v.Name]; ok {
		return r.tree.Top, nil
	}
	dir, err := s.builtDir()
	if err != nil {
		return "", err
	}
	r, _, err := repo.Open(ctx, dir)
	if err != nil {
		return "", err
	}
	return r.Top, nil
}

// readsLacking returns an error when benchmarks of any variant are built from or read what some checkout lacks, also where
// they read it on a side that has it: on the other they do something else without a word.
func (s *session) readsLacking(ctx context.Context) error {
	var lacks []repo.Lack
	var paths []string
	for _, v := range s.variants {
		r := s.revised[v.Name]
		if !r.lacks() {
			continue
		}
		if err := s.embedsLacking(v, r); err != nil {
			return err
		}
		for _, l := range r.tree.Lacks {
			if !slices.Contains(paths, l.Path) {
				lacks, paths = append(lacks, l), append(paths, l.Path)
			}
		}
	}
	for _, v := range s.variants {
		if len(lacks) == 0 {
			return nil
		}
		root, err := s.rootOf(ctx, v)
		if err != nil {
			return err
		}
		touched, _, err := s.reads(ctx, v, root, paths)
		if err != nil {
			return err
		}
		for _, l := range lacks {
			if slices.ContainsFunc(touched, func(name string) bool { return name == l.Path || strings.HasPrefix(name, l.Path+"/") }) {
				return fmt.Errorf("the benchmarks read what a checkout lacks: %v", l)
			}
		}
	}
	return nil
}

// embedsLacking returns an error when the variant's binary holds the stand-in for something that its checkout lacks.
func (s *session) embedsLacking(v scenarios.Variant, r revised) error {
	content, err := os.ReadFile(s.binaries[v.Name].varied().path)
	if err != nil {
		return fmt.Errorf("reading the binary of %s: %w", v.Name, err)
	}
	for _, l := range r.tree.Lacks {
		standIn, err := os.ReadFile(filepath.Join(r.tree.Top, filepath.FromSlash(l.Path)))
		if err == nil && len(standIn) > 0 && bytes.Contains(content, standIn) {
			return fmt.Errorf("what the checkout of %s lacks would be built into the benchmarks: %v", v.Name, l)
		}
	}
	return nil
}

// reads runs the variant's benchmarks once and returns what they touched of the places below root, relative to it, and why
// that can't be told; neither means that they touched none.
func (s *session) reads(ctx context.Context, v scenarios.Variant, root string, places []string) (touched []string, why string, err error) {
	if len(places) > mostPlaces {
		return nil, fmt.Sprintf("the sides differ in %d files and folders, too many to watch", len(places)), nil
	}
	var paths []string
	for _, p := range places {
		paths = append(paths, filepath.Join(root, filepath.FromSlash(p)))
	}
	w, err := watch.New(mostPlaces)
	if err != nil {
		return nil, err.Error(), nil
	}
	const untold = "whether its benchmarks read what differs can't be told: "
	if err := w.Add(paths...); err != nil {
		_, ended := w.Touched()
		return nil, untold + err.Error(), ended
	}
	spec := s.spec(v, passTimeout, s.benchArgs(s.scenario.BenchPattern(), "-test.benchtime=1x")...)
	s.tell(Progress{Stage: StageBuild, Text: "looking at what the benchmarks of " + v.Name + " read"})
	exit, err := s.children.Run(ctx, spec)
	list, ended := w.Touched()
	if err = errors.Join(err, ended); err != nil {
		return nil, "", err
	}
	for _, name := range list {
		if rel, err := filepath.Rel(root, name); err == nil && filepath.IsLocal(rel) {
			name = filepath.ToSlash(rel)
		}
		touched = append(touched, name)
	}
	if !exit.Ok() {
		why = untold + "a pass of them " + exit.Why(spec)
	}
	return touched, why, nil
}
