package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"testing"
)

var mutations = flag.Bool("mutations", false, "break each formula in turn and see that a test fails; ten minutes")

// A mutation is a change to a formula, which the tests of its package must notice.
type mutation struct{ file, from, to string }

func readMutations(t *testing.T) []mutation {
	t.Helper()
	const list = "testdata/mutations.tsv"
	text, err := os.ReadFile(list)
	if err != nil {
		t.Fatal(err)
	}
	var out []mutation
	for i, line := range strings.Split(string(text), "\n") {
		if line == "" || line[0] == '#' {
			continue
		}
		part := strings.Split(line, "\t")
		if len(part) != 3 {
			t.Fatalf("%s:%d: %d parts with a tab between them, want a file, what is there and what takes its place", list, i+1, len(part))
		}
		out = append(out, mutation{part[0], part[1], part[2]})
	}
	return out
}

// mutated returns the file's text after the change.
func (m mutation) mutated() (string, error) {
	text, err := os.ReadFile(filepath.FromSlash(m.file))
	if err != nil {
		return "", err
	}
	if n := strings.Count(string(text), m.from); n != 1 {
		return "", fmt.Errorf("%s has %q %d times, want once", m.file, m.from, n)
	}
	return strings.Replace(string(text), m.from, m.to, 1), nil
}

// noticed reports whether the tests of the file's package fail when the go command is given the text in its place. The
// file itself stays as it is.
func (m mutation) noticed(ctx context.Context, text, dir string) (bool, error) {
	here, err := filepath.Abs(filepath.FromSlash(m.file))
	if err != nil {
		return false, err
	}
	there := filepath.Join(dir, "changed.go")
	if err := os.WriteFile(there, []byte(text), 0o666); err != nil {
		return false, err
	}
	overlay, err := json.Marshal(map[string]map[string]string{"Replace": {here: there}})
	if err != nil {
		return false, err
	}
	if err := os.WriteFile(filepath.Join(dir, "overlay.json"), overlay, 0o666); err != nil {
		return false, err
	}
	out, err := exec.CommandContext(ctx, "go", "test", "-short", "-failfast", "-overlay="+filepath.Join(dir, "overlay.json"), "./"+path.Dir(m.file)).CombinedOutput()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return false, nil
	case !errors.As(err, &exit), strings.Contains(string(out), "[build failed]"), strings.Contains(string(out), "[setup failed]"):
		return false, fmt.Errorf("testing %s with %q: %w\n%s", m.file, m.to, err, out)
	}
	return true, nil
}

// TestMutationsApply keeps the list true to the code.
func TestMutationsApply(t *testing.T) {
	for _, m := range readMutations(t) {
		if text, err := m.mutated(); err != nil {
			t.Error(err)
		} else if text == "" {
			t.Errorf("%s is empty", m.file)
		}
	}
}

// TestEveryFormulaIsHeld breaks the formulas behind verdicts one at a time: for each some test must fail.
func TestEveryFormulaIsHeld(t *testing.T) {
	if !*mutations {
		t.Skip("takes ten minutes: go test . -run EveryFormula -mutations -timeout 1h")
	}
	for _, m := range readMutations(t) {
		text, err := m.mutated()
		if err != nil {
			t.Fatal(err)
		}
		switch noticed, err := m.noticed(t.Context(), text, t.TempDir()); {
		case err != nil:
			t.Error(err)
		case !noticed:
			t.Errorf("no test notices %s with %q in the place of %q", m.file, m.to, m.from)
		default:
			t.Logf("noticed: %s with %q", m.file, m.to)
		}
	}
}
