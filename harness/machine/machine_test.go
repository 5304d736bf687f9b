package machine

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"
	"time"

	"github.com/rogpeppe/go-internal/txtar"
)

var update = flag.Bool("update", false, "rewrite the want/ sections of testdata/*.txtar")

// fake is a machine described by an archive in testdata: its comment says what
// it is, root/ holds its files, after/ those that changed while Checks slept,
// probes what no file holds, and want/ what this package makes of it.
type fake struct {
	System
	archive *txtar.Archive
	disk    fstest.MapFS // its files as they are now
	after   func()       // what happens while time passes
}

func open(t *testing.T, path string) *fake {
	t.Helper()
	a, err := txtar.ParseFile(path)
	if err != nil {
		t.Fatal(err)
	}
	f := &fake{archive: a, disk: fstest.MapFS{}}
	f.files = f.disk
	f.put("root/")
	f.after = func() { f.put("after/") }
	f.Dir = "results/runs"
	f.Probes = fakeProbes(t, string(f.section("probes")))
	f.Probes.Sleep = func(time.Duration) { f.after() }
	return f
}

// put makes the archive's files below prefix the machine's.
func (f *fake) put(prefix string) {
	for _, name := range f.names(prefix) {
		f.write(name, f.section(prefix+name))
	}
}

func (f *fake) write(name string, data []byte) {
	f.disk[name] = &fstest.MapFile{Data: data}
}

// names returns the archive's files below prefix.
func (f *fake) names(prefix string) []string {
	var names []string
	for _, file := range f.archive.Files {
		if name, ok := strings.CutPrefix(file.Name, prefix); ok {
			names = append(names, name)
		}
	}
	return names
}

func (f *fake) section(name string) []byte {
	for _, file := range f.archive.Files {
		if file.Name == name {
			return file.Data
		}
	}
	return nil
}

// fakeProbes reads lines such as "clock 45ns 30ns", "procs 2", "free 1000" and
// "counter EACCES".
func fakeProbes(t *testing.T, text string) Probes {
	cost, step := 45*time.Nanosecond, 30*time.Nanosecond
	procs, free := 4, int64(100<<30)
	var counter error
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		var err error
		switch f[0] {
		case "clock":
			if cost, err = time.ParseDuration(f[1]); err == nil {
				step, err = time.ParseDuration(f[2])
			}
		case "procs":
			procs, err = strconv.Atoi(f[1])
		case "free":
			free, err = strconv.ParseInt(f[1], 10, 64)
		case "counter":
			counter = map[string]error{
				"EACCES": syscall.EACCES, "ENOENT": syscall.ENOENT, "EIO": syscall.EIO, "darwin": errNotLinux,
			}[f[1]]
		default:
			err = fmt.Errorf("unknown probe")
		}
		if err != nil {
			t.Fatalf("probes: %s: %v", line, err)
		}
	}
	return Probes{
		Clock:       func() (time.Duration, time.Duration) { return cost, step },
		Procs:       func() int { return procs },
		FreeBytes:   func(string) (int64, error) { return free, nil },
		OpenCounter: func() error { return counter },
	}
}

// TestMachines compares what is said about each machine of testdata with what
// its archive wants.
func TestMachines(t *testing.T) {
	for _, path := range machines(t) {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			f := open(t, path)
			got := []txtar.File{
				{Name: "want/identity", Data: []byte(identityText(f.Identity()))},
				{Name: "want/counters", Data: []byte(countersText(f))},
			}
			f = open(t, path) // countersText changed the first one
			checks := f.Checks()
			var text strings.Builder
			for _, c := range checks {
				fmt.Fprintln(&text, c)
			}
			got = append(got,
				txtar.File{Name: "want/checks", Data: []byte(text.String())},
				txtar.File{Name: "want/advice", Data: []byte(Advice(checks) + "\n")})
			if *update {
				rewrite(t, path, f.archive, got)
				return
			}
			for _, g := range got {
				if want := f.section(g.Name); !bytes.Equal(g.Data, want) {
					t.Errorf("%s:\n%s\nwant:\n%s", g.Name, g.Data, want)
				}
			}
		})
	}
}

func rewrite(t *testing.T, path string, a *txtar.Archive, want []txtar.File) {
	keep := &txtar.Archive{Comment: a.Comment}
	for _, file := range a.Files {
		if !strings.HasPrefix(file.Name, "want/") {
			keep.Files = append(keep.Files, file)
		}
	}
	keep.Files = append(keep.Files, want...)
	if err := os.WriteFile(path, txtar.Format(keep), 0o644); err != nil {
		t.Fatal(err)
	}
}

