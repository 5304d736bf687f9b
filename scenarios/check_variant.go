package scenarios

import (
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// outcomes are what a variant may allow.
var outcomes = []string{"failed", "timeout", "oom"}

// checkSettings checks what a variant sets beside its name and its benchmark.
func (c *checker) checkSettings(table string, v *Variant) {
	for key := range v.Env {
		c.envName(table+".env", key)
	}
	for key := range v.BuildEnv {
		c.envName(table+".buildenv", key)
	}
	if text := v.Env[memoryLimit]; strings.HasSuffix(text, "%") {
		if share, ok := percentOf(text); !ok || share > 1 {
			c.fail(at(table+".env", table), "%s is %q: a share of the memory limit is above 0%% and up to 100%%", memoryLimit, text)
		} else if v.Limits.Memory == 0 {
			c.fail(at(table+".env", table), "%s is %q of a memory limit that the variant does not set: add limits = { memory = \"512MiB\" }", memoryLimit, text)
		}
	}
	if v.Limits.Memory != 0 && v.Limits.Memory < 4<<20 {
		c.fail(at(table+".limits", table), "a memory limit of %v: nothing written in Go starts below 4MiB", v.Limits.Memory)
	}
	if v.Limits.CPUs < 0 || v.Limits.CPUs != 0 && v.Limits.CPUs < 0.01 || v.Limits.CPUs > 1e4 {
		c.fail(at(table+".limits", table), "a CPU limit of %v: write CPU seconds a second, 0.01 or more", v.Limits.CPUs)
	}
	for _, o := range v.Allow {
		if !slices.Contains(outcomes, o) {
			c.fail(at(table+".allow", table), "allow %q: a trial that is not ok is one of %q", o, outcomes)
		}
	}
	if strings.HasPrefix(v.Rev, "-") || strings.ContainsFunc(v.Rev, isSpace) {
		c.fail(at(table+".rev", table), "rev %q is no git revision such as v1.2.0, main~3 or a commit's hash", v.Rev)
	}
	c.checkRewrite(table, v.Rewrite)
	c.checkTraining(table, v)
}

func (c *checker) checkRewrite(table string, list []Rewrite) {
	for _, r := range list {
		switch {
		case r.Module == "" || r.File == "" || r.Old == "":
			c.fail(at(table+".rewrite", table), "a rewrite needs module, file and old, the text that is replaced")
		case !filepath.IsLocal(filepath.FromSlash(r.File)) || path.Clean(r.File) != r.File:
			c.fail(at(table+".rewrite", table), "file %q of a rewrite is no path within the module", r.File)
		case r.Old == r.New:
			c.fail(at(table+".rewrite", table), "a rewrite of %s that changes nothing", r.File)
		}
	}
}

// checkTraining turns pgo = "CASE" and pgo = { dir = "…", run = "…" } into a Training.
func (c *checker) checkTraining(table string, v *Variant) {
	const help = `write pgo = "CASE", a case of this scenario or the leading parts of its name, or pgo = { dir = "…", run = "…" }, another program's benchmark`
	switch raw := v.RawPGO.(type) {
	case nil:
	case string:
		if raw == "" {
			c.fail(at(table+".pgo"), "pgo names nothing: %s", help)
			return
		}
		v.PGO = &Training{Case: raw}
	case map[string]any:
		t := &Training{}
		for _, key := range sortedKeys(raw) {
			text, ok := raw[key].(string)
			switch {
			case ok && key == "dir":
				t.Dir = c.s.relative(text)
			case ok && key == "run":
				t.Run = text
			default:
				c.fail(at(table+".pgo"), "unknown key or value %s = %v in pgo: %s", key, raw[key], help)
			}
		}
		if t.Dir == "" || t.Run == "" {
			c.fail(at(table+".pgo"), "pgo needs both dir and run: %s", help)
		}
		c.pattern(table+".pgo", t.Run)
		v.PGO = t
	default:
		c.fail(at(table+".pgo"), "pgo is %v: %s", raw, help)
	}
	if v.PGO != nil && slices.ContainsFunc(v.Flags, func(f string) bool { return strings.HasPrefix(strings.TrimLeft(f, "-"), "pgo") }) {
		c.fail(at(table+".flags"), "both pgo and a -pgo flag")
	}
}

func (c *checker) checkSubject() {
	s := c.s
	if s.Subject.Package != "" && s.Subject.Dir == "" {
		c.fail(at("subject.package"), "subject.package without subject.dir: name a folder of the module that holds it")
	}
	switch s.Bench.Cores {
	case "", Shared:
	case Split:
		if !s.HasSubject() {
			c.fail(at("bench.cores"), "cores is %q: a benchmark without a [subject] runs on all cores, %q", Split, Shared)
		}
	default:
		c.fail(at("bench.cores"), "cores is %q, neither %q nor %q", s.Bench.Cores, Shared, Split)
	}
}

func (c *checker) checkParts() {
	for _, name := range c.s.Parts {
		if name == c.s.Name || name == "" || strings.ContainsAny(name, `/\`) || strings.HasSuffix(name, ".toml") {
			c.fail(at("parts"), "part %q is no name of another scenario beside this file", name)
		}
	}
}

// PartPaths returns the files of the scenario's parts.
func (s *Scenario) PartPaths() []string {
	var out []string
	for _, name := range s.Parts {
		out = append(out, s.relative(fmt.Sprintf("%s.toml", name)))
	}
	return out
}
