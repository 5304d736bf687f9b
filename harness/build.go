package harness

import (
	"bytes"
	"context"
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"tunelab/harness/internal/process"
	"tunelab/scenarios"
)

// A binary is a built program. Variants that are built alike share one.
type binary struct {
	path    string
	sha256  string
	goVer   string
	pkg     string // import path of the package, of the one that is tested in a test binary
	info    string // module and settings of `go version -m`
	bytes   int64
	took    time.Duration
	trimmed string // first 12 hex digits of sha256
}

// built is what a variant is measured with.
type built struct {
	bench   *binary       // the test binary
	subject *binary       // the program that it drives; nil without one
	profile string        // file that it was built with, "" without PGO
	trained time.Duration // what taking that profile took; 0 where it was at hand
}

// varied returns the binary that the variant's settings built.
func (b built) varied() *binary {
	if b.subject != nil {
		return b.subject
	}
	return b.bench
}

// A target is what go builds: a package, or its tests.
type target struct {
	dir  string // absolute; where the go command runs
	pkg  string // as the go command takes it there
	test bool
}

// settings are what a variant sets of a build.
type settings struct {
	flags    []string
	buildEnv map[string]string
	profile  string
	rewrites []scenarios.Rewrite
	position string   // of the rewrites in the scenario, for messages
	modules  []string // that are built from a copy, rewritten or not
}

// builder builds every variant once, through Go's own cache.
type builder struct {
	scratch  string // where binaries go
	children *process.Supervisor
	tell     func(Progress)
	byKey    map[string]*binary
}

// Limits of a build.
const (
	buildTimeout = time.Hour
	maxTail      = 4 << 10 // bytes of a child's last output that are kept
)

// build returns the target as the settings make it. The name is for messages.
func (b *builder) build(ctx context.Context, name string, t target, set settings) (*binary, error) {
	key := buildKey(t, set)
	if done := b.byKey[key]; done != nil {
		return done, nil
	}
	b.tell(Progress{Stage: StageBuild, Text: "building " + strings.Replace(name, "variant ", "", 1)})
	began := time.Now()
	replaced, err := b.rewrite(ctx, name, t, set)
	if err != nil {
		return nil, err
	}
	out := filepath.Join(b.scratch, fmt.Sprintf("binary-%d", len(b.byKey)))
	args := []string{"build", "-o", out}
	if t.test {
		args = []string{"test", "-c", "-o", out}
	}
	args = append(append(args, set.flags...), replaced.args...)
	if set.profile != "" {
		args = append(args, "-pgo="+set.profile)
	}
	exit, err := b.goOutput(ctx, t.dir, append(withEnv(nil, set.buildEnv), replaced.env...), append(args, t.pkg)...)
	text := exit.Tail(maxTail)
	if err != nil {
		return nil, fmt.Errorf("%w: building %s in %s: %w\n%s", ErrFailed, name, t.dir, err, indent(text))
	}
	if _, err := os.Stat(out); err != nil && t.test {
		return nil, fmt.Errorf("building %s: %s has no test files, so there are no benchmarks: %s", name, t.dir, strings.TrimSpace(text))
	} else if err != nil {
		return nil, fmt.Errorf("building %s: %s in %s is no main package: %s", name, t.pkg, t.dir, strings.TrimSpace(text))
	}
	bin, err := inspect(out)
	if err != nil {
		return nil, fmt.Errorf("building %s: %w", name, err)
	}
	bin.took = time.Since(began)
	b.byKey[key] = bin
	return bin, nil
}

// goOutput runs the go tool in dir, with what set has besides in its environment. The error is also for a status that
// is not 0; what was printed is in Exit either way.
func (b *builder) goOutput(ctx context.Context, dir string, set []string, args ...string) (process.Exit, error) {
	tool, err := exec.LookPath("go")
	if err != nil {
		return process.Exit{}, fmt.Errorf("finding the go command: %w; install Go from https://go.dev/dl", err)
	}
	// A build that is killed leaves its work behind; in our folder that goes with it.
	variables := map[string]string{"GOTMPDIR": b.scratch, "PWD": dir}
	for _, entry := range set {
		name, value, _ := strings.Cut(entry, "=")
		variables[name] = value
	}
	spec := process.Spec{
		Path: tool, Args: args, Dir: dir, Env: withEnv(os.Environ(), variables),
		Timeout: buildTimeout, MaxOutput: maxOutput,
	}
	exit, err := b.children.Run(ctx, spec)
	if err == nil && !exit.Ok() {
		err = fmt.Errorf("go %s: %s", args[0], exit.Why(spec))
	}
	return exit, err
}

