package serve

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// testingDir is the folder of this Go's package testing.
func testingDir(t *testing.T) string {
	t.Helper()
	text, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	return Testing(strings.TrimSpace(string(text)))
}

// Where package testing is another than is known, that is said; without profiles of leaks all the rest goes on.
func TestGenerateRefuses(t *testing.T) {
	own := testingDir(t)
	read := func(name string) string {
		text, err := os.ReadFile(filepath.Join(own, name))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	for _, c := range []struct {
		name, file, old, new string
		ok                   bool
	}{
		{"as it is", "benchmark.go", "", "", true},
		{"another runBenchmarks", "benchmark.go", "func runBenchmarks(", "func runAllBenchmarks(", false},
		{"another Run", "benchmark.go", "if sub.run1() {", "if sub.runOnce() {", false},
		{"Run twice", "benchmark.go", "\tif sub.run1() {\n\t\tsub.run()\n\t}\n", "\tif sub.run1() {\n\t\tsub.run()\n\t}\n\tif sub.run1() {\n\t\tsub.run()\n\t}\n", false},
		{"no profiles", "testing.go", "writeProfiles() {", "keepProfiles() {", true},
	} {
		dir := t.TempDir()
		for _, name := range []string{"benchmark.go", "testing.go"} {
			text := read(name)
			if name == c.file && c.old != "" {
				text = strings.ReplaceAll(text, c.old, c.new)
			}
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
				t.Fatal(err)
			}
		}
		files, err := Generate(dir)
		if c.ok && (err != nil || len(files) < 2) || !c.ok && !errors.Is(err, ErrUnknown) {
			t.Errorf("%s: %d files, %v", c.name, len(files), err)
		}
	}
	if _, err := Generate(t.TempDir()); err == nil {
		t.Error("a folder without files")
	}
}

func TestRead(t *testing.T) {
	a := Read([]byte("begin\tBenchmarkX\nran\tBenchmarkX\tok\t1500\nresult\tBenchmarkX-2\t 3\t1 ns/op\ncounts\tLoop\nbegin\tBenchmarkY\nran\tBenchmarkY\tfa"))
	want := []Event{{Begins: true, Name: "BenchmarkX"}, {Name: "BenchmarkX", How: Ok, Took: 1500}, {Begins: true, Name: "BenchmarkY"}}
	if fmt.Sprint(a.Events) != fmt.Sprint(want) || a.Result != "BenchmarkX-2\t 3\t1 ns/op" || a.Counts != "Loop" {
		t.Errorf("%+v", a)
	}
}

// A process is a served test binary, of one benchmark.
type served struct {
	t        *testing.T
	commands *os.File
	answers  *bufio.Reader
	printed  *strings.Builder
}

// tell gives a command and returns the answer.
func (s *served) tell(command string) string {
	s.t.Helper()
	if _, err := s.commands.WriteString(command); err != nil {
		s.t.Fatal(err)
	}
	var text strings.Builder
	for {
		line, err := s.answers.ReadString('\n')
		if err != nil {
			s.t.Fatalf("it ended after %q: %v", text.String(), err)
		}
		if line == End {
			return text.String()
		}
		text.WriteString(line)
	}
}

func (s *served) ask(n int) string { return s.tell(Run(n, AnyCPU, "")) }

// The test binary runs every kind of benchmark as testing would, over and over.
func TestServe(t *testing.T) {
	binary := buildServed(t)
	for _, c := range servedCases() {
		t.Run(strings.Trim(c.pattern, "^$"), func(t *testing.T) {
			s := startServed(t, binary, c.pattern)
			for i, ask := range c.asks {
				got := s.ask(ask.n)
				if !strings.Contains(got, ask.want) {
					t.Errorf("the %dth time, of %d: %q lacks %q", i+1, ask.n, got, ask.want)
				}
				if strings.Contains(ask.want, Fail) == strings.Contains(got, " allocs/op") {
					t.Errorf("the %dth time, of %d: %q", i+1, ask.n, got)
				}
			}
		})
	}
}

// Who knows how a benchmark counts can say so; what is not true is found out.
func TestServeBelieves(t *testing.T) {
	binary := buildServed(t)
	for _, c := range []struct{ pattern, says, want string }{
		{"^BenchmarkCalls$", "N", "2.000 calls\t         1.000 first"}, // with a b.N of 1 the first time, as ever
		{"^BenchmarkCalls$", "Loop", "1.000 first"},
		{"^BenchmarkLoop$", "Loop", "1.000 setups"},
		{"^BenchmarkLoop$", "N", " setups"},
	} {
		got := startServed(t, binary, c.pattern).tell(Run(500, AnyCPU, c.says))
		if !strings.Contains(got, "\t     500\t") || !strings.Contains(got, c.want) {
			t.Errorf("%s by %s: %q lacks %q", c.pattern, c.says, got, c.want)
		}
	}
}

