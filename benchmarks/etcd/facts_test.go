package etcd

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime/pprof"
	"slices"
	"strings"
	"testing"
	"time"
)

// The releases that the claims are held against.
const (
	kubernetes = "k8s.io/kubernetes@v1.37.2"
	apiserver  = "k8s.io/apiserver@v0.37.2"
)

var etcdModules = []string{"go.etcd.io/etcd/server/v3@v3.7.3", "go.etcd.io/etcd/api/v3@v3.7.3", "go.etcd.io/etcd/pkg/v3@v3.7.3",
	"go.etcd.io/etcd/client/v3@v3.7.3", "go.etcd.io/etcd/client/pkg/v3@v3.7.3"}

// moduleDir downloads a module's source and returns where it lies.
func moduleDir(t *testing.T, module string) string {
	t.Helper()
	cmd := exec.Command("go", "mod", "download", "-json", module)
	cmd.Dir = t.TempDir() // in no module: nobody's go.mod has a say
	cmd.Env = append(os.Environ(), "GOWORK=off")
	out, err := cmd.Output()
	var info struct{ Dir, Error string }
	if jsonErr := json.Unmarshal(out, &info); info.Dir == "" {
		t.Fatalf("downloading the source of %s: %v %v %s", module, err, jsonErr, info.Error)
	}
	return info.Dir
}

// walk calls see with every file below a folder, by its slash path from there.
func walk(t *testing.T, dir string, see func(name string)) (files int) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, err := filepath.Rel(dir, path)
		files++
		see(filepath.ToSlash(name))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// source matches the files that say what is built and how.
var source = regexp.MustCompile(`(\.go|\.sh|\.mk|\.ya?ml|(^|/)(Makefile|Dockerfile)[^/]*)$`)

// A search is for lines that match. A file is looked through only if it has one
// of the words, in any case: a pattern alone takes seconds for a whole release.
type search struct {
	pattern *regexp.Regexp
	words   []string // in lower case
	in      func(name string) bool
}

// matching returns the lines of a folder's sources that match, as file:line.
func matching(t *testing.T, dir string, s search) (found []string, files int) {
	t.Helper()
	walk(t, dir, func(name string) {
		if !source.MatchString(name) || !s.in(name) {
			return
		}
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		files++
		lower := bytes.ToLower(text)
		if !slices.ContainsFunc(s.words, func(word string) bool { return bytes.Contains(lower, []byte(word)) }) {
			return
		}
		for i, line := range strings.Split(string(text), "\n") {
			if s.pattern.MatchString(line) {
				found = append(found, fmt.Sprintf("%s:%d: %s", name, i+1, strings.TrimSpace(line)))
			}
		}
	})
	return found, files
}

func everywhere(string) bool { return true }

// pgoWord matches what a build with a profile would have to say.
var pgoWord = regexp.MustCompile(`(?i)(-pgo\b|\bpgo=|\.pgo\b|\bPGO\b)`)

// Claim 2.4.1: PGO has landed in the Kubernetes control plane. The released
// source has no profile, and its build scripts, etcd's too, use none.
func TestNoPGOInRelease(t *testing.T) {
	if found := pgoWord.FindString("go build -pgo=auto"); found == "" {
		t.Fatal("the pattern does not find what it looks for")
	}
	for _, module := range append([]string{kubernetes}, etcdModules...) {
		dir := moduleDir(t, module)
		var profiles []string
		files := walk(t, dir, func(name string) {
			if strings.HasSuffix(name, ".pgo") || strings.HasSuffix(name, ".pprof") {
				profiles = append(profiles, name)
			}
		})
		if len(profiles) > 0 {
			t.Errorf("%s has profiles: %q", module, profiles)
		}
		lines, read := matching(t, dir, search{pgoWord, []string{"pgo"}, everywhere})
		if len(lines) > 0 {
			t.Errorf("%s speaks of PGO: %q", module, lines)
		}
		if module == kubernetes {
			if _, err := os.Stat(filepath.Join(dir, "hack", "lib", "golang.sh")); err != nil {
				t.Errorf("its build script is not where it was: %v", err)
			}
		}
		t.Logf("%s: none of %d files is a profile, and none of %d sources and build files speaks of -pgo or default.pgo",
			module, files, read)
	}
}

// clangCommand is the article's.
const clangCommand = "clang++ -fprofile-instr-generate main.cpp $(pkg-config --libs k8s)"

// Claim 2.4.2: an instrumented Kubernetes is built with clang++ from main.cpp
// and pkg-config's k8s. Neither exists, and the command fails.
func TestNoClangBuild(t *testing.T) {
	dir := moduleDir(t, kubernetes)
	var found []string
	files := walk(t, dir, func(name string) {
		if base := filepath.Base(name); base == "main.cpp" || strings.HasSuffix(base, ".pc") || strings.HasSuffix(base, ".pc.in") {
			found = append(found, name)
		}
	})
	if len(found) > 0 {
		t.Errorf("%s has %q", kubernetes, found)
	}
	t.Logf("%s: no main.cpp and no k8s.pc among %d files", kubernetes, files)
	for _, tool := range []string{"sh", "clang++", "pkg-config"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Logf("this machine has no %s", tool)
		}
	}
	cmd := exec.Command("sh", "-c", clangCommand)
	cmd.Dir = dir // where a main.cpp would be
	out, err := cmd.CombinedOutput()
	if err == nil {
		t.Errorf("%s: worked", clangCommand)
	}
	t.Logf("$ %s\n%s%v", clangCommand, out, err)
}

