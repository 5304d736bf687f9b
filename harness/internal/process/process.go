// Package process runs one child at a time so that nothing of it outlives the harness.
//
//  1. [NewSupervisor] makes this process a subreaper, opens a cgroup where one is writable, and starts a watcher: this
//     same program again ([WatchIfAsked]), asleep on a pipe whose other end only we hold.
//  2. [Supervisor.Run] starts a child in a process group of its own from a locked thread, with a parent-death signal,
//     with the supervisor's token in its environment; reads its output up to a limit; ends it at its time limit.
//  3. When the child has ended, what it left is found (by cgroup, by token, by being our orphan) and ended too, and
//     counted, setsid or not.
//  4. When the harness itself is killed, even by SIGKILL, the kernel ends the child, and the watcher, woken by the
//     pipe's end, ends what the child had started. Should the watcher be killed as well, [EndLeftovers] does the
//     same at the beginning of the next run.
package process

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"
)

// TokenVar is the environment variable that marks the children of a supervisor.
const TokenVar = "TUNELAB_TRIAL"

// A Spec says what to run and within which limits.
type Spec struct {
	Path      string
	Args      []string // without the program's name
	Dir       string
	Env       []string // whole environment, the token is added
	Timeout   time.Duration
	MaxOutput int64  // bytes of stdout and stderr together
	CPUs      []int  // those that it may run on; all when empty
	Fence     *Fence // the cgroup that it starts in; none when nil
}

// An Exit is how a child ended.
type Exit struct {
	Code        int            // exit status, -1 when a signal ended it
	Signal      syscall.Signal // the signal that ended it, 0 if none
	TimedOut    bool           // ended by us at the time limit
	Flooded     bool           // ended by us at the output limit
	OutOfMemory bool           // the kernel's OOM killer struck while it ran
	Left        int            // processes that it left behind, ended by us
	Stdout      []byte
	Stderr      []byte
	Wall        time.Duration
	User        time.Duration // CPU time, children that it waited for included
	System      time.Duration
	Voluntary   int64 // context switches
	Involuntary int64
}

// Ok reports whether the child ended by itself with status 0.
func (e *Exit) Ok() bool { return e.Code == 0 && e.Signal == 0 && !e.TimedOut && !e.Flooded }

// Why says in a few words how a child that was not ok ended.
func (e *Exit) Why(s Spec) string {
	switch {
	case e.TimedOut:
		return fmt.Sprintf("did not end within %v", s.Timeout.Round(time.Millisecond))
	case e.Flooded:
		return fmt.Sprintf("printed more than %d MiB", s.MaxOutput>>20)
	case e.OutOfMemory:
		return "killed: out of memory"
	case e.Signal != 0:
		return fmt.Sprintf("ended by signal %d (%v)", int(e.Signal), e.Signal)
	default:
		return fmt.Sprintf("exit status %d", e.Code)
	}
}

// output keeps what both streams print, and says when it is too much.
type output struct {
	mu    sync.Mutex
	left  int64
	flood chan struct{}
}

type stream struct {
	o   *output
	buf bytes.Buffer
}

func (s *stream) Write(p []byte) (int, error) {
	s.o.mu.Lock()
	defer s.o.mu.Unlock()
	if int64(len(p)) > s.o.left {
		if s.o.left >= 0 {
			close(s.o.flood)
		}
		s.o.left = -1
		return 0, io.ErrShortWrite
	}
	s.o.left -= int64(len(p))
	return s.buf.Write(p)
}

// Run runs one child to its end. The error is for what kept the child from being run or watched, and ctx's error
// when it was ended because of that; everything that the child did is in Exit. Only one Run at a time.
func (s *Supervisor) Run(ctx context.Context, spec Spec) (Exit, error) {
	if err := ctx.Err(); err != nil {
		return Exit{}, err
	}
	out := &output{left: spec.MaxOutput, flood: make(chan struct{})}
	stdout, stderr := &stream{o: out}, &stream{o: out}
	cmd := exec.Command(spec.Path, spec.Args...)
	cmd.Dir = spec.Dir
	cmd.Env = append(append([]string{}, spec.Env...), TokenVar+"="+s.token)
	cmd.Stdout, cmd.Stderr = stdout, stderr
	cmd.WaitDelay = 100 * time.Millisecond // a process that left may hold the pipes open
	cmd.SysProcAttr = childAttr()

	ooms := oomKills()
	began := time.Now()
	started, ended := make(chan error, 1), make(chan time.Time, 1)
	go onOtherThread(func() {
		err := s.start(cmd, spec)
		started <- err
		if err == nil {
			cmd.Wait() // what it returns is in cmd.ProcessState
			ended <- time.Now()
		}
	})
	if err := <-started; err != nil {
		return Exit{}, fmt.Errorf("starting %s: %w", spec.Path, err)
	}
	exit := Exit{}
	end, err := s.await(ctx, cmd.Process, spec, out, ended, &exit)
	exit.Wall = end.Sub(began)
	exit.fill(cmd.ProcessState)
	exit.OutOfMemory = exit.Signal == syscall.SIGKILL && !exit.TimedOut && !exit.Flooded && oomKills() > ooms
	exit.Stdout, exit.Stderr = stdout.buf.Bytes(), stderr.buf.Bytes()
	left, sweepErr := s.sweep(cmd.Process.Pid)
	exit.Left = left
	if err == nil {
		err = sweepErr
	}
	return exit, err
}

