package main

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// mayImport says, for each folder, which packages of this module it may import. The first pattern that matches a
// package's folder counts; "x/..." means x and everything below.
var mayImport = []struct {
	folder  string
	imports []string
}{
	// Subjects know nothing of tunelab, so that no upgrade of ours changes what is measured.
	{"benchmarks/debug", nil},
	{"benchmarks/etcd/server", []string{"benchmarks/debug"}},
	{"benchmarks/kubeapiserver/server", []string{"benchmarks/debug"}},
	{"benchmarks/...", []string{"harness/probe"}},
	{"scenarios", nil},
	{"harness/probe", nil},
	{"results/verdict", nil},
	{"results/...", []string{"results/..."}},
	{"harness/...", []string{"scenarios", "results/...", "harness/..."}},
	{"reports/...", []string{"scenarios", "results/...", "reports/..."}},
	{".", []string{"scenarios", "harness/...", "results/...", "reports/..."}},
}

// rooms are the folders that may hold Go, by the first element of their path.
var rooms = []string{".", "scenarios", "benchmarks", "harness", "results", "reports"}

func matches(pattern, folder string) bool {
	if prefix, ok := strings.CutSuffix(pattern, "/..."); ok {
		return folder == prefix || strings.HasPrefix(folder, prefix+"/")
	}
	return folder == pattern
}

// violation returns why a file in folder must not import the package of this module, "" when it may.
func violation(folder, imported string) string {
	// A package in an internal folder may also be imported by its parents, which the compiler sees to, and may import
	// its siblings.
	for _, rule := range mayImport {
		if !matches(rule.folder, folder) {
			continue
		}
		if matches(folder+"/...", imported) || slices.ContainsFunc(rule.imports, func(p string) bool { return matches(p, imported) }) {
			return ""
		}
		return folder + " may import only " + strings.Join(rule.imports, ", ") + " of this module, not " + imported
	}
	return folder + " is in no room of the house"
}

func TestLayout(t *testing.T) {
	used := map[string]bool{}
	err := filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name = filepath.ToSlash(name)
		if d.IsDir() {
			base := path.Base(name)
			if name != "." && (strings.HasPrefix(base, ".") || base == "testdata") {
				return filepath.SkipDir
			}
			if base == "common" || base == "util" || name == "internal" {
				t.Errorf("%s: the house has no such room", name)
			}
			return nil
		}
		if strings.HasSuffix(name, ".go") {
			checkFile(t, name, used)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, room := range rooms {
		if !used[room] {
			t.Errorf("the list of rooms has %s, and nothing is there", room)
		}
	}
}

func checkFile(t *testing.T, name string, used map[string]bool) {
	folder := path.Dir(name)
	room, _, _ := strings.Cut(folder, "/")
	used[room] = true
	if !slices.Contains(rooms, room) {
		t.Errorf("%s: Go code outside the house", name)
	}
	for _, data := range []string{"results/runs", "results/baseline", "results/history"} {
		if matches(data+"/...", folder) {
			t.Errorf("%s: %s holds data only", name, data)
		}
	}
	file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
	if err != nil {
		t.Error(err)
		return
	}
	for _, spec := range file.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if imported, ok := strings.CutPrefix(imported, "tunelab/"); ok {
			if why := violation(folder, imported); why != "" {
				t.Errorf("%s: %s", name, why)
			}
		}
	}
}

// The rules themselves, so that a typo in a pattern does not let everything through.
func TestLayoutRules(t *testing.T) {
	for _, row := range []struct {
		folder, imported string
		ok               bool
	}{
		{"benchmarks/raftcommit", "harness/probe", true},
		{"benchmarks/raftcommit", "harness", false},
		{"benchmarks/raftcommit", "benchmarks/debug", false},
		{"benchmarks/etcd/server", "benchmarks/debug", true},
		{"benchmarks/etcd/server", "harness/probe", false},
		{"benchmarks/debug", "harness/probe", false},
		{"benchmarks/raftcommit", "results", false},
		{"scenarios", "results", false},
		{"harness/probe", "harness", false},
		{"results/verdict", "results", false},
		{"results", "results/verdict", true},
		{"results", "scenarios", false},
		{"harness/display", "harness", true},
		{"harness", "harness/internal/process", true},
		{"harness", "reports", false},
		{"reports/plots", "results/verdict", true},
		{"reports", "harness", false},
		{"reports", "harness/machine", false},
		{".", "reports", true},
		{".", "benchmarks/raftcommit", false},
		{"attic", "results", false},
	} {
		if why := violation(row.folder, row.imported); (why == "") != row.ok {
			t.Errorf("%s importing %s: %q, want ok %v", row.folder, row.imported, why, row.ok)
		}
	}
}