// Claim 2.4.3: kube-apiserver's --profiling makes Go's sampling "align" with
// LLVM's. The flag installs HTTP handlers, those of net/http/pprof above all.
func TestProfilingFlagOnlyServesPprof(t *testing.T) {
	dir := moduleDir(t, apiserver)
	notTest := func(name string) bool { return strings.HasSuffix(name, ".go") && !strings.HasSuffix(name, "_test.go") }
	flag, _ := matching(t, dir, search{regexp.MustCompile(`"profiling"`), []string{`"profiling"`}, notTest})
	if len(flag) != 1 || !strings.Contains(flag[0], "o.EnableProfiling") {
		t.Errorf("the flag --profiling: %q", flag)
	}
	// What reads the setting, besides what copies it, is where the server's
	// routes are put together.
	guards, _ := matching(t, dir, search{regexp.MustCompile(`if .*EnableProfiling`), []string{"enableprofiling"}, notTest})
	for _, line := range guards {
		if !strings.HasPrefix(line, "pkg/server/config.go:") {
			t.Errorf("--profiling also decides something at %s", line)
		}
	}
	config, err := os.ReadFile(filepath.Join(dir, "pkg/server/config.go"))
	if err != nil {
		t.Fatal(err)
	}
	if !regexp.MustCompile(`if c\.EnableProfiling \{\s+routes\.Profiling\{\}\.Install\(`).Match(config) {
		t.Error("--profiling does not install routes.Profiling")
	}
	routes, err := os.ReadFile(filepath.Join(dir, "pkg/server/routes/profiling.go"))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(routes, []byte(`"net/http/pprof"`)) {
		t.Error("routes.Profiling does not use net/http/pprof")
	}
	llvm := search{regexp.MustCompile(`(?i)\bllvm|profdata|fprofile`), []string{"llvm", "profdata", "fprofile"}, everywhere}
	for _, module := range []string{apiserver, kubernetes} {
		if lines, files := matching(t, moduleDir(t, module), llvm); len(lines) > 0 {
			t.Errorf("%s speaks of LLVM: %q", module, lines)
		} else {
			t.Logf("%s: none of %d sources and build files speaks of LLVM or its profiles", module, files)
		}
	}
	t.Logf("%s: --profiling sets EnableProfiling (%s), which decides only about HTTP handlers, %q: those of net/http/pprof, of the log level, and one that resets metrics", apiserver, flag, guards)
}

// Claim 2.4.3, what is true instead: Go merges its own profiles, and its
// compiler reads the result.
func TestGoMergesProfiles(t *testing.T) {
	dir := t.TempDir()
	var files []string
	for _, burn := range []struct {
		name string
		do   func() uint64
	}{{"one", burnOne}, {"two", burnTwo}} {
		file := filepath.Join(dir, burn.name+".pprof")
		f, err := os.Create(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := pprof.StartCPUProfile(f); err != nil {
			t.Fatal(err)
		}
		for end := time.Now().Add(300 * time.Millisecond); time.Now().Before(end); {
			burn.do()
		}
		pprof.StopCPUProfile()
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	merged, read := filepath.Join(dir, "merged.pprof"), filepath.Join(dir, "merged.txt")
	goTool(t, append([]string{"tool", "pprof", "-proto", "-output=" + merged}, files...)...)
	text := unzipped(t, merged)
	goTool(t, "tool", "preprofile", "-i", merged, "-o", read)
	edges, err := os.ReadFile(read)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"burnOne", "burnTwo"} {
		if !strings.Contains(text, name) {
			t.Errorf("the merged profile lacks %s", name)
		}
		if !strings.Contains(string(edges), name) {
			t.Errorf("the compiler's reading of it lacks %s:\n%s", name, edges)
		}
	}
	t.Logf("go tool pprof -proto merged two CPU profiles, and the compiler's go tool preprofile read %d lines with the functions of both", bytes.Count(edges, []byte("\n")))
}

func goTool(t *testing.T, args ...string) {
	t.Helper()
	if out, err := exec.Command("go", args...).CombinedOutput(); err != nil {
		t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

func unzipped(t *testing.T, file string) string {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

//go:noinline
func burnOne() (x uint64) {
	for i := range uint64(1 << 16) {
		x ^= i * 0x9e3779b97f4a7c15
	}
	return x
}

//go:noinline
func burnTwo() (x uint64) {
	for i := range uint64(1 << 16) {
		x += i ^ x>>7
	}
	return x
}
