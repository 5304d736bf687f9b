// Package shell writes commands so that what is copied from a report does what the report says.
package shell

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"tunelab/reports/internal/plain"
)

// Line writes a command so that a shell reads exactly these arguments. Characters that can't be seen, and
// line ends, come out as escapes inside $'…', which bash and zsh read; the rest any POSIX shell reads.
func Line(args []string) string {
	quoted := make([]string, len(args))
	for i, arg := range args {
		quoted[i] = quote(arg)
	}
	return strings.Join(quoted, " ")
}

func quote(arg string) string {
	switch {
	case arg != "" && strings.Trim(arg, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-+=./:@%,") == "":
		return arg
	case plain.Clean(arg) == arg:
		return "'" + strings.ReplaceAll(arg, "'", `'\''`) + "'"
	}
	return "$" + ansi(arg)
}

// ansi writes the part behind the $ of $'…', where every byte that is not plain ASCII is an escape.
func ansi(arg string) string {
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

// Lines is [Line] over lines of at most width columns: a line goes on behind a backslash, inside a long
// argument too, so that what is copied is still the same command.
func Lines(args []string, width int) []string {
	width = max(width, 20)
	lines := []string{""}
	last := func() *string { return &lines[len(lines)-1] }
	for i, arg := range args {
		word := quote(arg)
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
			pieces = split(arg, width-4)
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

// split writes an argument as quoted pieces of at most width columns that a shell joins into one.
func split(arg string, width int) []string {
	var pieces []string
	part := ""
	for len(arg) > 0 {
		_, size := utf8.DecodeRuneInString(arg)
		if grown := part + arg[:size]; part != "" && plain.Width(quote(grown)) > width {
			pieces = append(pieces, quote(part))
			part = ""
		}
		part += arg[:size]
		arg = arg[size:]
	}
	return append(pieces, quote(part))
}
