package probe

import (
	"compress/gzip"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// startSubject starts testdata/subject, which go build builds for it.
func startSubject(t testing.TB, env ...string) (*Subject, string) {
	t.Helper()
	addr := freeAddress(t)
	base := "http://" + addr
	s, err := StartSubject(Program{
		Dir: "testdata/subject", Package: ".", Args: []string{addr}, Env: env, Debug: base,
		Ready: Answers(base + "/ready"),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Stop() })
	return s, base
}

func freeAddress(t testing.TB) string {
	t.Helper()
	addresses, err := FreeAddresses(1)
	if err != nil {
		t.Fatal(err)
	}
	return addresses[0]
}

func get(ctx context.Context, url string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	resp, err := debugClient.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return string(body), err
}

func ask(t testing.TB, url string) string {
	t.Helper()
	body, err := get(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// window runs do as one window and returns what End reported.
func window(t *testing.T, s *Subject, requests int, do func(b *testing.B)) map[string]float64 {
	t.Helper()
	once := flag.Lookup("test.benchtime")
	before := once.Value.String()
	once.Value.Set("1x")
	defer once.Value.Set(before)
	result := testing.Benchmark(func(b *testing.B) {
		s.Begin()
		do(b)
		s.End(b, requests)
	})
	if result.N == 0 {
		t.Fatal("the window failed")
	}
	return result.Extra
}

func TestSubjectWindow(t *testing.T) {
	s, base := startSubject(t)
	if s.BinaryBytes() < 1<<20 {
		t.Errorf("the executable has %d bytes", s.BinaryBytes())
	}
	busy := window(t, s, 10, func(b *testing.B) {
		ask(b, base+"/burn?for=100ms")
		ask(b, base+"/grow")
		ask(b, base+"/gc")
	})
	if ns := busy["subject-cpu-ns/req"]; ns < 5e6 || ns > 100e6 {
		t.Errorf("10 requests that burnt 100 ms: %v ns each", ns)
	}
	if cycles := busy["subject-GC-cycles"]; cycles < 1 {
		t.Errorf("%v collections, asked for one", cycles)
	}
	if rss := busy["subject-peak-RSS-bytes"]; rss < 64<<20 {
		t.Errorf("peak RSS %v after growing by 64 MiB", rss)
	}
	if share := busy["subject-GC-CPU-share"]; share <= 0 || share > 1 {
		t.Errorf("GC CPU share %v", share)
	}
	for _, unit := range []string{"subject-stack-bytes", "subject-heap-bytes"} {
		if busy[unit] <= 0 {
			t.Errorf("%s is %v", unit, busy[unit])
		}
	}
	if _, ok := busy["subject-mutex-wait-ns/req"]; !ok {
		t.Error("no subject-mutex-wait-ns/req")
	}
	idle := window(t, s, 10, func(b *testing.B) { time.Sleep(100 * time.Millisecond) })
	if ns := idle["subject-cpu-ns/req"]; ns > 4e6 {
		t.Errorf("10 idle requests: %v ns each", ns)
	}
	none := window(t, s, 0, func(b *testing.B) {})
	if _, ok := none["subject-cpu-ns/req"]; ok {
		t.Error("no requests, and yet a metric per request")
	}
}

// The peak is the window's own, not that of the subject's life.
func TestSubjectPeakIsReset(t *testing.T) {
	s, base := startSubject(t)
	s.resetPeak()
	before, ok := s.peakRSS()
	if !ok {
		t.Skip("the kernel does not tell the peak")
	}
	ask(t, base+"/grow")
	grown, _ := s.peakRSS()
	if grown < before+60<<20 {
		t.Errorf("grown by 64 MiB, the peak went from %v to %v", before, grown)
	}
	ask(t, base+"/shrink")
	ask(t, base+"/gc") // gives the memory back
	if f, err := os.OpenFile(fmt.Sprintf("/proc/%d/clear_refs", s.Pid()), os.O_WRONLY, 0); err != nil {
		t.Skip(err) // not permitted here
	} else {
		f.Close()
	}
	s.Begin()
	if now, _ := s.peakRSS(); now > grown-50<<20 {
		t.Errorf("shrunk by 64 MiB, the next window's peak is %v, after %v", now, grown)
	}
}

func TestSubjectWhere(t *testing.T) {
	t.Setenv(subjectCPUsVar, "0")
	t.Setenv(subjectEnvVar, `["SUBJECT_WORD=from the harness"]`)
	before := allowed(t)
	_, base := startSubject(t, "SUBJECT_WORD=from the driver")
	where := ask(t, base+"/where")
	for _, want := range []string{"Cpus_allowed_list:\t0\n", "SUBJECT_WORD=from the harness", "GOMAXPROCS=1"} {
		if !strings.Contains(where, want) {
			t.Errorf("no %q in\n%s", want, where)
		}
	}
	// The generator stays where it was.
	if after := allowed(t); after != before {
		t.Errorf("the generator could run on %q, and now on %q", before, after)
	}
}

// allowed says on which CPUs the threads of this process may run. The one that
// started the subject stays where the subject is.
func allowed(t *testing.T) string {
	statuses, err := filepath.Glob("/proc/self/task/*/status")
	if err != nil {
		t.Fatal(err)
	}
	lists := map[string]int{}
	for _, file := range statuses {
		status, err := os.ReadFile(file)
		if err != nil {
			continue // the thread has ended
		}
		_, rest, _ := strings.Cut(string(status), "Cpus_allowed_list:\t")
		list, _, _ := strings.Cut(rest, "\n")
		lists[list]++
	}
	most := ""
	for list, n := range lists {
		if n > 1 && n > lists[most] {
			most = list
		}
	}
	return most
}

// A cgroup of version 1 and one of version 2, where they may be made.
func TestSubjectCgroups(t *testing.T) {
	for _, c := range []struct{ kind, root, line string }{
		{"v1", "/sys/fs/cgroup/freezer", ":freezer:/"},
		{"v2", "/sys/fs/cgroup/unified", "0::/"},
		{"v2 alone", "/sys/fs/cgroup", "0::/"},
	} {
		t.Run(c.kind, func(t *testing.T) {
			dir, err := os.MkdirTemp(c.root, "tunelab-test-")
			if err != nil {
				t.Skip(err)
			}
			defer os.Remove(dir)
			if _, err := os.Stat(filepath.Join(dir, "cgroup.procs")); err != nil {
				t.Skip(err)
			}
			t.Setenv(subjectCgroupsVar, dir)
			s, base := startSubject(t)
			if want := c.line + filepath.Base(dir) + "\n"; !strings.Contains(ask(t, base+"/where"), want) {
				t.Errorf("no %q in\n%s", want, ask(t, base+"/where"))
			}
			if own, _ := os.ReadFile("/proc/self/cgroup"); strings.Contains(string(own), filepath.Base(dir)) {
				t.Error("the generator was moved too")
			}
			if err := s.Stop(); err != nil {
				t.Error(err)
			}
		})
	}
}

// The profile covers the window, however long that is, and has the subject's work.
func TestSubjectProfile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "cpu.pprof")
	t.Setenv(profileVar, file)
	s, base := startSubject(t)
	for range 2 { // a second window replaces the first one's profile
		window(t, s, 1, func(b *testing.B) { ask(b, base+"/burn?for=300ms") })
		f, err := os.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		unzipped, err := gzip.NewReader(f)
		if err != nil {
			t.Fatal(err)
		}
		profile, err := io.ReadAll(unzipped)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(profile), "main.burn") {
			t.Errorf("a profile of %d bytes does not know main.burn", len(profile))
		}
		f.Close()
		os.Remove(file)
	}
}

