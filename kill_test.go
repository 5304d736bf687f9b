//go:build linux

package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"tunelab/harness/lock"
	"tunelab/results"
)

// killsVar says how often TestKill kills. CI sets it to 50.
const killsVar = "TUNELAB_TEST_KILLS"

// shortScenario has a benchmark that leaves a process in a session of its own while it runs: what must not outlive.
var shortScenario = map[string]string{
	"go.mod": "module example.com/short\n\ngo 1.24\n",
	"short_test.go": `package short

import (
	"os/exec"
	"syscall"
	"testing"
)

var sink int

func BenchmarkWork(b *testing.B) {
	for _, impl := range []string{"a", "b"} {
		for _, n := range []string{"n=1", "n=2"} {
			b.Run("impl="+impl+"/"+n, func(b *testing.B) {
				helper := exec.Command("sleep", "1000")
				helper.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
				if err := helper.Start(); err != nil {
					b.Fatal(err)
				}
				defer helper.Wait()
				defer helper.Process.Kill()
				b.ResetTimer()
				for i := 0; i < b.N; i++ {
					for j := range 1000 {
						sink += j
					}
				}
			})
		}
	}
}
`,
	"short.toml": `question = "Does a short run survive?"
[bench]
dir = "."
slice = "10ms"
[metrics]
margin = 0.0001
[[variant]]
name = "a"
base = true
select = "impl=a"
[[variant]]
name = "b"
select = "impl=b"
`,
}

// survivors returns the processes that were started from dir's run, directly or not.
func survivors(dir string) []string {
	want := []byte(lock.PathVar + "=" + filepath.Join(dir, "lock"))
	var found []string
	environs, _ := filepath.Glob("/proc/[0-9]*/environ")
	for _, path := range environs {
		env, err := os.ReadFile(path)
		if err != nil || !slices.ContainsFunc(bytes.Split(env, []byte{0}), func(e []byte) bool { return bytes.Equal(e, want) }) {
			continue
		}
		name, _ := os.ReadFile(filepath.Join(filepath.Dir(path), "cmdline"))
		found = append(found, filepath.Base(filepath.Dir(path))+" "+string(bytes.ReplaceAll(name, []byte{0}, []byte(" "))))
	}
	return found
}

