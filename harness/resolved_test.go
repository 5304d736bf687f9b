package harness

import (
	"strings"
	"testing"

	"tunelab/scenarios"
)

// TestDiffering: only what both sides build from, and from different places, differs.
func TestDiffering(t *testing.T) {
	of := func(text string) resolution {
		r := resolution{settings: map[string]string{}, modules: map[string]string{}}
		for _, line := range strings.Split(text, ";") {
			if name, value, ok := strings.Cut(line, ": "); ok {
				r.settings[name] = value
			} else if path, rest, ok := strings.Cut(line, " "); ok {
				r.modules[path] = rest
			}
		}
		return r
	}
	for _, row := range []struct{ a, b, left, right string }{
		{"x.org/a v1.0.0;x.org/b v1.0.0", "x.org/a v1.0.0;x.org/b v1.0.0", "", ""},
		{"x.org/a v1.0.0", "x.org/a v1.0.0;x.org/c v2.0.0", "", ""}, // an import more
		{"x.org/a v1.0.0;x.org/b v1.0.0", "x.org/a (devel);x.org/b v1.0.0", "x.org/a v1.0.0", "x.org/a (devel)"},
		{"x.org/a v1.0.0", "x.org/a v1.0.0 => ../a", "x.org/a v1.0.0", "x.org/a v1.0.0 => ../a"},
		{"x.org/a v1.0.0", "x.org/a/b v1.0.0", "x.org/a v1.0.0", "x.org/a/b v1.0.0"}, // a package of both
		{"x.org/ab v1.0.0", "x.org/a v1.0.0", "", ""},
		{"GOWORK: ", "GOWORK: /w/go.work", "GOWORK: none", "GOWORK: /w/go.work"},
		{"GOFLAGS: -mod=mod", "GOFLAGS: ", "GOFLAGS: -mod=mod", "GOFLAGS: none"},
		{"vendor folder: yes", "vendor folder: no", "vendor folder: yes", "vendor folder: no"},
	} {
		left, right := of(row.a).differing(of(row.b))
		if strings.Join(left, ";") != row.left || strings.Join(right, ";") != row.right {
			t.Errorf("%s and %s: %q, %q", row.a, row.b, left, right)
		}
	}
}

// TestDecides: a variant that says which modules are built is not held against the other.
func TestDecides(t *testing.T) {
	for _, row := range []struct {
		v    scenarios.Variant
		want bool
	}{
		{scenarios.Variant{Flags: []string{"-mod=vendor"}}, true}, {scenarios.Variant{Flags: []string{"--modfile=x"}}, true},
		{scenarios.Variant{BuildEnv: map[string]string{"GOWORK": "off"}}, true}, {scenarios.Variant{BuildEnv: map[string]string{"GOFLAGS": "-mod=mod"}}, true},
		{scenarios.Variant{Flags: []string{"-tags=mod"}, BuildEnv: map[string]string{"GOAMD64": "v3"}}, false}, {scenarios.Variant{}, false},
	} {
		if decides(row.v) != row.want {
			t.Errorf("%+v", row.v)
		}
	}
}
