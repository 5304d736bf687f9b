package machine

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// indent is the room for a state, and for the lines that follow it.
const indent = 8

// Print examines s and writes what there is to say about it: which machine it
// is, every check, and their summary. Lines are folded at width columns, but
// advice is not, so that a command in it can be copied. It takes as long as
// [System.Checks].
func Print(w io.Writer, s System, width int) error {
	id, checks := s.Identity(), s.Checks()
	var b strings.Builder
	line := fmt.Sprintf("%s %s: %s, %s of %s CPUs, %s of memory, %s/%s, kernel %s, hypervisor %s",
		pad("machine"), id.Machine, id.CPU, count(id.CPUs), count(id.OnlineCPUs), gib(id.MemoryBytes),
		id.GOOS, id.GOARCH, id.Kernel, id.Hypervisor)
	fmt.Fprintf(&b, "%s\n\n", fold(line, width))
	for _, c := range checks {
		fmt.Fprintln(&b, c.text(width))
	}
	fmt.Fprintf(&b, "\n%s\n", fold(Advice(checks), width))
	_, err := io.WriteString(w, b.String())
	return err
}

// String returns the check as it is shown: one line when it is ok, else three.
func (c Check) String() string { return c.text(0) }

func (c Check) text(width int) string {
	text := fold(fmt.Sprintf("%s%s: %s", pad(c.State), c.Name, c.Found), width)
	if c.State == OK {
		return text
	}
	return text + "\n" + fold(pad("")+c.Effect, width) + "\n" + pad("") + "→ " + c.Advice
}

func pad(word string) string { return fmt.Sprintf("%-*s", indent, word) }

// fold breaks a line before words that would pass width columns, and indents
// what follows. A width that leaves next to no room for words folds nothing.
func fold(line string, width int) string {
	const least = 24
	if width < indent+least {
		return line
	}
	var b strings.Builder
	column := 0
	for i, word := range strings.SplitAfter(line, " ") {
		n := utf8.RuneCountInString(word)
		if i > 0 && column > indent && column+utf8.RuneCountInString(strings.TrimSuffix(word, " ")) > width {
			text := strings.TrimRight(b.String(), " ")
			b.Reset()
			b.WriteString(text + "\n" + pad(""))
			column = indent
		}
		b.WriteString(word)
		column += n
	}
	return b.String()
}

// count writes a number of things, of which 0 means unknown.
func count(n int) string {
	if n == 0 {
		return unknown
	}
	return fmt.Sprint(n)
}

func gib(bytes int64) string {
	if bytes == 0 {
		return unknown + " GiB"
	}
	return fmt.Sprintf("%.1f GiB", float64(bytes)/(1<<30))
}
