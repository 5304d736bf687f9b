package shell

import (
	"os/exec"
	"strings"
	"testing"

	"tunelab/reports/internal/plain"
)

var commands = [][]string{
	{"tunelab", "run", "raftcommit", "--seed", "7"},
	{"benchstat", "-col", "variant@(mutex atomic)", "results/runs/x/bench.txt"},
	{"x", "", "it's", "$(reboot)", "`id`", "a\\b", "~", "*", "-", "\"quoted\"", "a  b"},
	{"x", "\x1b[31m\x07", "line\nend", "\u202etxt", "שלום", "界面🚀", "\xff\xfe", "\\x41'"},
	{"x", strings.Repeat("long/", 60), strings.Repeat("it's (long) ", 30), "end"},
}

func TestShellReadsTheSame(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("bash is not installed")
	}
	for _, args := range commands {
		texts := []string{Line(args)}
		for _, width := range []int{1, 40, 80, 120} {
			lines := Lines(args, width)
			for _, line := range lines {
				if n := plain.Width(line); n > max(width, 20) {
					t.Errorf("at %d, a line takes %d: %s", width, n, line)
				}
			}
			texts = append(texts, strings.Join(lines, "\n"))
		}
		for _, text := range texts {
			command := exec.Command(bash, "-c", `x() { printf '%s\0' "$@"; }; tunelab() { x "$@"; }; benchstat() { x "$@"; }; `+text)
			command.Env = []string{"LC_ALL=C.UTF-8"}
			out, err := command.CombinedOutput()
			if err != nil {
				t.Fatalf("%s: %v\n%s", text, err, out)
			}
			if got, want := string(out), strings.Join(args[1:], "\x00")+"\x00"; got != want {
				t.Errorf("%s\nis read as %q,\nwant %q", text, got, want)
			}
		}
	}
}

func TestLine(t *testing.T) {
	if got, want := Line(commands[1]), `benchstat -col 'variant@(mutex atomic)' results/runs/x/bench.txt`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
