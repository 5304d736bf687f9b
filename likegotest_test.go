package main

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"tunelab/harness/lock"
)

// dumping is a module whose processes write down whatever they can see, each into a file of its own: before the tests'
// flags are parsed, and in the benchmark's first call.
var dumping = map[string]string{
	"go.mod": "module example.com/dumping/v2\n\ngo 1.20\n",
	"dump_test.go": `package dumping

import (
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"sort"
	"strings"
	"syscall"
	"testing"
)

var lines []string

func see(what string, value interface{}) { lines = append(lines, fmt.Sprintf("%s: %v", what, value)) }

func init() {
	env := os.Environ()
	sort.Strings(env)
	for _, e := range env {
		see("environment", e)
	}
	see("program", filepath.Base(os.Args[0]))
	see("arguments", os.Args[1:])
	wd, _ := os.Getwd()
	see("folder", wd)
	see("PWD", os.Getenv("PWD") == wd)
	files("at first")
}

func files(when string) {
	kinds := map[string]string{}
	dir, err := os.Open("/proc/self/fd")
	if err != nil {
		return
	}
	names, _ := dir.Readdirnames(-1)
	own := fmt.Sprint(dir.Fd())
	dir.Close()
	for _, name := range names {
		to, _ := os.Readlink("/proc/self/fd/" + name)
		if name == own {
			continue
		}
		if i := strings.Index(to, ":["); i >= 0 && to != "" {
			to = to[:i]
		}
		kinds[name] = to
	}
	see("files "+when, kinds)
	var out, problems syscall.Stat_t
	syscall.Fstat(1, &out)
	syscall.Fstat(2, &problems)
	see("standard output and error are one, "+when, out.Ino == problems.Ino)
}

func TestMain(m *testing.M) {
	flag.Parse()
	flag.VisitAll(func(f *flag.Flag) { see("flag "+f.Name, f.Value) })
	see("verbose", testing.Verbose())
	see("short", testing.Short())
	see("processors", runtime.GOMAXPROCS(0))
	see("goroutines of TestMain", runtime.NumGoroutine())
	var limit syscall.Rlimit
	syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit)
	see("open files", limit)
	mask := syscall.Umask(0)
	syscall.Umask(mask)
	see("umask", mask)
	see("signals are ignored", fmt.Sprint(signal.Ignored(syscall.SIGINT), signal.Ignored(syscall.SIGPIPE), signal.Ignored(syscall.SIGHUP), signal.Ignored(syscall.SIGTERM)))
	os.Exit(m.Run())
}

var sink, calls int

func BenchmarkDump(b *testing.B) {
	if calls++; calls == 1 {
		see("first b.N", b.N)
		see("name", b.Name())
		see("goroutines", runtime.NumGoroutine())
		see("processors of the benchmark", runtime.GOMAXPROCS(0))
		see("flag test.bench in it", flag.Lookup("test.bench").Value)
		see("flag test.benchtime in it", flag.Lookup("test.benchtime").Value)
		files("in it")
		os.Mkdir("dumps", 0o777)
		os.WriteFile(fmt.Sprintf("dumps/%d", os.Getpid()), []byte(strings.Join(lines, "\n")), 0o666)
	}
	for i := 0; i < b.N; i++ {
		for k := 0; k < 3000; k++ {
			sink = sink*31 + k
		}
	}
}
`,
	"ways.toml": `question = "What can a process see?"
[bench]
dir = "."
run = "^BenchmarkDump$"
PROCESSES
[metrics]
primary = ["ns/op", "instructions/op"]
[[variant]]
name = "a"
base = true
[[variant]]
name = "b"
`,
}

// valgrinds is what callgrind puts into the environment; its files are its own too.
var valgrinds = []string{"environment: GLIBC", "environment: LD_"}

