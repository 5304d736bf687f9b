// Package kernel reads the text files in which Linux describes a machine and
// what runs on it: /proc, /sys and a little of /etc.
//
//  1. A Tree is a directory that holds proc, sys and etc. It is "/" on a real
//     machine and a small fake in tests. Paths below it are written without a
//     leading slash.
//  2. tree.go reads single values: a word, a number, a list of CPUs.
//  3. stat.go reads what counts up: CPU times and processes.
//  4. cgroup.go finds the cgroup that limits our CPU time, v1 or v2.
//
// Everything here treats a file as untrusted: a missing file and a file full of
// garbage both mean "not known", never a zero that looks like a measurement.
package kernel

import (
	"io"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxFile bounds what is read of one file. The longest honest one is
// /proc/cpuinfo: about 1.5 KB for each CPU.
const maxFile = 8 << 20

// maxWord bounds a value that is shown to people or written to a result file.
const maxWord = 200

// maxCount bounds every number: 2^62 ns is 146 years, more than a kernel counts,
// and leaves a sum of two room in an int64.
const maxCount = 1 << 62

// Tree is a directory that holds proc, sys and etc.
type Tree struct {
	fsys fs.FS
}

// Open returns the tree below root. It does not look whether root exists.
func Open(root string) Tree {
	return Of(os.DirFS(root))
}

// Of returns the tree of the files in fsys.
func Of(fsys fs.FS) Tree {
	return Tree{fsys}
}

// Text returns the contents of a file, at most 8 MiB of it.
func (t Tree) Text(path string) (string, error) {
	f, err := t.fsys.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFile))
	if err != nil {
		return "", err
	}
	return string(data), nil
}

// Lines returns the lines of a file, none when it can't be read.
func (t Tree) Lines(path string) []string {
	text, err := t.Text(path)
	if err != nil {
		return nil
	}
	return strings.Split(strings.TrimSuffix(text, "\n"), "\n")
}

// Word returns the value of a file that holds one line, cleaned as by [Clean];
// "" when the file is missing, empty or not text.
func (t Tree) Word(path string) string {
	text, err := t.Text(path)
	if err != nil {
		return ""
	}
	// Device-tree strings end in a zero byte.
	return Clean(strings.TrimRight(text, "\x00\n"))
}

// Number returns the value of a file that holds one whole number. ok is false
// when the file is missing or holds anything else.
func (t Tree) Number(path string) (n int64, ok bool) {
	text, err := t.Text(path)
	if err != nil {
		return 0, false
	}
	n, err = strconv.ParseInt(strings.TrimSpace(text), 10, 64)
	return n, err == nil && n >= -maxCount && n <= maxCount
}

// Glob returns the paths that match pattern, sorted; none on any error.
func (t Tree) Glob(pattern string) []string {
	paths, err := fs.Glob(t.fsys, pattern)
	if err != nil {
		return nil
	}
	return paths
}

// IsDir says whether path is a directory that can be seen.
func (t Tree) IsDir(path string) bool {
	info, err := fs.Stat(t.fsys, path)
	return err == nil && info.IsDir()
}

// Value returns the first value of key in a file of "key: value" lines, such as
// /proc/cpuinfo, as it stands there without the space around it; "" when there
// is none.
func (t Tree) Value(path, key string) string {
	for _, line := range t.Lines(path) {
		k, v, ok := strings.Cut(line, ":")
		if ok && strings.TrimSpace(k) == key {
			return strings.TrimSpace(v)
		}
	}
	return ""
}

// Clean makes text from a file fit to show in one line: runs of white space
// become one space, and what follows 200 bytes becomes "…". Text that is not UTF-8 or holds
// control characters is garbage and gives "".
func Clean(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	if !utf8.ValidString(text) || strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return ""
	}
	if len(text) > maxWord {
		text = strings.ToValidUTF8(text[:maxWord], "") + "…"
	}
	return text
}

// CPUs returns how many CPUs the list in a file names; see [CountCPUs].
func (t Tree) CPUs(path string) (n int, ok bool) {
	text, err := t.Text(path)
	if err != nil {
		return 0, false
	}
	return CountCPUs(text)
}

// CountCPUs returns how many CPUs a kernel list such as "0-3,8" names. ok is
// false when it is not such a list or names none.
func CountCPUs(list string) (n int, ok bool) {
	const most = 1 << 16
	for part := range strings.SplitSeq(strings.TrimSpace(list), ",") {
		from, to, isRange := strings.Cut(part, "-")
		if !isRange {
			to = from
		}
		a, errA := strconv.Atoi(from)
		b, errB := strconv.Atoi(to)
		if errA != nil || errB != nil || a < 0 || b < a || b >= most {
			return 0, false
		}
		if n += b - a + 1; n > most {
			return 0, false
		}
	}
	return n, true
}

// count reads a counter: a whole number from 0 to 2^62.
func count(field string) (n int64, ok bool) {
	n, err := strconv.ParseInt(field, 10, 64)
	return n, err == nil && n >= 0 && n <= maxCount
}
