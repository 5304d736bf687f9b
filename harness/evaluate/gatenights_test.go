package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestWork: the module that real nights are measured with builds, and its slow benchmark is the one that was asked for.
func TestWork(t *testing.T) {
	dir := t.TempDir()
	if err := writeWork(dir, 2, "Map"); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("go", "vet", ".")
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "GOWORK=off", "GOFLAGS=")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	slow, err := os.ReadFile(filepath.Join(dir, "work_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	if err := writeWork(dir, 2, ""); err != nil {
		t.Fatal(err)
	}
	equal, err := os.ReadFile(filepath.Join(dir, "work_test.go"))
	if err != nil || len(equal) != len(slow) || string(equal) == string(slow) {
		t.Errorf("%v: %d and %d bytes", err, len(equal), len(slow))
	}
}