// identityText leaves out GOOS and GOARCH, which are those of the test.
func identityText(id Identity) string {
	return fmt.Sprintf("cpu: %s\nkernel: %s\ncpus: %d of %d\nmemory: %d\nboot: %s\nhypervisor: %s\nmachine: %s\n",
		id.CPU, id.Kernel, id.CPUs, id.OnlineCPUs, id.MemoryBytes, id.BootID, id.Hypervisor, id.Machine)
}

// countersText reads the counters before and after the sleep. Our children used
// 30 ms of it.
func countersText(f *fake) string {
	before, err := f.Read()
	if err != nil {
		return "error: " + err.Error() + "\n"
	}
	f.after()
	after, err := f.Read()
	if err != nil {
		return "error: " + err.Error() + "\n"
	}
	d := after.Since(before)
	text := fmt.Sprintf("steal %d ms, busy %d ms, idle %d ms, foreign %d ms, %d switches, backwards %v\n",
		d.StealMS, d.BusyMS, d.IdleMS, d.ForeignMS(30*time.Millisecond), d.ContextSwitches, d.Backwards)
	show := func(name string, known bool, value func() string) {
		if known {
			text += name + " " + value() + "\n"
		} else {
			text += name + " unknown\n"
		}
	}
	show("load", after.Load != nil, func() string { return fmt.Sprintf("%v", *after.Load) })
	show("throttled", d.ThrottledMS != nil, func() string { return fmt.Sprintf("%d ms", *d.ThrottledMS) })
	show("stalls", d.Stalls != nil, func() string { return fmt.Sprintf("%v", *d.Stalls) })
	return text
}

// TestRoot reads a machine from a folder: all else reads it from memory.
func TestRoot(t *testing.T) {
	f := open(t, "testdata/laptop.txtar")
	onDisk := f.System
	onDisk.files, onDisk.Root = nil, t.TempDir()
	if err := os.CopyFS(onDisk.Root, f.disk); err != nil {
		t.Fatal(err)
	}
	if got, want := onDisk.Identity(), f.Identity(); got != want {
		t.Errorf("from a folder %+v, from memory %+v", got, want)
	}
	f.after = func() {}
	got, want := onDisk.Checks(), f.Checks()
	if !slices.Equal(got, want) {
		t.Errorf("from a folder:\n%v\nfrom memory:\n%v", got, want)
	}
	if got, err := (System{Root: t.TempDir()}).Read(); err == nil {
		t.Errorf("from an empty folder %+v", got)
	}
}

// TestPrint compares what doctor shows of a laptop on a narrow terminal with
// testdata/print.txt.
func TestPrint(t *testing.T) {
	var got bytes.Buffer
	f := open(t, "testdata/laptop.txtar")
	if err := Print(&got, f.System, 72); err != nil {
		t.Fatal(err)
	}
	text := strings.ReplaceAll(got.String(), runtime.GOOS+"/"+runtime.GOARCH, "GOOS/GOARCH")
	const path = "testdata/print.txt"
	if *update {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if text != string(want) {
		t.Errorf("%s\nwant:\n%s", text, want)
	}
	if err := Print(closed{}, f.System, 72); !errors.Is(err, os.ErrClosed) {
		t.Errorf("printing to a closed file: %v", err)
	}
}

// closed is a file that was closed.
type closed struct{}

func (closed) Write([]byte) (int, error) { return 0, os.ErrClosed }

// TestRealMachine runs everything on the machine at hand. Nothing is known of
// its values but that they are well formed.
func TestRealMachine(t *testing.T) {
	s := System{Probes: Probes{Sleep: func(time.Duration) {}}}
	id := s.Identity()
	t.Logf("%+v", id)
	if id.GOOS != runtime.GOOS || id.Machine == "" {
		t.Errorf("identity %+v", id)
	}
	if again := s.Identity(); again != id {
		t.Errorf("a second look gives %+v, the first %+v", again, id)
	}
	before, err := s.Read()
	if runtime.GOOS != "linux" {
		if err == nil {
			t.Errorf("counters without /proc: %+v", before)
		}
	} else if err != nil {
		t.Error(err)
	}
	checks := s.Checks()
	wellFormed(t, checks)
	t.Log(Advice(checks))
}

// wellFormed checks what holds for any machine.
func wellFormed(t *testing.T, checks []Check) {
	t.Helper()
	seen := map[string]bool{}
	for _, c := range checks {
		switch c.State {
		case OK, Info, Unknown, Warn, Bad:
		default:
			t.Errorf("%s: state %q", c.Name, c.State)
		}
		if seen[c.Name] {
			t.Errorf("two checks are called %s", c.Name)
		}
		seen[c.Name] = true
		for _, text := range []string{c.Name, c.Found, c.Effect, c.Advice} {
			if text == "" || strings.ContainsAny(text, "\x00\n\r\x1b") || strings.Contains(text, "%!") {
				t.Errorf("%s: not a line of text: %q", c.Name, text)
			}
		}
	}
}
