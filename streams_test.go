//go:build linux

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"tunelab/results"
)

// quickScenario is measured in a second. Its check fails where a child is told to ignore that nobody reads its pipe.
var quickScenario = map[string]string{
	"go.mod": "module example.com/quick\n\ngo 1.24\n",
	"quick_test.go": `package quick

import (
	"os/signal"
	"syscall"
	"testing"
)

func TestCorrect(t *testing.T) {
	if signal.Ignored(syscall.SIGPIPE) {
		t.Error("SIGPIPE is ignored")
	}
}

var sink int

func BenchmarkWork(b *testing.B) {
	for i := 0; i < b.N; i++ {
		for j := range 1000 {
			sink += j
		}
	}
}
`,
	"quick.toml": `question = "Does it come to its end?"
[bench]
dir = "."
slice = "2ms"
check = "Correct"
[[variant]]
name = "a"
base = true
[[variant]]
name = "b"
`,
	"night.txt": "commit: 1111111\ndate: 2026-11-02\nBenchmarkX 1 2 ns/op\n",
}

// inBash runs `tunelab args` with redirections in dir, by a shell that becomes it.
func inBash(t *testing.T, dir, args, redirections string) *exec.Cmd {
	t.Helper()
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("bash is not there")
	}
	cmd := tunelab(dir)
	cmd.Path, cmd.Args = bash, []string{bash, "-c", `exec "$0" ` + args + " " + redirections, os.Args[0]}
	return cmd
}

// streams are redirections, and the status of a command that prints on both streams, but for their loss.
var streams = []struct {
	to     string
	status int
	says   string // what standard error says, where it comes through
}{
	{`> >(cat > out) 2> err`, exitOK, ""},
	{`> out 2> >(cat > err)`, exitOK, ""},
	{`> >(tee out | cat > all) 2> >(tee err > /dev/null)`, exitOK, ""},
	{`> >(exec true) 2> err`, exitFailed, "tunelab: writing to standard output: broken pipe"},
	{`> /dev/full 2> err`, exitFailed, "tunelab: writing to standard output: no space left on device"},
	{`>&- 2> err`, exitOK, ""}, // to a Go program that is /dev/null
	{`> out 2> >(exec true)`, exitFailed, ""},
	{`> out 2> /dev/full`, exitFailed, ""},
	{`> out 2>&-`, exitOK, ""},
	{`> /dev/full 2>&1`, exitFailed, ""},
}

// lostStreams runs a command with every redirection, and wants what came through to be whole.
func lostStreams(t *testing.T, dir, args string, complete func(t *testing.T)) {
	t.Helper()
	for _, s := range streams {
		for _, file := range []string{"out", "err"} {
			os.Remove(filepath.Join(dir, file))
		}
		cmd := inBash(t, dir, args, s.to)
		if text, err := cmd.CombinedOutput(); len(text) > 0 {
			t.Errorf("%s %s: %v\n%s", args, s.to, err, text)
		}
		got := cmd.ProcessState.ExitCode()
		// A command that says nothing on standard error has lost nothing there.
		if quiet := !strings.Contains(args, "quick.toml") && strings.HasPrefix(s.to, "> out"); got != s.status && !(quiet && got == exitOK) {
			t.Errorf("%s %s: status %d, want %d", args, s.to, got, s.status)
		}
		if text := settled(filepath.Join(dir, "err"), strings.TrimPrefix(s.says, "tunelab: ")); !strings.Contains(text, strings.TrimPrefix(s.says, "tunelab: ")) {
			t.Errorf("%s %s: standard error is %q, want %q", args, s.to, text, s.says)
		}
		if strings.Contains(s.to, " out") && settled(filepath.Join(dir, "out"), "\n") == "" {
			t.Errorf("%s %s: nothing is printed", args, s.to)
		}
		complete(t)
		nobodySurvives(t, dir)
	}
}