func TestSubjectStop(t *testing.T) {
	s, base := startSubject(t)
	if err := s.Stop(); err != nil {
		t.Error(err)
	}
	if err := s.Stop(); err != nil {
		t.Errorf("the second time: %v", err)
	}
	if !strings.Contains(s.Tail(), "listening at") {
		t.Errorf("its output was %q", s.Tail())
	}
	if _, err := get(t.Context(), base+"/ready"); err == nil {
		t.Error("it still answers")
	}
}

func TestSubjectDied(t *testing.T) {
	s, base := startSubject(t)
	get(t.Context(), base+"/die")
	<-s.ended
	failed := testing.Benchmark(func(b *testing.B) { s.Begin(); s.End(b, 1) })
	if failed.N != 0 {
		t.Error("a window of a dead subject was reported")
	}
	if err := s.Stop(); err == nil || !strings.Contains(err.Error(), "exit status 3") || !strings.Contains(err.Error(), "last words") {
		t.Errorf("it died by itself, and Stop said %v", err)
	}
}

func TestSubjectKill(t *testing.T) {
	s, _ := startSubject(t, "SUBJECT_STUBBORN=1")
	if err := s.Kill(); err != nil {
		t.Error(err)
	}
	if err := syscall.Kill(s.Pid(), 0); err == nil {
		t.Error("it is still there")
	}
}

