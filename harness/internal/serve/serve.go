// Package serve has a package's benchmarks run on command, many short slices in one process.
//
//  1. [Generate] reads which benchmarks a package's tests have and writes, for the package and for its external tests,
//     a test file with one test, that reads commands from standard input.
//  2. The harness builds the test binary with these files in an overlay: the user's source is not touched.
//  3. The process runs that one test: an existing TestMain, and every init, has run before.
//  4. A [Command] says which benchmark and how many iterations. testing itself runs it, so that b.N, b.Loop,
//     sub-benchmarks, b.RunParallel, set-up and clean-up are what they always are, and prints its result line. [End]
//     follows on a line of its own.
//  5. From the second time on, a benchmark stays in one run of testing's for as long as commands are for it, with b.N, or
//     what b.Loop counts to, set for each slice, and the timer and the counts of allocations taken from the [testing.B], in
//     part from fields that are not exported: where a Go release has others, testing goes on to run every slice. Garbage is
//     collected before a slice where there is some; testing would collect three times. Where a slice leaves a clean-up or a
//     goroutine behind, testing runs the next.
//  6. A sub-benchmark stays so too, inside the b.Run that its parent calls, whose set-up lives on meanwhile. For that one
//     line is added, by the overlay, to testing's b.Run; where a Go release has another b.Run, testing runs every slice.
package serve

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"text/template"
	"unicode"
	"unicode/utf8"
)

// Var is the environment variable that has the added test serve. Without it the test is skipped.
const Var = "TUNELAB_SERVE"

// CountsVar is the environment variable that may have what [Counts] returned for another process of the same benchmark, a
// space, and the benchmark's pattern: then the first slice need not find that out, which takes longer than starting the
// process.
const CountsVar = "TUNELAB_COUNTS"

// LeaksVar is the environment variable that names the file that gets a profile of leaked goroutines when the process has
// done what it was told to. The binary has to be built with GOEXPERIMENT=goroutineleakprofile.
const LeaksVar = "TUNELAB_LEAKS"

// CPUVar is the environment variable that may name a CPU, by its number: each slice begins there, and may go on wherever the
// process may run. Two processes that take turns are then equally fast where the CPUs are not: a hypervisor's CPUs have other
// guests beside them, and each process would stay on one of its own.
const CPUVar = "TUNELAB_CPU"

// mostCPUs is how many CPUs a process can be led among.
const mostCPUs = 8192

// counts begins the line that says how a benchmark counts.
const counts = "\x16tunelab: counts by b."

// Counts returns how the benchmark counts that printed this: by b.N or by b.Loop, "N" or "Loop"; "" when it did not say so.
func Counts(printed []byte) string {
	_, rest, _ := bytes.Cut(printed, []byte(counts))
	line, _, _ := bytes.Cut(rest, []byte("\n"))
	return string(line)
}

// End is the line that follows what a command made the process print.
const End = "\x16tunelab: end of slice\n"

// The tests that are added, and the files that they are in.
const (
	Test         = "TestTunelabServe"
	ExternalTest = "TestTunelabServeExternal"
	fileName     = "tunelab_serve_test.go"
	externalName = "tunelab_serve_external_test.go"
)

// garbage is how many bytes may have been allocated since the last collection when a slice begins without one: a quarter
// of the heap at which Go's collector begins.
const garbage = 1 << 20

// ErrTaken is in the error about a package that has a file or a test of the name that would be added.
var ErrTaken = errors.New("the name is taken")

// Command is the line that has a process run n iterations of the benchmarks that match the -test.bench pattern.
func Command(n int, pattern string) string { return fmt.Sprintf("%d %s\n", n, pattern) }

// A Package is a Go package's tests, as `go list -json` tells of them.
type Package struct {
	Dir          string
	Name         string
	TestGoFiles  []string // without folder
	XTestGoFiles []string
	Testing      string // the folder of package testing, "" for none: then sub-benchmarks don't stay
}

// Served is what a test binary with the added files can do.
type Served struct {
	Files map[string][]byte // to add, by absolute path
	Tests map[string]string // by benchmark, without "Benchmark…" sub-names: the test that serves it
}

