package reports

import (
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"tunelab/reports/internal/shell"
	"tunelab/results"
)

func (s *Summary) setCommands() {
	run := s.File.Run
	s.Repeat = run.Command
	s.Benchstat = []string{"benchstat", "-col", "variant@(" + strings.Join(benchstatWords(s.variantNames()), " ") + ")", s.File.Path}
	if !s.Finished() {
		s.Resume = resumeCommand(s.File)
	}
}

// resumeCommand goes on with an unfinished run: the scenario as it was named, and the folder of results if the
// command that began the run named one.
func resumeCommand(f *results.File) []string {
	command := f.Run.Command
	out := []string{"tunelab", "run", f.Run.Scenario}
	if i := slices.Index(command, "run"); i > 0 && i+1 < len(command) && !strings.HasPrefix(command[i+1], "-") {
		out = slices.Clone(command[:i+2])
	}
	for i, arg := range command {
		if arg == "--results" && i+1 < len(command) {
			out = append(out, arg, command[i+1])
		} else if strings.HasPrefix(arg, "--results=") {
			out = append(out, arg)
		}
	}
	id := filepath.Dir(f.Path)
	if where := filepath.Dir(id); f.Run.ID == filepath.Base(id) && (where == filepath.Join("results", "runs") || slices.Contains(out, "--results")) {
		id = f.Run.ID // found there by its name
	}
	return append(out, "--resume", id)
}

// variantNames returns the base, then the other variants in the order of the scenario, then those that only trials
// name.
func (s *Summary) variantNames() []string {
	var names []string
	add := func(name string) {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	if base := s.File.Run.Base(); base != "" {
		add(base)
	}
	for _, v := range s.File.Run.Variants {
		add(v.Name)
	}
	for i := range s.File.Trials {
		add(s.File.Trials[i].Variant)
	}
	return names
}

// benchstatWords writes names as words of benchstat's projection syntax (golang.org/x/perf/benchproc/syntax). In the
// configuration lines of bench.txt a control character is a blank, and blanks round a value are dropped.
func benchstatWords(names []string) []string {
	words := make([]string, len(names))
	for i, name := range names {
		name = strings.TrimSpace(strings.Map(func(r rune) rune {
			if unicode.IsControl(r) {
				return ' '
			}
			return r
		}, name))
		odd := func(r rune) bool {
			return r == utf8.RuneError || !unicode.IsPrint(r) || strings.ContainsRune(` ():@,"`, r)
		}
		switch {
		case name == "", strings.ContainsRune(`-*`, rune(name[0])), name == "AND", name == "OR", strings.ContainsFunc(name, odd):
			name = strconv.QuoteToASCII(name)
		}
		words[i] = name
	}
	return words
}

// A namedCommand is a command and what it is for.
type namedCommand struct {
	Name string
	args []string
}

// Line is the command as a shell reads it.
func (c namedCommand) Line() string { return shell.Line(c.args) }

// commands are those that a reader may want, the most useful first.
func (s *Summary) commands() []namedCommand {
	var out []namedCommand
	if s.Resume != nil {
		out = append(out, namedCommand{"To go on with this run", s.Resume})
	}
	if len(s.Benchstat) > 0 && len(s.variantNames()) > 0 {
		out = append(out, namedCommand{"The same medians by benchstat", s.Benchstat})
	}
	if len(s.Repeat) > 0 {
		out = append(out, namedCommand{"To repeat the run", s.Repeat})
	}
	return out
}

// failedChecks are the correctness tests that failed.
func (s *Summary) failedChecks() []checkRow {
	var out []checkRow
	for _, c := range s.checks {
		if !c.Passed {
			out = append(out, c)
		}
	}
	return out
}
