package reports

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"unicode/utf16"
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

// benchstat is [Benchstat] of files by their paths.
func benchstat(w, problems io.Writer, paths []string, width int) error {
	var files []PlainFile
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		files = append(files, PlainFile{path, data})
	}
	return Benchstat(w, problems, files, width)
}

func TestBenchstat(t *testing.T) {
	for _, f := range benchFiles {
		t.Run(f.name, func(t *testing.T) {
			var out, problems bytes.Buffer
			if err := benchstat(&out, &problems, f.paths, 80); err != nil {
				t.Fatal(err)
			}
			checkText(t, out.String(), 80)
			checkGolden(t, ".txt", append(out.Bytes(), problems.Bytes()...))
		})
	}
}

// However a file was written down, it is the same table.
func TestBenchstatOfAnyText(t *testing.T) {
	data, err := os.ReadFile("testdata/old.bench")
	if err != nil {
		t.Fatal(err)
	}
	plain := strings.TrimSuffix(string(data), "\n")
	crlf := strings.ReplaceAll(plain, "\n", "\r\n")
	wide := func(s string) string {
		var out []byte
		for _, u := range utf16.Encode([]rune(s)) {
			out = binary.LittleEndian.AppendUint16(out, u)
		}
		return string(out)
	}
	tell := func(text string) (table, problems string) {
		var out, told bytes.Buffer
		if err := Benchstat(&out, &told, []PlainFile{{"old.bench", []byte(text)}}, 80); err != nil {
			t.Fatal(err)
		}
		return out.String(), told.String()
	}
	want, _ := tell(plain + "\n")
	for name, text := range map[string]string{
		"no last end": plain, "CRLF": crlf + "\r\n", "CRLF, no last end": crlf, "marked": "\ufeff" + plain,
		"UTF-16": wide("\ufeff" + crlf), "UTF-16, no mark": wide(plain + "\n"),
	} {
		if got, problems := tell(text); got != want || problems != "" {
			t.Errorf("%s: %s\n%s\nwant\n%s", name, problems, got, want)
		}
	}
	want, _ = tell(plain[:strings.LastIndexByte(plain, '\n')+1])
	if got, problems := tell(plain[:len(plain)-1]); got != want || !strings.Contains(problems, "breaks off within a unit") {
		t.Errorf("cut off: %s\n%s\nwant\n%s", problems, got, want)
	}
	err = Benchstat(io.Discard, io.Discard, []PlainFile{{"tool", []byte("\x7fELF\x02\x00\x00\x00\x00\x01")}}, 80)
	if err == nil || !strings.Contains(err.Error(), "reading tool: ") || !strings.Contains(err.Error(), "UTF-16 throughout") {
		t.Errorf("a program: %v", err)
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
			if err := benchstat(&ours, &problems, f.paths, 400); err != nil {
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
	if err := benchstat(&out, &problems, []string{"benchstat_test.go"}, 80); err == nil || !strings.Contains(err.Error(), "benchstat_test.go") {
		t.Errorf("a file without results: %v", err)
	}
	problems.Reset()
	if err := benchstat(&out, &problems, []string{"testdata/third.bench"}, 80); err != nil {
		t.Fatal(err)
	}
	if want := "testdata/third.bench:35: "; !strings.HasPrefix(problems.String(), want) {
		t.Errorf("problems are %q, want one that begins with %q", problems.String(), want)
	}
	if err := benchstat(&out, failingWriter{}, []string{"testdata/third.bench"}, 80); !errors.Is(err, errFull) {
		t.Errorf("problems can't be written: %v", err)
	}
	if err := benchstat(failingWriter{}, &problems, []string{"testdata/old.bench"}, 80); !errors.Is(err, errFull) {
		t.Errorf("the table can't be written: %v", err)
	}
}

var errFull = errors.New("no space left")

// A failingWriter is a full disk.
type failingWriter struct{}

func (failingWriter) Write([]byte) (int, error) { return 0, errFull }