// buildKey tells builds apart.
func buildKey(t target, set settings) string {
	env := withEnv(nil, set.buildEnv)
	slices.Sort(env)
	return fmt.Sprintf("%q %q %v %q %q %q %q %q", t.dir, t.pkg, t.test, set.flags, env, set.profile, set.rewrites, set.modules)
}

func inspect(path string) (*binary, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("reading the binary: %w", err)
	}
	defer f.Close()
	hash := sha256.New()
	size, err := io.Copy(hash, f)
	if err != nil {
		return nil, fmt.Errorf("reading the binary %s: %w", path, err)
	}
	info, err := buildinfo.Read(f)
	if err != nil {
		return nil, fmt.Errorf("reading the build information of %s: %w", path, err)
	}
	b := &binary{path: path, bytes: size, sha256: hex.EncodeToString(hash.Sum(nil)), goVer: info.GoVersion}
	b.trimmed = b.sha256[:12]
	b.pkg = strings.TrimSuffix(info.Path, ".test")
	parts := []string{info.GoVersion, "path " + info.Path, "mod " + info.Main.Path + " " + info.Main.Version}
	for _, s := range info.Settings {
		if s.Key == "-pgo" { // the run's folder is where it is; the variant names the profile in it
			s.Value = filepath.Base(s.Value)
		}
		parts = append(parts, s.Key+"="+s.Value)
	}
	b.info = strings.Join(parts, "\n")
	return b, nil
}

// unknownSettings warns of GODEBUG settings that the binary does not know. The runtime ignores them without a word,
// and a variant that changes nothing would be found the same as the base.
func (b *binary) unknownSettings(v scenarios.Variant) []string {
	debug, ok := v.Env["GODEBUG"]
	if !ok {
		return nil
	}
	content, err := os.ReadFile(b.path)
	if err != nil {
		return []string{fmt.Sprintf("GODEBUG of variant %s could not be checked: %v", v.Name, err)}
	}
	var warnings []string
	for _, setting := range strings.Split(debug, ",") {
		if name, _, _ := strings.Cut(setting, "="); name != "" && !bytes.Contains(content, []byte(name)) {
			warnings = append(warnings, fmt.Sprintf("GODEBUG setting %q of variant %s is unknown to %s: it changes nothing", name, v.Name, b.goVer))
		}
	}
	return warnings
}

// withEnv returns env with the variables of set put in the place of those of the same name.
func withEnv(env []string, set map[string]string) []string {
	out := slices.Clone(env)
	out = slices.DeleteFunc(out, func(e string) bool {
		name, _, _ := strings.Cut(e, "=")
		_, ok := set[name]
		return ok
	})
	for name, value := range set {
		out = append(out, name+"="+value)
	}
	slices.Sort(out[len(out)-len(set):])
	return out
}

// revision returns the git revision of the folder's module, "+dirty" behind it where the checkout differs, and ""
// where there is none.
func revision(ctx context.Context, dir string) string {
	git := func(args ...string) (string, bool) {
		cmd := exec.CommandContext(ctx, "git", args...)
		cmd.Dir = dir
		out, err := cmd.Output()
		return strings.TrimSpace(string(out)), err == nil
	}
	head, ok := git("rev-parse", "HEAD")
	if !ok {
		return ""
	}
	if status, ok := git("status", "--porcelain", "--untracked-files=no"); !ok || status != "" {
		head += "+dirty"
	}
	return head
}

func indent(text string) string {
	return "\t" + strings.ReplaceAll(strings.TrimRight(text, "\n"), "\n", "\n\t")
}

func sha256Hex(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}
