package serve

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// list asks the go command what the package in testdata has.
func list(t *testing.T, flags ...string) Package {
	t.Helper()
	cmd := exec.Command("go", append(append([]string{"list", "-json"}, flags...), ".")...)
	cmd.Dir = filepath.Join("testdata", "pkg")
	cmd.Env = append(os.Environ(), "GOWORK=off")
	text, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var p Package
	if err := json.Unmarshal(text, &p); err != nil {
		t.Fatal(err)
	}
	return p
}

// withHook adds the folder of package testing, whose b.Run then asks.
func withHook(t *testing.T, p Package) Package {
	t.Helper()
	text, err := exec.Command("go", "list", "-f={{.Dir}}", "testing").Output()
	if err != nil {
		t.Fatal(err)
	}
	p.Testing = strings.TrimSpace(string(text))
	return p
}

func TestGenerateFindsBenchmarks(t *testing.T) {
	inside := []string{"BenchmarkCleanup", "BenchmarkFails", "BenchmarkLeaves", "BenchmarkLoop", "BenchmarkN", "BenchmarkParallel", "BenchmarkPrepared", "BenchmarkSize", "BenchmarkSometimes", "BenchmarkSub"}
	for _, c := range []struct {
		flags []string
		want  []string
	}{
		{nil, inside},
		{[]string{"-tags=tagged"}, append(slices.Clone(inside), "BenchmarkTagged")},
	} {
		served, err := Generate(list(t, c.flags...), nil)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for name, test := range served.Tests {
			if test == Test {
				got = append(got, name)
			}
		}
		slices.Sort(got)
		if !slices.Equal(got, c.want) {
			t.Errorf("with %v: %v, want %v", c.flags, got, c.want)
		}
		if test := served.Tests["BenchmarkExternal"]; test != ExternalTest {
			t.Errorf("BenchmarkExternal is served by %q", test)
		}
	}
}

func TestIsBenchmark(t *testing.T) {
	for name, want := range map[string]bool{
		"Benchmark": true, "BenchmarkX": true, "Benchmark_x": true, "BenchmarkÄ": true, "Benchmark1": true,
		"Benchmarked": false, "Benchmarkä": false, "benchmarkX": false, "TestX": false, "": false,
	} {
		if got := isBenchmark(name); got != want {
			t.Errorf("%q: %v", name, got)
		}
	}
}

func TestGenerateReadsReplacedFiles(t *testing.T) {
	p := list(t)
	replaced := map[string][]byte{filepath.Join(p.Dir, "pkg_test.go"): []byte("package pkg\nimport \"testing\"\nfunc BenchmarkNew(b *testing.B) {}\n")}
	served, err := Generate(p, replaced)
	if err != nil {
		t.Fatal(err)
	}
	if served.Tests["BenchmarkNew"] != Test || served.Tests["BenchmarkN"] != "" || len(served.Tests) != 2 {
		t.Errorf("%v", served.Tests)
	}
}

func TestGenerateRefuses(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	p := Package{Dir: dir, Name: "p", TestGoFiles: []string{"a_test.go"}}
	write("a_test.go", "package p\nfunc {")
	if _, err := Generate(p, nil); err == nil || !strings.Contains(err.Error(), "a_test.go:2:") {
		t.Errorf("broken source: %v", err)
	}
	write("a_test.go", "package p\nimport \"testing\"\nfunc "+Test+"(t *testing.T) {}\nfunc BenchmarkX(b *testing.B) {}\n")
	if _, err := Generate(p, nil); !errors.Is(err, ErrTaken) {
		t.Errorf("a test of that name: %v", err)
	}
	write("a_test.go", "package p\nimport \"testing\"\nfunc BenchmarkX(b *testing.B) {}\n")
	write(fileName, "package p\n")
	if _, err := Generate(p, nil); !errors.Is(err, ErrTaken) {
		t.Errorf("a file of that name: %v", err)
	}
	p.TestGoFiles = nil
	if served, err := Generate(p, nil); err != nil || len(served.Files) != 0 {
		t.Errorf("no tests: %v, %v", served, err)
	}
}

// A process is a served test binary.
type served struct {
	t     *testing.T
	stdin io.Writer
	lines *bufio.Reader
}

func (s *served) ask(n int, pattern string) string {
	s.t.Helper()
	fmt.Fprint(s.stdin, Command(n, pattern))
	var text strings.Builder
	for {
		line, err := s.lines.ReadString('\n')
		if err != nil {
			s.t.Fatalf("it ended after %q: %v", text.String(), err)
		}
		if line == End {
			return text.String()
		}
		text.WriteString(line)
	}
}