func nobodySurvives(t *testing.T, dir string) {
	t.Helper()
	var left []string
	for range 300 {
		if left = survivors(dir); len(left) == 0 {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("outlived their parent: %q", left)
}

// readIfAny returns the only run under dir, nil when none has a plan yet.
func readIfAny(t *testing.T, dir string) *results.File {
	t.Helper()
	runs, err := results.List(filepath.Join(dir, "out"))
	if err != nil {
		t.Fatal(err)
	}
	if len(runs) == 0 {
		return nil
	}
	f, err := results.Read(runs[len(runs)-1])
	if errors.Is(err, fs.ErrNotExist) || err != nil && strings.Contains(err.Error(), "killed before it measured") || errors.Is(err, results.ErrNoRun) {
		return nil
	} else if err != nil {
		t.Fatal(err)
	}
	return f
}

// TestKill kills the command with SIGKILL at random moments of a short run and resumes it, until it is through: no
// process outlives it, no finished trial is lost or changed, plan and order of each block stay what they were.
func TestKill(t *testing.T) {
	t.Parallel()
	kills := 5
	if n, err := strconv.Atoi(os.Getenv(killsVar)); err == nil {
		kills = n
	}
	dir := t.TempDir()
	writeFiles(t, dir, shortScenario)
	random := rand.New(rand.NewPCG(1, 1))
	var before *results.File
	for kill := 1; kill <= kills; kill++ {
		args := []string{"run", "short.toml", "--results", "out", "--budget", "6s", "--seed", "5"}
		if before != nil && before.Done == nil {
			args = []string{"run", "short.toml", "--results", "out", "--resume", "last"}
		} else {
			before = nil
		}
		cmd := tunelab(dir, args...)
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		delay := time.Duration(random.Int64N(int64(2500 * time.Millisecond)))
		timer := time.AfterFunc(delay, func() { cmd.Process.Kill() })
		err := cmd.Wait()
		timer.Stop()
		if err != nil && cmd.ProcessState.ExitCode() >= 0 {
			t.Fatalf("kill %d: ended by itself: %v\n%s", kill, err, &stderr)
		}
		nobodySurvives(t, dir)
		after := readIfAny(t, dir)
		if before != nil {
			keeps(t, before, after)
		}
		before = after
	}
	if before == nil || before.Done != nil {
		cmd := tunelab(dir, "run", "short.toml", "--results", "out", "--budget", "6s", "--seed", "5")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	} else if out, err := tunelab(dir, "run", "short.toml", "--results", "out", "--resume", "last").CombinedOutput(); err != nil {
		t.Fatalf("resuming to the end: %v\n%s", err, out)
	}
	nobodySurvives(t, dir)
	after := readIfAny(t, dir)
	if after == nil || after.Done == nil {
		t.Fatal("the run did not come to its end")
	}
	if before != nil && before.Done == nil {
		keeps(t, before, after)
	}
	sameOrder(t, dir, after)
	if left, err := os.ReadDir(filepath.Join(dir, "tmp")); err != nil || len(left) > 0 {
		t.Errorf("left in the temporary folder: %v %v", left, err)
	}
}

// keeps fails the test unless after has all that before had, unchanged, in its place.
func keeps(t *testing.T, before, after *results.File) {
	t.Helper()
	if after == nil {
		t.Fatal("the run is gone")
	}
	if !reflect.DeepEqual(before.Run, after.Run) {
		t.Fatalf("the plan changed:\n%+v\n%+v", before.Run, after.Run)
	}
	if len(after.Trials) < len(before.Trials) || !slices.EqualFunc(before.Trials, after.Trials[:len(before.Trials)], func(a, b results.Trial) bool { return reflect.DeepEqual(a, b) }) {
		t.Fatalf("%d trials before, %d after, or they changed", len(before.Trials), len(after.Trials))
	}
}

// sameOrder compares the order in each block with that of an undisturbed run with the same seed.
func sameOrder(t *testing.T, dir string, file *results.File) {
	t.Helper()
	other := t.TempDir()
	writeFiles(t, other, shortScenario)
	if out, err := tunelab(other, "run", "short.toml", "--results", "out", "--budget", "6s", "--seed", "5").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	order := func(f *results.File) map[string][]string {
		blocks := map[string][]string{}
		for _, trial := range f.Trials {
			// A comparison of equal sides may be flagged in one run and not in the other: then only one has a second stage,
			// whose blocks are numbered from 1 again and drawn by themselves.
			key := fmt.Sprintf("%s stage %d block %d", trial.Case, max(trial.Stage, 1), trial.Block)
			blocks[key] = append(blocks[key], trial.Variant)
		}
		return blocks
	}
	undisturbed, compared := order(readIfAny(t, other)), 0
	for key, variants := range order(file) {
		want, ok := undisturbed[key]
		if !ok || len(want) != 2 || len(variants) != 2 {
			continue
		}
		compared++
		if !slices.Equal(variants, want) {
			t.Errorf("%s ran %q, an undisturbed run %q", key, variants, want)
		}
	}
	if compared < 3 {
		t.Errorf("only %d blocks to compare", compared)
	}
}

// slowScenario tells in the file $MARK how far it is, and then takes its time. Its variant is built with a profile.
var slowScenario = map[string]string{
	"go.mod": "module example.com/slow\n\ngo 1.24\n",
	"slow_test.go": `package slow

import (
	"os"
	"testing"
	"time"
)

func mark(what string) {
	f, err := os.OpenFile(os.Getenv("MARK"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o666)
	if err != nil {
		panic(err)
	}
	f.WriteString(what + "\\n")
	f.Close()
	time.Sleep(100 * time.Millisecond)
}

func TestCorrect(t *testing.T) { mark("check") }

var sink int

func BenchmarkWork(b *testing.B) {
	mark("work")
	for i := 0; i < b.N; i++ {
		for j := range 1000 {
			sink += j
		}
	}
}
`,
	"slow.toml": `question = "Is a folder left?"
[bench]
dir = "."
check = "Correct"
[[variant]]
name = "a"
base = true
[[variant]]
name = "b"
`,
	"trained.toml": `question = "Is a folder left?"
[bench]
dir = "."
check = "Correct"
[[variant]]
name = "a"
base = true
[[variant]]
name = "b"
pgo = "Work"
`,
}

// TestKilledEarly kills a run before it has a plan: it leaves no folder, or one with a profile in it.
func TestKilledEarly(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	writeFiles(t, dir, slowScenario)
	for i, c := range []struct {
		scenario, mark string
		times          int
	}{{"slow.toml", "check", 1}, {"slow.toml", "work", 2}, {"trained.toml", "work", 2}} {
		out := fmt.Sprintf("out%d", i)
		mark := filepath.Join(dir, out+".mark")
		cmd := tunelab(dir, "run", c.scenario, "--results", out)
		cmd.Env = append(cmd.Env, "MARK="+mark)
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		for tries := 0; ; tries++ {
			if text, _ := os.ReadFile(mark); strings.Count(string(text), c.mark) >= c.times {
				break
			} else if tries > 6000 {
				cmd.Process.Kill()
				cmd.Wait()
				t.Fatalf("%v: it does not come so far\n%s\n%s", c, text, &stderr)
			}
			time.Sleep(10 * time.Millisecond)
		}
		cmd.Process.Kill()
		cmd.Wait()
		nobodySurvives(t, dir)
		left, err := os.ReadDir(filepath.Join(dir, out))
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range left {
			if profiles, _ := filepath.Glob(filepath.Join(dir, out, e.Name(), "profiles", "*.pprof")); len(profiles) == 0 {
				t.Errorf("%v: it left %s\n%s", c, e.Name(), &stderr)
			}
		}
	}
}

// TestSignals interrupts a run with each of the two signals at random moments: status 128 + the signal, nothing left
// running, a file that --resume can go on with, and the command that does it.
func TestSignals(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	writeFiles(t, dir, shortScenario)
	random := rand.New(rand.NewPCG(2, 2))
	for i, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGINT, syscall.SIGTERM} {
		cmd := tunelab(dir, "run", "short.toml", "--results", fmt.Sprintf("out%d", i), "--budget", "60s")
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		delay := time.Duration(random.Int64N(int64(2 * time.Second)))
		if i >= 2 {
			delay += 2 * time.Second // in the middle of measuring
		}
		time.Sleep(delay + 100*time.Millisecond)
		cmd.Process.Signal(sig)
		err := cmd.Wait()
		if code := cmd.ProcessState.ExitCode(); code != 128+int(sig) {
			t.Errorf("%v after %v: status %d, %v\n%s", sig, delay, code, err, &stderr)
		}
		nobodySurvives(t, dir)
		runs, err := results.List(filepath.Join(dir, fmt.Sprintf("out%d", i)))
		if err != nil {
			t.Fatal(err)
		}
		if len(runs) == 0 {
			continue // it had not measured yet
		}
		if f, err := results.Read(runs[0]); err != nil || f.Torn || f.Done != nil {
			t.Errorf("%v after %v: torn %v, done %v, %v", sig, delay, f.Torn, f.Done, err)
		}
		if !strings.Contains(stderr.String(), "--resume") {
			t.Errorf("%v after %v: does not say how to go on:\n%s", sig, delay, &stderr)
		}
	}
}

// TestSecondRun: while one run has the machine, another is told who, and does not wait.
func TestSecondRun(t *testing.T) {
	dir := t.TempDir()
	writeFiles(t, dir, shortScenario)
	first := tunelab(dir, "run", "short.toml", "--results", "out", "--budget", "60s")
	if err := first.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		first.Process.Signal(syscall.SIGTERM)
		first.Wait()
		nobodySurvives(t, dir)
	}()
	for {
		if text, err := os.ReadFile(filepath.Join(dir, "lock")); err == nil && len(text) > 0 {
			break
		}
		time.Sleep(5 * time.Millisecond)
	}
	second := tunelab(dir, "run", "short.toml", "--results", "out2", "--budget", "5s")
	out, _ := second.CombinedOutput()
	if second.ProcessState.ExitCode() != exitUsage || !strings.Contains(string(out), fmt.Sprintf("process %d, `tunelab run short.toml --budget 1m0s`", first.Process.Pid)) {
		t.Errorf("status %d\n%s", second.ProcessState.ExitCode(), out)
	}
}

