package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestReadmeScenario runs the README's own scenario, with a package put where it says, so that what a newcomer copies
// works.
func TestReadmeScenario(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	block := regexp.MustCompile("(?s)```toml\n(.*?)```").FindSubmatch(readme)
	if block == nil {
		t.Fatal("the README has no scenario")
	}
	dir := t.TempDir()
	pkg := filepath.Join(dir, "path", "to", "the", "package")
	if err := os.MkdirAll(pkg, 0o777); err != nil {
		t.Fatal(err)
	}
	writeFiles(t, dir, map[string]string{"scenario.toml": string(block[1])})
	writeFiles(t, pkg, map[string]string{"go.mod": "module example.com/parser\n\ngo 1.24\n", "parse_test.go": `package parser

import (
	"strconv"
	"testing"
)

func BenchmarkParse(b *testing.B) {
	for _, impl := range []string{"old", "new"} {
		b.Run("impl="+impl+"/digits=3", func(b *testing.B) {
			for b.Loop() {
				strconv.Atoi("123")
				if impl == "old" {
					strconv.ParseFloat("123456.789", 64)
				}
			}
		})
	}
}
`})
	out, err := tunelab(dir, "run", "scenario.toml", "--budget", "7s", "--results", "out").CombinedOutput()
	if err != nil || !strings.Contains(string(out), "Parse/digits=3") {
		t.Errorf("%v\n%s", err, out)
	}
}

// TestReadmeCommands: the two commands of the README stand at its top, and its list of commands is the real one.
func TestReadmeCommands(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	text := string(readme)
	first := strings.Index(text, "\n    go run . run raftcommit\n    go test ./...\n")
	if first < 0 || first > strings.Index(text, "\n## ") {
		t.Error("the two commands don't stand at the top")
	}
	var help strings.Builder
	if status := execute([]string{"--help"}, &help, &help); status != exitOK {
		t.Fatal(help.String())
	}
	for _, line := range regexp.MustCompile(`(?m)^    tunelab (\w+)`).FindAllStringSubmatch(text, -1) {
		if !strings.Contains(help.String(), "\n  "+line[1]+" ") {
			t.Errorf("the README has the command %s, and --help does not", line[1])
		}
	}
}