// Listing runs all once, and says how each ended; what is to be skipped is not run.
func TestServeLists(t *testing.T) {
	binary := buildServed(t)
	got := startServed(t, binary, ".").tell(List([]string{"BenchmarkN", "BenchmarkSub/size=10/deep"}))
	a := Read([]byte(got))
	ended := map[string]string{}
	for _, e := range a.Events {
		if !e.Begins {
			ended[e.Name] = e.How
		}
	}
	for name, want := range map[string]string{
		"BenchmarkLoop": Ok, "BenchmarkN": "", "BenchmarkSub": Parent, "BenchmarkSub/size=1/deep": Ok, "BenchmarkSub/size=10/deep": "",
		"BenchmarkSub/size=10": Parent, "BenchmarkPrepared/b_c#01": Ok, "BenchmarkFails": Fail, "BenchmarkExternal": Ok, "BenchmarkSkips": Skip,
	} {
		if ended[name] != want {
			t.Errorf("%s ended %q, want %q", name, ended[name], want)
		}
	}
}

// buildServed builds the package's test binary with the agent.
func buildServed(t *testing.T, flags ...string) string {
	t.Helper()
	files, err := Generate(testingDir(t))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	overlay := struct{ Replace map[string]string }{map[string]string{}}
	for path, text := range files {
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
	build.Dir = filepath.Join("testdata", "pkg")
	build.Env = append(os.Environ(), "GOWORK=off")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return binary
}

// startServed starts the binary to run the benchmarks of the pattern on command, until the test ends.
func startServed(t *testing.T, binary, pattern string) *served {
	t.Helper()
	dir := t.TempDir()
	program := filepath.Join(dir, "pkg.test")
	if err := os.Link(binary, program); err != nil {
		t.Fatal(err)
	}
	open := func(name string) *os.File {
		path := filepath.Join(dir, name)
		if err := syscall.Mkfifo(path, 0o600); err != nil {
			t.Fatal(err)
		}
		f, err := os.OpenFile(path, os.O_RDWR, 0)
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	s := &served{t: t, commands: open(Commands), printed: &strings.Builder{}}
	answers := open(Answers)
	s.answers = bufio.NewReader(answers)
	cmd := exec.Command(program, "-test.run=^$", "-test.bench="+pattern)
	cmd.Stdout, cmd.Stderr = s.printed, s.printed
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() {
		ended <- cmd.Wait()
		answers.Close() // or a test would wait for an answer for good
	}()
	t.Cleanup(func() {
		s.commands.Close()
		if err := <-ended; err != nil {
			t.Errorf("the end of it: %v\n%s", err, s.printed)
		}
	})
	return s
}

// An ask is for n iterations, and what the answer must have.
type ask struct {
	n    int
	want string
}

// A servedCase is what a process is asked, one after another.
type servedCase struct {
	pattern string
	asks    []ask
}

func servedCases() []servedCase {
	return []servedCase{
		{"^BenchmarkN$", []ask{{123, "BenchmarkN"}, {1234, "\t    1234\t"}, {123, "\t     123\t"}}},
		{"^BenchmarkCalls$", []ask{{50, "2.000 calls\t         1.000 first"}, {60, "3.000 calls"}, {70, "4.000 calls"}}},
		{"^BenchmarkLoop$", []ask{{77, "1.000 setups"}, {77, "2.000 setups"}, {1, "\t       1\t"}, {5, "4.000 setups"}}},
		{"^BenchmarkSub$/^size=10$/^deep$", []ask{{1000, "BenchmarkSub/size=10/deep"}, {2000, "MB/s\t       0 B/op"}}},
		{"^BenchmarkPrepared$/^a$", []ask{{30, "19.00 name\t         1.000 parents"}, {31, "2.000 parents"}, {32, "2.000 parents"}, {33, "2.000 parents"}}}, // found out; from then on it stays
		{"^BenchmarkPrepared$/^b_c#01$", []ask{{33, "1.000 parents"}, {34, "2.000 parents"}, {35, "2.000 parents"}}},
		{"^BenchmarkParallel$", []ask{{50, "\t      50\t"}, {5000, "\t    5000\t"}, {50, "\t      50\t"}}},
		// Twice, with N = 1 and with 9; once; and as it left something, twice again.
		{"^BenchmarkCleanup$", []ask{{9, "1.000 cleaned"}, {9, "2.000 cleaned"}, {9, "4.000 cleaned"}, {9, "6.000 cleaned"}}},
		{"^BenchmarkLeaves$", []ask{{51, "1.000 left"}, {51, "2.000 left"}, {51, "4.000 left"}}}, // the same, for a goroutine
		{"^BenchmarkFails$", []ask{{5, Fail}, {6, Fail}}},
		{"^BenchmarkSometimes$", []ask{{65, "\t      65\t"}, {67, "\t      67\t"}, {66, Fail}, {65, "\t      65\t"}, {67, "\t      67\t"}}},
		{"^BenchmarkSize$", []ask{{1000, "1.000 in-all"}, {2000, "MB/s\t    1024 B/op\t       1 allocs/op"}}}, // and no longer the other's metric
		{"^BenchmarkExternal$", []ask{{5, "\t       5\t"}, {6, "\t       6\t"}}},
	}
}
