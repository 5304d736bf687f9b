// Package process runs one child at a time so that nothing of it outlives the harness.
//
//  1. [NewSupervisor] makes this process a subreaper, opens a cgroup where one is writable, and starts a watcher: this
//     same program again ([WatchIfAsked]), asleep on a pipe whose other end only we hold.
//  2. [Supervisor.Run] starts a child in a process group of its own from a locked thread, with a parent-death signal, in
//     the cgroup, or else with the supervisor's token in its environment; reads its output up to a limit; ends it at its
//     time limit.
//  3. When the child has ended, what it left is found (by cgroup, by token; without a cgroup, by being an orphan that was
//     handed to us) and ended too, and counted, setsid or not. Whoever was there before is let alone: a shell starts the
//     readers of "> >(tee log)" as children of the process that it then becomes.
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

// TokenVar is the environment variable that marks the children of a supervisor which has no cgroup for them.
const TokenVar = "TUNELAB_TRIAL"

// A Spec says what to run and within which limits.
type Spec struct {
	Path      string
	Args      []string // without the program's name
	Dir       string
	Env       []string // whole environment, the token is added
	Timeout   time.Duration
	MaxOutput int64    // bytes of stdout and stderr together
	OneStream bool     // both are one pipe, as go test has it; all is in Exit.Stdout then
	CPUs      []int    // those that it may run on; all when empty
	Fence     *Fence   // the cgroup that it starts in; none when nil
	Count     *Counter // what to count; nothing when nil
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
	Count       uint64 // of the spec's event
	Counted     bool

	limit time.Duration // that it exceeded
}

// Ok reports whether the child ended by itself with status 0.
func (e *Exit) Ok() bool { return e.Code == 0 && e.Signal == 0 && !e.TimedOut && !e.Flooded }

