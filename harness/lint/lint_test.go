package lint

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"tunelab/results/misuse"
)

// wanted returns the lines of the module's test files that say what is wrong with them: "// want CODE BENCHMARK".
func wanted(t *testing.T, dir string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	want := regexp.MustCompile(`// want (\S+ \S+)$`)
	var list []string
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for i, line := range strings.Split(string(text), "\n") {
			if m := want.FindStringSubmatch(line); m != nil {
				list = append(list, fmt.Sprintf("%s:%d: %s", filepath.Base(name), i+1, m[1]))
			}
		}
	}
	return list
}

func listed(findings []Finding) []string {
	var list []string
	for _, f := range findings {
		list = append(list, fmt.Sprintf("%s:%d: %s %s", filepath.Base(f.File), f.Line, f.Code, f.Benchmark))
	}
	return list
}

// differ tells which lines only one side has.
func differ(t *testing.T, got, want []string) {
	t.Helper()
	for _, line := range want {
		if !slices.Contains(got, line) {
			t.Errorf("not found: %s", line)
		}
	}
	for _, line := range got {
		if !slices.Contains(want, line) {
			t.Errorf("found, and is right: %s", line)
		}
	}
}

// The benchmarks in testdata/module are the table: what is wrong with one stands behind its line, and nothing behind those
// that are right.
func TestPackages(t *testing.T) {
	dir, err := filepath.Abs(filepath.Join("testdata", "module"))
	if err != nil {
		t.Fatal(err)
	}
	found, err := Packages(t.Context(), Target{Dir: dir, Patterns: []string{"./..."}, Env: []string{"GOWORK=off"}})
	if err != nil {
		t.Fatal(err)
	}
	differ(t, listed(found), wanted(t, dir))
	for _, f := range found {
		if filepath.Dir(f.File) != dir || f.Relative(dir).File != filepath.Base(f.File) {
			t.Errorf("%s: not where the file is", f.File)
		}
	}
}

// The binary is one that was built before, in a way of its own.
func TestBuilt(t *testing.T) {
	dir := filepath.Join("testdata", "module")
	binary := filepath.Join(t.TempDir(), "module.test")
	cmd := exec.Command("go", "test", "-c", "-vet=off", "-trimpath", "-ldflags=-s -w", "-o", binary)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	found, err := Built(t.Context(), Target{Dir: dir, Flags: []string{"-trimpath", "-ldflags=-s -w"}}, binary)
	if err != nil {
		t.Fatal(err)
	}
	differ(t, listed(found), wanted(t, dir))
}

func TestBuiltWithout(t *testing.T) {
	dir := filepath.Join("testdata", "module")
	found, err := Built(t.Context(), Target{Dir: dir}, filepath.Join(t.TempDir(), "none"))
	if err == nil || !strings.Contains(err.Error(), "none") {
		t.Errorf("a binary that is not there: %v", err)
	}
	source := slices.DeleteFunc(wanted(t, dir), func(line string) bool { return strings.Contains(line, string(misuse.EmptyLoop)) })
	differ(t, listed(found), source)
}

func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if found, err := Packages(ctx, Target{Dir: filepath.Join("testdata", "module")}); err == nil || len(found) > 0 {
		t.Errorf("found %v, error %v", found, err)
	}
}

// Every code has a sentence that says what is wrong and what to do.
func TestSentences(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range []Code{misuse.NoLoop, misuse.ConstantLoop, misuse.NoNext, misuse.AssignsN, misuse.SizeByN, misuse.TimerInLoop, misuse.ResetInLoop, misuse.EmptyLoop} {
		text := Finding{File: "a_test.go", Line: 3, Benchmark: "BenchmarkA", Code: c}.String()
		if !strings.HasPrefix(text, "a_test.go:3: BenchmarkA ") || !strings.Contains(text[20:], ": ") || seen[text] {
			t.Errorf("%q", text)
		}
		seen[text] = true
	}
}