// fillAfterTrial waits until a run in disk has a trial on record, and then takes all the room that is left.
func fillAfterTrial(disk string, stop <-chan bool) error {
	for {
		files, _ := filepath.Glob(filepath.Join(disk, "*", results.BenchFile))
		for _, f := range files {
			if text, err := os.ReadFile(f); err == nil && strings.Contains(string(text), "\n# end ") {
				filler := bytes.Repeat([]byte("x"), 1<<20)
				if err := os.WriteFile(filepath.Join(disk, "filler"), filler, 0o666); err == nil {
					return errors.New("the disk is larger than what fills it")
				}
				return nil
			}
		}
		select {
		case <-stop:
			return errors.New("the run ended before it had a trial on record")
		case <-time.After(time.Millisecond):
		}
	}
}

// TestFullDisk and a disk that can't be written: the error says what to do, and no trial that was written is lost.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	writeFiles(t, dir, shortScenario)
	disk := filepath.Join(dir, "disk")
	if err := os.Mkdir(disk, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", disk, "tmpfs", 0, "size=256k"); err != nil {
		t.Skipf("needs root to mount a small disk: %v", err)
	}
	defer syscall.Unmount(disk, 0)
	cmd := tunelab(dir, "run", "short.toml", "--results", "disk", "--budget", "8s")
	filled := make(chan error, 1)
	stop := make(chan bool)
	go func() { filled <- fillAfterTrial(disk, stop) }()
	out, _ := cmd.CombinedOutput()
	close(stop)
	if err := <-filled; err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if code := cmd.ProcessState.ExitCode(); code != exitFailed || !strings.Contains(string(out), "no space left on device") || !strings.Contains(string(out), "--resume") {
		t.Errorf("status %d\n%s", code, out)
	}
	runs, err := results.List(disk)
	if err != nil || len(runs) != 1 {
		t.Fatal(runs, err)
	}
	full, err := results.Read(runs[0])
	if err != nil || full.Torn || len(full.Trials) == 0 || len(full.Problems) > 0 {
		t.Fatalf("%v, %+v", err, full)
	}
	if err := syscall.Mount("", disk, "", syscall.MS_REMOUNT, "size=10m"); err != nil {
		t.Fatal(err)
	}
	if out, err := tunelab(dir, "run", "short.toml", "--resume", runs[0]).CombinedOutput(); err != nil {
		t.Fatalf("with room again: %v\n%s", err, out)
	}
	after, err := results.Read(runs[0])
	if err != nil {
		t.Fatal(err)
	}
	keeps(t, full, after)

	if err := syscall.Mount("", disk, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	cmd = tunelab(dir, "run", "short.toml", "--results", "disk", "--budget", "5s")
	out, _ = cmd.CombinedOutput()
	if code := cmd.ProcessState.ExitCode(); code != exitUsage || !strings.Contains(string(out), "read-only file system; choose another place with --results") {
		t.Errorf("read-only: status %d\n%s", code, out)
	}
}
