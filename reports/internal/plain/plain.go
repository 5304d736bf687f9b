// Package plain makes any text safe to show and lays it out in columns of a terminal.
//
// Names come from files that anybody may have written. [Clean] turns what could move the cursor, reverse the
// direction of the line or hide into visible escapes; everything else here takes cleaned text.
package plain

import (
	"cmp"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/bidi"
	"golang.org/x/text/width"
)

// Isolates keep a name that is written from right to left from reordering what stands beside it.
const (
	isolate    = "\u2068" // FIRST STRONG ISOLATE
	endIsolate = "\u2069" // POP DIRECTIONAL ISOLATE
)

// maxMarks is how many combining marks may stand on one letter: more of them paint over other lines.
const maxMarks = 4

// Clean returns s as one line that shows every character: white space becomes a blank, control, formatting and
// unassigned characters become escapes such as \x1b, and text with letters from right to left is isolated. Cleaning
// what is clean changes nothing.
func Clean(s string) string {
	if inner, ok := strings.CutPrefix(s, isolate); ok && strings.HasSuffix(inner, endIsolate) {
		s = strings.TrimSuffix(inner, endIsolate)
	}
	var out strings.Builder
	marks, leftward := 0, false
	for i, r := range s {
		if r == utf8.RuneError {
			if _, n := utf8.DecodeRuneInString(s[i:]); n == 1 {
				fmt.Fprintf(&out, `\x%02x`, s[i])
				continue
			}
		}
		if unicode.Is(unicode.M, r) {
			marks++
		} else {
			marks = 0
		}
		switch {
		case unicode.IsSpace(r) || unicode.Is(unicode.Zs, r):
			out.WriteByte(' ')
		case marks > maxMarks || !unicode.IsPrint(r):
			out.WriteString(escape(r))
		default:
			leftward = leftward || isLeftward(r)
			out.WriteRune(r)
		}
	}
	if leftward {
		return isolate + out.String() + endIsolate
	}
	return out.String()
}

// CleanLines is [Clean] of every line of s. The last line end is dropped.
func CleanLines(s string) string {
	lines := strings.Split(strings.TrimRight(s, "\n"), "\n")
	for i, line := range lines {
		lines[i] = Clean(strings.ReplaceAll(strings.TrimSuffix(line, "\r"), "\t", "    "))
	}
	return strings.Join(lines, "\n")
}

func escape(r rune) string {
	switch {
	case r < 0x80:
		return fmt.Sprintf(`\x%02x`, r)
	case r < 0x10000:
		return fmt.Sprintf(`\u%04x`, r)
	}
	return fmt.Sprintf(`\U%08x`, r)
}

func isLeftward(r rune) bool {
	if r < 0x590 {
		return false
	}
	p, _ := bidi.LookupRune(r)
	return p.Class() == bidi.R || p.Class() == bidi.AL
}

// Width returns how many columns of a terminal s takes.
func Width(s string) int {
	n := 0
	for _, r := range s {
		n += runeWidth(r)
	}
	return n
}

func runeWidth(r rune) int {
	if r < 0x300 {
		return 1
	}
	if unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf) {
		return 0
	}
	switch width.LookupRune(r).Kind() {
	case width.EastAsianWide, width.EastAsianFullwidth:
		return 2
	}
	return 1
}

// Left pads s on the right to n columns, Right on the left. Longer text stays as it is.
func Left(s string, n int) string { return s + strings.Repeat(" ", max(0, n-Width(s))) }

// Right pads s on the left to n columns.
func Right(s string, n int) string { return strings.Repeat(" ", max(0, n-Width(s))) + s }

// Center pads s on both sides to n columns.
func Center(s string, n int) string { return Left(Right(s, Width(s)+max(0, n-Width(s))/2), n) }

// Elide shortens s to n columns, at least one, by an ellipsis in its middle: names differ at their ends.
func Elide(s string, n int) string {
	if Width(s) <= n {
		return s
	}
	if inner, ok := strings.CutPrefix(s, isolate); ok {
		return isolate + Elide(strings.TrimSuffix(inner, endIsolate), n) + endIsolate
	}
	if n <= 1 {
		return "…"
	}
	runes := []rune(s)
	tail := (n - 1) / 2
	head := n - 1 - tail
	i, j := 0, len(runes)
	for used := 0; i < len(runes) && used+runeWidth(runes[i]) <= head; i++ {
		used += runeWidth(runes[i])
	}
	for used := 0; j > i && used+runeWidth(runes[j-1]) <= tail; j-- {
		used += runeWidth(runes[j-1])
	}
	for j < len(runes) && runeWidth(runes[j]) == 0 { // a mark without its letter
		j++
	}
	return string(runes[:i]) + "…" + string(runes[j:])
}

// Wrap breaks s into lines of at most n columns, at blanks where it can, else behind a punctuation mark of a name,
// else anywhere. A percent sign stays with its number. There is always at least one line.
func Wrap(s string, n int) []string {
	n = max(n, 2)
	var lines []string
	line := ""
	isBlank := func(r rune) bool { return r == ' ' }
	for word := range strings.FieldsFuncSeq(strings.ReplaceAll(s, " %", bond+"%"), isBlank) {
		if line != "" && len(word) <= 4*n && Width(line)+1+Width(word) <= n {
			line += " " + word
			continue
		}
		if line != "" {
			lines = append(lines, line)
		}
		for cut := breakAt(word, n); cut < len(word); cut = breakAt(word, n) {
			lines = append(lines, word[:cut])
			word = word[cut:]
		}
		line = word
	}
	if line != "" || len(lines) == 0 {
		lines = append(lines, line)
	}
	for i := range lines {
		lines[i] = strings.ReplaceAll(lines[i], bond, " ")
	}
	return lines
}

// bond is a blank at which no line is broken. Clean text has none.
const bond = "\u00a0"

// breakAt returns at which byte a word is broken over lines of n columns: behind a slash that is not near its
// beginning, else behind another mark, else where the line is full. A word that fits is broken at its end.
func breakAt(word string, n int) int {
	used, full, slash, mark := 0, 0, 0, 0
	fits := true
	for i, r := range word {
		if used+runeWidth(r) > n {
			fits = false
			break
		}
		used += runeWidth(r)
		full = i + utf8.RuneLen(r)
		switch {
		case used <= n/3:
		case r == '/':
			slash = full
		case strings.ContainsRune("-_,=:.", r):
			mark = full
		}
	}
	if fits {
		return len(word)
	}
	if full == 0 { // a character wider than the line
		_, full = utf8.DecodeRuneInString(word)
	}
	return cmp.Or(slash, mark, full)
}