// The test binary with the added files runs every kind of benchmark as testing would, over and over.
func TestServe(t *testing.T) {
	binary := buildServed(t)
	s := startServed(t, binary, Test)
	for round := 1; round <= 3; round++ {
		for _, c := range servedCases(round) {
			got := s.ask(c.n, c.pattern)
			if !strings.Contains(got, c.want) {
				t.Errorf("round %d, %s: %q lacks %q", round, c.pattern, got, c.want)
			}
			if !strings.Contains(c.want, "at 66") && c.pattern != "^BenchmarkFails$" && !strings.Contains(got, " allocs/op") {
				t.Errorf("round %d, %s: no result in %q", round, c.pattern, got)
			}
		}
	}
	if got := s.ask(1, "^BenchmarkExternal$"); strings.Contains(got, "BenchmarkExternal") {
		t.Errorf("the package's half serves %q", got)
	}
	if got := startServed(t, binary, ExternalTest).ask(5, "^BenchmarkExternal$"); !strings.Contains(got, "\t       5\t") {
		t.Errorf("external: %q", got)
	}
}

// buildServed builds the package's test binary with the added files.
func buildServed(t *testing.T, flags ...string) string {
	t.Helper()
	p := withHook(t, list(t, flags...))
	added, err := Generate(p, nil)
	if err != nil {
		t.Fatal(err)
	}
	if added.Files[filepath.Join(p.Testing, "benchmark.go")] == nil {
		t.Fatal("this Go's b.Run is another than is known")
	}
	dir := t.TempDir()
	overlay := struct{ Replace map[string]string }{map[string]string{}}
	for path, text := range added.Files {
		file := filepath.Join(dir, filepath.Base(path))
		if err := os.WriteFile(file, text, 0o666); err != nil {
			t.Fatal(err)
		}
		overlay.Replace[path] = file
	}
	text, err := json.Marshal(overlay)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "overlay.json"), text, 0o666); err != nil {
		t.Fatal(err)
	}
	binary := filepath.Join(dir, "pkg.test")
	args := append([]string{"test", "-c", "-o", binary, "-overlay=" + filepath.Join(dir, "overlay.json")}, flags...)
	build := exec.Command("go", append(args, ".")...)
	build.Dir = p.Dir
	build.Env = append(os.Environ(), "GOWORK=off")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return binary
}

// startServed starts the binary to serve by one of its tests, until the test ends.
func startServed(t *testing.T, binary, test string, env ...string) *served {
	t.Helper()
	cmd := exec.Command(binary, "-test.run=^"+test+"$", "-test.benchmem", "-test.v=test2json", "-test.timeout=0")
	cmd.Env = append(append(os.Environ(), Var+"=1"), env...)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stdin.Close()
		if err := cmd.Wait(); err != nil {
			t.Errorf("the end of %s: %v", test, err)
		}
	})
	return &served{t, stdin, bufio.NewReader(stdout)}
}

// A servedCase is what a benchmark is asked, and what its answer must have.
type servedCase struct {
	pattern string
	n       int
	want    string
}

// servedCases are those of a round, from 1.
func servedCases(round int) []servedCase {
	return []servedCase{
		{"^BenchmarkN$", 123, "\t     123\t"},
		{"^BenchmarkN$", 1234, "\t    1234\t"},
		{"^BenchmarkLoop$", 77, fmt.Sprintf("%d.000 setups", 2*round-1)},
		{"^BenchmarkLoop$", 1, "\t       1\t"},
		{"^BenchmarkSub$/^size=10$/^deep$", 1000, "BenchmarkSub/size=10/deep"},
		{"^BenchmarkSub$/^size=10$/^deep$", 2000, "MB/s\t       0 B/op"},
		{"^BenchmarkPrepared$/^a$", 30, fmt.Sprintf("19.00 name\t         %d.000 parents", []int{1, 4, 6}[round-1])}, // found out; from then on it stays
		{"^BenchmarkPrepared$/^a$", 31, fmt.Sprintf("%d.000 parents", []int{2, 4, 6}[round-1])},
		{"^BenchmarkPrepared$/^a$", 32, fmt.Sprintf("%d.000 parents", []int{2, 4, 6}[round-1])},
		{"^BenchmarkPrepared$/^b_c#01$", 33, fmt.Sprintf("%d.000 parents", []int{3, 5, 7}[round-1])},
		{"^BenchmarkParallel$", 50, "\t      50\t"},
		{"^BenchmarkParallel$", 5000, "\t    5000\t"},
		{"^BenchmarkCleanup$", 9, fmt.Sprintf("%d.000 cleaned", []int{1, 2, 4}[round-1])}, // twice, with N = 1 and with 9; once; and as it left something, twice again
		{"^BenchmarkFails$", 5, "as it must"},
		{"^BenchmarkSometimes$", 65, "\t      65\t"},
		{"^BenchmarkSometimes$", 67, "\t      67\t"},
		{"^BenchmarkSometimes$", 66, "at 66"},
		{"^BenchmarkSize$", 1000, "1.000 in-all"},
		{"^BenchmarkSize$", 2000, "MB/s\t    1024 B/op\t       1 allocs/op"},           // and no longer the other's metric
		{"^BenchmarkLeaves$", 51, fmt.Sprintf("%d.000 left", []int{1, 2, 4}[round-1])}, // the same, for a goroutine
	}
}
