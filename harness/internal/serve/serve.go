// Package serve has a package's benchmarks run on command, many short slices in one process, so that the process sees
// what `go test -bench` shows it.
//
//  1. [Generate] reads package testing and returns files that are put in the place of its own by an overlay, or beside
//     them: the user's package is compiled as it is.
//  2. A process is started from a folder that has a link to the test binary, under the name that go test gives it, and two
//     named pipes, [Commands] and [Answers]. Its arguments are those of go test, its environment too. Where there are no
//     pipes, testing is as ever.
//  3. An existing TestMain, and every init, runs before. When testing would run benchmarks, it waits for commands.
//  4. [List] has every benchmark that matches run once; an answer says of each that it begins, and how it ended.
//  5. [Run] says how many iterations of the one benchmark that -test.bench matches. testing itself runs it the first time,
//     with one iteration and then as many as were said, so that b.N, b.Loop, sub-benchmarks, b.RunParallel, set-up and
//     clean-up are what they always are.
//  6. From the second time on, or the first where it is known whether the benchmark counts by b.N or b.Loop, it stays in
//     one run for as long as commands come, with b.N, or what b.Loop counts to, set for each slice. The first call has a
//     b.N of 1, as in go test. Garbage is collected before a slice where there is some; testing would collect before each.
//     Where a slice leaves a clean-up or a goroutine behind, testing runs the next.
//  7. The pipes are open only between slices. What is printed goes where it always does.
package serve

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"text/template"
	"time"
)

// The named pipes beside the program.
const (
	Commands = "commands"
	Answers  = "answers"
)

// End is the line that ends the answer to a command.
const End = "\x16end\n"

// AnyCPU is for slices that may begin anywhere.
const AnyCPU = -1

// Run is the command for n iterations of the benchmark that -test.bench matches. They begin on that CPU, by its number, and
// may go on wherever the process may run: two processes that take turns are then equally fast where the CPUs are not, as
// those of a hypervisor, which have other guests beside them. Counts is what [Answer] said of the benchmark in another
// process, "" when that is not known: then finding out takes longer than starting the process.
func Run(n, cpu int, counts string) string { return fmt.Sprintf("run\t%d\t%d\t%s\n", n, cpu, counts) }

// List is the command to run every benchmark that -test.bench matches once, but for those of these names.
func List(skip []string) string { return strings.Join(append([]string{"list"}, skip...), "\t") + "\n" }

// Leaks is the command to write a profile of leaked goroutines to the file when all is done. The binary has to be built
// with GOEXPERIMENT=goroutineleakprofile.
func Leaks(file string) string { return "leaks\t" + file + "\n" }

// How a benchmark ended.
const (
	Ok     = "ok"
	Fail   = "fail"
	Skip   = "skip"
	Parent = "parent" // it has sub-benchmarks, and no result of its own
	None   = "none"
)

// An Event is one line of an answer.
type Event struct {
	Begins bool          // otherwise it ended
	Name   string        // with "Benchmark"
	How    string        // it ended
	Took   time.Duration // once, where it was listed and has no sub-benchmarks
}

// An Answer is what a process said to a command.
type Answer struct {
	Has    []string // the benchmarks that match, without those below them, with "Benchmark"
	Events []Event
	Result string // the result line of the last benchmark that had one
	Counts string // how it counts: by b.N or by b.Loop, "N" or "Loop"; "" when it did not say so
}

// Read reads an answer, or what there is of one.
func Read(text []byte) Answer {
	var a Answer
	for line := range strings.Lines(string(text)) {
		whole := strings.HasSuffix(line, "\n")
		kind, rest, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		switch kind {
		case "has":
			a.Has = append(a.Has, rest)
		case "begin":
			a.Events = append(a.Events, Event{Begins: true, Name: rest})
		case "ran":
			if parts := append(strings.Split(rest, "\t"), "", ""); whole {
				took, _ := strconv.ParseInt(parts[2], 10, 64)
				a.Events = append(a.Events, Event{Name: parts[0], How: parts[1], Took: time.Duration(took)})
			}
		case "result":
			a.Result = rest
		case "counts":
			a.Counts = rest
		}
	}
	return a
}

// ErrUnknown is in the error about a package testing that is another than is known here.
var ErrUnknown = errors.New("its package testing is another than is known here")

//go:embed agent.go.txt
var text string

var agent = template.Must(template.New("agent").Parse(text))

// agentName is the file that is added to package testing.
const agentName = "tunelab_agent.go"

// A patch replaces a text that a file of package testing has once.
type patch struct {
	file, old, new string
	leaks          bool // without it there are no profiles of leaked goroutines, and all the rest
}

var patches = []patch{
	{file: "benchmark.go", old: "func runBenchmarks(importPath string,", new: "func tunelabRunBenchmarks(importPath string,"},
	{
		file: "benchmark.go",
		old:  "\tif sub.run1() {\n\t\tsub.run()\n\t}\n",
		new:  "\tif tunelabRuns(sub, partial) {\n\t\treturn !sub.failed\n\t}\n\tif sub.run1() {\n\t\tsub.run()\n\t}\n\ttunelabRan(sub)\n",
	},
	{
		file: "testing.go", leaks: true,
		old: "func (m *M) writeProfiles() {\n",
		new: "func (m *M) writeProfiles() {\n\ttunelabWriteLeaks(func(name string, f *os.File) error { return m.deps.WriteProfileTo(name, f, 0) })\n",
	},
}

// Testing is the folder of package testing in a GOROOT.
func Testing(goroot string) string { return filepath.Join(goroot, "src", "testing") }

// Generate returns the files to put in the place of those of package testing, or beside them, by absolute path. The folder
// is that package's. The error is [ErrUnknown] where it can't be told where to put what.
func Generate(dir string) (map[string][]byte, error) {
	files := map[string][]byte{}
	for _, p := range patches {
		path := filepath.Join(dir, p.file)
		text, ok := files[path]
		if !ok {
			var err error
			if text, err = os.ReadFile(path); err != nil {
				return nil, fmt.Errorf("reading package testing: %w", err)
			}
		}
		if bytes.Count(text, []byte(p.old)) != 1 {
			if p.leaks {
				continue
			}
			return nil, fmt.Errorf("%w: %s lacks %q", ErrUnknown, path, strings.TrimSpace(firstLine(p.old)))
		}
		files[path] = bytes.Replace(text, []byte(p.old), []byte(p.new), 1)
	}
	var added bytes.Buffer
	if err := agent.Execute(&added, struct{ Leads bool }{runtime.GOOS == "linux"}); err != nil {
		return nil, fmt.Errorf("writing %s: %w", agentName, err)
	}
	files[filepath.Join(dir, agentName)] = added.Bytes()
	return files, nil
}

func firstLine(text string) string {
	first, _, _ := strings.Cut(text, "\n")
	return first
}