// Whatever a process of ours can see is what go test shows it: where the cases are found, in the pilot, in fresh processes and
// in those that are kept alive. Where instructions are counted, and in a profile, it is that but for what the report says.
func TestProcessesSeeWhatGoTestShows(t *testing.T) {
	t.Parallel()
	for _, processes := range []string{"", `processes = "fresh"`} {
		t.Run(processes, func(t *testing.T) {
			if processes != "" {
				inCI(t)
			}
			dir := t.TempDir()
			module := maps.Clone(dumping)
			module["ways.toml"] = strings.ReplaceAll(module["ways.toml"], "PROCESSES", processes)
			writeFiles(t, dir, module)
			temporary := t.TempDir()
			env := append(os.Environ(), asCommand+"=1", lock.PathVar+"="+filepath.Join(temporary, "lock"), "TMPDIR="+temporary)
			run := func(program string, args ...string) map[string]int {
				t.Helper()
				os.RemoveAll(filepath.Join(dir, "dumps"))
				cmd := exec.Command(program, args...)
				cmd.Dir, cmd.Env = dir, env
				if out, err := cmd.CombinedOutput(); err != nil {
					t.Fatalf("%s %q: %v\n%s", program, args, err, out)
				}
				return dumps(t, filepath.Join(dir, "dumps"))
			}
			want := keys(run("go", "test", "-run=^$", "-bench=^BenchmarkDump$"))
			if len(want) != 1 {
				t.Fatalf("go test had %d processes", len(want))
			}
			profiled := keys(run("go", "test", "-run=^$", "-bench=^BenchmarkDump$", "-cpuprofile=profile", "-o="+filepath.Join(temporary, "binary")))
			got := run(os.Args[0], "run", "ways.toml", "--results", filepath.Join(temporary, "out"), "--budget", "6s", "--profile", "cpu")
			alike := 0
			for seen, n := range got {
				switch {
				case seen == want[0]:
					alike += n
				case strings.Contains(seen, "environment: GOGC=off"): // counted
					counted := strings.NewReplacer("environment: GOGC=off\nenvironment: GOMAXPROCS=1\n", "", "processors: 1", "processors: 2").Replace(seen)
					if d := differences(counted, want[0], slices.Concat(valgrinds, []string{"processors", "flag test.parallel", "files", "open files"})...); d != "" {
						t.Errorf("%d processes that were counted see something else:\n%s", n, d)
					}
				case strings.Contains(seen, "-test.cpuprofile="):
					if d := differences(seen, profiled[0], "arguments", "flag test.cpuprofile", "flag test.outputdir", "program", "files"); d != "" {
						t.Errorf("%d processes that were profiled see something else:\n%s", n, d)
					}
				default:
					t.Errorf("%d processes see something else:\n%s", n, differences(seen, want[0]))
				}
			}
			if alike < 5 { // listing, pilot, and some trials
				t.Errorf("%d processes saw what go test shows", alike)
			}
			if text := readRun(t, filepath.Join(temporary, "out")); !strings.Contains(text, `"unlike":[{"code":"`) {
				t.Error("the run says nothing of what is unlike go test")
			}
		})
	}
}

// dumps reads what processes saw, and says how often.
func dumps(t *testing.T, dir string) map[string]int {
	t.Helper()
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]int{}
	for _, f := range files {
		text, err := os.ReadFile(filepath.Join(dir, f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		out[string(text)]++
	}
	return out
}

func keys(m map[string]int) []string { return slices.Sorted(maps.Keys(m)) }

// differences are the lines that only one of the texts has, but for those that begin so.
func differences(got, want string, but ...string) string {
	have, wanted := strings.Split(got, "\n"), strings.Split(want, "\n")
	var out []string
	only := func(sign string, list, other []string) {
		for _, line := range list {
			passed := slices.ContainsFunc(but, func(b string) bool { return strings.HasPrefix(line, b) })
			if !slices.Contains(other, line) && !passed {
				out = append(out, fmt.Sprint(sign, " ", line))
			}
		}
	}
	only("+", have, wanted)
	only("-", wanted, have)
	return strings.Join(out, "\n")
}

// readRun returns the file of the only run in a folder.
func readRun(t *testing.T, dir string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*", "bench.txt"))
	if err != nil || len(files) != 1 {
		t.Fatalf("%v %v", files, err)
	}
	text, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
