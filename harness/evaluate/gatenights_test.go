package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
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

// What the kept nights say: a red night counts as found only where its exit status says so too, and nights of other budgets
// are told apart.
func TestTellKept(t *testing.T) {
	dir := t.TempDir()
	lines := `{"made":"2026-01-02T03:04:05Z","budget":"10m0s","slow":"Map","exit":1,"red":["regression Map +5.0 %"],"found":true,"counts":{"same":19,"worse":1},"canary":{"found":true}}
{"made":"2026-01-02T03:04:05Z","budget":"10m0s","slow":"Sort","exit":2,"red":["regression Sort +5.0 %"],"found":true,"counts":{"worse":1},"canary":{}}
{"made":"2026-01-02T03:04:05Z","budget":"10m0s","slow":"Hex","exit":1,"red":["regression Map +5.0 %"],"others":1,"counts":{"worse":1},"canary":{"found":true}}
{"made":"2026-01-02T03:04:05Z","budget":"10m0s","exit":0,"red":["improvement Map -5.0 %"],"others":1,"counts":{"better":1},"canary":{"found":true}}
{"made":"2026-01-02T03:04:05Z","budget":"5m0s","exit":0,"counts":{"undecided":20},"canary":{"found":true}}
{"made":"2026-01-02T03:04:05Z","bud`
	if err := os.WriteFile(filepath.Join(dir, gateNightsFile), []byte(lines), 0o666); err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if err := tellKept(&out, dir); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"| 2026-01-02 03:04 | 10m0s | Map | 1 | regression Map +5.0 % | found | 19 same, 1 worse, 0 better, 0 undecided | 0 s |\n",
		"Of nights of 10m0s: the slow one reported in 1 of 3, 33.3 %", "another beside it 1 of 3,", "with any report 1 of 1,", "canary missed 1 of 4,",
		"Of nights of 5m0s: the slow one reported in 0 of 0; nights with another beside it 0 of 0; nights without a slow one with any report 0 of 1,",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
}
