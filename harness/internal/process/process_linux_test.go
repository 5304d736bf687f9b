package process

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

const roleVar = "TUNELAB_TEST_ROLE"

// TestMain plays the children: the test binary is what the supervisor under test runs.
func TestMain(m *testing.M) {
	if WatchIfAsked() {
		return
	}
	name := os.Getenv(roleVar)
	if name == "" {
		os.Exit(m.Run())
	}
	roles[name]()
}

// roles are what the children do, by name.
var roles = map[string]func(){
	"hello": func() {
		fmt.Println("out")
		fmt.Fprintln(os.Stderr, "err")
	},
	"three": func() { os.Exit(3) },
	"hang":  func() { time.Sleep(time.Hour) },
	"deaf": func() { // to everything but SIGKILL, and so is what it started
		startCopy("sleeper", &syscall.SysProcAttr{})
		ignoreAll()
		time.Sleep(time.Hour)
	},
	"flood": flood,
	// Starts a process in another session, without the token, and ends.
	"leaver": func() { startCopy("sleeper", &syscall.SysProcAttr{Setsid: true}) },
	"grandparent": func() { // one that starts one that leaves
		startCopy("leaver", &syscall.SysProcAttr{Setsid: true})
		time.Sleep(50 * time.Millisecond)
	},
	"sleeper": func() {
		ignoreAll()
		time.Sleep(time.Hour)
	},
	"eater":  eat,
	"burner": burn,
	"burners": func() {
		child := exec.Command(os.Args[0])
		child.Env = role("burner")
		if err := child.Run(); err != nil {
			panic(err)
		}
		burn()
	},
	"meeter": meet,
	"parrot": parrot,
	"cpus":   func() { fmt.Println(UsableCPUs()) },
	"fenced": func() { // runs a leaver's hang in a fence and waits to be killed
		s := mustSupervise()
		f, err := s.NewFence(Limits{MemoryBytes: 512 << 20, CPUs: 1})
		if err != nil {
			panic(err)
		}
		os.WriteFile(filepath.Join(os.Getenv("PIDS"), "fence"), []byte(strings.Join(f.Dirs(), "\n")), 0o666)
		s.Run(context.Background(), Spec{Path: os.Args[0], Env: role("deaf"), Timeout: time.Hour, MaxOutput: 1000, Fence: f})
	},
	"stranger": func() { // runs a leaver beside children that were there before, and says how many it had left
		s := mustSupervise()
		if os.Getenv("GROUP") == "none" {
			s.withoutGroup()
		}
		e, err := s.Run(context.Background(), Spec{Path: os.Args[0], Env: role("leaver"), Timeout: time.Minute, MaxOutput: 1000})
		fmt.Println("left", e.Left, err)
		fmt.Fprintln(os.Stderr, "left", e.Left, err)
		s.Close()
	},
	"harness": func() { // runs a leaver's hang and waits to be killed
		s := mustSupervise()
		s.Run(context.Background(), Spec{Path: os.Args[0], Env: role("deaf"), Timeout: time.Hour, MaxOutput: 1000})
	},
}

func mustSupervise() *Supervisor {
	s, err := NewSupervisor(os.Getenv("TOKEN"))
	if err != nil {
		panic(err)
	}
	return s
}

func flood() {
	line := bytes.Repeat([]byte("x"), 1<<16)
	for {
		if _, err := os.Stdout.Write(line); err != nil {
			time.Sleep(time.Hour)
		}
	}
}

// eat takes 4 GiB of memory.
func eat() {
	var kept [][]byte
	for range 1 << 12 {
		b := make([]byte, 1<<20)
		for i := range len(b) / 4096 {
			b[i*4096] = 1
		}
		kept = append(kept, b)
	}
	fmt.Println(len(kept))
}