// settled returns the text of a file that somebody writes, when it has what is wanted or some time has passed.
func settled(path, want string) string {
	var text []byte
	for range 100 {
		if text, _ = os.ReadFile(path); want == "" || strings.Contains(string(text), want) {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	return string(text)
}

// TestStreams: whatever becomes of standard output and standard error, files are complete and the status tells.
func TestStreams(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	writeFiles(t, dir, quickScenario)
	if out, err := tunelab(dir, "report", "night.txt").CombinedOutput(); !strings.Contains(string(out), "not written by tunelab") {
		t.Errorf("a file that is no run: %v\n%s", err, out)
	}
	runs := 0
	lostStreams(t, dir, "run quick.toml --budget 1s --results runs", func(t *testing.T) {
		t.Helper()
		runs++
		list, err := results.List(filepath.Join(dir, "runs"))
		if err != nil || len(list) != runs {
			t.Fatalf("%d runs, want %d: %v", len(list), runs, err)
		}
		file, err := results.Read(list[runs-1])
		if err != nil || file.Done == nil || len(file.Problems) > 0 {
			t.Errorf("the run is not complete: %v, %+v", err, file)
		}
		for _, name := range []string{"page.html", "scenario.toml"} {
			if info, err := os.Stat(filepath.Join(list[runs-1], name)); err != nil || info.Size() == 0 {
				t.Errorf("%s is not there: %v", name, err)
			}
		}
	})
	for args, page := range map[string]string{
		"show --results runs last":           "",
		"show --results runs --csv last":     "",
		"report --results runs --out pages":  "pages/index.html",
		"list .":                             "",
		"history . --out trends":             "trends/index.html",
		"report --results runs --out p last": "p",
	} {
		lostStreams(t, dir, args, func(t *testing.T) {
			t.Helper()
			if page == "" {
				return
			}
			if _, err := os.Stat(filepath.Join(dir, page)); err != nil {
				t.Errorf("%s: %v", args, err)
			}
			os.RemoveAll(filepath.Join(dir, page))
		})
	}
}

// TestStreamsOfCompare is the same for two revisions.
func TestStreamsOfCompare(t *testing.T) {
	inCI(t)
	t.Parallel()
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("git is not there")
	}
	dir := t.TempDir()
	writeFiles(t, dir, quickScenario)
	commit(t, dir, "one")
	writeFiles(t, dir, map[string]string{"quick_test.go": strings.Replace(quickScenario["quick_test.go"], "range 1000", "range 1001", 1)})
	commit(t, dir, "two")
	for i, s := range []struct {
		to     string
		status int
	}{{`> >(exec true) 2> err`, exitFailed}, {`> >(cat > out) 2> >(cat > err)`, exitOK}} {
		runs := fmt.Sprint("runs", i)
		cmd := inBash(t, dir, "compare HEAD~1 HEAD --budget 8s --summary summary"+fmt.Sprint(i)+" --out pages --results "+runs, s.to)
		cmd.Env = append(cmd.Env, "GOFLAGS=-ldflags=-w") // no layouts are linked, which is quicker
		text, err := cmd.CombinedOutput()
		if got := cmd.ProcessState.ExitCode(); got != s.status {
			t.Errorf("%s: status %d, want %d: %v\n%s\n%s", s.to, got, s.status, err, text, settled(filepath.Join(dir, "err"), "tunelab:"))
		}
		pages, _ := filepath.Glob(filepath.Join(dir, runs, "*", "page.html"))
		if _, err := os.Stat(filepath.Join(dir, "summary"+fmt.Sprint(i))); err != nil || len(pages) != 1 {
			t.Errorf("%s: pages %q, summary %v", s.to, pages, err)
		}
	}
}

// commit makes a commit of all files in dir.
func commit(t *testing.T, dir, message string) {
	t.Helper()
	for _, args := range [][]string{{"init", "-q"}, {"add", "go.mod", "quick_test.go"}, {"commit", "-q", "-m", message}} {
		cmd := exec.Command("git", append([]string{"-c", "user.name=test", "-c", "user.email=test@localhost"}, args...)...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %s: %v\n%s", args, err, out)
		}
	}
}

// A full is a disk that is full.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, syscall.ENOSPC }

// Of a gate, 1 is a regression and nothing else.
func TestStatusOfLostOutput(t *testing.T) {
	for command, want := range map[string]int{"gate": exitUsage, "show": exitFailed, "history": exitFailed} {
		var problems bytes.Buffer
		if got := execute([]string{command, "--help"}, full{}, &problems); got != want || !strings.Contains(problems.String(), "standard output: no space left") {
			t.Errorf("%s: status %d, want %d: %s", command, got, want, &problems)
		}
	}
	if got := execute([]string{"show", "no such run"}, io.Discard, full{}); got != exitUsage {
		t.Errorf("wrong use, and nobody to tell: status %d", got)
	}
}

// waiting starts a command that waits for something, in a process group of its own, and returns it when it does.
func waiting(t *testing.T, dir string, args []string, waits func() bool, env ...string) *exec.Cmd {
	t.Helper()
	cmd := tunelab(dir, args...)
	cmd.Env = append(cmd.Env, env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }) // what a git that hangs has started
	for range 6000 {
		if waits() {
			return cmd
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("%q does not come to the point where it waits", args)
	return nil
}

// ended returns the status of a command that must end soon.
func ended(t *testing.T, cmd *exec.Cmd) int {
	t.Helper()
	end := make(chan error, 1)
	go func() { end <- cmd.Wait() }()
	select {
	case <-end:
		return cmd.ProcessState.ExitCode()
	case <-time.After(10 * time.Second):
		cmd.Process.Kill()
		<-end
		t.Errorf("%q goes on", cmd.Args[1:])
		return -1
	}
}

// hangingGit puts a git before all others that says that it was started and then hangs with a child.
func hangingGit(t *testing.T, dir string) (path string, started func() bool) {
	t.Helper()
	bin, mark := filepath.Join(dir, "bin"), filepath.Join(dir, "started")
	os.Mkdir(bin, 0o777)
	script := "#!/bin/sh\necho >> '" + mark + "'\nsleep 60\n"
	if err := os.WriteFile(filepath.Join(bin, "git"), []byte(script), 0o777); err != nil {
		t.Fatal(err)
	}
	os.Remove(mark)
	return "PATH=" + bin + string(filepath.ListSeparator) + os.Getenv("PATH"), func() bool {
		_, err := os.Stat(mark)
		return err == nil
	}
}

// TestInterruptedReading: a signal ends what does not measure at once, with its own status.
func TestInterruptedReading(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"show", "pipe.toml"}, {"report", "pipe.toml"}, {"list", "."}, {"init"}, {"history", "git:nights"}, {"compare", "HEAD"}} {
		for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
			dir := t.TempDir()
			writeFiles(t, dir, map[string]string{"go.mod": "module example.com/m\n"})
			if err := syscall.Mkfifo(filepath.Join(dir, "pipe.toml"), 0o666); err != nil {
				t.Fatal(err)
			}
			path, started := hangingGit(t, dir)
			if args[0] == "show" || args[0] == "report" || args[0] == "list" {
				started = func() bool { // somebody reads the pipe
					f, err := os.OpenFile(filepath.Join(dir, "pipe.toml"), os.O_WRONLY|syscall.O_NONBLOCK, 0)
					if err == nil {
						t.Cleanup(func() { f.Close() })
					}
					return err == nil
				}
			}
			cmd := waiting(t, dir, args, started, path)
			cmd.Process.Signal(sig)
			if got := ended(t, cmd); got != 128+int(sig) {
				t.Errorf("%q, %v: status %d", args, sig, got)
			}
		}
	}
}

