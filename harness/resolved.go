package harness

import (
	"cmp"
	"context"
	"debug/buildinfo"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"tunelab/harness/repo"
	"tunelab/scenarios"
)

// A resolution is how the go command came to the modules of a build: what it went by, and the modules that are in the
// binary, each on a line of its own.
type resolution struct {
	settings map[string]string // GOWORK, GOFLAGS, vendor
	modules  map[string]string // by path: version and replacement
}

// resolvedAlike refuses sides that were built from other modules, or by other means, though no file that git tracks says so:
// the difference would be the place's, not the revision's. What a variant sets itself is its own affair.
func (s *session) resolvedAlike(ctx context.Context, b *builder) error {
	if len(s.revised) == 0 {
		return nil
	}
	base := s.scenario.Base()
	of, err := s.resolutionOf(ctx, b, base)
	if err != nil {
		return err
	}
	for _, v := range s.variants {
		if v.Name == base.Name || v.Rev == base.Rev || decides(base) || decides(v) {
			continue
		}
		other, err := s.resolutionOf(ctx, b, v)
		if err != nil {
			return err
		}
		left, right := of.differing(other)
		if len(left)+len(right) == 0 {
			continue
		}
		tracked, err := s.tracked(ctx, base, v, of.settings["GOWORK"]+other.settings["GOWORK"] != "" || of.local() || other.local())
		if err != nil {
			return err
		}
		if len(tracked) > 0 {
			continue
		}
		return fmt.Errorf("%s and %s resolve their modules differently, and no go.mod, go.sum, go.work or vendor folder that git tracks says so\n%s:\n%s\n%s:\n%s\n"+
			"Set GOFLAGS=-mod=mod or GOWORK=off for both, or commit the file that makes the difference",
			base.Name, v.Name, base.Name, indent(strings.Join(left, "\n")), v.Name, indent(strings.Join(right, "\n")))
	}
	return nil
}

// decides reports whether the variant's own settings say which modules are built.
func decides(v scenarios.Variant) bool {
	_, work := v.BuildEnv["GOWORK"]
	_, flags := v.BuildEnv["GOFLAGS"]
	return work || flags || len(v.Rewrite) > 0 || slices.ContainsFunc(v.Flags, func(flag string) bool {
		return strings.HasPrefix(strings.TrimLeft(flag, "-"), "mod")
	})
}

// tracked are the files of modules in which the two variants' trees differ.
func (s *session) tracked(ctx context.Context, a, b scenarios.Variant, all bool) ([]string, error) {
	dir, err := s.builtDir()
	if err != nil {
		return nil, err
	}
	r, prefix, err := repo.Open(ctx, dir)
	if err != nil {
		return nil, err
	}
	return r.ModuleFiles(ctx, s.revised[a.Name].commit.Hash, s.revised[b.Name].commit.Hash, prefix, all)
}

// resolutionOf reads what the variant was built from.
func (s *session) resolutionOf(ctx context.Context, b *builder, v scenarios.Variant) (resolution, error) {
	out := resolution{settings: map[string]string{}, modules: map[string]string{}}
	bin := s.binaries[v.Name].varied()
	info, err := buildinfo.ReadFile(bin.path)
	if err != nil {
		return out, fmt.Errorf("reading the modules of %s: %w", v.Name, err)
	}
	for _, m := range info.Deps {
		text := m.Version
		if m.Replace != nil {
			text += " => " + m.Replace.Path + " " + m.Replace.Version
		}
		out.modules[m.Path] = strings.TrimSpace(text)
	}
	made := s.binaries[v.Name]
	exit, err := b.goOutput(ctx, made.target.dir, withEnv(nil, made.set.buildEnv), "env", "-json", "GOWORK", "GOMOD", "GOFLAGS")
	var set struct{ GOWORK, GOMOD, GOFLAGS string }
	if err == nil {
		err = json.Unmarshal(exit.Stdout, &set)
	}
	if err != nil {
		return out, fmt.Errorf("asking the go command what it builds %s from: %w\n%s", v.Name, err, indent(exit.Tail(maxTail)))
	}
	vendored := "no"
	main := filepath.Dir(set.GOMOD)
	if set.GOWORK != "" && set.GOWORK != "off" {
		main = filepath.Dir(set.GOWORK)
	}
	if _, err := os.Stat(filepath.Join(main, "vendor", "modules.txt")); err == nil {
		vendored = "yes"
	}
	out.settings["GOWORK"], out.settings["GOFLAGS"], out.settings["vendor folder"] = set.GOWORK, set.GOFLAGS, vendored
	if r, ok := s.revised[v.Name]; ok {
		for name, value := range out.settings {
			out.settings[name] = r.tree.Real(value)
		}
		for name, text := range out.modules {
			out.modules[name] = r.tree.Real(text)
		}
	}
	return out, nil
}

// local reports whether modules come from folders.
func (r resolution) local() bool {
	for _, text := range r.modules {
		if strings.Contains(text, "(devel)") || strings.Contains(text, "=> .") || strings.Contains(text, "=> /") {
			return true
		}
	}
	return false
}

// differing returns the lines in which two resolutions differ. A module that only one of them builds something from says
// nothing, unless the other has one round it or within it: the same packages can come from both.
func (r resolution) differing(other resolution) (left, right []string) {
	for _, name := range []string{"GOWORK", "GOFLAGS", "vendor folder"} {
		if a, b := r.settings[name], other.settings[name]; a != b {
			left, right = append(left, name+": "+cmp.Or(a, "none")), append(right, name+": "+cmp.Or(b, "none"))
		}
	}
	for _, path := range sortedNames(r.modules) {
		if text, ok := other.modules[path]; ok && text != r.modules[path] {
			left, right = append(left, path+" "+r.modules[path]), append(right, path+" "+text)
		} else if !ok {
			for _, near := range sortedNames(other.modules) {
				if _, both := r.modules[near]; !both && (strings.HasPrefix(near, path+"/") || strings.HasPrefix(path, near+"/")) {
					left, right = append(left, path+" "+r.modules[path]), append(right, near+" "+other.modules[near])
				}
			}
		}
	}
	return left, right
}

func sortedNames(m map[string]string) []string {
	var names []string
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