// burn uses a tenth of a second of CPU time.
func burn() {
	var used syscall.Rusage
	for used.Utime.Usec < 100_000 && used.Utime.Sec == 0 {
		for i := range 1_000_000 { // the call itself is mostly system time
			burnt += i
		}
		syscall.Getrusage(syscall.RUSAGE_SELF, &used)
	}
}

// meet ends when there are two of them.
func meet() {
	os.WriteFile(filepath.Join(os.Getenv("PIDS"), fmt.Sprint("meeter-", os.Getpid())), nil, 0o666)
	for came := []string(nil); len(came) < 2; time.Sleep(time.Millisecond) {
		came, _ = filepath.Glob(filepath.Join(os.Getenv("PIDS"), "meeter-*"))
	}
}

var burnt int

func ignoreAll() {
	for sig := syscall.Signal(1); sig < 32; sig++ {
		if sig != syscall.SIGKILL && sig != syscall.SIGSTOP && sig != syscall.SIGCHLD {
			signal.Ignore(sig)
		}
	}
}

// startCopy starts this program in another role; its environment has no token, so that only its ancestry and its
// cgroup betray it. It leaves the pid in a file.
func startCopy(as string, attr *syscall.SysProcAttr, env ...string) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(env, role(as)...)
	cmd.SysProcAttr = attr
	if err := cmd.Start(); err != nil {
		panic(err)
	}
	name := filepath.Join(os.Getenv("PIDS"), as)
	if err := os.WriteFile(name+".new", []byte(strconv.Itoa(cmd.Process.Pid)), 0o666); err != nil {
		panic(err)
	}
	os.Rename(name+".new", name)
}

func role(name string) []string {
	return []string{roleVar + "=" + name, "PIDS=" + os.Getenv("PIDS"), "TOKEN=" + os.Getenv("TOKEN")}
}

func supervisor(t *testing.T) *Supervisor {
	t.Helper()
	t.Setenv("PIDS", t.TempDir())
	s, err := NewSupervisor(fmt.Sprintf("test-%d-%s", os.Getpid(), strings.ReplaceAll(t.Name(), "/", "-")))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// withoutGroup makes the supervisor one of a machine where no cgroup is writable.
func (s *Supervisor) withoutGroup() {
	s.starter.stop()
	s.group.remove()
	s.starter, s.group = nil, cgroup{}
}

// TestStrangers: what a shell has started for the standard streams of the process that it became is not ours to end.
func TestStrangers(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("bash is not there")
	}
	for name, redirection := range map[string]string{
		"stdout":        `> >(cat > out) 2> err`,
		"stderr":        `> out 2> >(cat > err)`,
		"both":          `> >(cat > out) 2> >(cat > err)`,
		"one for both":  `> >(cat | tee out > err) 2>&1`,
		"its own group": `> >(setsid cat > out) 2> >(setsid cat > err)`,
		"a job's":       `> >(set -m; cat <&0 > out & wait) 2> >(set -m; cat <&0 > err & wait)`,
	} {
		for _, group := range []string{"any", "none"} {
			t.Run(name+", cgroup "+group, func(t *testing.T) {
				dir := t.TempDir()
				t.Setenv("PIDS", dir)
				t.Setenv("TOKEN", fmt.Sprintf("strange-%d-%d", os.Getpid(), time.Now().UnixNano()))
				cmd := exec.Command(bash, "-c", `sleep 0.1 & exec "$0" `+redirection, os.Args[0])
				cmd.Dir, cmd.Env = dir, append(os.Environ(), append(role("stranger"), "GROUP="+group)...)
				if text, err := cmd.CombinedOutput(); err != nil {
					t.Fatalf("%v\n%s", err, text)
				}
				for _, file := range []string{"out", "err"} {
					var text []byte
					for range 500 { // the readers may end a little later
						if text, _ = os.ReadFile(filepath.Join(dir, file)); bytes.HasSuffix(text, []byte("\n")) {
							break
						}
						time.Sleep(10 * time.Millisecond)
					}
					if !strings.Contains(string(text), "left 1 <nil>\n") {
						t.Errorf("%s: %q", file, text)
					}
				}
				gone(t, "sleeper")
			})
		}
	}
}

