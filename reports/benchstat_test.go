package reports

import (
	"bytes"
	"errors"
	"io/fs"
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

var benchFiles = []struct {
	name  string
	paths []string
}{
	{"one file", []string{"testdata/old.bench"}},
	{"two files", []string{"testdata/old.bench", "testdata/new.bench"}},
	{"three files", []string{"testdata/old.bench", "testdata/new.bench", "testdata/third.bench"}},
	{"few samples", []string{"testdata/few.bench", "testdata/few.bench"}},
	{"other configuration", []string{"testdata/few.bench", "testdata/third.bench"}},
}

func TestBenchstat(t *testing.T) {
	for _, f := range benchFiles {
		t.Run(f.name, func(t *testing.T) {
			var out, problems bytes.Buffer
			if err := Benchstat(&out, &problems, f.paths, 80); err != nil {
				t.Fatal(err)
			}
			checkText(t, out.String(), 80)
			checkGolden(t, ".txt", append(out.Bytes(), problems.Bytes()...))
		})
	}
}

// TestBenchstatAgrees compares every row with the program of that name, where it is installed.
func TestBenchstatAgrees(t *testing.T) {
	program, err := exec.LookPath("benchstat")
	if err != nil {
		t.Skip("benchstat is not installed; the golden files of TestBenchstat hold what it said")
	}
	for _, f := range benchFiles {
		t.Run(f.name, func(t *testing.T) {
			theirs, err := exec.Command(program, f.paths...).Output()
			if err != nil {
				t.Fatal(err)
			}
			var ours, problems bytes.Buffer
			if err := Benchstat(&ours, &problems, f.paths, 400); err != nil {
				t.Fatal(err)
			}
			got, want := benchRows(ours.String()), benchRows(string(theirs))
			if strings.Join(got, "\n") != strings.Join(want, "\n") {
				t.Errorf("we say:\n%s\nbenchstat says:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
		})
	}
}

var rowPattern = regexp.MustCompile(`^\S+ +[│ ]*(-?[0-9]|[⁰¹²³⁴⁵⁶⁷⁸⁹])`)

// benchRows returns the rows of numbers, and the notes below, without what is laid out differently.
func benchRows(text string) []string {
	marks := regexp.MustCompile("[⁰¹²³⁴⁵⁶⁷⁸⁹]+")
	var rows []string
	for line := range strings.Lines(text) {
		if rowPattern.MatchString(line) || marks.MatchString(line[:min(3, len(line))]) {
			line = marks.ReplaceAllString(strings.ReplaceAll(line, "│", " "), " $0 ")
			rows = append(rows, strings.Join(strings.Fields(line), " "))
		}
	}
	return rows
}

func TestBenchstatErrors(t *testing.T) {
	var out, problems bytes.Buffer
	if err := Benchstat(&out, &problems, []string{"testdata/old.bench", "testdata/none.bench"}, 80); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing file: %v", err)
	}
	if err := Benchstat(&out, &problems, []string{"benchstat_test.go"}, 80); err == nil || !strings.Contains(err.Error(), "benchstat_test.go") {
		t.Errorf("a file without results: %v", err)
	}
	problems.Reset()
	if err := Benchstat(&out, &problems, []string{"testdata/third.bench"}, 80); err != nil {
		t.Fatal(err)
	}
	if want := "testdata/third.bench:35: "; !strings.HasPrefix(problems.String(), want) {
		t.Errorf("problems are %q, want one that begins with %q", problems.String(), want)
	}
	if err := Benchstat(&out, failingWriter{}, []string{"testdata/third.bench"}, 80); !errors.Is(err, errFull) {
		t.Errorf("problems can't be written: %v", err)
	}
	if err := Benchstat(failingWriter{}, &problems, []string{"testdata/old.bench"}, 80); !errors.Is(err, errFull) {
		t.Errorf("the table can't be written: %v", err)
	}
}

var errFull = errors.New("no space left")

// A failingWriter is a full disk.
type failingWriter struct{}

func (failingWriter) Write([]byte) (int, error) { return 0, errFull }