// TestSecondSignal: what measures ends by itself at the first signal, and at once at the second.
func TestSecondSignal(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	writeFiles(t, dir, quickScenario)
	path, started := hangingGit(t, dir)
	cmd := waiting(t, dir, []string{"run", "quick.toml", "--results", "runs"}, started, path)
	cmd.Process.Signal(syscall.SIGINT)
	time.Sleep(200 * time.Millisecond)
	if err := cmd.Process.Signal(syscall.Signal(0)); err != nil {
		t.Fatalf("the first signal ended it, so that there is nothing to test: %v", err)
	}
	cmd.Process.Signal(syscall.SIGTERM)
	if got := ended(t, cmd); got != 128+int(syscall.SIGTERM) {
		t.Errorf("status %d", got)
	}
	syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // the git
	nobodySurvives(t, dir)

	// In the middle of measuring, with the children.
	dir = t.TempDir()
	writeFiles(t, dir, shortScenario)
	cmd = waiting(t, dir, []string{"run", "short.toml", "--results", "short", "--budget", "60s"}, func() bool {
		files, _ := filepath.Glob(filepath.Join(dir, "short", "*", results.BenchFile))
		return len(files) > 0
	})
	cmd.Process.Signal(syscall.SIGINT)
	cmd.Process.Signal(syscall.SIGTERM)
	if got := ended(t, cmd); got != 128+int(syscall.SIGINT) && got != 128+int(syscall.SIGTERM) {
		t.Errorf("in the middle of measuring: status %d", got)
	}
	nobodySurvives(t, dir)
}

// TestHalfAPage: a page that is interrupted or fails leaves what was there before, and nothing beside it.
func TestHalfAPage(t *testing.T) {
	dir := t.TempDir()
	page := filepath.Join(dir, "page.html")
	writeFiles(t, dir, map[string]string{"page.html": "old"})
	status := make(chan int, 1)
	ctx, cancel := context.WithCancelCause(context.Background())
	i := &interruption{cancel: cancel, exit: func(s int) { status <- s }, stderr: io.Discard, writing: map[string]bool{}}
	ctx = context.WithValue(ctx, interruptionKey{}, i)
	unchanged := func(when string) {
		t.Helper()
		text, err := os.ReadFile(page)
		list, _ := os.ReadDir(dir)
		if err != nil || string(text) != "old" || len(list) != 1 {
			t.Errorf("%s: %q, %v, %d files", when, text, err, len(list))
		}
	}
	errBroken := errors.New("broken")
	err := writeFile(ctx, page, func(w io.Writer) error {
		io.WriteString(w, "ne")
		return errBroken
	})
	if !errors.Is(err, errBroken) {
		t.Error(err)
	}
	unchanged("when it fails")
	go writeFile(ctx, page, func(w io.Writer) error {
		io.WriteString(w, "ne")
		i.strike(syscall.SIGINT)
		return nil
	})
	if s := <-status; s != 128+int(syscall.SIGINT) {
		t.Errorf("status %d", s)
	}
	unchanged("when it is interrupted")
}