// Whatever ends is let go of, also where its cgroup is not told any more.
func TestNoZombies(t *testing.T) {
	for _, group := range []string{"any", "none"} {
		t.Run(group, func(t *testing.T) {
			s := supervisor(t)
			if group == "none" {
				s.withoutGroup()
			}
			for range 3 {
				run(t, s, "leaver", time.Minute)
				run(t, s, "hello", time.Minute)
			}
			for _, pid := range childrenOf("/proc/self") {
				if pid != s.watcher.Process.Pid && isZombie(pid) {
					t.Errorf("process %d has ended and nobody asked how", pid)
				}
			}
		})
	}
}

func run(t *testing.T, s *Supervisor, name string, timeout time.Duration) Exit {
	t.Helper()
	exit, err := s.Run(context.Background(), Spec{Path: os.Args[0], Env: role(name), Timeout: timeout, MaxOutput: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	return exit
}

// gone fails the test if the process that left its pid under that name is still there.
func gone(t *testing.T, name string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(os.Getenv("PIDS"), name))
	if err != nil {
		t.Fatal("the child did not get to start its own: ", err)
	}
	pid, err := strconv.Atoi(string(text))
	if err != nil {
		t.Fatal(err)
	}
	for range 500 { // init may take a moment to reap
		if err := syscall.Kill(pid, 0); err != nil || isZombie(pid) {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	syscall.Kill(pid, syscall.SIGKILL)
	t.Errorf("process %d (%s) outlived its parent", pid, name)
}

func TestRun(t *testing.T) {
	s := supervisor(t)
	if e := run(t, s, "hello", time.Minute); !e.Ok() || string(e.Stdout) != "out\n" || string(e.Stderr) != "err\n" || e.Left != 0 || e.Wall <= 0 {
		t.Errorf("%+v", e)
	}
	if e := run(t, s, "three", time.Minute); e.Ok() || e.Code != 3 || e.Why(Spec{}) != "exit status 3" {
		t.Errorf("%+v", e)
	}
}

func TestRunAll(t *testing.T) {
	s := supervisor(t)
	spec := func(name string) Spec {
		return Spec{Path: os.Args[0], Env: role(name), Timeout: time.Minute, MaxOutput: 1 << 20}
	}
	exits, err := s.RunAll(context.Background(), spec("meeter"), spec("three"), spec("meeter"), spec("leaver"))
	if err != nil || len(exits) != 4 || !exits[0].Ok() || exits[1].Code != 3 || !exits[2].Ok() || !exits[3].Ok() || exits[0].Left == 0 {
		t.Errorf("%+v, %v", exits, err)
	}
	gone(t, "sleeper")
	exits, err = s.RunAll(context.Background(), spec("three"), Spec{Path: "/nonexistent", Timeout: time.Second}, spec("hello"))
	if err == nil || !strings.Contains(err.Error(), "starting /nonexistent") || exits[0].Code != 3 || string(exits[2].Stdout) != "out\n" {
		t.Errorf("%+v, %v", exits, err)
	}
}

func TestTimeLimit(t *testing.T) {
	s := supervisor(t)
	e := run(t, s, "hang", 100*time.Millisecond)
	if !e.TimedOut || e.Ok() || !strings.Contains(string(e.Stderr), "SIGQUIT") || !strings.Contains(string(e.Stderr), "time.Sleep") {
		t.Errorf("a child that hangs is asked where: %+v, stderr %s", e, e.Stderr)
	}
	e = run(t, s, "deaf", 300*time.Millisecond)
	if !e.TimedOut || e.Signal != syscall.SIGKILL {
		t.Errorf("%+v", e)
	}
	gone(t, "sleeper")
}

func TestOutputLimit(t *testing.T) {
	e := run(t, supervisor(t), "flood", time.Minute)
	if !e.Flooded || e.Ok() || len(e.Stdout) > 1<<20 {
		t.Errorf("flooded %v with %d bytes", e.Flooded, len(e.Stdout))
	}
}

func TestWhatLeavesIsEnded(t *testing.T) {
	s := supervisor(t)
	for _, name := range []string{"leaver", "grandparent"} {
		e := run(t, s, name, time.Minute)
		if !e.Ok() || e.Left == 0 {
			t.Errorf("%s: %+v", name, e)
		}
		gone(t, "sleeper")
	}
	if e := run(t, s, "hello", time.Minute); e.Left != 0 {
		t.Errorf("a child that left nothing is said to have left %d", e.Left)
	}
}

// The same where no cgroup is writable, and where only the token is left to go by.
func TestWhatLeavesIsEndedWithoutCgroup(t *testing.T) {
	s := supervisor(t)
	s.group.remove()
	s.group = cgroup{}
	if e := run(t, s, "leaver", time.Minute); e.Left == 0 {
		t.Errorf("%+v", e)
	}
	gone(t, "sleeper")
}

func TestCancel(t *testing.T) {
	s := supervisor(t)
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		for {
			if _, err := os.Stat(filepath.Join(os.Getenv("PIDS"), "sleeper")); err == nil {
				cancel()
				return
			}
			time.Sleep(time.Millisecond)
		}
	}()
	_, err := s.Run(ctx, Spec{Path: os.Args[0], Env: role("deaf"), Timeout: time.Minute, MaxOutput: 1000})
	if !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	gone(t, "sleeper")
	if _, err := s.Run(ctx, Spec{Path: os.Args[0], Env: role("hello")}); !errors.Is(err, context.Canceled) {
		t.Error("ran after the end: ", err)
	}
}

// harness starts this program as one that runs a child which starts one of its own, and returns when it has.
func harness(t *testing.T, as string) *exec.Cmd {
	t.Helper()
	t.Setenv("PIDS", t.TempDir())
	t.Setenv("TOKEN", fmt.Sprintf("test-%s-%d", as, os.Getpid()))
	cmd := exec.Command(os.Args[0])
	cmd.Env = role(as)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(os.Getenv("PIDS"), "sleeper")); err == nil {
			return cmd
		}
		time.Sleep(time.Millisecond)
	}
}

