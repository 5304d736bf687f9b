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

// A binary is a built test binary. Variants that are built alike share one.
type binary struct {
	path    string
	sha256  string
	goVer   string
	pkg     string // import path of the package it tests
	info    string // module and settings of `go version -m`
	took    time.Duration
	trimmed string // first 12 hex digits of sha256
}

// builder builds every variant once, through Go's own cache.
type builder struct {
	dir      string // the package's folder
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

func (b *builder) build(ctx context.Context, v scenarios.Variant) (*binary, error) {
	key := buildKey(v)
	if done := b.byKey[key]; done != nil {
		return done, nil
	}
	b.tell(Progress{Stage: StageBuild, Text: "building " + v.Name})
	out := filepath.Join(b.scratch, fmt.Sprintf("bench-%d.test", len(b.byKey)))
	args := append([]string{"test", "-c", "-o", out}, v.Flags...)
	began := time.Now()
	text, err := b.goCommand(ctx, v, append(args, ".")...)
	if err != nil {
		return nil, fmt.Errorf("%w: building variant %s in %s: %w\n%s", ErrFailed, v.Name, b.dir, err, indent(text))
	}
	if _, err := os.Stat(out); err != nil {
		return nil, fmt.Errorf("building variant %s: %s has no test files, so there are no benchmarks: %s", v.Name, b.dir, strings.TrimSpace(text))
	}
	bin, err := inspect(out)
	if err != nil {
		return nil, fmt.Errorf("building variant %s: %w", v.Name, err)
	}
	bin.took = time.Since(began)
	b.byKey[key] = bin
	return bin, nil
}

// goCommand runs the go tool in the package's folder with the variant's build environment.
func (b *builder) goCommand(ctx context.Context, v scenarios.Variant, args ...string) (string, error) {
	tool, err := exec.LookPath("go")
	if err != nil {
		return "", fmt.Errorf("finding the go command: %w; install Go from https://go.dev/dl", err)
	}
	// A build that is killed leaves its work behind; in our folder that goes with it.
	env := withEnv(os.Environ(), map[string]string{"GOTMPDIR": b.scratch})
	spec := process.Spec{
		Path: tool, Args: args, Dir: b.dir, Env: withEnv(env, v.BuildEnv),
		Timeout: buildTimeout, MaxOutput: maxOutput,
	}
	exit, err := b.children.Run(ctx, spec)
	if err == nil && !exit.Ok() {
		err = fmt.Errorf("go %s: %s", args[0], exit.Why(spec))
	}
	return exit.Tail(maxTail), err
}

// buildKey tells variants apart that are built differently.
func buildKey(v scenarios.Variant) string {
	env := withEnv(nil, v.BuildEnv)
	slices.Sort(env)
	return strings.Join(v.Flags, "\x00") + "\x01" + strings.Join(env, "\x00")
}

func inspect(path string) (*binary, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("reading the binary: %w", err)
	}
	defer f.Close()
	hash := sha256.New()
	if _, err := io.Copy(hash, f); err != nil {
		return nil, fmt.Errorf("reading the binary %s: %w", path, err)
	}
	info, err := buildinfo.Read(f)
	if err != nil {
		return nil, fmt.Errorf("reading the build information of %s: %w", path, err)
	}
	b := &binary{path: path, sha256: hex.EncodeToString(hash.Sum(nil)), goVer: info.GoVersion}
	b.trimmed = b.sha256[:12]
	b.pkg = strings.TrimSuffix(info.Path, ".test")
	parts := []string{info.GoVersion, "path " + info.Path, "mod " + info.Main.Path + " " + info.Main.Version}
	for _, s := range info.Settings {
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
