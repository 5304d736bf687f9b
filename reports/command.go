package reports

import (
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"tunelab/reports/internal/plain"
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
	id := f.Run.ID
	if id == "" {
		id = filepath.Dir(f.Path)
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

// ShellLine writes a command so that a POSIX shell reads exactly these arguments. Characters that can't be seen, and
// line ends, come out as escapes inside $'…', which bash, zsh and ksh read.
func ShellLine(args []string) string {
	quoted := make([]string, len(args))
	for i, arg := range args {
		quoted[i] = shellQuote(arg)
	}
	return strings.Join(quoted, " ")
}

func shellQuote(arg string) string {
	switch {
	case arg != "" && strings.Trim(arg, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-+=./:@%,") == "":
		return arg
	case plain.Clean(arg) == arg:
		return "'" + strings.ReplaceAll(arg, "'", `'\''`) + "'"
	}
	return "$" + ansiQuote(arg)
}

// ansiQuote writes the part behind the $ of $'…', where every byte that is not plain ASCII is an escape.
func ansiQuote(arg string) string {
	var out strings.Builder
	out.WriteByte('\'')
	for i := range len(arg) {
		switch c := arg[i]; {
		case c == '\'' || c == '\\':
			out.WriteByte('\\')
			out.WriteByte(c)
		case c < 0x20 || c >= 0x7f:
			out.WriteString(`\x` + strconv.FormatUint(uint64(c)+0x100, 16)[1:])
		default:
			out.WriteByte(c)
		}
	}
	out.WriteByte('\'')
	return out.String()
}

// shellLines is [ShellLine] over lines of at most width columns: a line goes on behind a backslash, inside a long
// argument too, so that what is copied is still the same command.
func shellLines(args []string, width int) []string {
	width = max(width, 20)
	lines := []string{""}
	last := func() *string { return &lines[len(lines)-1] }
	for i, arg := range args {
		word := shellQuote(arg)
		if i == 0 {
			*last() = word
			continue
		}
		if plain.Width(*last())+1+plain.Width(word)+2 <= width {
			*last() += " " + word
			continue
		}
		*last() += ` \`
		pieces := []string{word}
		if plain.Width(word)+4 > width {
			pieces = splitQuoted(arg, width-4)
		}
		for j, piece := range pieces {
			if j == 0 {
				piece = "  " + piece // only before an argument: a blank inside would end it
			}
			if j < len(pieces)-1 {
				piece += `\`
			}
			lines = append(lines, piece)
		}
	}
	return lines
}

// splitQuoted writes an argument as quoted pieces of at most width columns that a shell joins into one.
func splitQuoted(arg string, width int) []string {
	var pieces []string
	part := ""
	for len(arg) > 0 {
		_, size := utf8.DecodeRuneInString(arg)
		if grown := part + arg[:size]; part != "" && plain.Width(shellQuote(grown)) > width {
			pieces = append(pieces, shellQuote(part))
			part = ""
		}
		part += arg[:size]
		arg = arg[size:]
	}
	return append(pieces, shellQuote(part))
}

// A namedCommand is a command and what it is for.
type namedCommand struct {
	Name string
	args []string
}

// Line is the command as a shell reads it.
func (c namedCommand) Line() string { return ShellLine(c.args) }

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