// onOtherThread calls do in a locked thread that is not the process's first. Locked, because the parent-death signal is
// sent when the thread that started the child ends; not the first, because moving that one into a cgroup of the memory
// controller would move our own memory.
func onOtherThread(do func()) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if !isFirstThread() {
		do()
		return
	}
	done := make(chan struct{})
	go func() { // this goroutine keeps the first thread meanwhile
		defer close(done)
		onOtherThread(do)
	}()
	<-done
}

// await waits for the child's end and brings it about where a limit or ctx says so.
func (s *Supervisor) await(ctx context.Context, p *os.Process, spec Spec, out *output, ended <-chan time.Time, exit *Exit) (time.Time, error) {
	limit := time.NewTimer(spec.Timeout)
	defer limit.Stop()
	select {
	case end := <-ended:
		return end, nil
	case <-limit.C:
		exit.TimedOut = true
		// SIGQUIT makes a Go program print where its goroutines hang.
		p.Signal(syscall.SIGQUIT)
		select {
		case end := <-ended:
			return end, nil
		case <-out.flood:
		case <-ctx.Done():
		case <-time.After(time.Second):
		}
	case <-out.flood:
		exit.Flooded = true
	case <-ctx.Done():
		killGroup(p.Pid)
		return <-ended, ctx.Err()
	}
	killGroup(p.Pid)
	return <-ended, nil
}

func (e *Exit) fill(state *os.ProcessState) {
	if state == nil {
		e.Code = -1
		return
	}
	e.Code = state.ExitCode()
	e.User, e.System = state.UserTime(), state.SystemTime()
	if status, ok := state.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		e.Signal = status.Signal()
	}
	if usage, ok := state.SysUsage().(*syscall.Rusage); ok {
		e.Voluntary, e.Involuntary = int64(usage.Nvcsw), int64(usage.Nivcsw)
	}
}

// crash matches the line with which a Go program begins to say why it dies; what follows can be long.
var crash = regexp.MustCompile(`(?m)^(panic: |fatal error: |SIGQUIT: |runtime: )`)

// Tail returns about the last n bytes of what a child printed, stderr behind stdout, in whole lines. When a crash
// began before them, half of it is from there: the reason comes first and the goroutines after.
func (e *Exit) Tail(n int) string {
	text := strings.TrimRight(string(end(e.Stdout)), "\n")
	if len(e.Stderr) > 0 {
		text += "\n" + strings.TrimRight(string(end(e.Stderr)), "\n")
	}
	text = strings.ToValidUTF8(strings.TrimLeft(text, "\n"), "�")
	if len(text) <= n {
		return text
	}
	cut := len(text) - n
	if at := crash.FindStringIndex(text); at != nil && at[0] < cut {
		head := text[at[0]:min(at[0]+n/2, len(text))]
		if i := strings.LastIndexByte(head, '\n'); i >= 0 {
			head = head[:i]
		}
		return "…\n" + strings.ToValidUTF8(head, "") + "\n" + lastLines(text, n/2)
	}
	return lastLines(text, n)
}

// end is as much of an output's end as is worth looking through for a crash.
func end(output []byte) []byte { return output[max(0, len(output)-256<<10):] }

func lastLines(text string, n int) string {
	text = text[len(text)-n:]
	if i := strings.IndexByte(text, '\n'); i >= 0 {
		text = text[i+1:]
	}
	return "…\n" + strings.ToValidUTF8(text, "")
}

var errLeft = errors.New("processes that a trial left behind can't be ended")
