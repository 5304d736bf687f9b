package process

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

func fence(t *testing.T, s *Supervisor, l Limits) *Fence {
	t.Helper()
	f, err := s.NewFence(l)
	if err != nil {
		t.Skip("no cgroup can be made here: ", err)
	}
	return f
}

// absent fails the test if one of the fence's directories is still there.
func absent(t *testing.T, dirs []string) {
	t.Helper()
	for _, dir := range dirs {
		if _, err := os.Stat(dir); err == nil {
			t.Errorf("%s is left", dir)
		}
	}
}

func TestFenceLimitsMemory(t *testing.T) {
	s := supervisor(t)
	f := fence(t, s, Limits{MemoryBytes: 64 << 20})
	spec := Spec{Path: os.Args[0], Env: role("eater"), Timeout: time.Minute, MaxOutput: 1 << 20, Fence: f}
	e, err := s.Run(context.Background(), spec)
	if err != nil || !e.OutOfMemory || e.Ok() || f.OOMKills() != 1 {
		t.Errorf("%+v, %v, %d kills", e, err, f.OOMKills())
	}
	if len(f.Dirs()) != 1 || f.Close() != nil {
		t.Errorf("%q", f.Dirs())
	}
	absent(t, f.Dirs())
	// What runs without the fence is not in it: the thread that entered it has gone back.
	if e := run(t, s, "hello", time.Minute); !e.Ok() {
		t.Errorf("%+v", e)
	}
	self, err := os.ReadFile("/proc/self/cgroup")
	if err != nil || strings.Contains(string(self), cgroupPrefix) {
		t.Errorf("%s, %v", self, err)
	}
}

func TestFenceLimitsCPU(t *testing.T) {
	s := supervisor(t)
	f := fence(t, s, Limits{CPUs: 0.5})
	if len(f.Dirs()) == 0 || f.OOMKills() != 0 {
		t.Errorf("%+v", f)
	}
	if !f.v2 {
		if quota, err := os.ReadFile(filepath.Join(f.Dirs()[0], "cpu.cfs_quota_us")); err != nil || string(quota) != "50000\n" {
			t.Errorf("%q, %v", quota, err)
		}
	}
	// Closing ends what still runs in it.
	cmd := exec.Command(os.Args[0])
	cmd.Env = role("hang")
	var err error
	onOtherThread(func() { err = enter(f.Dirs(), f.v2, &syscall.SysProcAttr{}, cmd.Start) })
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
	cmd.Wait()
	absent(t, f.Dirs())
}

func TestFenceThatCannotBeMade(t *testing.T) {
	s := supervisor(t)
	f, err := s.NewFence(Limits{MemoryBytes: -1, CPUs: 1e-9})
	if err == nil {
		// Nothing to limit: no directory.
		f.Close()
		t.Skip("the kernel takes any limit here")
	}
	if f != nil || !strings.Contains(err.Error(), "making a cgroup with limits") {
		t.Error(f, err)
	}
}

func TestCPUs(t *testing.T) {
	all := UsableCPUs()
	s := supervisor(t)
	last := all[len(all)-1:]
	e, err := s.Run(context.Background(), Spec{Path: os.Args[0], Env: role("cpus"), Timeout: time.Minute, MaxOutput: 1000, CPUs: last})
	if want := fmt.Sprintln(last); err != nil || string(e.Stdout) != want {
		t.Errorf("%s, %v, want %s", e.Stdout, err, want)
	}
	if e := run(t, s, "cpus", time.Minute); string(e.Stdout) != fmt.Sprintln(all) {
		t.Errorf("afterwards on %s", e.Stdout)
	}
}

// SIGKILL of the harness: its fences go as well, and what ran in them.
func TestFenceOfAKilledHarnessIsRemoved(t *testing.T) {
	fence(t, supervisor(t), Limits{MemoryBytes: 64 << 20}).Close()
	cmd := harness(t, "fenced")
	text, err := os.ReadFile(filepath.Join(os.Getenv("PIDS"), "fence"))
	if err != nil {
		t.Fatal(err)
	}
	dirs := strings.Split(string(text), "\n")
	cmd.Process.Kill()
	cmd.Wait()
	gone(t, "sleeper")
	EndLeftovers(os.Getenv("TOKEN"))
	absent(t, dirs)
}
