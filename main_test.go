package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"tunelab/harness"
	"tunelab/harness/lock"
)

// asCommand makes the test binary be tunelab, for tests that must kill a real process.
const asCommand = "TUNELAB_TEST_AS_COMMAND"

func TestMain(m *testing.M) {
	if harness.WatchIfAsked() {
		return
	}
	if os.Getenv(asCommand) != "" {
		main()
	}
	if err := flag.Set("test.parallel", strconv.Itoa(max(4, runtime.GOMAXPROCS(0)))); err != nil { // they wait for budgets to end, most of the time
		panic(err)
	}
	testscript.Main(m, map[string]func(){"tunelab": main})
}

// TestScripts runs testdata/script: each file is a session at the terminal that a user could have had.
func TestScripts(t *testing.T) {
	goEnv := goEnvironment(t)
	testscript.Run(t, testscript.Params{
		Dir:                 filepath.Join("testdata", "script"),
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Cmds:                map[string]func(*testscript.TestScript, bool, []string){"status": status},
		Condition: func(name string) (bool, error) {
			switch name {
			case "cgroup":
				return canLimit(), nil
			case "slow": // what CI has the time for
				return os.Getenv("TUNELAB_TEST_SLOW") != "", nil
			}
			return false, fmt.Errorf("unknown condition %q", name)
		},
		Setup: func(env *testscript.Env) error {
			env.Setenv(lock.PathVar, filepath.Join(env.WorkDir, ".lock"))
			env.Setenv("COLUMNS", "100")
			for _, e := range goEnv {
				name, value, _ := strings.Cut(e, "=")
				env.Setenv(name, value)
			}
			return nil
		},
	})
}

// inCI skips what takes too long for the newcomer's command.
func inCI(t *testing.T) {
	t.Helper()
	if os.Getenv("TUNELAB_TEST_SLOW") == "" {
		t.Skip("TUNELAB_TEST_SLOW=1 asks for it")
	}
}

// canLimit reports whether a memory cgroup can be made here.
func canLimit() bool {
	for _, parent := range []string{"/sys/fs/cgroup/memory", "/sys/fs/cgroup"} {
		dir := filepath.Join(parent, fmt.Sprintf("tunelab-can-%d", os.Getpid()))
		if os.Mkdir(dir, 0o755) == nil {
			return os.Remove(dir) == nil
		}
	}
	return false
}

// status runs a command and wants it to end with the given exit status.
func status(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: status N command …")
	}
	got := "0"
	err := ts.Exec(args[1], args[2:]...)
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		got = strconv.Itoa(exit.ExitCode())
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if got != args[0] {
		ts.Fatalf("%q ended with status %s, want %s", args[1:], got, args[0])
	}
}

// goEnvironment is what the go command needs of our own environment to find its caches, so that scripts, whose home
// is elsewhere, build through the same ones.
func goEnvironment(t *testing.T) []string {
	home, err := os.UserHomeDir()
	if err != nil {
		t.Fatal(err)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	defaults := map[string]string{
		"GOPATH": filepath.Join(home, "go"), "GOCACHE": filepath.Join(cache, "go-build"),
		"GOMODCACHE": "", "GOPROXY": "", "GOFLAGS": "", "GOTOOLCHAIN": "", "GONOSUMDB": "", "GOSUMDB": "",
	}
	var env []string
	for name, value := range defaults {
		if set, ok := os.LookupEnv(name); ok {
			value = set
		}
		if value != "" {
			env = append(env, name+"="+value)
		}
	}
	return env
}

// writeFiles writes the files of a map from name to text.
func writeFiles(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
}

// tunelab returns the command as a real process in dir, with a lock of its own.
func tunelab(dir string, args ...string) *exec.Cmd {
	cmd := exec.Command(os.Args[0], args...)
	cmd.Dir = dir
	temporary := filepath.Join(dir, "tmp")
	os.Mkdir(temporary, 0o777) // it may be there already
	cmd.Env = append(os.Environ(), asCommand+"=1", lock.PathVar+"="+filepath.Join(dir, "lock"), "TMPDIR="+temporary)
	return cmd
}