// SIGKILL of the harness: the kernel ends the child, the watcher what the child had started.
func TestNothingOutlivesAKilledHarness(t *testing.T) {
	cmd := harness(t, "harness")
	cmd.Process.Kill()
	cmd.Wait()
	gone(t, "sleeper")
	EndLeftovers(os.Getenv("TOKEN")) // takes the cgroup away, should the watcher not have come to it
	if g := openCgroup(os.Getenv("TOKEN")); g.dir != "" {
		t.Errorf("%s is left", g.dir)
	}
}

func TestMissingProgram(t *testing.T) {
	s := supervisor(t)
	if _, err := s.Run(context.Background(), Spec{Path: "/nonexistent", Timeout: time.Second}); err == nil || !strings.Contains(err.Error(), "starting /nonexistent") {
		t.Error(err)
	}
}

func TestTail(t *testing.T) {
	e := Exit{Stdout: []byte("one\ntwo\nthree\n"), Stderr: []byte("four\xff\n")}
	if got := e.Tail(1000); got != "one\ntwo\nthree\nfour�" {
		t.Errorf("%q", got)
	}
	long := Exit{Stdout: []byte("one\n"), Stderr: []byte("panic: why\n\n" + strings.Repeat("goroutine\n", 100))}
	if got, want := long.Tail(40), "…\npanic: why\n\n…\ngoroutine\ngoroutine"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got := e.Tail(14); got != "…\nthree\nfour�" {
		t.Errorf("%q", got)
	}
}
