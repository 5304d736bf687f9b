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
	"tunelab/harness/repo"
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

	layout   uint64 // seed of the link order; 0: as the linker has it
	goroot   string // of the Go that built it, "" where that was not asked for
	serves   bool   // its benchmarks run on command
	unserved string // why not
}

// built is what a variant is measured with.
type built struct {
	bench   *binary       // the test binary
	subject *binary       // the program that it drives; nil without one
	profile string        // file that it was built with, "" without PGO
	trained time.Duration // what taking that profile took; 0 where it was at hand

	target  target          // of what the variant's settings build
	set     settings        // those
	layouts map[int]*binary // the same in other layouts, by draw
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
	serve    bool     // let benchmarks run on command
	layout   uint64   // seed of the link order; 0: as the linker has it
}

// builder builds every variant once, through Go's own cache.
type builder struct {
	scratch  string // where binaries go
	children *process.Supervisor
	tell     func(Progress)
	byKey    map[string]*binary
	prepared map[string]*preparation // by key without layout
}

// Limits of a build.
const (
	buildTimeout = time.Hour
	maxTail      = 4 << 10 // bytes of a child's last output that are kept
)

// An order is for a build. The name is for messages.
type order struct {
	name string
	t    target
	set  settings
}

// build returns the target as the settings make it. The name is for messages.
func (b *builder) build(ctx context.Context, name string, t target, set settings) (*binary, error) {
	if set.layout == 0 && b.byKey[buildKey(t, set)] == nil { // of layouts there are many; who wants them says so
		b.tell(Progress{Stage: StageBuild, Text: "building " + strings.Replace(name, "variant ", "", 1)})
	}
	list, err := b.buildAll(ctx, order{name, t, set})
	if err != nil {
		return nil, err
	}
	return list[0], nil
}

// buildAll returns what is ordered, in this order. What is not at hand is built at the same time. What can be built, but not
// so that its benchmarks run on command, is built as it is.
func (b *builder) buildAll(ctx context.Context, orders ...order) ([]*binary, error) {
	list, err := b.tryAll(ctx, orders)
	if err == nil || ctx.Err() != nil || !b.servesAny(orders) {
		return list, err
	}
	plain := slices.Clone(orders)
	for i := range plain {
		plain[i].set.serve = false
	}
	if _, plainErr := b.tryAll(ctx, plain); plainErr != nil {
		return nil, plainErr // which says nothing of files that nobody wrote
	}
	for _, o := range orders {
		if ready := b.prepared[o.key()]; ready != nil && o.set.serve {
			ready.unserve(buildProblem(err))
		}
	}
	return b.tryAll(ctx, orders)
}

// servesAny reports whether benchmarks of any of the orders are to run on command.
func (b *builder) servesAny(orders []order) bool {
	return slices.ContainsFunc(orders, func(o order) bool {
		ready := b.prepared[o.key()]
		return o.set.serve && (ready == nil || ready.unserved == "")
	})
}

// key tells what is prepared for orders apart.
func (o order) key() string {
	o.set.layout = 0
	return buildKey(o.t, o.set)
}

// unserve has a build made without what lets benchmarks run on command.
func (p *preparation) unserve(why string) {
	p.unserved, p.args = why, p.plain
}

// buildProblem is what the go command said of a failed build, in a line.
func buildProblem(err error) string {
	for line := range strings.Lines(err.Error()) {
		if line = strings.TrimSpace(line); strings.Contains(line, ".go:") {
			return "it can't be built so that benchmarks run on command: " + line
		}
	}
	return "it can't be built so that benchmarks run on command: " + firstLine(err.Error())
}

func (b *builder) tryAll(ctx context.Context, orders []order) ([]*binary, error) {
	began := time.Now()
	list := make([]*binary, len(orders))
	var specs []process.Spec
	var building []int // the orders of specs
	for i, o := range orders {
		if list[i] = b.byKey[buildKey(o.t, o.set)]; list[i] != nil {
			continue
		}
		ready, err := b.prepare(ctx, o)
		if err != nil {
			return nil, err
		}
		list[i] = &binary{layout: o.set.layout, goroot: ready.goroot, serves: o.set.serve && ready.unserved == "", unserved: ready.unserved}
		list[i].path = filepath.Join(b.scratch, fmt.Sprintf("binary-%d", len(b.byKey)+len(specs)))
		spec, err := b.goSpec(o.t.dir, append(withEnv(nil, o.set.buildEnv), ready.env...), o.args(list[i].path, ready)...)
		if err != nil {
			return nil, err
		}
		specs, building = append(specs, spec), append(building, i)
	}
	if len(specs) == 0 {
		return list, nil
	}
	exits, err := b.children.RunAll(ctx, specs...)
	for j, i := range building {
		o, exit := orders[i], &exits[j]
		if err == nil && !exit.Ok() {
			err = fmt.Errorf("go %s: %s", specs[j].Args[0], exit.Why(specs[j]))
		}
		text := exit.Tail(maxTail)
		if err != nil {
			return nil, fmt.Errorf("%w: building %s in %s: %w\n%s", ErrFailed, o.name, o.t.dir, err, indent(text))
		}
		if _, err := os.Stat(list[i].path); err != nil && o.t.test {
			return nil, fmt.Errorf("building %s: %s has no test files, so there are no benchmarks: %s", o.name, o.t.dir, strings.TrimSpace(text))
		} else if err != nil {
			return nil, fmt.Errorf("building %s: %s in %s is no main package: %s", o.name, o.t.pkg, o.t.dir, strings.TrimSpace(text))
		}
		if err := list[i].inspect(); err != nil {
			return nil, fmt.Errorf("building %s: %w", o.name, err)
		}
		list[i].took = time.Since(began)
	}
	for _, i := range building {
		b.byKey[buildKey(orders[i].t, orders[i].set)] = list[i]
	}
	return list, nil
}