// Why says in a few words how a child that was not ok ended.
func (e *Exit) Why(s Spec) string {
	switch {
	case e.TimedOut:
		return fmt.Sprintf("did not end within %v", e.limit.Round(time.Millisecond))
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
	o        *output
	buf      bytes.Buffer
	wanted   []byte // what closes answered
	from     int    // where to look for it
	answered chan struct{}
	last     time.Time // of the last write
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
	s.last = time.Now()
	n, err := s.buf.Write(p)
	s.look()
	return n, err
}

// await returns a channel that is closed when wanted has been printed.
func (s *stream) await(wanted []byte) <-chan struct{} {
	s.o.mu.Lock()
	defer s.o.mu.Unlock()
	s.wanted, s.from, s.answered = wanted, 0, make(chan struct{})
	answered := s.answered
	s.look()
	return answered
}

func (s *stream) look() {
	if s.answered == nil {
		return
	}
	if bytes.Contains(s.buf.Bytes()[s.from:], s.wanted) {
		close(s.answered)
		s.answered = nil
		return
	}
	s.from = max(s.from, s.buf.Len()-len(s.wanted)) // it may have come in part
}

// take returns what was printed before end, and forgets both: what was taken does not count against the limit.
func (s *stream) take(end []byte) []byte {
	s.o.mu.Lock()
	defer s.o.mu.Unlock()
	at := bytes.Index(s.buf.Bytes(), end)
	text := bytes.Clone(s.buf.Next(at))
	s.buf.Next(len(end))
	s.o.left += int64(at + len(end))
	return text
}

// rest returns what was printed.
func (s *stream) rest() []byte {
	s.o.mu.Lock()
	defer s.o.mu.Unlock()
	return bytes.Clone(s.buf.Bytes())
}

// forget drops all but the end of what was printed, which then does not count against the limit.
func (s *stream) forget(keep int) {
	s.o.mu.Lock()
	defer s.o.mu.Unlock()
	if n := s.buf.Len() - keep; n > keep && s.o.left >= 0 { // seldom: it moves the rest
		s.buf.Next(n)
		s.o.left += int64(n)
	}
}

// quiet returns for how long nothing was printed.
func (s *stream) quiet() time.Duration {
	s.o.mu.Lock()
	defer s.o.mu.Unlock()
	return time.Since(s.last)
}

// Run runs one child to its end. The error is for what kept the child from being run or watched, and ctx's error
// when it was ended because of that; everything that the child did is in Exit. Only one Run at a time.
func (s *Supervisor) Run(ctx context.Context, spec Spec) (Exit, error) {
	exits, err := s.RunAll(ctx, spec)
	return exits[0], err
}

// RunAll runs children at the same time, to the end of the last, and returns how each of them ended. What they left behind
// can't be told apart; it is in the first one's Exit. Otherwise it is as [Supervisor.Run].
func (s *Supervisor) RunAll(ctx context.Context, specs ...Spec) ([]Exit, error) {
	exits := make([]Exit, len(specs))
	if err := ctx.Err(); err != nil {
		return exits, err
	}
	children, errs := make([]*child, len(specs)), make([]error, len(specs))
	var ended sync.WaitGroup
	for i, spec := range specs {
		if children[i], errs[i] = s.begin(spec); errs[i] == nil {
			ended.Go(func() { _, errs[i] = children[i].await(ctx, spec.Timeout, nil, nil) })
		}
	}
	ended.Wait()
	for i, c := range children {
		if c != nil {
			exits[i] = c.finish()
		}
	}
	for _, c := range children { // not before all have ended: to the sweep, a child is a process that somebody left
		if c != nil {
			left, err := s.sweep(c.cmd.Process.Pid)
			exits[0].Left += left
			errs = append(errs, err)
		}
	}
	return exits, errors.Join(errs...)
}

// A child is a process that was started.
type child struct {
	spec           Spec
	cmd            *exec.Cmd
	out            *output
	stdout, stderr *stream
	began          time.Time
	ended          chan time.Time // gets the moment of its end
	ooms           int            // of the kernel, before
	exit           Exit
	end            time.Time     // once await has seen it
	limit          time.Duration // that it exceeded
}

// begin starts a child, whose standard input is empty.
func (s *Supervisor) begin(spec Spec) (*child, error) {
	out := &output{left: spec.MaxOutput, flood: make(chan struct{})}
	c := &child{spec: spec, out: out, stdout: &stream{o: out}, stderr: &stream{o: out}, ended: make(chan time.Time, 1)}
	c.cmd = exec.Command(spec.Path, spec.Args...)
	c.cmd.Dir = spec.Dir
	c.cmd.Env = append([]string{}, spec.Env...)
	if s.Marks() {
		c.cmd.Env = append(c.cmd.Env, TokenVar+"="+s.token)
	}
	c.cmd.Stdout, c.cmd.Stderr = c.stdout, c.stderr
	if spec.OneStream {
		c.cmd.Stderr = c.stdout
	}
	c.cmd.WaitDelay = 100 * time.Millisecond // a process that left may hold the pipes open
	c.cmd.SysProcAttr = childAttr()

	c.ooms = oomKills()
	c.began = time.Now()
	started := make(chan error, 1)
	wait := func(counter *os.File) {
		c.cmd.Wait() // what it returns is in cmd.ProcessState
		end := time.Now()
		if counter != nil {
			var err error
			c.exit.Count, err = value(counter)
			c.exit.Counted = err == nil
			counter.Close()
		}
		c.ended <- end
	}
	if s.starts(spec) {
		s.starter.do(func() { started <- s.start(c.cmd, spec) })
		if err := <-started; err != nil {
			return nil, fmt.Errorf("starting %s: %w", spec.Path, err)
		}
		go wait(nil)
		return c, nil
	}
	go onOtherThread(func() {
		counter, err := spec.counter()
		if err == nil {
			err = s.start(c.cmd, spec)
		}
		started <- err
		if err == nil {
			wait(counter)
		}
	})
	if err := <-started; err != nil {
		return nil, fmt.Errorf("starting %s: %w", spec.Path, err)
	}
	return c, nil
}

// counter opens the counter that the spec asks for, nil for none.
func (s *Spec) counter() (*os.File, error) {
	if s.Count == nil {
		return nil, nil
	}
	return s.Count.open()
}

// finish returns how the child ended; await has seen that.
func (c *child) finish() Exit {
	c.exit.Wall = c.end.Sub(c.began)
	c.exit.fill(c.cmd.ProcessState)
	c.exit.limit = c.limit
	c.exit.OutOfMemory = c.exit.Signal == syscall.SIGKILL && !c.exit.TimedOut && !c.exit.Flooded && oomKills() > c.ooms
	c.exit.Stdout, c.exit.Stderr = c.stdout.buf.Bytes(), c.stderr.buf.Bytes()
	return c.exit
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

// await waits for the child's end, or until answered is closed, which it then reports; it brings the end about where
// the limit or ctx says so. What answers prints in the meantime, if it is not nil, has the limit begin anew. The error is
// ctx's.
func (c *child) await(ctx context.Context, limit time.Duration, answered <-chan struct{}, answers *stream) (alive bool, err error) {
	timer := time.NewTimer(limit)
	defer timer.Stop()
wait:
	select {
	case <-answered:
		return true, nil
	case c.end = <-c.ended:
		return false, nil
	case <-timer.C:
		if answers != nil {
			if left := limit - answers.quiet(); left > 0 {
				timer.Reset(left)
				goto wait
			}
		}
		c.exit.TimedOut = true
		c.limit = limit
		// SIGQUIT makes a Go program print where its goroutines hang.
		c.cmd.Process.Signal(syscall.SIGQUIT)
		select {
		case c.end = <-c.ended:
			return false, nil
		case <-c.out.flood:
		case <-ctx.Done():
		case <-time.After(time.Second):
		}
	case <-c.out.flood:
		c.exit.Flooded = true
	case <-ctx.Done():
		err = ctx.Err()
	}
	killGroup(c.cmd.Process.Pid)
	c.end = <-c.ended
	return false, err
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

// crash matches with what a Go program begins to say why it dies, on a line of its own or behind the name of a benchmark;
// what follows can be long.
var crash = regexp.MustCompile(`(?m)(?:^|\t)(panic: |fatal error: |SIGQUIT: |runtime: )`)

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