//go:embed serve.go.tmpl
var text string

var file = template.Must(template.New("serve").Parse(text))

// Generate returns the files to add to a package. The contents of its test files are those of replaced, by absolute
// path, where that has them, and otherwise read from the disk.
func Generate(p Package, replaced map[string][]byte) (Served, error) {
	out := Served{Files: hooked(p.Testing), Tests: map[string]string{}}
	subs := len(out.Files) > 0
	for _, half := range []struct {
		pkg, file, test string
		files           []string
	}{
		{p.Name, fileName, Test, p.TestGoFiles},
		{p.Name + "_test", externalName, ExternalTest, p.XTestGoFiles},
	} {
		names, err := benchmarks(p.Dir, half.files, replaced, half.test)
		if err != nil {
			return Served{}, err
		}
		if len(names) == 0 {
			continue
		}
		path := filepath.Join(p.Dir, half.file)
		if _, err := os.Lstat(path); err == nil {
			return Served{}, fmt.Errorf("%w: there is a file %s", ErrTaken, path)
		}
		var text bytes.Buffer
		err = file.Execute(&text, struct {
			Package, Test, Var, CountsVar, LeaksVar, CPUVar, End, Counts string
			Garbage, MostCPUs                                            int
			Subs, Leads                                                  bool
			Benchmarks                                                   []string
		}{half.pkg, half.test, Var, CountsVar, LeaksVar, CPUVar, End, counts, garbage, mostCPUs, subs, runtime.GOOS == "linux", names})
		if err != nil {
			return Served{}, fmt.Errorf("writing %s: %w", half.file, err)
		}
		out.Files[path] = text.Bytes()
		for _, name := range names {
			out.Tests[name] = half.test
		}
	}
	if len(out.Tests) == 0 {
		out.Files = nil
	}
	return out, nil
}

// What b.Run does when it knows the sub-benchmark's name, and what is added behind it.
const (
	runMatched = "fullName(&b.common, name)\n\t}\n\tif !ok {\n\t\treturn true\n\t}\n"
	runAsks    = "\tif f = tunelabSub(benchName, partial, f); f == nil {\n\t\treturn true\n\t}\n"
)

//go:embed testing.go.tmpl
var hook []byte

// hooked returns the files with which b.Run asks before it runs a sub-benchmark, by path; none where b.Run is another than
// this knows.
func hooked(dir string) map[string][]byte {
	files := map[string][]byte{}
	if dir == "" {
		return files
	}
	path := filepath.Join(dir, "benchmark.go")
	text, err := os.ReadFile(path)
	if err != nil || bytes.Count(text, []byte(runMatched)) != 1 {
		return files
	}
	files[path] = bytes.Replace(text, []byte(runMatched), []byte(runMatched+runAsks), 1)
	files[filepath.Join(dir, "tunelab.go")] = hook
	return files
}

// benchmarks returns the names of the benchmark functions in the files, as the go command finds them.
func benchmarks(dir string, files []string, replaced map[string][]byte, test string) (names []string, err error) {
	for _, name := range files {
		path := filepath.Join(dir, name)
		var source any
		if text, ok := replaced[path]; ok {
			source = text
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), path, source, parser.SkipObjectResolution)
		if err != nil {
			return nil, fmt.Errorf("looking for benchmarks: %w", err)
		}
		for _, decl := range parsed.Decls {
			f, ok := decl.(*ast.FuncDecl)
			if !ok || f.Recv != nil {
				continue
			}
			if f.Name.Name == test {
				return nil, fmt.Errorf("%w: %s has a %s", ErrTaken, path, test)
			}
			if isBenchmark(f.Name.Name) {
				names = append(names, f.Name.Name)
			}
		}
	}
	return names, nil
}

// isBenchmark follows the go command: the name is Benchmark and then nothing or no lower-case letter. Functions of such
// a name and another signature it refuses.
func isBenchmark(name string) bool {
	rest, ok := strings.CutPrefix(name, "Benchmark")
	first, _ := utf8.DecodeRuneInString(rest)
	return ok && !unicode.IsLower(first)
}
