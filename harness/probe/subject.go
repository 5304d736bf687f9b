package probe

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// What the harness tells the benchmark about its subject, in the environment.
const (
	subjectVar        = "TUNELAB_SUBJECT"         // the executable
	subjectEnvVar     = "TUNELAB_SUBJECT_ENV"     // a JSON array of "K=V"
	subjectCPUsVar    = "TUNELAB_SUBJECT_CPUS"    // "1" or "1-3,5"
	subjectCgroupsVar = "TUNELAB_SUBJECT_CGROUPS" // folders, with ':' between them
	profileVar        = "TUNELAB_PROFILE"         // where the profile goes
	profileKindVar    = "TUNELAB_PROFILE_KIND"    // "cpu", "mutex", "block", "heap" or "goroutineleak"; "cpu" without it
)

// debugVar tells the subject where to listen: HOST:PORT of [Program.Debug].
const debugVar = "TUNELAB_DEBUG_ADDR"

const (
	readyPatience = 30 * time.Second
	stopPatience  = 5 * time.Second
	tailBytes     = 16 << 10
)

// Program says how a subject is started.
type Program struct {
	// Dir and Package are what `go build` builds when $TUNELAB_SUBJECT is not
	// set, so that a plain `go test -bench` works: the folder of a module, and
	// a package in it. It is built once for all subjects of this process.
	Dir, Package string
	// Args are the arguments, without the program's name.
	Args []string
	// Env is added to this process's environment. $TUNELAB_SUBJECT_ENV goes
	// before it: a variant may change what the driver sets.
	Env []string
	// Ready is asked every few milliseconds until it returns nil; then the
	// subject is up. Nil means that it is up when it runs.
	Ready func(context.Context) error
	// Patience is how long Ready is asked; 0 means 30 seconds.
	Patience time.Duration
	// Debug is a base URL, http://HOST:PORT, that has net/http/pprof's
	// /debug/pprof/ and expvar's /debug/vars, with a map "runtime" of
	// runtime/metrics names to numbers. A histogram in it is an object with
	// arrays counts and buckets, as in runtime/metrics, where an infinite
	// bound is ±math.MaxFloat64. The subject finds HOST:PORT in
	// $TUNELAB_DEBUG_ADDR. Empty means that there is none.
	Debug string
}

// A Subject is a running program that a benchmark drives: a process of its
// own, so that what it costs can be told from what the load generator costs.
type Subject struct {
	what     string // as errors call it
	debug    string
	profile  string
	bytes    int64
	cmd      *exec.Cmd
	output   tail
	ended    chan struct{} // closed when the process has ended
	exit     error         // why it ended, set before ended is closed
	stopping bool
	before   reading
	capture  *capture
}

// StartSubject starts a program and returns when it is ready. It is tied to no
// testing.B: a driver may keep a server over several benchmarks and stop it in
// TestMain. The subject does not outlive this process, whatever ends it.
//
// $TUNELAB_SUBJECT, _ENV, _CPUS and _CGROUPS say which executable is started,
// with what besides in its environment, on which CPUs and in which cgroups.
// The subject itself runs there from its first instruction.
func StartSubject(p Program) (*Subject, error) {
	where, err := placementFromEnv()
	if err != nil {
		return nil, err
	}
	extra, err := subjectEnv()
	if err != nil {
		return nil, err
	}
	path, size, err := executable(p)
	if err != nil {
		return nil, fmt.Errorf("the subject's executable: %w", err)
	}
	s := &Subject{what: "the subject", debug: p.Debug, profile: os.Getenv(profileVar), bytes: size}
	env := append(os.Environ(), debugVar+"="+strings.TrimPrefix(p.Debug, "http://"))
	env = append(append(env, p.Env...), extra...)
	if err := s.start(path, "subject", p, env, where); err != nil {
		return nil, err
	}
	return s, nil
}

// start starts the process and returns when it is ready; after an error it has
// ended.
func (s *Subject) start(path, name string, p Program, env []string, where placement) error {
	s.ended = make(chan struct{})
	s.cmd = exec.Command(path, p.Args...)
	s.cmd.Args[0] = name
	s.cmd.Env = env
	s.cmd.Stdout, s.cmd.Stderr = &s.output, &s.output
	s.cmd.WaitDelay = time.Second // a child of the subject may hold the pipe open
	if err := s.launch(where); err != nil {
		return fmt.Errorf("starting %s %s: %w", s.what, path, err)
	}
	if err := s.await(p); err != nil {
		return errors.Join(err, s.Stop())
	}
	return nil
}