func TestSubjectNeverReady(t *testing.T) {
	_, err := StartSubject(Program{Dir: "testdata/subject", Package: ".", Args: []string{freeAddress(t)}, Patience: 100 * time.Millisecond,
		Ready: func(context.Context) error { return fmt.Errorf("not yet") }})
	if err == nil || !strings.Contains(err.Error(), "not ready after 100ms: not yet") {
		t.Error(err)
	}
	_, err = StartSubject(Program{Dir: "testdata/subject", Package: ".", Args: []string{"nonsense"},
		Ready: func(context.Context) error { return fmt.Errorf("not yet") }})
	if err == nil || !strings.Contains(err.Error(), "ended before it was ready") || !strings.Contains(err.Error(), "nonsense: missing port") {
		t.Error(err)
	}
}

func TestSubjectRefuses(t *testing.T) {
	for _, c := range []struct{ key, value, want string }{
		{subjectVar, "/nonexistent/etcd", "no such file"},
		{subjectCPUsVar, "3-1", "not a list of CPUs"},
		{subjectCPUsVar, "one", "not a list of CPUs"},
		{subjectEnvVar, "A=B", "not a JSON array"},
		{subjectEnvVar, `["AB"]`, "not KEY=VALUE"},
		{subjectCgroupsVar, "/nonexistent/cgroup", "entering a cgroup"},
	} {
		t.Run(c.key, func(t *testing.T) {
			t.Setenv(c.key, c.value)
			s, err := StartSubject(Program{Dir: "testdata/subject", Package: "."})
			if err == nil {
				s.Stop()
			}
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s=%s gives %v", c.key, c.value, err)
			}
		})
	}
	if _, err := StartSubject(Program{Dir: "testdata/subject", Package: "./nothing"}); err == nil || !strings.Contains(err.Error(), "go build ./nothing") {
		t.Error(err)
	}
}

// The subject ends when the process that started it is killed.
func TestSubjectEndsWithItsParent(t *testing.T) {
	if os.Getenv("SUBJECT_PARENT") != "" {
		s, _ := startSubject(t)
		fmt.Println("pid", s.Pid())
		select {}
	}
	parent := exec.Command(os.Args[0], "-test.run=^TestSubjectEndsWithItsParent$")
	parent.Env = append(os.Environ(), "SUBJECT_PARENT=1")
	out, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	var pid int
	if _, err := fmt.Fscanf(out, "pid %d\n", &pid); err != nil {
		t.Fatal(err)
	}
	parent.Process.Kill()
	parent.Wait()
	for range 500 {
		if syscall.Kill(pid, 0) != nil || zombie(pid) {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("subject %d is still there", pid)
}

func zombie(pid int) bool {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	return err != nil || strings.Contains(string(status), "State:\tZ")
}

func TestParseCPUs(t *testing.T) {
	for list, want := range map[string]string{"": "[]", "1": "[1]", "1-3,5": "[1 2 3 5]", "0,0": "[0 0]"} {
		cpus, err := parseCPUs(list)
		if got := fmt.Sprint(cpus); err != nil || got != want {
			t.Errorf("%q is %s, %v; want %s", list, got, err, want)
		}
	}
	for _, list := range []string{"a", "1-", "-1", "2-1", "1,,2", "99999"} {
		if cpus, err := parseCPUs(list); err == nil {
			t.Errorf("%q is %v", list, cpus)
		}
	}
}

// Each operation starts once, in order, at its intended start or later, and
// lateness does not add up.
func TestLaunchAsleep(t *testing.T) {
	var last time.Duration
	count := 0
	ran, err := LaunchAsleep(200, 2000, func(i int, intended time.Duration) error {
		if i != count {
			t.Errorf("operation %d after %d", i, count)
		}
		if Now() < intended {
			t.Errorf("operation %d started %v too early", i, intended-Now())
		}
		if i > 0 && intended-last != 500*time.Microsecond {
			t.Errorf("operation %d is planned %v after the one before", i, intended-last)
		}
		count, last = count+1, intended
		return nil
	})
	if err != nil || count != 200 || ran.Operations != 200 || ran.Planned != 99500*time.Microsecond || ran.Took < ran.Planned {
		t.Errorf("%d operations, %+v, %v", count, ran, err)
	}
	stop := fmt.Errorf("no more")
	ran, err = LaunchAsleep(10, 2000, func(i int, _ time.Duration) error {
		if i == 3 {
			return stop
		}
		return nil
	})
	if !errors.Is(err, stop) || ran.Operations != 4 {
		t.Errorf("%+v, %v", ran, err)
	}
}