// args are what the go command is given to build the order to the file out.
func (o order) args(out string, ready *preparation) []string {
	args := []string{"build", "-o", out}
	if o.t.test {
		args = []string{"test", "-c", "-o", out}
	}
	args = slices.Concat(args, withLayout(o.set.flags, o.set.layout), ready.args)
	if o.set.profile != "" {
		args = append(args, "-pgo="+o.set.profile)
	}
	return append(args, o.t.pkg)
}

// A preparation is what the go command is given besides the settings' own flags, in every layout the same.
type preparation struct {
	args, env []string
	goroot    string
	plain     []string // args without what lets benchmarks run on command
	unserved  string   // why its benchmarks don't run on command though they should
}

// prepare makes the files that replace others in the build, once for all of its layouts.
func (b *builder) prepare(ctx context.Context, o order) (*preparation, error) {
	key := o.key()
	if done := b.prepared[key]; done != nil {
		return done, nil
	}
	replaced, err := b.rewrite(ctx, o.name, o.t, o.set)
	if err != nil {
		return nil, err
	}
	p := &preparation{env: replaced.env}
	overlaid, err := b.overlay(replaced.files)
	if err != nil {
		return nil, err
	}
	p.plain = slices.Concat(replaced.args, overlaid)
	p.args = p.plain
	if o.set.serve {
		if b.serve(ctx, p, o.t, o.set, &replaced); p.unserved == "" {
			if overlaid, err = b.overlay(replaced.files); err != nil {
				return nil, err
			}
			p.args = slices.Concat(replaced.args, overlaid)
		}
	}
	b.prepared[key] = p
	return p, nil
}

// goOutput runs the go tool in dir, with what set has besides in its environment. The error is also for a status that
// is not 0; what was printed is in Exit either way.
func (b *builder) goOutput(ctx context.Context, dir string, set []string, args ...string) (process.Exit, error) {
	spec, err := b.goSpec(dir, set, args...)
	if err != nil {
		return process.Exit{}, err
	}
	exit, err := b.children.Run(ctx, spec)
	if err == nil && !exit.Ok() {
		err = fmt.Errorf("go %s: %s", args[0], exit.Why(spec))
	}
	return exit, err
}

// goSpec is how the go tool is run.
func (b *builder) goSpec(dir string, set []string, args ...string) (process.Spec, error) {
	tool, err := exec.LookPath("go")
	if err != nil {
		return process.Spec{}, fmt.Errorf("finding the go command: %w; install Go from https://go.dev/dl", err)
	}
	// A build that is killed leaves its work behind; in our folder that goes with it.
	variables := map[string]string{"GOTMPDIR": b.scratch, "PWD": dir}
	for _, entry := range set {
		name, value, _ := strings.Cut(entry, "=")
		variables[name] = value
	}
	return process.Spec{
		Path: tool, Args: args, Dir: dir, Env: withEnv(os.Environ(), variables),
		Timeout: buildTimeout, MaxOutput: maxOutput,
	}, nil
}

// buildKey tells builds apart.
func buildKey(t target, set settings) string {
	env := withEnv(nil, set.buildEnv)
	slices.Sort(env)
	return fmt.Sprintf("%q %q %v %q %q %q %q %q %v %d", t.dir, t.pkg, t.test, set.flags, env, set.profile, set.rewrites, set.modules, set.serve, set.layout)
}

// inspect reads what the file is.
func (b *binary) inspect() error {
	f, err := os.Open(b.path)
	if err != nil {
		return fmt.Errorf("reading the binary: %w", err)
	}
	defer f.Close()
	hash := sha256.New()
	if b.bytes, err = io.Copy(hash, f); err != nil {
		return fmt.Errorf("reading the binary %s: %w", b.path, err)
	}
	info, err := buildinfo.Read(f)
	if err != nil {
		return fmt.Errorf("reading the build information of %s: %w", b.path, err)
	}
	b.sha256, b.goVer = hex.EncodeToString(hash.Sum(nil)), info.GoVersion
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
	return nil
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
	r, _, err := repo.Open(ctx, dir)
	if err != nil {
		return ""
	}
	head, err := r.Resolve(ctx, "HEAD")
	if err != nil {
		return ""
	}
	if changed, err := r.Changed(ctx); err != nil || changed {
		return head.Hash + "+dirty"
	}
	return head.Hash
}

func indent(text string) string {
	return "\t" + strings.ReplaceAll(strings.TrimRight(text, "\n"), "\n", "\n\t")
}

func sha256Hex(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}