// await asks p.Ready until it says yes.
func (s *Subject) await(p Program) error {
	if p.Ready == nil {
		return nil
	}
	patience := p.Patience
	if patience == 0 {
		patience = readyPatience
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for {
		err := p.Ready(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-s.ended:
			return fmt.Errorf("%s ended before it was ready: %w", s.what, err)
		case <-ctx.Done():
			return fmt.Errorf("%s is not ready after %v: %w\n%s", s.what, patience, err, s.Tail())
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// BinaryBytes is the size of the subject's executable, symbols included.
func (s *Subject) BinaryBytes() int64 { return s.bytes }

// Pid is the subject's process id.
func (s *Subject) Pid() int { return s.cmd.Process.Pid }

// Tail returns about the last 16 KiB of what the subject printed, stdout and
// stderr as they came.
func (s *Subject) Tail() string { return s.output.String() }

// Stop ends the subject: by SIGTERM, and 5 seconds later by SIGKILL. It
// returns an error, with the end of its output, when the subject had ended by
// itself before, and when it had to be killed. A second Stop does nothing.
func (s *Subject) Stop() error {
	if goOn, err := s.beginStop(); !goOn {
		return err
	}
	_ = s.cmd.Process.Signal(syscall.SIGTERM) // it may end this very moment
	select {
	case <-s.ended:
		return nil
	case <-time.After(stopPatience):
	}
	s.kill()
	return fmt.Errorf("%s did not end within %v of SIGTERM and was killed\n%s", s.what, stopPatience, s.Tail())
}

// Kill ends the subject at once, by SIGKILL, as a crash would. It returns an
// error when it had ended by itself before. After a Stop or Kill it does
// nothing.
func (s *Subject) Kill() error {
	goOn, err := s.beginStop()
	if goOn {
		s.kill()
	}
	return err
}

// beginStop says whether there is something to end.
func (s *Subject) beginStop() (goOn bool, err error) {
	if s.stopping {
		return false, nil
	}
	s.stopping = true
	select {
	case <-s.ended:
		return false, s.died()
	default:
		return true, nil
	}
}

func (s *Subject) kill() {
	_ = s.cmd.Process.Kill() // it may end this very moment
	<-s.ended
}

func (s *Subject) died() error {
	how := "status 0"
	if s.exit != nil {
		how = s.exit.Error()
	}
	return fmt.Errorf("%s ended by itself (%s)\n%s", s.what, how, s.Tail())
}

// Begin begins a window: what the subject does from here to End is reported by
// End. Where $TUNELAB_PROFILE names a file, the subject is profiled.
// Begin comes after the driver's setup, right before the load. What goes wrong
// is reported by End.
func (s *Subject) Begin() {
	s.capture = nil
	if s.profile != "" {
		s.capture = startCapture(s.debug, os.Getenv(profileKindVar))
	}
	// What costs the subject CPU comes first, and the CPU clock last.
	var before reading
	var errRuntime, errCPU error
	before.runtime, errRuntime = s.readRuntime()
	s.resetPeak()
	before.cpu, errCPU = s.cpuTime()
	before.err = errors.Join(errRuntime, errCPU)
	s.before = before
}

// End ends the window and reports it through b.ReportMetric, each metric with
// "subject-" before its name so that the load generator's stay apart. The
// window held that many requests; with 0 there are no metrics per request. End
// fails the benchmark when the subject has ended, or its profile can't be had.
func (s *Subject) End(b *testing.B, requests int) {
	b.Helper()
	var after reading
	var errRuntime, errCPU error
	after.cpu, errCPU = s.cpuTime()
	peak, hasPeak := s.peakRSS()
	after.runtime, errRuntime = s.readRuntime()
	select {
	case <-s.ended:
		b.Fatal(s.died())
	default:
	}
	if err := errors.Join(s.before.err, errCPU, errRuntime); err != nil {
		b.Fatalf("observing the subject: %v", err)
	}
	if s.capture != nil {
		if err := s.capture.save(s.profile); err != nil {
			b.Fatalf("profiling the subject: %v", err)
		}
	}
	for _, m := range windowMetrics(s.before, after, requests) {
		b.ReportMetric(m.value, m.unit)
	}
	if hasPeak {
		b.ReportMetric(peak, "subject-peak-RSS-bytes")
	}
}

// peakRSS is the largest resident set since the window began, or since the
// subject began where the kernel does not let us reset it.
func (s *Subject) peakRSS() (bytes float64, ok bool) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.Pid()))
	if err != nil {
		return 0, false
	}
	return parsePeakRSS(string(status))
}

// resetPeak makes the peak the present resident set, where that is permitted.
func (s *Subject) resetPeak() {
	_ = os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", s.Pid()), []byte("5"), 0)
}

// A placement is where a subject runs.
type placement struct {
	cpus    []int    // empty: anywhere
	cgroups []string // folders
}

func placementFromEnv() (placement, error) {
	cpus, err := parseCPUs(os.Getenv(subjectCPUsVar))
	if err != nil {
		return placement{}, fmt.Errorf("$%s: %w", subjectCPUsVar, err)
	}
	where := placement{cpus: cpus}
	for dir := range strings.SplitSeq(os.Getenv(subjectCgroupsVar), ":") {
		if dir != "" {
			where.cgroups = append(where.cgroups, dir)
		}
	}
	return where, nil
}

// parseCPUs reads the kernel's list format: "1" or "1-3,5". An empty list is
// all CPUs.
func parseCPUs(list string) ([]int, error) {
	var cpus []int
	if list == "" {
		return nil, nil
	}
	for part := range strings.SplitSeq(list, ",") {
		low, high, isRange := strings.Cut(part, "-")
		if !isRange {
			high = low
		}
		first, err := strconv.ParseUint(low, 10, 10)
		last, err2 := strconv.ParseUint(high, 10, 10)
		if err != nil || err2 != nil || first > last {
			return nil, fmt.Errorf("%q is not a list of CPUs like 1-3,5", list)
		}
		for cpu := first; cpu <= last; cpu++ {
			cpus = append(cpus, int(cpu))
		}
	}
	return cpus, nil
}

func subjectEnv() ([]string, error) {
	text := os.Getenv(subjectEnvVar)
	if text == "" {
		return nil, nil
	}
	var env []string
	if err := json.Unmarshal([]byte(text), &env); err != nil {
		return nil, fmt.Errorf("$%s is not a JSON array of strings: %w", subjectEnvVar, err)
	}
	for _, kv := range env {
		if key, _, ok := strings.Cut(kv, "="); !ok || key == "" {
			return nil, fmt.Errorf("$%s: %q is not KEY=VALUE", subjectEnvVar, kv)
		}
	}
	return env, nil
}

// built holds the executables that were built here. They are open and already
// removed from the disk, so that nothing is left there however this process
// ends.
var built struct {
	sync.Mutex
	files map[[2]string]*os.File // by folder and package
}

// executable returns what to start, and its size.
func executable(p Program) (path string, size int64, err error) {
	if given := os.Getenv(subjectVar); given != "" {
		info, err := os.Stat(given)
		if err != nil {
			return "", 0, err
		}
		return given, info.Size(), nil
	}
	built.Lock()
	defer built.Unlock()
	key := [2]string{p.Dir, p.Package}
	f := built.files[key]
	if f == nil {
		if f, err = build(p); err != nil {
			return "", 0, err
		}
		if built.files == nil {
			built.files = map[[2]string]*os.File{}
		}
		built.files[key] = f
	}
	info, err := f.Stat()
	if err != nil {
		return "", 0, err
	}
	return fmt.Sprintf("/proc/self/fd/%d", f.Fd()), info.Size(), nil
}

func build(p Program) (*os.File, error) {
	if p.Package == "" {
		return nil, fmt.Errorf("$%s is not set and the driver names no package to build", subjectVar)
	}
	dir, err := os.MkdirTemp("", "tunelab-subject-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "subject")
	cmd := exec.Command("go", "build", "-o", path, p.Package)
	cmd.Dir = p.Dir
	cmd.Env = append(os.Environ(), "GOWORK=off") // a module of its own
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("go build %s in %s: %w\n%s", p.Package, p.Dir, err, out)
	}
	return os.Open(path)
}

// A tail keeps the end of what is written to it.
type tail struct {
	mu   sync.Mutex
	text []byte
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, p...)
	if len(t.text) > 2*tailBytes {
		t.text = append(t.text[:0], t.text[len(t.text)-tailBytes:]...)
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(bytes.TrimSpace(t.text[max(0, len(t.text)-tailBytes):]))
}
